"""`make test-job JOB=j`: the tests of one job's code, with a PyFlink to run the whole job in.

python -m flink_k8s.operations.test_job JOB
"""

from __future__ import annotations

import argparse
import os
import sys

from flink_k8s.operations.access import find_job
from flink_k8s.operations.pyflink import pyflink
from flink_k8s.operations.run_job import flink_version, program_of
from flink_k8s.operations.stack import prepare
from flink_k8s.resolve.job_spec import arguments_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import FailedError, finish, stream

TESTS = ROOT / "tests" / "unit" / "jobs"


def tests_of(job: Job) -> list[str]:
    """The test files of a job: tests/unit/jobs/test_<its module>*.py.

    Raises:
        FailedError: when there is none.
    """
    module = program_of(job, arguments_of(job.spec))
    found = sorted(str(path) for path in TESTS.glob(f"test_{module}*.py"))
    if not found:
        raise FailedError(
            f"job {job.name} has no tests; write {TESTS.relative_to(ROOT)}/test_{module}.py, "
            "as `make new JOB=…` does for a new job"
        )
    return found


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="flink_k8s.operations.test_job", description="the tests of one job")
    parser.add_argument("job", nargs="?", default="")
    parser.add_argument("--stack", default="dev", help="whose Flink version the job runs in")
    options = parser.parse_args()
    stack = prepare(options.stack)
    job = find_job(stack, options.job)
    files = tests_of(job)
    with_pyflink = pyflink(flink_version(stack, job))
    environment = {**os.environ, "PYFLINK_PYTHONS": str(with_pyflink.python)}
    return stream([sys.executable, "-m", "pytest", "-q", *files], env=environment)


if __name__ == "__main__":
    finish(main)
