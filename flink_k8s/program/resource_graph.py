"""The resource graph of a run of the program: resources with their options, dependencies, exports and messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, cast

from flink_k8s.program.dependencies import depths_of, topological
from flink_k8s.program.values import Secret, Unknown, in_clear, paths_of

RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_PROVIDERS: Final = "pulumi:providers:"


@dataclass(frozen=True)
class Resource:
    """One registered resource, as the program requested it.

    Attributes:
        urn: in the format of the engine.
        type: type token, for example `kubernetes:core/v1:Namespace`.
        name: logical name in the program.
        custom: False for a component.
        parent: URN of the parent; that of the stack for a top-level resource.
        inputs: properties in camelCase; see `flink_k8s.program.values` for secrets and values not yet known.
        dependencies: URNs of `depends_on` and of the resources that the inputs refer to; the SDK replaces components by
            their children.
        property_dependencies: URNs by input property.
        provider: URN of the provider; empty for the engine's default provider.
        protect, retain_on_delete, delete_before_replace: None if the program does not set them.
        timeouts: `create`, `update`, `delete` to Go durations, if they are set.
        aliases: each either `{"urn": …}` or the parts of a former name.
        hooks: resource hooks by moment, for example `before_update`.
        deleted_with: URN; empty if it is not set.
    """

    urn: str
    type: str
    name: str
    custom: bool = True
    parent: str = ""
    inputs: Mapping[str, object] = field(default_factory=dict[str, object])
    dependencies: frozenset[str] = frozenset()
    property_dependencies: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    provider: str = ""
    protect: bool | None = None
    retain_on_delete: bool | None = None
    delete_before_replace: bool | None = None
    timeouts: Mapping[str, str] = field(default_factory=dict[str, str])
    aliases: tuple[Mapping[str, str | bool], ...] = ()
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    deleted_with: str = ""
    import_id: str = ""
    hooks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def is_provider(self) -> bool:
        """Whether this is a provider."""
        return self.type.startswith(_PROVIDERS)

    @property
    def is_release(self) -> bool:
        """Whether this is a Helm release."""
        return self.type == RELEASE

    @property
    def is_object(self) -> bool:
        """Whether this is a single Kubernetes object."""
        return self.custom and self.type.startswith("kubernetes:") and not self.is_release

    @property
    def kind(self) -> str:
        """Last part of the type: `Namespace`, `Release`, `FlinkDeployment`, or a component's class."""
        return self.type.rsplit(":", 1)[-1]

    @property
    def api_group(self) -> str:
        """The API group of an object; empty for the core group and for other resources."""
        return _text(self.inputs.get("apiVersion")).rpartition("/")[0]

    @property
    def object_name(self) -> str:
        """Name of the object or release in the cluster; empty if it has none."""
        if self.is_release:
            return _text(self.inputs.get("name"))
        return _text(_mapping(self.inputs.get("metadata")).get("name"))

    @property
    def namespace(self) -> str:
        """Namespace in the cluster; empty for a cluster-scoped object."""
        if self.is_release:
            return _text(self.inputs.get("namespace"))
        return _text(_mapping(self.inputs.get("metadata")).get("namespace"))

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations of the object."""
        annotations = _mapping(_mapping(self.inputs.get("metadata")).get("annotations"))
        return {name: str(value) for name, value in annotations.items()}

    @property
    def title(self) -> str:
        """Title in messages: `FlinkDeployment flink/word-count`, `Release cert-manager/cert-manager`."""
        name = self.object_name
        if not name:
            return f"{self.kind} {self.name}"
        return f"{self.kind} {self.namespace}/{name}" if self.namespace else f"{self.kind} {name}"

    @property
    def secret_paths(self) -> tuple[str, ...]:
        """Paths of secrets in the inputs."""
        return tuple(paths_of(dict(self.inputs), Secret))

    def as_written(self) -> Resource:
        """The resource with plaintext values of users as they are written, for manifests; see `in_clear`."""
        if self.kind == "Secret" or not self.secret_paths:
            return self
        return replace(self, inputs=cast("Mapping[str, object]", in_clear(dict(self.inputs))))

    @property
    def unknown_paths(self) -> tuple[str, ...]:
        """Paths of unknown values in the inputs."""
        return tuple(paths_of(dict(self.inputs), Unknown))


@dataclass(frozen=True)
class Message:
    """A line that the program logged: severity is `debug`, `info`, `warning` or `error`."""

    severity: str
    text: str
    urn: str = ""


@dataclass(frozen=True)
class ResourceGraph:
    """All resources that one run of the program registered.

    Attributes:
        resources: components, providers, objects and releases in the order of registration, which may differ between
            runs for independent resources.
        stack: URN of the stack, which is not in `resources`.
        exports: the stack's outputs.
        messages: log messages of the program, without debug messages.
        outputs: URN of a component to its registered outputs.
    """

    resources: tuple[Resource, ...]
    stack: str = ""
    exports: Mapping[str, object] = field(default_factory=dict[str, object])
    messages: tuple[Message, ...] = ()
    outputs: Mapping[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        """Every resource by its URN."""
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def objects(self) -> tuple[Resource, ...]:
        """Objects and releases, without components and providers."""
        return tuple(resource for resource in self.resources if resource.is_object or resource.is_release)

    @cached_property
    def edges(self) -> Mapping[str, frozenset[str]]:
        """URN of an object or release to the URNs of its direct dependencies."""
        urns = {resource.urn for resource in self.objects}
        return {
            resource.urn: frozenset(self._dependencies_of(resource) & urns - {resource.urn})
            for resource in self.objects
        }

    @cached_property
    def creation_order(self) -> tuple[Resource, ...]:
        """Objects and releases in a deterministic order, in which each follows its dependencies."""
        return tuple(self.by_urn[urn] for urn in topological(self.edges))

    @cached_property
    def deletion_order(self) -> tuple[Resource, ...]:
        """Objects and releases in the order of deletion, in which each precedes its dependencies."""
        return tuple(reversed(self.creation_order))

    @cached_property
    def depths(self) -> Mapping[str, int]:
        """URN to the length of its longest chain of dependencies: 0 without dependencies."""
        return depths_of(self.edges)

    def find(self, kind: str = "", name: str = "") -> Resource:
        """The resource with the kind or type, and with the logical or cluster name.

        Raises:
            LookupError: if no resource or several resources match.
        """
        matches = self.find_all(kind, name)
        if len(matches) != 1:
            titles = ", ".join(sorted(resource.title for resource in (matches or self.resources)))
            raise LookupError(f"{len(matches)} resources match kind={kind!r} name={name!r}; use one of: {titles}")
        return matches[0]

    def find_all(self, kind: str = "", name: str = "") -> tuple[Resource, ...]:
        """All resources with the kind or type token, and with the logical or cluster name; empty matches any."""
        return tuple(
            resource
            for resource in self.resources
            if kind in ("", resource.kind, resource.type) and name in ("", resource.name, resource.object_name)
        )

    def top(self, urn: str) -> str:
        """The URN of the top-level component that contains a resource, or the resource's own URN."""
        while (parent := self.by_urn[urn].parent) in self.by_urn:
            urn = parent
        return urn

    def children(self, urn: str) -> tuple[Resource, ...]:
        """The children of a resource."""
        return tuple(resource for resource in self.resources if resource.parent == urn)

    def _dependencies_of(self, resource: Resource) -> set[str]:
        """URNs of the dependencies of a resource, including its parents and their dependencies."""
        dependencies = {*resource.dependencies}
        while resource.parent in self.by_urn:
            resource = self.by_urn[resource.parent]
            dependencies |= {resource.urn, *resource.dependencies}
        return dependencies

    def depends_on(self, dependent: Resource, dependency: Resource) -> bool:
        """Whether a resource depends on another one, directly or transitively."""
        visited: set[str] = set()
        pending = [dependent.urn]
        while pending:
            for urn in self.edges.get(pending.pop(), frozenset()):
                if urn == dependency.urn:
                    return True
                if urn not in visited:
                    visited.add(urn)
                    pending.append(urn)
        return False


def by_name(objects: Iterable[Resource]) -> list[Resource]:
    """The resources sorted by kind, namespace and name: a deterministic order."""
    return sorted(objects, key=lambda resource: (resource.kind, resource.namespace, resource.object_name, resource.urn))


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
