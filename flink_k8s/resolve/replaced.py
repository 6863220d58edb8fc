"""What `enforced` took away from a job: no finding, since that is what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from flink_k8s.config.problems import KeyPath
from flink_k8s.resolve.job_spec import arguments_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.sources import ENFORCED, JOB_FILE, leaves


def replaced(job: Job) -> dict[KeyPath, object]:
    """What was said and an `enforced` above it replaced, by its path in the job's manifest: by the job file or by
    `jobs`, and on another stack's platform by the stack's own `enforced`, too.
    """
    ordered = job.layers.ordered
    file = next(index for index, layer in enumerate(ordered) if layer.name == JOB_FILE)
    inner = job.kind.spec_path[1:]
    given = arguments_of(job.spec)
    found: dict[KeyPath, object] = {}
    for index, enforced in enumerate(ordered):
        if enforced.name != ENFORCED or enforced.settings is None:
            continue
        wanted = job.layers.merged(file, index)
        for path, value in leaves(enforced.spec):
            if value in ({}, []):
                continue
            before = _before(wanted, path, job.layers.option_names)
            if before is not None and before != value:
                found["spec", *path] = before
        if enforced.settings.namespace is not None and job.source.namespace not in (None, job.namespace):
            found["metadata", "namespace"] = job.source.namespace
        job.layers.lay_parameters(wanted, file, index)
        asked = arguments_of(wanted)
        for key, value in (enforced.settings.parameters or {}).items():
            flag = f"--{key}"
            if value is None or flag not in asked[:-1] or flag not in given:
                continue
            before = asked[asked.index(flag) + 1]
            if before != value:
                found["spec", *inner, "job", "args", given.index(flag) + 1] = before
    return found


def _before(wanted: Mapping[str, object], path: KeyPath, option_names: Mapping[str, tuple[str, ...]]) -> object:
    """What stands at a path of a spec, of an option of flinkConfiguration by any of its names; None for nothing."""
    holder: object = wanted
    for part in path[:-1]:
        holder = cast(dict[str | int, object], holder).get(part) if isinstance(holder, dict) else None
    if not isinstance(holder, dict):
        return None
    key = path[-1]
    names = option_names.get(str(key), (key,)) if path[-2:-1] == ("flinkConfiguration",) else (key,)
    said = cast(dict[str | int, object], holder)
    return next((said[name] for name in names if name in said), None)
