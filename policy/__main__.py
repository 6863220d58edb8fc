"""The policy pack as the engine runs it: one policy a rule, as grave as the stack's `strict` says."""

# The SDK for policies lives in the pack's own virtual environment.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUntypedBaseClass=false
from __future__ import annotations

import sys
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

from policy.judgement import POLICIES, Judge

judge = Judge.of(get_config_env())


def _policy(rule: str, meaning: str) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for line in judge.lines(rule, args.urn, args.resource_type, args.props):
            report(line, None)

    return ResourceValidationPolicy(
        name=rule, description=meaning, enforcement_level=EnforcementLevel(judge.level(rule)), validate=validate
    )


PolicyPack("flink-k8s", [_policy(rule, meaning) for rule, meaning in POLICIES.items()])
