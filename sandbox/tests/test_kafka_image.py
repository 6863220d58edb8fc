"""The broker's image: pinned jars, and Kafka's scripts under their names."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sandbox.images import KAFKA_JOBS, KAFKA_JOBS_1_19
from sandbox.images.kafka import SOURCES, TOOLS, Kafka, lay_files
from sandbox.images.pyflink import PyFlink
from sandbox.images.pyflink.connectors import kafka_connector


def test_jars_are_pinned_and_of_the_images_version() -> None:
    lines = (SOURCES / "jars.sha256").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[0-9a-f]{64}  \S+\.jar", line)] == []
    jars = {line.split()[1] for line in lines}
    assert {f"kafka_2.13-{Kafka().version}.jar", f"kafka-tools-{Kafka().version}.jar"} <= jars
    assert not {jar for jar in jars if jar.startswith("connect-")}


@pytest.mark.parametrize("jobs", [KAFKA_JOBS, KAFKA_JOBS_1_19], ids=lambda jobs: jobs.flink)
def test_connector_is_that_of_the_images_flink_version(jobs: PyFlink) -> None:
    artifact, digest = kafka_connector(jobs.flink)
    assert artifact.endswith("-" + ".".join(jobs.flink.split(".")[:2]))
    assert len(digest) == 64


@pytest.mark.parametrize("tool", TOOLS)
def test_a_script_runs_the_class_of_its_name(tool: str, tmp_path: Path) -> None:
    lay_files(tmp_path)
    java = tmp_path / "java"
    java.write_text('#!/bin/sh\necho "$@"\n')
    java.chmod(0o755)
    home = tmp_path / "opt/kafka"
    result = subprocess.run(
        [home / "bin" / f"kafka-{tool}.sh", "--option"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "KAFKA_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    name, option = result.stdout.split()[-2:]
    assert option == "--option"
    assert re.fullmatch(r"(org\.apache\.)?kafka\.\S+", name)


def test_a_broker_without_an_advertised_host_does_not_start(tmp_path: Path) -> None:
    lay_files(tmp_path)
    (tmp_path / "kafka-storage.sh").write_text("#!/bin/sh\n")
    (tmp_path / "kafka-storage.sh").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "KAFKA_HOME": str(tmp_path / "opt/kafka")}
    result = subprocess.run(
        [tmp_path / "docker-entrypoint.sh"], env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    assert result.returncode != 0
    assert "KAFKA_ADVERTISED_HOST" in result.stderr
