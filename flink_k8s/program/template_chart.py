"""A Helm release as the objects that its chart makes: `helm template`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

import yaml

from flink_k8s.program.gitops import ChartPlace, values_of
from flink_k8s.program.manifest import Manifest, in_order
from flink_k8s.program.recording import Resource
from flink_k8s.support.block_yaml import dump
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import find_tool
from flink_k8s.support.processes import capture, errors

_SECONDS: Final = 120

# Charts leave out the namespace where Helm puts it in by itself. It must not be put on these.
_CLUSTER_WIDE: Final = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CertificateSigningRequest",
        "ClusterIssuer",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "FlowSchema",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)


def inflated(root: Path, release: Resource, notes: list[str]) -> list[Manifest]:
    """The objects of a release, CRDs and hooks among them, each with its namespace.

    Raises:
        CommandError: when there is no helm, or the chart cannot be reached or rendered: with helm's own words.
    """
    helm = find_tool("helm")
    with tempfile.TemporaryDirectory(prefix="flink-k8s-") as folder:
        values = Path(folder) / "values.yaml"
        values.write_text(dump(values_of(release, notes)), encoding="utf-8")
        command = [helm, "template", release.object_name, *_chart_arguments(release)]
        command += ["--namespace", release.namespace, "--include-crds", "--values", str(values)]
        if release.inputs.get("skipCrds"):
            command += ["--skip-crds"]
        try:
            done = capture(command, cwd=root, timeout=_SECONDS)
        except CommandError as error:
            raise CommandError(f"{release.title}: {error}") from None
    if done.returncode != 0:
        # The last line of helm's error, without the prefix that announces an error.
        raise CommandError(f"{release.title}: {errors(done).splitlines()[-1].strip().removeprefix('Error: ')}")
    documents = cast("list[Manifest | None]", list(yaml.safe_load_all(done.stdout)))
    return [in_order(_placed(document, release.namespace)) for document in documents if document]


def _chart_arguments(release: Resource) -> list[str]:
    """Arguments of helm for the chart: its name or path, repository and version."""
    place = ChartPlace.of(release)
    if place.is_local:
        arguments = [place.chart]
    elif place.repository.startswith("oci://"):
        arguments = [f"{place.repository}/{place.chart}"]
    else:
        arguments = [place.chart, "--repo", place.repository]
    return [*arguments, "--version", place.version] if place.version else arguments


def _placed(document: Manifest, namespace: str) -> Manifest:
    metadata = cast("Mapping[str, object]", document.get("metadata") or {})
    if document.get("kind") in _CLUSTER_WIDE or "namespace" in metadata:
        return document
    return {**document, "metadata": {**metadata, "namespace": namespace}}
