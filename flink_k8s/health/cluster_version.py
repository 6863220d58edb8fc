"""The version of Kubernetes that a cluster runs."""

from __future__ import annotations

from aiohttp import ClientError
from pulumi import RunError

from flink_k8s.health.api_server import ApiServer, get


async def cluster_version(api_server: ApiServer) -> str:
    """The version, such as `v1.34.4` or `v1.33.5-eks-1b2c3d4`; empty if it cannot be read."""
    try:
        api_client = await api_server.connect()
    except RunError:
        return ""
    try:
        return str((await get(api_client, "/version")).get("gitVersion") or "")
    except (RunError, ClientError, OSError, TimeoutError):
        return ""
    finally:
        await api_client.close()
