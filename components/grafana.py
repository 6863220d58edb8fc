"""Grafana's administrator: a Secret with a random password, made once, and how to reach Grafana."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass

import pulumi

from components.kubernetes_object import KubernetesObject
from settings.labels import labels
from settings.monitoring import GRAFANA_SECRET

USER_KEY, PASSWORD_KEY = "admin-user", "admin-password"


@dataclass(frozen=True)
class Grafana:
    """How to reach Grafana. The password is in the Secret and, encrypted, in the stack's state; nowhere else."""

    namespace: str
    service: str
    secret: str

    def export(self) -> dict[str, str]:
        """As a stack output."""
        return {
            "namespace": self.namespace,
            "service": self.service,
            "address": f"http://{self.service}.{self.namespace}.svc",
            "secret": self.secret,
            "open": f"kubectl -n {self.namespace} port-forward svc/{self.service} 3000:80",
        }


def admin_secret(namespace: str, opts: pulumi.ResourceOptions) -> KubernetesObject:
    """The Secret with user and password.

    Each run of the program makes a password, and only the one that creates the Secret keeps it: afterwards the
    engine ignores what the program says of `data` and holds on to what is in the state.

    Args:
        namespace: of Grafana.
        opts: parent; must depend on the namespace.
    """
    password = secrets.token_urlsafe(24)
    return KubernetesObject(
        GRAFANA_SECRET,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": GRAFANA_SECRET, "namespace": namespace, "labels": labels("grafana")},
            "type": "Opaque",
            "data": pulumi.Output.secret({USER_KEY: _encoded("admin"), PASSWORD_KEY: _encoded(password)}),
        },
        pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(ignore_changes=["data"], additional_secret_outputs=["data", "stringData"]),
        ),
    )


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
