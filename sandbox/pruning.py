"""Delete builds that have not been used for long.

Clones on other commits need builds with other keys, and the set of clones is unknown. So each build records the time of
its last use, and builds without use for two weeks are deleted; a clone that needs one later builds it again. The
programs of a running node and all images with a name are kept.
"""

import contextlib
import shutil
import time
from pathlib import Path

from sandbox import node
from sandbox.home import Home
from sandbox.image import Store
from sandbox.report import say

DAYS = 14


def prune(home: Home) -> int:
    """Delete builds that were last used more than `DAYS` ago; prints and returns the number of freed bytes.

    The caller must hold the build lock.
    """
    before = time.time() - DAYS * 86400
    running = _running()
    freed = 0
    for folder in (home.bin, home.root / "operator", home.root / "work"):
        for path in folder.iterdir() if folder.is_dir() else ():
            # A name with a dash contains a key. Links and files are not builds.
            if path.is_dir() and not path.is_symlink() and "-" in path.name and path.name not in running:
                freed += _remove(path, before)
    for link in home.bin.glob("*"):
        if link.is_symlink() and not link.exists():
            link.unlink()
    if home.images.is_dir():
        freed += Store(home.images).prune(before)
    if freed:
        say(f"deleted builds that were not used for {DAYS} days: {freed / 1e6:.0f} MB")
    return freed


def _remove(path: Path, before: float) -> int:
    if path.stat().st_mtime >= before:
        return 0
    size = sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())
    # Rename it first: after an interruption, an incomplete folder must not look complete.
    part = path if path.name.startswith(".part-") else path.rename(path.with_name(f".part-{path.name}"))
    shutil.rmtree(part)
    return size


def _running() -> set[str]:
    """The names of the folders with programs of a running node."""
    running_node = node.find()
    if running_node is None:
        return set()
    names = {Path(process.argv[0]).parent.name for process in running_node.processes()}
    with contextlib.suppress(OSError):  # the node has ended
        names.add(Path("/proc", str(running_node.pid), "exe").readlink().parent.name)
    return names
