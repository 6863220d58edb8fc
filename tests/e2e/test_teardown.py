"""Destroy without the operator reports the reason and changes nothing; after a repair or unstick it completes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time

import pytest

from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import find_tool
from tests.project import PAIR, PAIRS, make
from tests.steps import step

BRING_BACK = re.compile(r"`helm (rollback flink-kubernetes-operator \d+ -n flink-operator --wait)`")
OPERATOR = ("deployment", "flink-kubernetes-operator", "-n", "flink-operator")


@pytest.fixture
def deployed(no_stack: None) -> None:
    """The stack with one job: two jobs do not fit on two cores."""
    result = make("up", "STACK=sandbox", f"LAYER={PAIRS[PAIR]}", timeout=600)
    assert result.returncode == 0, result.stderr


def remove_operator(kubectl: Kubectl) -> None:
    """Delete the operator's release by hand, with all its pods."""
    kubectl.run("delete", *OPERATOR, "--cascade=foreground", "--timeout=60s")


def job(kubectl: Kubectl) -> dict[str, object] | None:
    return kubectl.get("flinkdeployment", "word-count", "-n", "flink")


@pytest.mark.usefixtures("deployed")
def test_destroy_without_the_operator_changes_nothing_and_finishes_with_it(kubectl: Kubectl):
    with step("without the operator, destroy names what blocks it and changes nothing"):
        remove_operator(kubectl)
        start = time.monotonic()
        result = make("destroy", "STACK=sandbox", timeout=400)
        assert result.returncode != 0
        output = result.stdout + result.stderr
        assert "destroy refused, nothing was changed: no operator pod exists in the namespace flink-operator" in output
        assert "FlinkDeployment flink/word-count waits for the operator to remove the finalizer" in output
        assert BRING_BACK.search(output)
        assert time.monotonic() - start < 120
        assert "deletionTimestamp" not in (job(kubectl) or {})["metadata"]

    with step("a job that is deleted waits for its finalizer"):
        kubectl.run("delete", "flinkdeployment", "word-count", "-n", "flink", "--wait=false")
        assert "deletionTimestamp" in (job(kubectl) or {})["metadata"]

    with step("with the operator installed again as the error says, destroy finishes"):
        refused = make("destroy", "STACK=sandbox", timeout=400)
        output = BRING_BACK.search(refused.stderr)
        assert output
        where = ["--kubeconfig", str(kubectl.kubeconfig), "--kube-context", kubectl.context]
        subprocess.run([find_tool("helm"), *shlex.split(output[1]), *where], check=True, timeout=200)
        result = make("destroy", "STACK=sandbox", timeout=400)
        assert result.returncode == 0, result.stdout + result.stderr
        names = json.loads(kubectl.run("get", "namespaces", "-o", "json"))["items"]
        assert not {name["metadata"]["name"] for name in names} & {"flink", "flink-operator"}


@pytest.mark.full
@pytest.mark.usefixtures("deployed")
def test_unstick_asks_before_it_removes_finalizers(kubectl: Kubectl):
    remove_operator(kubectl)
    refused = make("unstick", "STACK=sandbox", timeout=60)  # without an answer
    assert refused.returncode != 0
    assert "FlinkDeployment flink/word-count: a later deletion is immediate" in refused.stdout
    assert (job(kubectl) or {})["metadata"]["finalizers"]
    result = make("unstick", "STACK=sandbox", "YES=1", timeout=60)
    assert result.returncode == 0, result.stderr
    result = make("destroy", "STACK=sandbox", timeout=400)
    assert result.returncode == 0, result.stdout + result.stderr
    assert job(kubectl) is None
