"""Recovery after a killed run: pending Helm releases, and pending operations in the state.

Helm refuses to change a pending release. The engine only warns about pending operations, and then tries to create
objects that already exist.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from flink_k8s.operations import run_folder
from flink_k8s.operations.exported_state import stack_command
from flink_k8s.operations.stack import Stack
from flink_k8s.program.engine_state import resource, resources
from flink_k8s.program.resource_graph import Resource
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import find_tool
from flink_k8s.support.processes import output

State = Mapping[str, Any]

_PENDING: Final = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")
_MANAGER: Final = "pulumi-kubernetes"
"""Prefix of the provider's field managers: each object has its own."""


@dataclass(frozen=True)
class PendingRelease:
    """A Helm release whose newest revision is not finished.

    Attributes:
        name, namespace: of the release.
        status: of the newest revision, as Helm records it.
        deployed: the newest revision that was deployed; None if there is none.
    """

    name: str
    namespace: str
    status: str
    deployed: int | None

    @property
    def remedy(self) -> list[str]:
        """Arguments of helm: roll back to the last deployed revision; if there is none, uninstall."""
        if self.deployed is None or self.status == "uninstalling":
            return ["uninstall", self.name, "--namespace", self.namespace, "--wait"]
        return ["rollback", self.name, str(self.deployed), "--namespace", self.namespace]


def pending_operations(state: State) -> list[Mapping[str, Any]]:
    """The operations that the engine had started when it was killed."""
    deployment = cast(Mapping[str, Any], state.get("deployment") or {})
    return cast("list[Mapping[str, Any]]", deployment.get("pending_operations") or [])


def pending_releases(kubectl: Kubectl, state: State) -> list[PendingRelease]:
    """The stack's releases that a run has left pending.

    Raises:
        CommandError: if the cluster does not answer.
    """
    pending = (operation["resource"] for operation in pending_operations(state))
    known = [resource(item) for item in (*resources(state), *pending)]
    releases = {(item.namespace, item.object_name) for item in known if item.is_release}
    pending_releases_: list[PendingRelease] = []
    for namespace in sorted({namespace for namespace, _ in releases}):
        names = ",".join(sorted(name for release_namespace, name in releases if release_namespace == namespace))
        unfinished = _labels(kubectl, namespace, f"owner=helm,name in ({names}),status in ({','.join(_PENDING)})")
        for name in sorted({labels["name"] for labels in unfinished}):
            revisions = sorted(
                _labels(kubectl, namespace, f"owner=helm,name={name}"), key=lambda labels: int(labels["version"])
            )
            status = revisions[-1]["status"] if revisions else ""
            if status in _PENDING:
                deployed = [int(item["version"]) for item in revisions if item["status"] in ("deployed", "superseded")]
                pending_releases_.append(PendingRelease(name, namespace, status, deployed[-1] if deployed else None))
    return pending_releases_


def _labels(kubectl: Kubectl, namespace: str, selector: str) -> list[dict[str, str]]:
    items = kubectl.items("secrets", "-n", namespace, "-l", selector)
    return [cast("dict[str, str]", item["metadata"]["labels"]) for item in items]


def refuse(releases: Sequence[PendingRelease]) -> None:
    """Refuse a stack with pending releases if another run may still be changing them.

    Raises:
        CommandError: with the command that recovers the first one.
    """
    for release in releases:
        raise CommandError(
            f"the Helm release {release.namespace}/{release.name} is {release.status}: another run is changing it, "
            f"or a run was killed. If no run is active: helm {' '.join(release.remedy)}"
        )


def recover(kubectl: Kubectl, releases: Sequence[PendingRelease]) -> None:
    """Roll back or uninstall pending releases, so that Helm can change them again. No other run may be active.

    Raises:
        CommandError: if Helm cannot.
    """
    options = ["--kube-context", kubectl.context]
    options += [] if kubectl.kubeconfig is None else ["--kubeconfig", str(kubectl.kubeconfig)]
    for release in releases:
        name = f"{release.namespace}/{release.name}"
        say(f"-- the Helm release {name} is {release.status} after a killed run: helm {release.remedy[0]}")
        try:
            helm = find_tool("helm")
        except CommandError as error:
            raise CommandError(f"{error}; then run: helm {' '.join(release.remedy)}") from None
        output(f"helm {' '.join(release.remedy)}", [helm, *release.remedy, *options])


def resolve_pending(kubectl: Kubectl, state: State) -> tuple[State, list[str]]:
    """The state without pending operations, and the URNs of the resources that were added to it.

    An object that was being created and exists is added to the state: creating it again would fail.
    All other resources are unchanged in the state, so the next operation finishes them.

    Args:
        kubectl: for the stack's cluster.
        state: the exported state.

    Raises:
        CommandError: if the cluster does not answer.
    """
    deployment = cast(Mapping[str, Any], state["deployment"])
    known = {str(item["urn"]) for item in resources(state)}
    adopted: list[Mapping[str, Any]] = []
    for operation in pending_operations(state):
        created = cast(Mapping[str, Any], operation["resource"])
        if operation["type"] != "creating" or str(created["urn"]) in known:
            continue
        provider_state = _provider_state(kubectl, created)
        if provider_state is not None:
            adopted.append(_as_created(created, provider_state))
    changed: dict[str, Any] = {**deployment, "resources": [*resources(state), *adopted], "pending_operations": []}
    return {**state, "deployment": changed}, [str(item["urn"]) for item in adopted]


def _provider_state(kubectl: Kubectl, created: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The provider's own outputs of an object or release that it has created; None if it has not."""
    item = resource(created)
    if item.is_release:
        selector = f"owner=helm,name={item.object_name},status=deployed"
        return {} if _labels(kubectl, item.namespace, selector) else None
    if not item.is_object:
        return None
    options = ["-n", item.namespace] if item.namespace else []
    live = kubectl.get(_kind(item), item.object_name, *options, "--show-managed-fields")
    fields = cast("Collection[Mapping[str, Any]]", (live or {}).get("metadata", {}).get("managedFields") or ())
    managers = [str(field.get("manager")) for field in fields]
    ours = [manager for manager in managers if manager.startswith(_MANAGER)]
    return {"__fieldManager": ours[0]} if ours else None


def _kind(item: Resource) -> str:
    """`kind.version.group`, or the kind alone for the core group: both are unambiguous for kubectl."""
    group, _, version = str(item.inputs.get("apiVersion", "")).rpartition("/")
    return f"{item.kind.lower()}.{version}.{group}" if group else item.kind.lower()


def _as_created(created: Mapping[str, Any], provider_state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The resource's entry in the state; its other outputs are read from the cluster afterwards."""
    item = resource(created)
    inputs = cast(Mapping[str, Any], created.get("inputs") or {})
    identity = f"{item.namespace}/{item.object_name}" if item.namespace else item.object_name
    # The provider reads all outputs of a release from Helm only if the state has none.
    return {**created, "id": identity, "outputs": {} if item.is_release else {**inputs, **provider_state}}


def write(pulumi: Path, stack: Stack, env: Mapping[str, str], state: State) -> None:
    """Replace the stack's state in the backend.

    Raises:
        CommandError: if the backend reports an error.
    """
    with tempfile.NamedTemporaryFile("w", prefix="state-", suffix=".json", dir=run_folder.run_folder()) as file:
        json.dump(state, file)
        file.flush()
        command = stack_command(pulumi, "import", stack.name, "--file", file.name)
        output(f"pulumi stack import {stack.name}", command, env=env)
