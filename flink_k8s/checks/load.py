"""Reads and checks a whole stack: for `__main__.py`, which deploys it, and for `check`, which prints the findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from flink_k8s.checks import fields
from flink_k8s.checks.existing_operator import sets_operator_version, uses_existing_operator
from flink_k8s.checks.ignore import without_ignored
from flink_k8s.checks.outputs import without_outputs
from flink_k8s.checks.pod_security import without_repeats
from flink_k8s.checks.registry import DECLARED, STACK, check_practices, usable_manifest, validate, without_refused
from flink_k8s.checks.rules import RULES
from flink_k8s.checks.subject import StackSubject, Subject
from flink_k8s.config import job_files
from flink_k8s.config.findings import Finding, Remark, Severity
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.outputs import without_placeholder
from flink_k8s.config.platform_stack import with_platform
from flink_k8s.config.problems import JOB_FILE, Problem, ProblemsError
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.config.validation import read_platform_settings, read_settings
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.existing_operator import ExistingOperator, with_configuration
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.resolution import resolve

_OF_SCRIPTS = ("plaintext-secret", "object-name")
"""Rules about the ConfigMap of a script that are reported at the script or the job."""

OperatorReader = Callable[[StackSettings], ExistingOperator | None]
"""Reads the operator in the cluster of a stack; returns None if it cannot be read."""


def load(
    root: Path,
    config: StackConfig,
    existing_operator: OperatorReader | None = None,
    of_program: tuple[Sequence[FileObject], Sequence[Problem]] = ((), ()),
) -> DeclaredStack:
    """Read the job files, merge the sources, and check the result.

    Args:
        root: the project, which contains the stack's `jobFolders`.
        config: the stack config.
        existing_operator: called for a stack that uses an operator of the cluster; None without access to the cluster.
        of_program: objects of a user's program in addition to those of job files, and the problems of the program.

    Raises:
        ProblemsError: contains every problem of stack config and job files, and the warnings.
    """
    config, problems = with_platform(root, config)
    settings, config_problems = read_settings(config)
    platform_settings, platform_problems = read_platform_settings(config)
    objects, file_problems = job_files.read_folders(root, settings.job_folders if settings else ["jobs"])
    objects += of_program[0]
    problems += file_problems + config_problems + platform_problems
    problems = [*of_program[1], *map(without_placeholder, problems)]
    if settings is None:
        raise ProblemsError(problems)
    operator = existing_operator(settings) if existing_operator and uses_existing_operator(config, settings) else None
    if operator and operator.version and not sets_operator_version(config):
        used = settings.operator.model_copy(update={"version": operator.version})
        settings = settings.model_copy(update={"operator": used})
    resolved = resolve(settings, config, objects, root, platform_settings, is_complete=not file_problems)
    problems += map(without_placeholder, resolved.problems)
    settings = resolved.settings
    if settings.is_drill and not problems:
        # The originals have been checked; state inside of pods and a missing upgrade mode are intended in a copy.
        return DeclaredStack(settings, resolved.jobs, resolved.attachments, existing_operator=operator)
    # Derived values do not depend on the configuration in the cluster: a change of it would restart jobs.
    effective = settings.model_copy(update={"operator": with_configuration(settings.operator, operator)})
    usable, findings = _checked_jobs(resolved.jobs, effective)
    stack = StackSubject(
        root,
        settings,
        config,
        objects,
        usable,
        resolved.attachments,
        resolved.replaced,
        platform_settings,
        operator,
        findings,
    )
    for attachment in resolved.attachments:
        subject = Subject(attachment.manifest, settings.operator.version, settings=settings)
        check_practices(subject)
        own = [found for found in subject.findings if not attachment.source.sql or found.rule not in _OF_SCRIPTS]
        findings += [replace(finding, source=attachment.source) for finding in dict.fromkeys(own)]
    for check in STACK:
        check(stack)
    file_objects = StackSubject(root, settings, config, objects)
    fields.check_object(file_objects)
    # Drop other findings at a place that a reader or a field check has refused: one mistake is one error.
    refused = {
        _place(problem) for problem in (*problems, *(problem for _, problem in _problems(file_objects.findings)))
    }
    kept = without_outputs(without_ignored(findings, settings, objects))
    reported = [
        (finding, problem)
        for finding, problem in _problems(kept)
        if _place(problem) not in refused and not _is_consequence(finding, problem)
    ]
    reported += _problems(file_objects.findings)
    remarks: set[Remark] = set()
    for finding, problem in reported:
        severity = severity_of(finding.rule, settings)
        if severity is Severity.ERROR:
            problems.append(problem)
        elif severity is not Severity.DISABLED:
            remarks.add(Remark(severity, problem))
    ordered = sorted(remarks, key=lambda remark: (remark.severity.value != "warning", remark.problem))
    if problems:
        raise ProblemsError(problems, map(str, ordered))
    return DeclaredStack(settings, resolved.jobs, resolved.attachments, tuple(ordered), operator)


def severity_of(rule: str, settings: StackSettings) -> Severity:
    """Severity of a rule in a stack: of the rule, unless `checks` sets it; `strict` turns warnings into errors."""
    severity = RULES[rule].severity
    if rule in settings.checks and not RULES[rule].is_fixed:
        return Severity(settings.checks[rule])
    return Severity.ERROR if settings.strict and severity is Severity.WARNING else severity


def _checked_jobs(jobs: Iterable[Job], settings: StackSettings) -> tuple[list[Job], list[Finding]]:
    """The jobs without their refused fields, and the findings of every job."""
    fields_of = [(job, _subject(job, settings)) for job in jobs]
    checked = [(job, subject, *usable_manifest(subject)) for job, subject in fields_of]
    usable = [replace(job, manifest=manifest) for job, _, manifest, _ in checked]
    clusters = {(job.namespace, job.name): job for job in usable if job.kind == FlinkKind.DEPLOYMENT}
    findings: list[Finding] = []
    for (job, first, _, refused), usable_job in zip(checked, usable, strict=True):
        cluster = clusters.get((job.namespace, usable_job.session_cluster)) if usable_job.session_cluster else None
        subject = _subject(usable_job, settings, cluster)
        validate(subject)
        check_practices(subject)
        for check in DECLARED:
            check(subject)
        kept = [*first.findings, *without_repeats(without_refused(subject.findings, refused))]
        if job.built_as and not settings.strict:
            # The tag is a hash of the content; a registry can still be given another image with that tag.
            kept = [finding for finding in kept if finding.rule != "image-digest"]
        findings += [replace(finding, source=finding.source or job) for finding in _bounded(kept)]
    return usable, findings


def _subject(job: Job, settings: StackSettings, cluster: Job | None = None) -> Subject:
    return Subject(
        job.manifest,
        settings.operator.version,
        settings.operator.configuration,
        cluster.manifest if cluster else None,
        written=job.written,
        settings=settings,
        declared=job,
        cluster=cluster,
    )


_MOST_FINDINGS = 200
"""Number of findings of one job that are printed: each is located in all sources of the job."""


def _bounded(findings: list[Finding]) -> list[Finding]:
    """The findings, or the most severe of them and the number of the others."""
    if len(findings) <= _MOST_FINDINGS:
        return findings
    most_severe = sorted(findings, key=lambda finding: RULES[finding.rule].severity is not Severity.ERROR)[
        :_MOST_FINDINGS
    ]
    message = f"has {len(findings) - len(most_severe)} more problems; fix the printed ones first"
    return [*most_severe, Finding(JOB_FILE, ("spec",), message)]


def _problems(findings: Iterable[Finding]) -> list[tuple[Finding, Problem]]:
    return [
        (finding, finding.source.problem(finding.path, finding.message, finding.rule))
        for finding in findings
        if finding.source is not None
    ]


def _is_consequence(finding: Finding, problem: Problem) -> bool:
    """Whether a value is missing in a SQL file, perhaps because its header has a problem."""
    sql = finding.source.source.sql if isinstance(finding.source, Job) else None
    return sql is not None and sql.has_problems and (problem.file, problem.line) == (sql.file, sql.header_line)


def _place(problem: Problem) -> tuple[str, int, str]:
    return problem.file, problem.line, problem.path
