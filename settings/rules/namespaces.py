"""Rules for the namespaces of a stack by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.alias_generators import to_camel

from settings.model import StackSettings
from settings.namespace import BOUNDS, COUNTS, POD_SECURITY_LABEL
from settings.rules.finding import Finding


def look(settings: StackSettings) -> Iterator[Finding]:
    """Paths are those of the stack config."""
    fields = {name: key for key, name in BOUNDS.items()} | {name: to_camel(key) for key, (_, name) in COUNTS.items()}
    fields |= {"cpu": "cpu", "memory": "memory"}  # which Kubernetes takes for requests.cpu and requests.memory
    for name, namespace in settings.namespaces.items():
        for label in namespace.labels:
            if label.startswith(POD_SECURITY_LABEL):
                yield Finding("field", ("namespaces", name, "labels", label), "is podSecurity's; set that")
        for bound in namespace.quota.hard:
            if bound in fields:
                yield Finding(
                    "field", ("namespaces", name, "quota", "hard", bound), f"is quota.{fields[bound]}; set that"
                )
