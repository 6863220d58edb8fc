"""Jars of Maven Central that the official image has in its opt/ and that Flink's Python package lacks.

`plugins-<version>.sha256` lists them: from 2.0 on the SQL gateway, which runs SQL scripts; for 2.3.0, the newest Flink
of which all four are published there, the file systems for buckets, which a pod enables by ENABLE_BUILT_IN_PLUGINS.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from sandbox import image
from sandbox.home import Home
from sandbox.images import maven
from sandbox.images.layers import layers
from sandbox.images.pyflink.ownership import FLINK_HOME, own


def digests(flink: str) -> dict[str, str]:
    """SHA-256 by jar of a Flink version; empty where they are not published."""
    path = _list(flink)
    if not path.exists():
        return {}
    lines = (line.split() for line in path.read_text().splitlines())
    return {jar: digest for digest, jar in lines}


def jars(home: Home, flink: str) -> Path:
    """A folder with the jars, fetched when they are not there.

    Raises:
        Failure: one cannot be had, or is not the one that is pinned.
    """
    folder = home.root / "work" / f"plugins-{flink}"
    for jar, digest in digests(flink).items():
        maven.fetch_jar(home, f"org.apache.flink:{jar.removesuffix(f'-{flink}.jar')}:{flink}", digest, folder)
    if folder.is_dir():
        os.utime(folder)  # so that `sandbox.pruning` sees when it was used last
    return folder


def plugin_layers(home: Home, flink: str) -> list[image.Layer]:
    """The layer of the jars, 230 MB with the file systems; none for a version without a list."""
    if not digests(flink):
        return []
    name = f"flink-plugins-{flink}"

    def lay(roots: Mapping[str, Path]) -> None:
        target = roots[name] / FLINK_HOME / "opt"
        target.mkdir(parents=True)
        for jar in digests(flink):
            shutil.copyfile(jars(home, flink) / jar, target / jar)
        own(roots[name] / FLINK_HOME)

    return layers(home, [name], [Path(__file__), _list(flink)], lay)


def _list(flink: str) -> Path:
    return Path(__file__).with_name(f"plugins-{flink}.sha256")
