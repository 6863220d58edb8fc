"""The watch: a real client follows a small local API server and reports the result."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from aiohttp import web

from flink_k8s.health import job_status, readiness
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.failure_reason import crashes
from flink_k8s.health.readiness import Readiness
from tests.unit.health.listening import listening
from tests.unit.health.statuses import deployment, exception, in_error


class FakeApiServer:
    """As much of an API server as a watch needs: a list, and a stream of changes to it."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.watchers: list[asyncio.Queue[dict[str, Any] | None]] = []
        self.lists = 0
        self.pod_lists = 0
        self.forbidden = False
        self.log = self.previous_log = ""
        waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
        self.pod_status: dict[str, Any] = {"containerStatuses": [{"state": {"waiting": waiting}}]}
        self.pod_labels = {"app": "a", "component": "taskmanager"}
        self.events: list[dict[str, Any]] = []

    def put(self, resource: dict[str, Any]) -> None:
        self.objects[resource["metadata"]["name"]] = resource
        for watcher in self.watchers:
            watcher.put_nowait({"type": "MODIFIED", "object": resource})

    def break_connections(self) -> None:
        for watcher in self.watchers:
            watcher.put_nowait(None)

    async def jobs(self, request: web.Request) -> web.StreamResponse:
        if self.forbidden:
            return web.json_response({"message": "no"}, status=403)
        if "watch" not in request.query:
            self.lists += 1
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": list(self.objects.values())})
        changes: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.watchers.append(changes)
        response = web.StreamResponse()
        await response.prepare(request)
        while (change := await changes.get()) is not None:
            await response.write(json.dumps(change).encode() + b"\n")
        self.watchers.remove(changes)
        return response

    async def pods(self, _: web.Request) -> web.Response:
        self.pod_lists += 1
        pod = {"metadata": {"name": "p", "labels": self.pod_labels}, "status": self.pod_status}
        return web.json_response({"items": [pod]})

    async def namespace_events(self, request: web.Request) -> web.Response:
        fields = dict(field.split("=", 1) for field in request.query["fieldSelector"].split(","))
        matches = [event for event in self.events if event["reason"] == fields["reason"]]
        return web.json_response({"items": matches})

    async def pod_log(self, request: web.Request) -> web.Response:
        return web.Response(text=self.previous_log if request.query.get("previous") == "True" else self.log)


@asynccontextmanager
async def serving(folder: Path) -> AsyncGenerator[tuple[FakeApiServer, ApiServer]]:
    server = FakeApiServer()
    routes = [
        web.get("/apis/flink.apache.org/v1beta1/namespaces/flink/flinkdeployments", server.jobs),
        web.get("/api/v1/namespaces/flink/pods", server.pods),
        web.get("/api/v1/namespaces/flink/pods/p/log", server.pod_log),
        web.get("/api/v1/namespaces/flink/events", server.namespace_events),
    ]
    async with listening(folder, routes) as api_server:
        try:
            yield server, api_server
        finally:
            server.break_connections()


def job(name: str = "a", **configuration: str) -> Any:
    spec = {"job": {}, "flinkConfiguration": configuration}
    return SimpleNamespace(
        kind="FlinkDeployment", namespace="flink", name=name, session_cluster=None, spec=spec, is_suspended=False
    )


@pytest.fixture(autouse=True)
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The log messages of a run that is not a preview, without those that only a terminal shows."""
    lines: list[str] = []

    def info(text: str, resource: Any = None, *, ephemeral: bool = False) -> None:
        if not ephemeral:
            lines.append(text)

    monkeypatch.setattr(pulumi.log, "info", info)
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    return lines


def run(folder: Path, play: Callable[[FakeApiServer, Readiness], Awaitable[None]], timeout_seconds: int = 20) -> None:
    async def whole() -> None:
        async with serving(folder) as (server, api_server):
            watch = Readiness(api_server, timeout_seconds=timeout_seconds)
            async with asyncio.timeout(30):
                await play(server, watch)

    asyncio.run(whole())


RESOURCE: Any = object()


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_wait_ends_when_the_job_is_stable_and_logs_each_status(tmp_path: Path, messages: list[str]):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("STABLE", observed=1))
        waiting = asyncio.create_task(watch.wait(job(), RESOURCE))
        await until(lambda: server.watchers)
        server.put(deployment("DEPLOYED"))
        await until(lambda: "DEPLOYED" in messages)
        assert not waiting.done()
        server.put(deployment("STABLE"))
        assert await waiting == "STABLE"

    run(tmp_path, play)
    assert messages == ["STABLE, change not observed by the operator yet", "DEPLOYED", "STABLE"]


def test_a_terminal_shows_the_elapsed_time_and_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shown: list[str] = []

    def info(text: str, resource: Any = None, *, ephemeral: bool = False) -> None:
        shown.extend([text] if ephemeral else [])

    monkeypatch.setattr(pulumi.log, "info", info)
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 0.1)
    monkeypatch.setattr(readiness, "PROGRESS_SECONDS", 1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        waiting = asyncio.create_task(watch.wait(job(), RESOURCE))
        await until(lambda: shown)
        server.put(deployment("DEPLOYED"))
        await until(lambda: len(shown) == 2)
        server.put(deployment("STABLE"))
        assert await waiting == "STABLE"

    run(tmp_path, play)
    reason = "pod p: ImagePullBackOff: no such image"
    assert shown == [f"waits 1 s: not observed yet; {reason}", f"waits 2 s: DEPLOYED; {reason}"]


@pytest.mark.parametrize("applied", [{"generation": 3.0}, {"generation": 2, "uid": "new"}])
def test_an_older_object_of_a_shared_watch_is_not_evaluated(tmp_path: Path, applied: dict[str, Any]):
    """Another job has started the watch before this job was applied: the watch has its old, stable object."""

    def stable(**metadata: Any) -> dict[str, Any]:
        resource = deployment("STABLE", observed=metadata["generation"])
        return {**resource, "metadata": {**resource["metadata"], **metadata}}

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(stable(generation=2, uid="old"))
        server.put(deployment("DEPLOYED") | {"metadata": {"name": "other", "generation": 2}})
        first = asyncio.create_task(watch.wait(job("other"), RESOURCE))
        await until(lambda: server.watchers)
        waiting = asyncio.create_task(watch.wait(job(), RESOURCE, applied))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        server.put(stable(generation=3, uid="new"))
        assert await waiting == "STABLE"
        first.cancel()

    run(tmp_path, play)


def test_failed_job_fails_immediately_with_its_own_error(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("FAILED", error='{"type": "X", "message": "the reason"}'))
        start = time.monotonic()
        with pytest.raises(pulumi.RunError, match=r"job flink/a FAILED: X: the reason"):
            await watch.wait(job(), RESOURCE)
        assert time.monotonic() - start < 5

    run(tmp_path, play)


def test_error_of_a_python_program_is_reported(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("FAILED", error="java.lang.RuntimeException: Python process exits with code: 1"))
        line = "INFO  org.apache.flink.client.python.PythonDriver [] - "
        server.log = f"{line}ValueError: no such thing\n{line}------ Python Process Exited ------\n"
        with pytest.raises(pulumi.RunError, match=r"FAILED: ValueError: no such thing \(java.*exits with code: 1\)"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)


def test_error_of_a_java_program_that_the_operator_has_cut_is_reported(tmp_path: Path):
    """The driver of SQL jobs calls the program by reflection, and the operator keeps 2 kB of the stack trace."""
    error = "x.ProgramInvocationException: The main method caused an error: null"

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("FAILED", error=error))
        cause = "x.CalciteContextException: From line 3, column 29 to line 3, column 35: Column 'missing' not found"
        causes = f"Caused by: {cause}\n\tat x.Y\nCaused by: x.Z: Column 'missing' not found\n"
        trace = f"x.RuntimeException: a\n\tat x.X\n{causes}"
        server.log = f"2026-12-01 10:49:44 ERROR x [] - Unhandled\n{trace}2026-12-01 10:49:44 ERROR x [] - Could not\n"
        with pytest.raises(pulumi.RunError) as raised:
            await watch.wait(job(), RESOURCE)
        assert f"FAILED: {cause} ({error})" in str(raised.value)

    run(tmp_path, play)


def test_a_job_that_is_restarted_by_operator_may_leave_failed_again(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("FAILED", error="passing"))
        restarting = job(**{"kubernetes.operator.job.restart.failed": "true"})
        waiting = asyncio.create_task(watch.wait(restarting, RESOURCE))
        await until(lambda: server.watchers)
        server.put(deployment("STABLE"))
        assert await waiting == "STABLE"

    run(tmp_path, play)


def test_job_that_stays_failed_after_a_restart_is_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readiness, "RESTART_SECONDS", 0)
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 0.1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("FAILED", error="for good"))
        with pytest.raises(pulumi.RunError, match="for good"):
            await watch.wait(job(**{"kubernetes.operator.job.restart.failed": "true"}), RESOURCE)

    run(tmp_path, play)


def test_jobmanager_in_error_has_a_grace_period(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="a ConfigMap is not there"))
        waiting = asyncio.create_task(watch.wait(job(), RESOURCE))
        await until(lambda: server.watchers)
        server.put(deployment("STABLE"))
        assert await waiting == "STABLE"

    run(tmp_path, play)


def test_a_job_manager_that_stays_in_error_fails_long_before_the_time_is_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(job_status, "RECOVERY_SECONDS", 0.2)
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 0.1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="back-off 20s restarting"))
        with pytest.raises(pulumi.RunError, match="JobManager ERROR: back-off 20s restarting"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)


def test_a_crash_loop_is_counted_from_its_first_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, messages: list[str]
):
    monkeypatch.setattr(job_status, "RECOVERY_SECONDS", 1.5)
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 10)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        failing = deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="back-off")
        server.put(failing)
        waiting = asyncio.create_task(watch.wait(job(), RESOURCE))
        await until(lambda: server.watchers)
        server.put(deployment("DEPLOYED", jobManagerDeploymentStatus="DEPLOYING"))
        await until(lambda: any("DEPLOYING" in line for line in messages))
        await asyncio.sleep(1.5)
        assert not waiting.done()
        server.put(failing)
        with pytest.raises(pulumi.RunError, match="back-off"):
            await waiting

    run(tmp_path, play)


def test_timeout_reports_what_the_pods_wait_for(tmp_path: Path, messages: list[str]):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("DEPLOYED"))
        with pytest.raises(
            pulumi.RunError, match=r"not ready after 2 s: DEPLOYED; pod p: ImagePullBackOff: no such image"
        ):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play, timeout_seconds=2)


def test_pods_that_cannot_run_fail_it_long_before_the_time_is_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readiness, "POD_ISSUE_SECONDS", 0.3)
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 0.1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("DEPLOYED"))
        with pytest.raises(pulumi.RunError, match="job flink/a DEPLOYED: pod p: ImagePullBackOff: no such image"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)


CRASH_LOG = """\
2026-11-29 20:00:00,123 INFO  org.apache.flink.runtime.entrypoint.ClusterEntrypoint [] - Starting.
2026-11-29 20:00:01,123 ERROR org.apache.flink.runtime.entrypoint.ClusterEntrypoint [] - Fatal error occurred.
org.apache.flink.util.FlinkException: JobMaster for job 1 failed.
\tat org.apache.flink.runtime.dispatcher.Dispatcher.jobMasterFailed(Dispatcher.java:1)
Caused by: java.util.concurrent.CompletionException: java.io.FileNotFoundException
\tat java.base/java.util.concurrent.CompletableFuture.x(Unknown Source)
Caused by: java.io.FileNotFoundException: Cannot find metadata file in directory 's3://b/savepoint-1'.
\tat org.apache.flink.runtime.state.Storage.x(Storage.java:1)
\t... 4 more
2026-11-29 20:00:01,200 INFO  org.apache.flink.runtime.blob.BlobServer [] - Stopped BLOB server.
"""


def crashed(restarts: int, *, ago_seconds: int = 5) -> dict[str, Any]:
    ended = datetime.now(UTC) - timedelta(seconds=ago_seconds)
    last = {"terminated": {"exitCode": 239, "finishedAt": ended.isoformat()}}
    return {"containerStatuses": [{"restartCount": restarts, "state": {"running": {}}, "lastState": last}]}


def test_a_crash_loop_fails_the_job_with_the_root_cause_of_flinks_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readiness, "CRASH_LOOP_SECONDS", 0.3)
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 0.1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.pod_status, server.previous_log = crashed(2), CRASH_LOG
        server.pod_labels = {"app": "a", "component": "jobmanager"}
        server.put(deployment("DEPLOYED"))
        reason = r"pod p: crashed 2 times; java.io.FileNotFoundException: Cannot find metadata .*'s3://b/savepoint-1'"
        with pytest.raises(pulumi.RunError, match=f"job flink/a DEPLOYED: {reason}"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)


@pytest.mark.parametrize("status", [crashed(1), crashed(9, ago_seconds=900)])
def test_single_and_old_restarts_are_not_a_crash_loop(status: dict[str, Any]):
    assert crashes({"metadata": {"name": "p"}, "status": status}) == 0


NO_NODE = "0/1 nodes are available: 1 Insufficient cpu. preemption: 1 Preemption is not helpful for scheduling."
NO_ROOM = "0/1 nodes are available: 1 Insufficient cpu. preemption: 1 No preemption victims found for incoming pod."


def unscheduled(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"conditions": [condition]}


def test_a_pod_that_fits_on_no_node_fails_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readiness, "POD_ISSUE_SECONDS", 0.3)
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 0.1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.pod_status = unscheduled(NO_NODE)
        server.put(deployment("DEPLOYED"))
        with pytest.raises(pulumi.RunError, match=r"job flink/a DEPLOYED: pod p: Unschedulable: 0/1 nodes.*cpu"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)


@pytest.mark.parametrize("because", ["room", "autoscaler"])
def test_unschedulable_pod_that_can_get_capacity_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, because: str
):
    monkeypatch.setattr(readiness, "POD_ISSUE_SECONDS", 0.2)
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 0.1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.pod_status = unscheduled(NO_ROOM if because == "room" else NO_NODE)
        if because == "autoscaler":
            server.events = [{"reason": "TriggeredScaleUp", "involvedObject": {"kind": "Pod", "name": "p"}}]
        server.put(deployment("DEPLOYED"))
        with pytest.raises(pulumi.RunError, match=r"not ready after 2 s: DEPLOYED; pod p: Unschedulable"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play, timeout_seconds=2)


def test_running_job_without_a_taskmanager_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Flink's default scheduler reports RUNNING when it begins to request slots."""
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 0.1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("STABLE", jobStatus={"state": "RUNNING"}))
        waiting = asyncio.create_task(watch.wait(job(), RESOURCE))
        await until(lambda: server.pod_lists >= 2)
        assert not waiting.done()
        server.pod_status = {"conditions": [{"type": "Ready", "status": "True"}]}
        assert await waiting == "STABLE, job RUNNING"

    run(tmp_path, play)


def test_reason_of_restarts_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, messages: list[str]):
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 0.1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.pod_status = {}
        server.events = [
            {"reason": "JobException", "lastTimestamp": f"2026-01-01T00:00:0{number}Z", "involvedObject": {},
             "message": f"o.A: a\n\tat o.B(B.java:1)\nCaused by: o.C: reason {number}\n\tat o.D(D.java:2)"}
            for number in (1, 3, 2)
        ]  # fmt: skip
        server.put(deployment("STABLE", jobStatus={"state": "RESTARTING"}))
        with pytest.raises(pulumi.RunError, match=r"not ready after 2 s: STABLE, job RESTARTING; o.C: reason 3"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play, timeout_seconds=2)
    assert "waits: o.C: reason 3" in messages


def test_reason_of_the_pods_overrides_the_older_one_of_the_operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(job_status, "RECOVERY_SECONDS", 0.2)
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 0.1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(in_error(exception("DeploymentFailedException", "a ConfigMap was not there yet")))
        with pytest.raises(pulumi.RunError, match=r"JobManager ERROR: pod p: ImagePullBackOff: no such image$"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)


def test_broken_watch_is_opened_again(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("DEPLOYED"))
        waiting = asyncio.create_task(watch.wait(job(), RESOURCE))
        await until(lambda: server.watchers)
        server.break_connections()
        await until(lambda: not server.watchers)
        await until(lambda: server.watchers)
        server.put(deployment("STABLE"))
        assert await waiting == "STABLE"

    run(tmp_path, play)


def test_missing_right_to_watch_is_reported(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.forbidden = True
        with pytest.raises(pulumi.RunError, match=r"allow the stack.s user to watch"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)


def test_failure_among_300_jobs_is_immediate_and_pods_are_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readiness, "POD_CHECK_SECONDS", 0.5)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        names = [f"job-{number}" for number in range(300)]
        for name in names:
            server.put(deployment("DEPLOYED", name=name))
        waiting = [asyncio.create_task(watch.wait(job(name), RESOURCE)) for name in names]
        await until(lambda: server.pod_lists >= 2)
        start = time.monotonic()
        server.put(deployment("FAILED", name="job-150", error="the reason"))
        result, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert time.monotonic() - start < 5
        assert [str(task.exception()) for task in result] == ["job flink/job-150 FAILED: the reason"]
        assert len(pending) == 299
        assert server.pod_lists < 30, "each job asks for itself"
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await until(lambda: not watch._watches)

    run(tmp_path, play)


def test_three_hundred_jobs_need_one_watch(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        names = [f"job-{number}" for number in range(300)]
        for name in names:
            server.put(deployment("DEPLOYED", name=name))
        waiting = [asyncio.create_task(watch.wait(job(name), RESOURCE)) for name in names]
        await until(lambda: server.watchers)
        assert len(server.watchers) == server.lists == 1
        for name in names:
            server.put(deployment("STABLE", name=name))
        assert set(await asyncio.gather(*waiting)) == {"STABLE"}

    run(tmp_path, play)


def test_a_preview_waits_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    watch = Readiness(ApiServer("/nowhere", "none"), timeout_seconds=2)
    assert asyncio.run(watch.wait(job(), RESOURCE)) == "not awaited in a preview"


def test_missing_context_is_reported(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        watch._api_server = replace(watch._api_server, context="other")
        with pytest.raises(pulumi.RunError, match="check context and kubeconfig"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)
