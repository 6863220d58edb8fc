"""Jobs that two stacks of the project run with their state in the same directories, for example active and standby."""

from __future__ import annotations

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config import job_files
from flink_k8s.config.platform_stack import with_platform
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import read_config, stacks
from flink_k8s.config.state_model import StateStorage
from flink_k8s.config.validation import read_platform_settings, read_settings
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.resolution import resolve


def check(stack: StackSubject) -> None:
    """Report other stacks that run the same jobs with the same directories in a bucket.

    A volume belongs to one cluster. Two stacks in one cluster cannot deploy the same job.
    A component of a program has no stack file.
    """
    storage = stack.settings.state_storage
    if storage.type in ("none", "volume") or not storage.uri or stack.config.is_of_program:
        return
    own = {_title(job) for job in stack.jobs if _runs_with_state(job)}
    for name in stacks(stack.root):
        if name == stack.config.stack:
            continue
        if not _may_share(stack, name, storage.uri.rstrip("/")):
            continue
        if both := sorted(own & _running_jobs(stack, name, _directory(storage, stack.config.stack))):
            message = f"contains the state of {', '.join(both)}, which the stack {name} also runs"
            remedy = "set enabled: false for the job in one of the stacks, or another folder"
            stack.report("shared-state", ("stateStorage",), f"{message}, with the same directories; {remedy}")


def _may_share(stack: StackSubject, name: str, uri: str) -> bool:
    """Whether another stack may have the same storage, by the text of its file: to resolve its jobs takes time."""
    if stack.settings.platform is not None:
        return True  # the file of the platform contains the storage
    try:
        return uri in (stack.root / f"Pulumi.{name}.yaml").read_text(errors="replace")
    except OSError:
        return False


def _running_jobs(stack: StackSubject, name: str, directory: tuple[object, ...]) -> set[str]:
    """The jobs with state that another stack runs if its state is in the same directory; none if it has problems."""
    try:
        config, _ = with_platform(stack.root, read_config(stack.root, name))
    except ProblemsError:
        return set()
    settings, _ = read_settings(config)
    if settings is None or _directory(settings.state_storage, name) != directory:
        return set()
    objects, _ = job_files.read_folders(stack.root, settings.job_folders)
    platform_settings, _ = read_platform_settings(config)
    jobs = resolve(settings, config, objects, stack.root, platform_settings).jobs
    return {_title(job) for job in jobs if _runs_with_state(job)}


def _directory(storage: StateStorage, stack: str) -> tuple[object, ...]:
    return storage.type, (storage.uri or "").rstrip("/"), storage.endpoint, storage.folder or stack


def _runs_with_state(job: Job) -> bool:
    return job.keeps_state and not job.is_suspended


def _title(job: Job) -> str:
    return f"{job.namespace}/{job.name}"
