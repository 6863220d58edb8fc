"""Protected resources that the engine refuses to delete or replace, and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from flink_k8s.facts.kinds import FLINK_GROUP
from flink_k8s.operations.engine_events import Event
from flink_k8s.operations.stack import Stack
from flink_k8s.program.engine_state import state_graph
from flink_k8s.support.console import counted

_REASONS: Final = ("because it is protected", "marked for protection")
"""In the engine's errors: of a deletion, of a replacement."""


class Refusals:
    """The protected resources that the engine refused to delete or replace, from its events."""

    def __init__(self) -> None:
        self._urns: set[str] = set()

    def take(self, event: Event) -> None:
        """Record an event."""
        diagnostic = cast(Mapping[str, Any], event.get("diagnosticEvent") or {})
        message = " ".join(str(diagnostic.get("message")).split())
        if diagnostic.get("severity") == "error" and any(reason in message for reason in _REASONS):
            self._urns.add(str(diagnostic.get("urn")))

    def hint(self, before: Mapping[str, Any], stack: Stack, operation: str) -> str:
        """The remedy; empty if nothing was refused.

        Args:
            before: the stack's state.
            stack: the stack.
            operation: the refused operation.
        """
        if not self._urns:
            return ""
        # A refused `destroy` reports only protected resources without protected dependents.
        protected = [
            item
            for item in state_graph(before).resources
            if item.urn in self._urns or (operation == "destroy" and item.protect)
        ]
        jobs = sorted({item.object_name for item in protected if item.api_group == FLINK_GROUP})
        names = ", ".join(f"jobs.{name}.protect: false" for name in jobs)
        lines = [f"refused, nothing was changed: {counted(len(protected), 'protected resource')} would be deleted"]
        lines += [f"  {item.title}" for item in sorted(protected, key=lambda item: item.title)]
        if operation == "destroy":
            lines.append(
                f"to delete them: set protectJobs: false (and remove protect: true of single jobs) in "
                f"Pulumi.{stack.name}.yaml, run make up STACK={stack.name}, then make destroy STACK={stack.name}"
            )
        else:
            lines.append(
                "to keep them: declare them again under the same kind, namespace and name. To delete them: declare "
                f"them again with {names or 'protectJobs: false'} in Pulumi.{stack.name}.yaml, run "
                f"make up STACK={stack.name}, then remove them"
            )
        if jobs:
            lines.append(
                "state of a job: with savepointOnDeletion: true a savepoint is taken before the job is deleted, and "
                "restoreFrom starts a job from it; see docs/state.md"
            )
        return "\n".join(lines)
