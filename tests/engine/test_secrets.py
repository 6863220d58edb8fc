"""Planted secrets with the real engine: no output contains one, and its state contains none as plaintext."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.config.merge import merge_mappings
from flink_k8s.support.kubectl import Kubectl
from tests.engine.stand_in import mirror
from tests.program.test_planted_secrets import PLACES, leaks, planted_in
from tests.project import Project

pytestmark = pytest.mark.full

SECRETS_ASIDE = ("address of a chart", "chart value")
"""No chart comes from an address here, and the sandbox has no Grafana: the operator's chart has the value."""


def planted(folder: Path) -> dict[str, Any]:
    """The stack's config with a secret in every place."""
    config: dict[str, Any] = {**json.loads(mirror(folder)), "waitForJobs": False}
    for name, place in PLACES.items():
        if name not in SECRETS_ASIDE:
            config = merge_mappings(config, place)
    return merge_mappings(config, {"operator": {"values": {"unused": {"password": "planted-chart"}}}})


def other(text: str) -> str:
    """The same with other secrets."""
    return text.replace("planted-", "planted-other-").replace("q3Zt9", "q3Zt9Z")


@pytest.fixture(scope="module")
def up(no_stack: None, engine: Project, charts: Path) -> tuple[Project, dict[str, Any], set[str], dict[str, str]]:
    """The stack, up; its config, all secrets, and what the two commands printed."""
    config = planted(charts)
    secrets = planted_in(config)
    secrets |= {*map(other, secrets), "planted-by-hand"}
    output = {target: engine.make(target, json.dumps(config)).output for target in ("preview", "up")}
    return engine, config, secrets, output


def state(engine: Project) -> str:
    """`pulumi stack export`, without --show-secrets."""
    options = ["--stack", "sandbox", "--non-interactive"]
    result = engine.pulumi("stack", "export", *options, cwd=engine.state / "config")
    assert result.code == 0, result.output
    return result.output


def test_no_output_and_no_state_contains_a_secret(
    up: tuple[Project, dict[str, Any], set[str], dict[str, str]], kubectl: Kubectl
) -> None:
    engine, config, secrets, outputs = up
    layer, changed = json.dumps(config), other(json.dumps(config))
    outputs["state"] = state(engine)
    outputs["preview of the same"] = engine.make("preview", layer).output
    assert "unchanged" in outputs["preview of the same"]
    outputs["preview of a change"] = engine.make("preview", changed).output
    assert "[secret]" in outputs["preview of a change"]
    plan = engine.make("plan", changed)
    assert "restart" in plan.output
    by_hand = {"spec": {"flinkConfiguration": {"s3.secret-key": "planted-by-hand"}}}
    kubectl.run("-n", "flink", "patch", "flinkdeployment", "word-count", "--type=merge", "-p", json.dumps(by_hand))
    drift = engine.make("drift", layer)
    assert "s3.secret-key" in drift.output
    outputs |= {
        "plan": plan.output,
        "drift": drift.output,
        "check": engine.make("check", layer, "EXPLAIN=word-count").output,
    }
    outputs["up of a change"] = engine.make("up", changed).output
    outputs["state after it"] = state(engine)
    outputs["preview of what goes"] = engine.make(
        "preview", json.dumps({"charts": config["charts"], "waitForJobs": False})
    ).output
    assert leaks(outputs, secrets) == []
