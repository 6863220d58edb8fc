"""A jar of the project with plain `pulumi` on a bare API server: its job is created or changed after the upload only.

The API server has no nodes, so a quota refuses the pod of the upload.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
import yaml

from tests.engine.bare_api_server import CONTEXT
from tests.engine.plain_project import PlainProject, plain_project
from tests.steps import step

pytestmark = pytest.mark.full

STACK = "jars"
NO_PODS = """\
apiVersion: v1
kind: ResourceQuota
metadata: {name: no-pods, namespace: jars}
spec: {hard: {pods: 0}}
status: {hard: {pods: "0"}, used: {pods: "0"}}
"""


def job(jar: str) -> dict[str, Any]:
    size = {"resource": {"memory": "1g", "cpu": 1}}
    return {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": "orders"},
        "spec": {
            "image": "registry.example.org/orders:1",
            "flinkVersion": "v1_20",
            "jobManager": size,
            "taskManager": size,
            "job": {"jarURI": jar, "parallelism": 1, "upgradeMode": "stateless"},
        },
    }


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Generator[PlainProject]:
    with plain_project(tmp_path_factory.mktemp("jars")) as plain:
        yield plain


def test_job_is_created_or_changed_after_the_upload_only(project: PlainProject) -> None:
    kubectl = project.kubectl
    config = {
        "context": CONTEXT,
        "kubeconfig": str(kubectl.kubeconfig),
        "namespaces": {STACK: {"create": False}},
        "certManager": {"enabled": False},
        "prometheus": {"enabled": False, "monitors": False},
        "operator": {"enabled": False},
        "stateStorage": {"type": "s3", "uri": "s3p://bucket/state"},
        "waitForJobs": False,
    }
    content = {"config": {f"flink-k8s:{key}": value for key, value in config.items()}}
    assert project.pulumi("stack", "init", STACK).code == 0
    (project.folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(content))
    kubectl.run("create", "namespace", STACK)
    kubectl.run("apply", "-f", "-", stdin=NO_PODS.encode())
    kubectl.run("replace", "--subresource=status", "-f", "-", stdin=NO_PODS.encode())  # no controller does it
    (project.folder / "orders.jar").write_bytes(b"a jar")
    job_file = project.folder / "jobs" / "orders.yaml"

    def deployed() -> dict[str, Any]:
        return kubectl.get("flinkdeployment", "orders", "-n", STACK) or {}

    with step("a preview uploads nothing"):
        job_file.write_text(yaml.safe_dump(job("orders.jar")))
        preview = project.pulumi("preview", "--stack", STACK)
        assert preview.code == 0, preview.output

    with step("a refused upload creates no job"):
        done = project.pulumi("up", "--stack", STACK)
        assert done.code != 0
        assert f"job {STACK}/orders: no pod can be created that uploads the jar: " in done.output
        assert deployed() == {}

    with step("a refused upload does not change a job"):
        job_file.write_text(yaml.safe_dump(job("local:///opt/flink/orders.jar")))
        done = project.pulumi("up", "--stack", STACK)
        assert done.code == 0, done.output
        job_file.write_text(yaml.safe_dump(job("orders.jar")))
        done = project.pulumi("up", "--stack", STACK)
        assert done.code != 0
        assert "no pod can be created that uploads the jar: " in done.output
        assert deployed()["spec"]["job"]["jarURI"] == "local:///opt/flink/orders.jar"
