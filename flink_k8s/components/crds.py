"""Keep the CRDs of a chart at the version of its operator.

Helm creates the CRDs of a chart if they do not exist, and never updates them: the old CRDs would prune new fields of an
upgraded operator. So a hook on the chart's Release applies the chart's CRDs before Helm runs.
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

FLINK_VERSION: Final = "flink-k8s/operator-version"
"""Annotation of a Flink CRD: the operator version that it was applied for."""

PROMETHEUS_VERSION: Final = "operator.prometheus.io/version"
"""Annotation of the CRDs of the Prometheus operator: the version that they belong to, as its chart sets it."""

FIELD_MANAGER: Final = "flink-k8s"
_CRDS: Final = ("apiextensions.k8s.io", "v1", "customresourcedefinitions")
_ESTABLISHED_SECONDS: Final = 60
_REQUEST_SECONDS: Final = 60
_CHART_INPUTS: Final = ("chart", "version", "repositoryOpts")

Object = Mapping[str, Any]
Decision = Literal["create", "update", "keep"]


def decide(declared: Object, live: Object | None, annotation: str) -> Decision:
    """The decision for a CRD. A CRD of a newer operator is kept: an older CRD prunes fields that it does not define.

    Args:
        declared: the CRD to apply.
        live: the CRD in the cluster; None if it does not exist.
        annotation: of a CRD, with the version of its operator.
    """
    if live is None:
        return "create"
    live_version, declared_version = _version(live, annotation), _version(declared, annotation)
    if live_version and declared_version:
        return "keep" if declared_version < live_version else "update"
    # Created by Helm or by hand: newer versions only add fields.
    return "keep" if own_fields(live) - own_fields(declared) else "update"


def _version(crd: Object, annotation: str) -> tuple[int, ...]:
    return _ordered(str(cast(Object, crd["metadata"].get("annotations") or {}).get(annotation, "")))


def _ordered(version: str) -> tuple[int, ...]:
    """The numbers of a version, to compare; empty if it is not a version."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def own_fields(crd: Object) -> frozenset[str]:
    """The fields of a CRD's schemas, as `v1beta1.spec.job.parallelism`, without those of Kubernetes' pod templates."""
    return frozenset(
        f"{version['name']}.{path}"
        for version in cast("list[Object]", crd["spec"]["versions"])
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
    """The chart, as arguments of the provider's function `kubernetes:helm:template`.

    Args:
        release: inputs of the Release.
        name: of the release.
    """
    chart, version = str(release["chart"]), release.get("version")
    repository = cast(Object, release.get("repositoryOpts") or {}).get("repo")
    options: dict[str, object] = {"chart": chart, "release_name": name}
    if _is_local(release):
        path = Path(chart).expanduser().absolute()
        options |= {"chart": path.name, "path": str(path.parent)}
    elif repository:
        options |= {"fetch_opts": {"repo": repository}}
    return {**options, "version": version} if version else options


def _is_local(release: Object) -> bool:
    repository = cast(Object, release.get("repositoryOpts") or {}).get("repo")
    return not repository and not str(release["chart"]).startswith("oci://")


@dataclass(frozen=True)
class CrdUpdater:
    """Apply the CRDs of a Release's chart before the Release is created or updated.

    Attributes:
        api_server: of the stack's cluster.
        owner: of the CRDs in messages: `operator 1.16.1`.
        annotations: that each CRD gets.
        version_annotation: annotation with the version of the operator, set by `annotations` or by the chart.
        provider: of the stack; it reads the chart with the same Helm that installs it.
        optional: whether the chart can be configured to contain no CRDs.
    """

    api_server: ApiServer
    owner: str
    annotations: Mapping[str, str]
    version_annotation: str
    provider: pulumi.ProviderResource | None
    optional: bool = False

    @staticmethod
    def of_flink(api_server: ApiServer, version: str, provider: pulumi.ProviderResource | None) -> CrdUpdater:
        """For the chart of the Flink operator, whose CRDs contain no version."""
        return CrdUpdater(api_server, f"operator {version}", {FLINK_VERSION: version}, FLINK_VERSION, provider)

    @staticmethod
    def of_prometheus(api_server: ApiServer, version: str, provider: pulumi.ProviderResource | None) -> CrdUpdater:
        """For kube-prometheus-stack; its values can disable the CRDs."""
        owner = f"kube-prometheus-stack {version}"
        return CrdUpdater(api_server, owner, {}, PROMETHEUS_VERSION, provider, optional=True)

    def hook(self, name: str) -> pulumi.ResourceHook:
        """The hook for the Release, before it is created or updated."""
        return pulumi.ResourceHook(name, self._before)

    async def _before(self, args: pulumi.ResourceHookArgs) -> None:
        new, old = cast(Object, args.new_inputs or {}), cast(Object, args.old_inputs or {})
        if old and not _is_local(new) and all(old.get(key) == new.get(key) for key in _CHART_INPUTS):
            return  # only a value changed, not the chart; a local chart may have another content
        if crds := await self._chart_crds(new, str(new["name"])):
            await self.apply(crds)

    async def _chart_crds(self, release: Object, name: str) -> list[Object]:
        # Some charts cannot be rendered with their own defaults; values may be secret.
        values = await pulumi.Output.from_input(release.get("values") or {}).future()
        options = {**chart_options(release, name), "values": values}
        try:
            response: Object = await pulumi.runtime.invoke_async(
                "kubernetes:helm:template",
                {"jsonOpts": json.dumps(options)},
                pulumi.InvokeOptions(provider=self.provider),
            )
        except Exception as error:  # the SDK raises no more specific class
            raise pulumi.RunError(f"the CRDs of chart {release['chart']} cannot be read: {error}") from None
        objects = cast("list[Object]", response["result"])
        crds = [item for item in objects if item.get("kind") == "CustomResourceDefinition"]
        if not crds and not self.optional:
            raise pulumi.RunError(f"chart {release['chart']} contains no CRDs; use the chart of the Flink operator")
        return crds

    async def apply(self, crds: list[Object]) -> None:
        """Apply the CRDs, wait until the API server serves them, and log the changes.

        Raises:
            pulumi.RunError: if the API server refuses one.
        """
        failure = f"the CRDs of {self.owner} cannot be applied"
        async with self.api_server.asked(failure) as api_client:
            changes = await asyncio.gather(*(self._apply_one(api_client, crd) for crd in crds))
        changed = [f"{name} {decision}d" for name, decision in changes if decision != "keep"]
        if changed:
            pulumi.log.info(f"CRDs of {self.owner}: {', '.join(changed)}")
        for name, decision in changes:
            if decision == "keep":
                pulumi.log.warn(
                    f"CRD {name} is not changed: it belongs to a newer version than {self.owner}, and an older CRD "
                    "would drop fields of existing objects; see docs/upgrade.md"
                )

    async def _apply_one(self, api_client: Any, declared: Object) -> tuple[str, Decision]:
        from kubernetes_asyncio import client
        from kubernetes_asyncio.client.exceptions import ApiException

        api: Any = client.CustomObjectsApi(api_client)
        name = str(declared["metadata"]["name"])
        live: Object | None = None
        try:
            live = await api.get_cluster_custom_object(*_CRDS, name, _request_timeout=_REQUEST_SECONDS)
        except ApiException as error:
            if error.status != 404:
                raise
        annotations = {**cast(Object, declared["metadata"].get("annotations") or {}), **self.annotations}
        body = {key: value for key, value in declared.items() if key != "status"}
        body["metadata"] = {**declared["metadata"], "annotations": annotations}
        decision = decide(body, live, self.version_annotation)
        if decision == "keep":
            return name, decision
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
            # Read it again: the client returns None for an object that a patch has created.
            while not _is_established(await api.get_cluster_custom_object(*_CRDS, name)):
                await asyncio.sleep(0.2)
        return name, decision


def _is_established(crd: Object) -> bool:
    return condition(crd, "Established") is not None
