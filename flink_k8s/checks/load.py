"""One stack, read and checked whole: what `__main__.py` builds from and what `make check` looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from flink_k8s.checks import continuation, fields, graph, internal_tls, network, ownership, pod_security, quota, storage
from flink_k8s.checks import manifest as rules
from flink_k8s.checks import stack as stack_rules
from flink_k8s.config import job_files
from flink_k8s.config.findings import Finding, Remark, Severity
from flink_k8s.config.model import StackSettings
from flink_k8s.config.platform_stack import with_platform
from flink_k8s.config.problems import KeyPath, Problem, ProblemsError
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.config.validation import read_of_all_jobs, read_settings
from flink_k8s.resolve import jobs
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.resolution import resolve


def load(root: Path, config: StackConfig) -> DeclaredStack:
    """Reads job files, merges, checks.

    Args:
        root: the project; job files are in the stack's `jobFolders` below it.
        config: the stack config.

    Raises:
        ProblemsError: with every problem of stack config and job files, and with the warnings.
    """
    config, problems = with_platform(root, config)
    settings, found_in_config = read_settings(config)
    below, found_below = read_of_all_jobs(config)
    objects, found_in_files = job_files.read_folders(root, settings.job_folders if settings else ["jobs"])
    problems += found_in_files + found_in_config + found_below
    if settings is None:
        raise ProblemsError(problems)
    resolved = resolve(settings, config, objects, root, below)
    problems += resolved.problems
    settings = resolved.settings
    refused = {(problem.file, problem.line, problem.path) for problem in problems}
    checked = [
        rules.look_at_fields(job.manifest, operator=settings.operator.version, written=job.written)
        for job in resolved.jobs
    ]
    usable = [replace(job, manifest=one.usable) for job, one in zip(resolved.jobs, checked, strict=True)]
    problems += storage.claims_twice(settings, resolved.attachments)
    problems += network.policies_twice(settings, usable, resolved.attachments)
    problems += internal_tls.look(settings, usable, resolved.attachments)
    found = [(finding, config.problem(finding.path, finding.message)) for finding in stack_rules.look(settings)]
    found += [(Finding("unread", (), one.message), one) for one in job_files.unread(root, settings.job_folders)]
    if below is not None and config.below is not None:
        of_all_jobs = stack_rules.look_at_all_jobs(below)
        found += [(finding, config.below.problem(finding.path, finding.message)) for finding in of_all_jobs]
    clusters = {(job.namespace, job.name): job for job in usable if job.kind == "FlinkDeployment"}
    for job, one, good in zip(resolved.jobs, checked, usable, strict=True):
        target = clusters.get((job.namespace, good.session_cluster)) if good.session_cluster else None
        said = [*one.findings, *one.without_repeats(_of_job(good, target, settings))]
        if job.built_as and not settings.strict:
            # Its name is a hash of what it holds; a registry may still be given another under that name.
            said = [finding for finding in said if finding.rule != "digest"]
        found += [(finding, job.problem(finding.path, finding.message)) for finding in _bounded(said)]
    found += [(finding, job.problem(finding.path, finding.message)) for job, finding in graph.look(usable)]
    found += internal_tls.look_at_alert(settings, usable)
    found += [(finding, source.problem(finding.path, finding.message)) for source, finding in resolved.left_out]
    for one in resolved.attachments:
        beside = rules.look_at_conduct(one.manifest, operator=settings.operator.version)
        beside += ownership.look(one.manifest, settings)
        found += [(finding, one.source.problem(finding.path, finding.message)) for finding in beside]
    found += [
        (finding, config.problem(finding.path, finding.message))
        for finding in quota.look_at_all(usable, resolved.attachments, settings)
    ]
    of_objects = list(_of_objects(objects))
    refused |= {(one.file, one.line, one.path) for _, one in of_objects}
    stops = {Severity.ERROR, Severity.WARNING} if settings.strict else {Severity.ERROR}
    # What the reader has refused at a place is not there for any rule: one mistake is one error.
    found = [(finding, one) for finding, one in found if (one.file, one.line, one.path) not in refused]
    found += of_objects
    problems += [problem for finding, problem in found if finding.severity in stops]
    remarks = {Remark(finding.severity, problem) for finding, problem in found if finding.severity not in stops}
    ordered = sorted(remarks, key=lambda remark: (remark.severity.value != "warning", remark.problem))
    if problems:
        raise ProblemsError(problems, map(str, ordered))
    return DeclaredStack(settings, resolved.jobs, resolved.attachments, tuple(ordered))


_MOST_FINDINGS = 200
"""Findings of one job that are shown: the place of each is looked for in all sources of the job."""


def _bounded(found: list[Finding]) -> list[Finding]:
    """The findings, or the first ones and how many more there are."""
    if len(found) <= _MOST_FINDINGS:
        return found
    shown = sorted(found, key=lambda one: one.severity is not Severity.ERROR)[:_MOST_FINDINGS]
    message = f"has {len(found) - len(shown)} more problems; fix those above first"
    return [*shown, Finding("field", ("spec",), message)]


def _of_objects(objects: Iterable[job_files.FileObject]) -> Iterator[tuple[Finding, Problem]]:
    """Findings about the metadata of the objects in job files, and about the fields around it."""
    for source in objects:
        found: list[Finding] = []

        def say(rule: str, path: KeyPath, message: str, found: list[Finding] = found) -> None:
            found.append(Finding(rule, path, message))

        def written(path: KeyPath, source: job_files.FileObject = source) -> str | None:
            return source.document.written.get((*source.root, *path))

        fields.look_at_object(source.manifest, written, say)
        yield from ((finding, source.problem(finding.path, finding.message)) for finding in found)


def _of_job(job: jobs.Job, target: jobs.Job | None, settings: StackSettings) -> list[Finding]:
    """Findings of one job whose fields are usable; `target` is the cluster of a session job, where it is declared."""
    operator = settings.operator
    found = rules.look_at_usable(
        job.manifest,
        operator=operator.version,
        defaults=operator.configuration,
        session_cluster=target.manifest if target else None,
    )
    found += rules.look_at_conduct(
        job.manifest,
        operator=operator.version,
        defaults=operator.configuration,
        session_cluster=target.manifest if target else None,
    )
    home = settings.namespaces[job.namespace]
    # A namespace that the stack does not create gets no profile from it.
    found += pod_security.look(job.manifest, home.pod_security if home.is_created(job.namespace) else "privileged")
    return [
        *pod_security.without_repeats(found),
        *quota.look(job, settings),
        *continuation.look(job, settings, target),
        *network.look_at_reach(job, settings),
    ]
