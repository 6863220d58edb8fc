"""Install a Helm chart; all components use it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs

from flink_k8s.components.cluster_access import ClusterAccess
from flink_k8s.components.component import resource_name
from flink_k8s.components.kubernetes_range import range_hook
from flink_k8s.components.plaintext_secrets import with_secret_outputs
from flink_k8s.components.rows import row
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.model import Charts, ChartSource
from flink_k8s.facts.versions import Chart
from flink_k8s.health.release_pods import ReleasePods

INSTALL_TIMEOUT_SECONDS = 600


def install(
    name: str,
    chart: Chart,
    version: str,
    *,
    cluster: ClusterAccess,
    charts: Charts,
    source: ChartSource,
    namespace: str,
    values: Mapping[str, Any],
    overrides: Mapping[str, Any],
    hooks: Sequence[pulumi.ResourceHook] = (),
    opts: pulumi.ResourceOptions,
) -> Release:
    """Install a chart under a fixed name and wait until all its objects are ready. Log the state of its pods meanwhile.

    A version of Kubernetes that the chart does not support is a warning.

    Args:
        name: of the release.
        chart: the official chart.
        version: of the chart, exact.
        cluster: for its version, and the issues of pods.
        charts: the stack's mirror.
        source: the stack's source of this chart, which overrides the mirror.
        namespace: of the release; must exist.
        values: of the platform.
        overrides: values of the user, merged over those of the platform.
        hooks: before the release is created or updated.
        opts: parent, dependencies.
    """
    location, repository = locate(chart, version, charts, source)
    is_local = repository is None and not location.startswith("oci://")
    issues = _PodIssues(name, cluster, namespace)
    resource = resource_name(name, opts)
    supported = range_hook(f"{resource}-kubernetes", cluster.api_server, chart, version)
    before = [supported, *hooks, pulumi.ResourceHook(f"{resource}-pods", issues.start)]
    binding = pulumi.ResourceHookBinding(before_create=before, before_update=before)
    release = Release(
        resource,
        name=name,
        chart=location,
        # A local chart contains its version; no other version can be requested.
        version=None if is_local else version,
        repository_opts=None
        if repository is None
        else RepositoryOptsArgs(repo=cast(pulumi.Input[str], with_secret_outputs(repository))),
        namespace=namespace,
        values=cast(Mapping[str, Any], with_secret_outputs(merge_mappings(values, overrides))),
        timeout=INSTALL_TIMEOUT_SECONDS,
        atomic=True,
        cleanup_on_fail=True,
        max_history=10,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True, hooks=binding)),
    )
    release.urn.apply(issues.stop)
    return release


class _PodIssues:
    """Logs the issues of the pods of one release while the engine deploys it."""

    def __init__(self, release: str, cluster: ClusterAccess, namespace: str) -> None:
        self._release = release
        self._api_server = cluster.api_server
        self._namespace = namespace
        self._task: asyncio.Task[None] | None = None

    async def start(self, args: pulumi.ResourceHookArgs) -> None:
        """The hook before the deployment."""
        release = row(args.urn)

        def report(issue: str) -> None:
            pulumi.log.warn(f"release {self._release} is not ready: {issue}", resource=release)

        def show(text: str) -> None:
            pulumi.log.info(text, resource=release, ephemeral=True)

        pods = ReleasePods(self._api_server, self._namespace, report, show)
        self._task = asyncio.create_task(pods.watch())

    def stop(self, _: str) -> None:
        """The engine has deployed the release, or has nothing to change."""
        if self._task is not None:
            self._task.cancel()


def locate(chart: Chart, version: str, charts: Charts, source: ChartSource) -> tuple[str, str | None]:
    """The `chart` argument of a Release and its repository's URL, if it has one.

    A relative path stays relative: the engine compares texts, and another checkout folder must not be a change.
    """
    if source.path is not None:
        return source.path, None
    location = source.repository or charts.mirror
    if location is None:
        return chart.name, chart.repository.format(version=version)
    if location.startswith("oci://"):
        return f"{location.rstrip('/')}/{chart.name}", None
    if "://" in location:
        return chart.name, location
    return f"{location.rstrip('/')}/{chart.name}-{version}.tgz", None
