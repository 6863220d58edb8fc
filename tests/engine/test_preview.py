"""What a preview asks beyond the engine's diff: the context of the stack, and the policy pack."""

from __future__ import annotations

import json

import pytest

from tests.project import Project

pytestmark = pytest.mark.full


def test_an_unknown_context_is_refused(engine: Project):
    result = engine.make("preview", "context: elsewhere")
    assert result.code != 0
    assert 'context: "elsewhere" is not in' in result.output


def test_the_policy_pack_reports_its_findings(engine: Project):
    # In a namespace of the restricted profile the check refuses it before the pack evaluates it.
    layer = {
        "namespaces": {"flink": {"podSecurity": "privileged"}},
        "jobs": {"word-count": {"state": "suspended", "spec": {"podTemplate": {"spec": {"hostNetwork": True}}}}},
    }
    result = engine.make("preview", json.dumps(layer), "POLICY=policy")
    assert result.code == 0, result.output
    finding = "policy restricted-profile (advisory): spec.podTemplate.spec.hostNetwork: gives the pod access"
    assert f"FlinkDeployment flink/word-count: {finding}" in result.output, "the stack is not strict"
    assert "policy pod-security" not in result.output, "the namespace accepts any pod"
