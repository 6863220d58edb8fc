"""Pulumi from package registries: what is changed in the sources, what is installed, and the language host."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import engine, golang
from sandbox.engine import language_host
from sandbox.home import Home
from sandbox.report import Failure

SCHEMA = "package gen\n\t\tProvider: pschema.ResourceSpec{\n"


def fake_go(folder: Path, modules: Path, schema: str = SCHEMA) -> str:
    """A `go` whose module cache has a provider and an SDK, read-only as Go's own."""
    provider, sdk = modules / "provider", modules / "sdk"
    files = {
        provider / "cmd/pulumi-resource-kubernetes/main.go": "package main\n",
        provider / "cmd/pulumi-resource-kubernetes/schema.json": '{"name": "kubernetes"}',
        provider / "cmd/pulumi-resource-kubernetes/terraform-mapping.json": "{}",
        provider / "pkg/gen/schema.go": schema,
        provider / "go.mod": "module provider\n",
        sdk / "go.mod": "module sdk\n",
        sdk / "go/kubernetes/init.go": "package kubernetes\n",
        sdk / "go/kubernetes/core/v1/pod.go": "package v1\n",
        sdk / "go/kubernetes/yaml/v2/kinds.go": "package v2 // a package for each kind\n",
        sdk / "go/kubernetes/helm/v4/chart.go": "package v4\n",
        sdk / "go/kubernetes/utilities/utilities.go": "package utilities\n",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o444)
    printed = "".join(json.dumps({"Path": path, "Dir": str(where)}) + "\n" for path, where in (
        ("github.com/pulumi/pulumi-kubernetes/provider/v4", provider),
        ("github.com/pulumi/pulumi-kubernetes/sdk/v4", sdk),
    ))  # fmt: skip
    (folder / "download").write_text(printed)
    go = folder / "go"
    go.write_text(
        f'#!/bin/sh\ncase "$2" in download) cat {folder}/download;; edit) echo "$@" >>{folder}/edits;; esac\n'
    )
    go.chmod(0o755)
    return str(go)


def test_sources_have_the_provider_and_its_sdk_as_folders(tmp_path: Path) -> None:
    go = fake_go(tmp_path, tmp_path / "modules")
    (tmp_path / "work").mkdir()
    folder = engine.PULUMI.sources(go, tmp_path / "work")
    assert (folder / "go.sum").exists()
    assert "Provider: &pschema.ResourceSpec{" in (folder / "provider/pkg/gen/schema.go").read_text()
    assert "RegisterResource" in (folder / "sdk/go/kubernetes/yaml/v2/kinds.go").read_text()
    assert not (folder / "sdk/go/kubernetes/core").exists(), "the typed packages are what takes long to compile"
    embedded = json.loads((folder / "provider/cmd/pulumi-resource-kubernetes/schema-embed.json").read_text())
    assert embedded == {"name": "kubernetes", "version": engine.PROVIDER_RELEASE}
    edits = (tmp_path / "edits").read_text()
    assert "-replace=github.com/pulumi/pulumi-kubernetes/provider/v4=./provider" in edits
    assert "-replace=github.com/pulumi/pulumi-kubernetes/sdk/v4=./sdk" in edits


def test_unexpected_sources_are_refused(tmp_path: Path) -> None:
    go = fake_go(tmp_path, tmp_path / "modules", schema="package gen // changed\n")
    (tmp_path / "work").mkdir()
    with pytest.raises(Failure, match=r"pkg/gen/schema\.go is not what sandbox/engine was written for"):
        engine.PULUMI.sources(go, tmp_path / "work")


def test_a_changed_language_host_changes_the_key() -> None:
    assert Path(language_host.__file__) in engine.PULUMI.inputs


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home in which Pulumi has been built, and a home of Pulumi's own without plugins."""
    home = Home(tmp_path / "home")
    programs = engine.PULUMI.programs(home)
    programs.mkdir(parents=True)
    for name in ("pulumi", "pulumi-resource-kubernetes"):
        (programs / name).write_text("#!/bin/sh\n")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    return home


def plugin(tmp_path: Path) -> Path:
    folder = tmp_path / "pulumi" / "plugins" / f"resource-kubernetes-v{engine.PROVIDER_RELEASE}"
    return folder / "pulumi-resource-kubernetes"


def test_the_provider_is_a_plugin_and_not_on_path(built: Home, tmp_path: Path) -> None:
    command = engine.build(built)
    assert command.resolve() == engine.PULUMI.program(built, "pulumi")
    assert plugin(tmp_path).resolve() == engine.PULUMI.program(built, "pulumi-resource-kubernetes")
    assert [path.name for path in built.bin.iterdir() if path.is_symlink()] == ["pulumi"]


def test_a_provider_installed_by_pulumi_is_kept(built: Home, tmp_path: Path) -> None:
    plugin(tmp_path).parent.mkdir(parents=True)
    plugin(tmp_path).write_text("Pulumi's own")
    engine.build(built)
    assert plugin(tmp_path).read_text() == "Pulumi's own"


def test_the_language_host_is_next_to_the_command(tmp_path: Path) -> None:
    engine.PULUMI.finish(tmp_path)
    host = tmp_path / "pulumi-language-python"
    assert host.stat().st_mode & stat.S_IXUSR


def test_the_environment_has_programs_state_and_a_passphrase_of_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "state"))
    home = Home(tmp_path / "home")
    environment = engine.environment(home)
    assert environment["PATH"].split(os.pathsep)[0] == str(home.bin)
    assert environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/state"
    passphrase = Path(environment["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600
    before = passphrase.read_text()
    assert len(before) > 20
    engine.environment(home)
    assert passphrase.read_text() == before


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ("runtime:\n  name: python\n  options:\n    virtualenv: .venv\n", ".venv"),
        ('runtime:\n  name: python\n  options:\n    virtualenv: "venv" # ours\n', "venv"),
        ("runtime: python\n", ""),
    ],
)
def test_the_host_reads_the_projects_virtual_environment(tmp_path: Path, project: str, expected: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: x\n{project}")
    (tmp_path / "below").mkdir()
    actual = language_host.virtualenv_of(tmp_path / "below")
    assert actual == (str(tmp_path / expected) if expected else "")


def test_the_host_runs_in_its_own_python_without_a_project_environment(tmp_path: Path) -> None:
    assert language_host.interpreter(tmp_path, ".venv") == sys.executable
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert language_host.interpreter(tmp_path, ".venv") == str(python)


def test_the_host_prints_its_port_and_ends_by_a_signal(tmp_path: Path) -> None:
    host = subprocess.Popen(
        [sys.executable, language_host.__file__, "127.0.0.1:1"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    try:
        assert host.stdout is not None
        assert 1024 < int(host.stdout.readline()) < 65536
    finally:
        host.terminate()
    assert host.wait(timeout=20) == 0


def test_the_host_ends_after_its_engine_is_killed(tmp_path: Path) -> None:
    code = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(600)"
    engine_process = subprocess.Popen(
        [sys.executable, "-c", code, sys.executable, language_host.__file__, "127.0.0.1:1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
    )
    assert engine_process.stdout is not None
    assert engine_process.stdout.readline().strip().isdigit()
    engine_process.kill()
    engine_process.wait()
    assert engine_process.stdout.read() == b""  # at its end only when the host has closed it, too


def test_a_build_deletes_its_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    go.write_text('#!/bin/sh\nif [ "$1" = env ]; then echo go9.9.9; exit; fi\nexit 1\n')
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(Failure, match="building pause failed"):
        golang.build(Home(tmp_path / "home"), (golang.PAUSE,))
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_command_of_an_older_version_counts_as_built(built: Home) -> None:
    assert not engine.is_built(built)
    built.bin.mkdir(exist_ok=True)
    (built.bin / "pulumi").symlink_to("pulumi-0123456789ab/pulumi")
    assert engine.is_built(built), "`sandbox up` then builds this version"
    assert engine.build(built).resolve() == engine.PULUMI.program(built, "pulumi")
