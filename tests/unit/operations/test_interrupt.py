"""Ctrl-C: what a tool runs is left to end in its own way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from flink_k8s.support.paths import ROOT

SLOW = """
import signal, sys, time
def stop(*_):
    time.sleep(1)
    open(sys.argv[1], "w").write("ended in its own way")
    sys.exit(3)
signal.signal(signal.SIGINT, stop)
print("begun", flush=True)
time.sleep(60)
"""


def test_interrupt_does_not_kill_the_command(tmp_path: Path):
    mark = tmp_path / "mark"
    command = [sys.executable, "-c", SLOW, str(mark)]
    program = f"""
import sys
from flink_k8s.support.console import exit_code
from flink_k8s.support.processes import stream
sys.exit(exit_code(lambda: stream({command!r})))
"""
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    os.killpg(running.pid, signal.SIGINT)
    _, error = running.communicate(timeout=30)
    assert running.returncode == 130
    assert mark.read_text() == "ended in its own way"
    assert error == "interrupted; run the command again to continue\n"
