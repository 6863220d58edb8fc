"""Helm on the sandbox: install or upgrade a release, and take one down."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import pulumi

from local import process
from local.cluster import Cluster
from local.inflate import chart_arguments
from local.process import Done
from local.recording import Resource
from local.tool import find_tool
from local.values import reveal, without_nulls

_DEFAULT_TIMEOUT_SECONDS: Final = 300

# After Ctrl-C helm takes back what it began, as `--atomic` says; it gets this long.
_ROLLBACK_SECONDS: Final = 60.0

# Helm left alone by a run that was killed would go on beside the next one.
_DIES_WITH_US: Final = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()

# Inputs of a Release that change what Helm does and that have no counterpart here.
_UNSUPPORTED: Final = ("postrender", "valueYamlFiles", "keyring", "verify", "disableWebhooks")


@dataclass(frozen=True)
class Helm:
    """The helm command on one cluster.

    Attributes:
        cluster: where releases go.
        root: the project; a relative chart path starts there.
    """

    cluster: Cluster
    root: Path
    _slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(4), repr=False)

    def upgrade(self, release: Resource, before: Callable[[str], None], waiting: Callable[[], None]) -> bool:
        """Have the release deployed as declared.

        Nothing is done when Helm says that this chart with these values is deployed already.

        Args:
            release: the registered Release.
            before: called with `before_create` or `before_update` before anything is done.
            waiting: called now and then while Helm waits for the chart's objects.

        Returns:
            Whether anything was done.

        Raises:
            pulumi.RunError: when Helm fails: its own last words.
        """
        for name in _UNSUPPORTED:
            if release.inputs.get(name):
                raise pulumi.RunError(f"{release.title}: {name} is not supported here; use the pulumi command")
        values = _values(release)
        mark = f"flink-k8s {self._digest(release)}"
        newest = self._newest(release)
        status = str(newest.get("status", ""))
        if status == "deployed" and newest.get("description") == mark and self._deployed_values(release) == values:
            return False
        before("before_update" if status else "before_create")
        self._recover(release, status)
        with tempfile.TemporaryDirectory(prefix="flink-k8s-") as folder:
            # The folder is readable by its owner alone: values may hold secrets.
            file = Path(folder) / "values.json"
            file.write_text(json.dumps(values), encoding="utf-8")
            done = self._run(
                "upgrade", release.object_name, *chart_arguments(release), *_options(release, self._is_version_4()),
                f"--namespace={release.namespace}", "--install", f"--values={file}", f"--description={mark}",
                waiting=waiting,
            )  # fmt: skip
        if done.code != 0:
            raise pulumi.RunError(f"{release.title}: {done.reason}")
        return True

    def uninstall(self, name: str, namespace: str, timeout: int, waiting: Callable[[], None]) -> Done:
        """Take a release down and wait until its objects are gone; CRDs stay, as always with Helm."""
        arguments = ("uninstall", name, f"--namespace={namespace}", "--wait", f"--timeout={timeout}s")
        done = self._run(*arguments, waiting=waiting)
        return Done(0, done.out, "") if "not found" in done.error else done

    def _newest(self, release: Resource) -> Mapping[str, Any]:
        """The newest revision in Helm's own history; empty when there is none."""
        where = f"--namespace={release.namespace}"
        done = self._run("history", release.object_name, where, "--max=1", "--output=json")
        if done.code != 0:
            if "not found" in done.error:
                return {}
            raise pulumi.RunError(f"{release.title}: {done.reason}")
        history = cast("Sequence[Mapping[str, Any]]", json.loads(done.out))
        return history[-1] if history else {}

    def _deployed_values(self, release: Resource) -> object:
        where = f"--namespace={release.namespace}"
        done = self._run("get", "values", release.object_name, where, "--output=json")
        return (json.loads(done.out) or {}) if done.code == 0 else None

    def _recover(self, release: Resource, status: str) -> None:
        """Get a release out of the state in which a run that was killed has left it: Helm would refuse it."""
        where = f"--namespace={release.namespace}"
        if status in ("pending-install", "uninstalling"):
            done = self._run("uninstall", release.object_name, where, "--wait")
        elif status in ("pending-upgrade", "pending-rollback"):
            done = self._run("rollback", release.object_name, where)
        else:
            return
        if done.code != 0:
            raise pulumi.RunError(f"{release.title} was left {status} and cannot be recovered: {done.reason}")

    def _digest(self, release: Resource) -> str:
        """Changes with the chart: its name, repository and version, or the content of a local one."""
        digest = hashlib.sha256("\0".join(chart_arguments(release)).encode())
        path = self.root / str(release.inputs.get("chart"))
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(str(file.relative_to(path)).encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()

    def _is_version_4(self) -> bool:
        return self._run("version", "--template={{.Version}}").out.startswith("v4")

    def _run(self, *arguments: str, waiting: Callable[[], None] | None = None) -> Done:
        where = [f"--kubeconfig={self.cluster.kubeconfig}", f"--kube-context={self.cluster.context}"]
        with self._slots:
            return process.run(
                [*_DIES_WITH_US, find_tool("helm"), *arguments, *where],
                stopping=self.cluster.stopping,
                cwd=self.root,
                grace=_ROLLBACK_SECONDS,
                waiting=waiting,
            )


def timeout_of(release: Resource) -> int:
    """Seconds that Helm may take for a release."""
    timeout = release.inputs.get("timeout")
    return int(timeout) if isinstance(timeout, (int, float)) and timeout else _DEFAULT_TIMEOUT_SECONDS


def _values(release: Resource) -> object:
    values = reveal(release.inputs.get("values") or {})
    return values if release.inputs.get("allowNullValues") is True else without_nulls(values)


def _options(release: Resource, version_4: bool) -> list[str]:
    inputs = release.inputs
    options = [f"--timeout={timeout_of(release)}s"]
    if inputs.get("skipAwait") is not True:
        options.append("--wait")
    if inputs.get("atomic") is True:
        options.append("--rollback-on-failure" if version_4 else "--atomic")
    if history := inputs.get("maxHistory"):
        options.append(f"--history-max={history}")
    switches = {
        "cleanupOnFail": "--cleanup-on-fail",
        "createNamespace": "--create-namespace",
        "dependencyUpdate": "--dependency-update",
        "devel": "--devel",
        "disableOpenapiValidation": "--disable-openapi-validation",
        "skipCrds": "--skip-crds",
        "waitForJobs": "--wait-for-jobs",
    }
    return [*options, *(switch for name, switch in switches.items() if inputs.get(name) is True)]
