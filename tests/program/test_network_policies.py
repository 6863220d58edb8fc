"""NetworkPolicies as the program makes them: which there are, in which order, and who is selected.

What they let pass is asked of an evaluator of the field, over the rendered objects: tests/e2e/test_network_policies.py.
"""

from __future__ import annotations

import pytest

from flink_k8s.program.recording import Recording, Resource

TEAMS = {"flink": {"egress": [{"namespace": "kafka", "ports": [9092]}]}, "team-b": {}}


def policies(seen: Recording) -> dict[str, Resource]:
    return {f"{one.namespace}/{one.object_name}": one for one in seen.things if one.kind == "NetworkPolicy"}


@pytest.mark.parametrize("stack", ["dev", "sandbox", "staging", "prod"])
def test_they_are_on_everywhere(recording, stack):
    assert set(policies(recording(stack))) == {
        "flink/flinkdeployment-word-count",
        "flink/default-deny",
        "flink-operator/operator",
        "flink-operator/default-deny",
    }


def test_off_makes_none_and_leaves_all_else(recording):
    on, off = recording("dev"), recording("dev", networkPolicies={"enabled": False})
    assert policies(off) == {}
    assert len(off.things) == len(on.things) - 4


def test_every_namespace_of_jobs_and_the_operators_deny_what_nobody_allows(recording):
    seen = policies(recording("dev", namespaces=TEAMS))
    denying = {name: one for name, one in seen.items() if name.endswith("/default-deny")}
    assert set(denying) == {"flink/default-deny", "team-b/default-deny", "flink-operator/default-deny"}
    for one in denying.values():
        assert one.inputs["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_a_namespaces_egress_is_all_its_pods(recording):
    assert policies(recording("dev", namespaces=TEAMS))["flink/egress"].inputs["spec"] == {
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
def test_no_pod_runs_before_its_policies_or_after_them(recording, before, after):
    seen = recording("dev", namespaces=TEAMS)
    first, second = (next(one for one in seen.things if one.title == title) for title in (before, after))
    assert seen.depends_on(second, first)
    assert not seen.depends_on(first, second)
    down = [one.title for one in seen.reverse_order]
    assert down.index(after) < down.index(before)


def test_one_team_waits_for_no_other(recording):
    seen = recording("dev", namespaces=TEAMS)
    deny, job = policies(seen)["team-b/default-deny"], policies(seen)["flink/flinkdeployment-word-count"]
    assert not seen.depends_on(deny, job)


def test_a_jobs_ingress_lets_its_controller_in_and_no_other_job_s(recording):
    ingress = {
        "enabled": False,
        "template": "{{name}}.example.org",
        "authentication": "controller",
        "controller": {"namespace": "ingress-nginx", "pods": {"app": "controller"}},
    }
    wanted = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}},
        "podSelector": {"matchLabels": {"app": "controller"}},
    }
    name = "flink/flinkdeployment-word-count"
    for enabled in (True, False):
        seen = recording("dev", ingress=ingress, jobs={"word-count": {"ingress": {"enabled": enabled}}})
        rules = [rule for rule in policies(seen)[name].inputs["spec"]["ingress"] if wanted in rule["from"]]
        assert [rule["ports"] for rule in rules] == ([[{"port": 8081, "protocol": "TCP"}]] if enabled else [])


def test_a_namespace_of_every_cluster_is_used_and_not_owned(recording):
    seen = recording("dev", namespaces={"default": {}})
    names = {f"{one.kind} {one.namespace}/{one.object_name}" for one in seen.things if not one.is_release}
    assert "Namespace default" not in {f"{one.kind} {one.object_name}" for one in seen.things}
    assert "NetworkPolicy default/default-deny" not in names
    assert "NetworkPolicy default/flinkdeployment-word-count" in names
    assert {"ServiceAccount default/flink", "Role default/flink", "RoleBinding default/flink"} <= names
