"""Reads the Prometheus objects that exist in the cluster, which select PodMonitors and alert rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import ClientError
from pulumi import RunError

from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.health.api_server import ApiServer, get

_GROUP: Final = "/apis/monitoring.coreos.com"
_SELECTING: Final = {
    "Prometheus": f"{_GROUP}/v1/prometheuses",
    "ThanosRuler": f"{_GROUP}/v1/thanosrulers",
    "PrometheusAgent": f"{_GROUP}/v1alpha1/prometheusagents",
}


@dataclass(frozen=True)
class ExistingPrometheus:
    """The objects of the Prometheus operator in a cluster.

    Attributes:
        serves_monitors: whether the cluster has the kinds of the Prometheus operator.
        selecting: the objects of the kinds Prometheus, PrometheusAgent and ThanosRuler.
        namespaces: labels of the namespaces by name.
        unread: the paths that could not be read, with the reason.
    """

    serves_monitors: bool = True
    selecting: Sequence[Mapping[str, object]] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    unread: Sequence[str] = ()


async def read_prometheus(api_server: ApiServer) -> ExistingPrometheus:
    """The Prometheus objects of the cluster, and the labels of its namespaces.

    Args:
        api_server: of the stack's cluster.
    """
    try:
        api_client = await api_server.connect()
    except RunError as error:
        return ExistingPrometheus(unread=[str(error)])
    try:
        return await _read(api_client)
    except (ClientError, OSError, TimeoutError) as error:
        return ExistingPrometheus(unread=[str(error) or type(error).__name__])
    finally:
        await api_client.close()


async def _read(api_client: Any) -> ExistingPrometheus:
    unread: list[str] = []

    async def objects(path: str) -> list[Mapping[str, object]]:
        try:
            return [mapping(item) for item in listed((await get(api_client, path)).get("items"))]
        except RunError as error:
            unread.append(str(error))
            return []

    try:
        serves_monitors = bool(await get(api_client, f"{_GROUP}/v1"))
    except RunError:
        serves_monitors = True
    if not serves_monitors:
        return ExistingPrometheus(serves_monitors=False)
    # An item of a list has no kind.
    selecting = [{**item, "kind": kind} for kind, path in _SELECTING.items() for item in await objects(path)]
    metadata = [mapping(item.get("metadata")) for item in await objects("/api/v1/namespaces")]
    labels = {
        str(item.get("name")): {key: str(value) for key, value in mapping(item.get("labels")).items()}
        for item in metadata
    }
    return ExistingPrometheus(selecting=selecting, namespaces=labels, unread=unread)
