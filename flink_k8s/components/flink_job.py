"""One job on a platform, as a component of any Pulumi program."""

# Not `from __future__ import annotations`: Pulumi derives the schema of the component package from the annotations.

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pulumi
from typing_extensions import override

from flink_k8s.components.component import Component, prefix_of
from flink_k8s.components.declared import Objects, declared_by_program, of_manifest, of_script, platform_config
from flink_k8s.components.flink_platform import FlinkPlatform
from flink_k8s.components.outputs import Outputs
from flink_k8s.components.platform import Platform
from flink_k8s.components.settings import FlinkJobArgs
from flink_k8s.config.outputs import accepts_output
from flink_k8s.config.platform_stack import PLATFORM
from flink_k8s.config.problems import STACK_CONFIG, KeyPath, Problem
from flink_k8s.config.stack_file import StackConfig

_NO_KEYS = (PLATFORM, "manifest", "script", "settings")
"""Arguments that are not keys of a stack file."""

_OF_JOBS = ("jobs", "manifests", "scripts")
"""Arguments of the platform that belong to its own jobs."""


class FlinkJob(Component):
    """A Flink resource on a platform: a job, a session cluster, a session job or a snapshot, with its other objects.

    It is merged, completed and checked like a job file of a stack that is on the platform of another stack. The
    component is ready once the job is.
    """

    kind: pulumi.Output[str]
    """Kind of the Flink resource."""
    namespace: pulumi.Output[str]
    """Namespace of the job."""
    job_name: pulumi.Output[str]
    """Name of the Flink resource; known once the job is ready."""
    rest_address: pulumi.Output[str] | None
    """Host and port of Flink's REST API in the cluster; not set for a kind without one."""
    status: pulumi.Output[str] | None
    """Status of the ready job, such as `STABLE, RUNNING`; not set in a preview, or if the run does not wait."""

    def __init__(self, name: str, args: FlinkJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component; the names of its resources begin with it.
            args: the platform, and a manifest or a script.
            opts: parent and dependencies; if `platform` is not a component: its provider, and a dependency on it.

        Raises:
            pulumi.RunError: contains every problem of the arguments.
        """
        title = f"FlinkJob {prefix_of(opts)}{name}"
        outputs = Outputs(title)
        objects = _objects(title, name, args, outputs)
        config = _config(title, args, objects, outputs)
        declared = declared_by_program(config, objects, outputs)
        if not declared.jobs:
            raise pulumi.RunError(f"{title}: the job is disabled; remove the component, or set enabled: true")
        job = declared.jobs[0]
        super().__init__("flink-k8s:index:FlinkJob", name, {"namespace": job.namespace, "name": job.name}, opts)
        self.prefix = f"{self.prefix}{name}-"
        platform = args["platform"]
        inside, ready = outputs.inside(self), list[pulumi.Input[pulumi.Resource]]()
        if isinstance(platform, FlinkPlatform):
            inside.provider, ready = platform.platform.provider, platform.platform.ready
        (resources,) = Platform(declared, inside, ready).jobs.values()
        endpoint = pulumi.Output.from_input(cast("pulumi.Input[dict[str, str]]", resources.endpoint))
        self.kind = pulumi.Output.from_input(job.kind.value)
        self.namespace = pulumi.Output.from_input(job.namespace)
        self.job_name = endpoint.apply(lambda _: job.name)
        has_rest = declared.rest_port(job) is not None
        self.rest_address = endpoint.apply(lambda access: access["restService"]) if has_rest else None
        self.status = resources.status
        self.register_outputs(
            {
                "kind": self.kind,
                "namespace": self.namespace,
                "jobName": self.job_name,
                "restAddress": self.rest_address,
                "status": self.status,
            }
        )


class _JobConfig(StackConfig):
    """The settings of the job as config, as if they were in `jobs` of a stack; problems name the argument."""

    @override
    def problem(self, path: KeyPath, message: str, rule: str = STACK_CONFIG) -> Problem:
        """A problem at the path of the config."""
        return super().problem(("settings", *path[2:]) if path[:1] == ("jobs",) else path, message, rule)


def _objects(title: str, name: str, args: FlinkJobArgs, outputs: Outputs) -> Objects:
    """The objects of the job, and their problems."""
    manifest, script = args.get("manifest"), args.get("script")
    if (manifest is None) == (script is None):
        message = "needs either a manifest or a script; set one of them"
        return [], [Problem(title, 0, "", message, STACK_CONFIG)]
    if script is not None:
        return of_script(f"{title}: script", name, script)
    objects, problems = of_manifest(f"{title}: manifest", manifest, ("manifest",), outputs)
    count = sum(item.is_job for item in objects)
    if count != 1 and not problems:
        message = f"contains {count} Flink resources; write one, and a FlinkJob for each other one"
        problems.append(Problem(title, 0, "manifest", message, STACK_CONFIG))
    return objects, problems


def _config(title: str, args: FlinkJobArgs, objects: Objects, outputs: Outputs) -> StackConfig:
    """The arguments of the job as the config of a stack on its platform."""
    platform = args.get("platform")
    if isinstance(platform, FlinkPlatform):
        of_platform, folder, settings = platform.title, platform.folder, platform.settings
    elif isinstance(platform, Mapping):
        of_platform, folder, settings = f"{title}: platform", "", cast("Mapping[str, Any]", platform)
        storage = cast("Mapping[str, Any]", settings.get("stateStorage") or {})
        if storage.get("type", "none") != "none" and not storage.get("folder"):
            message = "is missing; set it in the arguments of the platform: its jobs keep their state in that folder"
            outputs.problems.append(Problem(of_platform, 0, "stateStorage.folder", message, STACK_CONFIG))
    else:
        message = "is missing; set a FlinkPlatform, or its arguments"
        outputs.problems.append(Problem(title, 0, PLATFORM, message, STACK_CONFIG))
        of_platform, folder, settings = f"{title}: platform", "", {"context": "none"}
    settings = {key: value for key, value in settings.items() if key not in _OF_JOBS}
    own: dict[str, object] = {key: value for key, value in args.items() if key not in _NO_KEYS}
    job = next((item.name for item in objects[0] if item.is_job), "")
    jobs = {job: args.get("settings") or {}} if job else {}
    own = cast("dict[str, object]", outputs.plain({**own, "jobs": jobs}, (), accepts_output))
    values: dict[str, object] = {**own, PLATFORM: of_platform, "jobFolders": []}
    config = _JobConfig(title, values, is_of_program=True)
    return replace(config, platform_config=platform_config(of_platform, folder, settings, outputs))
