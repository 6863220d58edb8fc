"""The pending releases and operations of a killed run are recovered before the next operation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.operations import interrupted
from flink_k8s.operations.interrupted import PendingRelease, pending_releases, resolve_pending
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl

JOB_URN = "urn:pulumi:dev::flink-k8s::kubernetes:flink.apache.org/v1beta1:FlinkDeployment::flink/orders"
RELEASE_URN = "urn:pulumi:dev::flink-k8s::kubernetes:helm.sh/v3:Release::operator"


class Cluster:
    """A fake kubectl: Helm's Secrets by their labels, and objects."""

    context = "flink-k8s-sandbox"
    kubeconfig = Path("/kubeconfig")

    def __init__(self, *secrets: dict[str, str], objects: dict[tuple[str, str], dict[str, Any]] | None = None) -> None:
        self._secrets = secrets
        self._objects = objects or {}

    def get(self, kind: str, *arguments: str) -> dict[str, Any] | None:
        return self._objects.get((kind, arguments[0]))

    def items(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        assert kind == "secrets"
        release = [labels for labels in self._secrets if _matches(arguments[-1], labels)]
        return [{"metadata": {"labels": labels}} for labels in release]


def _matches(selector: str, labels: dict[str, str]) -> bool:
    if "status in" in selector and labels["status"] not in selector.partition("status in (")[2]:
        return False
    if "status=" in selector and f"status={labels['status']}" not in selector:
        return False
    return labels["name"] in selector


def revision(version: int, status: str, name: str = "operator") -> dict[str, str]:
    return {"name": name, "owner": "helm", "version": str(version), "status": status}


def release(urn: str = RELEASE_URN) -> dict[str, Any]:
    inputs = {"name": "operator", "namespace": "flink-operator", "chart": "c"}
    return {"urn": urn, "type": "kubernetes:helm.sh/v3:Release", "custom": True, "inputs": inputs}


def job() -> dict[str, Any]:
    inputs = {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": "orders", "namespace": "flink"},
    }
    kind = "kubernetes:flink.apache.org/v1beta1:FlinkDeployment"
    return {"urn": JOB_URN, "type": kind, "custom": True, "inputs": inputs}


def state(*resources: dict[str, Any], pending: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": list(resources), "pending_operations": pending or []}}


def created_by(manager: str) -> dict[tuple[str, str], dict[str, Any]]:
    release = {"metadata": {"managedFields": [{"manager": manager}, {"manager": "flink-operator"}]}}
    return {("flinkdeployment.v1beta1.flink.apache.org", "orders"): release}


@pytest.mark.parametrize(
    ("revisions", "command"),
    [
        ([revision(1, "pending-install")], "uninstall operator --namespace flink-operator --wait"),
        ([revision(1, "uninstalling")], "uninstall operator --namespace flink-operator --wait"),
        (
            [revision(1, "superseded"), revision(2, "deployed"), revision(3, "pending-upgrade")],
            "rollback operator 2 --namespace flink-operator",
        ),
        (
            [revision(9, "superseded"), revision(10, "failed"), revision(11, "pending-rollback")],
            "rollback operator 9 --namespace flink-operator",
        ),
        (
            [revision(1, "failed"), revision(2, "pending-upgrade")],
            "uninstall operator --namespace flink-operator --wait",
        ),
    ],
    ids=["install", "uninstall", "upgrade", "rollback", "never deployed"],
)
def test_a_pending_release_is_rolled_back_or_uninstalled(revisions: list[dict[str, str]], command: str):
    """Case bugs-22."""
    for known in (state(release()), state(pending=[{"type": "creating", "resource": release()}])):
        [pending] = pending_releases(Cluster(*revisions), known)  # pyright: ignore
        assert " ".join(pending.remedy) == command


def test_only_the_newest_revision_of_the_stacks_own_releases_counts():
    went_on = [revision(1, "pending-upgrade"), revision(2, "deployed")]
    assert pending_releases(Cluster(*went_on), state(release())) == []  # pyright: ignore
    foreign = [revision(1, "pending-install", "someone-else")]
    assert pending_releases(Cluster(*foreign), state(release())) == []  # pyright: ignore
    assert pending_releases(Cluster(revision(1, "pending-install")), state(job())) == []  # pyright: ignore


def test_helm_recovers_a_release_in_the_stacks_own_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    called = tmp_path / "called"
    helm = tmp_path / "helm"
    helm.write_text(f'#!/bin/sh\necho "$*" > {called}\n')
    helm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    pending = [PendingRelease("operator", "flink-operator", "pending-upgrade", 2)]
    interrupted.recover(Kubectl("kubectl", "kind-flink", Path("/kubeconfig")), pending)
    assert called.read_text().split() == [
        *("rollback", "operator", "2", "--namespace", "flink-operator"),
        *("--kube-context", "kind-flink", "--kubeconfig", "/kubeconfig"),
    ]
    helm.write_text("#!/bin/sh\necho no such release >&2\nexit 1\n")
    with pytest.raises(CommandError, match="helm rollback operator 2 --namespace flink-operator: no such release"):
        interrupted.recover(Kubectl("kubectl", "kind-flink", None), pending)


def test_a_pending_release_is_refused_with_its_remedy_if_another_run_may_be_active():
    interrupted.refuse([])
    with pytest.raises(CommandError, match=r"pending-install: another run is changing it.*helm uninstall operator"):
        interrupted.refuse([PendingRelease("operator", "flink-operator", "pending-install", None)])


def test_an_object_that_the_killed_run_created_is_added_to_the_state():
    before = state(release(), pending=[{"type": "creating", "resource": job()}])
    after, adopted = resolve_pending(Cluster(objects=created_by("pulumi-kubernetes-1a2b")), before)  # pyright: ignore
    assert adopted == [JOB_URN]
    assert after["deployment"]["pending_operations"] == []
    [_, added] = after["deployment"]["resources"]
    assert added["id"] == "flink/orders"
    assert added["outputs"]["__fieldManager"] == "pulumi-kubernetes-1a2b"
    assert json.dumps(before) == json.dumps(state(release(), pending=[{"type": "creating", "resource": job()}]))


@pytest.mark.parametrize("objects", [{}, created_by("kubectl")], ids=["absent", "by hand"])
def test_an_object_that_the_killed_run_did_not_create_is_not_added_to_the_state(
    objects: dict[tuple[str, str], dict[str, Any]],
):
    before = state(pending=[{"type": "creating", "resource": job()}])
    after, adopted = resolve_pending(Cluster(objects=objects), before)  # pyright: ignore
    assert adopted == []
    assert after["deployment"] == {"resources": [], "pending_operations": []}


@pytest.mark.parametrize("kind", ["updating", "deleting"])
def test_resources_in_the_state_are_unchanged(kind: str):
    before = state(job(), pending=[{"type": kind, "resource": job()}])
    after, adopted = resolve_pending(Cluster(objects=created_by("pulumi-kubernetes-1a2b")), before)  # pyright: ignore
    assert adopted == []
    assert after["deployment"] == {"resources": [job()], "pending_operations": []}


def test_a_release_that_the_killed_run_deployed_is_added_to_the_state():
    before = state(pending=[{"type": "creating", "resource": release()}])
    after, adopted = resolve_pending(Cluster(revision(1, "deployed")), before)  # pyright: ignore
    assert adopted == [RELEASE_URN]
    [added] = after["deployment"]["resources"]
    assert added["id"] == "flink-operator/operator"
    assert added["outputs"] == {}
    after, adopted = resolve_pending(Cluster(revision(1, "pending-install")), before)  # pyright: ignore
    assert adopted == []
