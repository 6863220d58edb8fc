"""Fields of a live object in a job file: one notice for each file."""

from __future__ import annotations

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.yaml_file import Document


def check(stack: StackSubject) -> None:
    """Report the fields of each file that are not deployed, because the cluster has set them."""
    fields: dict[str, set[str]] = {}
    first: dict[str, Document] = {}
    for source in stack.objects:
        if source.live_fields:
            fields.setdefault(source.document.file, set()).update(source.live_fields)
            first.setdefault(source.document.file, source.document)
    for file, paths in fields.items():
        message = (
            f"contains fields that the cluster has set: {', '.join(sorted(paths))}; remove them, they have no effect"
        )
        stack.report("live-fields", (), message, first[file])
