"""The operator's webhook: what it is asked about can be made once it answers and its certificate is trusted.

The operator's release is ready before that: the webhook's container has no probe, and cert-manager writes the authority
that the API server trusts into the webhook's configuration a while after it has made the certificate.
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
"""The API server's words for a webhook that it cannot reach or does not trust; what a webhook refuses has others."""


@dataclass(frozen=True)
class Webhook:
    """Sends the API server a FlinkDeployment that it is not to keep, until it does not say that it lacks the webhook.

    Attributes:
        api_server: of the stack's cluster.
        operator: the operator's namespace.
        watched: a namespace whose Flink resources the operator looks after.
        timeout_seconds: how long the webhook may take.
    """

    api_server: ApiServer
    operator: str
    watched: str
    timeout_seconds: float = 180

    async def wait(self) -> None:
        """Returns once the webhook answers, whatever it says, or the API server has another reason to refuse.

        Raises:
            pulumi.RunError: when the time is out, with the API server's own words; or the cluster cannot be asked.
        """
        failure = "the operator's webhook cannot be looked at"
        said = ""
        try:
            async with asyncio.timeout(self.timeout_seconds), self.api_server.asked(failure) as api_client:
                while why := await self._why_not(api_client):
                    if why != said:
                        pulumi.log.info(f"the operator's webhook does not answer yet: {why}")
                    said = why
                    await asyncio.sleep(_TRIES_SECONDS)
        except TimeoutError:
            raise pulumi.RunError(
                f"the operator's webhook does not answer after {self.timeout_seconds:.0f} s, and without it no job can "
                f"be made or changed: {said}; its log: kubectl logs -n {self.operator} "
                "deployment/flink-kubernetes-operator -c flink-webhook; its certificate: kubectl describe "
                f"certificates,secrets -n {self.operator}"
            ) from None

    async def _why_not(self, api_client: Any) -> str:
        """Why the API server cannot ask it, empty when it can."""
        from kubernetes_asyncio import client
        from kubernetes_asyncio.client.exceptions import ApiException

        asked = {
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
                asked,
                dry_run="All",
                _request_timeout=_REQUEST_SECONDS,
            )
        except ApiException as error:
            said = message(error)
            return said if error.status == 500 and _NOT_REACHED in said else ""
        return ""
