"""Protected jobs: the engine refuses another namespace, a removal, another cluster and a destroy."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.config import stack_file
from flink_k8s.support.kubectl import Kubectl
from tests.project import ROOT, Project
from tests.steps import step

REFUSED = re.compile(r"because it is protected|marked for protection")
"""The engine's own refusals."""


@pytest.fixture(scope="module", autouse=True)
def _unprotected(no_stack: None, engine: Project, charts: Path) -> Generator[None]:
    """Nothing is protected afterwards, wherever the last test has left the job."""
    yield
    for namespace in ("flink", "other"):
        engine.make("up", layer(charts, protectJobs=False, word_count={"namespace": namespace}))


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
    content = json.loads(kubectl.run("get", "flinkdeployments", "-A", "-o", "json"))["items"]
    return {
        f"{finding['metadata']['namespace']}/{finding['metadata']['name']}": finding["metadata"]["uid"]
        for finding in content
        if not finding["metadata"].get("deletionTimestamp")
    }


def test_protected_jobs_are_changed_but_neither_moved_nor_deleted(engine: Project, kubectl: Kubectl, charts: Path):
    with step("up creates a protected job and changes it"):
        assert engine.make("up", layer(charts)).code == 0
        before = jobs(kubectl)
        assert set(before) == {"flink/word-count"}
        assert engine.make("up", layer(charts, word_count={"parallelism": 2})).code == 0
        assert jobs(kubectl) == before

    with step("another namespace is refused before a second job runs"):
        before = jobs(kubectl)
        moved = layer(charts, word_count={"namespace": "other"})
        for target in ("preview", "up"):
            result = engine.make(target, moved)
            assert result.code != 0
            assert REFUSED.search(result.output)
            assert "refused, nothing was changed: 1 protected resource would be deleted" in result.output
            assert "jobs.word-count.protect: false in Pulumi.sandbox.yaml" in result.output
        assert jobs(kubectl) == before

    with step("a removal is refused"):
        before = jobs(kubectl)
        result = engine.make("up", layer(charts, word_count={"enabled": False}))
        assert result.code != 0
        assert REFUSED.search(result.output)
        assert jobs(kubectl) == before

    with step("another cluster is refused"):
        before = jobs(kubectl)
        kubeconfig = kubectl.run("config", "view", "--raw", "--flatten", "-o", "json")
        content = json.loads(kubeconfig)
        content["contexts"].append({**content["contexts"][0], "name": "other-name"})
        path = engine.folder / "kubeconfig"
        path.write_text(json.dumps(content))
        result = engine.make("up", layer(charts, context="other-name", kubeconfig=str(path)))
        assert result.code != 0
        assert "is in the context" in result.output
        assert jobs(kubectl) == before

    with step("destroy is refused"):
        before = jobs(kubectl)
        result = engine.make("destroy")
        assert result.code != 0
        assert REFUSED.search(result.output)
        assert "protectJobs: false" in result.output
        assert jobs(kubectl) == before

    with step("plain pulumi up and destroy are refused"):
        before = jobs(kubectl)
        without_job = engine.folder / "without-job.yaml"
        without_job.write_text(layer(charts, word_count={"enabled": False}))
        config = {
            f"flink-k8s:{key}": value for key, value in stack_file.read(ROOT, "sandbox", overlay=without_job).items()
        }
        file = engine.folder / "Pulumi.sandbox.yaml"
        salt = yaml.safe_load((engine.state / "config" / "Pulumi.sandbox.yaml").read_text())
        file.write_text(json.dumps({**salt, "config": config}))
        options = ["--yes", "--non-interactive", "--stack", "sandbox", "--config-file", str(file)]
        for operation in ("up", "destroy"):
            result = engine.pulumi(operation, *options)
            assert result.code != 0
            assert REFUSED.search(result.output)
            assert jobs(kubectl) == before

    with step("a job that is no longer protected moves to another namespace"):
        before = jobs(kubectl)
        assert engine.make("up", layer(charts, word_count={"protect": False})).code == 0
        assert jobs(kubectl) == before
        assert engine.make("up", layer(charts, word_count={"namespace": "other"})).code == 0
        assert set(jobs(kubectl)) == {"other/word-count"}
