"""The one way in which this program installs a Helm chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pulumi
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs

from components.plaintext_secrets import guarded
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.model import Charts, ChartSource
from flink_k8s.facts.versions import Chart

INSTALL_TIMEOUT_SECONDS = 600


def install(
    name: str,
    chart: Chart,
    version: str,
    *,
    charts: Charts,
    source: ChartSource,
    namespace: pulumi.Input[str],
    values: Mapping[str, Any],
    overrides: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
) -> Release:
    """Installs a chart under a fixed name and waits until all of it is ready.

    Args:
        name: of the release.
        chart: the official chart.
        version: of the chart, exact.
        charts: the stack's mirror.
        source: where the stack takes this chart from, before the mirror.
        namespace: of the release; must exist.
        values: what the platform sets.
        overrides: what the user sets, merged over it.
        opts: parent, dependencies.
    """
    place, repository = locate(chart, version, charts, source)
    is_local = repository is None and not place.startswith("oci://")
    return Release(
        name,
        name=name,
        chart=place,
        # A chart in a folder has its own version in it and no other can be asked for.
        version=None if is_local else version,
        repository_opts=None
        if repository is None
        else RepositoryOptsArgs(repo=cast(pulumi.Input[str], guarded(repository))),
        namespace=namespace,
        values=cast(Mapping[str, Any], guarded(merge_mappings(values, overrides))),
        timeout=INSTALL_TIMEOUT_SECONDS,
        atomic=True,
        cleanup_on_fail=True,
        max_history=10,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
    )


def locate(chart: Chart, version: str, charts: Charts, source: ChartSource) -> tuple[str, str | None]:
    """The `chart` argument of a Release and its repository's URL, if it has one.

    A relative path stays relative: the engine compares it as text, and a checkout elsewhere must not be a change.
    """
    if source.path is not None:
        return source.path, None
    place = source.repository or charts.mirror
    if place is None:
        return chart.name, chart.repository.format(version=version)
    if place.startswith("oci://"):
        return f"{place.rstrip('/')}/{chart.name}", None
    if "://" in place:
        return chart.name, place
    return f"{place.rstrip('/')}/{chart.name}-{version}.tgz", None
