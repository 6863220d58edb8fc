"""The API server as the program itself asks it, beside what the engine does: for its watch and for CRDs."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pulumi

from flink_k8s.config.model import StackSettings


@dataclass(frozen=True)
class ApiServer:
    """Where the stack's cluster answers.

    Attributes:
        kubeconfig: file of the context, None for the usual place.
        context: the stack's kube-context.
    """

    kubeconfig: str | None
    context: str

    @classmethod
    def of(cls, settings: StackSettings) -> ApiServer:
        """The stack's."""
        return cls(settings.kubeconfig, settings.context)

    async def connect(self) -> Any:
        """A `kubernetes_asyncio` ApiClient; whoever asks closes it.

        Raises:
            pulumi.RunError: when kubeconfig or context cannot be used.
        """
        # Imported here: a preview asks for nothing and need not load a client.
        from kubernetes_asyncio import client, config
        from kubernetes_asyncio.config.config_exception import ConfigException

        configuration = client.Configuration()
        try:
            await config.load_kube_config(
                config_file=self.kubeconfig, context=self.context, client_configuration=configuration
            )
        except (ConfigException, OSError) as error:
            raise pulumi.RunError(
                f"the cluster cannot be asked: {error}; check context and kubeconfig of the stack"
            ) from None
        return client.ApiClient(configuration=configuration)

    @asynccontextmanager
    async def asked(self, failure: str) -> AsyncGenerator[Any]:
        """A client for some requests, whose errors are the run's.

        Args:
            failure: what cannot be done when a request fails; the API server's own words are put behind it.

        Raises:
            pulumi.RunError: when the API server refuses something, or cannot be reached.
        """
        from aiohttp import ClientError
        from kubernetes_asyncio.client.exceptions import ApiException

        api_client = await self.connect()
        try:
            yield api_client
        except ApiException as error:
            raise pulumi.RunError(f"{failure}: {message(error)}") from None
        except (ClientError, OSError, TimeoutError) as error:
            raise pulumi.RunError(f"{failure}: {str(error) or type(error).__name__}") from None
        finally:
            await api_client.close()


def message(error: Any) -> str:
    """The API server's own words."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason)
