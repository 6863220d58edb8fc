"""The source of the reason of a failure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flink_k8s.health.failure_reason import OperatorError, fatal_error, pod_issue, python_error
from flink_k8s.health.pods import may_be_scheduled


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, ""),
        ("", ""),
        ("no JSON", "no JSON"),
        ('{"type": "X", "message": "outer"}', "X: outer"),
        ('{"type": "X", "message": "outer", "throwableList": [{"type": "Y", "message": "inner"}]}', "Y: inner"),
        ('{"type": "X", "message": "outer", "throwableList": [{"type": "Y", "message": ""}]}', "X: outer"),
        (
            '{"type": "o.SerializedThrowable", "message": "o", "throwableList": '
            '[{"type": "o.SerializedThrowable", "message": "java.nio.file.NoSuchFileException: /nope.py"}]}',
            "java.nio.file.NoSuchFileException: /nope.py",
        ),
        # Of two exceptions of one type, the outer one contains the location.
        (
            '{"type": "X", "message": "o", "throwableList": [{"type": "Y", "message": "TaskManager: too little"}, '
            '{"type": "Y", "message": "too little"}]}',
            "Y: TaskManager: too little",
        ),
        # Calcite's exception has the position in a SQL script, its cause has not.
        (
            '{"type": "X", "message": "o", "throwableList": [{"type": "V", "message": "SQL validation failed."},'
            ' {"type": "o.C", "message": "From line 4, column 3 to line 4, column 5: Column \'x\' not found"},'
            ' {"type": "D", "message": "Column \'x\' not found"}]}',
            "o.C: From line 4, column 3 to line 4, column 5: Column 'x' not found",
        ),
        (
            "o.A: first\n\tat o.B(B.java:1)\nCaused by: o.V: SQL validation failed. From line 4, column 3: no x\n"
            "Caused by: o.C: From line 4, column 3: no x\n\t... 3 more\nCaused by: o.D: no x",
            "o.C: From line 4, column 3: no x",
        ),
        # Flink wraps exceptions to serialize them; these are of a statement that SqlDriver runs.
        (
            '{"type": "o.SerializedThrowable", "message": "o.P: The main method failed: null", "throwableList": ['
            '{"type": "o.SerializedThrowable", "message": "java.lang.reflect.InvocationTargetException"},'
            '{"type": "o.SerializedThrowable", "message": "o.G: Failed to execute the script."},'
            '{"type": "o.SerializedThrowable", "message": "o.C: From line 4, column 3 to line 4, column 5: no x"},'
            '{"type": "o.SerializedThrowable", "message": "o.D: no x"}]}',
            "o.C: From line 4, column 3 to line 4, column 5: no x",
        ),
        (
            '{"type": "o.SerializedThrowable", "message": "o.P: failed", "throwableList": ['
            '{"type": "o.SerializedThrowable", "message": "o.Q: Encountered \\"x\\" at line 2, column 9.\\n'
            'Was expecting one of:\\n    \\"ABS\\" ...\\n"}]}',
            'o.Q: Encountered "x" at line 2, column 9.',
        ),
        # The whole stack in a message, as Flink's REST interface answers.
        (
            '{"type": "X", "message": "[o.RestHandlerException: Could not execute\\n\\tat o.A(A.java:1)\\n'
            'Caused by: o.B: b\\n\\tat o.C(C.java:2)\\nCaused by: o.D: why\\n\\t... 3 more"}',
            "o.D: why",
        ),
        ("o.A: first\n\tat o.B(B.java:1)", "o.A: first"),
        ("two lines\nof a text", "two lines\nof a text"),
    ],
)
def test_innermost_error(error: str | None, reason: str):
    assert OperatorError.of(error).text == reason


def test_last_line_of_python_is_the_error():
    line = "2026-11-22 INFO  org.apache.flink.client.python.PythonDriver [] - "
    log = (
        f"{line}------ Python Process Started ------\n{line}Traceback (most recent call last):\nnoise\n"
        f"{line}ValueError: no such thing\n{line}------ Python Process Exited ------\n{line}later\n"
    )
    assert python_error(log) == "ValueError: no such thing"
    assert python_error(log.replace("ValueError: no such thing", "---")) == "Traceback (most recent call last):"
    assert python_error("nothing of the kind") == ""


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({}, ""),
        ({"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}, ""),
        (
            {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}]},
            "pod p: ImagePullBackOff: not found",
        ),
        (
            {
                "initContainerStatuses": [
                    {
                        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                        "lastState": {"terminated": {"exitCode": 1, "message": "attempt 1\nno such jar\n"}},
                    }
                ]
            },
            "pod p: CrashLoopBackOff: back-off; no such jar",
        ),
        (
            {
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no cpu"}
                ]
            },
            "pod p: Unschedulable: no cpu",
        ),
    ],
)
def test_pod_issue(status: dict[str, Any], message: str):
    assert pod_issue({"metadata": {"name": "p"}, "status": status}) == message


NO_VICTIMS, NOT_HELPFUL = "No preemption victims found for incoming pod", "Preemption is not helpful for scheduling"


@pytest.mark.parametrize(
    ("message", "may_be"),
    [
        (f"0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 {NO_VICTIMS}.", True),
        (f"0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 {NOT_HELPFUL}.", False),
        (f"0/2 nodes are available: 1 Insufficient cpu, 1 tainted. preemption: 1 {NO_VICTIMS}, 1 {NOT_HELPFUL}.", True),
        (
            f"0/1 nodes: pod has unbound immediate PersistentVolumeClaims. preemption: {NOT_HELPFUL}.",
            True,
        ),
        ("words of another scheduler", True),
    ],
)
def test_scheduler_messages_that_can_resolve_without_a_change(message: str, may_be: bool):
    assert may_be_scheduled(message) == may_be


def test_error_without_a_remedy_gets_one():
    template = (
        "JobManager deployment is missing and HA metadata is not available to make stateful upgrades. Manual restore"
    )
    for error in (template, json.dumps({"type": "o.UpgradeFailureException", "message": template})):
        text = OperatorError.of(error).text
        assert template in text
        assert text.endswith("if it has run, set restoreFrom to a savepoint or checkpoint")


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("", ""),
        ("2026-11-29 20:00:00,1 ERROR x [] - no exception", ""),
        (
            "2026-11-29 20:00:00,1 ERROR x [] - Failed.\nIllegalState: no\n\tat a.B.c(B.java:1)\n",
            "IllegalState: no",
        ),
        (
            "2026-11-29 20:00:00,1 ERROR x [] - Failed.\nA: a\n\tat a.B.c(1)\nCaused by: B: p?password=hunter2\n",
            "B: p?password=[hidden]",
        ),
    ],
)
def test_the_last_exception_of_a_log_is_named_by_its_root_cause_without_secrets(log: str, reason: str):
    assert fatal_error(log) == reason
