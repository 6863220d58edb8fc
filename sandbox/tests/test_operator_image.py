"""The operator's image: what is in it, and in which order Java looks there."""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from sandbox import image, images
from sandbox.home import PROJECT as ROOT
from sandbox.home import Home
from sandbox.images import OPERATORS, PAIRS, Pair, build_images, pair_of
from sandbox.images.maven import differences
from sandbox.images.operator import Operator, class_path, lay_operator
from sandbox.report import Failure

POM = "{http://maven.apache.org/POM/4.0.0}"


def test_replacements_precede_the_replaced_jars_on_the_class_path() -> None:
    jars = [
        "annotations-13.0.jar",
        "flink-autoscaler-1.10.0.jar",
        "flink-kubernetes-1.20.1.jar",
        "flink-kubernetes-operator-1.16.1.jar",
        "flink-kubernetes-operator-api-1.16.1.jar",
        "flink-kubernetes-standalone-1.10.0.jar",
        "stand-ins.jar",
    ]
    assert class_path(jars) == [
        "stand-ins.jar",
        "flink-kubernetes-standalone-1.10.0.jar",
        "flink-kubernetes-operator-1.16.1.jar",
        "flink-kubernetes-operator-api-1.16.1.jar",
        "flink-autoscaler-1.10.0.jar",
        "annotations-13.0.jar",
        "flink-kubernetes-1.20.1.jar",
    ]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.version)
def test_every_jar_has_a_checksum_and_a_fixed_version(operator: Operator) -> None:
    lines = (operator.sources / "jars.sha256").read_text().splitlines()
    assert len(lines) > 80
    assert [line for line in lines if not re.fullmatch(r"[0-9a-f]{64}  (lib|plugins/[a-z0-9-]+)/\S+\.jar", line)] == []
    names = {line.split("/")[-1] for line in lines}
    assert {
        f"flink-kubernetes-operator-{operator.version}.jar",
        f"flink-kubernetes-operator-api-{operator.version}.jar",
    } <= names
    pom = ElementTree.parse(operator.sources / "pom.xml").getroot()
    versions = [element.text or "" for element in pom.iter(f"{POM}version")]
    properties = {
        element.tag.removeprefix(POM): element.text for element in pom.iter(f"{POM}properties") for element in element
    }
    resolved = [properties.get(text[2:-1], "") if text.startswith("${") else text for text in versions]
    assert [text for text in resolved if not re.fullmatch(r"[0-9][0-9.]*", text or "")] == []


def test_operator_1_7_0_equals_the_published_image() -> None:
    assert not (Operator("1.7.0").sources / "stand-ins").exists()


def test_differences_are_listed_by_name(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    for name in ("same", "changed", "new"):
        (tmp_path / "lib" / name).write_text(name)
    good = hashlib.sha256(b"same").hexdigest()
    checksums = tmp_path / "sums"
    checksums.write_text(f"{good}  lib/same\n{good}  lib/changed\n{good}  lib/gone\n")
    actual = differences(tmp_path / "lib", checksums)
    assert actual, "paths are relative to the folder"
    (tmp_path / "jars").mkdir()
    (tmp_path / "lib").rename(tmp_path / "jars" / "lib")
    assert differences(tmp_path / "jars", checksums) == [
        "lib/gone is missing",
        "lib/new is not listed",
        "lib/changed has another content",
    ]


def test_the_image_has_jars_their_order_reporters_and_entry_point(
    tmp_path: Path, owners: dict[Path, tuple[int, int]]
) -> None:
    jars, root = tmp_path / "jars", tmp_path / "root"
    for name in ("lib/z.jar", "lib/flink-kubernetes-operator-1.7.0.jar", "plugins/flink-metrics-prometheus/p.jar"):
        (jars / name).parent.mkdir(parents=True, exist_ok=True)
        (jars / name).write_text(name)
    root.mkdir()
    lay_operator(root, jars)
    lib = "/flink-kubernetes-operator/lib"
    assert (root / "flink-kubernetes-operator/classpath").read_text() == (
        f"{lib}/flink-kubernetes-operator-1.7.0.jar:{lib}/z.jar"
    )
    assert (root / "opt/flink/plugins/flink-metrics-prometheus/p.jar").is_file()
    assert owners[root / "opt/flink/artifacts"] == (9999, 9999)
    assert (root / "docker-entrypoint.sh").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.operator.version)
def test_a_stacks_config_for_a_pair_names_its_images(pair: Pair) -> None:
    config = yaml.safe_load((ROOT / "sandbox" / "pairs" / f"{pair.operator.version}.yaml").read_text())
    assert config["operator"]["version"] == pair.operator.version
    job = config["jobs"]["word-count"]
    assert job["image"] == pair.pyflink.name
    assert job["flinkVersion"] == "v" + "_".join(pair.pyflink.flink.split(".")[:2])


def test_every_stacks_config_has_its_pair() -> None:
    actual = sorted(path.stem for path in (ROOT / "sandbox" / "pairs").glob("*.yaml"))
    assert actual == sorted(operator.version for operator in OPERATORS)


def test_an_unknown_operator_version_is_refused() -> None:
    with pytest.raises(Failure, match=r"cannot build operator 1\.2\.3; it can build 1\.16\.1, 1\.7\.0"):
        pair_of("1.2.3")


class Recipe:
    """An image that is built of nothing."""

    def __init__(self, name: str, built: list[str]) -> None:
        self.name = name
        self.built = built

    def build(self, home: Home) -> image.Image:
        self.built.append(self.name)
        return image.Store(home.images).write_image(self.name, [])


def test_only_requested_images_are_built_and_only_new_ones_are_printed(
    where: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built: list[str] = []
    monkeypatch.setattr(images, "RECIPES", tuple(Recipe(name, built) for name in ("one:1", "two:1", "three:1")))
    (first,) = images.build_images(["two:1"], where=where)
    assert first.name == "docker.io/library/two:1"
    assert "image two:1: " in capsys.readouterr().err
    assert images.build_images(["two:1"], where=where) == [first]
    assert capsys.readouterr().err == ""
    assert built == ["two:1", "two:1"]


def test_by_default_the_default_pair_is_built(where: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr(images, "RECIPES", tuple(Recipe(recipe.name, built) for recipe in images.RECIPES))
    images.build_images(where=where)
    assert built == ["flink-kubernetes-operator:1.16.1", "pyflink:dev"]


def test_an_unknown_image_is_refused() -> None:
    with pytest.raises(
        Failure, match=r"unknown images: pyflink:prod; known images: .*pyflink:dev, .*pyflink:dev-1\.19"
    ):
        build_images(["pyflink:prod"])
