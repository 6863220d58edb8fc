"""Create the files of a new job from the template in this folder."""

from __future__ import annotations

import keyword
from pathlib import Path

from flink_k8s.checks.cluster import JOB_NAME
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT

TEMPLATE = Path(__file__).parent / "template"
NAMES = ("new-job", "new_job")
"""What the template's texts call the job and its module."""


def files(name: str) -> dict[Path, str]:
    """The new job's files, by their paths in the project.

    Args:
        name: of the job, as Kubernetes has it.

    Raises:
        CommandError: when it cannot be a job's name.
    """
    if not JOB_NAME.fullmatch(name):
        raise CommandError(
            f'JOB: "{name}" is not a valid job name; use lower-case letters, digits and -, a letter first, 45 at most'
        )
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise CommandError(f'JOB: "{name}" is a Python keyword; choose another name')
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
        CommandError: when one of them is there already; nothing is written then.
    """
    new = files(name)
    there = [str(place) for place in new if (root / place).exists()]
    if there:
        raise CommandError(f"{', '.join(there)} already exists; choose another name, or delete them first")
    for place, text in new.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text)
    return list(new)
