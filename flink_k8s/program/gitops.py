"""Objects of GitOps tools: a Helm release for Flux or Argo CD, the order of layers, and health checks for Argo CD."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast
from urllib.parse import urlsplit

from flink_k8s.program.flux_health import health_checks
from flink_k8s.program.manifest import Manifest
from flink_k8s.program.resource_graph import Resource
from flink_k8s.program.values import Secret, without_nulls

Flavour = Literal["flux", "argocd"]

_FLUX_SOURCE: Final = {"kind": "GitRepository", "name": "flux-system", "namespace": "flux-system"}
"""The repository that `flux bootstrap` creates, which contains charts with a local path."""

_HERE: Final = "https://example.org/the-repository-with-the-charts.git"
_UNLIMITED_HISTORY: Final = 0
_WAVE: Final = "argocd.argoproj.io/sync-wave"
_OPTIONS: Final = "argocd.argoproj.io/sync-options"

ARGOCD_HEALTH: Final = "argocd-cm.patch.yaml"
"""File with the health checks of the Flink kinds: a patch of Argo CD's own ConfigMap, not an object to sync."""

_HEALTH_SCRIPTS: Final = {
    "argoproj.io_Application": "application.lua",
    "flink.apache.org_FlinkBlueGreenDeployment": "blue_green.lua",
    "flink.apache.org_FlinkDeployment": "job.lua",
    "flink.apache.org_FlinkSessionJob": "job.lua",
    "flink.apache.org_FlinkStateSnapshot": "snapshot.lua",
}


@dataclass(frozen=True)
class ChartPlace:
    """The source of the chart of a release.

    Attributes:
        chart: name of the chart in its repository, or its path.
        repository: URL of a Helm repository or, with `oci://`, of the registry's folder; empty for a local path.
        version: empty if the program sets none, as for a local path.
    """

    chart: str
    repository: str
    version: str

    @staticmethod
    def of(release: Resource) -> ChartPlace:
        """The chart source from the inputs of a release."""
        chart = str(release.inputs.get("chart", ""))
        options = cast("Mapping[str, object]", release.inputs.get("repositoryOpts") or {})
        repository = str(options.get("repo") or "")
        if chart.startswith("oci://"):
            repository, _, chart = chart.rpartition("/")
        return ChartPlace(chart, repository, str(release.inputs.get("version") or ""))

    @property
    def is_local(self) -> bool:
        """Whether the chart is a local file or directory."""
        return not self.repository

    @property
    def repository_name(self) -> str:
        """A name of the repository that depends only on its URL, for example `charts-jetstack-io`."""
        url = urlsplit(self.repository)
        text = re.sub(r"[^a-z0-9]+", "-", f"{url.hostname or ''}{url.path}".lower()).strip("-")
        return text[:63].strip("-")


def values_of(release: Resource, notes: list[str]) -> Manifest:
    """The values of a release without secrets, with a note for each omitted value."""
    for path in release.secret_paths:
        notes.append(f"{release.title}: {path} is secret and omitted; create a Secret that the chart refers to")
    values = _shown(release.inputs.get("values") or {})
    if release.inputs.get("allowNullValues") is not True:
        values = without_nulls(values)
    return cast("Manifest", values)


def flux_repository(chart_source: ChartPlace, namespace: str) -> Manifest:
    """The HelmRepository of a chart, in the namespace of the release: Flux may forbid cross-namespace references."""
    spec: Manifest = {"interval": "1h", "url": chart_source.repository}
    if chart_source.repository.startswith("oci://"):
        spec["type"] = "oci"
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "HelmRepository",
        "metadata": {"name": chart_source.repository_name, "namespace": namespace},
        "spec": spec,
    }


def flux_release(release: Resource, dependencies: Sequence[Resource], notes: list[str]) -> Manifest:
    """The HelmRelease of a release.

    Args:
        release: the release.
        dependencies: the releases that must be ready first.
        notes: receives a line for each note to the reader.
    """
    chart_source = ChartPlace.of(release)
    chart: Manifest = {"chart": chart_source.chart}
    if chart_source.is_local:
        notes.append(f"{release.title}: the chart {chart_source.chart} must be in the GitRepository flux-system")
        chart["sourceRef"] = dict(_FLUX_SOURCE)
    else:
        chart["sourceRef"] = {"kind": "HelmRepository", "name": chart_source.repository_name}
    if chart_source.version:
        chart["version"] = chart_source.version
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
    if dependencies:
        spec["dependsOn"] = [{"name": other.object_name, "namespace": other.namespace} for other in dependencies]
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
    """The Application of a release, in the namespace of Argo CD."""
    chart_source = ChartPlace.of(release)
    helm: Manifest = {"releaseName": release.object_name}
    if release.inputs.get("skipCrds"):
        helm["skipCrds"] = True
    values = values_of(release, notes)
    if values:
        helm["valuesObject"] = values
    source: Manifest = {"helm": helm}
    if chart_source.is_local:
        notes.append(f"{release.title}: set repoURL to the URL of the repository that contains {chart_source.chart}")
        source |= {"repoURL": _HERE, "path": chart_source.chart, "targetRevision": "HEAD"}
    else:
        repository = chart_source.repository.removeprefix("oci://")
        source |= {"repoURL": repository, "chart": chart_source.chart, "targetRevision": chart_source.version or "*"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        # Without the finalizer, the objects of the chart would outlive the Application.
        "metadata": {
            "name": release.object_name,
            "namespace": "argocd",
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {
            "project": "default",
            "destination": {"namespace": release.namespace, "server": "https://kubernetes.default.svc"},
            "source": source,
            # Automated: a sync of the rendered folder only creates the Application.
            # CustomResourceDefinitions are too large for the annotation of a client-side apply.
            "syncPolicy": {"automated": {}, "syncOptions": ["CreateNamespace=false", "ServerSideApply=true"]},
        },
    }


def argocd_health() -> Manifest:
    """A merge patch of the ConfigMap `argocd-cm`: a health check in Lua for each Flink kind, and for Applications."""
    folder = Path(__file__).with_name("argocd")
    return {
        "data": {
            f"resource.customizations.health.{kind}": (folder / script).read_text(encoding="utf-8")
            for kind, script in _HEALTH_SCRIPTS.items()
        }
    }


def in_wave(manifest: Manifest, wave: int) -> Manifest:
    """The manifest with the annotation of its sync wave in Argo CD: a wave starts when the previous wave is healthy.

    Before the first wave, Argo CD applies all objects as a dry run, which fails for kinds that an earlier wave creates.
    An option skips the dry run of these objects until their kind exists.
    """
    metadata = cast("Manifest", manifest.get("metadata", {}))
    marks = {**cast("Manifest", metadata.get("annotations", {})), _WAVE: str(wave)}
    group = str(manifest.get("apiVersion", "")).rpartition("/")[0]
    if "." in group and not group.endswith((".k8s.io", "argoproj.io")):
        marks[_OPTIONS] = ",".join(filter(None, [str(marks.get(_OPTIONS) or ""), "SkipDryRunOnMissingResource=true"]))
    return {**manifest, "metadata": {**metadata, "annotations": marks}}


def replaceable_hook(manifest: Manifest) -> Manifest:
    """The object of a chart; a Job that is a Helm hook is marked so that Flux replaces it, because a Job is immutable.

    Argo CD runs Helm's hooks as its own.
    """
    metadata = cast("Manifest", manifest.get("metadata", {}))
    annotations = cast("Manifest", metadata.get("annotations") or {})
    if manifest.get("kind") != "Job" or "helm.sh/hook" not in annotations:
        return manifest
    marked = {**annotations, "kustomize.toolkit.fluxcd.io/force": "enabled"}
    return {**manifest, "metadata": {**metadata, "annotations": marked}}


def flux_kustomizations(folders: Mapping[str, Collection[str]], path: str) -> list[Manifest]:
    """A Flux Kustomization for each folder, which depends on the previous one.

    Args:
        folders: the kinds of the objects in each folder, by its name, in order.
        path: of their parent folder, in the repository that Flux watches.
    """
    kustomizations: list[Manifest] = []
    folder = path.strip("/").removeprefix("./")
    prefix = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")
    names = list(folders)
    for index, (name, kinds) in enumerate(folders.items()):
        spec: Manifest = {
            "interval": "10m",
            "path": f"./{folder}/{name}",
            "prune": True,
            "sourceRef": dict(_FLUX_SOURCE),
            "timeout": "15m",
            "wait": True,
        }
        if index:
            spec["dependsOn"] = [{"name": f"{prefix}-{names[index - 1]}"}]
        if checks := health_checks(kinds):
            spec["healthCheckExprs"] = checks
        kustomizations.append(
            {
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
                "kind": "Kustomization",
                "metadata": {"name": f"{prefix}-{name}", "namespace": "flux-system"},
                "spec": dict(sorted(spec.items())),
            }
        )
    return kustomizations


def _shown(value: object) -> object:
    """The value without its secrets."""
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {name: _shown(item) for name, item in fields.items() if not isinstance(item, Secret)}
    if isinstance(value, list):
        return [_shown(item) for item in cast("list[object]", value) if not isinstance(item, Secret)]
    return {} if isinstance(value, Secret) else value
