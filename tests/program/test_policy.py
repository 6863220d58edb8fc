"""The policy pack over everything that each shipped stack registers."""

from __future__ import annotations

import pytest

from flink_k8s.config.stack_file import stacks
from policy.evaluate import POLICIES, Evaluator, settings_of
from tests.program.conftest import ROOT


@pytest.mark.parametrize("stack", stacks(ROOT))
def test_shipped_stacks_violate_no_policy(resource_graph, stack):
    evaluator = Evaluator(settings_of({}))
    objects = resource_graph(stack).objects
    lines = {
        f"{rule} {resource.title}: {line}"
        for resource in objects
        for rule in POLICIES
        for line in evaluator.lines(rule, resource.urn, resource.type, resource.inputs)
    }
    assert len(evaluator.findings_by_urn) == len(objects) >= 8
    # The image of a cluster on one's own machine has no digest: it was never in a registry.
    assert not [line for line in lines if '"pyflink:' not in line]
