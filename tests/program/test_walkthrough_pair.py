"""The walk-through's own pair of its day, operator 1.7.0 with Flink 1.17.1, by config alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from flink_k8s.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
STACK = ROOT / "tests/data/Pulumi.walkthrough.yaml"


def test_walkthrough_job_passes_check(capsys: pytest.CaptureFixture[str]):
    assert main(["check", "walkthrough", "--config-file", str(STACK)]) == 0


def test_walkthrough_job_can_be_rendered(tmp_path: Path):
    assert main(["render", "walkthrough", str(tmp_path / "out"), "--config-file", str(STACK)]) == 0
    files = sorted(path.name for path in (tmp_path / "out").glob("*.yaml"))
    job = yaml.safe_load(next((tmp_path / "out").glob("*-flinkdeployment-flink-word-count.yaml")).read_text())
    assert job["spec"]["flinkVersion"] == "v1_17"
    release = yaml.safe_load(next((tmp_path / "out").glob("*-helmrelease-flink-operator-*.yaml")).read_text())
    assert release["spec"]["chart"]["spec"]["version"] == "1.7.0"
    assert len(files) >= 14
