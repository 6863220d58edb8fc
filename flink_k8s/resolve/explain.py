"""Where each final value of a job came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from flink_k8s.config.problems import LINE_LIMIT, KeyPath, Problem, ProblemsError, dotted, nearest, printable, shortened
from flink_k8s.config.secret_text import HIDDEN, is_secret, is_secret_argument, masked
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.replaced import replaced
from flink_k8s.resolve.sources import leaves


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
    """A line a value, `path = value  # where from`, in the order of the spec, with what `enforced` replaced."""
    instead = {
        path: f", instead of {shortened(_shown(job, path[1:], old), 500)}" for path, old in replaced(job).items()
    }
    if job.said_image is not None:
        inner = job.kind.spec_path[1:]
        by_code = ", by the code that it uses" if job.built_as else ""
        instead["spec", *inner, "image"] = f', instead of "{printable(job.said_image)}"{by_code}'
    moved = instead.get(("metadata", "namespace"), "")
    file = printable(job.source.document.file)
    yield f"# {job.kind} {job.namespace}/{job.name}, from {file}{moved and f'; enforced{moved}'}"
    lines = [
        (f"spec.{dotted(path)} = {_shown(job, path, value)}", job.origin(path) + instead.get(("spec", *path), ""))
        for path, value in leaves(job.spec)
    ]
    width = min(max((len(text) for text, _ in lines), default=0), 100)
    for text, origin in lines:
        space = max(LINE_LIMIT - len(origin.encode(errors="replace")) - len("  # "), LINE_LIMIT // 2)
        yield shortened(f"{shortened(text, space):<{width}}  # {origin}")


def replaced_by_enforced(jobs: Sequence[Job]) -> str:
    """`2 values of word-count`: what `enforced` replaced, in few words; empty when it replaced nothing."""
    counts = [(job.name, len(replaced(job))) for job in jobs]
    counts = [(name, count) for name, count in counts if count]
    if not counts:
        return ""
    total, (first, _) = sum(count for _, count in counts), counts[0]
    whose = first if len(counts) == 1 else f"{len(counts)} jobs, {first} among them"
    return f"{total} value{'s' if total != 1 else ''} of {whose}"


def _shown(job: Job, path: KeyPath, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(masked(str(path[-1]), value))
    return HIDDEN if _is_secret(job, path, value) else f'"{printable(value)}"'


def _is_secret(job: Job, path: KeyPath, value: str) -> bool:
    """Whether the value looks like a secret, by its own text or by the name that it has: of a variable, of a flag."""
    around: object = job.spec
    for part in path[:-1]:
        if isinstance(around, list):
            around = cast("list[object]", around)[cast(int, part)]
        else:
            around = cast("dict[str | int, object]", around).get(part, {})
    last = path[-1]
    if isinstance(around, list):
        arguments = [*cast("list[object]", around)]
        if isinstance(last, int) and last < len(arguments):
            arguments[last] = value
            return is_secret_argument(arguments, last)
        return is_secret("", value)
    name = cast("dict[str, object]", around).get("name") if last == "value" else last
    return is_secret(str(name), value)
