"""Record the times of the `pulumi` command's events, for the timeline of an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flink_k8s.operations.engine_events import Event
from flink_k8s.operations.timeline import Stopwatch


def take(event: Event, watch: Stopwatch) -> None:
    """Record one of the engine's events with the current time; the events' own times are whole seconds.

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
        watch.logged(str(diagnostic["urn"]))
