"""What a killed run has left: pending Helm releases, and pending operations in the state.

Helm refuses a pending release. The engine only warns of pending operations, and creates again what is there already.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from flink_k8s.operations import run_folder
from flink_k8s.operations.stack import Stack
from flink_k8s.program.engine_state import resource, resources
from flink_k8s.program.recording import Resource
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import find_tool
from flink_k8s.support.processes import output

State = Mapping[str, Any]

_PENDING: Final = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")
_MANAGER: Final = "pulumi-kubernetes"
"""Beginning of the provider's field managers: each object has one of its own."""


@dataclass(frozen=True)
class PendingRelease:
    """A Helm release whose newest revision is not finished.

    Attributes:
        name, namespace: of the release.
        status: of the newest revision, as Helm has it.
        good: the newest revision that was deployed; None if none was.
    """

    name: str
    namespace: str
    status: str
    good: int | None

    @property
    def remedy(self) -> list[str]:
        """Arguments of helm: back to the last deployed revision; without one, uninstall."""
        if self.good is None or self.status == "uninstalling":
            return ["uninstall", self.name, "--namespace", self.namespace, "--wait"]
        return ["rollback", self.name, str(self.good), "--namespace", self.namespace]


def pending_operations(state: State) -> list[Mapping[str, Any]]:
    """The operations that the engine had begun when it was killed."""
    deployment = cast(Mapping[str, Any], state.get("deployment") or {})
    return cast("list[Mapping[str, Any]]", deployment.get("pending_operations") or [])


def pending_releases(kubectl: Kubectl, state: State) -> list[PendingRelease]:
    """The stack's own releases that a run has left pending.

    Raises:
        CommandError: if the cluster does not answer.
    """
    known = [resource(one) for one in (*resources(state), *(one["resource"] for one in pending_operations(state)))]
    releases = {(one.namespace, one.object_name) for one in known if one.is_release}
    found: list[PendingRelease] = []
    for namespace in sorted({namespace for namespace, _ in releases}):
        names = ",".join(sorted(name for place, name in releases if place == namespace))
        pending = _labels(kubectl, namespace, f"owner=helm,name in ({names}),status in ({','.join(_PENDING)})")
        for name in sorted({labels["name"] for labels in pending}):
            revisions = sorted(
                _labels(kubectl, namespace, f"owner=helm,name={name}"), key=lambda labels: int(labels["version"])
            )
            status = revisions[-1]["status"] if revisions else ""
            if status in _PENDING:
                good = [int(one["version"]) for one in revisions if one["status"] in ("deployed", "superseded")]
                found.append(PendingRelease(name, namespace, status, good[-1] if good else None))
    return found


def _labels(kubectl: Kubectl, namespace: str, selector: str) -> list[dict[str, str]]:
    items = kubectl.items("secrets", "-n", namespace, "-l", selector)
    return [cast("dict[str, str]", item["metadata"]["labels"]) for item in items]


def refuse(releases: Sequence[PendingRelease]) -> None:
    """Refuse a stack with pending releases where another run may be at work on them.

    Raises:
        CommandError: with the command that recovers the first one.
    """
    for release in releases:
        raise CommandError(
            f"the Helm release {release.namespace}/{release.name} is {release.status}: another run is at work on it, "
            f"or was killed. If no run is at work: helm {' '.join(release.remedy)}"
        )


def recover(kubectl: Kubectl, releases: Sequence[PendingRelease]) -> None:
    """Bring pending releases into a state from which Helm goes on. No other run may be at work on them.

    Raises:
        CommandError: if Helm cannot.
    """
    where = ["--kube-context", kubectl.context]
    where += [] if kubectl.kubeconfig is None else ["--kubeconfig", str(kubectl.kubeconfig)]
    for release in releases:
        name = f"{release.namespace}/{release.name}"
        say(f"-- the Helm release {name} is {release.status} since a run was killed: helm {release.remedy[0]}")
        try:
            helm = find_tool("helm")
        except CommandError as error:
            raise CommandError(f"{error}; then: helm {' '.join(release.remedy)}") from None
        output(f"helm {' '.join(release.remedy)}", [helm, *release.remedy, *where])


def settled(kubectl: Kubectl, state: State) -> tuple[State, list[str]]:
    """The state without pending operations, and the URNs that it has more.

    What was being created and is there becomes one of the stack's resources: created again, it would be there already.
    Everything else is as the state has it, so the next operation finishes it.

    Args:
        kubectl: of the stack.
        state: as it is exported.

    Raises:
        CommandError: if the cluster does not answer.
    """
    deployment = cast(Mapping[str, Any], state["deployment"])
    known = {str(one["urn"]) for one in resources(state)}
    adopted: list[Mapping[str, Any]] = []
    for operation in pending_operations(state):
        created = cast(Mapping[str, Any], operation["resource"])
        if operation["type"] != "creating" or str(created["urn"]) in known:
            continue
        mark = _mark(kubectl, created)
        if mark is not None:
            adopted.append(_as_created(created, mark))
    changed: dict[str, Any] = {**deployment, "resources": [*resources(state), *adopted], "pending_operations": []}
    return {**state, "deployment": changed}, [str(one["urn"]) for one in adopted]


def _mark(kubectl: Kubectl, created: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the provider's own state says of an object or release that it has created; None if it has not."""
    one = resource(created)
    if one.is_release:
        selector = f"owner=helm,name={one.object_name},status=deployed"
        return {} if _labels(kubectl, one.namespace, selector) else None
    if not one.is_object:
        return None
    where = ["-n", one.namespace] if one.namespace else []
    found = kubectl.get(_kind(one), one.object_name, *where, "--show-managed-fields")
    fields = cast("Collection[Mapping[str, Any]]", (found or {}).get("metadata", {}).get("managedFields") or ())
    managers = [str(field.get("manager")) for field in fields]
    ours = [manager for manager in managers if manager.startswith(_MANAGER)]
    return {"__fieldManager": ours[0]} if ours else None


def _kind(one: Resource) -> str:
    """`kind.version.group`, or the kind alone for the core group: kubectl takes these without a guess."""
    group, _, version = str(one.inputs.get("apiVersion", "")).rpartition("/")
    return f"{one.kind.lower()}.{version}.{group}" if group else one.kind.lower()


def _as_created(created: Mapping[str, Any], mark: Mapping[str, Any]) -> Mapping[str, Any]:
    """The resource as the state would have it; its other outputs are read from the cluster afterwards."""
    one = resource(created)
    inputs = cast(Mapping[str, Any], created.get("inputs") or {})
    identity = f"{one.namespace}/{one.object_name}" if one.namespace else one.object_name
    # Of a release without outputs the provider reads all from Helm; with some, it misses its own.
    return {**created, "id": identity, "outputs": {} if one.is_release else {**inputs, **mark}}


def write(pulumi: Path, stack: Stack, env: Mapping[str, str], state: State) -> None:
    """Replace the stack's state in the backend.

    Raises:
        CommandError: if the backend refuses.
    """
    with tempfile.NamedTemporaryFile("w", prefix="state-", suffix=".json", dir=run_folder.run_folder()) as file:
        json.dump(state, file)
        file.flush()
        command = [pulumi, "stack", "import", "--non-interactive", "--cwd", run_folder.home(), "--stack", stack.name]
        output(f"pulumi stack import {stack.name}", [*command, "--file", file.name], env=env)
