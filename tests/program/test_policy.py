"""The policy pack over everything that each shipped stack registers."""

from __future__ import annotations

import pytest

from flink_k8s.config.stack_file import stacks
from policy.evaluate import POLICIES, Evaluator, settings_of
from tests.program.conftest import ROOT


@pytest.mark.parametrize("stack", stacks(ROOT))
def test_a_shipped_stack_keeps_every_policy(recording, stack):
    evaluator = Evaluator(settings_of({}))
    things = recording(stack).things
    lines = {
        f"{rule} {thing.title}: {line}"
        for thing in things
        for rule in POLICIES
        for line in evaluator.lines(rule, thing.urn, thing.type, thing.inputs)
    }
    assert len(evaluator.findings_by_urn) == len(things) >= 8
    # The image of a cluster on one's own machine has no digest: it was never in a registry.
    assert not [line for line in lines if '"pyflink:' not in line]
