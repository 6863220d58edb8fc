"""TLS between the processes of a Flink cluster, as a model."""

from __future__ import annotations

from pydantic import Field

from flink_k8s.config.base import Duration, Model
from flink_k8s.facts.units import seconds

LONGEST = 43800
"""Hours that a certificate may be valid: its authority never has less left than these."""


class InternalTls(Model):
    """TLS between the processes of one Flink cluster, each of which has to show a certificate of that cluster's."""

    enabled: bool = Field(
        default=False,
        description="Make an authority and a certificate for the cluster by cert-manager; its processes talk to "
        "nobody else then. A change restarts the job.",
    )
    duration: Duration = Field(
        default="8760h", description=f"How long a certificate is valid: 1h at least, {LONGEST}h at most."
    )
    renew_before: Duration | None = Field(
        default=None,
        description="How long before its end the next one is made, and so how old a process may safely get: Flink "
        "reads its certificate at its start alone. Not set: three quarters of `duration`.",
    )

    @property
    def renewal(self) -> str:
        """How long before a certificate's end the next one is made."""
        return self.renew_before or f"{seconds(self.duration) * 3 // 4}s"
