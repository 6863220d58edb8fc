"""The lock of a killed run is cancelled; the lock of a run that may be active is not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from flink_k8s.operations import stack
from flink_k8s.operations import stack_locks as locks
from flink_k8s.support.errors import CommandError

HERE = socket.gethostname()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "state"))


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    """A folder like /proc."""
    folder = tmp_path / "proc"
    folder.mkdir()
    return folder


def lock(tmp_path: Path, **content: object) -> Path:
    path = tmp_path / ".pulumi" / "locks" / "organization" / "flink-k8s" / "sandbox" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"username": "ann", "timestamp": "2026-01-01", **content}))
    return path


def clear(tmp_path: Path, processes: Path, url: str = "file://{}") -> None:
    locks.clear(Path("pulumi"), stack.prepare("sandbox"), {"PULUMI_BACKEND_URL": url.format(tmp_path)}, processes)


def ended() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("url", ["file://{}", "file://{}?no_tmp_dir=true"])
def test_the_lock_of_an_ended_process_is_cancelled(
    tmp_path: Path, processes: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pid = ended()
    path = lock(tmp_path, pid=pid, hostname=HERE)
    clear(tmp_path, processes, url)
    assert not path.exists()
    assert f"cancelled the lock of a killed run of the stack sandbox: ann on {HERE}" in capsys.readouterr().out


@pytest.mark.parametrize("stat", ["(bash) S 1", "(pulumi) Z 1"], ids=["another program", "a zombie"])
def test_the_lock_is_cancelled_if_its_process_id_is_reused(tmp_path: Path, processes: Path, stat: str) -> None:
    path = lock(tmp_path, pid=os.getpid(), hostname=HERE)
    (processes / str(os.getpid())).mkdir()
    (processes / str(os.getpid()) / "stat").write_text(f"{os.getpid()} {stat} 1")
    clear(tmp_path, processes)
    assert not path.exists()


@pytest.mark.parametrize("host", [HERE, "elsewhere"])
def test_the_lock_of_an_active_run_is_refused_and_names_its_holder(tmp_path: Path, processes: Path, host: str) -> None:
    path = lock(tmp_path, pid=os.getpid(), hostname=host)
    (processes / str(os.getpid())).mkdir()
    (processes / str(os.getpid()) / "stat").write_text(f"{os.getpid()} (pulumi) S 1 1")
    with pytest.raises(CommandError) as raised:
        clear(tmp_path, processes)
    message = str(raised.value)
    assert f"locked by ann on {host}, process {os.getpid()}, since 2026-01-01" in message
    assert f"PULUMI_BACKEND_URL=file://{tmp_path} pulumi cancel --yes --stack sandbox" in message
    assert path.exists()


def test_a_lock_that_cannot_be_read_is_refused(tmp_path: Path, processes: Path) -> None:
    path = lock(tmp_path)
    path.write_text("")
    with pytest.raises(CommandError, match="locked by an unknown user"):
        clear(tmp_path, processes)


def test_locks_of_other_backends_are_not_touched(tmp_path: Path, processes: Path) -> None:
    clear(tmp_path, processes)
    path = lock(tmp_path, pid=ended(), hostname=HERE)
    clear(tmp_path, processes, "s3://bucket")
    assert path.exists()


@pytest.fixture
def sleeping() -> Generator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("has_engine", [False, True])
def test_the_provider_of_a_killed_engine_is_killed(
    tmp_path: Path, processes: Path, sleeping: subprocess.Popen[bytes], has_engine: bool
) -> None:
    lock(tmp_path, pid=ended(), hostname=HERE)
    with socket.socket() as engine:
        engine.bind(("127.0.0.1", 0))
        if has_engine:
            engine.listen()
        (processes / str(sleeping.pid)).mkdir()
        address = f"127.0.0.1:{engine.getsockname()[1]}"
        (processes / str(sleeping.pid) / "cmdline").write_text(f"/x/pulumi-resource-kubernetes\0{address}\0")
        clear(tmp_path, processes)
    if has_engine:
        assert sleeping.poll() is None
    else:
        assert sleeping.wait(10) == -signal.SIGKILL
