"""An `up` that is cut off, by Ctrl-C or by `kill -9`: the next `up` continues, and nothing is lost or made twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.support.kubectl import Kubectl
from tests.engine.stand_in import mirror, stand_in_operator
from tests.project import NOTHING, Project, changes, destroy, kill_session
from tests.steps import step
from tests.waiting import until

WAITS = "not observed by the operator"
"""What `up` prints while it waits for a job."""
LOCKED = "locked"
NO_JOB: dict[str, Any] = {"jobs": {"word-count": {"enabled": False}}}


class Up:
    """An `up` in a session of its own, as a terminal gives it."""

    def __init__(self, engine: Project, layer: str = "", **config: object) -> None:
        self.log = engine.folder / "up.log"
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                engine.command("up", layer, **config),
                cwd=engine.root, stdout=out, stderr=out, text=True, start_new_session=True,
            )  # fmt: skip

    @property
    def output(self) -> str:
        return self.log.read_text()

    def until_it_waits_for_the_job(self) -> None:
        def waits() -> bool:
            assert self.is_running, self.output
            return WAITS in self.output

        until("it waits for the job", waits, state=lambda: self.output)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def ends(self) -> int:
        """The exit code."""
        return self.process.wait(timeout=300)

    def interrupt(self) -> int:
        """Ctrl-C: the terminal sends it to every process in the foreground; the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.ends()

    def kill(self) -> None:
        """`kill -9` of all of it: `make`, the engine, its language host and its plugins."""
        kill_session(self.process.pid)
        self.process.wait()


@pytest.fixture
def start(engine: Project) -> Generator[Callable[..., Up]]:
    """Starts an `up`; kills those that a failed test leaves running."""
    started: list[Up] = []

    def call(layer: str = "", **config: object) -> Up:
        started.append(Up(engine, layer, **config))
        return started[-1]

    yield call
    for up in started:
        up.kill()


def identities(kubectl: Kubectl) -> dict[str, str]:
    """The UID of every object that the stack itself has made so far, by kind, namespace and name.

    Without those of Helm: an installation that was cut off is made again from its beginning.
    """
    kinds = "flinkdeployments,namespaces,persistentvolumeclaims,serviceaccounts,roles,rolebindings,networkpolicies"
    content = json.loads(kubectl.run("get", kinds, "-A", "-o", "json"))["items"]
    return {
        "/".join((finding["kind"], finding["metadata"].get("namespace", ""), finding["metadata"]["name"])): finding[
            "metadata"
        ]["uid"]
        for finding in content
        if finding["metadata"].get("namespace", finding["metadata"]["name"]) in ("flink", "flink-operator")
        and "meta.helm.sh/release-name" not in finding["metadata"].get("annotations", {})
    }


def releases(kubectl: Kubectl, status: str) -> list[str]:
    """The operator's Helm revisions of a status."""
    selector = f"owner=helm,status={status}"
    output = kubectl.try_run("get", "secrets", "-n", "flink-operator", "-l", selector, "-o", "name")
    return output.stdout.decode().split()


@pytest.mark.usefixtures("no_stack")
def test_concurrent_up_is_refused_and_the_next_up_continues_an_interrupted_one(
    engine: Project, kubectl: Kubectl, charts: Path, start: Callable[..., Up]
):
    layer = mirror(charts)
    first = start(layer)
    first.until_it_waits_for_the_job()
    before = identities(kubectl)
    assert [name for name in before if name.startswith("FlinkDeployment/")] == ["FlinkDeployment/flink/word-count"]

    with step("a second run is refused while the first lives"):
        second = Project(engine.folder / "second")
        second.folder.mkdir()
        for target in ("up", "destroy"):
            result = second.make(target, layer)
            assert result.code != 0
            assert LOCKED in result.output
        assert second.make("preview", layer).code == 0, "a preview takes no lock"
        assert first.is_running
        assert identities(kubectl) == before

    with step("killed while it waits, the next up waits for the same job"):
        first.kill()
        again = start(layer)
        again.until_it_waits_for_the_job()
        assert identities(kubectl) == before

    with step("Ctrl-C ends it in order"):
        assert again.interrupt() != 0, again.output

    with step("the next up finishes"):
        with stand_in_operator(kubectl):
            result = engine.make("up", layer)
        assert result.code == 0, result.output
        assert identities(kubectl) == before
        preview = engine.make("preview", layer)
        assert changes(preview.output) == set()
        assert NOTHING.search(preview.output)


@pytest.mark.usefixtures("no_stack")
def test_the_next_up_continues_one_that_was_killed_while_helm_installs_the_operator(
    engine: Project, kubectl: Kubectl, start: Callable[..., Up]
):
    """The real operator, whose installation takes long enough."""
    destroy()
    killed = start(**NO_JOB)

    def installs() -> bool:
        assert killed.is_running, killed.output
        return bool(releases(kubectl, "pending-install"))

    until("Helm installs the operator", installs, state=lambda: killed.output)
    killed.kill()
    before = identities(kubectl)
    assert releases(kubectl, "deployed") == []
    assert before

    result = engine.make("up", **NO_JOB)
    assert result.code == 0, result.output
    assert len(releases(kubectl, "deployed")) == 1
    assert releases(kubectl, "pending-install") == []
    assert before.items() <= identities(kubectl).items()
    [operator] = json.loads(kubectl.run("get", "deployments", "-n", "flink-operator", "-o", "json"))["items"]
    assert operator["status"]["readyReplicas"] == 1
    preview = engine.make("preview", **NO_JOB)
    assert changes(preview.output) == set()
    assert NOTHING.search(preview.output)
