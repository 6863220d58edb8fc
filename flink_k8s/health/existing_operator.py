"""Reads the Flink operator that exists in the cluster."""

from __future__ import annotations

from aiohttp import ClientError
from pulumi import RunError

from flink_k8s.facts.versions import OPERATOR_RELEASE
from flink_k8s.health.api_server import ApiServer, get
from flink_k8s.resolve.existing_operator import CONFIG_MAP, ExistingOperator


async def read_operator(api_server: ApiServer, namespace: str) -> tuple[ExistingOperator | None, str]:
    """The operator in a namespace of the cluster.

    Args:
        api_server: of the stack's cluster.
        namespace: of the operator.

    Returns:
        The operator, or None; and what could not be read, with the reason; empty if everything could.
    """
    try:
        api_client = await api_server.connect()
    except RunError as error:
        return None, f"the operator: {error}"
    try:
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{OPERATOR_RELEASE}"
        deployment = await get(api_client, path)
        if not deployment:
            return None, f"the operator: the namespace {namespace} has no Deployment {OPERATOR_RELEASE}"
        try:
            config_map = await get(api_client, f"/api/v1/namespaces/{namespace}/configmaps/{CONFIG_MAP}")
        except RunError as error:
            operator = ExistingOperator.of(namespace, deployment, None)
            return operator, f"the configuration and the watched namespaces of the operator: {error}"
        return ExistingOperator.of(namespace, deployment, config_map), ""
    except (RunError, ClientError, OSError, TimeoutError) as error:
        return None, f"the operator: {str(error) or type(error).__name__}"
    finally:
        await api_client.close()
