"""What is known to be wrong before a cluster is asked: the operator's refusals, pairs of versions, rules of our own.

Each module has the rules of one subject and says nothing of how grave they are: `finding.SEVERITIES` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from flink_k8s.checks import (
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
from flink_k8s.checks.subject import Subject
from flink_k8s.config.findings import Finding
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.versions import short_version
from flink_k8s.resolve.operator_configuration import effective


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
    checked = look_at_fields(manifest, operator=operator, written=written)
    found = look_at_usable(checked.usable, operator=operator, defaults=defaults, session_cluster=session_cluster)
    return [*checked.findings, *checked.without_repeats(found)]


@dataclass(frozen=True)
class Checked:
    """A Flink resource whose fields have been compared with the operator's.

    Attributes:
        findings: misspelt fields and values of a wrong type.
        refused: where they are.
        usable: the manifest without them, for all other rules.
    """

    findings: Sequence[Finding]
    refused: frozenset[KeyPath]
    usable: dict[str, object]

    def without_repeats(self, found: Iterable[Finding]) -> list[Finding]:
        """The findings without those about a value that is refused already: one mistake is one error."""
        return [one for one in found if not self._is_refused(one.path)]

    def _is_refused(self, path: KeyPath) -> bool:
        return bool(self.refused) and any(path[:end] in self.refused for end in range(1, len(path) + 1))


def look_at_fields(manifest: Mapping[str, object], *, operator: str, written: fields.Written = _nothing) -> Checked:
    """Compares a Flink resource's fields with those of the operator's version.

    Args:
        manifest: merged, with flinkConfiguration flat.
        operator: version of the operator.
        written: for values that YAML changed.
    """
    found: list[Finding] = []

    def say(rule: str, path: KeyPath, message: str) -> None:
        found.append(Finding(rule, path, message))

    kind = str(manifest["kind"])
    refused = fields.look(kind, mapping(manifest["spec"]), operator, written, say)
    # The rule `operator` says of a version that the operator does not take which ones it takes.
    versions = [path for path in refused if path[-1] == "flinkVersion" and _is_scalar_at(manifest, path)]
    kept = [one for one in found if one.path not in versions or not _is_operators(kind)]
    refused = [path for path in refused if path not in versions]
    usable = cast(dict[str, object], fields.without(manifest, refused) if refused else manifest)
    return Checked(kept, frozenset(refused), {**usable, "spec": usable.get("spec") or {}})


def _is_operators(kind: str) -> bool:
    return kind in ("FlinkDeployment", "FlinkBlueGreenDeployment")


def _is_scalar_at(manifest: Mapping[str, object], path: KeyPath) -> bool:
    value: object = manifest
    for part in path:
        value = mapping(value).get(str(part))
    return isinstance(value, str | int | float)


def look_at_usable(
    manifest: Mapping[str, object],
    *,
    operator: str,
    defaults: Mapping[str, str] | None = None,
    session_cluster: Mapping[str, object] | None = None,
) -> list[Finding]:
    """`look_at_manifest` for a manifest of which `look_at_fields` has taken away what it refuses."""
    found: list[Finding] = []

    def say(rule: str, path: KeyPath, message: str) -> None:
        found.append(Finding(rule, path, message))

    given = defaults or {}
    kind, spec = str(manifest["kind"]), mapping(manifest["spec"])
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
    return found


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
    from flink_k8s.facts import versions

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
