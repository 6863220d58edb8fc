"""The sandbox for a measurement: without other work, with a Pulumi state of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from flink_k8s.operations.stack import prepare
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import ROOT
from sandbox import users
from sandbox.api import Api
from sandbox.home import home
from tests.project import destroy


@contextmanager
def empty_sandbox() -> Generator[Kubectl]:
    """Start the sandbox, and destroy the stack `sandbox` at the end.

    Raises:
        CommandError: if it contains other work; this work is kept.
    """
    subprocess.run([sys.executable, "-m", "sandbox", "up"], cwd=ROOT, check=True)
    kubectl = Kubectl.of(prepare("sandbox"))
    if work := users.work(Api(home()).namespaces()):
        raise CommandError(f"the sandbox contains {', '.join(work)}; to delete it: python -m sandbox down --purge")
    state = home().root / "bench"
    shutil.rmtree(state, ignore_errors=True)  # of an interrupted run: its stack does not exist
    state.mkdir(parents=True)
    os.environ["FLINK_K8S_STATE"] = str(state)
    try:
        yield kubectl
        destroy()
    finally:
        shutil.rmtree(state, ignore_errors=True)
