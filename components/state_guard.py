"""Hooks that print the effect of a change on each job, and refuse a state loss that the user does not allow."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from typing import cast

import pulumi

from components.rows import row
from flink_k8s.config.model import OperatorSettings
from flink_k8s.facts.mappings import mapping
from flink_k8s.plan.guard import VARIABLE, Allowance, Guard, Manifest
from flink_k8s.plan.state import Operator
from flink_k8s.plan.steps import Operation, Step, imported_inputs, revision_of


class StateGuard:
    """Evaluates each change of a guarded resource before the engine makes it, in previews too.

    One hook for each operation serves all resources: the engine finds the hooks of a job that has left the program by
    their names in the state.
    """

    def __init__(
        self, jobs: Iterable[Mapping[str, object]], operator: OperatorSettings, allowed_changes: Collection[str] = ()
    ) -> None:
        """
        Args:
            jobs: the declared Flink resources.
            operator: that reconciles the changes.
            allowed_changes: `allowStateLoss` of the stack config.
        """
        allowance = Allowance.of(os.environ.get(VARIABLE, ""), allowed_changes)
        self._guard = Guard(jobs, Operator(operator.version, operator.configuration), allowance)
        self._registered: set[str] = set()
        options = pulumi.ResourceHookOptions(on_dry_run=True)
        self._update = pulumi.ResourceHook("state-guard-update", self._before_update, options)
        self._delete = pulumi.ResourceHook("state-guard-delete", self._before_delete, options)

    def of_job(self, manifest: Manifest) -> pulumi.ResourceOptions:
        """Options of a Flink resource."""
        if self._guard.declared(manifest) is None:
            return pulumi.ResourceOptions()
        deletes = [self._delete] if self._guard.keeps_state(manifest) else None
        hooks = pulumi.ResourceHookBinding(before_update=[self._update], before_delete=deletes)
        return pulumi.ResourceOptions(hooks=hooks)

    def of_storage(self, manifest: Manifest) -> pulumi.ResourceOptions:
        """Options of a namespace or a claim: none if no job keeps state in it."""
        if not self._guard.keeps_state(manifest):
            return pulumi.ResourceOptions()
        return pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_delete=[self._delete]))

    def follow(self, resource: pulumi.Resource) -> None:
        """Record when the engine has registered the resource: a deletion before that is part of a replacement."""
        resource.urn.apply(self._registered.add)

    async def _before_update(self, args: pulumi.ResourceHookArgs) -> None:
        old = await _values(args.old_inputs)
        if "spec" not in old:  # a Flink resource that the engine has just imported
            old = imported_inputs(await _values(args.old_outputs))
        await self._evaluate(args, Operation.UPDATE, old, await _values(args.new_inputs))

    async def _before_delete(self, args: pulumi.ResourceHookArgs) -> None:
        old = await _values(args.old_inputs)
        new = None if args.urn in self._registered else self._guard.declared(old)
        operation = Operation.DELETE if new is None else Operation.REPLACE
        await self._evaluate(args, operation, old, new)

    async def _evaluate(
        self, args: pulumi.ResourceHookArgs, operation: Operation, old: Manifest, new: Manifest | None
    ) -> None:
        revision = revision_of(await _values({"metadata": (args.old_outputs or {}).get("metadata")}))
        evaluation = self._guard.evaluate(Step(operation, args.urn, old, new, revision=revision))
        if evaluation.refusal:
            raise pulumi.RunError(evaluation.refusal)
        for line in evaluation.effects:
            pulumi.log.info(line, resource=row(args.urn))


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
