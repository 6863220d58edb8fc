"""The watch: what counts as ready and failed, and that a real client follows a (small, local) API server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from aiohttp import web

from components import readiness
from components import verdict as verdicts
from components.api_server import ApiServer
from components.readiness import Readiness
from components.verdict import innermost_error, is_observed, pod_trouble, python_error, verdict

RECONCILED = json.dumps({"spec": {}, "resource_metadata": {"metadata": {"generation": 2}}})


def deployment(
    lifecycle: str, *, name: str = "a", generation: int = 2, observed: int | None = 2, **status: Any
) -> dict[str, Any]:
    said = {"lifecycleState": lifecycle, **status}
    if observed is not None:
        said["observedGeneration"] = observed
    return {"metadata": {"name": name, "generation": generation, "resourceVersion": "1"}, "status": said}


@pytest.mark.parametrize(
    ("kind", "found", "state"),
    [
        ("FlinkDeployment", deployment("STABLE"), "ready"),
        ("FlinkSessionJob", deployment("STABLE"), "ready"),
        ("FlinkDeployment", deployment("FAILED"), "failed"),
        ("FlinkDeployment", deployment("ROLLED_BACK"), "failed"),
        ("FlinkDeployment", deployment("DEPLOYED"), "waiting"),
        ("FlinkDeployment", deployment("UPGRADING"), "waiting"),
        # STABLE, or FAILED, of the old spec says nothing of the new one.
        ("FlinkDeployment", deployment("STABLE", observed=1), "waiting"),
        ("FlinkDeployment", deployment("FAILED", observed=1), "waiting"),
        ("FlinkDeployment", deployment("DEPLOYED", jobManagerDeploymentStatus="DEPLOYING", error="passing"), "waiting"),
        ("FlinkDeployment", deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="back-off"), "failed"),
        ("FlinkDeployment", {"metadata": {"name": "a", "generation": 1}}, "waiting"),
        ("FlinkStateSnapshot", {"metadata": {}, "status": {"state": "COMPLETED"}}, "ready"),
        ("FlinkStateSnapshot", {"metadata": {}, "status": {"state": "TRIGGER_PENDING"}}, "waiting"),
        ("FlinkStateSnapshot", {"metadata": {}, "status": {"state": "FAILED"}}, "failed"),
        ("FlinkStateSnapshot", {"metadata": {}, "status": {"state": "ABANDONED"}}, "failed"),
        (
            "FlinkBlueGreenDeployment",
            {"metadata": {}, "status": {"blueGreenState": "ACTIVE_GREEN", "jobStatus": {"state": "RUNNING"}}},
            "ready",
        ),
        (
            "FlinkBlueGreenDeployment",
            {"metadata": {}, "status": {"blueGreenState": "TRANSITIONING_TO_BLUE", "jobStatus": {"state": "RUNNING"}}},
            "waiting",
        ),
        (
            "FlinkBlueGreenDeployment",
            {"metadata": {}, "status": {"blueGreenState": "ACTIVE_BLUE", "jobStatus": {"state": "FAILING"}}},
            "failed",
        ),
    ],
)
def test_verdict(kind: str, found: dict[str, Any], state: str):
    assert verdict(kind, found).state == state


def test_operators_before_1_9_say_the_generation_in_the_reconciled_spec():
    old = deployment("STABLE", observed=None, reconciliationStatus={"lastReconciledSpec": RECONCILED})
    assert is_observed(old)
    assert not is_observed({**old, "metadata": {"name": "a", "generation": 3}})
    assert not is_observed(deployment("STABLE", observed=None, reconciliationStatus={"lastReconciledSpec": "{"}))


@pytest.mark.parametrize(
    ("error", "cause"),
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
    ],
)
def test_innermost_error(error: str | None, cause: str):
    assert innermost_error(error) == cause


def test_what_python_said_last():
    line = "2026-11-22 INFO  org.apache.flink.client.python.PythonDriver [] - "
    log = (
        f"{line}------ Python Process Started ------\n{line}Traceback (most recent call last):\nnoise\n"
        f"{line}ValueError: no such thing\n{line}------ Python Process Exited ------\n{line}later\n"
    )
    assert python_error(log) == "ValueError: no such thing"
    assert python_error(log.replace("ValueError: no such thing", "---")) == "Traceback (most recent call last):"
    assert python_error("nothing of the kind") == ""


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({}, ""),
        ({"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}, ""),
        (
            {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}]},
            "pod p: ImagePullBackOff: not found",
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
def test_pod_trouble(status: dict[str, Any], said: str):
    assert pod_trouble({"metadata": {"name": "p"}, "status": status}) == said


class FakeApiServer:
    """As much of an API server as a watch needs: a list, and a stream of changes to it."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.watchers: list[asyncio.Queue[dict[str, Any] | None]] = []
        self.lists = 0
        self.pod_lists = 0
        self.forbidden = False
        self.log = ""

    def put(self, found: dict[str, Any]) -> None:
        self.objects[found["metadata"]["name"]] = found
        for watcher in self.watchers:
            watcher.put_nowait({"type": "MODIFIED", "object": found})

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
        waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
        self.pod_lists += 1
        pod = {"metadata": {"name": "p", "labels": {"app": "a"}}, "status": {"containerStatuses": [
            {"name": "c", "image": "i", "imageID": "", "ready": False, "restartCount": 0, "state": {"waiting": waiting}}
        ]}}  # fmt: skip
        return web.json_response({"items": [pod]})

    async def pod_log(self, _: web.Request) -> web.Response:
        return web.Response(text=self.log)


@asynccontextmanager
async def serving(folder: Path) -> AsyncGenerator[tuple[FakeApiServer, str]]:
    server = FakeApiServer()
    app = web.Application()
    app.router.add_get("/apis/flink.apache.org/v1beta1/namespaces/flink/flinkdeployments", server.jobs)
    app.router.add_get("/api/v1/namespaces/flink/pods", server.pods)
    app.router.add_get("/api/v1/namespaces/flink/pods/p/log", server.pod_log)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                "users": [{"name": "u", "user": {}}],
                "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )
    try:
        yield server, str(kubeconfig)
    finally:
        server.break_connections()
        await runner.cleanup()


def job(name: str = "a", **configuration: str) -> Any:
    spec = {"job": {}, "flinkConfiguration": configuration}
    return SimpleNamespace(kind="FlinkDeployment", namespace="flink", name=name, session_cluster=None, spec=spec)


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have been logged; and this is no preview."""
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda text, resource=None: lines.append(text))
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    return lines


def run(folder: Path, play: Callable[[FakeApiServer, Readiness], Awaitable[None]], timeout_seconds: int = 20) -> None:
    async def whole() -> None:
        async with serving(folder) as (server, kubeconfig):
            watch = Readiness(ApiServer(kubeconfig, "test"), timeout_seconds=timeout_seconds)
            async with asyncio.timeout(30):
                await play(server, watch)

    asyncio.run(whole())


RESOURCE: Any = None


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_it_ends_when_the_job_is_stable_and_shows_each_status(tmp_path: Path, said: list[str]):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("STABLE", observed=1))
        waiting = asyncio.create_task(watch.wait(job(), RESOURCE))
        await until(lambda: server.watchers)
        server.put(deployment("DEPLOYED"))
        await until(lambda: "DEPLOYED" in said)
        assert not waiting.done()
        server.put(deployment("STABLE"))
        assert await waiting == "STABLE"

    run(tmp_path, play)
    assert said == ["STABLE, change not seen by the operator yet", "DEPLOYED", "STABLE"]


def test_it_fails_at_once_with_the_jobs_own_error(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("FAILED", error='{"type": "X", "message": "the reason"}'))
        start = time.monotonic()
        with pytest.raises(pulumi.RunError, match=r"job flink/a FAILED: X: the reason"):
            await watch.wait(job(), RESOURCE)
        assert time.monotonic() - start < 5

    run(tmp_path, play)


def test_a_failed_python_program_speaks_for_itself(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("FAILED", error="java.lang.RuntimeException: Python process exits with code: 1"))
        line = "INFO  org.apache.flink.client.python.PythonDriver [] - "
        server.log = f"{line}ValueError: no such thing\n{line}------ Python Process Exited ------\n"
        with pytest.raises(pulumi.RunError, match=r"FAILED: ValueError: no such thing \(java.*exits with code: 1\)"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)


def test_a_job_that_restarts_itself_may_leave_failed_again(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("FAILED", error="passing"))
        restarting = job(**{"kubernetes.operator.job.restart.failed": "true"})
        waiting = asyncio.create_task(watch.wait(restarting, RESOURCE))
        await until(lambda: server.watchers)
        server.put(deployment("STABLE"))
        assert await waiting == "STABLE"

    run(tmp_path, play)


def test_a_job_that_restarts_itself_and_stays_failed_is_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readiness, "RESTART_SECONDS", 0)
    monkeypatch.setattr(readiness, "TROUBLE_SECONDS", 0.1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("FAILED", error="for good"))
        with pytest.raises(pulumi.RunError, match="for good"):
            await watch.wait(job(**{"kubernetes.operator.job.restart.failed": "true"}), RESOURCE)

    run(tmp_path, play)


def test_a_job_manager_in_error_has_a_minute_to_get_well(tmp_path: Path):
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
    monkeypatch.setattr(verdicts, "RECOVERY_SECONDS", 0.2)
    monkeypatch.setattr(readiness, "TROUBLE_SECONDS", 0.1)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="back-off 20s restarting"))
        with pytest.raises(pulumi.RunError, match="JobManager ERROR: back-off 20s restarting"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)


def test_a_crash_loop_is_counted_from_its_first_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
):
    monkeypatch.setattr(verdicts, "RECOVERY_SECONDS", 0.3)
    monkeypatch.setattr(readiness, "TROUBLE_SECONDS", 10)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        failing = deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error="back-off")
        server.put(failing)
        waiting = asyncio.create_task(watch.wait(job(), RESOURCE))
        await until(lambda: server.watchers)
        server.put(deployment("DEPLOYED", jobManagerDeploymentStatus="DEPLOYING"))
        await until(lambda: any("DEPLOYING" in line for line in said))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        server.put(failing)
        with pytest.raises(pulumi.RunError, match="back-off"):
            await waiting

    run(tmp_path, play)


def test_when_the_time_is_out_it_says_what_the_pods_wait_for(tmp_path: Path, said: list[str]):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.put(deployment("DEPLOYED"))
        with pytest.raises(
            pulumi.RunError, match=r"not ready after 1 s: DEPLOYED; pod p: ImagePullBackOff: no such image"
        ):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play, timeout_seconds=1)


def test_a_broken_connection_is_made_again(tmp_path: Path):
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


def test_who_may_not_watch_hears_it(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        server.forbidden = True
        with pytest.raises(pulumi.RunError, match="must be allowed to watch"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)


def blue_green(state: str, job_state: str, *, written: str = "", recorded: str = "") -> dict[str, Any]:
    fields = [{"time": "2026-01-01T00:00:09Z", "subresource": "status"}]
    fields += [{"time": f"2026-01-01T00:00:0{written}Z"}] if written else []
    status = {"blueGreenState": state, "jobStatus": {"state": job_state}}
    status |= {"lastReconciledTimestamp": f"2026-01-01T00:00:0{recorded}.123456789Z"} if recorded else {}
    return {"metadata": {"name": "a", "managedFields": fields}, "status": status}


@pytest.mark.parametrize("job_state", ["RUNNING", "FAILING"])
def test_a_blue_green_deployment_that_was_changed_is_given_time_to_begin(job_state: str):
    """ACTIVE_BLUE may be said of the spec before: the status has no generation."""
    old = verdict("FlinkBlueGreenDeployment", blue_green("ACTIVE_BLUE", job_state, written="5", recorded="2"))
    new = verdict("FlinkBlueGreenDeployment", blue_green("ACTIVE_BLUE", job_state, written="5", recorded="5"))
    assert (old.patience, new.patience) == (verdicts.OBSERVE_SECONDS, 0)
    assert verdict("FlinkBlueGreenDeployment", blue_green("ACTIVE_BLUE", job_state)).patience > 0
    assert old.state == new.state == {"RUNNING": "ready", "FAILING": "failed"}[job_state]


def test_ready_counts_when_it_has_lasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A status of the old spec is not taken for the new one's; one that the operator leaves as it is, is."""
    monkeypatch.setattr(verdicts, "OBSERVE_SECONDS", 0.3)
    waiting = _waiting()
    ready = verdict("FlinkBlueGreenDeployment", blue_green("ACTIVE_BLUE", "RUNNING", written="5", recorded="2"))
    moving = verdict("FlinkBlueGreenDeployment", blue_green("TRANSITIONING_TO_GREEN", "RECONCILING"))
    assert waiting.judge(ready, 10.0) == pytest.approx(0.3)
    assert waiting.judge(moving, 10.2) == float("inf")
    assert waiting.judge(ready, 10.4) == pytest.approx(0.3)
    assert waiting.judge(ready, 10.8) < 0


def _waiting(*, restarts_itself: bool = False) -> Any:
    return readiness._Waiting("job flink/a", RESOURCE, restarts_itself)


def test_a_job_that_failed_again_after_its_restart_has_failed():
    waiting = _waiting(restarts_itself=True)
    failed, deployed = (
        verdict("FlinkDeployment", deployment("FAILED")),
        verdict("FlinkDeployment", deployment("DEPLOYED")),
    )
    assert waiting.judge(failed, 100.0) == readiness.RESTART_SECONDS
    assert waiting.judge(failed, 110.0) == readiness.RESTART_SECONDS - 10
    assert waiting.judge(deployed, 115.0) == float("inf")
    assert waiting.judge(failed, 118.0) <= 0
    assert _waiting().judge(failed, 100.0) <= 0


def test_one_of_three_hundred_fails_at_once_and_the_pods_are_asked_for_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readiness, "TROUBLE_SECONDS", 0.5)

    async def play(server: FakeApiServer, watch: Readiness) -> None:
        names = [f"job-{number}" for number in range(300)]
        for name in names:
            server.put(deployment("DEPLOYED", name=name))
        waiting = [asyncio.create_task(watch.wait(job(name), RESOURCE)) for name in names]
        await until(lambda: server.pod_lists >= 2)
        start = time.monotonic()
        server.put(deployment("FAILED", name="job-150", error="the reason"))
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert time.monotonic() - start < 5
        assert [str(task.exception()) for task in done] == ["job flink/job-150 FAILED: the reason"]
        assert len(pending) == 299
        assert server.pod_lists < 30, "each job asks for itself"
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await until(lambda: not watch._streams)

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
    watch = Readiness(ApiServer("/nowhere", "none"), timeout_seconds=1)
    assert asyncio.run(watch.wait(job(), RESOURCE)) == "not awaited in a preview"


def test_a_context_that_is_not_there_is_said(tmp_path: Path):
    async def play(server: FakeApiServer, watch: Readiness) -> None:
        watch._api_server = replace(watch._api_server, context="other")
        with pytest.raises(pulumi.RunError, match="check context and kubeconfig"):
            await watch.wait(job(), RESOURCE)

    run(tmp_path, play)
