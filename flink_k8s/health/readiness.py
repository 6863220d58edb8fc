"""Waits until Flink's resources are ready, and says at once, in the job's own words, when one has failed.

The program watches by itself because nothing of the engine's does: `pulumi.com/waitFor` burns its whole time-out on a
failed job and then says only that time is out; a hook fails once, and the next `up` passes. See docs/adr/0002.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pulumi

from flink_k8s.config.model import StackSettings
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.units import seconds
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.blue_green import children, with_coming
from flink_k8s.health.events import brings_node, last_exception
from flink_k8s.health.job_status import Verdict, restarts_itself, verdict
from flink_k8s.health.pods import Pods, Trouble
from flink_k8s.health.waiting import Waiting
from flink_k8s.health.watch import Stream, changed
from flink_k8s.resolve.jobs import Job

TROUBLE_SECONDS = 10
"""How often the pods of jobs that are not ready are asked what they wait for."""

LASTING_SECONDS = 60
"""How long pods that cannot run are waited for: a registry comes back, a Secret or a node comes late."""


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
        kinds = (job.kind, FlinkKind.DEPLOYMENT) if job.kind == FlinkKind.BLUE_GREEN else (job.kind,)
        streams = [await self._stream(job.namespace, kind) for kind in kinds]
        waiting = Waiting(title, resource, restarts_itself(job))
        try:
            async with asyncio.timeout(self._timeout):
                return await self._follow(job, streams, waiting)
        except TimeoutError:
            said = await self._said(job, waiting.last)
            why = "; ".join(part for part in (waiting.last.shown, waiting.last.error.text, said) if part)
            message = f"{title} is not ready after {self._timeout} s: {why}"
            raise pulumi.RunError(message) from None
        finally:
            for kind in kinds:
                await self._leave(job.namespace, kind)

    async def _follow(self, job: Job, streams: Sequence[Stream], waiting: Waiting) -> str:
        stream = streams[0]
        clock = asyncio.get_running_loop().time
        asked_at = clock()
        while True:
            found = stream.objects.get(job.name)
            remaining = float(TROUBLE_SECONDS)
            if found is not None:
                now = verdict(job.kind, found, suspended=job.is_suspended)
                if job.kind == FlinkKind.BLUE_GREEN:
                    now = with_coming(now, found, streams[1].objects)
                remaining = waiting.judge(now, clock())
                if now.state == "failed" and remaining <= 0:
                    raise pulumi.RunError(f"{waiting.title} {now.shown}: {await self._cause(job, now)}")
                if now.state == "ready" and remaining <= 0:
                    if await self._works(job, now):
                        return now.shown
                    remaining = float(TROUBLE_SECONDS)
            if stream.refusal:
                raise pulumi.RunError(f"{waiting.title} cannot be watched: {stream.refusal}")
            if clock() - asked_at >= TROUBLE_SECONDS:
                asked_at = clock()
                await self._look_at_pods(job, waiting, asked_at)
            await changed(streams, min(remaining, TROUBLE_SECONDS))

    async def _works(self, job: Job, ready: Verdict) -> bool:
        """Whether a job that is said to run does: Flink's default scheduler says so while all TaskManagers wait."""
        if job.kind != FlinkKind.DEPLOYMENT or "RUNNING" not in ready.shown:
            return True
        trouble = await self._trouble(job)
        return trouble.has_worker or not trouble.of_pods

    async def _look_at_pods(self, job: Job, waiting: Waiting, at: float) -> None:
        """Shows what a job waits for.

        Raises:
            pulumi.RunError: when its pods cannot run, and have not been able to for a while.
        """
        trouble = await self._trouble(job)
        waiting.note(trouble.text or await self._said(job, waiting.last))
        lasted = waiting.in_trouble(now=bool(trouble.text) and not trouble.may_pass, at=at)
        if lasted < LASTING_SECONDS:
            return
        if trouble.unscheduled and await brings_node(self._client, job.namespace, trouble.unscheduled):
            return
        raise pulumi.RunError(f"{waiting.title} {waiting.last.shown}: {trouble.text}")

    async def _stream(self, namespace: str, kind: str) -> Stream:
        async with self._connecting:
            if self._client is None:
                self._client = await self._api_server.connect()
        stream = self._streams.get((namespace, kind))
        if stream is None:
            stream = self._streams[namespace, kind] = Stream(self._client, namespace, FlinkKind(kind).plural)
        stream.join()
        return stream

    async def _leave(self, namespace: str, kind: str) -> None:
        stream = self._streams[namespace, kind]
        if stream.leave():
            del self._streams[namespace, kind]
            await stream.stop()
        if not self._streams and self._client is not None:
            client, self._client = self._client, None
            self._pods.clear()
            await client.close()

    async def _cause(self, job: Job, failed: Verdict) -> str:
        """Why the job failed: what its pods wait for, the operator's error, what a Python program itself had to say."""
        error = failed.error.text
        if "Python process exits" in error:
            said = await self._pods_of(job).python_error(job.session_cluster or job.name)
            return f"{said} ({error})" if said else error
        trouble = (await self._trouble(job)).text
        if failed.error.is_of_pods and trouble:
            return trouble
        return "; ".join(filter(None, (error, trouble))) or "the operator gives no error"

    async def _said(self, job: Job, last: Verdict) -> str:
        """What its pods wait for, or why Flink restarts it."""
        trouble = (await self._trouble(job)).text
        if not trouble and any(word in last.shown for word in ("RESTARTING", "FAILING")):
            return await last_exception(self._client, job.namespace, job.name)
        return trouble

    async def _trouble(self, job: Job) -> Trouble:
        is_blue_green = job.kind == FlinkKind.BLUE_GREEN
        apps = children(job.name) if is_blue_green else (job.session_cluster or job.name,)
        return await self._pods_of(job).trouble(apps)

    def _pods_of(self, job: Job) -> Pods:
        if job.namespace not in self._pods:
            self._pods[job.namespace] = Pods(self._client, job.namespace, TROUBLE_SECONDS / 2)
        return self._pods[job.namespace]
