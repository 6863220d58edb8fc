"""Ctrl-C during an `up` on a real engine: nothing is left half done, and the next `up` goes on from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.engine.conftest import ROOT, Engine
from tests.engine.stand_in import mirror
from tests.waiting import until
from tools.kubectl import Kubectl

JOB = ("flinkdeployment", "word-count", "-n", "flink")


def started(engine: Engine, charts: Path) -> subprocess.Popen[str]:
    """An `up` under way, with a session of its own, as a terminal would give it."""
    path = engine.folder / "layer.yaml"
    path.write_text(mirror(charts))
    out = (engine.folder / "out").open("w")
    command = ["make", "up", "STACK=sandbox", f"LAYER={path}"]
    return subprocess.Popen(
        command, cwd=ROOT, env=engine.env, stdout=out, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def test_the_next_up_goes_on(engine: Engine, kubectl: Kubectl, charts: Path):
    running = started(engine, charts)
    until("the job is waited for", lambda: "not seen by the operator" in (engine.folder / "out").read_text())
    before = (kubectl.get(*JOB) or {})["metadata"]["uid"]
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(timeout=120) != 0
    assert "run the same command again to go on" in (engine.folder / "out").read_text()

    again = started(engine, charts)
    until("the job is waited for", lambda: "not seen by the operator" in (engine.folder / "out").read_text())
    status = {"status": {"lifecycleState": "STABLE", "observedGeneration": 1}}
    kubectl.run("patch", *JOB, "--subresource=status", "--type=merge", f"--patch={json.dumps(status)}")
    assert again.wait(timeout=120) == 0, (engine.folder / "out").read_text()
    assert (kubectl.get(*JOB) or {})["metadata"]["uid"] == before
