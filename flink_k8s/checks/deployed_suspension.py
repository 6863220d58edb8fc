"""The jobs that `make suspend` has stopped, from the engine's state: every later `up` keeps them suspended."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from flink_k8s.facts.kinds import FLINK_GROUP
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve.deployed_resources import resources_of_deployed_stack
from flink_k8s.resolve.job_spec import SUSPENDED


def deployed_suspension() -> dict[str, str]:
    """The suspended jobs of the running stack, by `kind/namespace/name`: time and user of their suspension.

    The engine reads its state for the program before any change.
    """
    suspended = suspended_in(resources_of_deployed_stack())
    if suspended:
        jobs = ", ".join(f"{key.partition('/')[2]} (since {since})" for key, since in sorted(suspended.items()))
        pulumi.log.info(f"suspended until `make resume STACK={pulumi.get_stack()}`: {jobs}")
    return suspended


def suspended_in(resources: Mapping[str, object]) -> dict[str, str]:
    """The suspended jobs among resources.

    Args:
        resources: URN to type and outputs.
    """
    suspended: dict[str, str] = {}
    for resource in map(mapping, resources.values()):
        if str(resource.get("type")).startswith(f"kubernetes:{FLINK_GROUP}/"):
            outputs = mapping(resource.get("outputs"))
            metadata = mapping(outputs.get("metadata"))
            since = mapping(metadata.get("annotations")).get(SUSPENDED)
            if since is not None:
                suspended[f"{outputs.get('kind')}/{metadata.get('namespace')}/{metadata.get('name')}"] = str(since)
    return suspended
