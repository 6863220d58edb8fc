"""Commands: their output, how they are stopped, and what is said while they run."""

from __future__ import annotations

import threading
import time

import pytest

from local.process import Done, Interrupted, run


def test_output_and_exit_code() -> None:
    done = run(["sh", "-c", "cat; echo Error: no >&2; exit 3"], stopping=threading.Event(), text="in\n")
    assert done == Done(3, "in\n", "Error: no\n")
    assert done.reason == "no"


def test_long_input_and_output_of_a_slow_command() -> None:
    text = "x" * 1_000_000
    done = run(["sh", "-c", "sleep 0.5; cat"], stopping=threading.Event(), text=text)
    assert done.out == text


def test_a_reason_is_the_last_line_that_says_something() -> None:
    assert Done(1, "", "error: no matches for kind\nensure CRDs are installed first\n").reason == "no matches for kind"
    assert Done(2, "", "").reason == "exit code 2"


def test_nothing_is_started_after_a_stop() -> None:
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Interrupted, match="sh was not started"):
        run(["sh", "-c", "true"], stopping=stopping)


@pytest.mark.parametrize("command", ["exec sleep 60", "trap '' INT; while :; do sleep 0.1; done"])
def test_a_stop_ends_the_command_even_if_it_does_not_listen(command: str) -> None:
    stopping = threading.Event()
    threading.Timer(0.3, stopping.set).start()
    start = time.monotonic()
    with pytest.raises(Interrupted, match="sh was interrupted"):
        run(["sh", "-c", command], stopping=stopping, grace=0.5)
    assert time.monotonic() - start < 20


def test_while_it_runs_the_reason_is_asked_for() -> None:
    asked: list[int] = []
    run(["sleep", "1"], stopping=threading.Event(), waiting=lambda: asked.append(1), waiting_seconds=0.1)
    assert asked
