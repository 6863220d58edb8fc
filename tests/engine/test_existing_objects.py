"""Objects that exist in the cluster and are not the stack's, with plain `pulumi` on a bare API server."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest

from tests.engine.plain import Plain
from tests.steps import step

SPEC = {
    "image": "shop/orders:1",
    "flinkVersion": "v1_20",
    "jobManager": {"resource": {"memory": "1g", "cpu": 1}},
    "taskManager": {"resource": {"memory": "2g", "cpu": 1}},
    "job": {"jarURI": "local:///opt/flink/job.jar", "parallelism": 2, "upgradeMode": "stateless"},
}
ORDERS = {
    "apiVersion": "flink.apache.org/v1beta1",
    "kind": "FlinkDeployment",
    "metadata": {"name": "orders", "namespace": "team-a"},
    "spec": {**SPEC, "serviceAccount": "flink"},
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Generator[Plain]:
    with Plain.started(tmp_path_factory.mktemp("existing")) as project:
        yield project


def names(plain: Plain) -> set[str]:
    """`kind/name` of the objects in the namespace that the stack declares."""
    kinds = "flinkdeployments,serviceaccounts,roles,rolebindings"
    return set(plain.kubectl.run("get", kinds, "-n", "team-a", "-o", "name").decode().split())


def configure(plain: Plain, *, create: bool, **config: Any) -> None:
    plain.configure(namespaces={"team-a": {"create": create}}, **config)


def test_existing_objects_are_refused_before_anything_is_created(plain: Plain):
    plain.kubectl.run("create", "namespace", "team-a")
    plain.kubectl.run("apply", "-f", "-", stdin=json.dumps(ORDERS).encode())
    plain.write("orders", SPEC)
    plain.write("payments", SPEC)
    before = names(plain)

    with step("a preview lists them"):
        configure(plain, create=True)
        done = plain.pulumi("preview")
        assert done.code != 0
        assert "2 objects exist in the cluster and not in the state of this stack; nothing was created:" in done.output
        assert "  FlinkDeployment team-a/orders (applied by kubectl-client-side-apply)\n" in done.output
        assert "  Namespace team-a (applied by kubectl-create)\n" in done.output
        assert "namespaces.<name>.create: false" in done.output

    with step("up refuses them, also without a preview"):
        for options in ([], ["--skip-preview"]):
            done = plain.pulumi("up", *options)
            assert done.code != 0
            assert "FlinkDeployment team-a/orders (applied by" in done.output
            assert names(plain) == before

    with step("the namespace is used, the other job renamed: up creates everything"):
        configure(plain, create=False)
        plain.write("orders", SPEC, renamed="new-orders")
        done = plain.pulumi("up")
        assert done.code == 0, done.output
        jobs = {"orders", "new-orders", "payments"}
        assert names(plain) > {f"flinkdeployment.flink.apache.org/{name}" for name in jobs}
        assert plain.pulumi("preview", "--expect-no-changes").code == 0

    with step("a new job with the name of an existing one is refused; the deployed ones are the stack's"):
        plain.write("again", SPEC, renamed="orders")
        done = plain.pulumi("up", "--skip-preview")
        assert done.code != 0
        assert "1 object exists in the cluster and not in the state of this stack" in done.output
        assert "new-orders" not in done.output.partition("nothing was created:")[2].partition("- use")[0]
        plain.write("again", None)

    with step("a stack without its state takes over what Pulumi has created, with a warning"):
        assert plain.pulumi("stack", "rm", "plain", "--force", "--preserve-config", "--yes").code == 0
        assert plain.pulumi("stack", "init", "plain").code == 0
        uid = plain.kubectl.run("get", "flinkdeployment/payments", "-n", "team-a", "-o", "jsonpath={.metadata.uid}")
        done = plain.pulumi("up")
        assert done.code == 0, done.output
        assert "this run takes them over:" in done.output
        assert "FlinkDeployment team-a/payments" in done.output
        again = plain.kubectl.run("get", "flinkdeployment/payments", "-n", "team-a", "-o", "jsonpath={.metadata.uid}")
        assert again == uid


def test_the_check_needs_no_worker_of_the_engine(plain: Plain):
    """With one worker, which waits for the check, the engine has none left for another step."""
    plain.configure(namespaces={"alone": {}})
    plain.write("orders", SPEC)
    plain.write("payments", None)
    for command in ("preview", "up"):
        done = plain.pulumi(command, "--parallel", "1")
        assert done.code == 0, done.output
