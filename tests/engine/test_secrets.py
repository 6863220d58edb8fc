"""Planted secrets on a real engine: nothing that it and the tools show has one, and its state none in clear."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from settings.merge import merge_mappings
from tests.engine.conftest import Engine
from tests.engine.stand_in import mirror
from tests.program.test_planted_secrets import PLACES, leaks, planted_in
from tools.kubectl import Kubectl

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
def up(engine: Engine, charts: Path) -> Generator[tuple[Engine, dict[str, Any], set[str], dict[str, str]]]:
    """The stack, up; its config, all secrets, and what the two commands printed."""
    config = planted(charts)
    secrets = planted_in(config)
    secrets |= {*map(other, secrets), "planted-by-hand"}
    said = {target: engine.make(target, json.dumps(config)).said for target in ("preview", "up")}
    yield engine, config, secrets, said
    assert engine.make("destroy", json.dumps(config)).code == 0


def state(engine: Engine) -> str:
    """`pulumi stack export`, without --show-secrets."""
    folder = Path(engine.env["FLINK_K8S_STATE"])
    env = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{folder}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
    }
    command = ["pulumi", "stack", "export", "--stack", "sandbox", "--non-interactive"]
    return subprocess.run(command, cwd=folder / "config", env=env, capture_output=True, text=True, check=True).stdout


def test_nothing_that_is_printed_or_kept_has_one(
    up: tuple[Engine, dict[str, Any], set[str], dict[str, str]], kubectl: Kubectl
) -> None:
    engine, config, secrets, said = up
    layer, changed = json.dumps(config), other(json.dumps(config))
    said["state"] = state(engine)
    said["preview of the same"] = engine.make("preview", layer).said
    assert "unchanged" in said["preview of the same"]
    said["preview of a change"] = engine.make("preview", changed).said
    assert "[secret]" in said["preview of a change"]
    plan = engine.make("plan", changed)
    assert "restart" in plan.said
    by_hand = {"spec": {"flinkConfiguration": {"s3.secret-key": "planted-by-hand"}}}
    kubectl.run("-n", "flink", "patch", "flinkdeployment", "word-count", "--type=merge", "-p", json.dumps(by_hand))
    drift = engine.make("drift", layer)
    assert "s3.secret-key" in drift.said
    said |= {"plan": plan.said, "drift": drift.said, "check": engine.make("check", layer, "EXPLAIN=word-count").said}
    said["up of a change"] = engine.make("up", changed).said
    said["state after it"] = state(engine)
    said["preview of what goes"] = engine.make(
        "preview", json.dumps({"charts": config["charts"], "waitForJobs": False})
    ).said
    assert leaks(said, secrets) == []
