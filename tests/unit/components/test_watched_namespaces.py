"""A namespace that the operator stops watching must not contain Flink resources."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import pulumi
import pytest

from flink_k8s.components.watched_namespaces import WatchedNamespaces
from flink_k8s.health.api_server import ApiServer

JOB = "FlinkDeployment team-b/orders"


class Cluster(WatchedNamespaces):
    """Namespaces with one job each."""

    async def _resources(self, namespaces: Collection[str]) -> list[tuple[str, str]]:
        read = ["team-a", "team-b"] if "" in namespaces else namespaces
        return [(namespace, f"FlinkDeployment {namespace}/orders") for namespace in read if namespace != "empty"]


def update(old: list[str] | None, new: list[str]) -> None:
    def inputs(namespaces: list[str] | None) -> Mapping[str, Any] | None:
        return None if namespaces is None else {"values": {"watchNamespaces": namespaces}}

    args = pulumi.ResourceHookArgs("urn", "", "operator", "type", new_inputs=inputs(new), old_inputs=inputs(old))
    asyncio.run(Cluster(ApiServer(None, "none"))._before(args))


@pytest.mark.parametrize("old", [["team-a", "team-b"], []], ids=["a list", "all namespaces"])
def test_a_namespace_with_jobs_stays_watched(old: list[str]):
    with pytest.raises(pulumi.RunError, match=rf"no longer watch team-b, and .*: {JOB}; keep team-b in namespaces"):
        update(old, ["team-a"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, ["team-a"]),  # the release is created
        (["team-a"], ["team-a"]),
        (["team-a"], ["team-a", "team-b"]),
        (["team-a", "empty"], ["team-a"]),
        (["team-a"], []),  # all namespaces
        ([], []),
        ([], ["team-a", "team-b"]),
    ],
)
def test_other_changes_of_the_watched_namespaces_are_accepted(old: list[str] | None, new: list[str]):
    update(old, new)
