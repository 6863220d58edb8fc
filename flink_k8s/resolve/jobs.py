"""What a job file's objects become: manifests that Kubernetes gets, each knowing where its values came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from flink_k8s.config import problems
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.model import JobSettings
from flink_k8s.config.problems import KeyPath, Problem, printable, shortened
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve.code_hash import CODE
from flink_k8s.resolve.job_spec import METRICS_PORT, PROMETHEUS_REPORTER, SUSPENDED_BY, arguments_of, job_of
from flink_k8s.resolve.sources import IMAGES, JOB_FILE, Layer, Layers, settings_path
from flink_k8s.resolve.state_storage import inner_spec, keeps_state, mounted_claims

__all__ = ["METRICS_PORT", "PROMETHEUS_REPORTER", "Attachment", "Job", "job_of"]


@dataclass(frozen=True)
class Job:
    """One Flink resource as it will be applied.

    Attributes:
        source: the object in its job file.
        namespace: where it goes.
        manifest: the merged object: apiVersion, kind, metadata, spec.
        settings: the merged settings of the stack for it.
        layers: what its spec was merged from.
        config: the stack config.
        is_protected: whether deleting it is refused.
        own: what `jobs` says of it alone.
    """

    source: FileObject
    namespace: str
    manifest: dict[str, object]
    settings: JobSettings
    layers: Layers = field(repr=False, default_factory=lambda: Layers(()))
    config: StackConfig = field(repr=False, default_factory=lambda: StackConfig("", {}))
    is_protected: bool = False
    own: JobSettings = field(repr=False, default_factory=lambda: JobSettings.model_validate({}))

    @property
    def image(self) -> str | None:
        """The image that it runs in; None where it has none of its own."""
        said = inner_spec(self.kind, self.spec).get("image")
        return None if said is None else str(said)

    @property
    def said_image(self) -> str | None:
        """The image as it was said, where `images` of the stack puts another in its place; else None."""
        layer = next((layer for layer in self.layers.ordered if layer.name == IMAGES), None)
        return str(layer.place[-1]) if layer is not None and layer.place else None

    @property
    def built_as(self) -> str | None:
        """The same, where the other one is named by the job's code."""
        said, substitutes = self.said_image, self.config.values.get(IMAGES)
        if said is None or not isinstance(substitutes, Mapping):
            return None
        return said if CODE in str(cast(Mapping[str, object], substitutes).get(said)) else None

    @property
    def kind(self) -> FlinkKind:
        """Its kind."""
        return FlinkKind(self.source.kind)

    @property
    def name(self) -> str:
        """Its name; unique together with kind and namespace."""
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
    def keeps_state(self) -> bool:
        """Whether a changed job goes on where it was."""
        return keeps_state(job_of(self.spec))

    def mounts(self, claim: str) -> bool:
        """Whether its pods mount that claim."""
        return claim in mounted_claims(inner_spec(self.kind, self.spec))

    @property
    def is_suspended(self) -> bool:
        """Whether it is declared not to run."""
        job = job_of(self.spec)
        return job is not None and job.get("state") == "suspended"

    def problem(self, path: KeyPath, message: str, rule: str = problems.JOB_FILE) -> Problem:
        """A problem at that path of the merged manifest, in the file that said the value or what is around it."""
        inside = self._inner(path[1:]) if path[:1] == ("spec",) else None
        if inside is None:
            return self.source.problem(path, message, rule)
        layer = self._argument_layer(inside)
        if layer is not None:
            return self._config_problem(layer, inside, message, rule)
        origin = self.layers.origin(path[1:], self.spec)
        if origin is None or origin.layer.place is None:
            return self.source.problem(("spec", *origin.path) if origin else path, message, rule)
        return self._config_problem(origin.layer, self._inner(origin.path) or (), message, rule)

    def written(self, path: KeyPath) -> str | None:
        """The text in the job file where YAML reads the value at that path as something that looks otherwise."""
        said = self.source.document.written
        origin = self.layers.origin(path[1:], self.spec) if said and path[:1] == ("spec",) else None
        if origin is None or origin.layer.name != JOB_FILE:
            return None  # the stack file is looked at as a whole
        return said.get((*self.source.root, "spec", *origin.path))

    def origin(self, path: KeyPath) -> str:
        """Where the value at that path of the spec came from, in words: the layer, and `file:line` where it has one."""
        layer = self._argument_layer(self._inner(path) or ())
        origin = self.layers.origin(path, self.spec)
        if layer is None and origin is not None:
            layer = origin.layer
        if layer is None or layer.name in ("platform", SUSPENDED_BY):
            return "platform" if layer is None else layer.name
        found = self.problem(("spec", *path), "")
        name = shortened(printable(layer.name), 200)
        return f"{name} ({printable(found.file)}:{found.line})" if found.line else name

    def _inner(self, path: KeyPath) -> KeyPath | None:
        """A path of the spec as settings see it: without a blue/green deployment's template; None outside of that."""
        outer = self.kind.spec_path[1:]
        return path[len(outer) :] if path[: len(outer)] == outer else None

    def _argument_layer(self, inside: KeyPath) -> Layer | None:
        if inside[:2] != ("job", "args"):
            return None
        return self.layers.arguments.get(self._flag(inside))

    def _flag(self, inside: KeyPath) -> str:
        """The flag that the argument at that path is or belongs to."""
        args = arguments_of(self.spec)
        index = inside[2] if len(inside) > 2 else None
        if not isinstance(index, int) or index >= len(args):
            return ""
        if not args[index].startswith("--") and index and args[index - 1].startswith("--"):
            index -= 1
        return args[index].partition("=")[0]

    def _config_problem(self, layer: Layer, inside: KeyPath, message: str, rule: str) -> Problem:
        """A problem in the config of the stack, or of its platform's, at the setting that gave the value."""
        config = layer.config or self.config
        place = layer.place or ()
        if layer.name == IMAGES:
            return config.problem(place, message, rule)
        said: object = config.values
        for part in place:
            said = cast(Mapping[str | int, object], said).get(part) if isinstance(said, Mapping) else None
        written: Mapping[str, object] = cast(Mapping[str, object], said) if isinstance(said, Mapping) else {}
        spec = inner_spec(self.kind, layer.spec)
        return config.problem((*place, *settings_path(inside, written, spec, self._flag(inside))), message, rule)

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
        """Kind and name of the job that a FlinkStateSnapshot is taken of."""
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
    """An object of another kind in a job file, such as a claim: deployed with the file's jobs.

    Attributes:
        source: the object in its job file.
        namespace: where it goes.
        manifest: the object, with namespace and labels.
    """

    source: FileObject
    namespace: str
    manifest: dict[str, object]
