"""Warns about a version of Kubernetes that a chart does not support, before the chart is installed or upgraded."""

from __future__ import annotations

import re

import pulumi

from flink_k8s.facts.versions import KUBERNETES, Chart
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.cluster_version import cluster_version


def range_hook(name: str, api_server: ApiServer, chart: Chart, version: str) -> pulumi.ResourceHook:
    """The hook of a release, in previews too. It runs only if the release is created or updated.

    Args:
        name: of the hook.
        api_server: of the stack's cluster.
        chart: the chart.
        version: of the chart that is deployed.
    """

    async def check(_: pulumi.ResourceHookArgs) -> None:
        if message := range_message(chart, version, await cluster_version(api_server)):
            pulumi.log.warn(message)

    return pulumi.ResourceHook(name, check, pulumi.ResourceHookOptions(on_dry_run=True))


def range_message(chart: Chart, version: str, cluster: str) -> str:
    """The warning about the cluster's version.

    Args:
        chart: the chart.
        version: of the chart that is deployed.
        cluster: version of Kubernetes, such as `v1.34.4`; empty if unknown.

    Returns:
        The warning; empty if the version is in the range, or if one of both is not known.
    """
    match = re.match(r"v?1\.(\d+)", cluster)
    ranges = (item for item in KUBERNETES if item.chart == chart.name and version.startswith(item.release))
    supported = next(ranges, None)
    if match is None or supported is None:
        return ""
    minor = int(match[1])
    is_newer = supported.last is not None and minor > supported.last
    if minor >= supported.first and not is_newer:
        return ""
    remedy = "use a newer chart" if is_newer else "upgrade the cluster, or use an older chart"
    return f"the cluster runs Kubernetes 1.{minor}, and {chart.name} {version} supports {supported}; {remedy}"
