"""The keystore of the operator's webhook: cert-manager creates it with a password that the program has generated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_kubernetes.core.v1 import Secret

from flink_k8s.components.password import password_secret
from flink_k8s.config.model import OperatorSettings
from flink_k8s.facts.mappings import mapping
from flink_k8s.health.api_server import ApiServer

PASSWORD_SECRET, PASSWORD_KEY = "operator-webhook-keystore", "password"
"""The Secret with the password, and its key."""

CERTIFICATE, KEYSTORE_SECRET = "flink-operator-serving-cert", "webhook-server-cert"
"""The chart's Certificate, and the Secret into which cert-manager writes certificate and keystore."""

_REQUEST_SECONDS: Final = 60


def makes_password(settings: OperatorSettings) -> bool:
    """Whether the program generates the password: not without webhook, and not if the chart's values set a password."""
    keystore = mapping(mapping(settings.values.get("webhook")).get("keystore"))
    return settings.webhook and not keystore.keys() & {"useDefaultPassword", "passwordSecretRef"}


def values(settings: OperatorSettings) -> dict[str, Any]:
    """The chart's values of the webhook; the chart's default is a publicly known password of the keystore."""
    if not makes_password(settings):
        return {"create": settings.webhook}
    reference = {"name": PASSWORD_SECRET, "key": PASSWORD_KEY}
    return {"create": True, "keystore": {"useDefaultPassword": False, "passwordSecretRef": reference}}


def secret(settings: OperatorSettings, part: str, opts: pulumi.ResourceOptions) -> Secret:
    """The Secret with the password.

    Args:
        settings: of the operator.
        part: part of the platform that uses it, for a label.
        opts: parent; must depend on the operator's namespace.
    """
    return password_secret(PASSWORD_SECRET, settings.namespace, part, PASSWORD_KEY, opts)


@dataclass(frozen=True)
class OldKeystore:
    """Delete a keystore with another password, before the operator's release is created or updated.

    cert-manager writes a keystore if there is none and when it renews the certificate. A Certificate with another
    password does not change an existing keystore, and the webhook could not open it. So the Certificate is deleted, and
    then its Secret: Helm creates the Certificate again, cert-manager the Secret, and the operator's new pod waits for
    it. The decision depends only on the objects in the cluster, so the next `up` completes an interrupted one.

    Attributes:
        api_server: of the stack's cluster.
        namespace: of the operator.
    """

    api_server: ApiServer
    namespace: str

    def hook(self, name: str) -> pulumi.ResourceHook:
        """The hook for the operator's Release."""
        return pulumi.ResourceHook(name, self._before)

    async def _before(self, _: pulumi.ResourceHookArgs) -> None:
        async with self.api_server.asked("the webhook's old keystore cannot be deleted") as api_client:
            is_removed = await self._remove(api_client)
        if is_removed:
            pulumi.log.info(
                f"{self.namespace}/{KEYSTORE_SECRET}: deleted, because its keystore has another password; "
                "cert-manager creates it again"
            )

    async def _remove(self, api_client: Any) -> bool:
        """Delete the keystore; whether it existed."""
        from kubernetes_asyncio import client

        certificates: Any = client.CustomObjectsApi(api_client)
        path = ("cert-manager.io", "v1", self.namespace, "certificates", CERTIFICATE)
        certificate = await _or_none(
            certificates.get_namespaced_custom_object(*path, _request_timeout=_REQUEST_SECONDS)
        )
        if certificate is not None:
            if _password_of(certificate) == (PASSWORD_SECRET, PASSWORD_KEY):
                return False
            await _or_none(certificates.delete_namespaced_custom_object(*path, _request_timeout=_REQUEST_SECONDS))
        secrets: Any = client.CoreV1Api(api_client)
        target = (KEYSTORE_SECRET, self.namespace)
        keystore = await _or_none(secrets.read_namespaced_secret(*target, _request_timeout=_REQUEST_SECONDS))
        if (
            keystore is None
            or (keystore.metadata.annotations or {}).get("cert-manager.io/certificate-name") != CERTIFICATE
        ):
            return False
        await _or_none(secrets.delete_namespaced_secret(*target, _request_timeout=_REQUEST_SECONDS))
        return True


async def _or_none(request: Any) -> Any:
    """The response of a request; None if the object does not exist."""
    from kubernetes_asyncio.client.exceptions import ApiException

    try:
        return await request
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def _password_of(certificate: Mapping[str, Any]) -> tuple[object, object]:
    """Secret and key of a Certificate's keystore password."""
    keystores = mapping(mapping(certificate.get("spec")).get("keystores"))
    reference = mapping(mapping(keystores.get("pkcs12")).get("passwordSecretRef"))
    return reference.get("name"), reference.get("key")
