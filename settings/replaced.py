"""What `enforced` took away from a job: no finding, since that is what it is for."""

from __future__ import annotations

from typing import cast

from settings.job_spec import apply_parameters, arguments_of
from settings.jobs import Job
from settings.layers import Layers, leaves
from settings.model import StackSettings
from settings.problems import KeyPath


def replaced(job: Job, settings: StackSettings) -> dict[KeyPath, object]:
    """What the job file or `jobs` said and `enforced` replaced, by its path in the job's manifest."""
    last = next(index for index, layer in enumerate(job.layers.ordered) if layer.name == "enforced")
    enforced = job.layers.ordered[last]
    wanted = Layers(job.layers.ordered[2:last]).merged()
    found: dict[KeyPath, object] = {}
    for path, value in leaves(enforced.spec):
        if value in ({}, []):
            continue
        before: object = wanted
        for part in path:
            before = cast(dict[str | int, object], before).get(part) if isinstance(before, dict) else None
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
