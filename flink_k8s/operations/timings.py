"""Where the time of an operation of the `pulumi` command went: its events, with the time at which each was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flink_k8s.operations.engine_events import Event
from flink_k8s.operations.timeline import Stopwatch


def take(event: Event, watch: Stopwatch) -> None:
    """Record one of the engine's events; their own times are whole seconds.

    Args:
        event: as the command writes it; kinds without a resource are ignored.
        watch: of this run.
    """
    for kind, record in (
        ("resourcePreEvent", watch.begun),
        ("resOutputsEvent", watch.ended),
        ("resOpFailedEvent", watch.ended),
    ):
        if kind in event:
            record(str(event[kind]["metadata"]["urn"]))
    diagnostic = cast(Mapping[str, Any], event.get("diagnosticEvent") or {})
    if diagnostic.get("urn") and diagnostic.get("severity") != "debug":
        watch.said(str(diagnostic["urn"]))
