"""Jars from Maven Central, each with a checksum in this repository."""

import hashlib
from pathlib import Path

from sandbox.home import Home
from sandbox.images import command
from sandbox.images.layers import files
from sandbox.report import Failure, step

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"


def fetch_jar(home: Home, artifact: str, digest: str, folder: Path) -> Path:
    """The jar of an artifact (`group:name:version`) in a folder, downloaded if it is missing.

    Raises:
        Failure: it cannot be downloaded, or its SHA-256 is not `digest`.
    """
    _, name, version = artifact.split(":")
    path = folder / f"{name}-{version}.jar"
    if path.exists() and _digest(path) == digest:
        return path
    command.need({"mvn": "maven"})
    with step(f"fetching {path.name}"):
        command.run(home, name, ["mvn", "--batch-mode", _COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"])
    if _digest(path) != digest:
        raise Failure(f"{path} does not have the pinned checksum; remove it from Maven's repository and try again")
    return path


def fetch_jars(home: Home, name: str, sources: Path, folder: Path) -> None:
    """Fill a folder with the jars of `pom.xml`, which must be those of `jars.sha256`.

    Args:
        home: of the sandbox.
        name: of the image.
        sources: the folder with both files.
        folder: for the jars; the POM gets it as the property `out`.

    Raises:
        Failure: a jar cannot be downloaded, or differs.
    """
    maven = ["mvn", "--batch-mode", "--quiet", "--file", str(sources / "pom.xml"), f"-Dout={folder}", "package"]
    command.run(home, f"{name}-jars", maven)
    problems = differences(folder, sources / "jars.sha256")
    if problems:
        raise Failure(
            f"{name}: jars are not those of {sources}/jars.sha256: {', '.join(problems)};"
            " remove them from Maven's local repository and try again"
        )


def differences(folder: Path, checksums: Path) -> list[str]:
    """Missing, additional and different files of a folder, by a file of lines `<sha256>  <path>` (sha256sum's)."""
    expected = {name: digest for digest, name in (line.split() for line in checksums.read_text().splitlines())}
    files_by_name = {str(path.relative_to(folder)): path for path in files(folder)}
    problems = [f"{name} is missing" for name in sorted(expected.keys() - files_by_name.keys())]
    problems += [f"{name} is not listed" for name in sorted(files_by_name.keys() - expected.keys())]
    for name in sorted(expected.keys() & files_by_name.keys()):
        if _digest(files_by_name[name]) != expected[name]:
            problems.append(f"{name} has another content")
    return problems


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
