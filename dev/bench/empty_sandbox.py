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
from sandbox.home import home
from tests.project import destroy

_NAMESPACES = ("flink", "flink-operator")


@contextmanager
def empty_sandbox() -> Generator[Kubectl]:
    """Start the sandbox, and destroy the stack `sandbox` at the end.

    Raises:
        CommandError: if it contains other work; this work is kept.
    """
    subprocess.run([sys.executable, "-m", "sandbox", "up"], cwd=ROOT, check=True)
    kubectl = Kubectl.of(prepare("sandbox"))
    existing = [name for name in _NAMESPACES if kubectl.get("namespace", name) is not None]
    if existing:
        raise CommandError(f"the sandbox contains {', '.join(existing)}; run: make destroy STACK=sandbox")
    state = home().root / "bench"
    shutil.rmtree(state, ignore_errors=True)  # of an interrupted run: its stack does not exist
    state.mkdir(parents=True)
    os.environ["FLINK_K8S_STATE"] = str(state)
    try:
        yield kubectl
        destroy()
    finally:
        shutil.rmtree(state, ignore_errors=True)
