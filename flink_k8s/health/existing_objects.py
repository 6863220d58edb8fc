"""Objects that exist in the cluster under the names of objects that a stack is about to create."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.health.api_server import ApiServer, get

RELEASE_API: Final = "helm.sh/v3"
"""The API version in the type of Pulumi's Helm releases."""

_PULUMI: Final = "pulumi-"
"""Prefix of the field managers of Pulumi's provider: `pulumi-kubernetes-1a2b3c4d`, `pulumi-resource-kubernetes`."""

_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, order=True)
class ObjectKey:
    """The identity of an object.

    Attributes:
        api_version: `v1`, `apps/v1`; of a Helm release `helm.sh/v3`.
        kind: of the object, or `Release`.
        namespace: empty for a cluster-scoped object.
        name: of the object or the release.
    """

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def title(self) -> str:
        """`Role team-a/flink`, `Namespace team-a`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Existing:
    """An object in the cluster.

    Attributes:
        manager: the program that has applied it, from its managed fields; empty if unknown.
        is_of_pulumi: whether Pulumi has applied it, or its label `app.kubernetes.io/managed-by` is `pulumi`.
    """

    manager: str
    is_of_pulumi: bool


async def existing_objects(
    api_server: ApiServer, keys: Collection[ObjectKey]
) -> tuple[dict[ObjectKey, Existing], list[str]]:
    """The objects that exist, by one list request for each kind and namespace.

    Args:
        api_server: of the stack's cluster.
        keys: the objects to look for.

    Returns:
        The existing ones of them, and a text for each kind that could not be listed.
    """
    by_list: dict[tuple[str, str, str], list[ObjectKey]] = defaultdict(list)
    for key in keys:
        by_list[key.api_version, key.kind, key.namespace].append(key)
    try:
        api_client = await api_server.connect()
    except pulumi.RunError as error:
        return {}, [str(error)]
    try:
        served = _Served(api_client)
        lists = await asyncio.gather(*(_list(served, *group) for group in by_list), return_exceptions=True)
    finally:
        await api_client.close()
    existing: dict[ObjectKey, Existing] = {}
    unread: list[str] = []
    for (group, wanted), answer in zip(by_list.items(), lists, strict=True):
        if isinstance(answer, BaseException):
            _, kind, namespace = group
            unread.append(f"{kind} in {namespace or 'the cluster'}: {str(answer) or type(answer).__name__}")
            continue
        existing |= {key: answer[key.name] for key in wanted if key.name in answer}
    return existing, unread


class _Served:
    """The kinds that the API server serves; one request for each API version."""

    def __init__(self, api_client: Any) -> None:
        self._api_client = api_client
        self._kinds: dict[str, asyncio.Task[Mapping[str, str]]] = {}

    async def get(self, path: str, **query: str) -> Mapping[str, object]:
        """The answer to a GET request, of a list only the metadata; empty for 404."""
        return await get(self._api_client, path, accept=f"{_METADATA_ONLY},application/json", **query)

    async def plural(self, api_version: str, kind: str) -> str:
        """The kind's name in paths: `roles`; empty if the API server does not serve the kind."""
        if api_version not in self._kinds:
            self._kinds[api_version] = asyncio.create_task(self._plurals(api_version))
        return (await self._kinds[api_version]).get(kind, "")

    async def _plurals(self, api_version: str) -> Mapping[str, str]:
        resources = map(mapping, listed((await self.get(root_path(api_version))).get("resources")))
        names = ((str(resource.get("kind")), str(resource.get("name"))) for resource in resources)
        return {kind: name for kind, name in names if "/" not in name}


def root_path(api_version: str) -> str:
    """The path of an API version: `/apis/apps/v1`, `/api/v1`."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


async def _list(served: _Served, api_version: str, kind: str, namespace: str) -> dict[str, Existing]:
    """The objects of a kind in a namespace, by name."""
    if api_version == RELEASE_API:
        # Helm stores each revision of a release as a Secret.
        secrets = await served.get(f"/api/v1/namespaces/{namespace}/secrets", labelSelector="owner=helm")
        return {str(_labels(item).get("name")): _existing(item) for item in _metadata(secrets)}
    plural = await served.plural(api_version, kind)
    if not plural:
        return {}
    inside = f"/namespaces/{namespace}" if namespace else ""
    objects = await served.get(f"{root_path(api_version)}{inside}/{plural}")
    return {str(item.get("name")): _existing(item) for item in _metadata(objects)}


def _metadata(answer: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    return [mapping(mapping(item).get("metadata")) for item in listed(answer.get("items"))]


def _labels(metadata: Mapping[str, object]) -> Mapping[str, object]:
    return mapping(metadata.get("labels"))


def _existing(metadata: Mapping[str, object]) -> Existing:
    managers = [str(mapping(fields).get("manager")) for fields in listed(metadata.get("managedFields"))]
    is_labelled = _labels(metadata).get("app.kubernetes.io/managed-by") == "pulumi"
    is_of_pulumi = is_labelled or any(manager.startswith(_PULUMI) for manager in managers)
    return Existing(managers[0] if managers else "", is_of_pulumi)
