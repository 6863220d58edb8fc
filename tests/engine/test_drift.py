"""What was changed by hand is found, named and made good, on a real engine; the policy pack is asked there."""

from __future__ import annotations

import json

import pytest

from tests.engine.conftest import Engine
from tools.kubectl import Kubectl

# No job runs: what is looked at are the objects, not what the operator makes of them.
LAYER = "jobs: {word-count: {state: suspended}}"


@pytest.fixture(scope="module")
def platform(engine: Engine):
    """The stack, up, and taken away in the end."""
    done = engine.make("up", LAYER)
    assert done.code == 0, done.said
    yield engine
    assert engine.make("destroy", LAYER).code == 0


def test_nothing_was_changed(platform: Engine):
    done = platform.make("drift", LAYER)
    assert done.code == 0
    assert "nothing was changed by hand" in done.said


def test_what_was_changed_is_named_and_repaired(platform: Engine, kubectl: Kubectl):
    parallelism = json.dumps({"spec": {"job": {"parallelism": 7}}})
    kubectl.run("-n", "flink", "patch", "flinkdeployment", "word-count", "--type=merge", "-p", parallelism)
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    added = json.dumps([{"op": "add", "path": "/rules/-", "value": rule}])
    kubectl.run("-n", "flink", "patch", "role", "flink", "--type=json", "-p", added)
    kubectl.run("-n", "flink", "delete", "rolebinding", "flink")
    found = platform.make("drift", LAYER)
    assert found.code != 0
    assert "spec.job.parallelism is 7; declared: 1" in found.said
    assert "RoleBinding flink/flink:\n  is gone" in found.said
    assert "was added" in found.said.partition("Role flink/flink:")[2].partition("\n\n")[0]
    assert "secrets" in found.said
    assert "3 changed by hand" in found.said
    repaired = platform.make("drift", LAYER, "REPAIR=1")
    assert repaired.code == 0, repaired.said
    assert platform.make("drift", LAYER).code == 0
    job = kubectl.get("flinkdeployment", "word-count", "-n", "flink") or {}
    assert job["spec"]["job"]["parallelism"] == 1
    role = kubectl.get("role", "flink", "-n", "flink") or {}
    assert "secrets" not in json.dumps(role["rules"])


def test_a_stack_that_moves_to_another_context_is_refused(platform: Engine):
    done = platform.make("preview", f"{LAYER}\ncontext: elsewhere")
    assert done.code != 0
    assert 'context: "elsewhere" is not in' in done.said


def test_the_policy_pack_says_what_it_finds(platform: Engine):
    # In a namespace of the restricted profile the check refuses it before the pack is asked.
    layer = {
        "namespaces": {"flink": {"podSecurity": "privileged"}},
        "jobs": {"word-count": {"state": "suspended", "spec": {"podTemplate": {"spec": {"hostNetwork": True}}}}},
    }
    done = platform.make("preview", json.dumps(layer), "POLICY=policy")
    assert done.code == 0
    said = done.said.partition("flink-k8s@v")[2].partition("Diagnostics:")[0]
    assert "privileged  (kubernetes:flink.apache.org/v1beta1:FlinkDeployment: flink/word-count)" in said
    assert "spec.podTemplate.spec.hostNetwork: reaches into the node" in said
