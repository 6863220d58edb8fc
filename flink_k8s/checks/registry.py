"""The checks by kind of object. A check reports the rules of `checks.rules`; it does not know their severity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from flink_k8s.checks import (
    accounts,
    autoscaler,
    autoscaling,
    availability,
    cluster,
    configuration,
    connectors,
    continuation,
    existing_operator,
    exposure,
    fields,
    graph,
    ignore,
    ingress,
    internal_tls,
    live_fields,
    local_files,
    memory,
    namespaces,
    network,
    objects,
    option_values,
    outputs,
    platform_objects,
    pod_security,
    pod_template,
    program,
    quota,
    recovery,
    reporters,
    resources,
    safety,
    session_job,
    shared_state,
    snapshot,
    sql,
    stack,
    state,
    storage,
    team_objects,
    unread,
)
from flink_k8s.checks.subject import CLUSTERS, ObjectCheck, StackCheck, Subject
from flink_k8s.config.findings import Finding
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts.kinds import FLINK_KINDS, FlinkKind

VALIDATION: Mapping[str, tuple[ObjectCheck, ...]] = {
    **dict.fromkeys(
        CLUSTERS,
        (
            cluster.check,
            configuration.check,
            memory.check,
            state.check,
            autoscaler.check,
            pod_template.check,
            program.check,
            option_values.check,
            safety.check,
        ),
    ),
    FlinkKind.SESSION_JOB: (session_job.check, configuration.check_options, option_values.check, safety.check),
    FlinkKind.SNAPSHOT: (snapshot.check,),
}
"""Checks by kind of Flink resource: whether the operator accepts it and Flink starts with it."""

PRACTICES: Mapping[str, tuple[ObjectCheck, ...]] = {
    **dict.fromkeys(CLUSTERS, (ingress.check, exposure.check, resources.check, recovery.check, pod_security.check)),
    FlinkKind.SESSION_JOB: (recovery.check,),
}
"""Checks by kind of Flink resource: whether it is fit for production."""

ANY_OBJECT: tuple[ObjectCheck, ...] = (objects.check,)
"""Checks of an object of any kind."""

DECLARED: tuple[ObjectCheck, ...] = (quota.check, continuation.check, network.check, reporters.check)
"""Checks of a declared job, with the stack config and the sources that it was merged from."""

STACK: tuple[StackCheck, ...] = (
    stack.check,
    stack.check_all_jobs,
    stack.check_severities,
    existing_operator.check,
    namespaces.check,
    storage.check,
    storage.check_names,
    shared_state.check,
    network.check_stack,
    network.check_names,
    ingress.check_stack,
    quota.check_stack,
    graph.check,
    sql.check,
    local_files.check,
    outputs.check,
    connectors.check,
    internal_tls.check,
    internal_tls.check_alert,
    autoscaling.check,
    availability.check,
    availability.check_recovery,
    team_objects.check,
    accounts.check,
    platform_objects.check,
    unread.check,
    live_fields.check,
    ignore.check,
)
"""Checks of the stack as a whole."""


def usable_manifest(subject: Subject) -> tuple[dict[str, object], frozenset[KeyPath]]:
    """Report the refused fields of a Flink resource; return the manifest without them, and their paths."""
    refused = fields.refused_fields(subject)
    manifest = cast(dict[str, object], fields.without(subject.manifest, refused) if refused else subject.manifest)
    return {**manifest, "spec": manifest.get("spec") or {}}, frozenset(refused)


def without_refused(findings: Iterable[Finding], refused: frozenset[KeyPath]) -> list[Finding]:
    """The findings without duplicates and without findings about refused values: one mistake is one error."""

    def is_about_refused(finding: Finding) -> bool:
        if any(finding.path[:end] in refused for end in range(1, len(finding.path) + 1)):
            return True
        # A refused request or limit is not missing.
        length = len(finding.path)
        return finding.rule == "container-resources" and any(path[:length] == finding.path for path in refused)

    return [finding for finding in dict.fromkeys(findings) if not refused or not is_about_refused(finding)]


def validate(subject: Subject) -> None:
    """Run the checks of VALIDATION on a Flink resource whose fields are usable."""
    if subject.kind in CLUSTERS and not subject.spec and subject.at != ("spec",):
        subject.report("operator-validation", subject.at, "is missing; write the spec of both FlinkDeployments")
        return
    for check in VALIDATION.get(subject.kind, ()):
        check(subject)


def check_practices(subject: Subject) -> None:
    """Run the checks of ANY_OBJECT and PRACTICES."""
    for check in (*ANY_OBJECT, *PRACTICES.get(subject.kind, ())):
        check(subject)


def check_object(subject: Subject, *, practices: bool = True) -> list[Finding]:
    """All findings that can be determined from the object alone.

    Args:
        subject: the object.
        practices: whether to run ANY_OBJECT and PRACTICES in addition to VALIDATION.
    """
    refused: frozenset[KeyPath] = frozenset()
    usable = subject
    if subject.kind in FLINK_KINDS:
        manifest, refused = usable_manifest(subject)
        usable = subject.with_manifest(manifest)
        validate(usable)
    if practices:
        check_practices(usable)
    own = subject.findings if usable is not subject else []
    return [*own, *pod_security.without_repeats(without_refused(usable.findings, refused))]
