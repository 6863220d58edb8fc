"""Compare the plans of SQL jobs whose statements a pending change changes, with Flink's planner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.versions import short_version
from flink_k8s.operations.planner.run import PlannedScript, planned
from flink_k8s.operations.planner.script import Script, script_of
from flink_k8s.plan.sql_state import Fit, StateFit, compare
from flink_k8s.plan.steps import Preview, Step
from flink_k8s.resolve.connectors import urls
from flink_k8s.resolve.sql import config_map_of, script_in, session_script
from flink_k8s.support.errors import CommandError

_UID_GENERATION: Final = "table.exec.uid.generation"


def compared(preview: Preview, repository: str) -> dict[str, StateFit]:
    """Whether the state of each job with changed statements fits them, by the URN of the job.

    Args:
        preview: of the stack; it contains the scripts before and after.
        repository: URL of the Maven repository with the planner.
    """
    changed = {step.urn: step for step in preview.steps if _changes_script(step)}
    scripts = {urn: _scripts(step, preview) for urn, step in changed.items()}
    known = {urn: pair for urn, pair in scripts.items() if pair is not None}
    unknown = {urn: StateFit(Fit.UNKNOWN, "the old or the new script is not known") for urn in changed}
    if not known:
        return unknown
    try:
        results = planned([script for pair in known.values() for script in pair], repository)
    except CommandError as error:
        return {urn: StateFit(Fit.UNKNOWN, f"the plans are not compared: {error}") for urn in changed}
    pairs = zip(results[::2], results[1::2], strict=True)
    fits = {urn: _fit(scripts, pair) for (urn, scripts), pair in zip(known.items(), pairs, strict=True)}
    return unknown | fits


def _changes_script(step: Step) -> bool:
    if step.old is None or step.new is None or step.kind not in (FlinkKind.DEPLOYMENT, FlinkKind.SESSION_JOB):
        return False
    specs = [mapping(inputs.get("spec")) for inputs in (step.old, step.new)]
    old, new = (config_map_of(spec) or session_script(spec) for spec in specs)
    return old is not None and new is not None and old != new


def _scripts(step: Step, preview: Preview) -> tuple[Script, Script] | None:
    """The script of a job before and after; None if one is not known."""
    before = _script(mapping(step.old), [mapping(other.old) for other in preview.steps])
    after = _script(mapping(step.new), [mapping(other.new) for other in preview.steps])
    return (before, after) if before is not None and after is not None else None


def _script(job: Mapping[str, object], objects: list[Mapping[str, object]]) -> Script | None:
    spec = mapping(job.get("spec"))
    namespace = mapping(job.get("metadata")).get("namespace")

    def find(kind: str, name: object) -> Mapping[str, object]:
        places = ((item, mapping(item.get("metadata"))) for item in objects if item.get("kind") == kind)
        same = (item for item, place in places if (place.get("namespace"), place.get("name")) == (namespace, name))
        return next(same, mapping(None))

    text, cluster = session_script(spec), spec
    if text is None:
        text = script_in(find("ConfigMap", config_map_of(spec)))
    else:
        cluster = mapping(find(FlinkKind.DEPLOYMENT, spec.get("deploymentName")).get("spec"))
    flink = short_version(cluster.get("flinkVersion"))
    return script_of(text, flink, tuple(urls(cluster)), spec) if text is not None and flink is not None else None


def _fit(scripts: tuple[Script, Script], results: tuple[PlannedScript, PlannedScript]) -> StateFit:
    for script, result, which in zip(scripts, results, ("old", "new"), strict=True):
        if script.limits or result.failures:
            reason = f"Flink's planner cannot plan the {which} statements on this machine"
            return StateFit(Fit.UNKNOWN, f"{reason}; make check PLANNER=1 shows why")
        if script.options.get(_UID_GENERATION, "").upper() == "ALWAYS":
            return StateFit(Fit.UNKNOWN, f"{_UID_GENERATION} is ALWAYS: the IDs of operators depend on earlier plans")
    return compare(*(result.job for result in results))
