"""The objects of the chart of a Helm release: `helm template`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

import yaml

from flink_k8s.program.gitops import ChartPlace, values_of
from flink_k8s.program.manifest import Manifest, in_order
from flink_k8s.program.resource_graph import Resource
from flink_k8s.support.block_yaml import dump
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import find_tool
from flink_k8s.support.processes import capture, errors

_SECONDS: Final = 120


class _Loader(yaml.SafeLoader):
    """Reads a plain `=` as text: CRDs of the Prometheus operator contain it, and YAML 1.1 has a type for it."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))

# Kinds without a namespace. Charts omit the namespace of other objects, because Helm adds it.
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


def templated_objects(root: Path, release: Resource, notes: list[str]) -> list[Manifest]:
    """The objects of a release, including CRDs and hooks without tests, each with its namespace.

    Raises:
        CommandError: if helm is missing, or the chart is unreachable or invalid; contains helm's error.
    """
    helm = find_tool("helm")
    with tempfile.TemporaryDirectory(prefix="flink-k8s-") as folder:
        values = Path(folder) / "values.yaml"
        values.write_text(dump(values_of(release, notes)), encoding="utf-8")
        command = [helm, "template", release.object_name, *_chart_arguments(release)]
        command += ["--namespace", release.namespace, "--include-crds", "--skip-tests"]
        command += ["--values", str(values)]
        if release.inputs.get("skipCrds"):
            command += ["--skip-crds"]
        try:
            completed = capture(command, cwd=root, timeout=_SECONDS)
        except CommandError as error:
            raise CommandError(f"{release.title}: {error}") from None
    if completed.returncode != 0:
        # The last line of helm's error, without the prefix that announces an error.
        raise CommandError(f"{release.title}: {errors(completed).splitlines()[-1].strip().removeprefix('Error: ')}")
    documents = cast("list[Manifest | None]", list(yaml.load_all(completed.stdout, _Loader)))
    return [in_order(_with_namespace(document, release.namespace)) for document in documents if document]


def _chart_arguments(release: Resource) -> list[str]:
    """Arguments of helm for the chart: name or path, repository and version."""
    chart_source = ChartPlace.of(release)
    if chart_source.is_local:
        arguments = [chart_source.chart]
    elif chart_source.repository.startswith("oci://"):
        arguments = [f"{chart_source.repository}/{chart_source.chart}"]
    else:
        arguments = [chart_source.chart, "--repo", chart_source.repository]
    return [*arguments, "--version", chart_source.version] if chart_source.version else arguments


def _with_namespace(document: Manifest, namespace: str) -> Manifest:
    metadata = cast("Mapping[str, object]", document.get("metadata") or {})
    if document.get("kind") in _CLUSTER_WIDE or "namespace" in metadata:
        return document
    return {**document, "metadata": {**metadata, "namespace": namespace}}
