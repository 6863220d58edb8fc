"""What a run of the program registered: its resources with all their options, their edges, exports and messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, cast

from flink_k8s.program.dependencies import layers, topological
from flink_k8s.program.values import Secret, Unknown, in_clear, paths_of

RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_PROVIDERS: Final = "pulumi:providers:"


@dataclass(frozen=True)
class Resource:
    """One registered resource, as the program asked for it.

    Attributes:
        urn: the engine's name of the resource, as the real engine would make it.
        type: type token, for example `kubernetes:core/v1:Namespace`.
        name: logical name in the program.
        custom: False for a component.
        parent: URN of the parent; the stack's for a resource at the top.
        inputs: properties in camelCase; see `flink_k8s.program.values` for secrets and values not yet known.
        dependencies: URNs of everything that must be done first: `depends_on` and what the inputs refer to, with
            components replaced by their children (the SDK does that).
        property_dependencies: URNs by input property.
        provider: URN of the provider; empty when there is none, so that the engine would take the ambient one.
        protect, retain_on_delete, delete_before_replace: None when the program left them open.
        timeouts: `create`, `update`, `delete` to Go durations; only those that are set.
        aliases: each either `{"urn": …}` or the parts of a former name.
        hooks: resource hooks by moment, for example `before_update`.
        deleted_with: URN; empty when not set.
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
        """Whether this is a provider and not a thing in the cluster."""
        return self.type.startswith(_PROVIDERS)

    @property
    def is_release(self) -> bool:
        """Whether this is a Helm release."""
        return self.type == RELEASE

    @property
    def is_object(self) -> bool:
        """Whether this is a Kubernetes object with a manifest of its own."""
        return self.custom and self.type.startswith("kubernetes:") and not self.is_release

    @property
    def kind(self) -> str:
        """Last part of the type: `Namespace`, `Release`, `FlinkDeployment`, or a component's class."""
        return self.type.rsplit(":", 1)[-1]

    @property
    def api_group(self) -> str:
        """The API group of an object; empty for the core's and for what is no object."""
        return _text(self.inputs.get("apiVersion")).rpartition("/")[0]

    @property
    def object_name(self) -> str:
        """The object's or release's own name in the cluster; empty when it has none."""
        if self.is_release:
            return _text(self.inputs.get("name"))
        return _text(_mapping(self.inputs.get("metadata")).get("name"))

    @property
    def namespace(self) -> str:
        """The namespace in the cluster; empty for a cluster-wide object."""
        if self.is_release:
            return _text(self.inputs.get("namespace"))
        return _text(_mapping(self.inputs.get("metadata")).get("namespace"))

    @property
    def annotations(self) -> Mapping[str, str]:
        """The object's own annotations."""
        annotations = _mapping(_mapping(self.inputs.get("metadata")).get("annotations"))
        return {name: str(value) for name, value in annotations.items()}

    @property
    def title(self) -> str:
        """How messages name it: `FlinkDeployment flink/word-count`, `Release cert-manager/cert-manager`."""
        name = self.object_name
        if not name:
            return f"{self.kind} {self.name}"
        return f"{self.kind} {self.namespace}/{name}" if self.namespace else f"{self.kind} {name}"

    @property
    def secret_paths(self) -> tuple[str, ...]:
        """Where in the inputs secrets are."""
        return tuple(paths_of(dict(self.inputs), Secret))

    def as_written(self) -> Resource:
        """The same with what users wrote in clear as they wrote it, for the manifests; see `in_clear`."""
        if self.kind == "Secret" or not self.secret_paths:
            return self
        return replace(self, inputs=cast("Mapping[str, object]", in_clear(dict(self.inputs))))

    @property
    def unknown_paths(self) -> tuple[str, ...]:
        """Where in the inputs values are not known yet."""
        return tuple(paths_of(dict(self.inputs), Unknown))


@dataclass(frozen=True)
class Message:
    """A line that the program logged: severity is `debug`, `info`, `warning` or `error`."""

    severity: str
    text: str
    urn: str = ""


@dataclass(frozen=True)
class Recording:
    """All that one run of the program registered.

    Attributes:
        resources: components, providers, objects and releases, in the order in which they were registered. That
            order may differ between runs for resources that do not depend on each other.
        stack: URN of the stack itself, which is not among the resources.
        exports: the stack's outputs.
        messages: what the program logged, without debug lines.
        outputs: URN of each component to the outputs that it registered.
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
    def things(self) -> tuple[Resource, ...]:
        """What the cluster gets: objects and releases, without components and providers."""
        return tuple(resource for resource in self.resources if resource.is_object or resource.is_release)

    @cached_property
    def edges(self) -> Mapping[str, frozenset[str]]:
        """URN to the URNs of its direct dependencies, among the things that the cluster gets."""
        urns = {thing.urn for thing in self.things}
        return {thing.urn: frozenset(self._needed(thing) & urns - {thing.urn}) for thing in self.things}

    @cached_property
    def order(self) -> tuple[Resource, ...]:
        """The things, each after all that it depends on; the same from run to run."""
        return tuple(self.by_urn[urn] for urn in topological(self.edges))

    @cached_property
    def reverse_order(self) -> tuple[Resource, ...]:
        """The things, each before all that it depends on: the order of taking them down."""
        return tuple(reversed(self.order))

    @cached_property
    def layers(self) -> Mapping[str, int]:
        """URN to the length of the longest chain of dependencies below it: 0 for what depends on nothing."""
        return layers(self.edges)

    def find(self, kind: str = "", name: str = "") -> Resource:
        """The one resource of that kind or type, and of that logical or cluster name.

        Raises:
            LookupError: when there is none, or more than one.
        """
        found = self.find_all(kind, name)
        if len(found) != 1:
            known = ", ".join(sorted(resource.title for resource in (found or self.resources)))
            raise LookupError(f"{len(found)} resources match kind={kind!r} name={name!r}; there are: {known}")
        return found[0]

    def find_all(self, kind: str = "", name: str = "") -> tuple[Resource, ...]:
        """Every resource of that kind or type token, and of that logical or cluster name; empty matches any."""
        return tuple(
            resource
            for resource in self.resources
            if kind in ("", resource.kind, resource.type) and name in ("", resource.name, resource.object_name)
        )

    def top(self, urn: str) -> str:
        """The URN of the component at the top that a resource is in, or its own."""
        while (parent := self.by_urn[urn].parent) in self.by_urn:
            urn = parent
        return urn

    def children(self, urn: str) -> tuple[Resource, ...]:
        """The resources whose parent that is."""
        return tuple(resource for resource in self.resources if resource.parent == urn)

    def _needed(self, resource: Resource) -> set[str]:
        """URNs of all that must be done before the resource: also what its parents depend on, and those themselves."""
        needed = {*resource.dependencies}
        while resource.parent in self.by_urn:
            resource = self.by_urn[resource.parent]
            needed |= {resource.urn, *resource.dependencies}
        return needed

    def depends_on(self, dependent: Resource, dependency: Resource) -> bool:
        """Whether the one comes after the other, directly or through others."""
        seen: set[str] = set()
        pending = [dependent.urn]
        while pending:
            for urn in self.edges.get(pending.pop(), frozenset()):
                if urn == dependency.urn:
                    return True
                if urn not in seen:
                    seen.add(urn)
                    pending.append(urn)
        return False


def by_name(things: Iterable[Resource]) -> list[Resource]:
    """Sorted by kind, namespace and name: an order that no run changes."""
    return sorted(things, key=lambda thing: (thing.kind, thing.namespace, thing.object_name, thing.urn))


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
