"""The state of waiting for one job: when its status counts, and how long its pods have had an issue."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi

from flink_k8s.health.job_status import RECOVERY_SECONDS, JobStatus

RESTART_SECONDS = 30
"""Time in which the operator restarts a failed job: two of its reconciliations, 15 s apart."""


@dataclass
class WaitState:
    """The state of waiting for one job.

    Attributes:
        title: of the job, for messages.
        resource: the resource whose row shows the status.
        is_restarted_by_operator: whether the operator restarts the failed job.
        last: the newest status.
    """

    title: str
    resource: pulumi.Resource
    is_restarted_by_operator: bool
    last: JobStatus = field(default_factory=lambda: JobStatus("waiting", ""))
    _last_reason: str = ""
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
            pulumi.log.info(f"{status.shown}{suffix}", resource=self.resource)
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
        if reason and reason != self._last_reason:
            self._last_reason = reason
            pulumi.log.info(f"waits: {reason}", resource=self.resource)

    def seconds_with_issue(self, *, has_issue: bool, at: float) -> float:
        """Record whether the pods of the job have an issue.

        Returns:
            Uninterrupted seconds with an issue.
        """
        self._issue_at = (at if self._issue_at is None else self._issue_at) if has_issue else None
        return at - self._issue_at if self._issue_at is not None else 0
