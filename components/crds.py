"""The CRDs of the operator's chart, kept at the operator's version.

Helm makes the CRDs of a chart when none are there, and never touches them again: an upgraded operator would find its
new fields pruned by the old CRDs. So a hook on the operator's Release applies the chart's CRDs before Helm runs.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

import pulumi

from flink_k8s.facts.mappings import condition
from flink_k8s.health.api_server import ApiServer

MARK: Final = "flink-k8s/operator-version"
"""Annotation of a CRD: the operator version that it was applied for."""

FIELD_MANAGER: Final = "flink-k8s"
_CRDS: Final = ("apiextensions.k8s.io", "v1", "customresourcedefinitions")
_ESTABLISHED_SECONDS: Final = 60
_REQUEST_SECONDS: Final = 60
_WHICH_CHART: Final = ("chart", "version", "repositoryOpts")

Object = Mapping[str, Any]
Decision = Literal["create", "update", "keep"]


def decide(wanted: Object, found: Object | None, version: str) -> Decision:
    """What to do with one CRD. One that belongs to a newer operator is kept: an older one prunes fields that it lacks.

    Args:
        wanted: as the chart has it.
        found: as the cluster has it, None when it does not.
        version: of the operator that the chart is for.
    """
    if found is None:
        return "create"
    annotations = cast(Object, found["metadata"].get("annotations") or {})
    mark = _ordered(str(annotations.get(MARK, "")))
    ours = _ordered(version)
    if mark and ours:
        return "keep" if ours < mark else "update"
    # Made by Helm or by hand: Flink's own fields only ever get more.
    return "keep" if flink_fields(found) - flink_fields(wanted) else "update"


def _ordered(version: str) -> tuple[int, ...]:
    """`1.16.1` as something that compares; empty for what is no version."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def flink_fields(definition: Object) -> frozenset[str]:
    """The fields of a CRD's schemas, as `v1beta1.spec.job.parallelism`, without those of Kubernetes' pod templates."""
    return frozenset(
        f"{version['name']}.{path}"
        for version in cast("list[Object]", definition["spec"]["versions"])
        for path in _fields(cast(Object, cast(Object, version.get("schema") or {}).get("openAPIV3Schema") or {}))
    )


def _fields(schema: Object) -> Iterator[str]:
    for name, inner in cast("Mapping[str, Object]", schema.get("properties") or {}).items():
        yield name
        if name != "podTemplate":
            yield from (f"{name}.{path}" for path in _fields(inner))
    items = schema.get("items")
    if isinstance(items, Mapping):
        yield from (f"*.{path}" for path in _fields(cast(Object, items)))


def chart_options(release: Object, name: str) -> dict[str, object]:
    """Which chart, as the provider's function `kubernetes:helm:template` wants it.

    Args:
        release: inputs of the Release.
        name: of the release.
    """
    chart, version = str(release["chart"]), release.get("version")
    repository = cast(Object, release.get("repositoryOpts") or {}).get("repo")
    options: dict[str, object] = {"chart": chart, "release_name": name}
    if _is_local(release):
        place = Path(chart).expanduser().absolute()
        options |= {"chart": place.name, "path": str(place.parent)}
    elif repository:
        options |= {"fetch_opts": {"repo": repository}}
    return {**options, "version": version} if version else options


def _is_local(release: Object) -> bool:
    repository = cast(Object, release.get("repositoryOpts") or {}).get("repo")
    return not repository and not str(release["chart"]).startswith("oci://")


@dataclass(frozen=True)
class Definitions:
    """Applies the CRDs of a Release's chart before the Release is made or upgraded.

    Attributes:
        api_server: of the stack's cluster.
        version: of the operator.
        provider: the stack's; it reads the chart, with the very Helm that installs it.
    """

    api_server: ApiServer
    version: str
    provider: pulumi.ProviderResource | None

    def hook(self) -> pulumi.ResourceHook:
        """For the operator's Release, before it is made and before it is upgraded."""
        return pulumi.ResourceHook("operator-crds", self._before)

    async def _before(self, args: pulumi.ResourceHookArgs) -> None:
        new, old = cast(Object, args.new_inputs or {}), cast(Object, args.old_inputs or {})
        if old and not _is_local(new) and all(old.get(key) == new.get(key) for key in _WHICH_CHART):
            return  # a value changed, and not the chart; of a local one only its content says so
        await self.apply(await self._chart_definitions(new, args.name))

    async def _chart_definitions(self, release: Object, name: str) -> list[Object]:
        # Some charts refuse to be rendered with their own defaults; and values may be secret.
        values = await pulumi.Output.from_input(release.get("values") or {}).future()
        options = {**chart_options(release, name), "values": values}
        try:
            answer: Object = await pulumi.runtime.invoke_async(
                "kubernetes:helm:template",
                {"jsonOpts": json.dumps(options)},
                pulumi.InvokeOptions(provider=self.provider),
            )
        except Exception as error:  # what the SDK raises has no class of its own
            raise pulumi.RunError(f"the CRDs of chart {release['chart']} cannot be read: {error}") from None
        objects = cast("list[Object]", answer["result"])
        found = [item for item in objects if item.get("kind") == "CustomResourceDefinition"]
        if not found:
            raise pulumi.RunError(f"chart {release['chart']} has no CRDs: is it the Flink operator's?")
        return found

    async def apply(self, wanted: list[Object]) -> None:
        """Applies the CRDs and waits until the API server serves them; says what it did.

        Raises:
            pulumi.RunError: when the API server refuses one.
        """
        failure = f"the CRDs of operator {self.version} cannot be applied"
        async with self.api_server.asked(failure) as api_client:
            done = await asyncio.gather(*(self._apply_one(api_client, definition) for definition in wanted))
        changed = [f"{name} {decision}d" for name, decision in done if decision != "keep"]
        if changed:
            pulumi.log.info(f"CRDs of operator {self.version}: {', '.join(changed)}")
        for name, decision in done:
            if decision == "keep":
                pulumi.log.warn(
                    f"CRD {name} stays as it is: it belongs to a newer operator than {self.version}, and an older CRD "
                    "would drop fields of the objects that are there; docs/upgrade.md says what to do"
                )

    async def _apply_one(self, api_client: Any, wanted: Object) -> tuple[str, Decision]:
        from kubernetes_asyncio import client
        from kubernetes_asyncio.client.exceptions import ApiException

        api: Any = client.CustomObjectsApi(api_client)
        name = str(wanted["metadata"]["name"])
        found: Object | None = None
        try:
            found = await api.get_cluster_custom_object(*_CRDS, name, _request_timeout=_REQUEST_SECONDS)
        except ApiException as error:
            if error.status != 404:
                raise
        decision = decide(wanted, found, self.version)
        if decision == "keep":
            return name, decision
        annotations = {**cast(Object, wanted["metadata"].get("annotations") or {}), MARK: self.version}
        body = {key: value for key, value in wanted.items() if key != "status"}
        body["metadata"] = {**wanted["metadata"], "annotations": annotations}
        await api.patch_cluster_custom_object(
            *_CRDS,
            name,
            body,
            field_manager=FIELD_MANAGER,
            force=True,
            _content_type="application/apply-patch+yaml",
            _request_timeout=_REQUEST_SECONDS,
        )
        async with asyncio.timeout(_ESTABLISHED_SECONDS):
            # Asked for anew: the client gives None for what a patch has created.
            while not _is_established(await api.get_cluster_custom_object(*_CRDS, name)):
                await asyncio.sleep(0.2)
        return name, decision


def _is_established(definition: Object) -> bool:
    return condition(definition, "Established") is not None
