"""The code that a job in the shipped image runs, as a hash: the same for as long as nothing of it changes.

All Python jobs share one image. A hash of the whole folder would restart each of them whenever one changes; this is one
of what a job can reach: its program and the modules beside it that this imports, and everything else that is in the
image for all.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

CODE = "{code}"
"""Stands for the hash in a value of `images`."""

FOLDER = Path("jobs", "pyflink")
"""What the image is built from, below the project."""

_SOURCES = "src"
_IN_IMAGE = "/opt/flink/usrlib/src/"
_PROGRAM = ("-py", "--python")
_MORE_FILES = ("-pyfs", "--pyFiles", "-pyarch", "--pyArchives", "-pyreq", "--pyRequirements", "-pym", "--pyModule")
_BY_NAME = frozenset({"importlib", "__import__", "runpy", "exec", "eval"})
"""What can bring in a module that no import statement names."""


def code(root: Path, args: Sequence[str]) -> str:
    """Twelve digits of the hash of what a job uses.

    Args:
        root: the project.
        args: the job's arguments. Of one that is no Python program of the image, and of one that may import more than
            its text says, the whole folder counts.
    """
    folder = root / FOLDER
    program = _program(args)
    return _hash(folder, _used(folder / _SOURCES, program) if program else None)


def _program(args: Sequence[str]) -> str:
    """The path of the job's program below the sources; empty when it is not known."""
    if any(arg.partition("=")[0] in _MORE_FILES for arg in args):
        return ""
    named = [args[at + 1] for at, arg in enumerate(args[:-1]) if arg in _PROGRAM]
    return named[-1].removeprefix(_IN_IMAGE) if named and named[-1].startswith(_IN_IMAGE) else ""


@functools.cache
def _used(sources: Path, program: str) -> frozenset[Path] | None:
    """The program and the modules that it imports, and so on; None when its text does not tell."""
    found: set[Path] = set()
    left = [sources / program]
    while left:
        path = left.pop()
        if path in found:
            continue
        if not path.is_file():
            return None
        found.add(path)
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            return None
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in _BY_NAME:
                return None
            for name in _imported(node, path, sources):
                if name.partition(".")[0] in _BY_NAME:
                    return None
                left += _files_of(sources, name)
    return frozenset(found)


def _imported(node: ast.AST, path: Path, sources: Path) -> Iterator[str]:
    """The modules that a node may import, with dots, as they are named from the sources."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = path.relative_to(sources).parts[: -node.level] if node.level else ()
        base = ".".join((*package, *((node.module,) if node.module else ())))
        yield base
        yield from (f"{base}.{alias.name}".strip(".") for alias in node.names)


def _files_of(sources: Path, module: str) -> Iterator[Path]:
    """A module's file, and those of the packages that it is in; nothing for a module that is elsewhere."""
    parts = [part for part in module.split(".") if part]
    for end in range(1, len(parts) + 1):
        inside = sources.joinpath(*parts[:end])
        yield from (path for path in (inside.with_suffix(".py"), inside / "__init__.py") if path.is_file())


@functools.cache
def _hash(folder: Path, used: Collection[Path] | None) -> str:
    """Of the files that count: all but the modules that are not used."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        inside = path.relative_to(folder)
        is_module = inside.parts[0] == _SOURCES and path.suffix == ".py"
        if "__pycache__" in inside.parts or path.name.endswith("~") or (is_module and not _counts(path, used)):
            continue
        for part in (str(inside).encode(), b"x" if os.access(path, os.X_OK) else b"-", path.read_bytes()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:12]


def _counts(path: Path, used: Collection[Path] | None) -> bool:
    return used is None or path in used
