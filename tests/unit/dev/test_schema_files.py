"""What is written from the models is what the models say, and editors find it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from dev import schema
from flink_k8s.config.model import StackSettings
from flink_k8s.facts import tables

ROOT = Path(__file__).resolve().parents[3]


def test_schema_files_equal_the_models() -> None:
    stale = [str(path.relative_to(ROOT)) for path, text in schema.files(ROOT).items() if path.read_text() != text]
    assert stale == [], "run make schema"


def test_schema_of_the_component_package_equals_the_annotations() -> None:
    assert (ROOT / "package" / "schema.json").read_text() == schema.package_schema(), "run make schema"


def test_a_stale_file_is_found_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nconfig:\n  old: {}\n")
    assert schema.main(["--check", "--root", str(tmp_path)]) == 1
    assert "Pulumi.yaml: differs from the models; run make schema" in capsys.readouterr().out
    assert schema.main(["--root", str(tmp_path)]) == 0
    assert schema.main(["--check", "--root", str(tmp_path)]) == 0
    content = yaml.safe_load((tmp_path / "Pulumi.yaml").read_text())
    assert content == {"name": "x", "config": schema.project_config()}


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("Pulumi.*.yaml"), *(ROOT / "jobs").glob("*.yaml")]), ids=lambda p: p.name
)
def test_editors_are_shown_the_schema(path: Path) -> None:
    line = next(line for line in path.read_text().splitlines() if "yaml-language-server" in line)
    [place] = re.findall(r"\$schema=(\S+)", line)
    assert (path.parent / place).resolve().is_relative_to(ROOT / "docs" / "schema")
    json.loads((path.parent / place).read_text())


def test_every_key_is_described_and_in_the_reference() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    for name, field in StackSettings.model_fields.items():
        assert field.description, name
        assert f"| `{field.alias}` |" in page


def test_the_schema_of_a_stack_file_knows_keys_with_prefix_and_without() -> None:
    properties = schema.stack_schema()["properties"]["config"]["properties"]
    for field in StackSettings.model_fields.values():
        assert properties[f"flink-k8s:{field.alias}"] == properties[field.alias]


def test_the_schema_of_a_job_file_has_every_kind_and_no_loose_end() -> None:
    job_file_schema = schema.job_file_schema()
    kinds = [rule["if"]["properties"]["kind"]["const"] for rule in job_file_schema["allOf"]]
    assert kinds == ["FlinkBlueGreenDeployment", "FlinkDeployment", "FlinkSessionJob", "FlinkStateSnapshot"]
    referred = set(re.findall(r'"#/\$defs/(\d+)"', json.dumps(job_file_schema)))
    assert referred <= job_file_schema["$defs"].keys()


def test_ranges_of_versions() -> None:
    order = list(tables.FLINK_VERSIONS)
    assert tables.ranges(order, order) == "1.17-2.3"
    assert tables.ranges(["1.17", "1.19", "1.20", "2.2"], order) == "1.17,1.19-1.20,2.2"
    for versions, _ in tables.flink_keys().values():
        assert versions
