"""Bad input: every problem in one run, no traceback, and nothing registered."""

from __future__ import annotations

import shutil
from pathlib import Path

import pulumi
import pytest

from flink_k8s.config import stack_file
from flink_k8s.operations.check import check
from flink_k8s.program.resource_graph import Message
from flink_k8s.program.run import run_program

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with three things wrong (a job file, a config key, an override) and one to warn of."""
    for name in ("__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("flink_k8s",):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "jobs", tmp_path / "jobs")
    (tmp_path / "jobs" / "broken.yaml").write_text("kind: FlinkDeployment\n  name: [\n")
    with (tmp_path / "Pulumi.dev.yaml").open("a") as config:
        config.write("  flink-k8s:jobTimeOut: 5m\n  flink-k8s:jobs:\n    word-cuont: {parallelism: 2}\n")
        config.write("    word-count: {image: shop/words:1}\n")
    return tmp_path


def test_check_lists_all_problems(project: Path, capsys: pytest.CaptureFixture[str]):
    assert check(["dev"], root=project) == 1
    stderr = capsys.readouterr().err
    assert "jobs/broken.yaml:2" in stderr
    assert 'jobTimeOut: unknown field; did you mean "jobTimeout"?' in stderr
    assert 'word-cuont: unknown job in jobs/; did you mean "word-count"?' in stderr
    assert "Traceback" not in stderr


def test_program_reports_the_same_problems_and_registers_nothing(project: Path):
    applied: list[object] = []

    class Effects:
        def apply(self, resource: object) -> dict[str, object]:
            applied.append(resource)
            return {}

    config, logged = stack_file.read(project, "dev"), list[Message]()
    with pytest.raises(pulumi.RunError) as error:
        run_program(project, "dev", config, preview=False, effects=Effects(), log=logged.append)
    assert "3 problem(s)" in str(error.value)
    printed = [str(error.value), *(message.text for message in logged)]
    assert sum(text.count("pin one: ") for text in printed) == 1, "each finding is printed once"
    assert not applied
