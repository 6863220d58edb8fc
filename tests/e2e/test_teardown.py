"""Teardown with the operator gone: it says what blocks and touches nothing; brought back, or unstuck, it finishes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import find_tool
from tests.project import PAIR, PAIRS, make

BRING_BACK = re.compile(r"`helm (rollback flink-kubernetes-operator \d+ -n flink-operator --wait)`")
OPERATOR = ("deployment", "flink-kubernetes-operator", "-n", "flink-operator")


@pytest.fixture(scope="module")
def platform(no_stack: None, kubectl: Kubectl) -> Path:
    """The stack with its job alone, since two jobs do not fit on two cores; the layer that it is up with."""
    up(PAIRS[PAIR])
    return PAIRS[PAIR]


def up(layer: Path) -> None:
    done = make("up", "STACK=sandbox", f"LAYER={layer}", timeout=600)
    assert done.returncode == 0, done.stderr


def remove_operator(kubectl: Kubectl) -> None:
    """As somebody would who does not know what it is for; all its pods are gone then."""
    kubectl.run("delete", *OPERATOR, "--cascade=foreground", "--timeout=60s")


def job(kubectl: Kubectl) -> dict[str, object] | None:
    return kubectl.get("flinkdeployment", "word-count", "-n", "flink")


class TestTeardown:
    """In this order."""

    def test_without_its_operator_it_says_what_blocks_and_touches_nothing(self, platform: Path, kubectl: Kubectl):
        remove_operator(kubectl)
        start = time.monotonic()
        done = make("destroy", "STACK=sandbox", timeout=400)
        assert done.returncode != 0
        said = done.stdout + done.stderr
        assert "nothing was touched: there is no operator pod in the namespace flink-operator" in said
        assert "FlinkDeployment flink/word-count waits for the finalizer" in said
        assert BRING_BACK.search(said)
        assert time.monotonic() - start < 120
        assert "deletionTimestamp" not in (job(kubectl) or {})["metadata"]

    def test_one_that_is_deleted_all_the_same_waits(self, platform: Path, kubectl: Kubectl):
        kubectl.run("delete", "flinkdeployment", "word-count", "-n", "flink", "--wait=false")
        assert "deletionTimestamp" in (job(kubectl) or {})["metadata"]

    def test_brought_back_as_it_says_it_finishes(self, platform: Path, kubectl: Kubectl):
        refused = make("destroy", "STACK=sandbox", timeout=400)
        said = BRING_BACK.search(refused.stderr)
        assert said
        where = ["--kubeconfig", str(kubectl.kubeconfig), "--kube-context", kubectl.context]
        subprocess.run([find_tool("helm"), *shlex.split(said[1]), *where], check=True, timeout=200)
        done = make("destroy", "STACK=sandbox", timeout=400)
        assert done.returncode == 0, done.stdout + done.stderr
        names = json.loads(kubectl.run("get", "namespaces", "-o", "json"))["items"]
        assert not {name["metadata"]["name"] for name in names} & {"flink", "flink-operator"}

    @pytest.mark.full
    def test_unstick_asks_and_then_lets_it_go(self, platform: Path, kubectl: Kubectl):
        up(platform)
        remove_operator(kubectl)
        refused = make("unstick", "STACK=sandbox", timeout=60)  # nobody answers
        assert refused.returncode != 0
        assert "FlinkDeployment flink/word-count: it goes at once when it is deleted" in refused.stdout
        assert (job(kubectl) or {})["metadata"]["finalizers"]
        done = make("unstick", "STACK=sandbox", "YES=1", timeout=60)
        assert done.returncode == 0, done.stderr
        done = make("destroy", "STACK=sandbox", timeout=400)
        assert done.returncode == 0, done.stdout + done.stderr
        assert job(kubectl) is None
