"""preview -> up -> empty preview -> update -> empty preview -> failure -> repair -> destroy, on a real engine."""

from __future__ import annotations

import re
import time

import pytest

from tests.engine.conftest import Engine
from tools.kubectl import Kubectl

NOTHING = re.compile(r"\d+ unchanged\s*$", re.MULTILINE)


def changes(said: str) -> set[str]:
    """The words of the summary that stand for a change: `3 to create` gives create."""
    return set(re.findall(r"^\s+[+~+-]* ?\d+ (?:to )?(create|update|replace|delete)d?\b", said, re.MULTILINE))


class TestLifecycle:
    """In this order."""

    def test_a_first_preview_only_creates(self, engine: Engine, kubectl: Kubectl):
        done = engine.make("preview")
        assert done.code == 0
        assert changes(done.said) == {"create"}
        assert kubectl.get("namespace", "flink") is None

    def test_up_ends_when_the_job_is_ready(self, engine: Engine, kubectl: Kubectl):
        done = engine.make("up")
        assert done.code == 0, done.said
        status = (kubectl.get("flinkdeployment", "word-count", "-n", "flink") or {})["status"]
        assert status["lifecycleState"] == "STABLE"

    def test_then_there_is_nothing_to_do(self, engine: Engine):
        done = engine.make("preview")
        assert done.code == 0
        assert changes(done.said) == set()
        assert NOTHING.search(done.said)

    def test_a_changed_number_is_an_update_in_place(self, engine: Engine, kubectl: Kubectl):
        layer = "jobs: {word-count: {parallelism: 2}}"
        before = (kubectl.get("flinkdeployment", "word-count", "-n", "flink") or {})["metadata"]["uid"]
        preview = engine.make("preview", layer)
        assert changes(preview.said) == {"update"}
        assert engine.make("up", layer).code == 0
        after = kubectl.get("flinkdeployment", "word-count", "-n", "flink") or {}
        assert after["metadata"]["uid"] == before
        assert after["spec"]["job"]["parallelism"] == 2
        assert changes(engine.make("preview", layer).said) == set()

    def test_a_broken_job_fails_up_until_it_is_mended(self, engine: Engine):
        layer = "jobs: {word-count: {args: [-pyclientexec, /usr/local/bin/python3, -py, /opt/flink/usrlib/nope.py]}}"
        start = time.monotonic()
        first = engine.make("up", layer)
        assert first.code != 0
        assert "nope.py" in first.said
        assert time.monotonic() - start < 120
        again = engine.make("up", layer)
        assert again.code != 0, "a job that is still broken must fail the next up too"
        assert "nope.py" in again.said
        assert engine.make("up").code == 0

    def test_destroy_leaves_nothing(self, engine: Engine, kubectl: Kubectl):
        done = engine.make("destroy")
        assert done.code == 0, done.said
        for namespace in ("flink", "flink-operator"):
            assert kubectl.get("namespace", namespace) is None

    def test_destroy_again_has_nothing_to_do(self, engine: Engine):
        done = engine.make("destroy")
        assert done.code == 0
        assert changes(done.said) == set()


@pytest.fixture(autouse=True)
def _nobody_elses(engine: Engine) -> None:
    """Each test uses the engine, so that all are skipped together where there is none."""
