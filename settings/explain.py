"""Where each final value of a job came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from settings.jobs import Job
from settings.layers import leaves
from settings.model import StackSettings
from settings.problems import Problem, ProblemsError, dotted, nearest
from settings.replaced import replaced


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


def explain(job: Job, settings: StackSettings) -> Iterator[str]:
    """A line a value, `path = value  # where from`, in the order of the spec, with what `enforced` replaced."""
    instead = {path: f", instead of {_shown(old)}" for path, old in replaced(job, settings).items()}
    moved = instead.get(("metadata", "namespace"), "")
    yield f"# {job.kind} {job.namespace}/{job.name}, from {job.source.document.file}{moved and f'; enforced{moved}'}"
    lines = [
        (f"spec.{dotted(path)} = {_shown(value)}", job.origin(path) + instead.get(("spec", *path), ""))
        for path, value in leaves(job.spec)
    ]
    width = min(max((len(text) for text, _ in lines), default=0), 100)
    for text, origin in lines:
        yield f"{text:<{width}}  # {origin}"


def replaced_by_enforced(jobs: Sequence[Job], settings: StackSettings) -> str:
    """`2 values of word-count`: what `enforced` replaced, in few words; empty when it replaced nothing."""
    counts = [(job.name, len(replaced(job, settings))) for job in jobs]
    counts = [(name, count) for name, count in counts if count]
    if not counts:
        return ""
    total, (first, _) = sum(count for _, count in counts), counts[0]
    whose = first if len(counts) == 1 else f"{len(counts)} jobs, {first} among them"
    return f"{total} value{'s' if total != 1 else ''} of {whose}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
