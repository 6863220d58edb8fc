"""Waits until Flink's resources are ready, and says at once, in the job's own words, when one has failed.

The program watches by itself because nothing of the engine's does: `pulumi.com/waitFor` burns its whole time-out on a
failed job and then says only that time is out; a hook fails once, and the next `up` passes. See docs/adr/0002.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import pulumi

from components.api_server import ApiServer
from settings.base import seconds
from settings.job_files import FLINK_API
from settings.jobs import Job, job_of
from settings.model import StackSettings

PLURALS = {
    "FlinkDeployment": "flinkdeployments",
    "FlinkSessionJob": "flinksessionjobs",
    "FlinkStateSnapshot": "flinkstatesnapshots",
    "FlinkBlueGreenDeployment": "flinkbluegreendeployments",
}

RECOVERY_SECONDS = 60
"""How long a failure that may pass has to pass: a job that the operator restarts by itself, a JobManager in ERROR."""

TROUBLE_SECONDS = 10
"""How often the pods of a job that is not ready are asked what they wait for."""

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What an object's status comes to.

    Attributes:
        state: `ready`, `failed`, or `waiting`.
        shown: the status in a few words.
        error: the job's own error, empty when it has none.
        may_pass: of a failure: whether it can go away without a change.
    """

    state: Literal["ready", "failed", "waiting"]
    shown: str
    error: str = ""
    may_pass: bool = False


def verdict(kind: str, found: Object) -> Verdict:
    """Judges one object.

    Args:
        kind: of the resource.
        found: the object as the API server has it.
    """
    status = cast(Object, found.get("status") or {})
    error = innermost_error(status.get("error"))
    job = str(cast(Object, status.get("jobStatus") or {}).get("state") or "")
    if kind == "FlinkStateSnapshot":
        state = str(status.get("state") or "")
        outcome = {"COMPLETED": "ready", "FAILED": "failed", "ABANDONED": "failed"}.get(state, "waiting")
        return Verdict(cast(Any, outcome), state or "not seen by the operator yet", error)
    if kind == "FlinkBlueGreenDeployment":
        state = str(status.get("blueGreenState") or "")
        shown = _words(state, job and f"job {job}")
        if job == "FAILING":
            return Verdict("failed", shown, error)
        active = state in ("ACTIVE_BLUE", "ACTIVE_GREEN") and job in ("RUNNING", "FINISHED")
        return Verdict("ready" if active else "waiting", shown, error)
    lifecycle = str(status.get("lifecycleState") or "")
    manager = str(status.get("jobManagerDeploymentStatus") or "")
    shown = _words(lifecycle, manager and f"JobManager {manager}", job and f"job {job}")
    if not is_observed(found):
        return Verdict("waiting", _words(shown if lifecycle else "", "change not seen by the operator yet"), error)
    if lifecycle == "STABLE":
        return Verdict("ready", shown)
    if lifecycle in ("FAILED", "ROLLED_BACK"):
        return Verdict("failed", shown, error)
    if manager == "ERROR":
        # An image that cannot be pulled, a process that crashes again and again; or a ConfigMap that is not there yet.
        return Verdict("failed", shown, error, may_pass=True)
    return Verdict("waiting", shown, error)


def _words(*parts: str) -> str:
    return ", ".join(part for part in parts if part) or "not seen by the operator yet"


def is_observed(found: Object) -> bool:
    """Whether the status speaks of the newest spec."""
    status = cast(Object, found.get("status") or {})
    generation = cast(Object, found["metadata"]).get("generation")
    observed = status.get("observedGeneration")
    if observed is None:  # before operator 1.9 only the reconciled spec tells
        try:
            reconciled = cast(Object, json.loads(cast(Object, status["reconciliationStatus"])["lastReconciledSpec"]))
            observed = cast(Object, reconciled["resource_metadata"])["metadata"]["generation"]
        except (KeyError, TypeError, json.JSONDecodeError):
            return False
    return observed == generation


def innermost_error(error: object) -> str:
    """The cause in a status' `error`: the operator writes an exception there as JSON, its causes in `throwableList`."""
    if not error:
        return ""
    try:
        found = cast(Object, json.loads(str(error)))
    except json.JSONDecodeError:
        return str(error)
    causes = cast(list[Object], found.get("throwableList") or [])
    for cause in (*reversed(causes), found):
        name, message = str(cause.get("type") or ""), str(cause.get("message") or "")
        if message:
            # A SerializedThrowable is Flink's wrapping; its message begins with the exception that it wraps.
            is_named = name in message or name.endswith(".SerializedThrowable")
            return message if is_named else f"{name}: {message}".removeprefix(": ")
    return str(found.get("type") or error)


def python_error(log: str) -> str:
    """The last line that a PyFlink program wrote before its process ended badly, empty when the log has none.

    Flink itself knows no more than the exit code; what Python printed stands in the JobManager's log.
    """
    before, exited, _ = log.rpartition("--- Python Process Exited ---")
    if not exited:
        return ""
    for line in reversed(before.splitlines()):
        _, is_python, said = line.partition("flink.client.python.PythonDriver")
        text = said.partition(" - ")[2].strip()
        if is_python and text.strip("- "):
            return "" if "Python Process Started" in text else text
    return ""


class Readiness:
    """One watch for each namespace and kind, however many jobs are waited for."""

    def __init__(self, api_server: ApiServer, *, timeout_seconds: int) -> None:
        """
        Args:
            api_server: of the stack's cluster.
            timeout_seconds: for each job, counted from when it was applied.
        """
        self._api_server = api_server
        self._timeout = timeout_seconds
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._client: Any = None
        self._connecting = asyncio.Lock()

    @classmethod
    def of(cls, settings: StackSettings) -> Readiness:
        """The watch of a stack."""
        return cls(ApiServer.of(settings), timeout_seconds=seconds(settings.job_timeout))

    async def wait(self, job: Job, resource: pulumi.Resource) -> str:
        """Returns the job's state in words once it is ready.

        Raises:
            pulumi.RunError: when it has failed or the time is out, with the job's own error.
        """
        if pulumi.runtime.is_dry_run():
            return "not awaited in a preview"
        title = f"job {job.namespace}/{job.name}"
        stream = await self._stream(job)
        waiting = _Waiting(title, resource, restarts_itself(job))
        try:
            async with asyncio.timeout(self._timeout):
                return await self._follow(job, stream, waiting)
        except TimeoutError:
            trouble = await self._trouble(job)
            why = "; ".join(part for part in (waiting.last.shown, waiting.last.error, trouble) if part)
            message = f"{title} is not ready after {self._timeout} s: {why}"
            raise pulumi.RunError(message) from None
        finally:
            await self._leave(job, stream)

    async def _follow(self, job: Job, stream: _Stream, waiting: _Waiting) -> str:
        loop = asyncio.get_running_loop()
        # Of the first failure: one that comes and goes, as a crash loop does, must not begin anew each time.
        failed_at: float | None = None
        while True:
            found = stream.objects.get(job.name)
            if found is not None:
                now = verdict(job.kind, found)
                waiting.show(now)
                if now.state == "ready":
                    return now.shown
                if now.state == "failed":
                    failed_at = failed_at or loop.time()
                    patience = RECOVERY_SECONDS if now.may_pass or waiting.restarts_itself else 0
                    if loop.time() - failed_at >= patience:
                        raise pulumi.RunError(f"{waiting.title} {now.shown}: {await self._cause(job, now)}")
            if stream.refusal:
                raise pulumi.RunError(f"{waiting.title} cannot be watched: {stream.refusal}")
            if not await stream.changed(TROUBLE_SECONDS):
                waiting.note(await self._trouble(job))

    async def _stream(self, job: Job) -> _Stream:
        async with self._connecting:
            if self._client is None:
                self._client = await self._api_server.connect()
        key = (job.namespace, job.kind)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = _Stream(self._client, job.namespace, PLURALS[job.kind])
        stream.join()
        return stream

    async def _leave(self, job: Job, stream: _Stream) -> None:
        if stream.leave():
            del self._streams[job.namespace, job.kind]
            await stream.stop()
        if not self._streams and self._client is not None:
            client, self._client = self._client, None
            await client.close()

    async def _cause(self, job: Job, failed: Verdict) -> str:
        """Why the job failed: the operator's error, and what a Python program itself had to say."""
        error = failed.error or "the operator gives no error"
        if "Python process exits" not in error or self._client is None:
            return error
        from kubernetes_asyncio import client

        api = client.CoreV1Api(self._client)
        try:
            pods = await api.list_namespaced_pod(
                job.namespace, label_selector=f"app={job.name},component=jobmanager", _request_timeout=5
            )
            for pod in pods.items:
                log = await api.read_namespaced_pod_log(
                    pod.metadata.name, job.namespace, tail_lines=1000, _request_timeout=5
                )
                if said := python_error(log):
                    return f"{said} ({error})"
        except Exception:  # the operator's own error is there in any case
            pass
        return error

    async def _trouble(self, job: Job) -> str:
        """What the job's pods wait for, empty when they wait for nothing or cannot be asked."""
        from kubernetes_asyncio import client

        if self._client is None:
            return ""
        try:
            pods = await client.CoreV1Api(self._client).list_namespaced_pod(
                job.namespace, label_selector=f"app={job.session_cluster or job.name}", _request_timeout=5
            )
        except Exception:  # the answer is an extra; the watch itself reports an API server that is gone
            return ""
        return "; ".join(
            filter(
                None,
                (pod_trouble(client.ApiClient.sanitize_for_serialization(self._client, pod)) for pod in pods.items),
            )
        )


def restarts_itself(job: Job) -> bool:
    """Whether the operator restarts the job when it has failed."""
    inner = cast(Object, cast(Object, job.spec.get("template") or {}).get("spec") or job.spec)
    configuration = cast(Object, inner.get("flinkConfiguration") or {})
    return job_of(job.spec) is not None and configuration.get("kubernetes.operator.job.restart.failed") == "true"


def pod_trouble(pod: Object) -> str:
    """Why a pod does not run, in Kubernetes' words: `pod x: Unschedulable: …`; empty when it does."""
    name = cast(Object, pod["metadata"])["name"]
    status = cast(Object, pod.get("status") or {})
    for condition in cast(list[Object], status.get("conditions") or []):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"pod {name}: {condition.get('reason')}: {condition.get('message')}"
    containers = [*cast(list[Object], status.get("initContainerStatuses") or [])]
    containers += cast(list[Object], status.get("containerStatuses") or [])
    for container in containers:
        waiting = cast(Object, cast(Object, container.get("state") or {}).get("waiting") or {})
        if waiting and waiting.get("reason") not in ("ContainerCreating", "PodInitializing"):
            return f"pod {name}: {waiting.get('reason')}: {waiting.get('message') or 'no message'}"
    return ""


@dataclass
class _Waiting:
    """What has been said about one job so far."""

    title: str
    resource: pulumi.Resource
    restarts_itself: bool
    last: Verdict = field(default_factory=lambda: Verdict("waiting", ""))
    noted: str = ""

    def show(self, now: Verdict) -> None:
        if now != self.last:
            self.last = now
            suffix = f" ({now.error})" if now.error and (now.state == "waiting" or now.may_pass) else ""
            pulumi.log.info(f"{now.shown}{suffix}", resource=self.resource)

    def note(self, trouble: str) -> None:
        if trouble and trouble != self.noted:
            self.noted = trouble
            pulumi.log.info(f"waits: {trouble}", resource=self.resource)


class _Stream:
    """Lists and watches one kind in one namespace, for as long as somebody waits."""

    def __init__(self, api_client: Any, namespace: str, plural: str) -> None:
        self.objects: dict[str, Object] = {}
        self.refusal = ""
        self._client = api_client
        self._where = (namespace, plural)
        self._waiters = 0
        self._change = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self) -> None:
        self._waiters += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def leave(self) -> bool:
        """True when nobody is left."""
        self._waiters -= 1
        return self._waiters == 0

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def changed(self, seconds: float) -> bool:
        """Waits for the next change of any object; False when none came in that time."""
        change = self._change
        try:
            async with asyncio.timeout(seconds):
                await change.wait()
        except TimeoutError:
            return False
        return True

    def _tell(self) -> None:
        change, self._change = self._change, asyncio.Event()
        change.set()

    async def _run(self) -> None:
        from aiohttp import ClientError
        from kubernetes_asyncio.client.exceptions import ApiException

        while True:
            try:
                await self._list_and_watch()
            except ApiException as error:
                if error.status in (401, 403):
                    self.refusal = (
                        f"the API server refuses it: {error.reason}; the stack's user must be allowed to watch"
                    )
                    self._tell()
                    return
                await asyncio.sleep(1)
            except (ClientError, OSError, TimeoutError):
                await asyncio.sleep(1)  # the API server restarts or the connection broke: jobs run on, so look again

    async def _list_and_watch(self) -> None:
        from kubernetes_asyncio import client, watch

        group, _, version = FLINK_API.partition("/")
        namespace, plural = self._where
        api = client.CustomObjectsApi(self._client)
        listed: Object = await api.list_namespaced_custom_object(group, version, namespace, plural)
        self.objects = {item["metadata"]["name"]: item for item in listed["items"]}
        self._tell()
        async with watch.Watch() as changes:
            async for event in changes.stream(
                api.list_namespaced_custom_object,
                group,
                version,
                namespace,
                plural,
                resource_version=listed["metadata"]["resourceVersion"],
                timeout_seconds=300,
            ):
                change = cast(Object, event)
                item = cast(Object, change["object"])
                if change["type"] == "ERROR":
                    return
                name = cast(str, cast(Object, item["metadata"])["name"])
                if change["type"] == "DELETED":
                    self.objects.pop(name, None)
                else:
                    self.objects[name] = item
                self._tell()
