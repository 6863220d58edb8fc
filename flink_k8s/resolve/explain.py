"""The source of each final value of a job: `check --explain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from flink_k8s.config.problems import LINE_LIMIT, KeyPath, Problem, ProblemsError, dotted, nearest, printable, shortened
from flink_k8s.config.secret_text import masked, shown_at
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.replaced import replaced
from flink_k8s.resolve.sources import leaves


def wanted(jobs: Sequence[Job], name: str) -> Job:
    """The job with the name, or with the kind/namespace/name.

    Raises:
        ProblemsError: if no job or several jobs match.
    """
    matches = [job for job in jobs if name in (job.name, f"{job.kind}/{job.namespace}/{job.name}")]
    if len(matches) == 1:
        return matches[0]
    if matches:
        full = ", ".join(f"{job.kind}/{job.namespace}/{job.name}" for job in matches)
        raise ProblemsError([Problem("--explain", 0, "", f'"{name}" matches several jobs; write one of: {full}')])
    remedy = nearest(name, [job.name for job in jobs])
    raise ProblemsError([Problem("--explain", 0, "", f'unknown job "{name}"; {remedy}')])


def explain(job: Job) -> Iterator[str]:
    """One line per value, `path = value  # source`, in the order of the spec, with values that `enforced` replaced."""
    replaced_values = {
        path: f", instead of {shortened(_text(old, _shown_before(job, path[1:], old)), 500)}"
        for path, old in replaced(job).items()
    }
    if job.declared_image is not None:
        inner = job.kind.spec_path[1:]
        by_code = ", by its code hash" if job.built_as else ""
        replaced_values["spec", *inner, "image"] = f', instead of "{printable(job.declared_image)}"{by_code}'
    replaced_namespace = replaced_values.get(("metadata", "namespace"), "")
    file = printable(job.source.document.file)
    enforced = f"; enforced{replaced_namespace}" if replaced_namespace else ""
    yield f"# {job.kind} {job.namespace}/{job.name}, from {file}{enforced}"
    lines = [
        (
            f"spec.{dotted(path)} = {_text(value, masked_value)}",
            job.origin(path) + replaced_values.get(("spec", *path), ""),
        )
        for (path, value), (_, masked_value) in zip(leaves(job.spec), leaves(masked("", job.spec)), strict=True)
    ]
    width = min(max((len(text) for text, _ in lines), default=0), 100)
    for text, origin in lines:
        space = max(LINE_LIMIT - len(origin.encode(errors="replace")) - len("  # "), LINE_LIMIT // 2)
        yield shortened(f"{shortened(text, space):<{width}}  # {origin}")


def replaced_by_enforced(jobs: Sequence[Job]) -> str:
    """`2 values of word-count`: a summary of the values that `enforced` replaced; empty if it replaced none."""
    counts = [(job.name, len(replaced(job))) for job in jobs]
    counts = [(name, count) for name, count in counts if count]
    if not counts:
        return ""
    total, (first, _) = sum(count for _, count in counts), counts[0]
    jobs_text = first if len(counts) == 1 else f"{len(counts)} jobs, including {first}"
    return f"{total} value{'s' if total != 1 else ''} of {jobs_text}"


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


def _text(value: object, masked_value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{printable(value)}"' if isinstance(value, str) and masked_value == value else str(masked_value)
