"""The wheel of the project, installed next to the packages that it needs, in the program of a user."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.program.conftest import ROOT

PROGRAM = """\
import pulumi

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        print(args.typ, args.name)
        return f"{args.name}-id", args.inputs

    def call(self, args):
        return {}

pulumi.runtime.set_mocks(Mocks(), project="texts", stack="dev", preview=True)

import flink_k8s

size = {"resource": {"memory": "1g", "cpu": 1}}
spec = {"image": "flink:2.2", "flinkVersion": "v2_2", "jobManager": size, "taskManager": size,
    "job": {"jarURI": "local:///a.jar", "parallelism": 1}}
manifest = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": "a"}}
manifest["spec"] = spec

@pulumi.runtime.test
def program():
    main = flink_k8s.FlinkPlatform("main", {"context": "kind"})
    job = flink_k8s.FlinkJob("a", {"platform": main, "manifest": manifest, "settings": {"connectors": ["kafka"]}})
    return job.rest_address.apply(print)

program()
print(flink_k8s.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the backend that uv contains: without a download."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "uv",
        "build",
        "--wheel",
        "--offline",
        "--quiet",
        "--out-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, cwd=folder)
    [path] = folder.glob("*.whl")
    return path


def test_wheel_contains_one_package_with_its_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"flink_k8s"}
    packaged = {name for name in names if name.startswith("flink_k8s/") and not name.endswith("/")}
    tracked = subprocess.run(["git", "ls-files", "flink_k8s"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert packaged == set(tracked.stdout.split())


def test_program_runs_with_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = ["-m", "uv", "pip", "install", "--offline", "--no-deps", "--quiet", "--python", str(python), str(wheel)]
    subprocess.run([sys.executable, *install], check=True)
    [site_packages] = environment.glob("lib/python*/site-packages")
    (site_packages / "needed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    (tmp_path / "program.py").write_text(PROGRAM)
    # -I: neither the working directory nor PYTHONPATH can provide the package.
    command = [str(python), "-I", str(tmp_path / "program.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == f"{site_packages}/flink_k8s/__init__.py"
    assert "a-rest.flink.svc:8081" in lines
    assert "kubernetes:flink.apache.org/v1beta1:FlinkDeployment a-flink/a" in lines
    assert "kubernetes:core/v1:ConfigMap main-dashboard-flink-job" in lines


def test_dependencies_accept_the_locked_versions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    accepted = {canonicalize_name(item.name): item for item in map(Requirement, project["dependencies"])}
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.in").read_text().splitlines())
    locked = {canonicalize_name(item.name): str(item.specifier)[2:] for item in map(Requirement, filter(None, lines))}
    assert accepted.keys() == locked.keys()
    assert all(accepted[name].specifier.contains(version) for name, version in locked.items())
