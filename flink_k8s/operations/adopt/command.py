"""`adopt`: read a cluster, write job files and the stack file, and report what the first `up` changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flink_k8s.checks.load import load
from flink_k8s.config.base import Model, Name
from flink_k8s.config.job_files import read_folders
from flink_k8s.config.stack_file import StackConfig, read_config
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.operations.adopt.files import missing_entries, new_files, stack_text, write
from flink_k8s.operations.adopt.installation import read_installation
from flink_k8s.operations.adopt.live_object import LiveObject, flink_resources, used
from flink_k8s.plan.effects import Effect
from flink_k8s.plan.plan import plan
from flink_k8s.plan.reasons import reasons_of
from flink_k8s.plan.state import Operator
from flink_k8s.plan.steps import Operation, Preview, Step
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.support import output_file
from flink_k8s.support.console import counted, say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import ClusterContext, Kubectl
from flink_k8s.support.paths import ROOT


@dataclass(frozen=True)
class Cluster:
    """The cluster that is read.

    Attributes:
        context: the kube-context.
        kubeconfig: the file of the context; None for kubectl's default.
    """

    context: str
    kubeconfig: Path | None


class _NewStack(Model):
    """The name of a stack that does not exist yet."""

    name: Name


def adopt(
    stack: str,
    *,
    namespaces: Sequence[str] = (),
    context: str = "",
    kubeconfig: Path | None = None,
    folder: str = "",
    root: Path = ROOT,
    connect: Callable[[ClusterContext], Kubectl] = Kubectl.of,
) -> None:
    """Write what a user would write by hand to take over the Flink resources of a cluster; the cluster is only read.

    Args:
        stack: name of a new or existing stack.
        namespaces: to read; empty for all.
        context: the kube-context of a new stack.
        kubeconfig: the file of the context, for a new stack.
        folder: for new job files, relative to the project; empty for the first of `jobFolders`, or `jobs/<stack>`.
        root: the project.
        connect: returns kubectl for the cluster.

    Raises:
        CommandError: if the cluster does not answer, or has no Flink resource to adopt.
        ProblemsError: if the existing stack file, or the written configuration, has problems.
    """
    config = _existing(root, stack, context, kubeconfig)
    if config is not None:
        context = str(config.values.get("context"))
        file = config.values.get("kubeconfig")
        kubeconfig = root / str(file) if file else None
    folders = [str(name) for name in listed(config.values.get("jobFolders") if config else None)]
    folder = folder or (folders[0] if folders else f"jobs/{stack}")
    kubectl = connect(Cluster(context, kubeconfig))
    resources = flink_resources(kubectl, namespaces)
    if not resources:
        places = f"in {', '.join(namespaces)}" if namespaces else "in any namespace"
        raise CommandError(f"{context}: no Flink resource to adopt {places}; check --namespace and the context")
    usage = used(kubectl, resources)
    objects = [*resources, *(item for item, _ in usage.objects)]
    installation = read_installation(kubectl, sorted({item.namespace for item in objects}))
    entries: dict[str, object] = {
        "context": context,
        **({"kubeconfig": _in_project(kubeconfig, root)} if kubeconfig else {}),
        "jobFolders": [folder],
        "adopt": sorted(item.key for item in objects),
        **installation.entries,
    }
    say(f"adopt {stack}: {counted(len(objects), 'object')} in the context {context}")
    files = new_files(root, folder, resources, usage, _declared(root, [*folders, folder]))
    write(root, files)
    for path, items in ((file.path, file.objects) for file in files):
        say(f"   {path}: {', '.join(item.title for item in items)}")
    missing = missing_entries(entries, config.values) if config else {}
    if config is None:
        path = root / f"Pulumi.{stack}.yaml"
        # `pulumi stack init` has written the salt of the stack.
        output_file.write(path, (path.read_text() if path.exists() else "") + stack_text(entries))
        say(f"   Pulumi.{stack}.yaml")
    for note in (*installation.notes, *_notes(objects, usage.secrets)):
        say(f"note: {note}")
    if missing:
        say(f"add these entries to Pulumi.{stack}.yaml, and run the command again:\n{stack_text(missing)}")
        return
    for line in _changes(load(root, read_config(root, stack)), objects):
        say(line)
    say(f"next: make preview STACK={stack}, or pulumi stack init {stack} && pulumi preview")


def _in_project(file: Path, root: Path) -> str:
    """The path of a file in a stack file: relative to the project, or absolute for a file outside of it."""
    path = file.resolve()
    return str(path.relative_to(root.resolve()) if path.is_relative_to(root.resolve()) else path)


def _existing(root: Path, stack: str, context: str, kubeconfig: Path | None) -> StackConfig | None:
    """The config of the stack; None if it has no file, or a file without config.

    Raises:
        CommandError: if a new stack has no context or an invalid name, or the options differ from the stack file.
    """
    config = read_config(root, stack) if (root / f"Pulumi.{stack}.yaml").exists() else None
    if config is None or config.document is None or "config" not in mapping(config.document.value):
        if not context:
            raise CommandError(
                f"Pulumi.{stack}.yaml contains no config; set --context to the kube-context of the stack"
            )
        try:
            _NewStack(name=stack)
        except ValueError:
            raise CommandError(f'"{stack}" is not a name of a stack; use lower-case letters, digits and -') from None
        return None
    file = _in_project(kubeconfig, root) if kubeconfig else ""
    for option, value, key in (("--context", context, "context"), ("--kubeconfig", file, "kubeconfig")):
        if value and value != config.values.get(key):
            raise CommandError(f"{option}: Pulumi.{stack}.yaml sets {key}: {config.values.get(key)}; remove the option")
    return config


def _declared(root: Path, folders: Sequence[str]) -> set[str]:
    """Keys of the objects in job folders that exist."""
    objects, _ = read_folders(root, [folder for folder in folders if (root / folder).is_dir()])
    return {f"{item.kind}/{item.namespace}/{item.name}" for item in objects}


def _notes(objects: Sequence[LiveObject], secrets: Sequence[str]) -> Iterator[str]:
    owned: dict[str, list[str]] = {}
    for item in objects:
        if item.owner:
            owned.setdefault(item.owner, []).append(item.title)
    for owner, titles in owned.items():
        yield f"{owner} deploys {', '.join(titles)}; hand over the objects before you change them (docs/adopt.md)"
    if secrets:
        yield f"the stack uses these Secrets, and does not take them over: {', '.join(secrets)}"


def _changes(declared: DeclaredStack, objects: Sequence[LiveObject]) -> Iterator[str]:
    """What the first `up` changes in the adopted objects: by default only an annotation of Flink resources."""
    live = {item.key: item.manifest for item in objects}
    jobs = {job.key: job.manifest for job in declared.jobs if job.is_adopted and job.key in live}
    others = {item.key: item.manifest for item in declared.attachments if item.is_adopted and item.key in live}
    operator = declared.settings.operator
    steps = tuple(_step(live[key], manifest) for key, manifest in jobs.items())
    changed = 0
    for job in plan(Preview(steps), Operator(operator.version, operator.configuration)).jobs:
        key = f"{job.kind}/{job.title}"
        if job.outcome.effect is not Effect.METADATA or jobs[key]["metadata"] != live[key]["metadata"]:
            changed += 1
            yield f"   {key}: {'; '.join((job.outcome.effect.value, *reasons_of(job.outcome)))}"
    for key, manifest in others.items():
        if manifest != live[key]:
            changed += 1
            yield f"   {key}: update"
    imported = counted(len(jobs) + len(others), "object")
    yield f"the first up imports {imported} and changes {changed or 'none'} of them; annotations restart no job"


def _step(live: dict[str, object], declared: dict[str, object]) -> Step:
    metadata = mapping(declared["metadata"])
    urn = f"urn:pulumi:stack::flink-k8s::kubernetes:{declared['apiVersion']}:{declared['kind']}"
    return Step(Operation.UPDATE, f"{urn}::{metadata['namespace']}/{metadata['name']}", live, declared)
