"""The real engine takes a stack over that version 0.1 deployed: it creates components, and touches nothing else.

The state is an export of version 0.1 (tests/data/upgrade). The provider renders into a folder instead of a cluster, so
the test needs the engine alone. Helm releases cannot be rendered; their URNs are in tests/program/test_upgrade.py.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.engine import build
from sandbox.home import home
from tests.project import ROOT, run

DATA = ROOT / "tests" / "data" / "upgrade"
PROGRAM = """\
import runpy
import pulumi_kubernetes
of_cluster = pulumi_kubernetes.Provider
def rendering(name, **_):
    return of_cluster(name, enable_config_map_mutable=True, render_yaml_to_directory="rendered")
pulumi_kubernetes.Provider = rendering
runpy.run_path("program.py", run_name="__main__")
"""

Pulumi = Callable[..., str]


@pytest.fixture(scope="module")
def pulumi(tmp_path_factory: pytest.TempPathFactory) -> Pulumi:
    """`pulumi("preview", "--json")` in a copy of the project whose provider renders; the command's output."""
    folder = tmp_path_factory.mktemp("upgrade")
    for name in ("flink_k8s", "Pulumi.yaml", ".venv"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "program.py").symlink_to(ROOT / "__main__.py")
    (folder / "__main__.py").write_text(PROGRAM)
    shutil.copytree(DATA / "jobs", folder / "jobs")
    off = "".join(f"  flink-k8s:{part}: {{enabled: false}}\n" for part in ("certManager", "prometheus", "operator"))
    (folder / "Pulumi.rich.yaml").write_text((DATA / "Pulumi.rich.yaml").read_text() + off)
    command = build(home())
    state = folder / "state"
    state.mkdir()
    env = {
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def call(*arguments: str) -> str:
        result = run([str(command), *arguments, "--non-interactive"], timeout=300, cwd=folder, env=env)
        assert result.returncode == 0
        return result.stdout

    call("stack", "init", "rich")
    call("stack", "import", "--file", str(DATA / "state.json"))
    return call


def steps(preview: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation of a preview, with the state of its resource."""
    for step in json.loads(preview)["steps"]:
        yield step["op"], step.get("newState") or step["oldState"]


def test_upgrade_creates_components_and_nothing_in_the_cluster(pulumi: Pulumi):
    preview = list(steps(pulumi("preview", "--json")))
    of_cluster = {op for op, state in preview if state["custom"]}
    of_components = {op for op, state in preview if not state["custom"]}
    assert of_cluster <= {"same", "update"}, "the shape of an object may change, its identity may not"
    assert of_components <= {"same", "create", "update"}
    assert len([state for _, state in preview if state["type"] == "flink-k8s:index:FlinkJob"]) == 5

    pulumi("up", "--yes", "--skip-preview")
    pulumi("preview", "--expect-no-changes")
