"""Locks, processes and control groups, as far as they can be had without root."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import cgroups, debian, node
from sandbox.home import Home, home
from sandbox.lock import locked
from sandbox.report import Failure


def test_home_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLINK_K8S_HOME", str(tmp_path))
    assert home() == Home(tmp_path)
    monkeypatch.delenv("FLINK_K8S_HOME")
    assert home().root == Path.home() / ".cache" / "flink-k8s"


def test_lock_waits_for_its_holder_and_prints_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = (
        "import sys, pathlib; from sandbox.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1]), 'paint it'): print('in', flush=True)"
    )
    with locked(tmp_path / "lock", "test"):
        other = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "lock")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert other.stderr is not None
        assert f"waiting for process {os.getpid()} of " in other.stderr.readline()
        assert other.poll() is None
    output, _ = other.communicate(timeout=20)
    assert output == "in\n"


def test_end_sends_sigterm_and_then_sigkill(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    stubborn = subprocess.Popen(["sh", "-c", f"trap '' TERM; touch {ready}; while :; do sleep 1; done"])
    while not ready.exists():
        time.sleep(0.01)
    assert abs(node.started(stubborn.pid) - time.time()) < 60
    node.end(stubborn.pid, 0.2)
    assert node.started(stubborn.pid) == 0
    stubborn.wait()
    node.end(stubborn.pid, 1)


def test_a_failed_command_is_reported() -> None:
    with pytest.raises(Failure, match="sh -c echo no; exit 3: no"):
        node.run("sh", "-c", "echo no; exit 3")
    assert node.run("sh", "-c", "exit 3", check=False).returncode == 3


def mounts(monkeypatch: pytest.MonkeyPatch, kinds: dict[str, str]) -> None:
    monkeypatch.setattr(cgroups, "_mounts", lambda: {Path(path): kind for path, kind in kinds.items()})


def test_hierarchies_of_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    mounts(monkeypatch, {"/sys/fs/cgroup": "cgroup2"})
    assert cgroups.is_v2()
    hybrid = {"/sys/fs/cgroup/cpu,cpuacct": "cgroup", "/sys/fs/cgroup/unified": "cgroup2"}
    mounts(monkeypatch, hybrid)
    assert not cgroups.is_v2()
    assert cgroups.hierarchies() == (Path("/sys/fs/cgroup/cpu,cpuacct"),)


def test_v2_groups_get_their_controllers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "flink-k8s").mkdir()
    for group in (tmp_path, tmp_path / "flink-k8s"):
        (group / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
        (group / "cgroup.subtree_control").write_text("")
    monkeypatch.setattr(cgroups, "_FS", tmp_path)
    mounts(monkeypatch, {str(tmp_path): "cgroup2"})
    cgroups.ensure()
    assert (tmp_path / "flink-k8s" / "daemons").is_dir()
    # A real file keeps just the last write.
    assert (tmp_path / "flink-k8s" / "cgroup.subtree_control").read_text() == "+pids"
    (tmp_path / "flink-k8s" / "cgroup.controllers").write_text("cpu memory pids\n")
    with pytest.raises(Failure, match="does not offer the cgroup controllers cpuset"):
        cgroups.ensure()


def test_v1_without_a_needed_controller(monkeypatch: pytest.MonkeyPatch) -> None:
    mounts(monkeypatch, {"/sys/fs/cgroup/cpu": "cgroup", "/sys/fs/cgroup/memory": "cgroup"})
    with pytest.raises(Failure, match="cpuset, pids are not mounted"):
        cgroups.ensure()


def test_an_apt_failure_has_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, script in (("dpkg-query", "exit 1"), ("apt-get", 'echo "E: Unable to locate package $5"; exit 100')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Failure, match=r"apt-get install failed: E: .*; install manually: apt-get install .* runc"):
        debian.install(["runc"])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Failure, match="only root can install"):
        debian.install(["runc"])
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Failure, match="requires Debian"):
        debian.install(["runc"])
