"""The cluster and the engine's state for every test that needs them, reports of failures, and the count of skips."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from flink_k8s.config.stack_file import PROJECT
from flink_k8s.operations.stack import prepare
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import state
from sandbox import users
from sandbox.api import Api
from sandbox.home import home
from tests.cluster_state import cluster_state
from tests.project import ROOT, Project, destroy, make
from tests.suites import Suites

STATE = home().root / "tests"
"""The engine's state of all tests of a run; it exists only during a run, or after one that did not clean up."""
OF_THE_USER = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_STACK")
OF_MAKE = ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")
"""`make e2e` exports these, and a `make` below it would print the folder that it enters."""

# A shell lets a background command ignore Ctrl-C, and all processes that the tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Adds the count of skips and the failure of suites that did not run."""
    config.pluginmanager.register(Suites(), "suites")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None]:
    """Adds the cluster's state to a failure of a test that needs the cluster."""
    outcome = yield
    report = outcome.get_result()  # pyright: ignore
    if report.failed and {"e2e", "engine"} & set(item.path.parts) and (ROOT / ".sandbox" / "kubeconfig").exists():
        report.sections.append(("cluster", cluster_state()))


@pytest.fixture(scope="session")
def sandbox() -> Generator[Path]:
    """An empty sandbox, and a Pulumi state without stacks; the path of the kubeconfig."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.fail("the sandbox needs Linux and root")
    with pytest.MonkeyPatch.context() as patch:
        for name in OF_MAKE:
            patch.delenv(name, raising=False)
        _sandbox("up")
        if list((state() / ".pulumi" / "stacks" / PROJECT).glob("sandbox.json*")):
            make("destroy", "STACK=sandbox", timeout=400)  # the user's own stack, by the user's own state
        for name in OF_THE_USER:
            patch.delenv(name, raising=False)
        patch.setenv("FLINK_K8S_STATE", str(STATE))
        if STATE.exists() or users.work(Api(home()).namespaces()):
            # A killed run has left a cluster whose objects cannot be destroyed in order. Work of other clones is kept.
            _sandbox("down", "--purge", *(["--force"] if STATE.exists() else []))
            shutil.rmtree(STATE, ignore_errors=True)
            _sandbox("up")
        STATE.mkdir(parents=True)
        yield ROOT / ".sandbox" / "kubeconfig"
        destroy()
        shutil.rmtree(STATE)


def _sandbox(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "sandbox", *arguments], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def kubectl(sandbox: Path) -> Kubectl:
    """kubectl for the sandbox."""
    return Kubectl.of(prepare("sandbox"))


@pytest.fixture(scope="module")
def no_stack(sandbox: Path) -> None:
    """The stack is not deployed when the module begins: files that come before may leave it."""
    destroy()


@pytest.fixture(scope="module", autouse=True)
def _no_leftovers_of_failures(request: pytest.FixtureRequest) -> Generator[None]:
    """After failures the next module does not begin with what they have left."""
    before = request.session.testsfailed
    yield
    if request.session.testsfailed > before and os.environ.get("FLINK_K8S_STATE") == str(STATE):
        destroy()


@pytest.fixture(scope="session")
def engine(sandbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project itself."""
    return Project(tmp_path_factory.mktemp("engine"))
