"""The arguments of checks: one object, or the stack as a whole. Both collect findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pydantic.alias_generators import to_snake

from flink_k8s.config.findings import Finding, Source
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.namespace import PodSecurityLevel
from flink_k8s.config.problems import KeyPath
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.facts import versions
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.versions import short_version
from flink_k8s.resolve.effective_job import EffectiveJob
from flink_k8s.resolve.existing_operator import ExistingOperator
from flink_k8s.resolve.jobs import Attachment, Job
from flink_k8s.resolve.operator_configuration import Options, effective
from flink_k8s.resolve.pod_templates import cluster_place, cluster_spec
from flink_k8s.resolve.sources import JOB_FILE

CLUSTERS = (FlinkKind.DEPLOYMENT, FlinkKind.BLUE_GREEN)
"""Kinds that run pods."""


def _as_written(_path: KeyPath) -> str | None:
    return None


@dataclass(frozen=True)
class Subject:
    """One Kubernetes object.

    Attributes:
        manifest: the object as it is deployed; a Flink resource has a flat flinkConfiguration.
        operator: version of the operator.
        defaults: the operator's own configuration.
        session_cluster: manifest of the cluster of a session job, if it is known.
        is_in_file: whether the object is from a job file; the policy pack checks deployed objects.
        written: the text in the file at a path whose value looks different than YAML reads it (`no` for false).
        settings: of the stack, if it is known.
        declared: the job, if the object is a declared job.
        cluster: the declared cluster of a session job.
        findings: reported by the checks.
    """

    manifest: Mapping[str, object]
    operator: str
    defaults: Mapping[str, str] = field(default_factory=dict[str, str])
    session_cluster: Mapping[str, object] | None = None
    is_in_file: bool = True
    written: Callable[[KeyPath], str | None] = _as_written
    settings: StackSettings | None = None
    declared: Job | None = None
    cluster: Job | None = None
    findings: list[Finding] = field(default_factory=list[Finding])

    def report(self, rule: str, path: KeyPath, message: str) -> None:
        """Report a finding at a path of the manifest; `message` is `problem; remedy`."""
        self.findings.append(Finding(rule, path, message))

    def report_spec(self, rule: str, path: KeyPath, message: str) -> None:
        """Report a finding at a path of the spec."""
        self.report(rule, (*self.at, *path), message)

    def with_manifest(self, manifest: Mapping[str, object]) -> Subject:
        """The same object with another manifest, and without findings."""
        return replace(self, manifest=manifest, findings=[])

    def refuse(self, path: KeyPath, message: str) -> None:
        """Report a field of the spec that the operator refuses."""
        self.report_spec("operator-validation", path, message)

    def report_option(self, key: str, message: str) -> None:
        """Report an option of flinkConfiguration that the operator refuses."""
        self.refuse(("flinkConfiguration", key), message)

    @cached_property
    def kind(self) -> str:
        """The object's kind."""
        return str(self.manifest.get("kind"))

    @cached_property
    def metadata(self) -> Mapping[str, object]:
        """The object's metadata."""
        return mapping(self.manifest.get("metadata"))

    @cached_property
    def name(self) -> str:
        """Name of the object; for a blue/green deployment, the longest name of its FlinkDeployments."""
        suffix = "-green" if self.kind == FlinkKind.BLUE_GREEN else ""
        return f"{self.metadata.get('name')}{suffix}"

    @cached_property
    def namespace(self) -> str:
        """The object's namespace."""
        return str(self.metadata.get("namespace"))

    @property
    def is_adopted(self) -> bool:
        """Whether the stack takes over the object unchanged from the cluster."""
        key = f"{self.kind}/{self.namespace}/{self.metadata.get('name')}"
        return self.settings is not None and key in self.settings.adopt

    @cached_property
    def at(self) -> KeyPath:
        """Path of `spec` in the manifest."""
        return ("spec", "template", "spec") if self.kind == FlinkKind.BLUE_GREEN else ("spec",)

    @cached_property
    def spec(self) -> Mapping[str, object]:
        """The spec with the job and the pods; for a blue/green deployment, the spec in its template."""
        spec = mapping(self.manifest.get("spec"))
        return mapping(mapping(spec.get("template")).get("spec")) if self.at != ("spec",) else spec

    @cached_property
    def cluster_spec(self) -> Mapping[str, object]:
        """The spec of a Flink cluster; empty for kinds that run no pods."""
        return cluster_spec(self.kind, mapping(self.manifest.get("spec")))

    @cached_property
    def cluster_place(self) -> KeyPath:
        """Path of `cluster_spec` in the manifest."""
        return cluster_place(self.kind)

    @cached_property
    def flink_job(self) -> Mapping[str, object] | None:
        """`spec.job`; None for a session cluster."""
        return mapping(self.spec.get("job")) if isinstance(self.spec.get("job"), dict) else None

    @cached_property
    def written_flink_version(self) -> object:
        """The `flinkVersion` as it is written; for a session job, that of its cluster."""
        flink_spec = mapping(self.session_cluster["spec"]) if self.session_cluster is not None else self.spec
        return flink_spec.get("flinkVersion")

    @cached_property
    def flink_version(self) -> str | None:
        """`2.2` for v2_2; None for a text that is not a version."""
        return short_version(self.written_flink_version)

    @cached_property
    def options(self) -> Options:
        """The Flink configuration as the operator merges it; for a session job, with that of its cluster."""
        configuration = dict(mapping(self.spec.get("flinkConfiguration")))
        if self.session_cluster is not None:
            reads_own = versions.operator_version(self.operator).reads_session_job_configuration
            shared = mapping(mapping(self.session_cluster["spec"]).get("flinkConfiguration"))
            configuration = {**shared, **(configuration if reads_own else {})}
        return Options(
            self.operator, effective(configuration, self.defaults, self.namespace, self.written_flink_version)
        )

    def option(self, key: str) -> tuple[str, str] | None:
        """Value of an option, and the name by which it is set: its current or an older name."""
        return self.options.value(key)

    def text(self, key: str) -> str:
        """Value of an option, stripped; empty if it is not set."""
        return self.options.text(key)

    @cached_property
    def effective_job(self) -> EffectiveJob:
        """The Flink cluster as it runs; the paths of its settings are those of `report_spec`."""
        return EffectiveJob(self.spec, self.options)

    @cached_property
    def pod_security(self) -> PodSecurityLevel:
        """The Pod Security profile of the object's namespace, if the stack sets it."""
        namespace = self.settings.namespaces.get(self.namespace) if self.settings is not None else None
        # A namespace that the stack does not create gets no profile from it.
        return namespace.pod_security if namespace and namespace.is_created(self.namespace) else "privileged"


@dataclass(frozen=True)
class StackSubject:
    """A stack with all declared objects.

    Attributes:
        root: the project.
        settings: of the stack.
        config: the stack config; the default source of a finding.
        objects: the objects of the job files as they are written.
        jobs: the merged jobs.
        attachments: the other objects of the job files.
        replaced: objects of job files that the platform creates itself, and their namespaces.
        platform_settings: settings of the platform's stack for the jobs of all stacks, if this stack is on a platform.
        operator: the operator in the cluster; None if the stack has its own, or it was not read.
        findings: reported by the checks.
    """

    root: Path
    settings: StackSettings
    config: StackConfig
    objects: Sequence[FileObject] = ()
    jobs: Sequence[Job] = ()
    attachments: Sequence[Attachment] = ()
    replaced: Sequence[tuple[FileObject, str]] = ()
    platform_settings: StackSettings | None = None
    operator: ExistingOperator | None = None
    findings: list[Finding] = field(default_factory=list[Finding])

    def report(self, rule: str, path: KeyPath, message: str, source: Source | None = None) -> None:
        """Report a finding at a path of the source; `message` is `problem; remedy`."""
        self.findings.append(Finding(rule, path, message, source or self.config))

    def report_setting(
        self, rule: str, job: Job, setting: str, message: str, *path: str, only_own: bool = False
    ) -> None:
        """Report at a setting of a job: in the last source that sets it.

        Args:
            rule: id of the rule.
            job: with the setting.
            setting: its key in files.
            message: `problem; remedy`.
            path: in the setting.
            only_own: whether the job's own entry in `jobs` is meant, and not settings of all jobs.
        """
        for source in reversed(job.sources.ordered):
            settings, config_path, config = source.settings, source.config_path, source.config or job.config
            if source.name == JOB_FILE and job.source.sql is not None:
                settings, config_path = job.source.sql.settings, job.source.sql.settings_path
            is_meant = not only_own or source.name.startswith("jobs.")
            if is_meant and settings is not None and getattr(settings, to_snake(setting)) is not None:
                self.report(rule, (*(config_path or ()), setting, *path), message, config)
                return
        self.report(rule, (setting, *path), message, job.config)


ObjectCheck = Callable[[Subject], None]
"""Checks one object and reports findings."""

StackCheck = Callable[[StackSubject], None]
"""Checks the stack as a whole and reports findings."""
