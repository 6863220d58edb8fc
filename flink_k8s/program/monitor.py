"""A monitor that replaces Pulumi's engine: it records the registered resources and applies nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NoReturn, Protocol, cast

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.mocks import MockCallArgs, MockEngine, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import alias_pb2, engine_pb2, resource_pb2
from typing_extensions import override

from flink_k8s.program.resource_graph import Message, Resource, ResourceGraph
from flink_k8s.program.values import UNKNOWN
from flink_k8s.program.wire import decode, decode_properties, encode, secret

_STACK_TYPE: Final = "pulumi:pulumi:Stack"
_STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"
_READ_STACK: Final = ("pulumi:pulumi:readStackOutputs", "pulumi:pulumi:readStackResourceOutputs")
_HOOK_MOMENTS: Final = (
    "before_create",
    "after_create",
    "before_update",
    "after_update",
    "before_delete",
    "after_delete",
    "on_error",
)
_SEVERITIES: Final = {
    engine_pb2.DEBUG: "debug",
    engine_pb2.INFO: "info",
    engine_pb2.WARNING: "warning",
    engine_pb2.ERROR: "error",
}
_USE_THE_COMMAND: Final = "only the pulumi command supports that; remove it from the program or use the command"


References = Callable[[str], Mapping[str, object]]
"""Outputs of another stack by its name."""


class Effects(Protocol):
    """The behaviour of a cluster in a test: duration, outputs and failure of each object."""

    def apply(self, resource: Resource) -> Mapping[str, object]:
        """Return the output properties of an object or release; they are merged over the inputs.

        Called in a separate thread as soon as all dependencies of the resource are done. Independent resources run
        concurrently. An exception stops the run and all dependents.
        """
        ...


class _NoMocks(Mocks):
    """The base class requires mocks; this monitor never calls them."""

    @override
    def call(self, args: MockCallArgs) -> NoReturn:
        raise NotImplementedError(args.token)

    @override
    def new_resource(self, args: MockResourceArgs) -> NoReturn:
        raise NotImplementedError(args.typ)


class Monitor(MockMonitor):
    """Answers the SDK's requests like the engine, and records them.

    The SDK calls it concurrently from many threads. The answer to a registration waits for its effect, and the SDK
    sends the request of a dependent only after the answers for its dependencies, so the order is that of a deployment.
    """

    def __init__(
        self,
        project: str,
        stack: str,
        *,
        preview: bool,
        effects: Effects | None,
        references: References,
    ) -> None:
        super().__init__(_NoMocks())
        self._references = references
        self._project = project
        self._stack_name = stack
        self._preview = preview
        self._effects = effects
        self._lock = threading.Lock()
        self._registered: dict[str, Resource] = {}
        self._stack_urn = ""
        self._registered_outputs: dict[str, dict[str, object]] = {}
        self._stopped = False
        self.failures: list[Exception] = []

    def stop(self) -> None:
        """Start no further effect; running effects continue."""
        self._stopped = True

    def graph(self, messages: tuple[Message, ...]) -> ResourceGraph:
        """The resources that are registered so far."""
        with self._lock:
            outputs = {**self._registered_outputs}
            exports = outputs.pop(self._stack_urn, {})
            return ResourceGraph(tuple(self._registered.values()), self._stack_urn, exports, messages, outputs)

    @override
    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN in the engine's format, which contains the types of all parents except the stack."""
        parent_type = parent.split("::")[2] if parent else ""
        qualified = type_ if parent_type in ("", _STACK_TYPE) else f"{parent_type}${type_}"
        return f"urn:pulumi:{self._stack_name}::{self._project}::{qualified}::{name}"

    @override
    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        """Record the resource, run its effect, and answer with its id and outputs."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == _STACK_TYPE:
            self._stack_urn = urn
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if request.remote:
            raise pulumi.RunError(f"{request.type} {request.name} belongs to a plugin: {_USE_THE_COMMAND}")
        resource = _resource(urn, request)
        _check_name(resource)
        with self._lock:
            if urn in self._registered:
                raise pulumi.RunError(f"duplicate resource {urn}; rename one of them")
            self._registered[urn] = resource
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(request.object)
        for name, value in self._outputs(resource).items():
            outputs.fields[name].CopyFrom(encode(value))
        for name in {*resource.additional_secret_outputs} & {*outputs.fields}:
            hidden = secret(outputs.fields[name])
            outputs.fields[name].CopyFrom(hidden)
        identity = self._id(resource)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=outputs)

    def _outputs(self, resource: Resource) -> Mapping[str, object]:
        if not (resource.is_object or resource.is_release):
            return {}
        if self._effects is not None:
            return self._apply(self._effects, resource)
        if resource.is_release and not self._preview:
            return {"status": release_status(resource)}
        return {}

    def _apply(self, effects: Effects, resource: Resource) -> Mapping[str, object]:
        if self._stopped:
            raise pulumi.RunError(f"{resource.title} was not applied because another resource failed")
        try:
            return effects.apply(resource)
        except Exception as error:
            with self._lock:
                self.failures.append(error)
            self.stop()
            raise

    def _id(self, resource: Resource) -> str:
        if resource.is_provider:
            return resource.name
        # An id is unknown before the resource exists, so a preview has none.
        if self._preview or not resource.custom:
            return ""
        parts = (resource.namespace, resource.object_name or resource.name)
        return "/".join(part for part in parts if part)

    @override
    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:
        """Keep the outputs of the stack and of components."""
        outputs = decode_properties(request.outputs)
        with self._lock:
            self._registered_outputs.setdefault(request.urn, {}).update(outputs)
        return empty_pb2.Empty()

    @override
    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:
        """Answer for a resource of this run, or the state of the stack; refuse functions of providers."""
        if request.tok in _READ_STACK:
            return _answer({"outputs": {}})  # a stack without a state
        if request.tok != "pulumi:pulumi:getResource":
            raise pulumi.RunError(f"the program calls the provider function {request.tok}: {_USE_THE_COMMAND}")
        urn = str(decode(request.args.fields["urn"]))
        resource = self._registered.get(urn)
        if resource is None:
            raise pulumi.RunError(f"the program requests {urn}, which it has not registered")
        return _answer({"urn": urn, "id": self._id(resource), "state": dict(resource.inputs)})

    @override
    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        """Return another stack's outputs; refuse other reads, because the cluster is not contacted."""
        if request.type != _STACK_REFERENCE:
            raise pulumi.RunError(f"the program reads {request.type} {request.id} from the cluster: {_USE_THE_COMMAND}")
        name = request.id.rpartition("/")[2]
        outputs = UNKNOWN if self._preview else self._references(name)
        properties = encode({"name": request.id, "outputs": outputs, "secretOutputNames": []})
        urn = self.make_urn(request.parent, request.type, request.name)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=properties.struct_value)

    def Call(self, request: resource_pb2.ResourceCallRequest) -> NoReturn:  # noqa: N802 - the service's name
        """Refuse a method of a resource."""
        raise pulumi.RunError(f"the program calls the method {request.tok}: {_USE_THE_COMMAND}")


class Callbacks:
    """Replaces the SDK's callback server, which would open a port."""

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        """Ignore the hook: hooks run around operations, which this monitor does not perform."""

    def register_error_hook(self, hook: object) -> None:
        """Ignore the hook: this monitor does not retry."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        def refuse(*_: object) -> NoReturn:
            feature = name.removeprefix("register_").replace("_", " ")
            raise pulumi.RunError(f"the program registers a {feature}: {_USE_THE_COMMAND}")

        return refuse


class Engine(MockEngine):
    """Records the program's log messages, and forwards each one immediately."""

    def __init__(self, log: Callable[[Message], None] | None) -> None:
        super().__init__(None)
        self._log = log
        self._messages: list[Message] = []

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages so far, without debug messages."""
        return tuple(self._messages)

    @override
    def Log(self, request: engine_pb2.LogRequest) -> None:
        """Record the message, unless it is a debug message."""
        if request.severity == engine_pb2.DEBUG:
            return
        severity = _SEVERITIES.get(request.severity, "info")
        message = Message(severity, request.message, request.urn)
        self._messages.append(message)
        if self._log is not None:
            self._log(message)

    def RequirePulumiVersion(self, request: object) -> empty_pb2.Empty:  # noqa: N802 - the service's name
        """Accept any version, because no engine is involved."""
        return empty_pb2.Empty()


def release_status(resource: Resource) -> Mapping[str, object]:
    """The `status` output of a deployed Helm release, as far as its inputs determine it."""
    status = {"name": resource.object_name, "namespace": resource.namespace, "status": "deployed"}
    version = resource.inputs.get("version")
    return {**status, "version": version} if isinstance(version, str) else status


def _answer(result: Mapping[str, object]) -> resource_pb2.ResourceInvokeResponse:
    response = resource_pb2.ResourceInvokeResponse()
    # The field `return` is a keyword of Python.
    getattr(response, "return").CopyFrom(encode(result).struct_value)
    return response


def _check_name(resource: Resource) -> None:
    if (resource.is_object or resource.is_release) and not resource.object_name:
        field = "name" if resource.is_release else "metadata.name"
        raise pulumi.RunError(
            f"{resource.kind} {resource.name} has no {field}; set it, because the provider would generate a random one"
        )


def _resource(urn: str, request: resource_pb2.RegisterResourceRequest) -> Resource:
    timeouts = request.customTimeouts
    chosen = {moment: str(getattr(timeouts, moment)) for moment in ("create", "update", "delete")}
    hooks = {moment: tuple[str, ...](getattr(request.hooks, moment)) for moment in _HOOK_MOMENTS}
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        inputs=decode_properties(request.object),
        dependencies=frozenset(request.dependencies),
        property_dependencies={
            name: frozenset(dependencies.urns)
            for name, dependencies in sorted(request.propertyDependencies.items())
            if dependencies.urns
        },
        provider=request.provider.rpartition("::")[0],
        protect=request.protect if request.HasField("protect") else None,
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        timeouts={moment: duration for moment, duration in chosen.items() if duration},
        aliases=tuple(_alias(alias) for alias in cast("Iterable[alias_pb2.Alias]", request.aliases)),
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        deleted_with=request.deletedWith,
        import_id=request.importId,
        hooks={moment: names for moment, names in hooks.items() if names},
    )


def _alias(alias: alias_pb2.Alias) -> Mapping[str, str | bool]:
    if alias.urn:
        return {"urn": alias.urn}
    spec = alias.spec
    parts = {
        "name": spec.name,
        "type": spec.type,
        "stack": spec.stack,
        "project": spec.project,
        "parent": spec.parentUrn,
        "noParent": spec.noParent,
    }
    return {name: value for name, value in parts.items() if value}
