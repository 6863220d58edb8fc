"""NetworkPolicies as the program makes them: which there are, in which order, and who is selected.

What they let pass is asked of an evaluator of the field, over the rendered objects: tests/e2e/test_network_policies.py.
"""

from __future__ import annotations

import pytest

from flink_k8s.program.resource_graph import Resource, ResourceGraph

TEAMS = {"flink": {"egress": [{"namespace": "kafka", "ports": [9092]}]}, "team-b": {}}


def policies(graph: ResourceGraph) -> dict[str, Resource]:
    return {
        f"{resource.namespace}/{resource.object_name}": resource
        for resource in graph.objects
        if resource.kind == "NetworkPolicy"
    }


@pytest.mark.parametrize("stack", ["dev", "sandbox", "staging", "prod"])
def test_network_policies_are_enabled_in_all_environments(resource_graph, stack):
    assert set(policies(resource_graph(stack))) == {
        "flink/flinkdeployment-word-count",
        "flink/default-deny",
        "flink-operator/operator",
        "flink-operator/default-deny",
    }


def test_disabled_network_policies_change_no_other_object(resource_graph):
    on, off = resource_graph("dev"), resource_graph("dev", networkPolicies={"enabled": False})
    assert policies(off) == {}
    assert len(off.objects) == len(on.objects) - 4


def test_namespaces_of_jobs_and_operator_deny_by_default(resource_graph):
    graph = policies(resource_graph("dev", namespaces=TEAMS))
    denying = {name: item for name, item in graph.items() if name.endswith("/default-deny")}
    assert set(denying) == {"flink/default-deny", "team-b/default-deny", "flink-operator/default-deny"}
    for item in denying.values():
        assert item.inputs["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_egress_of_a_namespace_applies_to_all_its_pods(resource_graph):
    assert policies(resource_graph("dev", namespaces=TEAMS))["flink/egress"].inputs["spec"] == {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [
            {
                "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kafka"}}}],
                "ports": [{"port": 9092, "protocol": "TCP"}],
            }
        ],
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("NetworkPolicy flink/flinkdeployment-word-count", "NetworkPolicy flink/default-deny"),
        ("NetworkPolicy flink/egress", "NetworkPolicy flink/default-deny"),
        ("NetworkPolicy flink/flinkdeployment-word-count", "FlinkDeployment flink/word-count"),
        ("NetworkPolicy flink/egress", "FlinkDeployment flink/word-count"),
        ("NetworkPolicy flink-operator/operator", "NetworkPolicy flink-operator/default-deny"),
        ("NetworkPolicy flink-operator/default-deny", "Release flink-operator/flink-kubernetes-operator"),
    ],
    ids=str,
)
def test_policies_exist_while_their_pods_run(resource_graph, before, after):
    graph = resource_graph("dev", namespaces=TEAMS)
    first, second = (
        next(resource for resource in graph.objects if resource.title == title) for title in (before, after)
    )
    assert graph.depends_on(second, first)
    assert not graph.depends_on(first, second)
    down = [item.title for item in graph.deletion_order]
    assert down.index(after) < down.index(before)


def test_teams_do_not_depend_on_each_other(resource_graph):
    graph = resource_graph("dev", namespaces=TEAMS)
    deny, job = policies(graph)["team-b/default-deny"], policies(graph)["flink/flinkdeployment-word-count"]
    assert not graph.depends_on(deny, job)


def test_ingress_controller_can_reach_only_jobs_with_an_ingress(resource_graph):
    ingress = {
        "enabled": False,
        "template": "{{name}}.example.org",
        "authentication": "controller",
        "controller": {"namespace": "ingress-nginx", "pods": {"app": "controller"}},
    }
    settings = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}},
        "podSelector": {"matchLabels": {"app": "controller"}},
    }
    name = "flink/flinkdeployment-word-count"
    for enabled in (True, False):
        graph = resource_graph("dev", ingress=ingress, jobs={"word-count": {"ingress": {"enabled": enabled}}})
        rules = [rule for rule in policies(graph)[name].inputs["spec"]["ingress"] if settings in rule["from"]]
        assert [rule["ports"] for rule in rules] == ([[{"port": 8081, "protocol": "TCP"}]] if enabled else [])


def test_a_namespace_of_every_cluster_is_used_and_not_owned(resource_graph):
    graph = resource_graph("dev", namespaces={"default": {}})
    names = {
        f"{resource.kind} {resource.namespace}/{resource.object_name}"
        for resource in graph.objects
        if not resource.is_release
    }
    assert "Namespace default" not in {f"{resource.kind} {resource.object_name}" for resource in graph.objects}
    assert "NetworkPolicy default/default-deny" not in names
    assert "NetworkPolicy default/flinkdeployment-word-count" in names
    assert {"ServiceAccount default/flink", "Role default/flink", "RoleBinding default/flink"} <= names
