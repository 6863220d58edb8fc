"""Waits until Flink resources are ready, and fails with the job's error as soon as one has failed.

The program watches them because the engine cannot: `pulumi.com/waitFor` waits for its whole timeout although a job has
failed, and reports only the timeout; a hook fails once, and the next `up` succeeds. See docs/adr/0002.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.events import brings_node, last_exception
from flink_k8s.health.failure_reason import Object
from flink_k8s.health.job_status import (
    RECOVERY_SECONDS,
    JobStatus,
    children,
    evaluate,
    is_restarted_by_operator,
    with_next_deployment,
)
from flink_k8s.health.pods import PodIssue, Pods
from flink_k8s.health.watch import ResourceWatch, changed
from flink_k8s.resolve.jobs import Job

POD_CHECK_SECONDS = 10
"""Interval of checks of the pods of jobs that are not ready."""

POD_ISSUE_SECONDS = 60
"""Time that a pod issue may last: a registry recovers, a Secret or a node is created late."""

PROGRESS_SECONDS = 5
"""Interval of the messages that only a terminal shows, on the row of the waiting resource."""

CRASH_LOOP_SECONDS = 40
"""Time that a crash loop may last after its second crash: a store or a broker starts late."""


class Readiness:
    """Waits for jobs, with one watch per namespace and kind."""

    def __init__(self, api_server: ApiServer, *, timeout_seconds: int) -> None:
        """
        Args:
            api_server: of the stack's cluster.
            timeout_seconds: for each job, from the time that it was applied.
        """
        self._api_server = api_server
        self._timeout = timeout_seconds
        self._watches: dict[tuple[str, str], ResourceWatch] = {}
        self._pods: dict[str, Pods] = {}
        self._client: Any = None
        self._connecting = asyncio.Lock()

    async def wait(self, job: Job, resource: pulumi.Resource | None, applied: Object | None = None) -> str:
        """Wait until the job is ready; return its state.

        Args:
            job: to wait for.
            resource: whose row shows the status; None after the run of the engine, without rows.
            applied: metadata of the applied object; the watch, which other jobs share, may still have an older one.

        Raises:
            pulumi.RunError: if the job fails or the timeout expires; contains the job's own error.
        """
        if pulumi.runtime.is_dry_run():
            return "not awaited in a preview"
        title = f"job {job.namespace}/{job.name}"
        kinds = (job.kind, FlinkKind.DEPLOYMENT) if job.kind == FlinkKind.BLUE_GREEN else (job.kind,)
        watches = [await self._join_watch(job.namespace, kind) for kind in kinds]
        wait_state = WaitState(title, resource, is_restarted_by_operator(job))
        try:
            async with asyncio.timeout(self._timeout):
                return await self._follow(job, watches, wait_state, applied or {})
        except TimeoutError:
            pod_reason = await self._waiting_reason(job, wait_state.last)
            reason = "; ".join(part for part in (wait_state.last.shown, wait_state.last.error.text, pod_reason) if part)
            message = f"{title} is not ready after {self._timeout} s: {reason}"
            raise pulumi.RunError(message) from None
        finally:
            for kind in kinds:
                await self._leave(job.namespace, kind)

    async def _follow(self, job: Job, watches: Sequence[ResourceWatch], wait_state: WaitState, applied: Object) -> str:
        resource_watch = watches[0]
        clock = asyncio.get_running_loop().time
        begun_at = asked_at = shown_at = clock()
        while True:
            manifest = resource_watch.objects.get(job.name)
            remaining = float(POD_CHECK_SECONDS)
            if manifest is not None and not _is_older(manifest, applied):
                now = evaluate(job.kind, manifest, suspended=job.is_suspended)
                if job.kind == FlinkKind.BLUE_GREEN:
                    now = with_next_deployment(now, manifest, watches[1].objects)
                remaining = wait_state.update(now, clock())
                if now.state == "failed" and remaining <= 0:
                    raise pulumi.RunError(f"{wait_state.title} {now.shown}: {await self._failure_reason(job, now)}")
                if now.state == "ready" and remaining <= 0:
                    if await self._is_running(job, now):
                        return now.shown
                    remaining = float(POD_CHECK_SECONDS)
            if resource_watch.error_message:
                raise pulumi.RunError(f"{wait_state.title} cannot be watched: {resource_watch.error_message}")
            if clock() - asked_at >= POD_CHECK_SECONDS:
                asked_at = clock()
                await self._check_pods(job, wait_state, asked_at)
            if clock() - shown_at >= PROGRESS_SECONDS:
                shown_at = clock()
                wait_state.show_progress(shown_at - begun_at)
            await changed(watches, min(remaining, POD_CHECK_SECONDS, PROGRESS_SECONDS))

    async def _is_running(self, job: Job, ready: JobStatus) -> bool:
        """Whether a RUNNING job has workers: the state is RUNNING even if all TaskManagers are pending."""
        if job.kind != FlinkKind.DEPLOYMENT or "RUNNING" not in ready.shown:
            return True
        issue = await self._pod_issue(job)
        return issue.has_worker or not issue.of_pods

    async def _check_pods(self, job: Job, wait_state: WaitState, at: float) -> None:
        """Print the reason why a job is not ready.

        Raises:
            pulumi.RunError: if a pod issue lasts for POD_ISSUE_SECONDS, or a crash loop for CRASH_LOOP_SECONDS.
        """
        issue = await self._pod_issue(job)
        wait_state.note(issue.text or await self._waiting_reason(job, wait_state.last))
        seconds_with_issue = wait_state.seconds_with_issue(has_issue=bool(issue.text) and not issue.may_pass, at=at)
        if seconds_with_issue < (CRASH_LOOP_SECONDS if issue.is_crash_loop else POD_ISSUE_SECONDS):
            return
        if issue.unscheduled and await brings_node(self._client, job.namespace, issue.unscheduled):
            return
        raise pulumi.RunError(f"{wait_state.title} {wait_state.last.shown}: {issue.text}")

    async def _join_watch(self, namespace: str, kind: str) -> ResourceWatch:
        async with self._connecting:
            if self._client is None:
                self._client = await self._api_server.connect()
        resource_watch = self._watches.get((namespace, kind))
        if resource_watch is None:
            resource_watch = self._watches[namespace, kind] = ResourceWatch(
                self._client, namespace, FlinkKind(kind).plural
            )
        resource_watch.join()
        return resource_watch

    async def _leave(self, namespace: str, kind: str) -> None:
        resource_watch = self._watches[namespace, kind]
        if resource_watch.leave():
            del self._watches[namespace, kind]
            await resource_watch.stop()
        if not self._watches and self._client is not None:
            client, self._client = self._client, None
            self._pods.clear()
            await client.close()

    async def _failure_reason(self, job: Job, failed: JobStatus) -> str:
        """The reason of a failure: the pod issue, the operator's error, or the error of the job's program."""
        error = failed.error.text
        program_error = await self._pods_of(job).program_error(job.session_cluster or job.name, error)
        if program_error:
            return f"{program_error} ({error})"
        issue = (await self._pod_issue(job)).text
        if failed.error.is_of_pods and issue:
            return issue
        return "; ".join(filter(None, (error, issue))) or "the operator reports no error"

    async def _waiting_reason(self, job: Job, last: JobStatus) -> str:
        """The issue of the pods, or the exception of a restarting job."""
        issue = (await self._pod_issue(job)).text
        if not issue and any(word in last.shown for word in ("RESTARTING", "FAILING")):
            return await last_exception(self._client, job.namespace, job.name)
        return issue

    async def _pod_issue(self, job: Job) -> PodIssue:
        is_blue_green = job.kind == FlinkKind.BLUE_GREEN
        apps = children(job.name) if is_blue_green else (job.session_cluster or job.name,)
        return await self._pods_of(job).issue(apps)

    def _pods_of(self, job: Job) -> Pods:
        if job.namespace not in self._pods:
            self._pods[job.namespace] = Pods(self._client, job.namespace, POD_CHECK_SECONDS / 2)
        return self._pods[job.namespace]


def _is_older(manifest: Object, applied: Object) -> bool:
    """Whether the object is that of a previous spec, or a deleted one of the same name."""
    metadata: Object = manifest["metadata"]
    is_other = applied.get("uid") not in (None, metadata.get("uid"))
    return is_other or metadata.get("generation", 0) < applied.get("generation", 0)


RESTART_SECONDS = 30
"""Time in which the operator restarts a failed job: two of its reconciliations, 15 s apart."""


@dataclass
class WaitState:
    """The state of waiting for one job.

    Attributes:
        title: of the job, for messages.
        resource: the resource whose row shows the status; None for no row.
        is_restarted_by_operator: whether the operator restarts the failed job.
        last: the newest status.
    """

    title: str
    resource: pulumi.Resource | None
    is_restarted_by_operator: bool
    last: JobStatus = field(default_factory=lambda: JobStatus("waiting", ""))
    _reason: str = ""
    _printed_reason: str = ""
    _failures: int = 0
    _failed_at: float | None = None
    _recovered_at: float = 0
    _ready_at: float = 0
    _issue_at: float | None = None

    def update(self, status: JobStatus, at: float) -> float:
        """Record a status, and print it if it is new.

        Returns:
            Seconds that the status must last before it counts; 0 or less if it counts now.
        """
        if status != self.last:
            suffix = (
                f" ({status.error.text})" if status.error.text and (status.state == "waiting" or status.delay) else ""
            )
            self._show(f"{status.shown}{suffix}")
        before, self.last = self.last, status
        if status.is_observed and not before.is_observed:
            self._failures, self._failed_at = 0, None  # earlier failures are those of the previous spec
        if status.state == "ready":
            self._ready_at = self._ready_at if before.state == "ready" else at
            return self._ready_at + status.delay - at
        if status.state != "failed":
            self._recovered_at = at if before.state == "failed" else self._recovered_at
            return float("inf")
        # Count from the first failure: an intermittent failure, such as a crash loop, must not restart the count.
        is_new = before.state != "failed" and at - self._recovered_at >= RECOVERY_SECONDS
        self._failed_at = at if self._failed_at is None or is_new else self._failed_at
        if status.may_restart and self.is_restarted_by_operator:
            # The operator restarts the job; a second failure counts.
            self._failures += not before.may_restart
            return self._failed_at + RESTART_SECONDS - at if self._failures == 1 else 0
        return self._failed_at + status.delay - at

    def note(self, reason: str) -> None:
        """Print the reason for waiting, if it is new."""
        self._reason = reason
        if reason and reason != self._printed_reason:
            self._printed_reason = reason
            self._show(f"waits: {reason}")

    def show_progress(self, waited: float) -> None:
        """Show the elapsed seconds and the reason on the resource's row; without a terminal, the engine drops it."""
        reason = "; ".join(filter(None, (self.last.shown or "not observed yet", self._reason)))
        self._show(f"waits {waited:.0f} s: {reason}", ephemeral=True)

    def _show(self, text: str, *, ephemeral: bool = False) -> None:
        if self.resource is not None:
            pulumi.log.info(text, resource=self.resource, ephemeral=ephemeral)

    def seconds_with_issue(self, *, has_issue: bool, at: float) -> float:
        """Record whether the pods of the job have an issue.

        Returns:
            Uninterrupted seconds with an issue.
        """
        self._issue_at = (at if self._issue_at is None else self._issue_at) if has_issue else None
        return at - self._issue_at if self._issue_at is not None else 0
