"""A folder of rendered manifests; only this module writes into it, so it can delete stale files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from flink_k8s.support.block_yaml import dump, load
from flink_k8s.support.errors import CommandError

INDEX: Final = "kustomization.yaml"
_MARK: Final = "# Written by `python -m flink_k8s render`, like every file that it lists. Changes are overwritten.\n"
"""First line of an index, and of an unlisted file."""


def write(folder: Path, files: Mapping[str, str], unlisted: Mapping[str, str] | None = None) -> list[str]:
    """Write files and their index into the folder, and delete stale files of earlier runs.

    The index is written before and after the files, so that it lists every file of an interrupted run.

    Args:
        folder: is created if it does not exist.
        files: text by file name.
        unlisted: files that are not objects, so that the index must not list them. Their first line marks them.

    Returns:
        The names of stale files that were deleted.

    Raises:
        CommandError: if the folder contains files that this function has not written.
    """
    before = _own_files(folder)
    folder.mkdir(parents=True, exist_ok=True)
    marked = {name: _MARK + text for name, text in (unlisted or {}).items()}
    listed_before = {name for name in before if not _is_marked(folder / name)}
    (folder / INDEX).write_text(_index({*listed_before, *files}), encoding="utf-8")
    for name, text in {**files, **marked}.items():
        (folder / name).write_text(text, encoding="utf-8")
    stale = sorted(before - files.keys() - marked.keys())
    for name in stale:
        (folder / name).unlink(missing_ok=True)
    (folder / INDEX).write_text(_index(set(files)), encoding="utf-8")
    return stale


def write_folders(
    folder: Path,
    subfolders: Mapping[str, Mapping[str, str]],
    files: Mapping[str, str],
    unlisted: Mapping[str, str] | None = None,
) -> list[str]:
    """`write`, with subfolders; the index of the folder lists only its own files.

    Args:
        folder: is created if it does not exist.
        subfolders: text by file name, by name of the subfolder.
        files: text by file name, in the folder itself.
        unlisted: see `write`; in the folder itself.

    Returns:
        The names of stale files that were deleted, including those of stale subfolders.

    Raises:
        CommandError: if a folder contains files that this module has not written.
    """
    _own_files(folder)
    stale = [f"{name}/{file}" for name, texts in subfolders.items() for file in write(folder / name, texts)]
    for path in sorted(_subfolders(folder) - {folder / name for name in subfolders}):
        stale += [f"{path.name}/{file}" for file in write(path, {})]
        (path / INDEX).unlink()
        path.rmdir()
    return [*stale, *write(folder, files, unlisted)]


def _subfolders(folder: Path) -> set[Path]:
    return {index.parent for index in folder.glob(f"*/{INDEX}") if _is_marked(index)}


def _is_marked(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith(_MARK.encode())


def _own_files(folder: Path) -> set[str]:
    """The names of files that an earlier run wrote; hidden files and written subfolders are ignored."""
    if not folder.exists():
        return set()
    if not folder.is_dir():
        raise CommandError(f"{folder} is a file; choose a folder for the manifests")
    subfolders = {path.name for path in _subfolders(folder)}
    present = {path.name for path in folder.iterdir() if not path.name.startswith(".")} - subfolders
    index = folder / INDEX
    listed: set[str] = set()
    if INDEX in present:
        text = index.read_text(encoding="utf-8")
        if text.startswith(_MARK):
            kustomization = cast("Mapping[str, list[str]]", load(text) or {})
            listed = {name for name in kustomization.get("resources", []) if "/" not in name}
            present.discard(INDEX)
    listed |= {name for name in present if _is_marked(folder / name)}
    foreign = sorted(present - listed)
    if foreign:
        names = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise CommandError(
            f"{folder} contains files that were not rendered ({names}); choose an empty folder or the output of "
            "an earlier run"
        )
    return listed & present


def _index(names: set[str]) -> str:
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(names),
    }
    return _MARK + dump(content)
