"""Renders every object of a stack to a YAML file."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from flink_k8s.config.restore_request import unresolved_request
from flink_k8s.program import gitops
from flink_k8s.program.dependencies import Edges, depths_of, reachable
from flink_k8s.program.gitops import ChartPlace, Flavour
from flink_k8s.program.manifest import Manifest, in_order, manifest, name_of
from flink_k8s.program.resource_graph import Resource, ResourceGraph, by_name
from flink_k8s.program.template_chart import templated_objects
from flink_k8s.support import output_folder
from flink_k8s.support.block_yaml import dump
from flink_k8s.support.errors import CommandError
from flink_k8s.support.output_file import writing


@dataclass(frozen=True)
class Document:
    """One manifest and its depth in the graph."""

    depth: int
    manifest: Manifest


def documents(
    graph: ResourceGraph, flavour: Flavour = "flux", *, template_charts: Path | None = None, ordered: bool = False
) -> tuple[list[Document], list[str]]:
    """The manifests of a stack, and notes for the reader.

    The depth of a manifest depends only on its own chain of dependencies. A HelmRepository follows its namespace and
    precedes its release, as if the program had registered it.

    Args:
        graph: the stack.
        flavour: the GitOps tool, which determines the object of a Helm release.
        template_charts: the project's folder, to render releases to the objects of their charts; the release of an
            unreachable chart remains one object, with a note.
        ordered: whether the manifests of each depth are applied only when those of the previous depth are ready.

    Raises:
        CommandError: if a manifest is unknown before another resource is deployed, or without the cluster.
    """
    _refuse_unresolved(graph)
    notes: list[str] = []
    content: dict[str, list[Manifest]] = {}
    edges = dict(graph.edges)
    all_dependencies = reachable(edges)
    for resource in map(Resource.as_written, by_name(graph.objects)):
        if not resource.is_release:
            content[resource.urn] = _object(resource, notes)
            continue
        objects = _templated(template_charts, resource, notes) if template_charts else None
        if objects is not None:
            content[resource.urn] = [gitops.replaceable_hook(item) if flavour == "flux" else item for item in objects]
        elif flavour == "argocd":
            content[resource.urn] = [gitops.argocd_application(resource, notes)]
        else:
            dependencies = by_name(graph.by_urn[urn] for urn in all_dependencies[resource.urn])
            content[resource.urn] = [gitops.flux_release(resource, [r for r in dependencies if r.is_release], notes)]
            chart_source = ChartPlace.of(resource)
            if not chart_source.is_local:
                repository = f"{resource.namespace} {chart_source.repository}"
                content[repository] = [gitops.flux_repository(chart_source, resource.namespace)]
                edges[repository] = frozenset(_namespace_of(graph, resource.namespace))
                edges[resource.urn] |= {repository}
    depths = dict(depths_of(edges))
    if ordered:
        _move_claims_to_their_pods(graph, edges, depths)
    return [Document(depths[node], in_order(item)) for node, manifests in content.items() for item in manifests], notes


def _refuse_unresolved(graph: ResourceGraph) -> None:
    for resource in by_name(graph.objects):
        if request := unresolved_request(resource.annotations):
            raise CommandError(
                f'{resource.title}: restoreFrom is "{request}", which only preview and up resolve, in the cluster;'
                " to render the stack, write the path of a savepoint or checkpoint (`make savepoints` lists them)"
            )


def _move_claims_to_their_pods(graph: ResourceGraph, edges: Edges, depths: dict[str, int]) -> None:
    """Move claims to the depth of their first pod: a claim binds only when a pod uses it, so others must not wait."""
    for claim in graph.find_all("PersistentVolumeClaim"):
        users = [depths[urn] for urn, dependencies in edges.items() if claim.urn in dependencies]
        depths[claim.urn] = min(users, default=depths[claim.urn])


def file_names(rendered: Iterable[Document]) -> dict[str, Document]:
    """File name to document: `<depth>-kind-namespace-name.yaml`, without the namespace of a cluster-scoped object.

    Two objects can have the same name if one namespace is a prefix of the other. All but the first get a hash suffix.
    """
    documents_by_stem: dict[str, list[Document]] = defaultdict(list)
    for document in rendered:
        parts = [part for part in name_of(document.manifest) if part]
        stem = re.sub(r"[^a-z0-9.-]+", "-", "-".join([f"{document.depth:02}", *parts]).lower())
        documents_by_stem[stem].append(document)
    names: dict[str, Document] = {}
    for stem, documents_ in sorted(documents_by_stem.items()):
        first, *others = sorted(documents_, key=_identity)
        names[f"{stem}.yaml"] = first
        for other in others:
            mark = hashlib.sha256(_identity(other).encode()).hexdigest()[:8]
            names[f"{stem}-{mark}.yaml"] = other
    return names


def render(
    graph: ResourceGraph,
    out: Path,
    flavour: Flavour,
    *,
    template_charts: Path | None = None,
    ordered: str | None = None,
) -> list[str]:
    """Write the manifests of a stack to a folder; return notes in the order of the objects.

    Args:
        graph: the stack.
        out: the folder.
        flavour: the GitOps tool, which determines the object of a Helm release.
        template_charts: see `documents`.
        ordered: the folder's path in the repository, if Argo CD or Flux must keep the order of the graph; None if only
            the file names have the order.

    Raises:
        CommandError: if a manifest is unknown, or the folder contains other files or is not writable.
    """
    rendered, notes = documents(graph, flavour, template_charts=template_charts, ordered=ordered is not None)
    if ordered is not None and flavour == "argocd":
        rendered = [replace(item, manifest=in_order(gitops.in_wave(item.manifest, item.depth))) for item in rendered]
    named = file_names(rendered)
    files = {name: dump(document.manifest) for name, document in named.items()}
    folders: dict[str, dict[str, str]] = defaultdict(dict)
    kinds: dict[str, set[str]] = defaultdict(set)
    top = files
    if ordered is not None and flavour == "flux":
        for name, document in named.items():
            folders[f"{document.depth:02}"][name] = files[name]
            kinds[f"{document.depth:02}"].add(str(document.manifest.get("kind")))
        layers = gitops.flux_kustomizations(dict(sorted(kinds.items())), ordered)
        top = {"layers.yaml": "---\n".join(map(dump, layers))}
    unlisted: dict[str, str] = {}
    if flavour == "argocd":
        unlisted[gitops.ARGOCD_HEALTH] = dump(gitops.argocd_health())
        command = f"kubectl -n argocd patch configmap argocd-cm --patch-file {out / gitops.ARGOCD_HEALTH}"
        notes.append(f"the health checks of Flink resources must be added to Argo CD once: {command}")
    with writing(out):
        stale = output_folder.write_folders(out, folders, top, unlisted)
    summary = f"{len(files)} objects in {out}"
    return [*notes, *(f"{name} was stale and has been removed" for name in stale), summary]


def _object(resource: Resource, notes: list[str]) -> list[Manifest]:
    if resource.inputs.get("kind") == "Secret":
        notes.append(f"{resource.title} is omitted: secrets are not written to files")
        return []
    if resource.secret_paths:
        notes.append(f"{resource.title} is omitted: {', '.join(resource.secret_paths)} is secret")
        return []
    return [manifest(resource)]


def _templated(root: Path, release: Resource, notes: list[str]) -> list[Manifest] | None:
    release_notes: list[str] = []
    try:
        objects = templated_objects(root, release, release_notes)
    except CommandError as error:
        notes.append(f"chart not rendered: {error}")
        return None
    notes.extend(release_notes)
    for item in objects:
        if item.get("kind") == "Secret":
            notes.append(f"{release.title}: its Secret {name_of(item)[2]} is omitted: secrets are not written to files")
    return [item for item in objects if item.get("kind") != "Secret"]


def _namespace_of(graph: ResourceGraph, namespace: str) -> list[str]:
    return [resource.urn for resource in graph.find_all("Namespace") if resource.object_name == namespace]


def _identity(document: Document) -> str:
    kind, namespace, name = name_of(document.manifest)
    return " ".join([namespace, name, kind, str(document.manifest.get("apiVersion"))])
