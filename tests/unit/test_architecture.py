"""Imports follow the table of docs/architecture.md, and only downwards."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flink_k8s.support.paths import ROOT

PACKAGE = "flink_k8s"
TABLE = re.compile(r"^\| `([\w./]+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def allowed_imports() -> dict[str, set[str]]:
    """Folder (or `__main__.py`) to the folders that it may import, from the table of docs/architecture.md."""
    rows = TABLE.findall((ROOT / "docs/architecture.md").read_text())
    folders = {name for name, _ in rows}
    return {name: folders if cell == "everything" else set(re.findall(r"`([\w./]+)`", cell)) for name, cell in rows}


def folder(parts: tuple[str, ...]) -> str:
    """The row of a path or a dotted module: `flink_k8s/checks`, `components`, `__main__.py`."""
    depth = 2 if parts[0] == PACKAGE else 1
    return "/".join(parts[:depth])


def product_files() -> Iterator[Path]:
    rows = allowed_imports()
    for name in rows:
        path = ROOT / name
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The folders of this project that a file imports, at its top or inside of a function."""
    own = {folder(tuple(name.split("/"))) for name in allowed_imports()}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            actual = folder(tuple(name.split(".")))
            if actual in own:
                yield actual


@pytest.mark.parametrize("name", sorted(allowed_imports()))
def test_a_folder_imports_only_what_the_table_allows(name: str):
    allowed = allowed_imports()[name] | {name}
    wrong = [
        f"{path.relative_to(ROOT)} imports {imported_name}"
        for path in product_files()
        if folder(path.relative_to(ROOT).parts) == name
        for imported_name in imported(path)
        if imported_name not in allowed and not (path.name.startswith("test_") or "tests" in path.parts)
    ]
    assert wrong == []


def test_the_table_has_every_folder_with_python():
    matches = {
        folder(path.relative_to(ROOT).parts)
        for path in ROOT.rglob("*.py")
        if not {".venv", "out"} & set(path.relative_to(ROOT).parts) and path != ROOT / PACKAGE / "__init__.py"
    }
    assert matches - {"tests"} == set(allowed_imports())
