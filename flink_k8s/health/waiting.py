"""What is known about one job that is waited for: when its status counts, and since when its pods are in trouble."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi

from flink_k8s.health.job_status import RECOVERY_SECONDS, Verdict

RESTART_SECONDS = 30
"""How long the operator has to restart a failed job that it restarts by itself: two of its looks, 15 s apart."""


@dataclass
class Waiting:
    """One job.

    Attributes:
        title: for messages.
        resource: whose row shows the status.
        restarts_itself: whether the operator restarts it when it has failed.
        last: the newest verdict.
    """

    title: str
    resource: pulumi.Resource
    restarts_itself: bool
    last: Verdict = field(default_factory=lambda: Verdict("waiting", ""))
    _noted: str = ""
    _failures: int = 0
    _failed_at: float | None = None
    _well_at: float = 0
    _ready_at: float = 0
    _trouble_at: float | None = None

    def judge(self, now: Verdict, at: float) -> float:
        """Takes a status in and shows it when it is new.

        Returns:
            Seconds that it has to stay so before it counts; 0 or less when it does.
        """
        if now != self.last:
            suffix = f" ({now.error.text})" if now.error.text and (now.state == "waiting" or now.patience) else ""
            pulumi.log.info(f"{now.shown}{suffix}", resource=self.resource)
        before, self.last = self.last, now
        if now.is_observed and not before.is_observed:
            self._failures, self._failed_at = 0, None  # what was is of the spec before
        if now.state == "ready":
            self._ready_at = self._ready_at if before.state == "ready" else at
            return self._ready_at + now.patience - at
        if now.state != "failed":
            self._well_at = at if before.state == "failed" else self._well_at
            return float("inf")
        # Counted from the first: a failure that comes and goes, as a crash loop does, must not begin anew each time.
        is_new = before.state != "failed" and at - self._well_at >= RECOVERY_SECONDS
        self._failed_at = at if self._failed_at is None or is_new else self._failed_at
        if now.may_restart and self.restarts_itself:
            # The operator restarts it. Failed a second time, it was given its chance.
            self._failures += not before.may_restart
            return self._failed_at + RESTART_SECONDS - at if self._failures == 1 else 0
        return self._failed_at + now.patience - at

    def note(self, said: str) -> None:
        """Shows what it waits for, when that is new."""
        if said and said != self._noted:
            self._noted = said
            pulumi.log.info(f"waits: {said}", resource=self.resource)

    def in_trouble(self, *, now: bool, at: float) -> float:
        """Takes in whether its pods are in trouble.

        Returns:
            Seconds that they have been without a break.
        """
        self._trouble_at = (at if self._trouble_at is None else self._trouble_at) if now else None
        return at - self._trouble_at if self._trouble_at is not None else 0
