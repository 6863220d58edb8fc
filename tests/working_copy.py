"""A copy of the project as a user has it, with job files of a test's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flink_k8s.operations.review.trees import copy_work
from flink_k8s.support.paths import ROOT

LINKED = (".venv", ".sandbox")


def working_copy(folder: Path, jobs: Mapping[str, str]) -> None:
    """What git knows or would know, with these job files instead of the shipped ones.

    Args:
        folder: becomes the copy.
        jobs: content by name; a file's name without its folder.
    """
    copy_work(ROOT, folder)
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    write_jobs(folder, jobs)


def write_jobs(copy: Path, jobs: Mapping[str, str]) -> None:
    """Replace the job files of a copy."""
    assert copy != ROOT
    for path in (copy / "jobs").glob("*.yaml"):
        path.unlink()
    for name, content in jobs.items():
        (copy / "jobs" / name).write_text(content)
