"""Our comparison of specs and the operator's own ReflectiveDiffBuilder say the same of the same pairs.

It runs out of the operator's published jars, offline, one JVM for all pairs of an operator version.
"""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import copy
import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flink_k8s.facts import tables as known
from flink_k8s.plan.spec_changes import aggregate, compare
from tests.e2e.validator import java, tables
from tests.unit.plan.cases import CASES

pytestmark = pytest.mark.full

OPERATORS = ("1.7.0", "1.16.1")

MUTATIONS = 1500


@dataclass(frozen=True)
class Pair:
    """Two specs of a kind."""

    kind: str
    mode: str
    old: dict[str, Any]
    new: dict[str, Any]

    def request(self) -> str:
        return json.dumps({"kind": self.kind, "mode": self.mode, "old": self.old, "new": self.new})


def theirs(pairs: list[Pair], operator: str) -> list[tuple[str, set[str]]]:
    """The operator's verdicts: the type, and the first part of each field that differs."""
    jars = java.operator_jars(operator)
    with tempfile.TemporaryDirectory() as folder:
        requests, file = Path(folder) / "asked", Path(folder) / "answered"
        requests.write_text("".join(pair.request() + "\n" for pair in pairs))
        java.run("SpecChanges", jars, ["compare", str(requests), str(file)])
        lines = file.read_text().split("\n")[:-1]
    assert len(lines) == len(pairs)
    return [(line.partition("\t")[0], set(line.partition("\t")[2].split(" ")) - {""}) for line in lines]


def differing(pairs: list[Pair], operator: str) -> list[str]:
    messages: list[str] = []
    for pair, (diff, fields) in zip(pairs, theirs(pairs, operator), strict=True):
        changes = compare(pair.kind, pair.old, pair.new, operator, pair.mode)
        ours = aggregate(changes).name
        first = {change.path[0] for change in changes}
        if diff != ours or {field.partition(".")[0] for field in fields} != first:
            messages.append(f"{pair.request()}\n    operator: {diff} {fields}\n    ours: {ours} {first}")
    return messages


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_table_of_spec_changes_equals_that_of_the_jar(operator: str) -> None:
    assert tables.spec_changes(java.operator_jars(operator)) == known.spec_changes(operator), (
        "python -m tests.e2e.validator.tables"
    )


@pytest.mark.parametrize("operator", OPERATORS)
def test_each_case_of_the_plan_agrees_with_the_operator(operator: str) -> None:
    """The diffs of tests/unit/plan/cases.py, on the operator's own classes."""
    pairs: list[Pair] = []
    for case in CASES:
        old, new = case.old_spec(), case.new_spec()
        if case.compares and operator in case.operators and old is not None and new is not None:
            pairs.append(Pair(case.compares, new.get("mode") or "native", old, new))
    assert len(pairs) >= 40
    wrong = differing(pairs, operator)
    assert not wrong, "\n".join(wrong)


BASE: dict[str, Any] = {
    "image": "flink:2.2",
    "imagePullPolicy": "IfNotPresent",
    "flinkVersion": "v1_19",
    "serviceAccount": "flink",
    "restartNonce": 1,
    "mode": "native",
    "ingress": {"template": "{{name}}.example.org", "className": "nginx", "annotations": {"a": "b"}},
    "logConfiguration": {"log4j-console.properties": "rootLogger.level = INFO"},
    "flinkConfiguration": {"taskmanager.numberOfTaskSlots": "2", "kubernetes.operator.x": "1", "parallelism.default": "2"},
    "jobManager": {"resource": {"memory": "2048m", "cpu": 1}, "replicas": 1, "podTemplate": {"spec": {"nodeSelector": {"a": "b"}}}},
    "taskManager": {"resource": {"memory": "2048m", "cpu": 1.5}, "replicas": 2},
    "podTemplate": {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"labels": {"a": "b"}, "annotations": {}},
        "spec": {
            "containers": [
                {
                    "name": "flink-main-container",
                    "env": [{"name": "A", "value": "1"}],
                    "volumeMounts": [],
                    "ports": [{"containerPort": 9249, "name": "metrics"}],
                    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {}},
                }
            ],
            "volumes": [{"name": "d", "emptyDir": {"sizeLimit": "1Gi"}}, {"name": "e", "emptyDir": {}}],
            "securityContext": {"runAsUser": 9999},
            "tolerations": [{"key": "k", "operator": "Exists"}],
        },
    },
    "job": {
        "jarURI": "local:///opt/flink/job.jar", "entryClass": "a.B", "parallelism": 2, "upgradeMode": "savepoint",
        "args": ["--a", "b"], "state": "running", "allowNonRestoredState": False, "savepointTriggerNonce": 1,
        "checkpointTriggerNonce": 1, "initialSavepointPath": "file:///s", "savepointRedeployNonce": 1, "autoscalerResetNonce": 1,
    },
}  # fmt: skip

SESSION_JOB: dict[str, Any] = {
    "deploymentName": "c",
    "restartNonce": 1,
    "flinkConfiguration": {"a": "b"},
    "job": BASE["job"],
}

_KEYS = st.sampled_from(
    ["job.autoscaler.enabled", "job.autoscalers", "parallelism.default", "kubernetes.operator.job.restart.failed", "kubernetes.operatorx",
     "pipeline.jobvertex-parallelism-overrides", "pipeline.max-parallelism", "taskmanager.numberOfTaskSlots", "a"]
)  # fmt: skip
_REPLACEMENTS: dict[str, list[Any]] = {
    "flinkVersion": ["v1_18", "v1_17"],
    "mode": ["native", "standalone"],
    "upgradeMode": ["stateless", "last-state", "savepoint"],
    "state": ["running", "suspended"],
    "cpu": [1, 2, 1.0, 0.5],
    "allowNonRestoredState": [True, False],
    "sizeLimit": ["1024Mi", "2Gi"],
    "runAsUser": [1, 2],
    "containerPort": [1, 9249],
    "args": [[], ["--a"], ["--a", "c"], ["b", "--a"]],
    "volumeMounts": [[], [{"name": "d", "mountPath": "/d"}]],
    "annotations": [{}, {"a": "c"}],
    "labels": [{}, {"a": "b"}, {"a": "b", "c": "d"}],
    "limits": [{}, {"cpu": "1000m"}],
    "emptyDir": [{}, {"sizeLimit": "1Gi"}, {"sizeLimit": "1024Mi"}],
    "securityContext": [{}, {"runAsUser": 9999}],
    "requests": [{}, {"cpu": "1000m", "memory": "1024Mi"}, {"cpu": 2, "memory": "1Gi"}],
    "tolerations": [[], [{"key": "k"}]],
    "podTemplate": [{}, {"spec": {}}, {"metadata": {}}, {"kind": "Pod"}],
    "logConfiguration": [{}, {"log4j-console.properties": "x"}],
    "resource": [{}, {"memory": "2g"}],
    "jobManager": [{}, {"replicas": 1}, {"replicas": 2}],
    "taskManager": [{}, {"replicas": 2}],
    "flinkConfiguration": [{}, {"a": "1"}],
    "job": [{}, {"parallelism": 2}],
    "template": ["{{namespace}}", "x"],
    "ingress": [{}, {"template": "x"}],
    "spec": [{}],
    "metadata": [{}],
}


def _places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in items for place in [(*path, key), *_places(item, (*path, key))]]


@st.composite
def _mutated(draw: st.DrawFn) -> Pair:
    """A spec, perhaps with fields taken away, and the same with up to four fields more changed."""
    kind = draw(st.sampled_from(["FlinkDeployment", "FlinkDeployment", "FlinkDeployment", "FlinkSessionJob"]))
    old = copy.deepcopy(BASE if kind == "FlinkDeployment" else SESSION_JOB)
    for _ in range(draw(st.integers(0, 3))):
        _mutate(draw, old)
    new = copy.deepcopy(old)
    for _ in range(draw(st.integers(1, 4))):
        _mutate(draw, new)
    if draw(st.booleans()):
        old, new = new, old
    return Pair(kind, draw(st.sampled_from(["native", "standalone"])), old, new)


def _mutate(draw: st.DrawFn, spec: dict[str, Any]) -> None:
    operation = draw(st.sampled_from(["change", "change", "remove", "configure"]))
    if operation == "configure":
        configuration = spec.setdefault("flinkConfiguration", {})
        configuration[draw(_KEYS)] = draw(st.sampled_from(["1", "2", "true"]))
        return
    places = _places(spec)
    place = draw(st.sampled_from(places))
    holder: Any = spec
    for part in place[:-1]:
        holder = holder[part]
    name, present = place[-1], holder[place[-1]]
    if operation == "remove":
        if isinstance(holder, dict) and name != "name":
            del holder[name]
    elif name in _REPLACEMENTS:
        holder[name] = copy.deepcopy(draw(st.sampled_from(_REPLACEMENTS[str(name)])))
    elif isinstance(present, str):
        holder[name] = (
            draw(st.sampled_from(["x", "y"])) if name not in ("cpu", "memory") else draw(st.sampled_from(["1", "2Gi"]))
        )
    elif isinstance(present, int):
        holder[name] = draw(st.integers(0, 3))


@cache
def _generated() -> list[Pair]:
    content: dict[str, Pair] = {}

    @settings(
        max_examples=MUTATIONS, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(_mutated())
    def collect(pair: Pair) -> None:
        content[pair.request()] = pair

    collect()
    return list(content.values())


@pytest.mark.parametrize("operator", OPERATORS)
def test_random_changes_agree_with_the_operator(operator: str, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = _generated()
    actual = Counter(diff for diff, _ in theirs(pairs, operator))
    with capsys.disabled():
        print(f"\noperator {operator}: {len(pairs)} random changes: {dict(actual)}")
    assert not actual["failed"], "the operator could not read a spec"
    assert actual["IGNORE"] > 20
    assert actual["SCALE"] > 5
    assert actual["UPGRADE"] > 100
    wrong = differing(pairs, operator)
    assert not wrong, f"{len(wrong)} of {len(pairs)}\n" + "\n".join(wrong[:5])
