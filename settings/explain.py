"""Where each final value of a job came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from settings.jobs import Job
from settings.layers import leaves
from settings.problems import Problem, ProblemsError, dotted, nearest


def wanted(jobs: Sequence[Job], name: str) -> Job:
    """The job of that name, or of that kind/namespace/name.

    Raises:
        ProblemsError: there is none, or several.
    """
    found = [job for job in jobs if name in (job.name, f"{job.kind}/{job.namespace}/{job.name}")]
    if len(found) == 1:
        return found[0]
    if found:
        full = ", ".join(f"{job.kind}/{job.namespace}/{job.name}" for job in found)
        raise ProblemsError([Problem("--explain", 0, "", f'"{name}" fits several jobs; write one of: {full}')])
    near = nearest(name, [job.name for job in jobs])
    raise ProblemsError([Problem("--explain", 0, "", f'"{name}" is no job of this stack; {near}')])


def explain(job: Job) -> Iterator[str]:
    """A line a value, `path = value  # where from`, in the order of the spec."""
    yield f"# {job.kind} {job.namespace}/{job.name}, from {job.source.document.file}"
    lines = [(f"spec.{dotted(path)} = {_shown(value)}", job.origin(path)) for path, value in leaves(job.spec)]
    width = min(max((len(text) for text, _ in lines), default=0), 100)
    for text, origin in lines:
        yield f"{text:<{width}}  # {origin}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
