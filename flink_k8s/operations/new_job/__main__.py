"""python -m flink_k8s.operations.new_job NAME: writes a new job's files from the template beside this module."""

from __future__ import annotations

import argparse
import keyword
from pathlib import Path

from flink_k8s.checks.cluster import JOB_NAME
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import FailedError, finish, say

TEMPLATE = Path(__file__).parent / "template"
NAMES = ("new-job", "new_job")
"""What the template's texts call the job and its module."""


def files(name: str) -> dict[Path, str]:
    """The new job's files, by their paths in the project.

    Args:
        name: of the job, as Kubernetes has it.

    Raises:
        FailedError: when it cannot be a job's name.
    """
    if not JOB_NAME.fullmatch(name):
        raise FailedError(
            f'JOB: "{name}" is no name for a job; use lower-case letters, digits and -, a letter first, 45 at most'
        )
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise FailedError(f'JOB: "{name}" is a word of Python; choose another name')
    places = {
        "manifest.yaml": Path("jobs") / f"{module}.yaml",
        "code.py": Path("jobs") / "pyflink" / "src" / f"{module}.py",
        "tests.py": Path("tests") / "unit" / "jobs" / f"test_{module}.py",
    }
    return {
        place: (TEMPLATE / source).read_text().replace(NAMES[0], name).replace(NAMES[1], module)
        for source, place in places.items()
    }


def create(name: str, root: Path = ROOT) -> list[Path]:
    """Writes the new job's files; their paths in the project.

    Raises:
        FailedError: when one of them is there already; nothing is written then.
    """
    new = files(name)
    there = [str(place) for place in new if (root / place).exists()]
    if there:
        raise FailedError(f"{', '.join(there)}: there already; choose another name, or delete them first")
    for place, text in new.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text)
    return list(new)


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="flink_k8s.operations.new_job", description="a new job's files")
    parser.add_argument("job")
    name = str(parser.parse_args().job)
    if not name:
        raise FailedError("say what the job is called: make new JOB=name")
    for place in create(name):
        say(f"   {place}")
    say(f"next: make test-job JOB={name}, make run JOB={name}, then make build up")
    return 0


if __name__ == "__main__":
    finish(main)
