"""What `enforced` took away from a job: no finding, since that is what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from settings.job_spec import apply_parameters, arguments_of
from settings.jobs import Job
from settings.layers import leaves
from settings.model import StackSettings
from settings.problems import KeyPath


def replaced(job: Job, settings: StackSettings) -> dict[KeyPath, object]:
    """What the job file or `jobs` said and `enforced` replaced, by its path in the job's manifest."""
    last = next(index for index, layer in enumerate(job.layers.ordered) if layer.name == "enforced")
    enforced = job.layers.ordered[last]
    wanted = job.layers.merged(2, last)
    found: dict[KeyPath, object] = {}
    for path, value in leaves(enforced.spec):
        if value in ({}, []):
            continue
        before = _before(wanted, path, job.layers.option_names)
        if before is not None and before != value:
            found["spec", *path] = before
    said = settings.enforced.namespace
    if said is not None and job.source.namespace not in (None, said):
        found["metadata", "namespace"] = job.source.namespace
    named = job.layers.ordered[last - 1].place
    if named is not None and (own := settings.jobs.get(str(named[-1]))) is not None:
        apply_parameters(wanted, own.parameters)
    asked, given = arguments_of(wanted), arguments_of(job.spec)
    inner = ("template", "spec") if job.kind == "FlinkBlueGreenDeployment" else ()
    for key, value in (settings.enforced.parameters or {}).items():
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
