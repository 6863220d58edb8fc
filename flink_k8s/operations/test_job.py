"""Run the tests of a job's code, with a PyFlink that runs the whole job."""

from __future__ import annotations

import os
import sys

from flink_k8s.operations.access import find_job
from flink_k8s.operations.pyflink import pyflink
from flink_k8s.operations.run_job import flink_version, module_of
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve.jobs import Job
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import stream

TESTS = ROOT / "tests" / "unit" / "jobs"


def tests_of(job: Job) -> list[str]:
    """The test files of a job: tests/unit/jobs/test_<its module or SQL file>*.py.

    Raises:
        CommandError: if there are none.
    """
    module = module_of(job)
    files = sorted(str(path) for path in TESTS.glob(f"test_{module}*.py"))
    if not files:
        raise CommandError(
            f"job {job.name} has no tests; write {TESTS.relative_to(ROOT)}/test_{module}.py, "
            "see the tests that `make new JOB=…` creates"
        )
    return files


def test_job(stack: Stack, name: str) -> int:
    """Run the tests of a job; an exit code.

    Args:
        stack: the stack whose Flink version the job runs in.
        name: of the job; empty if the stack has only one.

    Raises:
        CommandError: if the job has no tests.
    """
    job = find_job(stack, name)
    files = tests_of(job)
    with_pyflink = pyflink(flink_version(stack, job))
    environment = {**os.environ, "PYFLINK_PYTHONS": str(with_pyflink.python)}
    return stream([sys.executable, "-m", "pytest", "-q", *files], env=environment)
