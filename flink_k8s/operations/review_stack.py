"""Writes the stack file of a review stack: copies of a stack's jobs in a namespace of their own, for a pull request.

The file is an ordinary stack file, so all commands work with the review stack, and the program does not know it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from flink_k8s.checks.load import load
from flink_k8s.config.base import dns_label, scalar_text
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.platform_stack import PLATFORM, with_platform
from flink_k8s.config.stack_file import KEYS_FOR_ALL_JOBS, PREFIX, StackConfig, read_config, read_overlay, with_overlay
from flink_k8s.facts import versions
from flink_k8s.facts.mappings import mapping
from flink_k8s.operations.access import find_job
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.job_spec import job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.locations import local_path
from flink_k8s.resolve.state_storage import CHECKPOINTS, HA_STORAGE, SAVEPOINTS, inner_spec
from flink_k8s.snapshots.directories import jobs_by_directory
from flink_k8s.snapshots.restore import UnresolvedError, refuse_volume
from flink_k8s.snapshots.state_snapshot import StateSnapshot
from flink_k8s.support import output_file
from flink_k8s.support.block_yaml import dump
from flink_k8s.support.console import counted, say
from flink_k8s.support.errors import CommandError

_HEADER = """\
# yaml-language-server: $schema=docs/schema/stack.json
# A review stack of {base}, written by `make review-stack`, which overwrites changes: docs/environments.md.
"""

_OF_BASE_ONLY = (PLATFORM, "adopt", "defaultNamespace", "allowStateLoss")
"""Keys of the base whose values do not apply to copies."""

_CLAIM_MODE = "execution.state-recovery.claim-mode"

Newest = Callable[[Stack, Job], StateSnapshot]
"""Finds the newest state of a job: `flink_k8s.operations.restore_drill.newest_state`."""


def write(
    root: Path,
    base: Stack,
    name: str,
    *,
    overlay: Path | None = None,
    changes: Path | None = None,
    names: Sequence[str] = (),
    newest: Newest | None = None,
) -> str:
    """Write the stack file `Pulumi.<base>-<name>.yaml`; an earlier file of the same review is overwritten.

    Args:
        root: the project.
        base: the stack whose jobs are copied, with the overlay.
        name: of the review, such as `pr-42`.
        overlay: file that the base was prepared with.
        changes: file with the config of the review, which is merged over that of the base.
        names: of the copied jobs; empty for all jobs.
        newest: finds the state that the copies restore; None: they start empty.

    Returns:
        The name of the review stack.

    Raises:
        ProblemsError: if the config of the review is invalid.
        CommandError: if the operator would not see the copies, a copy would write to outputs or state of its original,
            a job has no state to restore, or the file is not one that this command wrote.
    """
    review = f"{base.name}-{name}"
    namespace = re.sub(r"[._]", "-", review).lower()
    try:
        dns_label(namespace)
    except ValueError as error:
        raise CommandError(f'the namespace of the review would be "{namespace}", which {error}') from None
    file = root / f"Pulumi.{review}.yaml"
    header = _HEADER.format(base=base.name)
    if file.exists() and not file.read_text(encoding="utf-8").startswith(header):
        raise CommandError(f"{file.name} exists, and is not a review stack of {base.name}; choose another name")
    config, _ = with_platform(root, with_overlay(read_config(root, base.name), overlay))  # `base` has no problems
    _refuse_unwatched(config)
    jobs = list(base.platform.jobs)
    copied = _with_clusters(jobs, [find_job(base, job) for job in names]) if names else jobs
    running = [job for job in copied if job_of(job.spec) is not None]
    changed = mapping(read_overlay(changes).value if changes else None)
    of_jobs = mapping(changed.get("jobs"))
    _refuse_same_outputs(base, running, of_jobs)
    restored = _restored(base, running, newest) if newest is not None else {}
    of_base = mapping(config.document.value if config.document else None)
    others = {key: value for key, value in mapping(of_base.get("config")).items() if _is_of_other_project(key)}
    values = _values(base, config, changed, namespace, {job.key for job in copied}, restored)
    declared = load(root, StackConfig(file.name, values, stack=review))
    _refuse_same_directories(base, declared)
    _refuse_ineffective([(job, _redirected(base, job, of_jobs)) for job in running], declared)
    written = {**others, **{f"{PREFIX}{key}": value for key, value in values.items()}}
    output_file.write(file, header + dump({**of_base, "config": written}))
    say(f"wrote {file.name}: {counted(len(running), 'job')} of {base.name}, in the namespace {namespace}")
    for job in running:
        say(f"  {job.name}: {_start(restored.get(job.key))}")
    return review


def _refuse_unwatched(config: StackConfig) -> None:
    """Refuse a review whose namespace the platform's operator does not watch. Another operator is read by `up`.

    Raises:
        CommandError: with the setting to change.
    """
    platform = config.platform_config or config
    operator = mapping(platform.values.get("operator"))
    if operator.get("enabled", True) and not operator.get("watchAllNamespaces"):
        raise CommandError(
            f"the operator of {platform.stack} watches only the namespaces of that stack; set operator: "
            f"{{watchAllNamespaces: true}} in {platform.file}, and run make up STACK={platform.stack}"
        )


def _is_of_other_project(key: str) -> bool:
    return ":" in key and not key.startswith(PREFIX)


def _start(snapshot: StateSnapshot | None) -> str:
    """What a copy starts from, to print."""
    return f"from the {snapshot.kind} of {snapshot.shown_time}, {snapshot.path}" if snapshot else "starts empty"


def _with_clusters(jobs: Sequence[Job], chosen: Sequence[Job]) -> list[Job]:
    """The chosen jobs with their session clusters."""
    keys = {key for job in chosen for key in (job.key, job.target) if key}
    return [job for job in jobs if job.key in keys]


def _refuse_same_outputs(base: Stack, jobs: Sequence[Job], redirected: Mapping[str, object]) -> None:
    """Refuse copies whose outputs nothing redirects.

    Raises:
        CommandError: with all such jobs.
    """
    namespace = base.platform.settings.fallback_namespace
    same = [job for job in jobs if job.own.drill is None and not {job.name, _key(job, namespace)} & redirected.keys()]
    if same:
        lines = [f"  jobs.{job.name}: {{parameters: {{…}}}}" for job in same]
        raise CommandError(
            "\n".join(
                [
                    "these jobs would write to the outputs of their originals; name each of them in the changes of the "
                    "review (CHANGES=file), with parameters that redirect its outputs, or {} if it has none:",
                    *lines,
                ]
            )
        )


def _refuse_ineffective(redirected: Sequence[tuple[Job, Mapping[str, object]]], review: DeclaredStack) -> None:
    """Refuse copies whose parameters do not redirect anything.

    Args:
        redirected: originals with the parameters of their copies; empty if a job has no outputs.
        review: the review stack.

    Raises:
        CommandError: with the jobs and the parameters.
    """
    copies = {(job.kind, job.name): job.settings.parameters or {} for job in review.jobs}
    lines: list[str] = []
    for job, parameters in redirected:
        copy, original = copies.get((job.kind, job.name), {}), job.settings.parameters or {}
        values = {name: None if value is None else scalar_text(value) for name, value in parameters.items()}
        overridden = [name for name, value in values.items() if copy.get(name) != value]
        lines += [f"  {job.name}: enforced sets the parameter {name} of all jobs, which wins" for name in overridden]
        if values and not overridden and all(original.get(name) == value for name, value in values.items()):
            lines.append(f"  {job.name}: the copy has the values of the original for {', '.join(values)}")
    if lines:
        raise CommandError("\n".join(["these copies would write to the outputs of their originals:", *lines]))


def _refuse_same_directories(base: Stack, review: DeclaredStack) -> None:
    """Refuse copies that would write their state into directories of originals.

    A copy that is deleted deletes its high-availability data, and `restoreFrom: latest` of an original could select a
    savepoint of its copy.

    Raises:
        CommandError: with the directories.
    """
    options = (CHECKPOINTS, SAVEPOINTS, HA_STORAGE)
    of_base = jobs_by_directory(base.platform, options).keys()
    of_review = jobs_by_directory(review, options)
    # Volumes of two namespaces are different ones.
    shared = {path: jobs[0].name for path, jobs in of_review.items() if path in of_base and not local_path(path)}
    if shared:
        lines = [f"  {path} (job {name})" for path, name in sorted(shared.items())]
        remedy = "remove these directories from job files and config, so that stateStorage derives them, or set others"
        raise CommandError("\n".join([f"copies would share the state of their originals; {remedy}:", *lines]))


def _restored(base: Stack, jobs: Sequence[Job], newest: Newest) -> dict[str, StateSnapshot]:
    """The state that copies start from, by the key of the job; jobs that keep no state start empty.

    Raises:
        CommandError: with all jobs whose state cannot be restored.
    """
    found: dict[str, StateSnapshot] = {}
    problems: list[str] = []
    for job in (job for job in jobs if job.keeps_state):
        try:
            snapshot = newest(base, job)
            refuse_volume(snapshot)
        except UnresolvedError as error:
            problems.append(f"  {job.namespace}/{job.name}: {error}")
        else:
            found[job.key] = snapshot
    if problems:
        remedy = "choose other jobs (JOB=job), or start all of them empty, without RESTORE=1:"
        raise CommandError("\n".join([f"these jobs have no state that a copy can restore; {remedy}", *problems]))
    return found


def _key(job: Job, namespace: str) -> str:
    """The unambiguous key of a job in `jobs` of a stack config.

    Args:
        job: the job.
        namespace: of job files without one.
    """
    return f"{job.kind}/{job.source.namespace or namespace}/{job.name}"


def _values(
    base: Stack,
    config: StackConfig,
    changed: Mapping[str, object],
    namespace: str,
    copied: Collection[str],
    restored: Mapping[str, StateSnapshot],
) -> dict[str, object]:
    """The config of the review stack, by key without prefix; it creates the namespace."""
    settings = base.platform.settings
    merged = merge_mappings(config.values, changed)
    values = {key: value for key, value in merged.items() if key not in _OF_BASE_ONLY}
    if config.platform_config is not None:
        defaults, enforced = (mapping(config.platform_config.values.get(key)) for key in KEYS_FOR_ALL_JOBS)
        values["jobDefaults"] = merge_mappings(defaults, mapping(values.get("jobDefaults")))
        values["enforced"] = merge_mappings(mapping(values.get("enforced")), enforced)
    own = {"namespace": namespace, "protect": False, "savepointOnDeletion": False}
    original = mapping(mapping(values.get("namespaces")).get(settings.fallback_namespace))
    parts: dict[str, object] = {part: {**mapping(values.get(part)), "enabled": False} for part in settings.parts}
    # Without a version, the commands that do not read the cluster would assume the default one.
    version = {"version": settings.operator.version} if settings.operator.enabled else {}
    values |= {
        **parts,
        "prometheus": {**mapping(parts["prometheus"]), "monitors": False},
        "operator": {**mapping(parts["operator"]), **version},
        "ingress": {**mapping(values.get("ingress")), "enabled": False},
        "namespaces": {namespace: {**original, "create": True}},
        "jobs": _jobs(base, mapping(values.get("jobs")), mapping(changed.get("jobs")), namespace, copied, restored),
        "enforced": {**mapping(values.get("enforced")), **own},
        "protectJobs": False,
    }
    if settings.state_storage.type != "none":
        storage = {key: value for key, value in mapping(values.get("stateStorage")).items() if key != "create"}
        annotations = settings.state_storage.account_annotations
        values["stateStorage"] = {
            **storage,
            **({"serviceAccountAnnotations": annotations} if annotations else {}),
            "folder": namespace,
        }
    return values


def _jobs(
    base: Stack,
    settings: Mapping[str, object],
    changed: Mapping[str, object],
    namespace: str,
    copied: Collection[str],
    restored: Mapping[str, StateSnapshot],
) -> dict[str, object]:
    """`jobs` of the review stack: those of the base, with the parameters of their drill, and then with the changes."""
    jobs = dict(settings)
    for job in base.platform.jobs:
        full = _key(job, base.platform.settings.fallback_namespace)
        key = full if full in jobs or job.name not in jobs else job.name
        own = dict(mapping(jobs.pop(key, None)))
        own.pop("drill", None)
        if job.key not in copied:
            own = {"enabled": False}
        elif redirected := _redirected(base, job, changed):
            own["parameters"] = {**mapping(own.get("parameters")), **redirected}
        if job.key in restored:
            own = merge_mappings(own, _restoring(base, job, restored[job.key]))
        if own:
            jobs[_key(job, namespace) if key == full else key] = own
    return jobs


def _redirected(base: Stack, job: Job, changed: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a copy that redirect its outputs: those of its drill, and those of the changes, which win.

    Args:
        base: the stack.
        job: the original.
        changed: `jobs` of the changes.
    """
    full = _key(job, base.platform.settings.fallback_namespace)
    of_review = mapping(mapping(changed.get(full) or changed.get(job.name)).get("parameters"))
    return {**(job.own.drill.parameters if job.own.drill else {}), **of_review}


def _restoring(base: Stack, job: Job, snapshot: StateSnapshot) -> dict[str, object]:
    """The settings of a copy that starts from a state, without owning the state's files: it never deletes them."""
    operator = base.platform.settings.operator
    configuration = {**operator.configuration, **mapping(inner_spec(job.kind, job.spec).get("flinkConfiguration"))}
    # NO_CLAIM is the default.
    claim_modes = [key for key in versions.names(_CLAIM_MODE, operator.version) if key in configuration]
    settings: dict[str, object] = {"restoreFrom": snapshot.path}
    if claim_modes:
        settings["flinkConfiguration"] = dict.fromkeys(claim_modes, "NO_CLAIM")
    if job.own.drill is not None and job.own.drill.allow_non_restored_state:
        settings["spec"] = {"job": {"allowNonRestoredState": True}}
    return settings
