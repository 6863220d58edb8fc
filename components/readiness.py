"""Waits until Flink's resources are ready, and says at once, in the job's own words, when one has failed.

The program watches by itself because nothing of the engine's does: `pulumi.com/waitFor` burns its whole time-out on a
failed job and then says only that time is out; a hook fails once, and the next `up` passes. See docs/adr/0002.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.api_server import ApiServer
from components.pods import Pods
from components.stream import Stream
from components.verdict import Verdict, restarts_itself, verdict
from settings.base import seconds
from settings.jobs import Job
from settings.model import StackSettings

PLURALS = {
    "FlinkDeployment": "flinkdeployments",
    "FlinkSessionJob": "flinksessionjobs",
    "FlinkStateSnapshot": "flinkstatesnapshots",
    "FlinkBlueGreenDeployment": "flinkbluegreendeployments",
}

RESTART_SECONDS = 30
"""How long the operator has to restart a failed job that it restarts by itself: two of its looks, 15 s apart."""

TROUBLE_SECONDS = 10
"""How often the pods of jobs that are not ready are asked what they wait for."""


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
        self._streams: dict[tuple[str, str], Stream] = {}
        self._pods: dict[str, Pods] = {}
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

    async def _follow(self, job: Job, stream: Stream, waiting: _Waiting) -> str:
        while True:
            found = stream.objects.get(job.name)
            now = verdict(job.kind, found) if found is not None else None
            remaining = float(TROUBLE_SECONDS)
            if now is not None:
                remaining = waiting.judge(now, asyncio.get_running_loop().time())
                if now.state == "ready" and remaining <= 0:
                    return now.shown
                if now.state == "failed" and remaining <= 0:
                    raise pulumi.RunError(f"{waiting.title} {now.shown}: {await self._cause(job, now)}")
            if stream.refusal:
                raise pulumi.RunError(f"{waiting.title} cannot be watched: {stream.refusal}")
            if not await stream.changed(min(remaining, TROUBLE_SECONDS)):
                waiting.note(await self._trouble(job))

    async def _stream(self, job: Job) -> Stream:
        async with self._connecting:
            if self._client is None:
                self._client = await self._api_server.connect()
        key = (job.namespace, job.kind)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = Stream(self._client, job.namespace, PLURALS[job.kind])
        stream.join()
        return stream

    async def _leave(self, job: Job, stream: Stream) -> None:
        if stream.leave():
            del self._streams[job.namespace, job.kind]
            await stream.stop()
        if not self._streams and self._client is not None:
            client, self._client = self._client, None
            self._pods.clear()
            await client.close()

    async def _cause(self, job: Job, failed: Verdict) -> str:
        """Why the job failed: the operator's error, and what a Python program itself had to say."""
        error = failed.error or "the operator gives no error"
        if "Python process exits" not in error:
            return error
        said = await self._pods_of(job).python_error(job.name)
        return f"{said} ({error})" if said else error

    async def _trouble(self, job: Job) -> str:
        return await self._pods_of(job).trouble(job.session_cluster or job.name)

    def _pods_of(self, job: Job) -> Pods:
        if job.namespace not in self._pods:
            self._pods[job.namespace] = Pods(self._client, job.namespace, TROUBLE_SECONDS / 2)
        return self._pods[job.namespace]


@dataclass
class _Waiting:
    """What is known about one job so far."""

    title: str
    resource: pulumi.Resource
    restarts_itself: bool
    last: Verdict = field(default_factory=lambda: Verdict("waiting", ""))
    noted: str = ""
    failures: int = 0
    failed_at: float = 0
    ready_at: float = 0

    def judge(self, now: Verdict, at: float) -> float:
        """Takes a status in and shows it when it is new.

        Returns:
            Seconds that it has to stay so before it counts; 0 or less when it does.
        """
        if now != self.last:
            suffix = f" ({now.error})" if now.error and (now.state == "waiting" or now.patience) else ""
            pulumi.log.info(f"{now.shown}{suffix}", resource=self.resource)
        before, self.last = self.last.state, now
        if now.state == "ready":
            self.ready_at = self.ready_at if before == "ready" else at
            return self.ready_at + now.patience - at
        if now.state != "failed":
            return float("inf")
        # Counted from the first: a failure that comes and goes, as a crash loop does, must not begin anew each time.
        self.failed_at = self.failed_at or at
        if before != "failed":
            self.failures += 1
        if self.restarts_itself and not now.patience:
            # The operator restarts it. Failed a second time, it was given its chance.
            return self.failed_at + RESTART_SECONDS - at if self.failures == 1 else 0
        return self.failed_at + now.patience - at

    def note(self, trouble: str) -> None:
        """Shows what its pods wait for, when that is new."""
        if trouble and trouble != self.noted:
            self.noted = trouble
            pulumi.log.info(f"waits: {trouble}", resource=self.resource)
