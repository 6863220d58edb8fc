"""Protected jobs on a real engine: another namespace, a removal, another cluster, a destroy: refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from settings import stack_file
from tests.engine.conftest import ROOT, Engine
from tests.engine.stand_in import stand_in_charts
from tools.kubectl import Kubectl

REFUSED = "refused, nothing was done"


@pytest.fixture(scope="module")
def charts(engine: Engine, tmp_path_factory: pytest.TempPathFactory, kubectl: Kubectl) -> Generator[Path]:
    """A mirror; without the stack after."""
    folder = stand_in_charts(tmp_path_factory.mktemp("charts"))
    yield folder
    for namespace in ("flink", "other"):  # wherever the last test has left it
        engine.make("up", layer(folder, protectJobs=False, word_count={"namespace": namespace}))
    assert engine.make("destroy").code == 0


def layer(charts: Path, *, word_count: dict[str, Any] | None = None, **config: Any) -> str:
    """Both a protected job and, in other namespaces, room for it."""
    return json.dumps(
        {
            "charts": {"mirror": str(charts)},
            "waitForJobs": False,
            "protectJobs": True,
            "namespaces": {"flink": {}, "other": {}},
            "jobs": {"word-count": word_count or {}},
            **config,
        }
    )


def jobs(kubectl: Kubectl) -> dict[str, str]:
    """`namespace/name` of each FlinkDeployment to its UID."""
    found = json.loads(kubectl.run("get", "flinkdeployments", "-A", "-o", "json"))["items"]
    return {
        f"{one['metadata']['namespace']}/{one['metadata']['name']}": one["metadata"]["uid"]
        for one in found
        if not one["metadata"].get("deletionTimestamp")
    }


class TestGuard:
    """In this order."""

    def test_up_makes_it_and_may_change_it(self, engine: Engine, kubectl: Kubectl, charts: Path):
        assert engine.make("up", layer(charts)).code == 0
        before = jobs(kubectl)
        assert set(before) == {"flink/word-count"}
        assert engine.make("up", layer(charts, word_count={"parallelism": 2})).code == 0
        assert jobs(kubectl) == before

    def test_another_namespace_is_refused_before_a_second_job_runs(
        self, engine: Engine, kubectl: Kubectl, charts: Path
    ):
        before = jobs(kubectl)
        moved = layer(charts, word_count={"namespace": "other"})
        preview = engine.make("preview", moved)
        assert preview.code != 0
        assert "jobs.word-count.protect: false" in preview.said
        done = engine.make("up", moved)
        assert done.code != 0
        assert REFUSED in done.said
        assert "jobs.word-count.protect: false in Pulumi.sandbox.yaml" in done.said
        assert jobs(kubectl) == before

    def test_a_removal_is_refused(self, engine: Engine, kubectl: Kubectl, charts: Path):
        before = jobs(kubectl)
        done = engine.make("up", layer(charts, word_count={"enabled": False}))
        assert done.code != 0
        assert REFUSED in done.said
        assert jobs(kubectl) == before

    def test_another_cluster_is_refused(self, engine: Engine, kubectl: Kubectl, charts: Path):
        before = jobs(kubectl)
        kubeconfig = kubectl.run("config", "view", "--raw", "--flatten", "-o", "json")
        content = json.loads(kubeconfig)
        content["contexts"].append({**content["contexts"][0], "name": "other-name"})
        path = charts / "kubeconfig"
        path.write_text(json.dumps(content))
        done = engine.make("up", layer(charts, context="other-name", kubeconfig=str(path)))
        assert done.code != 0
        assert "its objects would stay behind there" in done.said
        assert jobs(kubectl) == before

    def test_destroy_is_refused(self, engine: Engine, kubectl: Kubectl):
        before = jobs(kubectl)
        done = engine.make("destroy")
        assert done.code != 0
        assert REFUSED in done.said
        assert "protectJobs: false" in done.said
        assert jobs(kubectl) == before

    def test_the_bare_command_refuses_too(self, engine: Engine, kubectl: Kubectl, charts: Path):
        before = jobs(kubectl)
        meant = engine.folder / "meant.yaml"
        meant.write_text(layer(charts, word_count={"enabled": False}))
        config = {f"flink-k8s:{key}": value for key, value in stack_file.read(ROOT, "sandbox", layer=meant).items()}
        file = engine.folder / "Pulumi.sandbox.yaml"
        file.write_text(json.dumps({"config": config}))
        folder = Path(engine.env["FLINK_K8S_STATE"])
        env = {
            **engine.env,
            "PULUMI_BACKEND_URL": engine.env.get("PULUMI_BACKEND_URL", f"file://{folder}"),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
        }
        for operation in ("up", "destroy"):
            command = ["pulumi", operation, "--yes", "--non-interactive", "--stack", "sandbox"]
            command += ["--config-file", str(file)]
            done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode != 0
            assert "cannot be deleted" in done.stdout + done.stderr
            assert jobs(kubectl) == before

    def test_the_way_that_the_refusal_names_works(self, engine: Engine, kubectl: Kubectl, charts: Path):
        before = jobs(kubectl)
        assert engine.make("up", layer(charts, word_count={"protect": False})).code == 0
        assert jobs(kubectl) == before
        assert engine.make("up", layer(charts, word_count={"namespace": "other"})).code == 0
        assert set(jobs(kubectl)) == {"other/word-count"}
