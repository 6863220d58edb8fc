"""`make golden`: write the rendered objects of every stack to `tests/program/golden`, one file per stack.

The diff of these files in a pull request shows its changes in clusters. A test fails if they differ from the rendered
objects.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from flink_k8s.config import stack_file
from flink_k8s.program.command import declared_graph
from flink_k8s.program.render import documents, file_names
from flink_k8s.program.resource_graph import ResourceGraph
from flink_k8s.resolve.code_hash import CODE
from flink_k8s.support.block_yaml import dump
from flink_k8s.support.paths import ROOT

FOLDER = ROOT / "tests" / "program" / "golden"
_LONGEST = 2000


def golden(graph: ResourceGraph) -> str:
    """Every rendered object of a stack, in the order of file names; a long text is replaced by its digest."""
    objects, _ = documents(graph)
    named = sorted(file_names(objects).items())
    parts = [f"# {name}\n{dump(cast(dict[str, object], _shortened(item.manifest)))}" for name, item in named]
    return _without_code("---\n".join(["# Written by `make golden`.\n", *parts]), graph)


def _without_code(text: str, graph: ResourceGraph) -> str:
    """The text with the placeholder of `images` instead of each code hash: changed code is reviewed in its own diff."""
    stack = graph.stack.partition("::")[0].rpartition(":")[2]
    named = cast(Mapping[str, str], stack_file.read(ROOT, stack).get("images") or {})
    for name in (name for name in named.values() if CODE in name):
        text = re.sub(re.escape(name).replace(re.escape(CODE), "[0-9a-f]{12}"), lambda _, name=name: name, text)
    return text


def _shortened(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in cast(Mapping[str, object], value).items()}
    if isinstance(value, list):
        return [_shortened(item) for item in cast(list[object], value)]
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{len(value)} characters, sha256:{hashlib.sha256(value.encode()).hexdigest()[:16]}"
    return value


def main(arguments: list[str] | None = None) -> int:
    """Write the files, and delete those of stacks that do not exist any more; an exit code."""
    parser = argparse.ArgumentParser(prog="dev.golden", description="write the rendered objects of every stack")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder: Path = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    names = stack_file.stacks(ROOT)
    for path in folder.glob("*.yaml"):
        if path.stem not in names:
            path.unlink()
    for stack in names:
        (folder / f"{stack}.yaml").write_text(golden(declared_graph(stack)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
