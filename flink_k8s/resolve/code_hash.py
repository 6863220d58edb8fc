"""A hash of the code that a job in the shared image runs.

All Python jobs share one image. A hash of the whole folder would restart every job after any change. This hash includes
the files that a job can use: its program, the modules that the program imports, and all files of the image that are not
modules.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

CODE = "{code}"
"""Placeholder of the hash in a value of `images`."""

FOLDER = Path("jobs", "pyflink")
"""Folder in the project from which the image is built."""

SCRIPT_OPTION = "--scriptUri"
"""The option of Flink's driver for SQL that names the script."""

_SOURCES = "src"
_IN_IMAGE = "/opt/flink/usrlib/src/"
_PROGRAM = ("-py", "--python")
_MORE_FILES = ("-pyfs", "--pyFiles", "-pyarch", "--pyArchives", "-pyreq", "--pyRequirements", "-pym", "--pyModule")
_BY_NAME = frozenset({"importlib", "__import__", "runpy", "exec", "eval"})
"""Names that can load a module without an import statement."""


def hash_of_code(root: Path, args: Sequence[str]) -> str:
    """Twelve digits of the hash of the files that a job uses.

    Args:
        root: the project.
        args: the job's arguments. The whole folder is included if the job is not a Python program of the image, or may
            import modules dynamically; no module is included if Flink's driver for SQL runs a script.
    """
    folder = root / FOLDER
    if SCRIPT_OPTION in args:
        return _hash(folder, frozenset[Path]())
    program = _program(args)
    return _hash(folder, _used(folder / _SOURCES, program) if program else None)


def _program(args: Sequence[str]) -> str:
    """The path of the job's program in the sources; empty if it is unknown."""
    if any(arg.partition("=")[0] in _MORE_FILES for arg in args):
        return ""
    programs = [args[index + 1] for index, arg in enumerate(args[:-1]) if arg in _PROGRAM]
    return programs[-1].removeprefix(_IN_IMAGE) if programs and programs[-1].startswith(_IN_IMAGE) else ""


@functools.cache
def _used(sources: Path, program: str) -> frozenset[Path] | None:
    """The program and the modules that it imports, recursively; None if an import is dynamic."""
    modules: set[Path] = set()
    queue = [sources / program]
    while queue:
        path = queue.pop()
        if path in modules:
            continue
        if not path.is_file():
            return None
        modules.add(path)
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
                queue += _files_of(sources, name)
    return frozenset(modules)


def _imported(node: ast.AST, path: Path, sources: Path) -> Iterator[str]:
    """The dotted names of the modules that a node may import, relative to the sources."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = path.relative_to(sources).parts[: -node.level] if node.level else ()
        base = ".".join((*package, *((node.module,) if node.module else ())))
        yield base
        yield from (f"{base}.{alias.name}".strip(".") for alias in node.names)


def _files_of(sources: Path, module: str) -> Iterator[Path]:
    """The file of a module and those of its packages; empty for a module outside of the sources."""
    parts = [part for part in module.split(".") if part]
    for end in range(1, len(parts) + 1):
        path_in_sources = sources.joinpath(*parts[:end])
        yield from (
            path for path in (path_in_sources.with_suffix(".py"), path_in_sources / "__init__.py") if path.is_file()
        )


@functools.cache
def _hash(folder: Path, used: Collection[Path] | None) -> str:
    """Hash of all files except unused modules."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        relative_path = path.relative_to(folder)
        is_module = relative_path.parts[0] == _SOURCES and path.suffix == ".py"
        if "__pycache__" in relative_path.parts or path.name.endswith("~") or (is_module and not _counts(path, used)):
            continue
        for part in (str(relative_path).encode(), b"x" if os.access(path, os.X_OK) else b"-", path.read_bytes()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:12]


def _counts(path: Path, used: Collection[Path] | None) -> bool:
    return used is None or path in used
