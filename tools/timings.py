"""Where the time of an `up` by the pulumi command went: its events, with the time at which each was seen."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

from local.timeline import Stopwatch

_LOOK_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Events:
    """The events of one command, to be read as it writes them.

    The events' own times are whole seconds.

    Attributes:
        options: for the command.
        env: laid over its environment: the option is one for debugging, which the automation API uses, too.
        watch: takes the events in.
    """

    options: tuple[str, ...]
    env: Mapping[str, str]
    watch: Stopwatch


@contextmanager
def events() -> Generator[Events]:
    """Reads the events of the command that runs in the block; when it ends, all are in."""
    with TemporaryDirectory(prefix="flink-k8s-events-") as folder:
        path = Path(folder) / "events"
        path.touch()
        found = Events(("--event-log", str(path)), {"PULUMI_DEBUG_COMMANDS": "true"}, Stopwatch())
        ended = threading.Event()
        reader = threading.Thread(target=_follow, args=(path, found.watch, ended))
        reader.start()
        try:
            yield found
        finally:
            ended.set()
            reader.join()


def _follow(path: Path, watch: Stopwatch, ended: threading.Event) -> None:
    rest = b""
    with path.open("rb") as file:
        while True:
            is_last = ended.is_set()
            *lines, rest = (rest + file.read()).split(b"\n")
            for line in lines:
                take(json.loads(line), watch)
            if is_last:
                return
            ended.wait(_LOOK_SECONDS)


def take(event: Mapping[str, Any], watch: Stopwatch) -> None:
    """Takes one of the engine's events in.

    Args:
        event: as the command writes it; kinds that say nothing of a resource are left out.
        watch: for this run.
    """
    for kind, told in (
        ("resourcePreEvent", watch.begun),
        ("resOutputsEvent", watch.ended),
        ("resOpFailedEvent", watch.ended),
    ):
        if kind in event:
            told(str(event[kind]["metadata"]["urn"]))
    said = cast(Mapping[str, Any], event.get("diagnosticEvent") or {})
    if said.get("urn") and said.get("severity") != "debug":
        watch.said(str(said["urn"]))
