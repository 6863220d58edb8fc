"""Grafana's administrator, a Secret with a random password that is created once, and Grafana's address."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import Secret

from flink_k8s.components.password import password_secret
from flink_k8s.config.monitoring import GRAFANA_SECRET

USER_KEY, PASSWORD_KEY = "admin-user", "admin-password"


@dataclass(frozen=True)
class Grafana:
    """Grafana's address. The password is only in the Secret and, encrypted, in the stack's state."""

    namespace: str
    service: str
    secret: str

    def export(self) -> dict[str, str]:
        """The stack output."""
        return {
            "namespace": self.namespace,
            "service": self.service,
            "address": f"http://{self.service}.{self.namespace}.svc",
            "secret": self.secret,
            "open": f"kubectl -n {self.namespace} port-forward svc/{self.service} 3000:80",
        }


def admin_secret(namespace: str, opts: pulumi.ResourceOptions) -> Secret:
    """The Secret with user and password.

    Args:
        namespace: of Grafana.
        opts: parent; must depend on the namespace.
    """
    return password_secret(GRAFANA_SECRET, namespace, "grafana", PASSWORD_KEY, opts, {USER_KEY: "admin"})
