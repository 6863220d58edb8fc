"""Programs of users with the components, in each language, on the real engine and a bare API server."""

from __future__ import annotations

import re
from collections.abc import Generator

import pytest

from tests.engine.plain_project import plain_project
from tests.engine.programs import NAMESPACE, PROGRAMS, Program, PythonProgram

FULL = [pytest.param(name, marks=pytest.mark.full) for name in PROGRAMS if name != "python"]


@pytest.fixture
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Program]:
    """The program with an empty stack."""
    with plain_project(tmp_path_factory.mktemp(request.param), ()) as project:
        program = PROGRAMS[request.param](project.folder, project.command, project.kubectl)
        program.prepare()
        yield program


# The others compile Pulumi's language host for YAML, and its generator of TypeScript.
@pytest.mark.parametrize("program", ["python", *FULL], indirect=True)
def test_jobs_of_a_program_are_deployed_changed_and_deleted(program: Program) -> None:
    # A preview does not know the values of resources that do not exist.
    preview = program.run("preview", "orders-v2", "orders", "visits")
    assert preview.code == 0, preview.output
    up = program.run("up", "orders-v2", "orders", "visits")
    assert up.code == 0, up.output
    assert arguments(program, "orders") == arguments(program, "visits") == ["--topic", "orders-v2"]
    unchanged = program.run("unchanged", "orders-v2", "orders", "visits")
    assert unchanged.code == 0, unchanged.output

    # A new value changes the jobs, and their state is kept.
    changed = program.run("up", "orders-v3", "orders", "visits")
    assert changed.code == 0, changed.output
    assert arguments(program, "visits") == ["--topic", "orders-v3"]

    wrong = program.run("preview", "orders-v3", "orders", "visits", paralelism=3)
    assert wrong.code != 0
    # The engine stops at the first error.
    assert re.search("FlinkJob (orders|visits): manifest: spec.paralelism: unknown field", wrong.output), wrong.output
    assert "Traceback" not in wrong.output

    # A job has left the program: the guard refuses to delete the job, and allows it by name.
    refused = program.run("up", "orders-v3", "orders")
    assert refused.code != 0
    assert f"{NAMESPACE}/visits: STATE LOSS: delete" in refused.output
    allowed = program.run("up", "orders-v3", "orders", allow=f"{NAMESPACE}/visits")
    assert allowed.code == 0, allowed.output
    assert program.job("visits") is None

    if isinstance(program, PythonProgram):
        without_hook = program.without_components()
        assert without_hook.code != 0
        assert 'hook "state-guard-delete" was not registered' in without_hook.output

    destroyed = program.run("destroy", "orders-v3", "orders", allow=f"{NAMESPACE}/orders")
    assert destroyed.code == 0, destroyed.output
    assert program.kubectl.get("namespace", NAMESPACE) is None


def arguments(program: Program, job: str) -> list[str]:
    """The arguments of a deployed job."""
    spec = program.job(job)
    assert spec is not None
    return list(spec["job"]["args"])
