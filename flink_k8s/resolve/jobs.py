"""The merged objects of job files: manifests as they are deployed, with the source of each value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

from flink_k8s.config import problems
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.model import JobSettings
from flink_k8s.config.problems import KeyPath, Problem, printable, shortened
from flink_k8s.config.restore_request import RestoreRequest, is_resolved_in_cluster, record
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve.code_hash import CODE
from flink_k8s.resolve.job_jar import JarFile
from flink_k8s.resolve.job_spec import (
    METRICS_PORT,
    PROMETHEUS_REPORTER,
    SUSPENDED_BY,
    arguments_of,
    derivations,
    flat_configuration,
    in_template,
    job_of,
    restored_from,
)
from flink_k8s.resolve.sources import DERIVED, IMAGES, JOB_FILE, ConfigSource, ConfigSources, settings_path
from flink_k8s.resolve.state_storage import inner_spec, keeps_state, mounted_claims

__all__ = ["METRICS_PORT", "PROMETHEUS_REPORTER", "Attachment", "Job", "job_of"]


@dataclass(frozen=True)
class Job:
    """One Flink resource as it is deployed.

    Attributes:
        source: the object in its job file.
        namespace: of the deployed object.
        manifest: the merged object: apiVersion, kind, metadata, spec.
        settings: the merged settings of the stack for the job.
        sources: the sources of its spec.
        config: the stack config.
        is_protected: whether its deletion is refused.
        own: its settings in `jobs`.
        is_adopted: whether the stack takes over the existing object.
        jar_file: the jar of the project that is uploaded for the job; None for another jar.
    """

    source: FileObject
    namespace: str
    manifest: dict[str, object]
    settings: JobSettings
    sources: ConfigSources = field(repr=False, default_factory=lambda: ConfigSources(()))
    config: StackConfig = field(repr=False, default_factory=lambda: StackConfig("", {}))
    is_protected: bool = False
    own: JobSettings = field(repr=False, default_factory=lambda: JobSettings.model_validate({}))
    is_adopted: bool = False
    jar_file: JarFile | None = None

    @property
    def image(self) -> str | None:
        """The deployed image; None if the resource has none."""
        image = inner_spec(self.kind, self.spec).get("image")
        return None if image is None else str(image)

    @property
    def declared_image(self) -> str | None:
        """The image before `images` of the stack replaced it; None if it was not replaced."""
        config_source = next(
            (config_source for config_source in self.sources.ordered if config_source.name == IMAGES), None
        )
        return str(config_source.config_path[-1]) if config_source is not None and config_source.config_path else None

    @property
    def built_as(self) -> str | None:
        """The replaced image, if the name of the deployed image contains the hash of the job's code; else None."""
        declared_image, substitutes = self.declared_image, self.config.values.get(IMAGES)
        if declared_image is None or not isinstance(substitutes, Mapping):
            return None
        return declared_image if CODE in str(cast(Mapping[str, object], substitutes).get(declared_image)) else None

    @property
    def kind(self) -> FlinkKind:
        """The kind of the resource."""
        return FlinkKind(self.source.kind)

    @property
    def name(self) -> str:
        """The name, which is unique together with kind and namespace."""
        return self.source.name

    @property
    def key(self) -> str:
        """`kind/namespace/name`."""
        return f"{self.kind}/{self.namespace}/{self.name}"

    @property
    def spec(self) -> dict[str, object]:
        """The merged spec."""
        return cast(dict[str, object], self.manifest["spec"])

    @property
    def deployed_spec(self) -> dict[str, object]:
        """The spec as it is deployed: `spec`, or that of the file of an adopted job if no source changes it.

        `spec` has a flat flinkConfiguration, and a nested one in the cluster must not be changed.
        """
        written = cast(dict[str, object], self.source.manifest["spec"])
        return written if self.is_adopted and flat_configuration(written) == self.spec else self.spec

    @property
    def has_policy(self) -> bool:
        """Whether its pods get a NetworkPolicy, if the stack has NetworkPolicies."""
        return "policy" in derivations(self.settings, is_adopted=self.is_adopted)

    @property
    def keeps_state(self) -> bool:
        """Whether a changed job continues from its state."""
        return keeps_state(job_of(self.spec))

    @property
    def restore_request(self) -> str | None:
        """The `restoreFrom` that the cluster resolves to a path; None without one, or if it is resolved."""
        request = self.settings.restore_from
        if request is None or not is_resolved_in_cluster(request):
            return None
        return request if (job_of(self.spec) or {}).get("initialSavepointPath") == request else None

    def restored(self, request: str, path: str) -> Job:
        """The job that starts from the path, and that records the request with it.

        Args:
            request: the `restoreFrom`.
            path: that it is resolved to; empty if the program runs without the cluster.
        """
        spec = self.spec
        if path:
            spec = merge_mappings(spec, in_template(self.kind, {"job": restored_from(path)}))
        metadata = merge_mappings(
            cast(dict[str, object], self.manifest["metadata"]),
            {"annotations": record(RestoreRequest.parse(request), path)},
        )
        return replace(self, manifest={**self.manifest, "metadata": metadata, "spec": spec})

    def mounts(self, claim: str) -> bool:
        """Whether the pods mount the claim."""
        return claim in mounted_claims(inner_spec(self.kind, self.spec))

    @property
    def is_suspended(self) -> bool:
        """Whether the job is declared as suspended."""
        job = job_of(self.spec)
        return job is not None and job.get("state") == "suspended"

    def problem(self, path: KeyPath, message: str, rule: str = problems.JOB_FILE) -> Problem:
        """A problem at the path of the merged manifest, in the file that sets the value or its parent."""
        spec_path = self._in_template(path[1:]) if path[:1] == ("spec",) else None
        if not spec_path:  # the spec as a whole
            return self.source.problem(path, message, rule)
        config_source = self._argument_source(spec_path)
        if config_source is not None:
            return self._config_problem(config_source, spec_path, message, rule)
        origin = self.sources.nearest_origin(path[1:], self.spec)
        if origin is None or origin.source.config_path is None:
            return self.source.problem(("spec", *origin.path) if origin else path, message, rule)
        return self._config_problem(origin.source, self._in_template(origin.path) or (), message, rule)

    def written(self, path: KeyPath) -> str | None:
        """The text in the job file if the value at the path looks different than YAML reads it."""
        written = self.source.document.written
        origin = self.sources.origin(path[1:], self.spec) if written and path[:1] == ("spec",) else None
        if origin is None or origin.source.name != JOB_FILE:
            return None  # the stack file is checked as a whole
        return written.get((*self.source.root, "spec", *origin.path))

    def origin(self, path: KeyPath) -> str:
        """The source of the value at the path of the spec, with `file:line` if it is in a file."""
        config_source = self._argument_source(self._in_template(path) or ())
        origin = self.sources.origin(path, self.spec)
        if config_source is None and origin is not None:
            config_source = origin.source
        if config_source is None or config_source.name in (DERIVED, SUSPENDED_BY):
            return DERIVED if config_source is None else config_source.name
        problem = self.problem(("spec", *path), "")
        name = shortened(printable(config_source.name), 200)
        return f"{name} ({printable(problem.file)}:{problem.line})" if problem.line else name

    def _in_template(self, path: KeyPath) -> KeyPath | None:
        """A path of the spec without a blue/green deployment's template; None for a path outside of the template."""
        outer = self.kind.spec_path[1:]
        return path[len(outer) :] if path[: len(outer)] == outer else None

    def _argument_source(self, spec_path: KeyPath) -> ConfigSource | None:
        if spec_path[:2] != ("job", "args"):
            return None
        return self.sources.arguments.get(self._flag(spec_path))

    @cached_property
    def _arguments(self) -> list[str]:
        return arguments_of(self.spec)

    def _flag(self, spec_path: KeyPath) -> str:
        """The flag of the argument at the path."""
        args = self._arguments
        index = spec_path[2] if len(spec_path) > 2 else None
        if not isinstance(index, int) or index >= len(args):
            return ""
        if not args[index].startswith("--") and index and args[index - 1].startswith("--"):
            index -= 1
        return args[index].partition("=")[0]

    def _config_problem(self, config_source: ConfigSource, spec_path: KeyPath, message: str, rule: str) -> Problem:
        """A problem in the config of the stack or of its platform's stack, at the setting that sets the value."""
        config = config_source.config or self.config
        config_path = config_source.config_path or ()
        if config_source.name == IMAGES:
            return config.problem(config_path, message, rule)
        value: object = config.values
        for part in config_path:
            value = cast(Mapping[str | int, object], value).get(part) if isinstance(value, Mapping) else None
        settings: Mapping[str, object] = cast(Mapping[str, object], value) if isinstance(value, Mapping) else {}
        spec = inner_spec(self.kind, config_source.spec)
        return config.problem(
            (*config_path, *settings_path(spec_path, settings, spec, self._flag(spec_path))), message, rule
        )

    @property
    def session_cluster(self) -> str | None:
        """Name of the FlinkDeployment that runs a FlinkSessionJob, in the same namespace."""
        return (
            str(self.spec["deploymentName"])
            if self.kind == FlinkKind.SESSION_JOB and "deploymentName" in self.spec
            else None
        )

    @property
    def snapshot_of(self) -> tuple[str, str] | None:
        """Kind and name of the job of a FlinkStateSnapshot."""
        reference = self.spec.get("jobReference")
        if self.kind != FlinkKind.SNAPSHOT or not isinstance(reference, dict):
            return None
        target = cast(dict[str, object], reference)
        return str(target.get("kind")), str(target.get("name"))

    @property
    def target(self) -> str | None:
        """Key of the session cluster that it runs on, or of the job that it is a snapshot of; None for another kind."""
        target = (FlinkKind.DEPLOYMENT.value, self.session_cluster) if self.session_cluster else self.snapshot_of
        return f"{target[0]}/{self.namespace}/{target[1]}" if target else None


@dataclass(frozen=True)
class Attachment:
    """An object of another kind in a job file, such as a claim, which is deployed with the jobs of the file.

    Attributes:
        source: the object in its job file.
        namespace: of the deployed object.
        manifest: the object, with namespace and labels.
        is_adopted: whether the stack takes over the existing object.
    """

    source: FileObject
    namespace: str
    manifest: dict[str, object]
    is_adopted: bool = False

    @property
    def key(self) -> str:
        """`kind/namespace/name`."""
        return f"{self.source.kind}/{self.namespace}/{self.source.name}"
