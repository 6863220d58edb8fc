"""Teams in the sandbox: what Pod Security, quota and rights really let through, and what they refuse.

The stack is up once for all of these: two teams, the word count in the first.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from typing import Any

import pytest

from settings.rules.pod_security import violations
from tests.e2e.conftest import layered, make
from tests.unit.settings.test_pod_security import BAD, GOOD_PODS
from tools.kubectl import Kubectl

TEAM, OTHER = "flink", "reports"
ACCOUNT = f"system:serviceaccount:{TEAM}:flink"
NAMESPACES = {
    TEAM: {"quota": {"cpu": 4, "memory": "8Gi", "deployments": 1, "claims": 2}, "limits": {"max": {"memory": "3Gi"}}},
    OTHER: {"podSecurity": "baseline"},
}
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
ALLOWED = {
    **{("", "pods", verb): "TaskManagers" for verb in ("list", "watch", "create", "delete")},
    **{("", "configmaps", verb): "high availability" for verb in VERBS},
    **{("apps", "deployments", verb): "the JobManager's own" for verb in ("get", "delete")},
    ("apps", "deployments/finalizers", "update"): "owner references",
}
"""The table of docs/security.md."""

ANYBODY = {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}
"""What every account may ask about itself."""


@pytest.fixture(scope="module")
def teams(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Generator[Kubectl]:
    layer = layered(tmp_path_factory.mktemp("teams"), "1.16.1", namespaces=NAMESPACES)
    done = make("up", "STACK=sandbox", f"LAYER={layer}", timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    yield kubectl
    done = make("destroy", "STACK=sandbox", f"LAYER={layer}", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def allowed(kubectl: Kubectl, namespace: str, asked: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Which of group, resource and verb the API server's authorizer allows the team's account in a namespace."""
    asked = list(asked)
    reviews = [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": ACCOUNT,
                "groups": ["system:serviceaccounts", f"system:serviceaccounts:{TEAM}", "system:authenticated"],
                "resourceAttributes": {
                    "namespace": namespace,
                    "group": group,
                    "resource": resource.partition("/")[0],
                    "subresource": resource.partition("/")[2],
                    "verb": verb,
                },
            },
        }
        for group, resource, verb in asked
    ]
    said = kubectl.run(
        "create", "-f", "-", "-o", "json", stdin="\n---\n".join(json.dumps(one) for one in reviews).encode()
    ).decode()
    answers: list[dict[str, Any]] = []
    while said.strip():
        answer, end = json.JSONDecoder().raw_decode(said.lstrip())
        answers += answer["items"] if answer["kind"] == "List" else [answer]
        said = said.lstrip()[end:]
    assert len(answers) == len(asked)
    return {what for what, answer in zip(asked, answers, strict=True) if answer["status"].get("allowed")}


def every_resource(kubectl: Kubectl) -> list[tuple[str, str]]:
    """Group and resource of all that the cluster serves, with the subresources that give power over pods."""
    found: list[tuple[str, str]] = []
    for line in kubectl.run("api-resources", "-o", "name").decode().split():
        resource, _, group = line.partition(".")
        found.append((group, resource))
    found += [("", f"pods/{sub}") for sub in ("exec", "log", "attach", "portforward", "proxy", "eviction", "status")]
    found += [("", "serviceaccounts/token"), ("", "services/proxy"), ("", "nodes/proxy")]
    found += [("apps", "deployments/scale"), ("apps", "deployments/status"), ("apps", "deployments/finalizers")]
    found += [("flink.apache.org", f"flinkdeployments/{sub}") for sub in ("status", "finalizers")]
    return found


class TestRights:
    def test_the_account_may_do_what_the_table_says_and_nothing_else(self, teams: Kubectl):
        resources = every_resource(teams)
        assert len(resources) > 60
        asked = [(group, resource, verb) for group, resource in resources for verb in VERBS]
        asked += [("", resource, "impersonate") for resource in ("users", "groups", "serviceaccounts")]
        asked += [("rbac.authorization.k8s.io", "roles", verb) for verb in ("bind", "escalate")]
        found = {what for what in allowed(teams, TEAM, asked) if what[1] not in ANYBODY}
        assert found == set(ALLOWED)

    @pytest.mark.parametrize("namespace", [OTHER, "flink-operator", "kube-system", "default"])
    def test_it_may_do_nothing_elsewhere(self, teams: Kubectl, namespace: str):
        resources = [("", "secrets"), ("", "pods"), ("", "configmaps"), ("", "services"), ("", "pods/exec")]
        resources += [("apps", "deployments"), ("flink.apache.org", "flinkdeployments")]
        assert allowed(teams, namespace, [(*one, verb) for one in resources for verb in VERBS]) == set()

    def test_one_team_cannot_read_the_others_secrets(self, teams: Kubectl):
        """With the account's own token, as a pod of the team would."""
        teams.run("create", "secret", "generic", "planted", "-n", OTHER, "--from-literal=key=plum-4711")
        try:
            token = teams.run("create", "token", "flink", "-n", TEAM).decode().strip()
            for namespace in (OTHER, TEAM):
                done = teams.try_run(
                    "get", "secrets", "-n", namespace, "-o", "yaml",
                    f"--token={token}", "--client-certificate=/dev/null", "--client-key=/dev/null",
                )  # fmt: skip
                assert done.returncode != 0
                assert b"plum-4711" not in done.stdout
                assert b"forbidden" in done.stderr.lower(), done.stderr
        finally:
            teams.run("delete", "secret", "planted", "-n", OTHER)


def dry_run(kubectl: Kubectl, namespace: str, spec: dict[str, Any]) -> str:
    """What the API server would say to a pod: empty when it would take it."""
    containers = {
        group: [{"image": "x:1", **one} for one in spec[group]]
        for group in ("containers", "initContainers")
        if group in spec
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {**spec, **containers}}
    done = kubectl.try_run("create", "--dry-run=server", "-n", namespace, "-f", "-", stdin=json.dumps(pod).encode())
    return "" if done.returncode == 0 else done.stderr.decode()


class TestPodSecurity:
    """Asked in the team's namespace without its quota's company: a dry run takes nothing."""

    def test_every_verdict_of_ours_is_the_api_servers(self, kubectl: Kubectl):
        name = "verdicts"
        labels = {
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/enforce-version": "v1.34",
        }
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        kubectl.run("create", "-f", "-", stdin=json.dumps(namespace).encode())
        try:
            wrong: list[str] = []
            for spec in GOOD_PODS:
                assert violations(spec) == []
                if said := dry_run(kubectl, name, spec):
                    wrong.append(f"refused, and we take it: {spec}: {said}")
            for spec in BAD:
                assert violations(spec)
                said = dry_run(kubectl, name, spec)
                if 'violates PodSecurity "restricted' not in said:
                    wrong.append(f"not refused, and we refuse it: {spec}: {said}")
            assert not wrong, "\n".join(wrong)
            assert len(GOOD_PODS) >= 5
            assert len(BAD) >= 25
        finally:
            kubectl.run("delete", "namespace", name)

    def test_a_teams_namespace_refuses_a_pod_that_breaks_its_profile(self, teams: Kubectl):
        sizes = {"requests": {"cpu": "10m", "memory": "10Mi"}, "limits": {"memory": "10Mi"}}
        plain = {"containers": [{"name": "a", "resources": sizes}]}
        assert 'violates PodSecurity "restricted:v1.34"' in dry_run(teams, TEAM, plain)
        assert dry_run(teams, OTHER, plain) == ""
        node = {**plain, "hostNetwork": True}
        assert 'violates PodSecurity "baseline:v1.34"' in dry_run(teams, OTHER, node)
        assert "violates PodSecurity" in dry_run(teams, "flink-operator", plain)


class TestQuota:
    def test_the_cluster_counts_what_the_quota_bounds(self, teams: Kubectl):
        found = teams.get("resourcequota", "-n", TEAM)
        assert found is not None
        used = {name: amount for one in found["items"] for name, amount in one["status"]["used"].items()}
        assert used["count/flinkdeployments.flink.apache.org"] == "1"
        assert used["persistentvolumeclaims"] == "1"

    def test_one_deployment_more_is_refused(self, teams: Kubectl):
        job = teams.get("flinkdeployment", "word-count", "-n", TEAM)
        assert job is not None
        more = {**{key: job[key] for key in ("apiVersion", "kind", "spec")}, "metadata": {"name": "one-more"}}
        done = teams.try_run("create", "--dry-run=server", "-n", TEAM, "-f", "-", stdin=json.dumps(more).encode())
        assert b"exceeded quota: flink-quota" in done.stderr

    def test_make_check_stops_a_job_that_is_too_large(self, tmp_path):
        layer = layered(tmp_path, "1.16.1", namespaces={TEAM: {"quota": {"cpu": "700m"}}})
        done = make("up", "STACK=sandbox", f"LAYER={layer}", timeout=120)
        assert done.returncode != 0
        assert "asks for 1 of cpu (1 JobManager of 0.5, 1 TaskManager of 0.5), and namespace flink may have 0.7" in (
            done.stdout + done.stderr
        )

    @pytest.mark.parametrize(("cpu", "who"), [("700m", "taskmanager"), ("300m", "word-count")])
    def test_up_says_in_words_that_somebody_elses_quota_stops_a_job(self, teams: Kubectl, tmp_path, cpu: str, who: str):
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "somebody-elses", "namespace": TEAM},
            "spec": {"hard": {"requests.cpu": cpu}},
        }
        teams.run("apply", "-f", "-", stdin=json.dumps(quota).encode())
        try:
            layer = layered(
                tmp_path,
                "1.16.1",
                namespaces=NAMESPACES,
                jobTimeout="100s",
                jobs={"word-count": {"image": "pyflink:dev", "flinkVersion": "v2_2", "restartNonce": int(cpu[:3])}},
            )
            done = make("up", "STACK=sandbox", f"LAYER={layer}", timeout=400)
            said = done.stdout + done.stderr
            assert done.returncode != 0
            assert "exceeded quota: somebody-elses" in said, said
            assert who in said.partition("exceeded quota")[0].rpartition("pods")[2]
        finally:
            teams.run("delete", "resourcequota", "somebody-elses", "-n", TEAM)
