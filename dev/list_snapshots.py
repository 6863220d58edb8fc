"""Compiles `flink_k8s/snapshots/ListSnapshots.java` against Flink's classes: `python -m dev.list_snapshots`.

The images of jobs have no compiler, so the repository contains the class. Java 8 bytecode runs on every Java that Flink
supports. Requires javac and Maven.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import must

SOURCE = ROOT / "flink_k8s/snapshots/ListSnapshots.java"
COMPILED_SOURCE = SOURCE.with_name("ListSnapshots.sha256")
"""Contains the digest of the source that the class was compiled from."""

FLINK = "1.19.3"
"""The oldest Flink version that a supported operator runs: its API is a subset of that of later versions."""

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
_JARS = (f"flink-core:{FLINK}", f"flink-annotations:{FLINK}")


def digest() -> str:
    """The digest of the source."""
    return hashlib.sha256(SOURCE.read_bytes()).hexdigest()


def main() -> None:
    """Compile the class and write the digest of its source."""
    with tempfile.TemporaryDirectory() as folder:
        for jar in _JARS:
            maven = ["mvn", "--batch-mode", "--quiet", _COPY]
            maven += [f"-Dartifact=org.apache.flink:{jar}", f"-DoutputDirectory={folder}"]
            must(f"fetching {jar}", maven, remedy="install Maven")
        classes = ":".join(map(str, Path(folder).glob("*.jar")))
        compiler = [
            "javac",
            "--release",
            "8",
            "-g:none",
            "-Xlint:-options",
            "-cp",
            classes,
            "-d",
            SOURCE.parent,
            SOURCE,
        ]
        must("compiling", compiler, remedy="install OpenJDK 17")
    COMPILED_SOURCE.write_text(f"{digest()}\n")


if __name__ == "__main__":
    main()
