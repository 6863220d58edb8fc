"""Hooks that print the effect of a change on each job, and refuse a state loss that the user does not allow."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from typing import cast

import pulumi

from flink_k8s.components.engine_run import shared
from flink_k8s.components.rows import row
from flink_k8s.config.model import OperatorSettings
from flink_k8s.facts.mappings import mapping
from flink_k8s.plan.guard import VARIABLE, Allowance, Guard, Manifest
from flink_k8s.plan.state import Operator
from flink_k8s.plan.steps import Operation, Step, imported_inputs, revision_of


class StateGuard:
    """Evaluates each change of a guarded resource before the engine makes it, in previews too."""

    def __init__(
        self,
        jobs: Iterable[Mapping[str, object]],
        operator: OperatorSettings,
        allowed_changes: Collection[str] = (),
        prefix: str = "",
    ) -> None:
        """
        Args:
            jobs: the declared Flink resources.
            operator: that reconciles the changes.
            allowed_changes: `allowStateLoss` of the stack config.
            prefix: of the names of the guarded resources.
        """
        allowance = Allowance.of(os.environ.get(VARIABLE, ""), allowed_changes)
        self._guard = Guard(jobs, Operator(operator.version, operator.configuration), allowance)
        self._prefix = prefix
        self._registered: set[str] = set()
        self._hooks = shared(_Hooks, _Hooks)
        self._hooks.guards[prefix] = self

    def of_job(self, manifest: Manifest) -> pulumi.ResourceOptions:
        """Options of a Flink resource."""
        if self._guard.declared(manifest) is None:
            return pulumi.ResourceOptions()
        deletes = [self._hooks.delete] if self._guard.keeps_state(manifest) else None
        hooks = pulumi.ResourceHookBinding(before_update=[self._hooks.update], before_delete=deletes)
        return pulumi.ResourceOptions(hooks=hooks)

    def of_storage(self, manifest: Manifest) -> pulumi.ResourceOptions:
        """Options of a namespace or a claim: none if no job keeps state in it."""
        if not self._guard.keeps_state(manifest):
            return pulumi.ResourceOptions()
        return pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_delete=[self._hooks.delete]))

    def follow(self, resource: pulumi.Resource) -> None:
        """Record when the engine has registered the resource: a deletion before that is part of a replacement."""
        resource.urn.apply(self._registered.add)

    async def before_update(self, args: pulumi.ResourceHookArgs) -> None:
        """The hook before an update.

        Raises:
            pulumi.RunError: if a job would lose its state.
        """
        old = await _values(args.old_inputs)
        if "spec" not in old:  # a Flink resource that the engine has just imported
            old = imported_inputs(await _values(args.old_outputs))
        await self._evaluate(args, Operation.UPDATE, old, await _values(args.new_inputs))

    async def before_delete(self, args: pulumi.ResourceHookArgs) -> None:
        """The hook before a deletion.

        Raises:
            pulumi.RunError: if a job would lose its state.
        """
        old = await _values(args.old_inputs)
        new = self._declared(args, old)
        operation = Operation.DELETE if new is None else Operation.REPLACE
        await self._evaluate(args, operation, old, new)

    def _declared(self, args: pulumi.ResourceHookArgs, old: Manifest) -> Manifest | None:
        """The job that replaces a deleted one; None if it is not replaced."""
        declared = self._guard.declared(old)
        if declared is None or args.urn in self._registered:
            return None
        metadata = mapping(declared.get("metadata"))
        return declared if args.name == f"{self._prefix}{metadata.get('namespace')}/{metadata.get('name')}" else None

    async def _evaluate(
        self, args: pulumi.ResourceHookArgs, operation: Operation, old: Manifest, new: Manifest | None
    ) -> None:
        revision = revision_of(await _values({"metadata": (args.old_outputs or {}).get("metadata")}))
        evaluation = self._guard.evaluate(Step(operation, args.urn, old, new, revision=revision))
        if evaluation.refusal:
            raise pulumi.RunError(evaluation.refusal)
        for line in evaluation.effects:
            pulumi.log.info(line, resource=row(args.urn))


class _Hooks:
    """The hooks of all guards of a run, one for each operation.

    The engine finds the hooks of a resource that has left the program by their names in the state: so the names are
    fixed, and a component that has left the program, too, needs no hook of its own.

    Attributes:
        guards: by the prefix of the names of their resources.
        update: before an update.
        delete: before a deletion.
    """

    def __init__(self) -> None:
        self.guards: dict[str, StateGuard] = {}
        options = pulumi.ResourceHookOptions(on_dry_run=True)
        self.update = pulumi.ResourceHook("state-guard-update", self._before_update, options)
        self.delete = pulumi.ResourceHook("state-guard-delete", self._before_delete, options)

    async def _before_update(self, args: pulumi.ResourceHookArgs) -> None:
        await self._guard_of(args.name).before_update(args)

    async def _before_delete(self, args: pulumi.ResourceHookArgs) -> None:
        await self._guard_of(args.name).before_delete(args)

    def _guard_of(self, name: str) -> StateGuard:
        """The guard of a resource; any guard for a resource of a component that has left the program."""
        matches = [prefix for prefix in self.guards if name.startswith(prefix)]
        return self.guards[max(matches, key=len)] if matches else next(iter(self.guards.values()))


async def _values(inputs: Mapping[str, object] | None) -> Manifest:
    """Inputs as plain values: a value that contains a secret is an output."""
    return mapping(_with_integers(await pulumi.Output.from_input(dict(inputs or {})).future(with_unknowns=True)))


def _with_integers(value: object) -> object:
    """The value with whole numbers as integers: the engine's protocol has floating-point numbers only."""
    if isinstance(value, dict):
        return {key: _with_integers(item) for key, item in cast(Manifest, value).items()}
    if isinstance(value, list):
        return [_with_integers(item) for item in cast(list[object], value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value
