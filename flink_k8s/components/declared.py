"""The declared stack of a component: its arguments, merged and checked like a stack file and job files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from flink_k8s.checks.load import load
from flink_k8s.checks.running_stack import checked
from flink_k8s.components.cluster_access import existing_operator
from flink_k8s.components.outputs import Outputs
from flink_k8s.config import job_files
from flink_k8s.config.outputs import accepts_output, identifies
from flink_k8s.config.platform_stack import PLATFORM
from flink_k8s.config.problems import STACK_CONFIG, KeyPath, Problem
from flink_k8s.config.stack_file import KEYS_OF_RUNS, StackConfig
from flink_k8s.resolve.declared_stack import DeclaredStack

Objects = tuple[list[job_files.FileObject], list[Problem]]
"""Objects, and the problems of their manifests."""


def platform_config(title: str, folder: str, settings: Mapping[str, Any], outputs: Outputs) -> StackConfig:
    """The settings of a platform as the config of a stack.

    Args:
        title: of the platform in problems.
        folder: of the state of its jobs, if `stateStorage` sets none.
        settings: the arguments that are keys of a stack file.
        outputs: of the component that uses the settings.
    """
    plain = cast("dict[str, object]", outputs.plain(settings, (), accepts_output))
    values: dict[str, object] = {"jobFolders": [], **outputs.storage(plain)}
    for key in {PLATFORM, *KEYS_OF_RUNS} & values.keys():
        message = "is a key of stack files, which a component does not have; remove it"
        outputs.problems.append(Problem(title, 0, key, message, STACK_CONFIG))
        del values[key]
    return StackConfig(title, values, stack=folder, is_of_program=True)


def of_manifest(title: str, manifest: object, path: KeyPath, outputs: Outputs) -> Objects:
    """The objects of a manifest, or of a list of manifests.

    Args:
        title: of the manifest in problems.
        manifest: an object, or a list of objects.
        path: of the manifest in the arguments.
        outputs: of the component.
    """
    start = len(path)

    def accepts(inner: KeyPath) -> bool:
        in_object = inner[start:]
        return not identifies(in_object[1:] if in_object and isinstance(in_object[0], int) else in_object)

    return job_files.of_manifests(title, outputs.plain(manifest, path, accepts))


def of_script(title: str, name: str, script: object) -> Objects:
    """The SQL job of a script.

    Args:
        title: of the script in problems.
        name: of the job.
        script: the text of a SQL file.
    """
    if isinstance(script, str):
        return job_files.of_script(title, name, script)
    message = "is not text; write the text of a SQL file, and use parameters for values that are outputs"
    return [], [Problem(title, 0, "", message, STACK_CONFIG)]


def declared_by_program(config: StackConfig, objects: Objects, outputs: Outputs) -> DeclaredStack:
    """The checked stack of a component.

    Args:
        config: the arguments as config.
        objects: of the arguments.
        outputs: of the component.

    Raises:
        pulumi.RunError: contains every problem of the arguments.
    """
    declared, problems = objects
    of_program = (declared, [*outputs.problems, *problems])
    return checked(lambda: load(Path.cwd(), config, existing_operator, of_program))
