"""The version of an operator that exists in the cluster."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.versions import OPERATOR_RELEASE
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.events import REQUEST_SECONDS

_IMAGE: Final = re.compile(r"flink-kubernetes-operator:v?(\d+\.\d+\.\d+[\w.-]*)")


async def deployed_version(api_server: ApiServer, namespace: str) -> str | None:
    """The version of the operator, by the tag of its image; None if it cannot be read.

    Args:
        api_server: of the stack's cluster.
        namespace: of the operator.
    """
    from kubernetes_asyncio import client

    try:
        api_client = await api_server.connect()
        try:
            api: Any = client.AppsV1Api(api_client)
            response = await api.read_namespaced_deployment(
                OPERATOR_RELEASE, namespace, _preload_content=False, _request_timeout=REQUEST_SECONDS
            )
            deployment = mapping(json.loads(await response.read()))
        finally:
            await api_client.close()
    except Exception:  # it is only for a warning
        return None
    return version_of(deployment)


def version_of(deployment: Mapping[str, object]) -> str | None:
    """The version of the operator of a Deployment, by the tag of its image; None if the tag is not a version."""
    pod = mapping(mapping(mapping(deployment.get("spec")).get("template")).get("spec"))
    images = [str(mapping(container).get("image")) for container in listed(pod.get("containers"))]
    return next((match[1] for image in images if (match := _IMAGE.search(image))), None)
