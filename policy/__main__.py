"""The policy pack for the engine: one policy per rule, with the severity that the stack sets."""

# The policy SDK is installed only in the pack's virtual environment.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUntypedBaseClass=false
from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from pulumi.runtime.config import get_config_env
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

# The engine runs this file by its path, in its folder: the project's packages are in the parent folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policy.evaluate import POLICIES, Evaluator, settings_of
from policy.stack_config import on_stack_config

evaluator = Evaluator(settings_of(get_config_env()))


def _policy(rule: str, description: str) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for line in evaluator.lines(rule, args.urn, args.resource_type, args.props):
            report(line, None)

    return ResourceValidationPolicy(name=rule, description=description, validate=validate)


policies = [_policy(rule, description) for rule, description in POLICIES.items()]


def _configure(config: Mapping[str, str]) -> None:
    evaluator.settings = settings_of(config)
    for policy in policies:
        policy.enforcement_level = EnforcementLevel(evaluator.level(policy.name))


_configure(get_config_env())
on_stack_config(_configure)
PolicyPack("flink-k8s", policies)
