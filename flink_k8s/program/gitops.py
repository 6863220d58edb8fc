"""A Helm release as one declared object: Flux' HelmRelease with its HelmRepository, or Argo CD's Application."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import urlsplit

from flink_k8s.program.manifest import Manifest
from flink_k8s.program.recording import Resource
from flink_k8s.program.values import Secret, without_nulls

Flavour = Literal["flux", "argocd"]

_FLUX_SOURCE: Final = {"kind": "GitRepository", "name": "flux-system", "namespace": "flux-system"}
"""What `flux bootstrap` calls the repository that it watches: where a chart with a local path is looked for."""

_HERE: Final = "https://example.org/the-repository-with-the-charts.git"
_UNLIMITED_HISTORY: Final = 0
_WAVE: Final = "argocd.argoproj.io/sync-wave"
_OPTIONS: Final = "argocd.argoproj.io/sync-options"


@dataclass(frozen=True)
class ChartPlace:
    """Where a release takes its chart from.

    Attributes:
        chart: the chart's name in its repository, or its path.
        repository: URL of a Helm repository or, with `oci://`, of the registry's folder; empty for a local path.
        version: empty when the program names none, as for a local path.
    """

    chart: str
    repository: str
    version: str

    @staticmethod
    def of(release: Resource) -> ChartPlace:
        """Read from the release's inputs."""
        chart = str(release.inputs.get("chart", ""))
        options = cast("Mapping[str, object]", release.inputs.get("repositoryOpts") or {})
        repository = str(options.get("repo") or "")
        if chart.startswith("oci://"):
            repository, _, chart = chart.rpartition("/")
        return ChartPlace(chart, repository, str(release.inputs.get("version") or ""))

    @property
    def is_local(self) -> bool:
        """Whether the chart is a file or folder on this machine."""
        return not self.repository

    @property
    def repository_name(self) -> str:
        """A name for the repository that depends on its URL alone, for example `charts-jetstack-io`."""
        url = urlsplit(self.repository)
        text = re.sub(r"[^a-z0-9]+", "-", f"{url.hostname or ''}{url.path}".lower()).strip("-")
        return text[:63].strip("-")


def values_of(release: Resource, notes: list[str]) -> Manifest:
    """The values of a release that may be shown, as Helm gets them; a note for each one left out."""
    for path in release.secret_paths:
        notes.append(f"{release.title}: {path} is secret and left out; give it by a Secret that the chart refers to")
    values = _shown(release.inputs.get("values") or {})
    if release.inputs.get("allowNullValues") is not True:
        values = without_nulls(values)
    return cast("Manifest", values)


def flux_repository(place: ChartPlace, namespace: str) -> Manifest:
    """The HelmRepository of a chart, in the release's own namespace: Flux may forbid references to others."""
    spec: Manifest = {"interval": "1h", "url": place.repository}
    if place.repository.startswith("oci://"):
        spec["type"] = "oci"
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "HelmRepository",
        "metadata": {"name": place.repository_name, "namespace": namespace},
        "spec": spec,
    }


def flux_release(release: Resource, before: Sequence[Resource], notes: list[str]) -> Manifest:
    """The HelmRelease of a release.

    Args:
        release: the release.
        before: the releases that must be ready first.
        notes: gets a line for each thing that a reader must know.
    """
    place = ChartPlace.of(release)
    chart: Manifest = {"chart": place.chart}
    if place.is_local:
        notes.append(f"{release.title}: its chart {place.chart} is looked for in the GitRepository flux-system")
        chart["sourceRef"] = dict(_FLUX_SOURCE)
    else:
        chart["sourceRef"] = {"kind": "HelmRepository", "name": place.repository_name}
    if place.version:
        chart["version"] = place.version
    spec: Manifest = {
        "chart": {"spec": chart},
        "interval": "1h",
        "releaseName": release.object_name,
        "timeout": f"{release.inputs.get('timeout') or 300}s",
        "maxHistory": release.inputs.get("maxHistory") or _UNLIMITED_HISTORY,
        "install": {
            "crds": "Skip" if release.inputs.get("skipCrds") else "Create",
            "remediation": {"retries": 3},
        },
        "upgrade": {
            "crds": "Skip" if release.inputs.get("skipCrds") else "CreateReplace",
            "cleanupOnFail": release.inputs.get("cleanupOnFail") is True,
            "remediation": {"retries": 3},
        },
    }
    if before:
        spec["dependsOn"] = [{"name": other.object_name, "namespace": other.namespace} for other in before]
    values = values_of(release, notes)
    if values:
        spec["values"] = values
    return {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": release.object_name, "namespace": release.namespace},
        "spec": spec,
    }


def argocd_application(release: Resource, notes: list[str]) -> Manifest:
    """The Application of a release, in the namespace in which Argo CD looks for them."""
    place = ChartPlace.of(release)
    helm: Manifest = {"releaseName": release.object_name}
    if release.inputs.get("skipCrds"):
        helm["skipCrds"] = True
    values = values_of(release, notes)
    if values:
        helm["valuesObject"] = values
    source: Manifest = {"helm": helm}
    if place.is_local:
        notes.append(f"{release.title}: put the URL of the repository that holds {place.chart} into its repoURL")
        source |= {"repoURL": _HERE, "path": place.chart, "targetRevision": "HEAD"}
    else:
        repository = place.repository.removeprefix("oci://")
        source |= {"repoURL": repository, "chart": place.chart, "targetRevision": place.version or "*"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        # Without the finalizer its objects outlive it: the chart would stay when the folder goes.
        "metadata": {
            "name": release.object_name,
            "namespace": "argocd",
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {
            "project": "default",
            "destination": {"namespace": release.namespace, "server": "https://kubernetes.default.svc"},
            "source": source,
            # By itself: who syncs the rendered folder makes the Application, and nobody else would sync it.
            # Custom resource definitions are too large for the annotation that a client-side apply leaves.
            "syncPolicy": {"automated": {}, "syncOptions": ["CreateNamespace=false", "ServerSideApply=true"]},
        },
    }


def in_wave(manifest: Manifest, wave: int) -> Manifest:
    """The manifest with Argo CD's mark for the order within one sync: a wave begins when the one before is healthy.

    Before the first wave Argo CD tries all objects in a dry run, and would give up on those whose kinds an earlier wave
    brings: of these it is told to try them when their kind is there.
    """
    metadata = cast("Manifest", manifest.get("metadata", {}))
    marks = {**cast("Manifest", metadata.get("annotations", {})), _WAVE: str(wave)}
    group = str(manifest.get("apiVersion", "")).rpartition("/")[0]
    if "." in group and not group.endswith((".k8s.io", "argoproj.io")):
        marks[_OPTIONS] = ",".join(filter(None, [str(marks.get(_OPTIONS) or ""), "SkipDryRunOnMissingResource=true"]))
    return {**manifest, "metadata": {**metadata, "annotations": marks}}


def flux_layers(layers: Sequence[str], path: str) -> list[Manifest]:
    """A Flux Kustomization for each layer's folder, each after the one before it is ready.

    Args:
        layers: names of the folders, in their order.
        path: of the folder that holds them, in the repository that Flux watches.
    """
    steps: list[Manifest] = []
    place = path.strip("/").removeprefix("./")
    prefix = re.sub(r"[^a-z0-9]+", "-", place.lower()).strip("-")
    for index, layer in enumerate(layers):
        spec: Manifest = {
            "interval": "10m",
            "path": f"./{place}/{layer}",
            "prune": True,
            "sourceRef": dict(_FLUX_SOURCE),
            "timeout": "15m",
            "wait": True,
        }
        if index:
            spec["dependsOn"] = [{"name": f"{prefix}-{layers[index - 1]}"}]
        steps.append(
            {
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
                "kind": "Kustomization",
                "metadata": {"name": f"{prefix}-{layer}", "namespace": "flux-system"},
                "spec": dict(sorted(spec.items())),
            }
        )
    return steps


def _shown(value: object) -> object:
    """The value without what is secret in it."""
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {name: _shown(item) for name, item in fields.items() if not isinstance(item, Secret)}
    if isinstance(value, list):
        return [_shown(item) for item in cast("list[object]", value) if not isinstance(item, Secret)]
    return {} if isinstance(value, Secret) else value
