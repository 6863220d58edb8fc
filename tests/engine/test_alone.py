"""One stack is never run twice at once, on one machine or two; a lock that a killed run leaves has a cure."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.conftest import ROOT, Engine
from tests.engine.stand_in import mirror, stand_in_operator
from tests.waiting import until
from tools.kubectl import Kubectl

WAITS = "not seen by the operator"


@pytest.fixture
def running(engine: Engine, charts: Path) -> Generator[subprocess.Popen[str]]:
    """An `up` that is under way."""
    path, said = engine.folder / "running.yaml", engine.folder / "said"
    path.write_text(mirror(charts))
    command = ["make", "up", "STACK=sandbox", f"LAYER={path}"]
    with said.open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=engine.env, stdout=out, stderr=out, text=True, start_new_session=True
        )

    def waits() -> bool:
        assert process.poll() is None, said.read_text()
        return WAITS in said.read_text()

    until("it waits for the job", waits, 120, said=said.read_text)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_second_run_is_refused_and_a_killed_ones_lock_has_a_cure(
    engine: Engine, kubectl: Kubectl, charts: Path, running: subprocess.Popen[str]
):
    refused = engine.make("up", mirror(charts))
    assert refused.code != 0
    assert re.search(r"error: make up \(process \d+\) is running on the stack sandbox; wait until it has", refused.said)
    assert engine.make("destroy", mirror(charts)).code != 0
    assert engine.make("preview", mirror(charts)).code == 0, "a look disturbs nobody"

    state = Path(engine.env["FLINK_K8S_STATE"])
    same_backend = {
        "FLINK_K8S_STATE": str(engine.folder / "elsewhere"),
        "PULUMI_BACKEND_URL": engine.env.get("PULUMI_BACKEND_URL", f"file://{state}"),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(state / "passphrase"),
    }
    elsewhere = replace(engine, env={**engine.env, **same_backend}).make("up", mirror(charts))
    assert elsewhere.code != 0
    assert re.search(r"error: the stack sandbox is locked by \w+ on .*, process \d+, .*; wait for it", elsewhere.said)

    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    # The engine is make's child, and gone a moment later.
    until("its processes are gone", lambda: not is_there(running.pid), 30)
    stale = engine.make("up", mirror(charts))
    assert stale.code != 0
    cure = re.search(r"was killed \(.*\); free it, then run again: (.*)", stale.said)
    assert cure, stale.said
    subprocess.run(cure[1], shell=True, cwd="/", env=engine.env, check=True)  # as a person would paste it
    with stand_in_operator(kubectl):
        again = engine.make("up", mirror(charts))
    assert again.code == 0, again.said


def is_there(group: int) -> bool:
    """Whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
