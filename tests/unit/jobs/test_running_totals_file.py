"""The shape of jobs/running_totals.yaml: what a job with state needs, and no more than the word count has otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.stack_file import read_config
from flink_k8s.resolve.state_storage import MOUNT

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = "/opt/flink/usrlib/src/running_totals.py"


def read(name: str) -> dict[str, dict[str, Any]]:
    return {document["kind"]: document for document in yaml.safe_load_all((ROOT / "jobs" / name).read_text())}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return read("running_totals.yaml")["FlinkDeployment"]["spec"]


def test_arguments_run_the_program_of_the_image(spec: dict[str, Any], running_totals: ModuleType) -> None:
    arguments = spec["job"]["args"]
    assert arguments[:4] == ["-pyclientexec", "/usr/local/bin/python3", "-py", SCRIPT]
    assert (ROOT / "jobs/pyflink/src" / Path(SCRIPT).name).is_file()
    assert running_totals.parse(arguments[4:]) == running_totals.Options(f"{MOUNT}/running-totals")


def test_running_totals_keeps_state_in_the_storage_of_the_stack(spec: dict[str, Any]) -> None:
    assert spec["job"]["upgradeMode"] == "savepoint"
    configuration = spec["flinkConfiguration"]
    assert int(configuration["pipeline.max-parallelism"]) >= 100
    assert "execution.checkpointing.interval" in configuration
    assert not [key for key in configuration if "dir" in key.lower() or key.startswith(("high-av", "kubernetes.op"))]


def test_running_totals_complies_with_restricted_and_fits_two_cores(spec: dict[str, Any]) -> None:
    word_count = read("word_count.yaml")["FlinkDeployment"]["spec"]
    for key in ("image", "imagePullPolicy", "flinkVersion", "serviceAccount", "jobManager"):
        assert spec[key] == word_count[key], key
    assert spec["taskManager"]["resource"] == word_count["taskManager"]["resource"]
    pod, expected = (file["podTemplate"]["spec"] for file in (spec, word_count))
    assert pod["securityContext"].items() <= expected["securityContext"].items()
    assert pod["securityContext"].keys() >= {"runAsNonRoot", "runAsUser", "seccompProfile"}
    [container], [other] = pod["containers"], expected["containers"]
    assert container == {key: other[key] for key in ("name", "securityContext")}


@pytest.mark.parametrize("stack", ["dev", "sandbox"])
def test_running_totals_is_disabled_by_default(stack: str) -> None:
    declared = load(ROOT, read_config(ROOT, stack))
    assert "running-totals" not in [job.name for job in declared.jobs]
    content = read_config(ROOT, stack)
    actual = replace(content, values={**content.values, "jobs": {"running-totals": {"enabled": True}}})
    assert "running-totals" in [job.name for job in load(ROOT, actual).jobs]
    assert list(read("running_totals.yaml")) == ["FlinkDeployment"], "a claim of its own would be there without the job"
