"""A generated password of the platform: created once, and only in a Secret and, encrypted, in the state."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components.component import resource_name
from flink_k8s.facts.labels import labels


def password_secret(
    name: str,
    namespace: str,
    part: str,
    key: str,
    opts: pulumi.ResourceOptions,
    plain_data: Mapping[str, str] | None = None,
) -> Secret:
    """The Secret with the password.

    Each run of the program generates a password, but only the run that creates the Secret uses it: afterwards the
    engine ignores changes of `data` and keeps the value in the state.

    Args:
        name: of the Secret, and of the resource.
        namespace: of the Secret.
        part: part of the platform that uses it, for a label.
        key: of the password in the Secret.
        opts: parent; must depend on the namespace.
        plain_data: further keys with their texts, which are not secret.
    """
    texts = {**(plain_data or {}), key: secrets.token_urlsafe(24)}
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    return Secret(
        resource_name(name, opts),
        metadata=ObjectMetaArgs(name=name, namespace=namespace, labels=labels(part)),
        type="Opaque",
        data=pulumi.Output.secret(encoded),
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(ignore_changes=["data"], additional_secret_outputs=["data", "stringData"]),
        ),
    )
