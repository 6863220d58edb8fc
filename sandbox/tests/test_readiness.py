from pathlib import Path
from typing import Any

import pytest

from sandbox import daemons, readiness
from sandbox.home import Home
from sandbox.node import Node
from sandbox.report import Failure

HOME = Home(Path("/nowhere"))
NODE = Node(1, Path("/nowhere"))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_POLL", 0.001)


def test_wait_returns_when_the_condition_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemons, "ensure", lambda *_: [])
    answers = iter(["not yet", "nearly", None])
    readiness.Wait(HOME, NODE).until("it is", lambda: next(answers), 10, daemons.ALL)
    assert list(answers) == []


def test_wait_reports_the_reason_after_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemons, "ensure", lambda *_: [])
    with pytest.raises(Failure, match=r"of waiting until it is: still cold; logs of the daemons: /nowhere/sandbox/log"):
        readiness.Wait(HOME, NODE).until("it is", lambda: "still cold", 0.01, daemons.ALL)


def test_wait_fails_if_a_daemon_ends_repeatedly(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(readiness.time, "monotonic", lambda: next(clock) * 2.0)
    monkeypatch.setattr(daemons, "ensure", lambda *_: ["etcd"])
    with pytest.raises(Failure, match=r"etcd ends repeatedly; the end of .*etcd.log:\n\(no log\)"):
        readiness.Wait(HOME, NODE).until("it is", lambda: "no", 1e6, daemons.ALL)


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "dns-1"}, "status": status}


def container(*, ready: bool = True, **state: Any) -> dict[str, Any]:
    return {"ready": ready, "state": state, "containerID": "containerd://abc"}


@pytest.mark.parametrize(
    ("pod_status", "reason"),
    [
        (pod(phase="Pending"), "pod dns-1 is Pending"),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}]),
            "pod dns-1 is not scheduled: 0/1 nodes",
        ),
        (
            pod(containerStatuses=[container(ready=False, waiting={"reason": "ErrImageNeverPull", "message": "no x"})]),
            "pod dns-1 ErrImageNeverPull: no x",
        ),
        (pod(containerStatuses=[container(ready=False, running={})]), "pod dns-1 is not ready"),
        (pod(containerStatuses=[container(running={})]), None),
    ],
)
def test_reason_of_an_unready_pod_is_reported(
    monkeypatch: pytest.MonkeyPatch, pod_status: dict[str, Any], reason: str | None
) -> None:
    monkeypatch.setattr(Node, "has_container", lambda *_: True)
    assert readiness.why_pod(pod_status, NODE) == reason


def test_a_ready_status_of_an_earlier_run_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Node, "has_container", lambda *_: False)
    assert readiness.why_pod(pod(containerStatuses=[container(running={})]), NODE) == "pod dns-1 is not ready"
