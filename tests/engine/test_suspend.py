"""A suspended job stays so for everybody who has the backend, until it is resumed, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.support.kubectl import Kubectl
from tests.engine.stand_in import stand_in_operator
from tests.project import Project, changes
from tests.steps import step

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def operated(no_stack: None, kubectl: Kubectl) -> Generator[None]:
    with stand_in_operator(kubectl):
        yield


def layer(charts: Path, **config: Any) -> str:
    jobs = {"running-totals": {"enabled": True}}
    return json.dumps({"charts": {"mirror": str(charts)}, "jobs": jobs, **config})


def job(kubectl: Kubectl, name: str = "running-totals") -> dict[str, Any]:
    return kubectl.get("flinkdeployment", name, "-n", "flink") or {}


@pytest.mark.usefixtures("operated")
def test_a_suspended_job_stays_suspended_until_it_is_resumed(engine: Project, kubectl: Kubectl, charts: Path):
    with step("one job is suspended and nothing else is changed"):
        assert engine.make("up", layer(charts)).code == 0
        changed = layer(charts, namespaces={"flink": {"labels": {"pending": "true"}}})
        result = engine.make("suspend", changed, "JOB=running-totals")
        assert result.code == 0, result.output
        assert "suspend flink/running-totals: a savepoint is taken first" in result.output
        assert changes(result.output) == {"update"}
        output = job(kubectl)
        assert output["spec"]["job"]["state"] == "suspended"
        assert "UTC" in output["metadata"]["annotations"]["flink-k8s/suspended"]
        assert job(kubectl, "word-count")["spec"]["job"].get("state") != "suspended"
        home = kubectl.get("namespace", "flink") or {}
        assert "pending" not in home["metadata"]["labels"]

    with step("up keeps it suspended; up, preview, plan and drift report it"):
        up = engine.make("up", layer(charts))
        assert up.code == 0, up.output
        assert "suspended until `make resume STACK=sandbox`: flink/running-totals" in up.output
        assert job(kubectl)["spec"]["job"]["state"] == "suspended"
        preview = engine.make("preview", layer(charts))
        assert changes(preview.output) == set()
        assert "-- suspended until" in preview.output
        assert "flink/running-totals (suspended)" in engine.make("plan", layer(charts)).output
        drift = engine.make("drift", layer(charts))
        assert drift.code == 0, drift.output

    with step("up by another user of the same backend keeps it suspended"):
        state, other = engine.state, engine.folder / "colleague"
        shared = {
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(state / "passphrase"),
            "FLINK_K8S_STATE": str(other),
        }
        # The salt is next to the passphrase; docs/environments.md describes both.
        (other / "config").mkdir(parents=True)
        (other / "config" / "Pulumi.sandbox.yaml").write_text((state / "config" / "Pulumi.sandbox.yaml").read_text())
        result = replace(engine, env=shared).make("up", layer(charts))
        assert result.code == 0, result.output
        assert job(kubectl)["spec"]["job"]["state"] == "suspended"

    with step("resume starts it again"):
        result = engine.make("resume", layer(charts))
        assert result.code == 0, result.output
        assert "resumed: flink/running-totals" in result.output
        output = job(kubectl)
        assert output["spec"]["job"].get("state") != "suspended"
        assert "flink-k8s/suspended" not in output["metadata"]["annotations"]
        preview = engine.make("preview", layer(charts))
        assert changes(preview.output) == set()
        assert "suspended until" not in preview.output
