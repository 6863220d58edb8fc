"""`openshift: true`: what differs in the objects of the whole program."""

from __future__ import annotations

from typing import Any

import pytest

from flink_k8s.checks.load import load
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import read_config
from flink_k8s.program.resource_graph import ResourceGraph
from tests.program.conftest import Record
from tests.unit.project import Project

BINDING = "nonroot-v2"


@pytest.fixture
def graph(resource_graph: Record) -> ResourceGraph:
    return resource_graph("dev", openshift=True)


def test_accounts_of_jobs_and_operator_may_run_as_the_users_of_their_images(graph: ResourceGraph) -> None:
    bindings = [item for item in graph.find_all("RoleBinding") if item.object_name == BINDING]
    subjects = {item.namespace: item.inputs["subjects"] for item in bindings}
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:serviceaccounts:flink-operator"}
    assert subjects == {
        "flink": [{"kind": "ServiceAccount", "name": "flink", "namespace": "flink"}],
        "flink-operator": [group],
    }
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"system:openshift:scc:{BINDING}"}
    assert all(item.inputs["roleRef"] == role for item in bindings)


def test_pods_start_after_their_binding(graph: ResourceGraph) -> None:
    bindings = {item.namespace: item for item in graph.find_all("RoleBinding") if item.object_name == BINDING}
    operator, job = graph.find("Release", "flink-kubernetes-operator"), graph.find("FlinkDeployment")
    assert graph.depends_on(operator, bindings["flink-operator"])
    assert graph.depends_on(job, bindings["flink"])


def test_policies_allow_the_dns_of_openshift(graph: ResourceGraph) -> None:
    policies = [item for item in graph.find_all("NetworkPolicy") if "egress" in item.inputs["spec"]]  # pyright: ignore
    texts = {item.title: str(item.inputs["spec"]) for item in policies}
    allowing = {title for title, text in texts.items() if "dns.operator.openshift.io/daemonset-dns" in text}
    assert allowing == {"NetworkPolicy flink-operator/operator", "NetworkPolicy flink/flinkdeployment-word-count"}
    assert not any("kube-dns" in text for text in texts.values())
    assert all("openshift-user-workload-monitoring" in texts[title] for title in allowing)


def test_prometheus_is_that_of_openshift(graph: ResourceGraph) -> None:
    releases = {item.object_name for item in graph.objects if item.is_release}
    assert releases == {"cert-manager", "flink-kubernetes-operator"}
    assert {item.namespace for item in graph.find_all("PodMonitor")} == {"flink", "flink-operator", "cert-manager"}


def test_without_the_setting_there_is_no_binding(resource_graph: Record) -> None:
    assert not [item for item in resource_graph("dev").objects if item.object_name == BINDING]


def problems(project: Project, **config: Any) -> list[str]:
    project.stack({"openshift": True, **config})
    try:
        load(project.root, read_config(project.root, "x"))
    except ProblemsError as error:
        return [f"{problem.path}: {problem.message}" for problem in error.problems]
    return []


def test_a_prometheus_of_the_stack_is_refused(tmp_path) -> None:
    project = Project(tmp_path)
    assert problems(project, prometheus={"labels": {"a": "b"}}) == []
    [problem] = problems(project, prometheus={"enabled": True})
    assert problem.startswith("prometheus.enabled: is true, but OpenShift manages the CRDs of the Prometheus operator")


def test_stacks_of_jobs_inherit_the_setting(tmp_path) -> None:
    project = Project(tmp_path)
    project.stack({"openshift": True, "namespaces": {"flink": {}}, "jobFolders": []})
    (tmp_path / "Pulumi.team.yaml").write_text("config: {'flink-k8s:platform': x}\n")
    assert load(tmp_path, read_config(tmp_path, "team")).settings.openshift is True
