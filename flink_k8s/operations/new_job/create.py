"""Create the files of a new job from the template in this folder."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from pathlib import Path

from flink_k8s.checks.cluster import JOB_NAME
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT

TEMPLATE = Path(__file__).parent / "template"
NAMES = ("new-job", "new_job")
"""Names of the job and its module in the template."""

KINDS: Mapping[str, Mapping[str, str]] = {
    "python": {
        "manifest.yaml": "jobs/new_job.yaml",
        "code.py": "jobs/pyflink/src/new_job.py",
        "tests.py": "tests/unit/jobs/test_new_job.py",
    },
    "sql": {"script.sql": "jobs/new_job.sql", "script_tests.py": "tests/unit/jobs/test_new_job.py"},
}
"""Files of the template and their paths in the project, by kind of job."""


def files(name: str, kind: str = "python") -> dict[Path, str]:
    """The texts of the new job's files, by path in the project.

    Args:
        name: of the job, a valid Kubernetes name.
        kind: a key of `KINDS`.

    Raises:
        CommandError: if the name is not valid.
    """
    if not JOB_NAME.fullmatch(name):
        raise CommandError(
            f'JOB: "{name}" is not a valid job name; use lower-case letters, digits and -, starting with a letter '
            "(at most 45 characters)"
        )
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise CommandError(f'JOB: "{name}" is a Python keyword; choose another name')
    return {
        Path(path.replace(NAMES[1], module)): (TEMPLATE / source)
        .read_text()
        .replace(NAMES[0], name)
        .replace(NAMES[1], module)
        for source, path in KINDS[kind].items()
    }


def create(name: str, root: Path = ROOT, kind: str = "python") -> list[Path]:
    """Write the new job's files, and return their paths in the project.

    Args:
        name: of the job.
        root: the project.
        kind: a key of `KINDS`.

    Raises:
        CommandError: if one of them exists already; nothing is written then.
    """
    new = files(name, kind)
    existing = [str(path) for path in new if (root / path).exists()]
    if existing:
        raise CommandError(f"{', '.join(existing)} already exists; choose another name, or delete them first")
    for path, text in new.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return list(new)
