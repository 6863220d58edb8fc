"""Where each final value of a job came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from flink_k8s.config.problems import LINE_LIMIT, KeyPath, Problem, ProblemsError, dotted, nearest, printable, shortened
from flink_k8s.config.secret_text import masked, shown_at
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
        path: f", instead of {shortened(_text(old, _shown_before(job, path[1:], old)), 500)}"
        for path, old in replaced(job).items()
    }
    if job.said_image is not None:
        inner = job.kind.spec_path[1:]
        by_code = ", by the code that it uses" if job.built_as else ""
        instead["spec", *inner, "image"] = f', instead of "{printable(job.said_image)}"{by_code}'
    moved = instead.get(("metadata", "namespace"), "")
    file = printable(job.source.document.file)
    yield f"# {job.kind} {job.namespace}/{job.name}, from {file}{moved and f'; enforced{moved}'}"
    lines = [
        (f"spec.{dotted(path)} = {_text(value, shown)}", job.origin(path) + instead.get(("spec", *path), ""))
        for (path, value), (_, shown) in zip(leaves(job.spec), leaves(masked("", job.spec)), strict=True)
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


def _shown_before(job: Job, path: KeyPath, value: object) -> object:
    """A replaced value as it may be shown: by the name that the variable or the flag at that path has."""
    holder: object = job.spec
    for part in path[:-1]:
        if isinstance(holder, list):
            holder = cast("list[object]", holder)[cast(int, part)]
        else:
            holder = cast("dict[str | int, object]", holder).get(part, {})
    last = path[-1] if path else ""
    if isinstance(holder, list) and isinstance(last, int) and last < len(cast("list[object]", holder)):
        arguments = [*cast("list[object]", holder)]
        arguments[last] = value
        return cast("list[object]", masked("", arguments))[last]
    if isinstance(holder, dict) and last == "value":
        return cast("dict[str, object]", masked("", {**cast("dict[str, object]", holder), "value": value}))["value"]
    return shown_at(path, value)


def _text(value: object, shown: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{printable(value)}"' if isinstance(value, str) and shown == value else str(shown)
