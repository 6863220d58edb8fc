"""Whether the running program waits for the cluster."""

from __future__ import annotations

import os

import pulumi

DESTROYING = "FLINK_K8S_DESTROY"
"""Environment variable of `pulumi destroy --run-program`: the SDK does not tell the program that it runs for that."""


def waits_for_cluster() -> bool:
    """Whether the program waits for jobs, the operator and the platform: not in a preview, and not before a destroy."""
    return not pulumi.runtime.is_dry_run() and not os.environ.get(DESTROYING)
