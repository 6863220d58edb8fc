"""Every object of a stack as YAML, one file each."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from flink_k8s.program import gitops
from flink_k8s.program.dependencies import Edges, layers, reachable
from flink_k8s.program.gitops import ChartPlace, Flavour
from flink_k8s.program.manifest import Manifest, in_order, manifest, name_of
from flink_k8s.program.recording import Recording, Resource, by_name
from flink_k8s.program.template_chart import inflated
from flink_k8s.support import output_folder
from flink_k8s.support.block_yaml import dump
from flink_k8s.support.errors import CommandError
from flink_k8s.support.output_file import writing


@dataclass(frozen=True)
class Document:
    """One manifest and the layer of the graph that it stands in."""

    layer: int
    manifest: Manifest


def documents(
    recording: Recording, flavour: Flavour = "flux", *, inflate: Path | None = None, ordered: bool = False
) -> tuple[list[Document], list[str]]:
    """The manifests of a recording, and notes on what a reader must know of them.

    A file's place depends on its own chain of dependencies alone. A HelmRepository comes after its namespace and
    before its release, as if the program had registered it.

    Args:
        recording: the stack.
        flavour: what becomes of a Helm release.
        inflate: the project's folder when releases are to be rendered into the objects of their charts; a chart
            that cannot be reached stays one object, with a note.
        ordered: whether somebody waits for each layer before the next.

    Raises:
        CommandError: when a manifest cannot be known before something is deployed.
    """
    notes: list[str] = []
    content: dict[str, list[Manifest]] = {}
    edges = dict(recording.edges)
    below = reachable(edges)
    for thing in map(Resource.as_written, by_name(recording.things)):
        if not thing.is_release:
            content[thing.urn] = _object(thing, notes)
            continue
        objects = _inflated(inflate, thing, notes) if inflate else None
        if objects is not None:
            content[thing.urn] = objects
        elif flavour == "argocd":
            content[thing.urn] = [gitops.argocd_application(thing, notes)]
        else:
            before = by_name(recording.by_urn[urn] for urn in below[thing.urn])
            content[thing.urn] = [gitops.flux_release(thing, [r for r in before if r.is_release], notes)]
            place = ChartPlace.of(thing)
            if not place.is_local:
                repository = f"{thing.namespace} {place.repository}"
                content[repository] = [gitops.flux_repository(place, thing.namespace)]
                edges[repository] = frozenset(_namespace_of(recording, thing.namespace))
                edges[thing.urn] |= {repository}
    at = dict(layers(edges))
    if ordered:
        _claims_beside_their_pods(recording, edges, at)
    return [Document(at[node], in_order(one)) for node, many in content.items() for one in many], notes


def _claims_beside_their_pods(recording: Recording, edges: Edges, at: dict[str, int]) -> None:
    """A claim binds when its first pod comes: who waits for the claim before the pod waits for ever."""
    for claim in recording.find_all("PersistentVolumeClaim"):
        users = [at[urn] for urn, needed in edges.items() if claim.urn in needed]
        at[claim.urn] = min(users, default=at[claim.urn])


def file_names(found: Iterable[Document]) -> dict[str, Document]:
    """File name to document: `LL-kind-namespace-name.yaml`, without the namespace where there is none.

    Two objects can ask for the same name, where one's namespace is the beginning of the other's. All but the first
    then get a mark made of what they are.
    """
    wanted: dict[str, list[Document]] = defaultdict(list)
    for document in found:
        parts = [part for part in name_of(document.manifest) if part]
        stem = re.sub(r"[^a-z0-9.-]+", "-", "-".join([f"{document.layer:02}", *parts]).lower())
        wanted[stem].append(document)
    names: dict[str, Document] = {}
    for stem, documents_ in sorted(wanted.items()):
        first, *others = sorted(documents_, key=_identity)
        names[f"{stem}.yaml"] = first
        for other in others:
            mark = hashlib.sha256(_identity(other).encode()).hexdigest()[:8]
            names[f"{stem}-{mark}.yaml"] = other
    return names


def render(
    recording: Recording, out: Path, flavour: Flavour, *, inflate: Path | None = None, ordered: str | None = None
) -> list[str]:
    """Write a recording's manifests into a folder; the notes on them, in the order of the objects.

    Args:
        recording: the stack.
        out: the folder.
        flavour: what becomes of a Helm release.
        inflate: see `documents`.
        ordered: the folder's path in the repository, to have the layers of the graph kept by Argo CD or Flux
            themselves; None to leave the order to the file names.

    Raises:
        CommandError: when a manifest cannot be known yet, or the folder holds something else or cannot be written.
    """
    found, notes = documents(recording, flavour, inflate=inflate, ordered=ordered is not None)
    if ordered is not None and flavour == "argocd":
        found = [replace(one, manifest=in_order(gitops.in_wave(one.manifest, one.layer))) for one in found]
    named = file_names(found)
    files = {name: dump(document.manifest) for name, document in named.items()}
    layers: dict[str, dict[str, str]] = defaultdict(dict)
    top = files
    if ordered is not None and flavour == "flux":
        for name, document in named.items():
            layers[f"{document.layer:02}"][name] = files[name]
        top = {"layers.yaml": "---\n".join(map(dump, gitops.flux_layers(sorted(layers), ordered)))}
    with writing(out):
        stale = output_folder.write_layers(out, layers, top)
    summary = f"{len(files)} objects in {out}"
    return [*notes, *(f"{name} was stale and is removed" for name in stale), summary]


def _object(thing: Resource, notes: list[str]) -> list[Manifest]:
    if thing.inputs.get("kind") == "Secret":
        notes.append(f"{thing.title} is left out: a secret does not go into a file")
        return []
    if thing.secret_paths:
        notes.append(f"{thing.title} is left out: {', '.join(thing.secret_paths)} is secret")
        return []
    return [manifest(thing)]


def _inflated(root: Path, release: Resource, notes: list[str]) -> list[Manifest] | None:
    about: list[str] = []
    try:
        objects = inflated(root, release, about)
    except CommandError as error:
        notes.append(f"not inflated: {error}")
        return None
    notes.extend(about)
    for one in objects:
        if one.get("kind") == "Secret":
            notes.append(f"{release.title}: its Secret {name_of(one)[2]} is left out: a secret does not go into a file")
    return [one for one in objects if one.get("kind") != "Secret"]


def _namespace_of(recording: Recording, namespace: str) -> list[str]:
    return [thing.urn for thing in recording.find_all("Namespace") if thing.object_name == namespace]


def _identity(document: Document) -> str:
    kind, namespace, name = name_of(document.manifest)
    return " ".join([namespace, name, kind, str(document.manifest.get("apiVersion"))])
