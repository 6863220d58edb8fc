"""Namespaces of teams as the program makes them: bounds before jobs, accounts, Pod Security, who is watched."""

from __future__ import annotations

import json

import pytest

from flink_k8s.program.recording import Recording, Resource

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
def seen(recording) -> Recording:
    return recording("dev", namespaces=TEAMS)


def thing(seen: Recording, title: str) -> Resource:
    return next(one for one in seen.things if one.title == title)


def test_a_quota_has_what_is_said_and_no_more(seen):
    assert thing(seen, QUOTA).inputs["spec"] == {
        "hard": {"requests.cpu": "8", "requests.memory": "16Gi", "pods": "20", "secrets": "9"}
    }
    assert thing(seen, COUNTS).inputs["spec"] == {
        "hard": {"count/flinkdeployments.flink.apache.org": "5", "count/flinksessionjobs.flink.apache.org": "10"}
    }
    assert thing(seen, LIMITS).inputs["spec"] == {
        "limits": [
            {"type": "Container", "defaultRequest": {"cpu": "100m"}, "max": {"memory": "8Gi"}},
            {"type": "PersistentVolumeClaim", "max": {"storage": "10Gi"}},
        ]
    }
    of_loose = {one.title.split()[0] for one in seen.things if one.namespace == "loose"}
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
def test_bounds_hold_before_anything_that_they_bound(seen, before, after):
    first, second = thing(seen, before), thing(seen, after)
    assert seen.depends_on(second, first)
    assert not seen.depends_on(first, second)
    down = [one.title for one in seen.reverse_order]
    assert down.index(after) < down.index(before)


def test_one_team_waits_for_no_other(seen):
    for title in ("ServiceAccount loose/flink", "Role loose/flink"):
        assert not seen.depends_on(thing(seen, title), thing(seen, QUOTA))
    assert not seen.depends_on(thing(seen, QUOTA), thing(seen, OPERATOR))


def test_flinks_kinds_are_counted_once_the_cluster_can(seen):
    """Until then it would refuse each of them: "status unknown for quota"."""
    waits = json.loads(thing(seen, COUNTS).annotations["pulumi.com/waitFor"])
    # In brackets: a step with a `/` or an escaped dot is a syntax error to the provider (RFC 9535).
    assert waits == [
        "jsonpath={.status.used['count/flinkdeployments.flink.apache.org']}",
        "jsonpath={.status.used['count/flinksessionjobs.flink.apache.org']}",
    ]


def test_where_the_cluster_has_the_operator_counting_waits_for_nothing_else(recording):
    seen = recording("dev", namespaces=TEAMS, operator={"enabled": False})
    assert {one.title for one in seen.things if seen.depends_on(thing(seen, COUNTS), one)} == {"Namespace flink"}


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
def test_every_namespace_says_its_profile(seen, namespace, level, version):
    labels = thing(seen, f"Namespace {namespace}").inputs["metadata"]["labels"]
    said = {key: value for key, value in labels.items() if key.startswith("pod-security.kubernetes.io/")}
    assert said == {
        f"pod-security.kubernetes.io/{mode}{end}": value
        for mode in ("enforce", "warn", "audit")
        for end, value in (("", level), ("-version", version))
    }
    assert (labels.get("team") == "loose") == (namespace == "loose")


def test_pull_secrets_are_the_accounts(seen):
    assert thing(seen, "ServiceAccount flink/flink").inputs["imagePullSecrets"] == [{"name": "registry"}]
    assert "imagePullSecrets" not in thing(seen, "ServiceAccount loose/flink").inputs


def test_the_operator_watches_every_team_and_nothing_else(seen):
    assert thing(seen, OPERATOR).inputs["values"]["watchNamespaces"] == ["flink", "loose"]


def test_each_team_has_the_same_rights_in_its_own_namespace_only(seen):
    assert thing(seen, "Role flink/flink").inputs["rules"] == thing(seen, "Role loose/flink").inputs["rules"]
    assert thing(seen, "RoleBinding loose/flink").inputs["subjects"] == [
        {"kind": "ServiceAccount", "name": "flink", "namespace": "loose"}
    ]
    assert not [one for one in seen.things if one.title.startswith(("ClusterRole", "ClusterRoleBinding"))]


def test_the_operators_pods_keep_the_restricted_profile(seen):
    values = thing(seen, OPERATOR).inputs["values"]
    pod, own = values["podSecurityContext"], {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert (pod["runAsNonRoot"], pod["runAsUser"], pod["seccompProfile"]) == (True, 9999, {"type": "RuntimeDefault"})
    assert values["operatorSecurityContext"] == values["webhookSecurityContext"] == own
