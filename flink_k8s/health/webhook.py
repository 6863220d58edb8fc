"""Waits until the operator's webhook answers and its certificate is trusted, so Flink resources can be created.

The operator's release is ready earlier: the webhook's container has no probe, and cert-manager writes the trusted
authority into the webhook's configuration some time after it has issued the certificate.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from flink_k8s.facts.kinds import FLINK_API, FLINK_GROUP, FLINK_VERSION
from flink_k8s.health.api_server import ApiServer, message

_TRIES_SECONDS: Final = 0.5
_REQUEST_SECONDS: Final = 60
_NOT_REACHED = "failed calling webhook"
"""Part of the API server's message if it cannot reach or does not trust a webhook, in contrast to a refusal."""


@dataclass(frozen=True)
class Webhook:
    """Sends dry-run requests for a FlinkDeployment to the API server, until it can call the webhook.

    Attributes:
        api_server: of the stack's cluster.
        operator: the operator's namespace.
        watched: a namespace that the operator watches.
        timeout_seconds: maximum time until the webhook answers.
    """

    api_server: ApiServer
    operator: str
    watched: str
    timeout_seconds: float = 180

    async def wait(self) -> None:
        """Return when the webhook answers, even with a refusal, or the API server refuses for another reason.

        Raises:
            pulumi.RunError: if the timeout expires, with the API server's message; or the cluster is unreachable.
        """
        failure = "could not query the operator's webhook"
        last_error = ""
        try:
            async with asyncio.timeout(self.timeout_seconds), self.api_server.asked(failure) as api_client:
                while error := await self._connection_error(api_client):
                    if error != last_error:
                        pulumi.log.info(f"the operator's webhook does not answer yet: {error}")
                    last_error = error
                    await asyncio.sleep(_TRIES_SECONDS)
        except TimeoutError:
            raise pulumi.RunError(
                f"the operator's webhook does not answer after {self.timeout_seconds:.0f} s, so no job can be created "
                f"or changed: {last_error}; check its log: kubectl logs -n {self.operator} "
                "deployment/flink-kubernetes-operator -c flink-webhook; and its certificate: kubectl describe "
                f"certificates,secrets -n {self.operator}"
            ) from None

    async def _connection_error(self, api_client: Any) -> str:
        """The error of the API server if it cannot call the webhook, else empty."""
        from kubernetes_asyncio import client
        from kubernetes_asyncio.client.exceptions import ApiException

        manifest = {
            "apiVersion": FLINK_API,
            "kind": "FlinkDeployment",
            "metadata": {"name": "is-the-webhook-there"},
            "spec": {},
        }
        api: Any = client.CustomObjectsApi(api_client)
        try:
            await api.create_namespaced_custom_object(
                FLINK_GROUP,
                FLINK_VERSION,
                self.watched,
                "flinkdeployments",
                manifest,
                dry_run="All",
                _request_timeout=_REQUEST_SECONDS,
            )
        except ApiException as error:
            error_message = message(error)
            return error_message if error.status == 500 and _NOT_REACHED in error_message else ""
        return ""
