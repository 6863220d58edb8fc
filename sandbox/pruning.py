"""Away with what was built for keys that nobody uses any more.

Another clone, on another commit, needs other keys, and nothing says which clones there are. So each build marks what it
uses with the time, and what no build used for two weeks goes: the clone that comes back after longer builds it again.
What a running node's programs lie in stays however long the node has been up, and so does every image that has a name.
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
    """Removes what was last used more than `DAYS` ago; returns how many bytes that freed, and says so.

    The caller holds the build lock.
    """
    before = time.time() - DAYS * 86400
    running = _running()
    freed = 0
    for folder in (home.bin, home.root / "operator", home.root / "work"):
        for path in folder.iterdir() if folder.is_dir() else ():
            # With a dash: a name with a key. Links and files are no builds.
            if path.is_dir() and not path.is_symlink() and "-" in path.name and path.name not in running:
                freed += _remove(path, before)
    for link in home.bin.glob("*"):
        if link.is_symlink() and not link.exists():
            link.unlink()
    if home.images.is_dir():
        freed += Store(home.images).prune(before)
    if freed:
        say(f"removed what no build used for {DAYS} days: {freed / 1e6:.0f} MB")
    return freed


def _remove(path: Path, before: float) -> int:
    if path.stat().st_mtime >= before:
        return 0
    size = sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())
    # Renamed first: half of a folder must not look like a whole one, should this be interrupted.
    part = path if path.name.startswith(".part-") else path.rename(path.with_name(f".part-{path.name}"))
    shutil.rmtree(part)
    return size


def _running() -> set[str]:
    """The names of the folders that programs of a running node lie in."""
    found = node.find()
    if found is None:
        return set()
    names = {Path(process.argv[0]).parent.name for process in found.processes()}
    with contextlib.suppress(OSError):  # it ended meanwhile
        names.add(Path("/proc", str(found.pid), "exe").readlink().parent.name)
    return names
