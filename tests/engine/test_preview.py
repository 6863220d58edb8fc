"""What a preview asks beyond the engine's diff: the context of the stack, and the policy pack."""

from __future__ import annotations

import json

import pytest

from tests.project import Project

pytestmark = pytest.mark.full


def test_an_unknown_context_is_refused(engine: Project):
    done = engine.make("preview", "context: elsewhere")
    assert done.code != 0
    assert 'context: "elsewhere" is not in' in done.output


def test_the_policy_pack_reports_its_findings(engine: Project):
    # In a namespace of the restricted profile the check refuses it before the pack is asked.
    layer = {
        "namespaces": {"flink": {"podSecurity": "privileged"}},
        "jobs": {"word-count": {"state": "suspended", "spec": {"podTemplate": {"spec": {"hostNetwork": True}}}}},
    }
    done = engine.make("preview", json.dumps(layer), "POLICY=policy")
    assert done.code == 0
    findings = done.output.partition("flink-k8s@v")[2].partition("Diagnostics:")[0]
    assert "privileged  (kubernetes:flink.apache.org/v1beta1:FlinkDeployment: flink/word-count)" in findings
    assert "spec.podTemplate.spec.hostNetwork: reaches into the node" in findings
