"""A password that the platform needs: made once, kept in a Secret and, encrypted, in the state; nowhere else."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.facts.labels import labels


def password_secret(
    name: str,
    namespace: str,
    part: str,
    key: str,
    opts: pulumi.ResourceOptions,
    beside: Mapping[str, str] | None = None,
) -> Secret:
    """The Secret that holds it.

    Each run of the program makes a password, and only the one that creates the Secret keeps it: afterwards the
    engine ignores what the program says of `data` and holds on to what is in the state.

    Args:
        name: of the Secret, and of the resource.
        namespace: of the Secret.
        part: what of the platform it is for, as a label.
        key: of the password.
        opts: parent; must depend on the namespace.
        beside: further keys with their texts, which are no secrets.
    """
    texts = {**(beside or {}), key: secrets.token_urlsafe(24)}
    encoded = {one: base64.b64encode(text.encode()).decode() for one, text in texts.items()}
    return Secret(
        name,
        metadata=ObjectMetaArgs(name=name, namespace=namespace, labels=labels(part)),
        type="Opaque",
        data=pulumi.Output.secret(encoded),
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(ignore_changes=["data"], additional_secret_outputs=["data", "stringData"]),
        ),
    )
