"""Image layers, built once and kept in the image store under a hash of their inputs."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from sandbox import image
from sandbox.home import Home
from sandbox.report import say, step


def key(name: str, inputs: Iterable[str | Path]) -> str:
    """`<name>-<hash>`: the key of a layer or folder.

    An input is a text (a version, a command), a file, or a folder: its files' names, modes and contents.
    """
    digest = hashlib.sha256()
    for entry in inputs:
        if isinstance(entry, str):
            _add(digest.update, "text", entry.encode())
            continue
        for path in [entry] if entry.is_file() else files(entry):
            inner = "" if path == entry else str(path.relative_to(entry))
            _add(digest.update, f"file {inner} {path.stat().st_mode & 0o111:o}", path.read_bytes())
    return f"{name}-{digest.hexdigest()[:16]}"


def files(folder: Path) -> list[Path]:
    """The files of a folder and its subfolders, sorted, without files of Python's cache and of editors."""
    all_files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in all_files if "__pycache__" not in path.parts and not path.name.endswith("~"))


def layers(
    home: Home,
    names: Sequence[str],
    inputs: Iterable[str | Path],
    lay: Callable[[Mapping[str, Path]], None],
) -> list[image.Layer]:
    """The layers with the names; if one is missing, `lay` builds all of them together.

    `lay` gets an empty folder per name and writes the content of the layer to it, with owners and modes. If it raises,
    nothing is kept.
    """
    store = image.Store(home.images)
    inputs = list(inputs)
    keys = {name: key(name, inputs) for name in names}
    known = [store.layer(keys[name]) for name in names]
    present = [layer for layer in known if layer is not None]
    if len(present) == len(names):
        return present
    work = home.root / "work"
    work.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=work, prefix=f"{names[0]}-"))
    umask = os.umask(0o022)  # the image's user must be able to read all files
    try:
        roots = {name: folder / name for name in names}
        for root in roots.values():
            root.mkdir(mode=0o755)
        with step(f"image layer {' and '.join(names)}"):
            lay(roots)
            created = [store.add_layer(keys[name], roots[name]) for name in names]
    finally:
        os.umask(umask)
        shutil.rmtree(folder, ignore_errors=True)
    for name, layer in zip(names, created, strict=True):
        say(f"image layer {name}: {layer.size / 1e6:.1f} MB")
    return created


def _add(update: Callable[[bytes], None], title: str, content: bytes) -> None:
    update(f"{title} {len(content)}\n".encode())
    update(content)
