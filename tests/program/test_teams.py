"""Namespaces of teams as the program makes them: bounds before jobs, accounts, Pod Security, who is watched."""

from __future__ import annotations

import json

import pytest

from flink_k8s.program.resource_graph import Resource, ResourceGraph

TEAMS = {
    "flink": {
        "quota": {"cpu": 8, "memory": "16Gi", "pods": 20, "deployments": 5, "sessionJobs": 10, "hard": {"secrets": 9}},
        "limits": {"defaultRequest": {"cpu": "100m"}, "max": {"memory": "8Gi"}, "claim": "10Gi"},
        "imagePullSecrets": ["registry"],
    },
    "loose": {"podSecurity": "baseline", "podSecurityVersion": "latest", "labels": {"team": "loose"}},
}
QUOTA, COUNTS, LIMITS = "ResourceQuota flink/quota", "ResourceQuota flink/flink-quota", "LimitRange flink/limits"
JOB, CLAIM = "FlinkDeployment flink/word-count", "PersistentVolumeClaim flink/word-count-data"
OPERATOR = "Release flink-operator/flink-kubernetes-operator"


@pytest.fixture
def graph(resource_graph) -> ResourceGraph:
    return resource_graph("dev", namespaces=TEAMS)


def resource(graph: ResourceGraph, title: str) -> Resource:
    return next(resource for resource in graph.objects if resource.title == title)


def test_quota_contains_only_configured_resources(graph):
    assert resource(graph, QUOTA).inputs["spec"] == {
        "hard": {"requests.cpu": "8", "requests.memory": "16Gi", "pods": "20", "secrets": "9"}
    }
    assert resource(graph, COUNTS).inputs["spec"] == {
        "hard": {"count/flinkdeployments.flink.apache.org": "5", "count/flinksessionjobs.flink.apache.org": "10"}
    }
    assert resource(graph, LIMITS).inputs["spec"] == {
        "limits": [
            {"type": "Container", "defaultRequest": {"cpu": "100m"}, "max": {"memory": "8Gi"}},
            {"type": "PersistentVolumeClaim", "max": {"storage": "10Gi"}},
        ]
    }
    of_loose = {resource.title.split()[0] for resource in graph.objects if resource.namespace == "loose"}
    assert not of_loose & {"ResourceQuota", "LimitRange"}
    assert of_loose >= {"ServiceAccount", "Role", "RoleBinding"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Namespace flink", QUOTA),
        ("Namespace flink", LIMITS),
        (QUOTA, JOB),
        (LIMITS, JOB),
        (COUNTS, JOB),
        (QUOTA, CLAIM),
        (LIMITS, CLAIM),
        ("ServiceAccount flink/flink", JOB),
        ("RoleBinding flink/flink", JOB),
        (OPERATOR, COUNTS),
        ("Namespace loose", OPERATOR),
    ],
    ids=str,
)
def test_quota_and_limits_exist_before_jobs_and_claims(graph, before, after):
    first, second = resource(graph, before), resource(graph, after)
    assert graph.depends_on(second, first)
    assert not graph.depends_on(first, second)
    down = [item.title for item in graph.deletion_order]
    assert down.index(after) < down.index(before)


def test_teams_do_not_depend_on_each_other(graph):
    for title in ("ServiceAccount loose/flink", "Role loose/flink"):
        assert not graph.depends_on(resource(graph, title), resource(graph, QUOTA))
    assert not graph.depends_on(resource(graph, QUOTA), resource(graph, OPERATOR))


def test_quota_of_flink_kinds_is_created_after_the_operator(graph):
    """Until then it would refuse each of them: "status unknown for quota"."""
    waits = json.loads(resource(graph, COUNTS).annotations["pulumi.com/waitFor"])
    # In brackets: a step with a `/` or an escaped dot is a syntax error to the provider (RFC 9535).
    assert waits == [
        "jsonpath={.status.used['count/flinkdeployments.flink.apache.org']}",
        "jsonpath={.status.used['count/flinksessionjobs.flink.apache.org']}",
    ]


def test_resource_quota_without_operator_depends_only_on_its_namespace(resource_graph):
    graph = resource_graph("dev", namespaces=TEAMS, operator={"enabled": False})
    assert {item.title for item in graph.objects if graph.depends_on(resource(graph, COUNTS), item)} == {
        "Namespace flink"
    }


@pytest.mark.parametrize(
    ("namespace", "level", "version"),
    [
        ("flink", "restricted", "v1.34"),
        ("loose", "baseline", "latest"),
        ("flink-operator", "restricted", "v1.34"),
        ("cert-manager", "restricted", "v1.34"),
        ("monitoring", "privileged", "v1.34"),
    ],
)
def test_every_namespace_has_pod_security_labels(graph, namespace, level, version):
    labels = resource(graph, f"Namespace {namespace}").inputs["metadata"]["labels"]
    actual = {key: value for key, value in labels.items() if key.startswith("pod-security.kubernetes.io/")}
    assert actual == {
        f"pod-security.kubernetes.io/{mode}{end}": value
        for mode in ("enforce", "warn", "audit")
        for end, value in (("", level), ("-version", version))
    }
    assert (labels.get("team") == "loose") == (namespace == "loose")


def test_pull_secrets_are_the_accounts(graph):
    assert resource(graph, "ServiceAccount flink/flink").inputs["imagePullSecrets"] == [{"name": "registry"}]
    assert "imagePullSecrets" not in resource(graph, "ServiceAccount loose/flink").inputs


def test_operator_watches_exactly_the_team_namespaces(graph):
    assert resource(graph, OPERATOR).inputs["values"]["watchNamespaces"] == ["flink", "loose"]


def test_each_team_has_the_same_rights_in_its_own_namespace_only(graph):
    assert resource(graph, "Role flink/flink").inputs["rules"] == resource(graph, "Role loose/flink").inputs["rules"]
    assert resource(graph, "RoleBinding loose/flink").inputs["subjects"] == [
        {"kind": "ServiceAccount", "name": "flink", "namespace": "loose"}
    ]
    assert not [
        resource for resource in graph.objects if resource.title.startswith(("ClusterRole", "ClusterRoleBinding"))
    ]


def test_the_operators_pods_keep_the_restricted_profile(graph):
    values = resource(graph, OPERATOR).inputs["values"]
    pod, own = values["podSecurityContext"], {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert (pod["runAsNonRoot"], pod["runAsUser"], pod["seccompProfile"]) == (True, 9999, {"type": "RuntimeDefault"})
    assert values["operatorSecurityContext"] == values["webhookSecurityContext"] == own
