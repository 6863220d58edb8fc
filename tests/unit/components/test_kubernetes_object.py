"""Objects from manifests are the same resources for the engine as objects of the SDK's classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from flink_k8s.program.run import run_program

ROOT = Path(__file__).resolve().parents[3]

OURS = """
import pulumi
import pulumi_kubernetes as k8s
from flink_k8s.components.kubernetes_object import KubernetesObject
opts = pulumi.ResourceOptions(provider=k8s.Provider("cluster", context="x"))
metadata = {"name": "a", "namespace": "n", "annotations": {"pulumi.com/skipAwait": "true"}}
def declare(api_version, kind, **rest):
    KubernetesObject("a", {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}, opts)
declare("v1", "ConfigMap", data={"key": "value"})
declare("v1", "ServiceAccount", imagePullSecrets=[{"name": "s"}])
declare("v1", "Secret", data=pulumi.Output.secret({"key": "dmFsdWU="}))
declare("rbac.authorization.k8s.io/v1", "Role", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])
declare("flink.apache.org/v1beta1", "FlinkDeployment", spec={"flinkVersion": "v2_2", "job": {"jarURI": "local:///a.jar"}})
"""

THEIRS = """
import pulumi
import pulumi_kubernetes as k8s
opts = pulumi.ResourceOptions(provider=k8s.Provider("cluster", context="x"))
given = {"metadata": {"name": "a", "namespace": "n", "annotations": {"pulumi.com/skipAwait": "true"}}, "opts": opts}
k8s.core.v1.ConfigMap("a", data={"key": "value"}, **given)
k8s.core.v1.ServiceAccount("a", image_pull_secrets=[{"name": "s"}], **given)
k8s.core.v1.Secret("a", data={"key": "dmFsdWU="}, **given)
k8s.rbac.v1.Role("a", rules=[{"api_groups": [""], "resources": ["pods"], "verbs": ["get"]}], **given)
k8s.apiextensions.CustomResource(
    "a", api_version="flink.apache.org/v1beta1", kind="FlinkDeployment",
    spec={"flinkVersion": "v2_2", "job": {"jarURI": "local:///a.jar"}}, **given
)
"""


@pytest.mark.parametrize("preview", [True, False])
def test_the_engine_sees_the_same_resources(tmp_path: Path, preview: bool):
    messages: list[dict[str, tuple[object, object]]] = []
    for text in (OURS, THEIRS):
        (tmp_path / "__main__.py").write_text(text)
        actual = run_program(tmp_path, "dev", {}, preview=preview)
        messages.append({resource.urn: (resource.inputs, resource.provider) for resource in actual.objects})
    assert messages[0] == messages[1]
    assert len(messages[0]) == 5
