"""Accounts, services and egress of the job as it runs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_k8s.config.problems import ProblemsError
from tests.unit.project import JOB, Project

ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "flink"}
ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "irsa"}}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "irsa"},
    "subjects": [{"kind": "ServiceAccount", "name": "irsa"}],
    "roleRef": ROLE,
}


def findings(project: Project, rule: str, spec: dict[str, Any], config: dict[str, Any], *others: object) -> list[str]:
    """Paths and messages of a rule's findings."""
    manifest = yaml.safe_load(JOB)
    manifest["spec"] |= spec
    project.job(yaml.safe_dump_all([manifest, *others]))
    project.stack(config)
    try:
        problems = [remark.problem for remark in project.load().remarks]
    except ProblemsError as error:
        problems = list(error.problems)
    return [f"{problem.path}: {problem.message}" for problem in problems if problem.rule == rule]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"serviceAccount": "irsa"}, "spec.serviceAccount"),
        ({"flinkConfiguration": {"kubernetes.taskmanager.service-account": "irsa"}}, "kubernetes.taskmanager"),
        ({"flinkConfiguration": {"kubernetes.jobmanager.service-account": "irsa"}}, "kubernetes.jobmanager"),
    ],
)
def test_account_needs_a_declaration_and_rights(project: Project, spec: dict[str, Any], path: str) -> None:
    [unknown] = findings(project, "job-account", spec, {})
    assert path in unknown
    assert '"irsa" is not an account of this stack' in unknown
    [unbound] = findings(project, "job-account", spec, {}, ACCOUNT)
    assert '"irsa" has no RoleBinding in a job file' in unbound
    assert findings(project, "job-account", spec, {}, ACCOUNT, BINDING) == []


def test_account_of_the_platform_is_accepted(project: Project) -> None:
    assert findings(project, "job-account", {"serviceAccount": "flink"}, {}) == []


def test_node_port_needs_a_right_of_the_operator(project: Project) -> None:
    spec = {"flinkConfiguration": {"kubernetes.rest-service.exposed.type": "NodePort"}}
    [finding] = findings(project, "exposed-rest", spec, {})
    assert "NodePort also requires operator.values.rbac.nodesRule.create: true" in finding
    values = {"rbac": {"nodesRule": {"create": True}}}
    [finding] = findings(project, "exposed-rest", spec, {"operator": {"values": values}})
    assert "nodesRule" not in finding


ENDPOINT = {"s3.endpoint": "http://db.example.org:5432", "x.y": "s3://a/b"}


def with_jar(uri: str) -> dict[str, Any]:
    return {"job": {"jarURI": uri, "parallelism": 1, "upgradeMode": "stateless"}}


@pytest.mark.parametrize(
    ("spec", "opened"),
    [
        ({"flinkConfiguration": ENDPOINT}, "any address at port 5432"),
        ({"flinkConfiguration": {**ENDPOINT, "s3.endpoint": "http://x.other.svc:80"}}, "namespace other at every port"),
        ({"flinkConfiguration": {"x.y": "gs://a/b"}}, "0.0.0.0/0 at port 443"),
        (with_jar("http://h.x.y:25/x.jar"), "any address at port 25"),
        (with_jar("https://h.x.y:8443/x.jar"), "any address at port 8443"),
    ],
)
def test_job_opens_more_than_the_enforced_egress(project: Project, spec: dict[str, Any], opened: str) -> None:
    policies = {"apiServer": {"cidrs": ["10.96.0.1/32"], "ports": [443]}}
    config: dict[str, Any] = {"networkPolicies": policies, "enforced": {"egress": []}}
    [finding] = findings(project, "enforced-egress", spec, config)
    assert f"opens egress to {opened}" in finding
    assert findings(project, "enforced-egress", spec, {"networkPolicies": policies}) == []
    assert findings(project, "enforced-egress", spec, {**config, "networkPolicies": {"enabled": False}}) == []


def test_connectors_open_more_than_the_enforced_egress(project: Project) -> None:
    config: dict[str, Any] = {
        "networkPolicies": {"apiServer": {"cidrs": ["10.96.0.1/32"], "ports": [443]}},
        "mavenRepository": "http://nexus.tools:8081/maven",
        "jobs": {"word-count": {"connectors": ["kafka"]}},
    }
    [finding] = findings(project, "enforced-egress", {}, {**config, "enforced": {"egress": []}})
    assert "opens egress to namespace tools at port 8081" in finding
    allowed = {"egress": [{"namespace": "tools", "ports": [8081]}]}
    assert findings(project, "enforced-egress", {}, {**config, "enforced": allowed}) == []


def test_storage_of_the_stack_is_within_the_enforced_egress(project: Project) -> None:
    config = {
        "stateStorage": {"type": "s3", "uri": "s3://bucket/state", "endpoint": "http://minio.storage:9000"},
        "enforced": {"egress": [{"cidr": "10.0.0.0/8", "ports": [5432]}]},
    }
    spec = {"job": {"jarURI": "local:///a.jar", "parallelism": 1, "upgradeMode": "savepoint"}}
    assert findings(project, "enforced-egress", spec, config) == []


def test_enforced_egress_can_contain_the_endpoint(project: Project) -> None:
    config = {"enforced": {"egress": [{"ports": ["5000-6000"]}]}}
    assert findings(project, "enforced-egress", {"flinkConfiguration": ENDPOINT}, config) == []
