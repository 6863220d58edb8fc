"""A stack that version 0.1 deployed is taken over: every resource is found again, by its URN or by an alias."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from flink_k8s.config import stack_file
from flink_k8s.program.resource_graph import Resource, ResourceGraph
from flink_k8s.program.run import run_program
from tests.program.conftest import ROOT

DATA = ROOT / "tests" / "data" / "upgrade"
FORMER: dict[str, list[str]] = json.loads((DATA / "urns.json").read_text())
"""Stack to the URNs of its resources in version 0.1."""

PROJECTS = {"platform": ROOT / "examples/teams", "team-a": ROOT / "examples/teams", "team-b": ROOT / "examples/teams"}


def declared(stack: str, folder: Path) -> ResourceGraph:
    """The stack as the program of today declares it."""
    shutil.copy2(ROOT / "__main__.py", folder)
    project = PROJECTS.get(stack, DATA if stack == "rich" else None)
    if project is None:
        return run_program(ROOT, stack, stack_file.read(ROOT, stack), preview=True)
    shutil.copytree(project, folder, dirs_exist_ok=True)
    return run_program(folder, stack, stack_file.read(folder, stack), preview=True)


def urns(graph: ResourceGraph, resource: Resource) -> Iterator[str]:
    """The URNs under which the engine looks for a resource in the state: its own, and those of its aliases."""
    yield resource.urn
    start, _, _ = resource.urn.partition("::")
    project = resource.urn.split("::")[1]
    for alias in resource.aliases:
        if alias.get("noParent"):
            yield f"{start}::{project}::{resource.type}::{resource.name}"
        elif "parent" in alias:
            yield _under(str(alias["parent"]), resource)
        else:
            assert {*alias} == {"type"}, "the SDK's own, for API versions of former years"
    parent = graph.by_urn.get(resource.parent)
    if parent is not None:  # the engine also tries the aliases of the parent
        yield from (_under(urn, resource) for urn in urns(graph, parent))


def _under(parent: str, resource: Resource) -> str:
    start, project, types, _ = parent.split("::", 3)
    return f"{start}::{project}::{types}${resource.type}::{resource.name}"


@pytest.mark.parametrize("stack", sorted(FORMER))
def test_every_resource_of_the_former_version_is_found_once(stack: str, tmp_path: Path):
    graph = declared(stack, tmp_path)
    resources = Counter(urn for resource in graph.resources for urn in {*urns(graph, resource)} & {*FORMER[stack]})
    assert resources == Counter(FORMER[stack])


@pytest.mark.parametrize("stack", sorted(FORMER))
def test_upgrade_adds_only_components_and_the_monitor_of_cert_manager(stack: str, tmp_path: Path):
    graph = declared(stack, tmp_path)
    new = [resource for resource in graph.resources if not {*urns(graph, resource)} & {*FORMER[stack]}]
    objects = [item.title for item in new if item.is_object]
    assert objects in ([], ["PodMonitor cert-manager/cert-manager"])
    assert {item.kind for item in new if not item.is_object} <= {
        "AlertRules",
        "DefaultDeny",
        "FlinkJob",
        "FlinkPodMonitor",
        "FlinkQuota",
        "JobObjects",
        "Monitoring",
    }


def test_the_former_stacks_have_every_kind():
    kinds = {urn.split("::")[2].rpartition(":")[2] for urn in FORMER["rich"]}
    assert kinds >= {
        *("FlinkDeployment", "FlinkSessionJob", "FlinkStateSnapshot", "NetworkPolicy", "Certificate", "Issuer"),
        *("ResourceQuota", "LimitRange", "ExternalSecret", "PersistentVolumeClaim", "ConfigMap", "PodMonitor"),
        *("PrometheusRule", "Release", "Secret", "ServiceAccount", "Role", "RoleBinding", "Namespace"),
    }
