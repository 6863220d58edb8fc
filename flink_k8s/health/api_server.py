"""Requests of the program to the API server, in addition to those of the engine: for the watch and for CRDs."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from flink_k8s.config.model import StackSettings
from flink_k8s.facts.mappings import mapping

_GET_SECONDS: Final = 10

TOO_MANY_REQUESTS: Final = 429
"""The status of an API server that is overloaded, or prepares a kind whose CRD is new or has changed."""

REPETITIONS: Final = 20
"""Number of times that a request with that status is repeated."""

PAUSE_SECONDS: Final = 1
"""Time between two repetitions."""


@dataclass(frozen=True)
class ApiServer:
    """The API server of the stack's cluster.

    Attributes:
        kubeconfig: file with the context; None for the default file.
        context: the stack's kube-context.
    """

    kubeconfig: str | None
    context: str

    @classmethod
    def of(cls, settings: StackSettings) -> ApiServer:
        """The API server of a stack."""
        return cls(settings.kubeconfig, settings.context)

    async def connect(self) -> Any:
        """A `kubernetes_asyncio` ApiClient, which the caller closes.

        Raises:
            pulumi.RunError: if kubeconfig or context are invalid.
        """
        # Imported here: a preview needs no client.
        from kubernetes_asyncio import client, config
        from kubernetes_asyncio.config.config_exception import ConfigException

        # Otherwise the library prints its own line about a missing file.
        logging.getLogger("kubernetes_asyncio").addHandler(logging.NullHandler())
        configuration = client.Configuration()
        try:
            await config.load_kube_config(
                config_file=self.kubeconfig, context=self.context, client_configuration=configuration
            )
        except (ConfigException, OSError) as error:
            raise pulumi.RunError(
                f"could not configure the Kubernetes client: {error}; check context and kubeconfig of the stack"
            ) from None
        return client.ApiClient(configuration=configuration)

    @asynccontextmanager
    async def asked(self, failure: str) -> AsyncGenerator[Any]:
        """A client whose errors become errors of the run.

        Args:
            failure: first part of the error message; the message of the API server follows.

        Raises:
            pulumi.RunError: if the API server refuses a request, or is not reachable.
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
    """The message of the API server."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason)


async def get(api_client: Any, path: str, *, accept: str = "application/json", **query: str) -> Mapping[str, object]:
    """The answer to a GET request; empty for 404. The request is repeated while the status is 429.

    Args:
        api_client: from `ApiServer.connect`.
        path: of the request.
        accept: media types of the answer.
        query: parameters of the request.

    Raises:
        pulumi.RunError: if the API server refuses the request, with its message.
        aiohttp.ClientError, OSError, TimeoutError: if the API server is not reachable.
    """

    async def response_to_request() -> Any:
        return await api_client.call_api(
            path,
            "GET",
            query_params=list(query.items()),
            header_params={"Accept": accept},
            auth_settings=["BearerToken"],
            _preload_content=False,
            _request_timeout=_GET_SECONDS,
        )

    response = await response_to_request()
    for _ in range(REPETITIONS):
        if response.status != TOO_MANY_REQUESTS:
            break
        await asyncio.sleep(PAUSE_SECONDS)
        response = await response_to_request()
    if response.status == 404:
        return {}
    content = await response.read()
    if response.status != 200:
        try:
            reason = str(mapping(json.loads(content)).get("message"))
        except ValueError:
            reason = str(response.reason)
        raise pulumi.RunError(reason)
    return mapping(json.loads(content))
