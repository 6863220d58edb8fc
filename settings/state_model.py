"""The key `stateStorage` as models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from settings.base import Model, Name, Text


class StateVolume(Model):
    """A claim for state in each namespace; for `type: volume`."""

    size: Text = Field(default="5Gi", description="Size of the claim.")
    storage_class: str | None = Field(default=None, description="Its StorageClass; not set: the cluster's default.")
    access_mode: Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"] | None = Field(
        default=None,
        description="Not set: ReadWriteOnce, with which all pods that keep state in a namespace run on one node.",
    )
    claim: Name | None = Field(
        default=None, description="Name of a claim that is there in each namespace, instead of one of the program's."
    )


class StateStorage(Model):
    """Where checkpoints, savepoints and high-availability data go: docs/state.md."""

    type: Literal["volume", "none"] = Field(default="none", description="Kind of storage.")
    folder: str | None = Field(
        default=None,
        description="First folder below it; not set: the stack's name. A renamed stack says its old name here.",
    )
    volume: StateVolume = Field(default=StateVolume(), description="For `type: volume`: the claim.")

    @property
    def makes_claims(self) -> bool:
        """Whether the program makes claims for it."""
        return self.type == "volume" and self.volume.claim is None
