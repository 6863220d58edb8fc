"""The keystore of the operator's webhook: cert-manager makes it, with a password that the program has made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_kubernetes.core.v1 import Secret

from components.password import password_secret
from flink_k8s.config.model import OperatorSettings
from flink_k8s.facts.mappings import mapping
from flink_k8s.health.api_server import ApiServer

PASSWORD_SECRET, PASSWORD_KEY = "operator-webhook-keystore", "password"
"""The Secret with the password, and its key."""

CERTIFICATE, KEYSTORE_SECRET = "flink-operator-serving-cert", "webhook-server-cert"
"""The chart's Certificate, and the Secret into which cert-manager writes certificate and keystore."""

_REQUEST_SECONDS: Final = 60


def makes_password(settings: OperatorSettings) -> bool:
    """Whether the program makes the password: not without webhook, nor where the chart's values say something of it."""
    said = mapping(mapping(settings.values.get("webhook")).get("keystore"))
    return settings.webhook and not said.keys() & {"useDefaultPassword", "passwordSecretRef"}


def values(settings: OperatorSettings) -> dict[str, Any]:
    """The chart's values of the webhook; by default its keystore has a password that everybody knows."""
    if not makes_password(settings):
        return {"create": settings.webhook}
    reference = {"name": PASSWORD_SECRET, "key": PASSWORD_KEY}
    return {"create": True, "keystore": {"useDefaultPassword": False, "passwordSecretRef": reference}}


def secret(settings: OperatorSettings, part: str, opts: pulumi.ResourceOptions) -> Secret:
    """The Secret with the password.

    Args:
        settings: of the operator.
        part: what of the platform it is for, as a label.
        opts: parent; must depend on the operator's namespace.
    """
    return password_secret(PASSWORD_SECRET, settings.namespace, part, PASSWORD_KEY, opts)


@dataclass(frozen=True)
class OldKeystore:
    """Takes a keystore with another password away, before the operator's release is made or upgraded.

    cert-manager writes a keystore when there is none and when it renews the certificate; a Certificate that names
    another password changes nothing, and the webhook would not open what is there. So the Certificate goes, and then
    what it has made: Helm makes the one anew, cert-manager the other, and the operator's new pod waits for it. What
    is done follows from what is there alone, so an `up` that was cut short between the two is mended by the next.

    Attributes:
        api_server: of the stack's cluster.
        namespace: of the operator.
    """

    api_server: ApiServer
    namespace: str

    def hook(self) -> pulumi.ResourceHook:
        """For the operator's Release."""
        return pulumi.ResourceHook("operator-keystore", self._before)

    async def _before(self, _: pulumi.ResourceHookArgs) -> None:
        async with self.api_server.asked("the webhook's old keystore cannot be taken away") as api_client:
            gone = await self._remove(api_client)
        if gone:
            pulumi.log.info(f"{self.namespace}/{KEYSTORE_SECRET}: made again, its keystore had another password")

    async def _remove(self, api_client: Any) -> bool:
        """Whether there was one."""
        from kubernetes_asyncio import client

        certificates: Any = client.CustomObjectsApi(api_client)
        where = ("cert-manager.io", "v1", self.namespace, "certificates", CERTIFICATE)
        certificate = await _found(certificates.get_namespaced_custom_object(*where, _request_timeout=_REQUEST_SECONDS))
        if certificate is not None:
            if _password_of(certificate) == (PASSWORD_SECRET, PASSWORD_KEY):
                return False
            await _found(certificates.delete_namespaced_custom_object(*where, _request_timeout=_REQUEST_SECONDS))
        secrets: Any = client.CoreV1Api(api_client)
        target = (KEYSTORE_SECRET, self.namespace)
        made = await _found(secrets.read_namespaced_secret(*target, _request_timeout=_REQUEST_SECONDS))
        if made is None or (made.metadata.annotations or {}).get("cert-manager.io/certificate-name") != CERTIFICATE:
            return False
        await _found(secrets.delete_namespaced_secret(*target, _request_timeout=_REQUEST_SECONDS))
        return True


async def _found(request: Any) -> Any:
    """What a request answers, None when there is no such object."""
    from kubernetes_asyncio.client.exceptions import ApiException

    try:
        return await request
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def _password_of(certificate: Mapping[str, Any]) -> tuple[object, object]:
    """Secret and key that a Certificate says its keystore's password is in."""
    keystores = mapping(mapping(certificate.get("spec")).get("keystores"))
    said = mapping(mapping(keystores.get("pkcs12")).get("passwordSecretRef"))
    return said.get("name"), said.get("key")
