"""What one job more costs a check and the program, in counts: no other work on the machine changes them.

docs/performance.md has the times. A count that grows needs a reason.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from dev.bench import workload
from flink_k8s.config import stack_file
from flink_k8s.operations.check import check
from flink_k8s.program.monitor import Monitor
from flink_k8s.program.run import run_program

SIZES = (4, 8, 16)
"""Numbers of jobs of the projects."""


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The jobs of the benchmark, with NetworkPolicies, in projects of different sizes."""
    folders = [tmp_path_factory.mktemp(f"jobs-{size}") for size in SIZES]
    config: dict[str, object] = {"networkPolicies": {"enabled": True}}
    return [workload.project(folder, size, config) for folder, size in zip(folders, SIZES, strict=True)]


def run_check(project: Path) -> None:
    assert check([workload.STACK], root=project) == 0


def run(project: Path) -> None:
    run_program(project, workload.STACK, stack_file.read(project, workload.STACK), preview=False)


@contextmanager
def counted(calls: Counter[CodeType]) -> Generator[None]:
    """Count the calls of this thread to functions that are written in Python."""

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            calls[frame.f_code] += 1

    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)


def calls_per_job(work: Callable[[Path], None], projects: Sequence[Path]) -> Counter[str]:
    """The calls for one job more: `module.function`, of this project's functions `folder/module.function`.

    Raises:
        AssertionError: if a function of this project is called the more often for a job, the more jobs there are.
    """
    work(projects[0])  # what is imported or cached once does not count
    counts: list[Counter[str]] = []
    for project in projects:
        calls: Counter[CodeType] = Counter()
        with counted(calls):
            work(project)
        names: Counter[str] = Counter()
        for code, number in calls.items():
            names[_name(code)] += number
        counts.append(names)
    few, more, most = counts
    first = {name: (more[name] - few[name]) / (SIZES[1] - SIZES[0]) for name in most}
    second = {name: (most[name] - more[name]) / (SIZES[2] - SIZES[1]) for name in most}
    growing = {name: (first[name], second[name]) for name in most if "/" in name and second[name] > first[name] + 1}
    assert growing == {}, "a search through all jobs, for each job"
    return Counter({name: round(number) for name, number in second.items()})


def _name(code: CodeType) -> str:
    file = Path(code.co_filename)
    is_own = {"flink_k8s", "components"} & {*file.parts} and "site-packages" not in file.parts
    return f"{file.parent.name}/{file.stem}.{code.co_name}" if is_own else f"{file.stem}.{code.co_name}"


def test_a_check_does_everything_once_for_each_job(projects: list[Path]):
    calls = calls_per_job(run_check, projects)
    expected = {
        "config/yaml_file.parse": 1,
        "main.model_validate": 5,  # the settings of the job, and four endpoints of its NetworkPolicy
        "resolve/resolution._job_manifest": 1,
        "resolve/pod_requests.pods": 1,
    }
    assert {name: calls[name] for name in expected} == expected
    assert calls.total() < 4_100


def test_the_program_sends_one_message_for_each_resource_of_a_job(
    projects: list[Path], monkeypatch: pytest.MonkeyPatch
):
    sent: list[list[tuple[str, int]]] = []

    def recording(name: str) -> Callable[[Monitor, Any], Any]:
        answer = getattr(Monitor, name)

        def record(self: Monitor, request: Any) -> Any:
            sent[-1].append((name, request.ByteSize()))  # many threads
            return answer(self, request)

        return record

    for name in ("RegisterResource", "RegisterResourceOutputs", "Invoke", "ReadResource", "Call"):
        monkeypatch.setattr(Monitor, name, recording(name))

    def work(project: Path) -> None:
        sent.append([])
        run(project)

    assert calls_per_job(work, projects).total() < 25_500
    jobs = SIZES[-1] - SIZES[-2]
    *_, fewer, more = (Counter(name for name, _ in messages) for messages in sent)
    assert more - fewer == {
        "RegisterResource": 3 * jobs,  # the component, the Flink resource and its NetworkPolicy
        "RegisterResourceOutputs": jobs,
    }
    *_, fewer_bytes, more_bytes = (sum(size for _, size in messages) for messages in sent)
    assert (more_bytes - fewer_bytes) / jobs < 18_000
