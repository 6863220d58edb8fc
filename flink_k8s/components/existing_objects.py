"""Refuses to create objects that exist in the cluster and are not in the stack's state.

Pulumi's provider creates by server-side apply: it would take over an existing object of the same name, which a later
`destroy` deletes, or fail in the middle of the run if fields conflict.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence, Set

import pulumi

from flink_k8s.components.cluster_access import ClusterAccess, in_own_thread
from flink_k8s.config.restore_request import WITHOUT_CLUSTER
from flink_k8s.facts.mappings import mapping
from flink_k8s.health.existing_objects import RELEASE_API, Existing, ObjectKey, existing_objects
from flink_k8s.resolve.deployed_resources import resources_in_state

_SHOWN = 20
"""Number of objects that a message lists."""

_REMEDIES = (
    "use a namespace, or the account flink, that exists: namespaces.<name>.create: false, createAccount: false",
    "use an installed component: enabled: false of certManager, prometheus or operator",
    "otherwise take over the object (adopt: docs/adopt.md), rename it in the stack, or delete it",
)


class ExistingObjects:
    """Checks the declared objects before the first one is created, in previews too.

    The engine calls the hook only for objects that it creates, so a run that creates nothing requests nothing.
    """

    def __init__(self, access: ClusterAccess, prefix: str = "") -> None:
        """
        Args:
            access: to the stack's cluster.
            prefix: of the hook's name.
        """
        self._api_server = access.api_server
        self._declared: dict[ObjectKey, None] = {}
        self._checked: set[ObjectKey] = set()
        self._checks: list[asyncio.Task[str]] = []
        self._reported: set[str] = set()
        self._hook = pulumi.ResourceHook(
            f"{prefix}existing-objects", self._before_create, pulumi.ResourceHookOptions(on_dry_run=True)
        )

    def bind(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """The transformation that adds the hook to objects and releases; children inherit it from components.

        The engine imports an object with the option `import_`, and does not create it.
        """
        key = declared_key(args.type_, args.props)
        is_imported = args.opts.import_ is not None
        if key is None or is_imported or os.environ.get(WITHOUT_CLUSTER):
            return None
        self._declared[key] = None
        hooks = pulumi.ResourceHookBinding(before_create=[self._hook])
        # First: another hook, such as that of the CRDs, changes the cluster.
        options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(hooks=hooks), args.opts)
        return pulumi.ResourceTransformationResult(args.props, options)

    async def _before_create(self, _: pulumi.ResourceHookArgs) -> None:
        # All objects that are declared by now; a component provider constructs components one by one.
        if new := self._declared.keys() - self._checked:
            self._checked |= new
            self._checks.append(asyncio.create_task(self._refusal(new)))
        refusals = {refusal for check in self._checks if (refusal := await check)}
        unreported = sorted(refusals - self._reported)
        self._reported |= refusals
        if unreported:
            raise pulumi.RunError("\n".join(unreported))
        if refusals:
            raise pulumi.RunError("not created, because of other objects that exist")

    async def _existing(self, declared: Set[ObjectKey]) -> tuple[Mapping[ObjectKey, Existing], Sequence[str]]:
        """The declared objects that exist and are not in the state, and the kinds that cannot be read."""
        return await existing_objects(self._api_server, declared - keys_in_state(resources_in_state()))

    async def _refusal(self, declared: Set[ObjectKey]) -> str:
        """The error about all declared objects that exist and are not the stack's; empty if there are none."""
        existing, unread = await in_own_thread(self._existing(declared))
        if unread:
            lines = _listing(sorted(unread))
            pulumi.log.warn("\n".join(["could not check whether these objects exist in the cluster already:", *lines]))
        taken_over = [_shown(key, item) for key, item in sorted(existing.items()) if item.is_of_pulumi]
        foreign = [_shown(key, item) for key, item in sorted(existing.items()) if not item.is_of_pulumi]
        if taken_over and not foreign:
            message = (
                "these objects exist, and are not in the state of this stack; Pulumi has created them, in an "
                "interrupted run of this stack or for another stack; this run takes them over:"
            )
            pulumi.log.warn("\n".join([message, *_listing(taken_over)]))
        if not foreign:
            return ""
        number = f"{len(foreign)} object{'s exist' if len(foreign) > 1 else ' exists'}"
        message = f"{number} in the cluster and not in the state of this stack; nothing was created:"
        return "\n".join([message, *_listing(foreign), *(f"- {remedy}" for remedy in _REMEDIES)])


def declared_key(type_: str, inputs: Mapping[str, object] | None) -> ObjectKey | None:
    """The identity of the object that a resource creates; None if it creates none, or its name is not known yet.

    Args:
        type_: of the resource: `kubernetes:core/v1:Namespace`.
        inputs: of the resource.
    """
    provider, _, kind_and_version = type_.partition(":")
    api_version, _, kind = kind_and_version.rpartition(":")
    if provider != "kubernetes" or inputs is None:
        return None
    metadata = inputs if api_version == RELEASE_API else inputs.get("metadata")
    name, namespace = _field(metadata, "name"), _field(metadata, "namespace")
    if not isinstance(name, str) or not (namespace is None or isinstance(namespace, str)):
        return None
    return ObjectKey(api_version.removeprefix("core/"), kind, namespace or "", name)


def keys_in_state(resources: Mapping[str, object]) -> set[ObjectKey]:
    """The identities of the objects among resources: URN to type and outputs."""
    keys = (
        declared_key(str(resource.get("type")), mapping(resource.get("outputs")))
        for resource in map(mapping, resources.values())
    )
    return {key for key in keys if key is not None}


def _field(metadata: object, name: str) -> object:
    """A field of metadata, which is a mapping or an instance of the SDK's class."""
    return mapping(metadata).get(name, getattr(metadata, name, None))


def _shown(key: ObjectKey, existing: Existing) -> str:
    return f"{key.title} (applied by {existing.manager})" if existing.manager else key.title


def _listing(lines: Iterable[str]) -> list[str]:
    every = [*lines]
    more = [f"  and {len(every) - _SHOWN} more"] if len(every) > _SHOWN else []
    return [*(f"  {line}" for line in every[:_SHOWN]), *more]
