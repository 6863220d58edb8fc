"""The platform of one stack: stack file and job files -> components -> exports."""

from __future__ import annotations

import gc
from pathlib import Path

import pulumi

from flink_k8s.checks.running_stack import declared_stack
from flink_k8s.components.cluster_access import existing_operator
from flink_k8s.components.platform import Platform

# Every object lives until the end of the run. Less garbage collection saves a quarter of its CPU time: docs/adr/0007.
gc.set_threshold(10_000, 50, 100)

platform = Platform(declared_stack(Path(__file__).parent, existing_operator))
for name, value in platform.outputs.items():
    pulumi.export(name, value)
