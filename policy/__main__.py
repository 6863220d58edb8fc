"""The policy pack as the engine runs it: one policy a rule, with the severity that the stack sets."""

# The SDK for policies lives in the pack's own virtual environment.
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

# The engine runs this file by its path, in its folder: the project's own packages are one above.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policy.judgement import POLICIES, Judge, settings_of
from policy.stack_config import on_stack_config

judge = Judge(settings_of(get_config_env()))


def _policy(rule: str, meaning: str) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for line in judge.lines(rule, args.urn, args.resource_type, args.props):
            report(line, None)

    return ResourceValidationPolicy(name=rule, description=meaning, validate=validate)


policies = [_policy(rule, meaning) for rule, meaning in POLICIES.items()]


def _configure(config: Mapping[str, str]) -> None:
    judge.settings = settings_of(config)
    for policy in policies:
        policy.enforcement_level = EnforcementLevel(judge.level(policy.name))


_configure(get_config_env())
on_stack_config(_configure)
PolicyPack("flink-k8s", policies)
