"""Compiles the Java classes that pods and commands run: `python -m dev.java_classes`.

The images of jobs have no compiler, so the repository contains the classes. Java 8 bytecode runs on every Java that
Flink supports. Requires javac and Maven.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import must

SOURCES = (
    ROOT / "flink_k8s/operations/planner/PlanSql.java",
    ROOT / "flink_k8s/resolve/FetchJars.java",
    ROOT / "flink_k8s/snapshots/ListSnapshots.java",
    ROOT / "flink_k8s/store/StoreJar.java",
)

FLINK = "1.19.3"
"""The oldest Flink version that a supported operator runs: its API is a subset of that of later versions."""

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
_JARS = tuple(
    f"{name}:{FLINK}"
    for name in (
        *("flink-annotations", "flink-core", "flink-runtime", "flink-streaming-java"),
        *("flink-table-api-bridge-base", "flink-table-api-java", "flink-table-api-java-bridge", "flink-table-common"),
    )
)


def digest(source: Path) -> str:
    """The digest of a source."""
    return hashlib.sha256(source.read_bytes()).hexdigest()


def compiled_digest(source: Path) -> str:
    """The digest of the source that the class next to it was compiled from."""
    return _digest_file(source).read_text().strip()


def _digest_file(source: Path) -> Path:
    return source.with_suffix(".sha256")


def compile_with(classes: Sequence[Path], source: Path, folder: Path) -> None:
    """Compile a source into a folder.

    Args:
        classes: jars of Flink.
        source: the class.
        folder: for the class.
    """
    compiler = ["javac", "--release", "8", "-g:none", "-Xlint:-options", "-cp", ":".join(map(str, classes))]
    must("compiling", [*compiler, "-d", folder, source], remedy="install OpenJDK 17")


def main() -> None:
    """Compile the classes and write the digests of their sources."""
    with tempfile.TemporaryDirectory() as folder:
        for jar in _JARS:
            maven = ["mvn", "--batch-mode", "--quiet", _COPY]
            maven += [f"-Dartifact=org.apache.flink:{jar}", f"-DoutputDirectory={folder}"]
            must(f"fetching {jar}", maven, remedy="install Maven")
        for source in SOURCES:
            compile_with(list(Path(folder).glob("*.jar")), source, source.parent)
            _digest_file(source).write_text(f"{digest(source)}\n")


if __name__ == "__main__":
    main()
