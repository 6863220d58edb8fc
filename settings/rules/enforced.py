"""Says what `enforced` took away from a job."""

from __future__ import annotations

from typing import cast

from settings.job_spec import arguments_of
from settings.jobs import Job
from settings.layers import Layers, leaves
from settings.model import StackSettings
from settings.rules.finding import Finding

_CURE = "nothing to do, or say it in one place"


def look(job: Job, settings: StackSettings) -> list[Finding]:
    """What the job file or `jobs` said and `enforced` replaced."""
    enforced = job.layers.ordered[-1]
    wanted = Layers(job.layers.ordered[2:-1]).merged()
    found: list[Finding] = []
    for path, value in leaves(enforced.spec):
        if value in ({}, []):
            continue
        before: object = wanted
        for part in path:
            before = cast(dict[str | int, object], before).get(part) if isinstance(before, dict) else None
        if before is not None and before != value:
            message = f"is {_shown(value)} by enforced, which replaces {_shown(before)}; {_CURE}"
            found.append(Finding("enforced", ("spec", *path), message))
    said = settings.enforced.namespace
    if said is not None and job.source.namespace not in (None, said):
        message = f'is "{said}" by enforced, which replaces "{job.source.namespace}"; {_CURE}'
        found.append(Finding("enforced", ("metadata", "namespace"), message))
    args = arguments_of(wanted)
    for key, value in (settings.enforced.parameters or {}).items():
        flag = f"--{key}"
        place = args.index(flag) if flag in args else None
        if place is not None and value is not None and args[place + 1 : place + 2] != [value]:
            old = args[place + 1] if place + 1 < len(args) else ""
            message = f'has {flag} "{value}" by enforced, which replaces "{old}"; {_CURE}'
            found.append(Finding("enforced", ("spec", "job", "args"), message))
    return found


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
