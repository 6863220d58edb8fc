"""Values that `enforced` replaced: printed by `check`, but not a finding, because replacing values is its purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from flink_k8s.config.problems import KeyPath
from flink_k8s.resolve.job_spec import arguments_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.sources import ENFORCED, JOB_FILE, leaves


def replaced(job: Job) -> dict[KeyPath, object]:
    """The replaced values by their paths in the job's manifest.

    They are from the job file or `jobs`; on another stack's platform, also from the `enforced` of the job's stack.
    """
    ordered = job.sources.ordered
    file = next(index for index, source in enumerate(ordered) if source.name == JOB_FILE)
    template = job.kind.spec_path[1:]
    arguments = arguments_of(job.spec)
    replaced_values: dict[KeyPath, object] = {}
    for index, enforced in enumerate(ordered):
        if enforced.name != ENFORCED or enforced.settings is None:
            continue
        unenforced = job.sources.merged(file, index)
        for path, value in leaves(enforced.spec):
            if value in ({}, []):
                continue
            old_value = _old_value(unenforced, path, job.sources.option_names)
            if old_value is not None and old_value != value:
                replaced_values["spec", *path] = old_value
        if enforced.settings.namespace is not None and job.source.namespace not in (None, job.namespace):
            replaced_values["metadata", "namespace"] = job.source.namespace
        job.sources.merge_parameters(unenforced, file, index)
        unenforced_arguments = arguments_of(unenforced)
        for key, value in (enforced.settings.parameters or {}).items():
            flag = f"--{key}"
            if value is None or flag not in unenforced_arguments[:-1] or flag not in arguments:
                continue
            old_value = unenforced_arguments[unenforced_arguments.index(flag) + 1]
            if old_value != value:
                replaced_values["spec", *template, "job", "args", arguments.index(flag) + 1] = old_value
    return replaced_values


def _old_value(unenforced: Mapping[str, object], path: KeyPath, option_names: Mapping[str, tuple[str, ...]]) -> object:
    """The value at a path of a spec, for an option of flinkConfiguration under any of its names; None if not set."""
    holder: object = unenforced
    for part in path[:-1]:
        holder = cast(dict[str | int, object], holder).get(part) if isinstance(holder, dict) else None
    if not isinstance(holder, dict):
        return None
    key = path[-1]
    names = option_names.get(str(key), (key,)) if path[-2:-1] == ("flinkConfiguration",) else (key,)
    options = cast(dict[str | int, object], holder)
    return next((options[name] for name in names if name in options), None)
