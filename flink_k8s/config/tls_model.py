"""TLS between the processes of a Flink cluster, as a model."""

from __future__ import annotations

from pydantic import Field

from flink_k8s.config.base import Duration, Model
from flink_k8s.facts.units import seconds

LONGEST = 43800
"""Maximum lifetime of a certificate in hours: the remaining lifetime of its authority is never shorter."""


class InternalTls(Model):
    """Mutual TLS between the processes of one Flink cluster, with a certificate authority of its own."""

    enabled: bool = Field(
        default=False,
        description="Issue an authority and a certificate for the cluster with cert-manager; its processes then accept "
        "no other peers. A change restarts the job.",
    )
    duration: Duration = Field(
        default="8760h", description=f"Lifetime of a certificate: 1h at least, {LONGEST}h at most."
    )
    renew_before: Duration | None = Field(
        default=None,
        description="Time before the expiry of a certificate at which the next one is issued, and so the safe uptime "
        "of a "
        "process: Flink reads its certificate only at startup. Not set: three quarters of `duration`.",
    )

    @property
    def renewal(self) -> str:
        """Time before the expiry of a certificate at which the next one is issued."""
        return self.renew_before or f"{seconds(self.duration) * 3 // 4}s"
