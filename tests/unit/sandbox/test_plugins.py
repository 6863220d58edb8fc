"""Jars that Flink's Python package lacks: pinned by content, fetched once, in the image's opt/."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from flink_k8s.facts import versions
from flink_k8s.facts.artifacts import FILE_SYSTEM_PLUGINS
from sandbox.home import Home
from sandbox.images import BUCKETS, PYFLINKS, command
from sandbox.images.pyflink import plugins
from sandbox.report import Failure

JAR = b"a jar"


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of Maven, which gives each jar the same content."""
    requests: list[str] = []

    def run(_home: Home, _name: str, maven: Sequence[str], **_: object) -> str:
        actual = dict(part.removeprefix("-D").split("=", 1) for part in maven if part.startswith("-D"))
        _, artifact, version = actual["artifact"].split(":")
        requests.append(f"{artifact}-{version}.jar")
        folder = Path(actual["outputDirectory"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / requests[-1]).write_bytes(JAR)
        return ""

    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(command, "need", lambda _programs: None)
    listed = tmp_path / "list"
    listed.write_text(f"{hashlib.sha256(JAR).hexdigest()}  flink-a-9.9.jar\n")
    monkeypatch.setattr(plugins, "_list", lambda _flink: listed)
    return requests


def test_a_jar_is_fetched_once(tmp_path: Path, fetched: list[str]) -> None:
    folder = plugins.jars(Home(tmp_path), "9.9")
    assert plugins.jars(Home(tmp_path), "9.9") == folder
    assert (folder / "flink-a-9.9.jar").read_bytes() == JAR
    assert fetched == ["flink-a-9.9.jar"]


def test_plugin_with_a_wrong_checksum_is_refused(tmp_path: Path, fetched: list[str]) -> None:
    plugins._list("9.9").write_text(f"{'0' * 64}  flink-a-9.9.jar\n")  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(Failure, match="does not have the pinned checksum"):
        plugins.jars(Home(tmp_path), "9.9")
    assert fetched


def test_image_contains_the_plugin_of_every_scheme() -> None:
    jars = plugins.digests(BUCKETS.flink)
    assert set(jars) == {
        f"{plugin}-{BUCKETS.flink}.jar" for plugin in [*FILE_SYSTEM_PLUGINS.values(), "flink-sql-gateway"]
    }
    assert versions.FLINK_IMAGES[".".join(BUCKETS.flink.split(".")[:2])] == BUCKETS.flink
    assert all(len(digest) == 64 for digest in jars.values())


def test_images_from_flink_2_on_can_run_sql_scripts() -> None:
    for image in PYFLINKS:
        gateway = {f"flink-sql-gateway-{image.flink}.jar"} if image.flink >= "2" else set[str]()
        assert plugins.digests(image.flink).keys() >= gateway
    assert plugins.digests("1.19.3") == {}
