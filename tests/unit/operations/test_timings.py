"""The engine's events, as the pulumi command writes them, become times of resources."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from flink_k8s.operations.engine_events import Event, events
from flink_k8s.operations.timeline import Stopwatch
from flink_k8s.operations.timings import take
from flink_k8s.program.engine_state import state_graph

URN = "urn:pulumi:dev::flink-k8s::kubernetes:flink.apache.org/v1beta1:FlinkDeployment::flink/orders"
CLAIM = "urn:pulumi:dev::flink-k8s::kubernetes:core/v1:PersistentVolumeClaim::flink/data"
STATE = {
    "deployment": {
        "resources": [
            {"urn": "urn:pulumi:dev::flink-k8s::pulumi:pulumi:Stack::s", "type": "pulumi:pulumi:Stack"},
            {"urn": CLAIM, "type": "kubernetes:core/v1:PersistentVolumeClaim", "custom": True},
            {
                "urn": URN,
                "type": "kubernetes:flink.apache.org/v1beta1:FlinkDeployment",
                "custom": True,
                "dependencies": [CLAIM],
                "inputs": {"metadata": {"name": "orders", "namespace": "flink"}},
            },
            {"urn": URN, "type": "kubernetes:flink.apache.org/v1beta1:FlinkDeployment", "delete": True},
        ]
    }
}


def event(kind: str, urn: str) -> dict[str, object]:
    return {"sequence": 1, "timestamp": 1, kind: {"metadata": {"op": "create", "urn": urn, "type": "t"}}}


def diagnostic(urn: str, severity: str = "info") -> dict[str, object]:
    return {"sequence": 1, "timestamp": 1, "diagnosticEvent": {"urn": urn, "message": "x", "severity": severity}}


def test_events_become_the_critical_path():
    watch = Stopwatch()
    with events(lambda event: take(event, watch)) as log:
        assert log.options[0] == "--event-log"
        with Path(log.options[1]).open("a", encoding="utf-8") as file:
            for item in (
                {"sequence": 0, "timestamp": 1, "preludeEvent": {"config": {}}},
                event("resourcePreEvent", CLAIM),
                event("resOutputsEvent", CLAIM),
                event("resourcePreEvent", URN),
                event("resOutputsEvent", URN),
                diagnostic(URN),
                diagnostic(""),
            ):
                file.write(json.dumps(item) + "\n")
    path = watch.timeline(state_graph(STATE)).path()
    job = "FlinkDeployment flink/orders"
    assert [span.title for span in path] == ["PersistentVolumeClaim flink/data", job, f"{job}: waiting until ready"]


def test_a_failed_operation_has_an_end_and_debug_messages_are_ignored():
    watch = Stopwatch()
    for item in (event("resourcePreEvent", URN), event("resOpFailedEvent", URN), diagnostic(URN, "debug")):
        take(item, watch)
    assert [span.title for span in watch.timeline(state_graph(STATE)).path()] == ["FlinkDeployment flink/orders"]


def test_events_of_an_operation_follow_those_of_its_preview():
    messages: list[str] = []
    ended = threading.Event()

    def listen(event: Event) -> None:
        messages.append(event["text"])
        ended.set()

    with events(listen) as log:
        path = Path(log.options[1])
        path.write_text(json.dumps({"text": "preview"}) + "\n" + json.dumps({"text": "of one that is long"}) + "\n")
        assert ended.wait(10)
        with path.open("w") as file:  # the engine opens it again, and truncates it
            file.write(json.dumps({"text": "up"}) + "\n")
    assert messages == ["preview", "of one that is long", "up"]
