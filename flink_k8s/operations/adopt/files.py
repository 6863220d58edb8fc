"""The job files and the stack file of adopted objects. Files and entries of the user are never changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flink_k8s.config.stack_file import PREFIX
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.operations.adopt.live_object import LiveObject, Usage
from flink_k8s.support import block_yaml, output_file

_HEADER = """\
# yaml-language-server: $schema=docs/schema/stack.json
# Objects that exist in the cluster: docs/adopt.md.
"""


@dataclass(frozen=True)
class NewFile:
    """A file that is written.

    Attributes:
        path: relative to the project.
        objects: in the order in which they are deployed.
    """

    path: Path
    objects: tuple[LiveObject, ...]

    @property
    def text(self) -> str:
        """The objects as YAML documents."""
        return "---\n".join(block_yaml.dump(item.manifest) for item in self.objects)


def new_files(
    root: Path, folder: str, resources: Sequence[LiveObject], usage: Usage, declared: Collection[str]
) -> list[NewFile]:
    """A file for each Flink resource with the objects that only it uses, and one for the shared objects of a namespace.

    Args:
        root: the project.
        folder: for the files, relative to the project.
        resources: Flink resources.
        usage: what they use.
        declared: keys of the objects that job files contain already; they are left out.
    """
    names = Counter(resource.name for resource in resources)
    shared: dict[str, list[LiveObject]] = {}
    own: dict[str, list[LiveObject]] = {}
    for item, users in usage.objects:
        if item.key not in declared:
            if len(users) == 1:
                own.setdefault(next(iter(users)), []).append(item)
            else:
                shared.setdefault(item.namespace, []).append(item)
    files: list[NewFile] = []
    taken: set[Path] = set()

    def add(objects: Sequence[LiveObject], *stems: str) -> None:
        candidates = [Path(folder) / f"{stem}.yaml" for stem in (*stems, *(f"{stems[-1]}-{n}" for n in range(2, 1000)))]
        path = next(path for path in candidates if path not in taken and not (root / path).exists())
        taken.add(path)
        files.append(NewFile(path, tuple(objects)))

    for namespace, items in shared.items():
        add(items, f"{namespace}-shared")
    for resource in resources:
        items = [*own.get(resource.key, ()), *([] if resource.key in declared else [resource])]
        if items:
            full = f"{resource.namespace}-{resource.name}"
            stems = [resource.name] if names[resource.name] == 1 else []
            add(items, *stems, full, f"{full}-{resource.kind.lower()}")
    return files


def stack_text(entries: Mapping[str, object]) -> str:
    """A stack file with the entries."""
    return _HEADER + block_yaml.dump({"config": {f"{PREFIX}{key}": value for key, value in entries.items()}})


def missing_entries(entries: Mapping[str, object], existing: Mapping[str, object]) -> dict[str, object]:
    """The entries that an existing stack config lacks; in lists and in `namespaces`, the items that it lacks.

    Args:
        entries: by key without prefix.
        existing: the stack config, by key without prefix.
    """
    missing: dict[str, object] = {}
    for key, value in entries.items():
        present = existing.get(key)
        if present in (None, "", {}, []):
            missing[key] = value
        elif isinstance(value, list):
            missing[key] = [item for item in listed(cast(object, value)) if item not in listed(present)]
        elif key == "namespaces":
            missing[key] = {name: item for name, item in mapping(value).items() if name not in mapping(present)}
    return {key: value for key, value in missing.items() if value}


def write(root: Path, files: Sequence[NewFile]) -> None:
    """Write job files.

    Raises:
        CommandError: if a file cannot be written.
    """
    for file in files:
        output_file.write(root / file.path, file.text)
