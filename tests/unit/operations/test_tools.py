"""Operations that need neither a cluster nor an engine."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from flink_k8s.operations import access, cluster, demo, run_folder, stack
from flink_k8s.operations import deploy as engine
from flink_k8s.operations.clean import clean
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Separate state and home folders."""
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("FLINK_K8S_HOME", str(tmp_path / "home"))


class FakeCluster:
    title = "fake"
    stack = "sandbox"

    def __init__(self) -> None:
        self.downs = 0

    def down(self) -> None:
        self.downs += 1


def test_clean_deletes_the_cluster_and_generated_folders(tmp_path: Path):
    cluster = FakeCluster()
    for name in (".venv/bin", "out/dev", "flink_k8s/__pycache__", ".pytest_cache", "jobs"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "jobs" / "mine.yaml").touch()
    clean(cluster, tmp_path)
    assert cluster.downs == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["flink_k8s", "jobs", "mine.yaml"]


def test_the_salt_is_kept_in_the_copy_and_not_in_the_tracked_file():
    tracked = ROOT / "Pulumi.sandbox.yaml"
    before = tracked.read_bytes()
    copy = stack.prepare("sandbox").config_file
    with copy.open("a") as file:
        file.write("encryptionsalt: v1:made-by-the-engine\n")
    run_folder.keep(copy)
    again = stack.prepare("sandbox", {"jobs": {"word-count": {"parallelism": 3}}})
    content: dict[str, Any] = yaml.safe_load(again.config_file.read_text())
    assert content["encryptionsalt"] == "v1:made-by-the-engine"
    assert content["config"]["flink-k8s:jobs"] == {"word-count": {"parallelism": 3}}
    assert content["config"]["flink-k8s:context"] == "flink-k8s-sandbox"
    assert tracked.read_bytes() == before


def test_an_overlay_with_problems_is_refused():
    with pytest.raises(CommandError, match="word-cuont: unknown job"):
        stack.prepare("sandbox", {"jobs": {"word-cuont": {}}})


def test_the_passphrase_is_created_once_and_is_private(monkeypatch: pytest.MonkeyPatch):
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)
    first = Path(engine.environment()["PULUMI_CONFIG_PASSPHRASE_FILE"])
    content = first.read_text()
    assert first.stat().st_mode & 0o077 == 0
    assert len(content) > 30
    assert Path(engine.environment()["PULUMI_CONFIG_PASSPHRASE_FILE"]).read_text() == content


def test_backend_and_passphrase_of_the_user_are_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "own")
    env = engine.environment()
    assert env["PULUMI_BACKEND_URL"] == "s3://states"
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in env


@pytest.mark.parametrize(
    ("content", "message"), [(None, "No such file"), (b"\xff\xfe", "byte 0 is not UTF-8")], ids=["missing", "not text"]
)
def test_an_input_that_cannot_be_counted_is_refused(tmp_path: Path, content: bytes | None, message: str):
    path = tmp_path / "text"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=message):
        demo.read_input(path)


def test_demo_overlay_sets_a_nonce_and_the_path_of_an_input():
    assert demo.demo_overlay(with_input=False, nonce=7) == {"jobs": {"word-count": {"restartNonce": 7}}}
    with_input: Any = demo.demo_overlay(with_input=True, nonce=7)
    assert with_input["jobs"]["word-count"]["parameters"] == {"input": "/data/input/text"}


def test_the_pod_that_copies_files_is_restricted():
    pod: Any = yaml.safe_load(demo.pod_manifest("flink", "pyflink:dev"))
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["spec"]["automountServiceAccountToken"] is False


def test_a_free_port_is_used_if_the_preferred_one_is_in_use():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        probe.listen()
        port = probe.getsockname()[1]
        assert access.free_port(port) != port


def test_find_job_by_name_or_as_the_only_job():
    declared = stack.prepare("sandbox")
    assert access.find_job(declared, "").name == "word-count"
    with pytest.raises(CommandError, match='did you mean "word-count"'):
        access.find_job(declared, "word-cuont")


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({}, ["--operator", "1.16.1"]),
        ({"operator": {"version": "1.7.0"}, "jobs": {"word-count": {"enabled": False}}}, ["--operator", "1.7.0"]),
        ({"certManager": {"enabled": True}}, ["--operator", "1.16.1", "--cert-manager"]),
        ({"prometheus": {"enabled": True}}, ["--operator", "1.16.1", "--prometheus"]),
        ({"operator": {"enabled": False}, "jobs": {"word-count": {"enabled": False}}}, []),
    ],
)
def test_the_sandbox_builds_what_the_stack_declares(
    layer: dict[str, Any], expected: list[str], monkeypatch: pytest.MonkeyPatch
):
    commands: list[list[str]] = []
    monkeypatch.setattr(cluster, "must", lambda step, command, remedy: commands.append(command))
    cluster.Sandbox().up(stack.prepare("sandbox", layer))
    (command,) = commands
    assert command[command.index("up") + 1 :] == expected


BY_CODE = {"images": {"pyflink:dev": "pyflink:{code}"}}


class FakeMachine:
    """Records the commands, and has some images."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *images: str) -> None:
        self.commands: list[list[str]] = []
        self.images = images
        monkeypatch.setattr(cluster, "must", lambda step, command, remedy: self.commands.append([*map(str, command)]))
        monkeypatch.setattr(cluster, "program", lambda name, remedy: name)
        monkeypatch.setattr(cluster, "capture", self.capture)

    def capture(self, command: list[str], **_: object) -> Any:
        actual = command[-1] in self.images if "inspect" in command else True
        return SimpleNamespace(returncode=0 if actual else 1, stdout="\n".join(self.images).encode())


def test_kind_loads_the_image_with_each_jobs_tag(monkeypatch: pytest.MonkeyPatch):
    layer = {**BY_CODE, "jobs": {"running-totals": {"enabled": True}}}
    dev = stack.prepare("dev", layer)
    (source, first), (_, second) = cluster.tags_of(dev)
    assert source == "pyflink:dev"
    assert {first, second} == {job.spec["image"] for job in dev.platform.jobs}
    machine = FakeMachine(monkeypatch, first)
    cluster.Kind().image(dev)
    assert ["docker", "tag", "pyflink:dev", second] in machine.commands
    # An existing tag is not moved.
    assert ["docker", "tag", "pyflink:dev", first] not in machine.commands
    assert machine.commands[-1] == ["kind", "load", "docker-image", "pyflink:dev", first, second, "--name", "flink"]


def test_the_sandbox_tags_the_image_by_its_code_hash(monkeypatch: pytest.MonkeyPatch):
    prepared_stack = stack.prepare("sandbox", BY_CODE)
    ((_, name),) = cluster.tags_of(prepared_stack)
    machine = FakeMachine(monkeypatch)
    cluster.Sandbox().image(prepared_stack)
    assert machine.commands[-1][-4:] == ["sandbox", "tag", "pyflink:dev", name]


def test_without_code_tags_the_image_gets_no_further_tag(monkeypatch: pytest.MonkeyPatch):
    machine = FakeMachine(monkeypatch)
    cluster.Sandbox().image(stack.prepare("sandbox"))
    assert len(machine.commands) == 1


def test_the_prometheus_overlay_enables_prometheus_and_monitors():
    settings = stack.prepare("sandbox").platform.settings.prometheus
    assert (settings.enabled, settings.monitors) == (False, False)
    layer = stack.read_overlay(ROOT / "sandbox" / "layers" / "prometheus.yaml")
    settings = stack.prepare("sandbox", layer).platform.settings.prometheus
    assert (settings.enabled, settings.monitors) == (True, True)
