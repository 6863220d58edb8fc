"""Teams in the sandbox: what Pod Security, quota, rights and NetworkPolicies really let through, and what they refuse.

The stack is up once for all of these, in a node that enforces NetworkPolicies: two teams; the word count and the
streaming job in the first.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Generator, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.checks import pod_security
from flink_k8s.checks.subject import Subject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.namespace import PodSecurityLevel, pod_security_labels
from flink_k8s.facts.units import quantity
from flink_k8s.support.kubectl import Kubectl
from sandbox import network
from tests.e2e.pod_mutations import pods
from tests.e2e.reach import Place, address, agree, pod
from tests.e2e.running_totals import RunningTotals, until_finished
from tests.project import PAIR, PAIRS, ROOT, Done, Project, layered, make
from tests.steps import step
from tests.waiting import until

TEAM, OTHER = "flink", "reports"
GROUPS = ["system:serviceaccounts", f"system:serviceaccounts:{TEAM}", "system:authenticated"]
ACCOUNT = f"system:serviceaccount:{TEAM}:flink"
NAMESPACES = {
    TEAM: {
        "quota": {"cpu": 2, "memory": "8Gi", "deployments": 2, "claims": 2},
        "limits": {"max": {"memory": "3Gi"}},
    },
    OTHER: {"podSecurity": "baseline"},
}
SMALL = {"jobManager": {"cpu": 0.2}, "taskManager": {"cpu": 0.2}}
"""Both jobs together must fit on a machine with two CPUs."""
TOTALS = {
    **SMALL,
    "enabled": True,
    "parameters": {"rate": 100},
    "flinkConfiguration": {"execution.checkpointing.interval": "1 s"},
    "upgradeMode": "last-state",
    "egress": [{"namespace": "outside", "pods": {"app": "server"}, "ports": [8000]}],
}
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
ALLOWED = {
    *(("", "pods", verb) for verb in ("list", "watch", "create", "delete")),
    *(("", "configmaps", verb) for verb in VERBS),
    *(("apps", "deployments", verb) for verb in ("get", "delete")),
    ("apps", "deployments/finalizers", "update"),
}
"""The table of docs/security.md."""
ANYBODY = {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}
"""What every account may ask about itself."""


def sandbox_(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "sandbox", *arguments], cwd=ROOT, check=True)


@pytest.fixture(scope="module")
def enforcing(no_stack: None, kubectl: Kubectl) -> Generator[Kubectl]:
    """The cluster while it enforces NetworkPolicies; afterwards as it was. With the kinds that a monitor is of."""
    sandbox_("up", "--network-policy")
    kubectl.run("apply", "-f", "-", stdin=listed(*map(definition, ("PodMonitor", "PrometheusRule"))))
    yield kubectl
    kubectl.run("delete", "crd", *(f"{kind}s.monitoring.coreos.com" for kind in ("podmonitor", "prometheusrule")))
    sandbox_("down")
    sandbox_("up")


def definition(kind: str) -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": f"{kind.lower()}s"}
    group = "monitoring.coreos.com"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{group}"},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
    }


@pytest.fixture(scope="module")
def teams(enforcing: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Generator[Kubectl]:
    kubectl = enforcing
    layer = up_layer(tmp_path_factory.mktemp("teams"))
    try:
        result = make("up", "STACK=sandbox", layer, timeout=400)
        assert result.returncode == 0, result.stdout + result.stderr
        yield kubectl
    finally:
        result = make("destroy", "STACK=sandbox", layer, timeout=300)
        assert result.returncode == 0, result.stdout + result.stderr


def config(*, word_count: dict[str, object] | None = None, **more: object) -> dict[str, object]:
    """The config of both teams and both jobs, with further settings of the word count and of the stack."""
    jobs = {"running-totals": TOTALS, "word-count": {**SMALL, **(word_count or {})}}
    # Prometheus itself is not there; who it would be is known by namespace and labels.
    monitoring = {"enabled": False, "monitors": True}
    return {"namespaces": NAMESPACES, "defaultNamespace": TEAM, "jobs": jobs, "prometheus": monitoring, **more}


def up_layer(folder: Path, *, word_count: dict[str, object] | None = None, **more: object) -> str:
    """The option of `make` for that config."""
    return f"LAYER={layered(folder, PAIR, **config(word_count=word_count, **more))}"


def listed(*items: dict[str, Any]) -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode()


def allowed(kubectl: Kubectl, namespace: str, requests: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Which of group, resource and verb the API server's authorizer allows the team's account in a namespace."""
    requests = list(requests)
    reviews = [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": ACCOUNT,
                "groups": GROUPS,
                "resourceAttributes": {
                    "namespace": namespace,
                    "group": group,
                    "resource": resource.partition("/")[0],
                    "subresource": resource.partition("/")[2],
                    "verb": verb,
                },
            },
        }
        for group, resource, verb in requests
    ]
    text = 'jsonpath={.status.allowed}{"\\n"}'
    answers = kubectl.run("create", "-f", "-", "-o", text, stdin=listed(*reviews)).decode().split()
    assert len(answers) == len(requests)
    assert set(answers) <= {"true", "false"}
    return {request for request, answer in zip(requests, answers, strict=True) if answer == "true"}


def every_resource(kubectl: Kubectl) -> list[tuple[str, str]]:
    """Group and resource of all that the cluster serves, with the subresources that give power over pods."""
    messages: list[tuple[str, str]] = []
    for line in kubectl.run("api-resources", "-o", "name").decode().split():
        resource, _, group = line.partition(".")
        messages.append((group, resource))
    messages += [("", f"pods/{sub}") for sub in ("exec", "log", "attach", "portforward", "proxy", "eviction", "status")]
    messages += [("", "serviceaccounts/token"), ("", "services/proxy"), ("", "nodes/proxy")]
    messages += [("apps", f"deployments/{sub}") for sub in ("scale", "status", "finalizers")]
    messages += [("flink.apache.org", f"flinkdeployments/{sub}") for sub in ("status", "finalizers")]
    return messages


class TestRights:
    def test_the_account_has_the_documented_rights_and_no_others(self, teams: Kubectl):
        resources = every_resource(teams)
        assert len(resources) > 60
        requests = [(group, resource, verb) for group, resource in resources for verb in VERBS]
        requests += [("", resource, "impersonate") for resource in ("users", "groups", "serviceaccounts")]
        requests += [("rbac.authorization.k8s.io", "roles", verb) for verb in ("bind", "escalate")]
        matches = {right for right in allowed(teams, TEAM, requests) if right[1] not in ANYBODY}
        assert matches == ALLOWED

    @pytest.mark.parametrize("namespace", [OTHER, "flink-operator", "kube-system", "default"])
    def test_the_account_has_no_rights_in_other_namespaces(self, teams: Kubectl, namespace: str):
        resources = [("", "secrets"), ("", "pods"), ("", "configmaps"), ("", "services"), ("", "pods/exec")]
        resources += [("apps", "deployments"), ("flink.apache.org", "flinkdeployments")]
        assert allowed(teams, namespace, [(*resource, verb) for resource in resources for verb in VERBS]) == set()

    def test_a_team_cannot_read_secrets_of_another(self, teams: Kubectl, tmp_path: Path):
        """With the account's own token alone, as a pod of the team would."""
        teams.run("create", "secret", "generic", "planted", "-n", OTHER, "--from-literal=key=plum-4711")
        try:
            pod = as_pod(teams, tmp_path)
            assert b"word-count" in pod.run("get", "pods", "-n", TEAM, "-o", "name"), "the token is good"
            for where in (("-n", OTHER), ("-n", TEAM), ("-A",)):
                result = pod.try_run("get", "secrets", *where, "-o", "yaml")
                assert result.returncode != 0
                assert b"plum-4711" not in result.stdout
                assert f'User "{ACCOUNT}" cannot list resource "secrets"' in result.stderr.decode()
            result = pod.try_run("get", "secret", "planted", "-n", OTHER, "-o", "yaml")
            assert f'User "{ACCOUNT}" cannot get resource "secrets"' in result.stderr.decode()
        finally:
            teams.run("delete", "secret", "planted", "-n", OTHER)


def as_pod(kubectl: Kubectl, folder: Path) -> Kubectl:
    """kubectl with the token of the team's account and no other credentials."""
    config = json.loads(kubectl.run("config", "view", "--raw", "--minify", "-o", "json"))
    token = kubectl.run("create", "token", "flink", "-n", TEAM).decode().strip()
    [user] = config["users"]
    user["user"] = {"token": token}
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(config))
    return Kubectl(kubectl.program, kubectl.context, path)


def verdicts(kubectl: Kubectl, namespace: str, specs: list[dict[str, Any]]) -> dict[int, str]:
    """The Pod Security violations of each pod according to the API server; empty if it accepts the pod.

    A pod that is refused for another reason (its fields do not go together) is not in it.
    """
    items: list[dict[str, Any]] = []
    for number, spec in enumerate(specs):
        containers = {
            group: [{"image": "x:1", **item} for item in spec[group]]
            for group in ("containers", "initContainers")
            if group in spec
        }
        metadata = {"name": f"pod-{number}", "namespace": namespace}
        items.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**spec, **containers}})
    result = kubectl.try_run("create", "--dry-run=server", "-f", "-", stdin=listed(*items))
    output = {int(number): "" for number in re.findall(r"^pod/pod-(\d+) created", result.stdout.decode(), re.M)}
    pattern = r'pods "pod-(\d+)" is forbidden: violates PodSecurity "[^"]+": (.*)'
    return output | {int(number): why for number, why in re.findall(pattern, result.stderr.decode())}


class TestPodSecurity:
    @pytest.mark.parametrize("level", ["restricted", "baseline", "privileged"])
    def test_pod_security_rules_agree_with_the_api_server(self, kubectl: Kubectl, level: PodSecurityLevel):
        """Asked of a namespace of its own: a dry run takes nothing."""
        name = f"verdicts-{level}"
        metadata = {"name": name, "labels": pod_security_labels(level)}
        kubectl.run("create", "-f", "-", stdin=listed({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
        try:
            until("the default account", lambda: kubectl.get("serviceaccount", "default", "-n", name), 30)
            specs = pods(several=400)
            output = verdicts(kubectl, name, specs)
            assert len(output) > 0.95 * len(specs), "the others say what no API server takes"
            wrong: list[str] = []
            settings = StackSettings.model_validate({"context": "c", "namespaces": {name: {"podSecurity": level}}})
            for number, theirs in output.items():
                spec = {"podTemplate": {"spec": specs[number]}}
                manifest = {"kind": "FlinkDeployment", "metadata": {"name": "j", "namespace": name}, "spec": spec}
                subject = Subject(manifest, "1.16.1", settings=settings)
                pod_security.check(subject)
                ours = [finding for finding in subject.findings if finding.rule == "pod-security"]
                if bool(ours) != bool(theirs):
                    wrong.append(f"{specs[number]}\n  we say: {ours or 'nothing'}\n  they say: {theirs or 'nothing'}")
            assert not wrong, "\n".join(wrong)
            refused = sum(map(bool, output.values()))
            assert (refused == 0) if level == "privileged" else (200 < refused < len(output) - 200)
        finally:
            kubectl.run("delete", "namespace", name, "--wait=false")

    def test_a_namespace_refuses_pods_that_violate_its_profile(self, teams: Kubectl):
        sizes = {"requests": {"cpu": "10m", "memory": "10Mi"}, "limits": {"memory": "10Mi"}}
        plain = {"containers": [{"name": "a", "resources": sizes}]}
        requests = [plain, {**plain, "hostNetwork": True}]
        team, other, operator = (verdicts(teams, name, requests) for name in (TEAM, OTHER, "flink-operator"))
        assert all("allowPrivilegeEscalation != false" in team[number] for number in (0, 1))
        assert (other[0], other[1]) == ("", "host namespaces (hostNetwork=true)")
        assert all("runAsNonRoot != true" in operator[number] for number in (0, 1))

    def test_pods_of_jobs_keep_the_restricted_profile(self, teams: Kubectl):
        """The deployed pods run under the enforced profile, which the label of the namespace sets."""
        actual = teams.get("namespace", TEAM)
        assert actual is not None
        assert actual["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        running = teams.get("pods", "-n", TEAM, "-l", "app=running-totals")
        assert running is not None
        assert {item["metadata"]["labels"]["component"] for item in running["items"]} == {"jobmanager", "taskmanager"}
        for item in running["items"]:
            assert item["spec"]["securityContext"]["runAsUser"] == 9999
            assert item["spec"]["securityContext"]["runAsNonRoot"] is True


class TestJobs:
    """Under all of the above."""

    def test_the_word_count_finishes(self, teams: Kubectl):
        until_finished(teams, "word-count")

    def test_the_streaming_job_takes_checkpoints(self, teams: Kubectl):
        """More and more of them: those triggered before all tasks ran count as failed, and say nothing."""
        totals = RunningTotals(teams, ROOT, list)

        def completed() -> int:
            job = totals.job()
            actual = totals.ask(f"/jobs/{job['jid']}/checkpoints") if job else None
            return actual["counts"]["completed"] if actual else 0

        before = until("a first checkpoint", completed, 60)
        until("three checkpoints more", lambda: completed() >= before + 3, 60)


NATIVE = {"type": "flink-native-kubernetes"}
MONITORED = {"app.kubernetes.io/name": "prometheus"}
REACHES = {
    # The server that listens outside is there for everybody who has no policy.
    ("outsider", "server 8000"): True,
    ("outsider", "server 8001"): True,
    **{("outsider", f"JobManager {port}"): False for port in (8081, 9249, 6123)},
    ("outsider", "TaskManager 9249"): False,
    ("outsider", "operator metrics"): False,
    # A job's pods: each other, names, the API server, and what is declared.
    **{("TaskManager", f"JobManager {port}"): True for port in (8081, 9249, 6123)},
    ("TaskManager", "DNS"): True,
    ("TaskManager", "API server"): True,
    ("TaskManager", "server 8000"): True,
    ("TaskManager", "server 8001"): False,
    ("TaskManager", "operator metrics"): False,
    # Another job of the same team.
    ("word count", "DNS"): True,
    ("word count", "API server"): True,
    ("word count", "JobManager 8081"): False,
    ("word count", "JobManager 6123"): False,
    ("word count", "server 8000"): False,
    # Pods that belong to no job, in the team's namespace and in another team's.
    **{
        (source, target): False
        for source in ("stray pod", "other team")
        for target in (
            "JobManager 8081",
            "JobManager 9249",
            "JobManager 6123",
            "TaskManager 9249",
            "DNS",
            "server 8000",
        )
    },
    ("operator", "JobManager 8081"): True,
    ("operator", "DNS"): True,
    ("operator", "API server"): True,
    ("operator", "JobManager 6123"): False,
    ("operator", "JobManager 9249"): False,
    ("operator", "server 8000"): False,
    ("Prometheus", "JobManager 9249"): True,
    ("Prometheus", "TaskManager 9249"): True,
    ("Prometheus", "operator metrics"): True,
    ("Prometheus", "JobManager 8081"): False,
    ("Prometheus", "JobManager 6123"): False,
    ("Prometheus's neighbour", "JobManager 9249"): False,
    ("Prometheus's neighbour", "operator metrics"): False,
}


@pytest.fixture(scope="module")
def crowd(teams: Kubectl) -> Generator[Kubectl]:
    """Pods around the job: in two namespaces more, in the other team's and in its own."""
    matches = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("outside", "monitoring")
    ]
    pods_ = [
        pod("outside", "outsider"),
        pod("outside", "server", {"app": "server"}, ports=(8000, 8001)),
        pod("monitoring", "prometheus", MONITORED),
        pod("monitoring", "neighbour"),
        pod(OTHER, "other"),
        pod(TEAM, "stray"),
        pod(TEAM, "counts", {"app": "word-count", **NATIVE}),
    ]
    teams.run("apply", "-f", "-", stdin=listed(*matches))
    for name in ("outside", "monitoring"):
        until("the default account", lambda name=name: teams.get("serviceaccount", "default", "-n", name), 30)
    teams.run("apply", "-f", "-", stdin=listed(*pods_))
    yield teams
    teams.run("delete", "-f", "-", "--timeout=60s", stdin=listed(*pods_, *matches))


class TestNetwork:
    def test_pods_reach_what_is_declared_and_nothing_else(self, crowd: Kubectl):
        """Each pair by a socket: what is to pass passes, and what is not does not."""
        totals = {
            component: ["-l", f"app=running-totals,component={component}"]
            for component in ("jobmanager", "taskmanager")
        }
        manager, worker = (address(crowd, TEAM, *selector) for selector in totals.values())
        server = address(crowd, "outside", "server")
        operator = ["-l", "app.kubernetes.io/name=flink-kubernetes-operator"]
        dns = address(crowd, "kube-system", "-l", "k8s-app=kube-dns")
        targets = {
            **{f"JobManager {port}": (manager, port) for port in (8081, 9249, 6123)},
            "TaskManager 9249": (worker, 9249),
            "server 8000": (server, 8000),
            "server 8001": (server, 8001),
            "DNS": (dns, 53),
            "API server": (network.KUBERNETES_IP, 443),
            "operator metrics": (address(crowd, "flink-operator", *operator), 9999),
        }

        def named(namespace: str, selector: list[str]) -> str:
            return crowd.run(
                "get", "pod", *selector, "-n", namespace, "-o", "jsonpath={.items[0].metadata.name}"
            ).decode()

        places = {
            "outsider": Place("outside", "outsider", "c"),
            "TaskManager": Place(TEAM, named(TEAM, totals["taskmanager"]), "flink-main-container"),
            "word count": Place(TEAM, "counts", "c"),
            "stray pod": Place(TEAM, "stray", "c"),
            "other team": Place(OTHER, "other", "c"),
            "operator": Place("flink-operator", named("flink-operator", operator), "flink-kubernetes-operator"),
            "Prometheus": Place("monitoring", "prometheus", "c"),
            "Prometheus's neighbour": Place("monitoring", "neighbour", "c"),
        }
        for namespace, name in (
            ("outside", "outsider"),
            ("monitoring", "prometheus"),
            ("monitoring", "neighbour"),
            (OTHER, "other"),
            (TEAM, "stray"),
            (TEAM, "counts"),
        ):
            address(crowd, namespace, name)
        agree(crowd, places, targets, REACHES)


class TestQuota:
    def test_the_quota_counts_deployments_claims_and_cpu(self, teams: Kubectl):
        def used(resource: str) -> Decimal:
            actual = teams.get("resourcequota", "-n", TEAM) or {"items": []}
            [amount] = [
                item["status"]["used"][resource] for item in actual["items"] if resource in item["status"]["used"]
            ]
            return quantity(amount)

        def requested_cpus() -> list[Decimal]:
            running = teams.get("pods", "-n", TEAM, "--field-selector=status.phase=Running") or {"items": []}
            containers = [container for pod in running["items"] for container in pod["spec"]["containers"]]
            return [quantity(container["resources"]["requests"]["cpu"]) for container in containers]

        assert used("count/flinkdeployments.flink.apache.org") == 2
        assert used("persistentvolumeclaims") == 2  # the state's and the word count's
        assert len(requested_cpus()) >= 2
        # An idle TaskManager stops, and the count follows a moment later.
        until("the CPU of what runs", lambda: used("requests.cpu") == sum(requested_cpus()), 60)

    def test_a_deployment_beyond_the_quota_is_refused(self, teams: Kubectl):
        job = teams.get("flinkdeployment", "word-count", "-n", TEAM)
        assert job is not None
        more = {**{key: job[key] for key in ("apiVersion", "kind", "spec")}, "metadata": {"name": "one-more"}}
        result = teams.try_run("create", "--dry-run=server", "-n", TEAM, "-f", "-", stdin=json.dumps(more).encode())
        assert b"exceeded quota: flink-quota" in result.stderr

    def test_a_container_beyond_the_limit_is_refused(self, teams: Kubectl):
        sizes = {"requests": {"cpu": "10m", "memory": "4Gi"}, "limits": {"memory": "4Gi"}}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "large", "namespace": TEAM}}
        spec = {"containers": [{"name": "a", "image": "x:1", "resources": sizes}]}
        result = teams.try_run("create", "--dry-run=server", "-f", "-", stdin=listed({**pod, "spec": spec}))
        assert b"maximum memory usage per Container is 3Gi, but limit is 4Gi" in result.stderr

    def test_up_refuses_a_job_beyond_the_quota_before_it_changes_anything(self, teams: Kubectl, tmp_path: Path):
        before = teams.get("flinkdeployment", "word-count", "-n", TEAM)
        result = make("up", "STACK=sandbox", up_layer(tmp_path, word_count={"parallelism": 20}), timeout=60)
        assert result.returncode != 0
        assert (
            "requests 2.2 CPU (1 JobManager with 0.2, 10 TaskManagers with 0.2), exceeding the quota of 2"
        ) in result.stdout + result.stderr
        assert teams.get("flinkdeployment", "word-count", "-n", TEAM) == before

    # The streaming job holds 400m: what is left is too little for a JobManager, or for its TaskManager.
    @pytest.mark.full
    @pytest.mark.parametrize(
        ("cpu", "who", "patience"), [(500, "word-count-", "90s"), (700, "word-count-taskmanager", "180s")]
    )
    def test_up_fails_with_the_quota_of_others_that_a_job_exceeds(
        self, teams: Kubectl, tmp_path: Path, cpu: int, who: str, patience: str
    ):
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "somebody-elses", "namespace": TEAM},
            "spec": {"hard": {"requests.cpu": f"{cpu}m"}},
        }
        teams.run("apply", "-f", "-", stdin=json.dumps(quota).encode())
        try:
            layer = up_layer(tmp_path, word_count={"restartNonce": cpu}, jobTimeout=patience)
            result = make("up", "STACK=sandbox", layer, timeout=400)
            output = result.stdout + result.stderr
            assert result.returncode != 0
            assert "exceeded quota: somebody-elses" in output, output
            assert f'pods "{who}' in output
        finally:
            teams.run("delete", "resourcequota", "somebody-elses", "-n", TEAM)


@pytest.mark.full
def test_a_namespace_is_added_with_its_first_job_and_removed_again(teams: Kubectl, engine: Project):
    files = {path.name: path.read_text() for path in (ROOT / "jobs").glob("*.yaml")}
    project = engine.copy(files)
    added, job = {"namespaces": {**NAMESPACES, "added": {}}}, "first"
    job_file = files["running_totals.yaml"].replace("name: running-totals", f"name: {job}\n  namespace: added")
    settings = {**SMALL, "enabled": True, "upgradeMode": "stateless", "parameters": {"output": "/tmp/first"}}
    jobs = {"running-totals": TOTALS, "word-count": SMALL, job: settings}

    def try_up(**more: Any) -> Done:
        return project.make("up", PAIRS[PAIR].read_text(), f"ALLOW=added/{job}", **config(**more))

    def up(**more: Any) -> None:
        done = try_up(**more)
        assert done.code == 0, done.output

    def running_totals() -> list[object]:
        metadata = (teams.get("flinkdeployment", "running-totals", "-n", TEAM) or {})["metadata"]
        return [metadata["uid"], metadata["generation"], sorted(RunningTotals(teams, ROOT, list).pods("taskmanager"))]

    before = running_totals()
    with step("the job runs when the up that adds the namespace ends"):
        project.write("first.yaml", job_file)
        up(**added, jobs=jobs)
        first = teams.get("flinkdeployment", job, "-n", "added") or {}
        assert first["status"]["jobStatus"]["state"] == "RUNNING"
        assert running_totals() == before

    with step("the namespace is not removed together with its job, which the operator could not delete"):
        project.remove("first.yaml")
        done = try_up()
        assert done.code != 0
        assert f"could not be deleted: FlinkDeployment added/{job}; keep added in namespaces" in done.output
        assert "deletionTimestamp" not in (teams.get("flinkdeployment", job, "-n", "added") or {})["metadata"]

    with step("the job is removed, then the namespace"):
        up(**added)
        assert teams.get("flinkdeployment", job, "-n", "added") is None
        up()
        assert teams.get("namespace", "added") is None
        assert running_totals() == before
