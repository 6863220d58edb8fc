"""A Flink platform for Pulumi programs; docs/library.md has examples, docs/architecture.md the table of imports."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flink_k8s.components.flink_job import FlinkJob
    from flink_k8s.components.flink_platform import FlinkPlatform
    from flink_k8s.components.settings import FlinkJobArgs, FlinkPlatformArgs

__all__ = ["FlinkJob", "FlinkJobArgs", "FlinkPlatform", "FlinkPlatformArgs"]

_MODULES = {
    "FlinkJob": "flink_job",
    "FlinkJobArgs": "settings",
    "FlinkPlatform": "flink_platform",
    "FlinkPlatformArgs": "settings",
}


def __getattr__(name: str) -> Any:
    """A component or its arguments. Commands use this package without Pulumi's SDK, which takes time to import."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.components.{_MODULES[name]}"), name)
