"""What is known to be wrong before a cluster is asked: the operator's refusals, pairs of versions, rules of our own.

Each module has the rules of one subject and says nothing of how grave they are: `finding.SEVERITIES` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from settings.problems import KeyPath
from settings.rules import (
    autoscaler,
    cluster,
    configuration,
    fields,
    ingress,
    memory,
    objects,
    recovery,
    resources,
    safety,
    session_job,
    snapshot,
    state,
)
from settings.rules.finding import Finding
from settings.rules.subject import Subject, effective, mapping, short_version


def _nothing(_path: KeyPath) -> str | None:
    return None


def look_at_manifest(
    manifest: Mapping[str, object],
    *,
    operator: str,
    defaults: Mapping[str, str] | None = None,
    session_cluster: Mapping[str, object] | None = None,
    written: fields.Written = _nothing,
) -> list[Finding]:
    """Everything that one Flink resource shows by itself.

    Args:
        manifest: merged, with flinkConfiguration flat.
        operator: version of the operator.
        defaults: the operator's own configuration.
        session_cluster: manifest of the cluster of a session job, where it is known.
        written: for values that YAML changed.
    """
    found: list[Finding] = []

    def say(rule: str, path: KeyPath, message: str) -> None:
        found.append(Finding(rule, path, message))

    given = defaults or {}
    kind, spec = str(manifest["kind"]), mapping(manifest["spec"])
    fields.look(kind, spec, operator, written, say)
    if kind == "FlinkDeployment":
        _look_at_cluster(_subject(manifest, spec, ("spec",), "", operator, given, say))
    elif kind == "FlinkBlueGreenDeployment":
        template = mapping(mapping(spec.get("template")).get("spec"))
        if not template:
            say("operator", ("spec", "template", "spec"), "is missing; it holds the spec of both deployments")
        else:
            _look_at_cluster(_subject(manifest, template, ("spec", "template", "spec"), "-green", operator, given, say))
    elif kind == "FlinkSessionJob":
        cluster.name_problem(_name(manifest), say)
        session_job.look(spec, operator, given, say)
        _session_keys(spec, session_cluster, operator, say)
        safety.look(spec, ("spec",), say)
        if session_cluster is not None and isinstance(spec.get("job"), dict):
            subject = _session_subject(manifest, session_cluster, operator, given, say)
            session_job.look_with_cluster(subject, mapping(session_cluster["spec"]))
    elif kind == "FlinkStateSnapshot":
        snapshot.look(spec, say)
    return _said_once(found)


def _said_once(found: list[Finding]) -> list[Finding]:
    """A version that the operator does not take is no value of its field either: the former says which it takes."""
    versions_said = {one.path for one in found if one.rule == "operator" and one.path[-1:] == ("flinkVersion",)}
    return [one for one in found if one.rule != "field" or one.path not in versions_said]


def look_at_conduct(
    manifest: Mapping[str, object],
    *,
    operator: str,
    defaults: Mapping[str, str] | None = None,
    session_cluster: Mapping[str, object] | None = None,
    in_file: bool = True,
) -> list[Finding]:
    """What an environment that counts asks of any object, of whatever kind: names, labels, pods, recovery, secrets.

    With `look_at_manifest` for Flink's kinds, which says what is wrong in itself, these are the rules of the policy
    pack, too.

    Args:
        manifest: merged; for Flink's kinds with flinkConfiguration flat.
        operator: version of the operator.
        defaults: the operator's own configuration.
        session_cluster: manifest of the cluster of a session job, where it is known.
        in_file: whether the object stands in a file that people read.
    """
    found: list[Finding] = []

    def say(rule: str, path: KeyPath, message: str) -> None:
        found.append(Finding(rule, path, message))

    objects.look(manifest, say, in_file=in_file)
    kind, spec, given = str(manifest.get("kind")), mapping(manifest.get("spec")), defaults or {}
    at: KeyPath = ("spec",)
    if kind == "FlinkBlueGreenDeployment":
        spec, at = mapping(mapping(spec.get("template")).get("spec")), ("spec", "template", "spec")
    if kind in ("FlinkDeployment", "FlinkBlueGreenDeployment"):
        ingress.look(mapping(manifest.get("spec")), say)
        resources.look_at_flink(spec, at, say)
        recovery.look(_subject(manifest, spec, at, "", operator, given, say))
    elif kind == "FlinkSessionJob" and session_cluster is not None:
        recovery.look(_session_subject(manifest, session_cluster, operator, given, say))
    return list(dict.fromkeys(found))  # JobManager and TaskManager share a template, and what is wrong with it


def _look_at_cluster(subject: Subject) -> None:
    cluster.look(subject)
    configuration.look(subject)
    memory.look(subject)
    state.look(subject)
    autoscaler.look(subject)
    safety.look(subject.spec, subject.at, subject.say)
    place = (*subject.at, "flinkConfiguration")
    own = subject.spec.get("flinkConfiguration")
    configuration.key_names(own, subject.flink_version, subject.operator, place, subject.say)


def _name(manifest: Mapping[str, object]) -> str:
    return str(mapping(manifest["metadata"]).get("name"))


def _subject(
    manifest: Mapping[str, object],
    spec: Mapping[str, object],
    at: KeyPath,
    suffix: str,
    operator: str,
    defaults: Mapping[str, str],
    say: object,
) -> Subject:
    namespace = str(mapping(manifest["metadata"]).get("namespace"))
    seen = effective(mapping(spec.get("flinkConfiguration")), defaults, namespace, spec.get("flinkVersion"))
    return Subject(_name(manifest) + suffix, namespace, spec, at, operator, seen, cast("fields.Say", say))


def _session_subject(
    manifest: Mapping[str, object],
    session_cluster: Mapping[str, object],
    operator: str,
    defaults: Mapping[str, str],
    say: object,
) -> Subject:
    from settings import versions

    own, its = mapping(manifest["spec"]), mapping(session_cluster["spec"])
    known = versions.OPERATORS.get(operator)
    joined = dict(mapping(its.get("flinkConfiguration")))
    if known is None or known.reads_session_job_configuration:
        joined |= mapping(own.get("flinkConfiguration"))
    spec = {**own, "flinkVersion": its.get("flinkVersion")}
    namespace = str(mapping(manifest["metadata"]).get("namespace"))
    seen = effective(joined, defaults, namespace, its.get("flinkVersion"))
    return Subject(_name(manifest), namespace, spec, ("spec",), operator, seen, cast("fields.Say", say))


def _session_keys(
    spec: Mapping[str, object], session_cluster: Mapping[str, object] | None, operator: str, say: object
) -> None:
    version = mapping(session_cluster["spec"]).get("flinkVersion") if session_cluster else None
    own = spec.get("flinkConfiguration")
    place = ("spec", "flinkConfiguration")
    configuration.key_names(own, short_version(version), operator, place, cast("fields.Say", say))
