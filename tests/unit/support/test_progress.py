"""A line about something that a command waits for, with and without a terminal."""

from __future__ import annotations

import pytest

from flink_k8s.support.progress import StatusLine
from tests.terminal import script_on_terminal

SCRIPT = """
from flink_k8s.support.progress import StatusLine
from flink_k8s.support.console import say

times = iter([0, 1, 62, 63])
with StatusLine(clock=lambda: next(times)) as line:
    line.show("job a: no job yet")
    line.show("job a: no job yet")
    line.show("job a: " + "RUNNING " * 20)
with StatusLine():
    pass
say("done")
"""


def test_a_terminal_has_one_line_with_the_elapsed_time() -> None:
    redraw = "\r\x1b[2K"
    assert script_on_terminal(SCRIPT, columns=40) == "".join(
        [
            f"{redraw}   job a: no job yet (1 s)",
            f"{redraw}   job a: no job yet (62 s)",
            f"{redraw}   job a: RUNNING RUNNING RUNNI… (63 s)\n",
            "done\n",
        ]
    )


def test_without_a_terminal_each_change_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with StatusLine() as line:
        line.show("a")
        line.show("a")
        line.show("b")
    assert capsys.readouterr().out == "   a\n   b\n"


def test_an_interrupted_wait_keeps_its_line() -> None:
    script = """
from flink_k8s.support.progress import StatusLine
try:
    with StatusLine(clock=lambda: 0) as line:
        line.show("a")
        raise KeyboardInterrupt
except KeyboardInterrupt:
    print("interrupted")
"""
    assert script_on_terminal(script) == "\r\x1b[2K   a (0 s)\ninterrupted\n"
