"""The life of a review stack with the real engine on a bare API server, next to the stack whose jobs it copies."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.support.kubectl import Kubectl
from sandbox.engine import build
from sandbox.home import home
from tests.engine.bare_api_server import CONTEXT, bare_api_server
from tests.engine.stand_in import stand_in_operator
from tests.project import run
from tests.steps import step
from tests.working_copy import working_copy

pytestmark = pytest.mark.full

ORDERS = {
    "apiVersion": "flink.apache.org/v1beta1",
    "kind": "FlinkDeployment",
    "metadata": {"name": "orders", "namespace": "default"},
    "spec": {
        "image": "shop/orders:1",
        "flinkVersion": "v1_20",
        "jobManager": {"resource": {"memory": "1g", "cpu": 1}},
        "taskManager": {"resource": {"memory": "2g", "cpu": 1}},
        "job": {"jarURI": "local:///opt/flink/job.jar", "parallelism": 2, "upgradeMode": "savepoint"},
    },
}
COPY = {"parallelism": 1, "parameters": {"output": "review"}}
SAVEPOINT = "s3://state/plain/default/orders/savepoints/savepoint-1-2"
"""As `RESTORE=1` writes it: no pod can list the files of the storage here."""

REVIEW = "plain-pr-42"


class Reviewed:
    """A copy of the project with a deployed stack of one job.

    Attributes:
        folder: of the copy.
        kubectl: of the API server.
    """

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        self.folder = folder
        self.kubectl = Kubectl(str(home().bin / "kubectl"), CONTEXT, kubeconfig)

    def run(self, *arguments: str) -> str:
        """The output of a command of the project, which must succeed."""
        env = {"FLINK_K8S_STATE": str(self.folder / "state"), "PULUMI_CONFIG_PASSPHRASE": "x"}
        done = run([sys.executable, "-m", "flink_k8s", *arguments], timeout=300, cwd=self.folder, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def job(self, namespace: str) -> dict[str, Any] | None:
        """The job `orders` in a namespace."""
        return self.kubectl.get("flinkdeployment", "orders", "-n", namespace)

    @property
    def original(self) -> tuple[str, int]:
        """Identity and generation of the original."""
        metadata = (self.job("default") or {})["metadata"]
        return metadata["uid"], metadata["generation"]


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Generator[Reviewed]:
    folder = tmp_path_factory.mktemp("review") / "project"
    working_copy(folder, {"orders.yaml": yaml.safe_dump(ORDERS)})
    server = folder.parent / "server"
    server.mkdir()
    build(home())
    with bare_api_server(home(), server) as kubeconfig:
        settings: dict[str, object] = {
            "context": CONTEXT,
            "kubeconfig": str(kubeconfig),
            "namespaces": {"default": {"create": False}},
            "certManager": {"enabled": False},
            "prometheus": {"enabled": False, "monitors": False},
            "operator": {"enabled": False, "version": "1.16.1"},
            "stateStorage": {"type": "s3", "uri": "s3://state"},
            "protectJobs": True,
            "jobTimeout": "4m",
        }
        config = {f"flink-k8s:{key}": value for key, value in settings.items()}
        (folder / "Pulumi.plain.yaml").write_text(yaml.safe_dump({"config": config}))
        (folder / "review.yaml").write_text(yaml.safe_dump({"jobs": {"orders": COPY}}))
        (folder / "restored.yaml").write_text(yaml.safe_dump({"jobs": {"orders": {**COPY, "restoreFrom": SAVEPOINT}}}))
        project = Reviewed(folder, kubeconfig)
        with stand_in_operator(project.kubectl):
            project.run("up", "plain")
            yield project


def test_a_review_stack_is_deployed_changed_and_removed(reviewed: Reviewed) -> None:
    before = reviewed.original
    with step("its file is written, and deployed in a namespace of its own"):
        output = reviewed.run("review-stack", "plain", "pr-42", "--changes", "restored.yaml")
        assert f"make up STACK={REVIEW}" in output
        reviewed.run("up", REVIEW)
        job = (reviewed.job(REVIEW) or {})["spec"]["job"]
        assert (job["parallelism"], job["args"]) == (1, ["--output", "review"])
        assert job["initialSavepointPath"] == SAVEPOINT
    with step("a change of the job file reaches the copy alone, which continues from its own state"):
        changed = {**ORDERS, "spec": {**ORDERS["spec"], "image": "shop/orders:2"}}  # type: ignore[dict-item]
        (reviewed.folder / "jobs" / "orders.yaml").write_text(yaml.safe_dump(changed))
        reviewed.run("review-stack", "plain", "pr-42", "--changes", "review.yaml")
        reviewed.run("up", REVIEW)
        spec = (reviewed.job(REVIEW) or {})["spec"]
        assert (spec["image"], spec["job"]["upgradeMode"]) == ("shop/orders:2", "savepoint")
        assert "initialSavepointPath" not in spec["job"]
    with step("it is removed: its jobs, its namespace, its stack and its file"):
        reviewed.run("destroy", REVIEW, "--yes", "--remove")
        assert reviewed.kubectl.get("namespace", REVIEW) is None
        assert not (reviewed.folder / f"Pulumi.{REVIEW}.yaml").exists()
        assert not list((reviewed.folder / "state" / ".pulumi" / "stacks").rglob(f"{REVIEW}.json"))
    assert reviewed.original == before
