"""The engine's event log: the progress of the `pulumi` command, read while it runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

_POLL_SECONDS: Final = 0.05

Event = Mapping[str, Any]
Listener = Callable[[Event], None]


@dataclass(frozen=True)
class EventLog:
    """Options that make a command write its events.

    Attributes:
        options: for the command.
        env: added to its environment: `--event-log` is a debugging option, which the Automation API uses too.
    """

    options: tuple[str, ...]
    env: Mapping[str, str]


class Phase:
    """Whether the events are of the preview before an operation, or of the operation itself."""

    def __init__(self, *, has_preview: bool) -> None:
        """
        Args:
            has_preview: whether a preview runs before the operation.
        """
        self.is_preview = has_preview
        self._sequence = 0

    def take(self, event: Event) -> None:
        """Record an event: the operation numbers its events from 0 again."""
        sequence = int(event.get("sequence", 0))
        if sequence < self._sequence:
            self.is_preview = False
        self._sequence = sequence


@contextmanager
def events(*listeners: Listener) -> Generator[EventLog]:
    """Pass each event of the command that runs in the block to the listeners; all are passed when the block ends."""
    with TemporaryDirectory(prefix="flink-k8s-events-") as folder:
        path = Path(folder) / "events"
        path.touch()
        ended = threading.Event()
        reader = threading.Thread(target=_follow, args=(path, listeners, ended))
        reader.start()
        try:
            yield EventLog(("--event-log", str(path)), {"PULUMI_DEBUG_COMMANDS": "true"})
        finally:
            ended.set()
            reader.join()


def _follow(path: Path, listeners: tuple[Listener, ...], ended: threading.Event) -> None:
    rest = b""
    with path.open("rb") as file:
        while True:
            is_last = ended.is_set()
            if path.stat().st_size < file.tell():
                # The operation truncates the log of its preview.
                file.seek(0)
                rest = b""
            *lines, rest = (rest + file.read()).split(b"\n")
            for line in lines:
                event = json.loads(line)
                for listener in listeners:
                    listener(event)
            if is_last:
                return
            ended.wait(_POLL_SECONDS)
