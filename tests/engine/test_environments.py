"""The shipped environments, as they are, through their whole life on a real engine and a real API server.

Charts that are not reachable here are replaced by an overlay, as for users with a mirror. Their contexts lead to
one cluster, where nothing runs: the charts have no pods, and a stand-in for the operator finds every job well.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from flink_k8s.config.stack_file import read_config
from flink_k8s.support.kubectl import Kubectl
from tests.engine.stand_in import stand_in_operator, stand_in_platform
from tests.project import ROOT, Done, Project, changes
from tests.steps import step

pytestmark = pytest.mark.full

STACKS = ("dev", "staging", "prod")
NAMESPACES = ("flink", "flink-operator", "cert-manager", "monitoring")


@dataclass(frozen=True)
class Environment:
    """One shipped stack.

    Attributes:
        stack: its name.
        engine: knows a kubeconfig with the stack's context.
        mirror: of the charts.
        rendered: folder with the output of `make render`.
    """

    stack: str
    engine: Project
    mirror: Path
    rendered: Path

    def make(self, target: str, *more: str, **config: object) -> Done:
        """Runs a target on it."""
        layer = json.dumps({"charts": {"mirror": str(self.mirror)}, **config})
        return self.engine.make(target, layer, *more, stack=self.stack)

    @property
    def is_protected(self) -> bool:
        """Whether its jobs are guarded against deletion."""
        return read_config(ROOT, self.stack).values.get("protectJobs") is True


@pytest.fixture(scope="module")
def cluster(
    no_stack: None, engine: Project, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Project, Path]]:
    """An engine that finds every stack's context, and a mirror of charts."""
    folder = tmp_path_factory.mktemp("environments")
    content = json.loads(kubectl.run("config", "view", "--raw", "--flatten", "-o", "json"))
    [own] = [context["context"] for context in content["contexts"] if context["name"] == kubectl.context]
    content["contexts"] = [
        {"name": str(read_config(ROOT, stack).values["context"]), "context": own} for stack in STACKS
    ]
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps({**content, "current-context": ""}))
    kubeconfig.chmod(0o600)
    before = definitions(kubectl)
    with stand_in_operator(kubectl):
        yield replace(engine, env={"KUBECONFIG": str(kubeconfig)}), stand_in_platform(folder / "charts")
    for name in sorted(definitions(kubectl) - before):  # Helm leaves them
        kubectl.run("delete", name, "--timeout=60s")


def definitions(kubectl: Kubectl) -> set[str]:
    """The CRDs in the cluster."""
    return set(kubectl.run("get", "crd", "-o", "name").decode().split())


@pytest.fixture(params=STACKS)
def environment(
    request: pytest.FixtureRequest, cluster: tuple[Project, Path], tmp_path_factory: pytest.TempPathFactory
) -> Generator[Environment]:
    """A shipped stack; what a failed test leaves of it is destroyed."""
    failed = request.session.testsfailed
    environment = Environment(request.param, *cluster, tmp_path_factory.mktemp("rendered") / "out")
    yield environment
    if request.session.testsfailed > failed:
        environment.make("up", protectJobs=False)
        environment.make("destroy", protectJobs=False)


def test_a_shipped_environment_is_checked_deployed_repaired_and_destroyed(environment: Environment, kubectl: Kubectl):
    with step("check finds nothing"):
        result = environment.make("check")
        assert result.code == 0
        assert f"{environment.stack}: good; jobs: flink/word-count" in result.output
        assert "warning" not in result.output or environment.stack == "dev"

    with step("render writes its objects"):
        assert environment.make("render", f"OUT={environment.rendered}").code == 0
        named = yaml.safe_load((environment.rendered / "kustomization.yaml").read_text())["resources"]
        assert len(named) > 15

    with step("a first preview only creates, in less than a hundred lines"):
        result = environment.make("preview")
        assert result.code == 0, result.output
        assert changes(result.output) == {"create"}
        assert len(result.output.splitlines()) < 100

    with step("up creates what was rendered"):
        result = environment.make("up")
        assert result.code == 0, result.output
        assert "STABLE" in result.output
        for path in sorted(environment.rendered.glob("[0-9]*.yaml")):
            if not path.name.partition("-")[2].startswith("helm"):
                kubectl.run("get", "-f", str(path))

    with step("a second preview has no changes"):
        result = environment.make("preview")
        assert result.code == 0, result.output
        assert re.search(r"^ +\d+ unchanged$", result.output, re.MULTILINE)
        assert "(same)" in result.output

    with step("drift finds and repairs what was changed by hand"):
        declared = (kubectl.get("flinkdeployment", "word-count", "-n", "flink") or {})["spec"]["job"]["parallelism"]
        password = secret(kubectl)
        change(kubectl)
        actual = environment.make("drift")
        assert actual.code != 0
        for expected in (
            f"FlinkDeployment flink/word-count:\n  spec.job.parallelism is 7; declared: {declared}\n",
            'Namespace flink:\n  metadata.labels["pod-security.kubernetes.io/enforce"] is "privileged"; declared: "',
            "Role flink/flink:\n  rules[4] was added: "
            '{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}\n',
            "RoleBinding flink/flink:\n  was deleted\n",
            "PrometheusRule monitoring/flink-alerts:\n  spec.groups[0].rules[0].expr is",
            "Secret monitoring/grafana-admin:\n  data.admin-password was changed\n",
            "PodMonitor flink/flink-jobs:\n  was deleted\n",
            "objects with manual changes: 7",
        ):
            assert expected in actual.output
        assert "stolen" not in actual.output
        assert password not in actual.output
        repaired = environment.make("drift", "REPAIR=1")
        assert repaired.code == 0, repaired.output
        assert password not in repaired.output
        assert secret(kubectl) == password
        again = environment.make("drift")
        assert again.code == 0, again.output
        assert "no manual changes" in again.output
        job = kubectl.get("flinkdeployment", "word-count", "-n", "flink") or {}
        assert job["spec"]["job"]["parallelism"] == declared

    with step("destroy leaves nothing"):
        result = environment.make("destroy")
        if environment.is_protected:
            assert result.code != 0
            assert "because it is protected" in result.output
            assert environment.make("up", protectJobs=False).code == 0
            result = environment.make("destroy")
        assert result.code == 0, result.output
        assert [name for name in NAMESPACES if kubectl.get("namespace", name)] == []


def secret(kubectl: Kubectl) -> str:
    """Grafana's password."""
    output = kubectl.get("secret", "grafana-admin", "-n", "monitoring") or {}
    return base64.b64decode(output["data"]["admin-password"]).decode()


def change(kubectl: Kubectl) -> None:
    """Typical manual changes."""
    job = json.dumps({"spec": {"job": {"parallelism": 7}}})
    kubectl.run("-n", "flink", "patch", "flinkdeployment", "word-count", "--type=merge", "-p", job)
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    added = json.dumps([{"op": "add", "path": "/rules/-", "value": rule}])
    kubectl.run("-n", "flink", "patch", "role", "flink", "--type=json", "-p", added)
    kubectl.run("-n", "flink", "delete", "rolebinding", "flink")
    kubectl.run("-n", "flink", "delete", "podmonitor", "flink-jobs")
    kubectl.run("label", "namespace", "flink", "pod-security.kubernetes.io/enforce=privileged", "--overwrite")
    muted = json.dumps([{"op": "replace", "path": "/spec/groups/0/rules/0/expr", "value": "vector(0)"}])
    kubectl.run("-n", "monitoring", "patch", "prometheusrule", "flink-alerts", "--type=json", "-p", muted)
    stolen = json.dumps({"stringData": {"admin-password": "stolen"}})
    kubectl.run("-n", "monitoring", "patch", "secret", "grafana-admin", "--type=merge", "-p", stolen)
