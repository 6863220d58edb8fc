"""`python -m dev.connectors`: write the artifacts of the named connectors and of Flink's planner to
`flink_k8s/facts/tables/connectors.txt` and `planner.txt`.

Each line contains the name of a connector, a Flink version, and the Maven coordinates of its jars with their SHA-256
digests; that of a planner has no name. Maven downloads the jars. A jar that its repository does not serve is written
without a digest, and the command prints it. Add new versions here; `flink_k8s/facts/artifacts.py` contains the names.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from flink_k8s.facts.artifacts import CONNECTORS, Artifact
from flink_k8s.facts.tables import FOLDER
from flink_k8s.facts.versions import FLINK_IMAGES

TABLE = FOLDER / "connectors.txt"
PLANNER_TABLE = FOLDER / "planner.txt"

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
_SINCE = (1, 19)
"""The oldest Flink version in the table."""

_FORMATS = {
    "avro": "flink-sql-avro",
    "avro-confluent": "flink-sql-avro-confluent-registry",
    "orc": "flink-sql-orc",
    "parquet": "flink-sql-parquet",
    "protobuf": "flink-sql-protobuf",
}
"""Formats that are released with Flink."""

# The catalog's factory loads Hadoop's class Configuration, and neither Flink nor Iceberg's jar contains it.
_HADOOP = ("org.apache.hadoop:hadoop-client-api:3.4.1", "org.apache.hadoop:hadoop-client-runtime:3.4.1")

_RELEASES = {
    "kafka": {
        "1.19": ("org.apache.flink:flink-sql-connector-kafka:3.3.0-1.19",),
        "1.20": ("org.apache.flink:flink-sql-connector-kafka:3.4.0-1.20",),
        "2.0": ("org.apache.flink:flink-sql-connector-kafka:4.0.1-2.0",),
        "2.1": ("org.apache.flink:flink-sql-connector-kafka:5.0.0-2.1",),
        "2.2": ("org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",),
    },
    "iceberg": {
        "1.19": ("org.apache.iceberg:iceberg-flink-runtime-1.19:1.10.2", *_HADOOP),
        "1.20": ("org.apache.iceberg:iceberg-flink-runtime-1.20:1.11.0", *_HADOOP),
        "2.0": ("org.apache.iceberg:iceberg-flink-runtime-2.0:1.11.0", *_HADOOP),
        "2.1": ("org.apache.iceberg:iceberg-flink-runtime-2.1:1.11.0", *_HADOOP),
    },
    "jdbc": {
        "1.19": ("org.apache.flink:flink-connector-jdbc:3.3.0-1.19",),
        "1.20": ("org.apache.flink:flink-connector-jdbc:3.3.0-1.20",),
    },
}
"""Connectors with releases of their own."""

_PLANNERS = {
    "1.19": ("1.19.3", "1.19.3"),
    "1.20": ("1.20.3", "1.20.3"),
    "2.0": ("2.0.0", "2.0.0"),
    "2.1": ("2.1.1", "2.1.1"),
    "2.2": ("2.2.1", "2.2.0"),
    "2.3": ("2.3.0", "2.3.0"),
}
"""Releases of the planner and of its format csv: the newest ones that the repository of the maintainers serves."""

_POM = Path(__file__).with_name("planner.xml")

_COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"

_UNUSED = frozenset(
    {
        *("RoaringBitmap", "async-profiler", "commons-cli", "commons-collections", "commons-io", "flink-clients"),
        *("flink-datastream", "flink-datastream-api", "flink-hadoop-fs", "flink-optimizer"),
        *("flink-queryable-state-client-java", "flink-rpc-akka-loader", "flink-shaded-netty"),
        *("flink-shaded-zookeeper-3", "icu4j", "javassist", "jsr305", "lz4-java", "snappy-java"),
    }
)
"""Dependencies that planning does not use: they run jobs."""


def releases() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every connector with a Flink version and its coordinates, in the order of the table."""
    versions = [version for version in FLINK_IMAGES if tuple(map(int, version.split("."))) >= _SINCE]
    for name in sorted(CONNECTORS):
        for version in versions:
            if name in _FORMATS:
                yield name, version, (f"org.apache.flink:{_FORMATS[name]}:{FLINK_IMAGES[version]}",)
            elif version in _RELEASES[name]:
                yield name, version, _RELEASES[name][version]


def _with_digest(coordinates: str, folder: Path) -> str:
    """The coordinates with the digest of the jar, if Maven can download it."""
    artifact = Artifact.parse(coordinates)
    assert artifact is not None
    jar = folder / artifact.file
    if not jar.exists():
        maven = ["mvn", "--batch-mode", "--quiet", _COPY, f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}"]
        subprocess.run(maven, check=False, capture_output=True)
    if not jar.exists():
        print(f"not served, written without a digest: {coordinates}", file=sys.stderr)
        return coordinates
    return f"{coordinates}@{_digest(jar)}"


def _digest(jar: Path) -> str:
    return hashlib.sha256(jar.read_bytes()).hexdigest()


def _planner(version: str, csv: str, folder: Path) -> Iterator[str]:
    """The coordinates of the planner's jars of a Flink release, with digests."""
    maven = ["mvn", "--batch-mode", "--quiet", "--file", str(_POM), f"-Dflink={version}", f"-Dcsv={csv}"]
    layout = ["-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true", f"-DoutputDirectory={folder}"]
    subprocess.run([*maven, _COPY_DEPENDENCIES, *layout], check=True)
    for jar in sorted(folder.rglob("*.jar")):
        *group, name, release, _ = jar.relative_to(folder).parts
        if name not in _UNUSED:
            yield f"{'.'.join(group)}:{name}:{release}@{_digest(jar)}"


def main() -> None:
    """Write the tables."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            " ".join([name, version, *(_with_digest(text, Path(folder)) for text in coordinates)])
            for name, version, coordinates in releases()
        ]
    TABLE.write_text("".join(f"{line}\n" for line in lines))
    write_planners()


def write_planners() -> None:
    """Write the table of planners."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            " ".join([flink, *_planner(version, csv, Path(folder, flink))])
            for flink, (version, csv) in _PLANNERS.items()
        ]
    PLANNER_TABLE.write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
