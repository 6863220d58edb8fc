"""The engine's event log: what the `pulumi` command does, read while it runs."""

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
    """Makes a command write its events.

    Attributes:
        options: for the command.
        env: added to its environment: the option is one for debugging, which the Automation API uses, too.
    """

    options: tuple[str, ...]
    env: Mapping[str, str]


class Phase:
    """Whether the events are of the preview before an operation, or of the operation itself."""

    def __init__(self, *, has_preview: bool) -> None:
        """
        Args:
            has_preview: whether there is a preview before it.
        """
        self.is_preview = has_preview
        self._sequence = 0

    def take(self, event: Event) -> None:
        """Record an event: the operation counts its own from 0 again."""
        sequence = int(event.get("sequence", 0))
        if sequence < self._sequence:
            self.is_preview = False
        self._sequence = sequence


@contextmanager
def events(*listeners: Listener) -> Generator[EventLog]:
    """Pass each event of the command that runs in the block to the listeners; at its end all are passed."""
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
                # The update truncates the log of its preview.
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
