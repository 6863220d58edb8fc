"""Namespaces of jobs that are added to a platform and removed, with plain `pulumi` on a bare API server."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.engine.plain import Plain
from tests.engine.stand_in import stand_in_charts
from tests.steps import step

pytestmark = pytest.mark.full

SPEC = {
    "image": "shop/orders:1",
    "flinkVersion": "v1_20",
    "jobManager": {"resource": {"memory": "1g", "cpu": 1}},
    "taskManager": {"resource": {"memory": "2g", "cpu": 1}},
    "job": {"jarURI": "local:///opt/flink/job.jar", "parallelism": 2, "upgradeMode": "stateless"},
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Generator[Plain]:
    with Plain.started(tmp_path_factory.mktemp("watched")) as project:
        yield project


def test_a_namespace_is_removed_after_its_jobs(plain: Plain, tmp_path: Path):
    charts = stand_in_charts(tmp_path)

    def up(*teams: str, job: bool, refused: str = "", command: str = "up", everywhere: bool = False) -> None:
        plain.write("orders", SPEC if job else None)
        plain.configure(
            jobs={"orders": {"namespace": "team-b"}} if job else {},
            namespaces={team: {} for team in teams},
            operator={"webhook": False, "watchAllNamespaces": everywhere},
            charts={"mirror": str(charts)},
        )
        done = plain.pulumi(command)
        assert (done.code != 0) is bool(refused), done.output
        assert refused in done.output

    def watched() -> str:
        config_map = plain.kubectl.get("configmap", "flink-operator-config", "-n", "flink-operator") or {}
        return str(config_map["data"]["config.yaml"]).partition("watched.namespaces: ")[2].partition("\n")[0]

    def exists() -> bool:
        manifest = plain.kubectl.get("flinkdeployment", "orders", "-n", "team-b")
        return manifest is not None and "deletionTimestamp" not in manifest["metadata"]

    with step("the operator watches an added namespace"):
        up("team-a", job=False)
        assert watched() == "team-a"
        up("team-a", "team-b", job=True)
        assert watched() == "team-a,team-b"
        assert exists()

    with step("the namespace and its job are not removed together"):
        for command in ("preview", "up"):
            up(
                "team-a",
                job=False,
                command=command,
                refused="not be deleted: FlinkDeployment team-b/orders; keep team-b",
            )
            assert exists()
        assert watched() == "team-a,team-b"

    with step("the job is removed, then the namespace"):
        up("team-a", "team-b", job=False)
        assert not exists()
        up("team-a", job=False)
        assert watched() == "team-a"
        assert plain.kubectl.get("namespace", "team-b") is None
        assert plain.pulumi("preview", "--expect-no-changes").code == 0

    with step("the operator watches all namespaces, by a ClusterRole instead of Roles"):
        assert plain.kubectl.get("clusterrole", "flink-operator") is None
        up("team-a", job=False, everywhere=True)
        assert watched() == ""
        assert plain.kubectl.get("clusterrole", "flink-operator")
        assert plain.kubectl.get("role", "flink-operator", "-n", "team-a") is None

    with step("it watches a list again only if other namespaces have no Flink resources"):
        manifest = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "spec": SPEC}
        manifest["metadata"] = {"name": "orders", "namespace": "other"}
        plain.kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest).encode())
        up("team-a", job=False, refused="not be deleted: FlinkDeployment other/orders; keep other")
        plain.kubectl.run("delete", "flinkdeployment", "orders", "-n", "other")
        up("team-a", job=False)
        assert watched() == "team-a"
