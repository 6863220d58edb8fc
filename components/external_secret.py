"""Secrets of a namespace that the External Secrets operator makes out of another store."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.config.secret_model import ExternalSecret
from flink_k8s.facts.labels import labels

API = "external-secrets.io/v1"
READY = {"pulumi.com/waitFor": "condition=Ready"}
"""Annotation of an object that is of use only once its controller says so: a pod would wait for its Secret."""


def external_secrets(
    namespace: str, settings: Mapping[str, ExternalSecret], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """An ExternalSecret for each, ready when its Secret is there; none when none is asked for.

    Args:
        namespace: that the Secrets are in.
        settings: by the Secret's name.
        opts: must depend on the namespace.
    """
    return [
        CustomResource(
            f"{namespace}/{name}",
            api_version=API,
            kind="ExternalSecret",
            metadata=ObjectMetaArgs(name=name, namespace=namespace, labels=labels(name), annotations=READY),
            spec=wanted.spec(name),
            opts=opts,
        )
        for name, wanted in settings.items()
    ]
