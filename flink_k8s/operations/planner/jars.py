"""The jars of Flink's planner and of connectors: downloaded once into the user's cache folder."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from flink_k8s.facts.artifacts import planner_of
from flink_k8s.operations.pyflink import java
from flink_k8s.resolve.connectors import FETCH_JARS, file_of, with_digest
from flink_k8s.support.errors import CommandError
from flink_k8s.support.file_lock import lock
from flink_k8s.support.paths import home
from flink_k8s.support.processes import capture, errors


def planner_jars(flink: str, repository: str) -> list[Path]:
    """The planner of a Flink version and its libraries.

    Args:
        flink: version of Flink, `2.2`.
        repository: URL of the Maven repository.

    Raises:
        CommandError: if it cannot be downloaded.
    """
    return fetched([with_digest(artifact, repository) for artifact in planner_of(flink)], flink)


def fetched(urls: Sequence[str], flink: str) -> list[Path]:
    """The files of jars, which are downloaded if they are missing or have another digest.

    Args:
        urls: each with `#<sha256>` if the digest is known.
        flink: version of Flink that uses them, `2.2`.

    Raises:
        CommandError: if one cannot be downloaded.
    """
    folder = home() / "planner" / flink
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / file_of(url) for url in urls]
    with lock(folder / "lock"):
        missing = [url for url, file in zip(urls, files, strict=True) if not _is_complete(file, url)]
        if missing:
            print(f"-- downloading {len(missing)} jars for Flink's planner {flink}, once", file=sys.stderr)
            for url in missing:
                (folder / file_of(url)).unlink(missing_ok=True)
            result = capture([java(), "-cp", FETCH_JARS.parent, FETCH_JARS.stem, folder, *missing])
            if result.returncode != 0:
                raise CommandError(f"a jar for Flink's planner cannot be downloaded: {errors(result).splitlines()[-1]}")
    return files


def _is_complete(file: Path, url: str) -> bool:
    if not file.exists():
        return False
    digest = url.partition("#")[2]
    return not digest or hashlib.sha256(file.read_bytes()).hexdigest() == digest
