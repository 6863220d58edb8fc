"""Secrets of a namespace that the External Secrets operator creates from another store."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components.component import resource_name
from flink_k8s.config.secret_model import ExternalSecret
from flink_k8s.facts.labels import labels

API = "external-secrets.io/v1"
READY = {"pulumi.com/waitFor": "condition=Ready"}
"""Annotation of an object that can be used only once its controller reports Ready: a pod would wait for its Secret."""


def external_secrets(
    namespace: str, settings: Mapping[str, ExternalSecret], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """The ExternalSecrets of a namespace; each is ready once its Secret exists.

    Args:
        namespace: of the Secrets.
        settings: by name of the Secret.
        opts: must depend on the namespace.
    """
    return [
        CustomResource(
            resource_name(f"{namespace}/{name}", opts),
            api_version=API,
            kind="ExternalSecret",
            metadata=ObjectMetaArgs(name=name, namespace=namespace, labels=labels(name), annotations=READY),
            spec=external_secret.spec(name),
            opts=opts,
        )
        for name, external_secret in settings.items()
    ]
