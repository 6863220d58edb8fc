"""Autoscaling of a job as a model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flink_k8s.config.base import Model

AutoscalingProfile = Literal["none", "conservative", "balanced", "eager"]

MAX_PARALLELISM = 2**15
"""Largest number of key groups in Flink, and so the largest parallelism."""

_Parallelism = Annotated[int, Field(ge=1, le=MAX_PARALLELISM)]


class Autoscaling(Model):
    """The operator's autoscaler for one job: docs/autoscaling.md."""

    profile: AutoscalingProfile = Field(
        default="balanced",
        description="How fast the autoscaler reacts, and how much spare capacity it keeps; `none` disables autoscaling."
        " Options in `flinkConfiguration` override those of the profile.",
    )
    min: _Parallelism | None = Field(
        default=None, description="Smallest parallelism of each vertex of the job graph; not set: 1."
    )
    max: _Parallelism | None = Field(
        default=None,
        description="Largest parallelism of each vertex, required: quotas are checked with it, and it must not exceed"
        " `pipeline.max-parallelism`.",
    )
