"""Objects that a team's job files may contain."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import PREFIX, read_config


def findings(
    root: Path, api: str, kind: str, *, stack: str = "team", team_kinds: list[str] | None = None
) -> list[tuple[str, str]]:
    """Rules and messages about an object of the kind in a job file, which has no other fields than its name."""
    (root / "jobs").mkdir(exist_ok=True)
    platform = {"context": "c", "namespaces": {"a": {}}, "teamKinds": team_kinds or [], "jobFolders": []}
    if stack == "platform":
        platform["jobFolders"] = ["jobs"]
    for name, config in (("platform", platform), ("team", {"platform": "platform"})):
        keys = {f"{PREFIX}{key}": value for key, value in config.items()}
        (root / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": keys}))
    manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": "mine"}}
    (root / "jobs" / "a.yaml").write_text(yaml.safe_dump(manifest))
    try:
        load(root, read_config(root, stack))
    except ProblemsError as error:
        return [(problem.rule, problem.message) for problem in error.problems if problem.rule != "wrong-type"]
    return []


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("v1", "PersistentVolume"),
        ("v1", "Node"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        ("node.k8s.io/v1", "RuntimeClass"),
        ("cert-manager.io/v1", "ClusterIssuer"),
        ("external-secrets.io/v1", "ClusterSecretStore"),
        ("cilium.io/v2", "CiliumNetworkPolicy"),
        ("cilium.io/v2", "CiliumClusterwideNetworkPolicy"),
        ("projectcalico.org/v3", "GlobalNetworkPolicy"),
        ("projectcalico.org/v3", "NetworkPolicy"),
        ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"),
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema"),
        ("security.openshift.io/v1", "SecurityContextConstraints"),
        ("v1", "LimitRange"),
        ("rbac.authorization.k8s.io/v1beta1", "Role"),
    ],
)
def test_objects_of_the_platform_are_refused(tmp_path: Path, api: str, kind: str) -> None:
    found = findings(tmp_path, api, kind, team_kinds=[f"{kind}.{api.partition('/')[0]}"])
    [message] = [message for rule, message in found if rule == "platform-config"]
    assert f"is {kind}, which belongs to the platform" in message
    assert "platform-config" not in [rule for rule, _ in findings(tmp_path, api, kind, stack="platform")]


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("coordination.k8s.io/v1", "Lease"),
        ("kafka.strimzi.io/v1beta2", "KafkaTopic"),
        ("discovery.k8s.io/v1", "EndpointSlice"),
        ("v1", "Endpoints"),
        ("example.org/v1", "Deployment"),
    ],
)
def test_other_kinds_require_team_kinds(tmp_path: Path, api: str, kind: str) -> None:
    group = api.rpartition("/")[0]
    name = f"{kind}.{group}" if group else kind
    [(rule, message)] = findings(tmp_path, api, kind)
    assert rule == "platform-config"
    assert message.startswith(f"is {name}, which teams cannot create; set teamKinds: [{name}] in the stack platform")
    assert findings(tmp_path, api, kind, team_kinds=[name]) == []


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("v1", "ConfigMap"),
        ("v1", "Service"),
        ("v1", "PersistentVolumeClaim"),
        ("apps/v1", "Deployment"),
        ("batch/v1", "CronJob"),
        ("networking.k8s.io/v1", "Ingress"),
        ("cert-manager.io/v1", "Certificate"),
        ("external-secrets.io/v1", "ExternalSecret"),
        ("monitoring.coreos.com/v1", "PodMonitor"),
        ("policy/v1", "PodDisruptionBudget"),
    ],
)
def test_namespaced_workloads_are_accepted(tmp_path: Path, api: str, kind: str) -> None:
    assert findings(tmp_path, api, kind) == []


def test_platform_cannot_allow_its_own_kinds(tmp_path: Path) -> None:
    findings(tmp_path, "v1", "ConfigMap", team_kinds=["PersistentVolume", "KafkaTopic.kafka.strimzi.io"])
    with pytest.raises(ProblemsError) as raised:
        load(tmp_path, read_config(tmp_path, "platform"))
    assert [(problem.rule, problem.path) for problem in raised.value.problems] == [("platform-config", "teamKinds[0]")]


def test_team_kinds_belong_to_the_platform(tmp_path: Path) -> None:
    findings(tmp_path, "v1", "ConfigMap")
    keys = {f"{PREFIX}platform": "platform", f"{PREFIX}teamKinds": ["Lease.coordination.k8s.io"]}
    (tmp_path / "Pulumi.team.yaml").write_text(yaml.safe_dump({"config": keys}))
    with pytest.raises(ProblemsError, match="teamKinds: belongs to the platform"):
        load(tmp_path, read_config(tmp_path, "team"))
