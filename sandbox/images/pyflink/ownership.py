"""Flink's folder in an image, and its owner."""

import os
from pathlib import Path

from sandbox.images import debian

FLINK_HOME = Path("opt/flink")
"""Flink's folder, seen from an image's root."""


def own(folder: Path) -> None:
    """Gives a folder and all in it to the user flink."""
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, debian.FLINK_USER, debian.FLINK_USER, follow_symlinks=False)
