"""The output of an engine operation without a terminal: one line per resource and state.

On a terminal Pulumi's own display is better. Without a terminal it prints each step two or three times.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from flink_k8s.operations.engine_events import Event, Listener, Phase, events
from flink_k8s.program.engine_state import resource
from flink_k8s.support.console import say
from flink_k8s.support.processes import stream
from flink_k8s.support.progress import is_terminal

_DONE: Final = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "create-replacement": "created the replacement of",
    "delete-replaced": "deleted the replaced",
    "import": "imported",
    "discard": "no longer read:",
}
_PLANNED: Final = {
    "create": "to create",
    "update": "to update",
    "delete": "to delete",
    "create-replacement": "to create the replacement of",
    "delete-replaced": "to delete the replaced",
    "import": "to import",
    "discard": "no longer read:",
}
"""The same operations in `pulumi preview`."""
_IN_PROGRESS: Final = {
    "kubernetes:helm.sh/v3:Release": {"create": "creating", "update": "updating", "delete": "deleting"},
    "kubernetes:core/v1:Namespace": {"delete": "deleting"},
}
"""The operations that can take minutes, by type: they have a line when they begin, too. Kubernetes looks again at a
namespace after half of the longest grace period of its pods, which is 10 minutes for Prometheus."""
_LAST_LINES: Final = 20
"""Lines of Pulumi's own output that are printed if it failed without an error event."""

Metadata = Mapping[str, Any]


class Lines:
    """Print the engine's events as lines with the seconds since the start, each line once."""

    def __init__(
        self,
        show: Callable[[str], None],
        phase: Phase,
        clock: Callable[[], float] = time.monotonic,
        *,
        planned: bool = False,
    ) -> None:
        """
        Args:
            show: prints a line.
            phase: of the events; in a preview before an operation, only warnings and errors are printed.
            clock: in seconds.
            planned: whether the operation is itself a preview.
        """
        self._words = _PLANNED if planned else _DONE
        self._in_progress: Mapping[str, Mapping[str, str]] = {} if planned else _IN_PROGRESS
        self._show = show
        self._phase = phase
        self._clock = clock
        self._start = clock()
        self._titles: dict[str, str] = {}
        self._printed: set[tuple[str, str]] = set()

    def take(self, event: Event) -> None:
        """Print the lines of an event."""
        for kind, handle in (
            ("resourcePreEvent", self._begun),
            ("resOutputsEvent", self._ended),
            ("resOpFailedEvent", self._failed),
            ("diagnosticEvent", self._diagnostic),
            ("policyEvent", self._policy),
            ("stdoutEvent", self._output),
            ("errorEvent", self._error),
            ("summaryEvent", self._summary),
        ):
            if event.get(kind) is not None:
                handle(cast(Mapping[str, Any], event[kind]))

    def _begun(self, event: Mapping[str, Any]) -> None:
        metadata = cast(Metadata, event["metadata"])
        title = self._titled(metadata)
        if not self._phase.is_preview and metadata["op"] in self._in_progress.get(str(metadata["type"]), {}):
            self._line("", f"{self._in_progress[str(metadata['type'])][str(metadata['op'])]} {title}")

    def _ended(self, event: Mapping[str, Any]) -> None:
        metadata = cast(Metadata, event["metadata"])
        title = self._titled(metadata)
        if _is_shown(metadata) and not self._phase.is_preview:
            self._line("", f"{self._words[str(metadata['op'])]} {title}")

    def _failed(self, event: Mapping[str, Any]) -> None:
        metadata = cast(Metadata, event["metadata"])
        self._line("", f"failed: {metadata['op']} {self._titled(metadata)}")

    def _diagnostic(self, event: Mapping[str, Any]) -> None:
        severity, urn = str(event.get("severity")), str(event.get("urn") or "")
        is_progress = severity == "debug" or event.get("ephemeral")
        if is_progress or (self._phase.is_preview and severity not in ("warning", "error")):
            return
        text = f"{event.get('prefix') or ''}{event['message']}".strip()
        if text:
            self._line(self._titles.get(urn, ""), text)

    def _policy(self, event: Mapping[str, Any]) -> None:
        level, name = event.get("enforcementLevel"), event.get("policyName")
        urn = str(event.get("resourceUrn") or "")
        if urn and urn not in self._titles:  # policies are evaluated before the step of their resource begins
            self._titled({"urn": urn, "type": urn.split("::")[2].rpartition("$")[2]})
        description, _, finding = str(event.get("message")).strip().partition("\n")
        text = f"{finding} ({description})" if finding else description
        self._line(self._titles.get(urn, ""), f"policy {name} ({level}): {text}")

    def _output(self, event: Mapping[str, Any]) -> None:
        self._line("", str(event["message"]).rstrip())

    def _error(self, event: Mapping[str, Any]) -> None:
        self._line("", f"error: {event['error']}")

    def _summary(self, event: Mapping[str, Any]) -> None:
        if self._phase.is_preview:
            return
        changes = cast(Mapping[str, int], event.get("resourceChanges") or {})
        counts = [f"{count} {self._words[op]}" for op, count in sorted(changes.items()) if op in self._words]
        counts += [f"{changes['same']} unchanged"] if changes.get("same") else []
        self._line("", f"resources: {', '.join(counts) or 'none'}")

    def _titled(self, metadata: Metadata) -> str:
        described = cast(Metadata, metadata.get("new") or metadata.get("old") or metadata)
        title = resource({**described, "urn": metadata["urn"], "type": metadata["type"]}).title
        self._titles[str(metadata["urn"])] = title
        return title

    def _line(self, title: str, text: str) -> None:
        if (title, text) in self._printed:
            return
        self._printed.add((title, text))
        named = f"{title}: {text}" if title else text
        self._show(f"{self._clock() - self._start:6.1f} s  {named}")


def _is_shown(metadata: Metadata) -> bool:
    """Whether a step changed an object in the cluster: not a component, a provider, or an unchanged resource."""
    described = cast(Metadata, metadata.get("new") or metadata.get("old") or {})
    is_in_cluster = described.get("custom") is True and not str(metadata["type"]).startswith(
        ("pulumi:pulumi:", "pulumi:providers:")
    )
    return is_in_cluster and metadata["op"] in _DONE


def run(
    command: Sequence[str | Path],
    env: Mapping[str, str],
    listeners: Sequence[Listener],
    phase: Phase,
    *,
    planned: bool = False,
) -> int:
    """Run `pulumi up`, `destroy` or `preview`: on a terminal with Pulumi's display, else with `Lines`.

    Args:
        command: with its options, except the display options.
        env: its environment.
        listeners: receive its events.
        phase: of the events; it is one of the listeners.
        planned: whether the command is `preview`.

    Returns:
        The command's exit code.
    """
    if is_terminal():
        with events(*listeners) as log:
            return stream([*command, *log.options], env={**env, **log.env})
    errors: list[Event] = []

    def keep_error(event: Event) -> None:
        diagnostic = cast(Mapping[str, Any], event.get("diagnosticEvent") or {})
        if diagnostic.get("severity") == "error" or "errorEvent" in event:
            errors.append(event)

    with tempfile.TemporaryFile() as output:
        with events(*listeners, keep_error, Lines(say, phase, planned=planned).take) as log:
            options = ["--non-interactive", "--color", "never", *log.options]
            code = stream([*command, *options], env={**env, **log.env}, stdout=output)
        if code != 0 and not errors:
            output.seek(0)
            say("\n".join(output.read().decode(errors="replace").splitlines()[-_LAST_LINES:]))
    return code
