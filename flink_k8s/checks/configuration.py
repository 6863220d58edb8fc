"""The operator's rules for flinkConfiguration, and options that Flink or the operator does not know in this version."""

from __future__ import annotations

import difflib
import re
from functools import cache
from itertools import islice

from flink_k8s.checks.option_values import value_problems
from flink_k8s.checks.subject import Subject
from flink_k8s.facts import tables
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import boolean

_SET_BY_OPERATOR = ("kubernetes.namespace", "kubernetes.cluster-id", "high-availability.cluster-id")

_ROLLBACK = "kubernetes.operator.deployment.rollback.enabled"
_HEALTH_CHECK = "kubernetes.operator.cluster.health-check.enabled"
_RECOVERY = "kubernetes.operator.jm-deployment-recovery.enabled"

_OPERATOR_PREFIXES = ("kubernetes.operator.", "job.autoscaler.")

SIMILARITY = 0.9
"""Similarity to a known key from which an unknown key is reported as a misspelling (difflib's ratio)."""


def check(subject: Subject) -> None:
    """Check options that the operator refuses, and unknown options."""
    check_options(subject)
    for key in _SET_BY_OPERATOR:
        if key in subject.options.configuration:
            subject.report_option(key, "is set by the operator; remove it")
    if is_on(subject, _ROLLBACK, default=False) and not subject.options.is_highly_available:
        remedy = "set high-availability.type: kubernetes and its storageDir"
        subject.report_option(_ROLLBACK, f"requires high availability; {remedy}")
    if is_on(subject, _HEALTH_CHECK, default=False) and not is_on(subject, _RECOVERY, default=True):
        subject.report_option(_HEALTH_CHECK, f'requires {_RECOVERY}; set that to "true"')


def is_on(subject: Subject, key: str, *, default: bool) -> bool:
    """Value of a boolean option; a value other than true and false is reported, and counts as the default."""
    setting = subject.option(key)
    if setting is None:
        return default
    try:
        return boolean(setting[1])
    except ValueError as error:
        subject.report_option(setting[0], f'is "{setting[1]}"; {error}')
        return default


_MOST_KEYS = 500
"""Number of keys of one resource that are compared with the known keys; each takes about a millisecond."""


def check_options(subject: Subject) -> None:
    """Report options that are similar to an option of the Flink version or the operator, or are of another version.

    An option that is not similar to any is accepted: libraries of a job may read any option. Without a known Flink
    version only the operator's options are compared.
    """
    for key in islice(mapping(subject.spec.get("flinkConfiguration")), _MOST_KEYS):
        if key.startswith(_OPERATOR_PREFIXES):
            message = _operator_key(key, subject.operator)
        else:
            message = unknown_option(key, subject.flink_version)
        if message:
            subject.report_spec("unknown-option", ("flinkConfiguration", key), message)
    if subject.kind == FlinkKind.BLUE_GREEN:
        _check_switch(subject)


def _check_switch(subject: Subject) -> None:
    """Check the operator's options for the switch of a blue/green deployment."""
    for key, value in mapping(mapping(subject.manifest.get("spec")).get("configuration")).items():
        path = ("spec", "configuration", key)
        if message := _operator_key(key, subject.operator):
            subject.report("unknown-option", path, message)
        for rule, problem in value_problems(key, str(value), subject.operator):
            subject.report(rule, path, problem)


@cache
def _operator_key(key: str, operator: str) -> str | None:
    options = tables.operator_options(operator)
    if key in _all_operator_keys(operator) or _is_free(key) or _key_patterns(operator).fullmatch(key):
        return None
    matches = difflib.get_close_matches(key, list(options), n=1, cutoff=SIMILARITY)
    return f'unknown option of operator {operator}; did you mean "{matches[0]}"?' if matches else None


@cache
def unknown_option(key: str, version: str | None) -> str | None:
    """Message about an option of another Flink version, or one similar to an option; None for another one.

    Args:
        key: the option.
        version: of Flink, such as `2.2`; options of an unknown version are not compared.
    """
    if version is None or version not in tables.FLINK_VERSIONS:
        return None
    known = tables.flink_keys()
    if key in known:
        has, today = known[key]
        if version in has:
            return None
        newer = known.get(today)
        remedy = f'write "{today}"' if newer is not None and version in newer[0] else _since(has, version)
        return f"unknown option of Flink {version}; {remedy}"
    if _is_free(key):
        return None
    matches = difflib.get_close_matches(key, _flink_keys_of(version), n=1, cutoff=SIMILARITY)
    return f'unknown option of Flink {version}; did you mean "{matches[0]}"?' if matches else None


def _since(has: frozenset[str], version: str) -> str:
    flink_versions = tables.FLINK_VERSIONS
    ranks = sorted(flink_versions.index(other) for other in has)
    if ranks[0] > flink_versions.index(version):
        return f"it exists from Flink {flink_versions[ranks[0]]} on"
    return f"it existed until Flink {flink_versions[ranks[-1]]}; remove it"


_FREE = (
    "containerized.",
    "metrics.reporter.",
    "env.",
    "fs.",
    "s3.",
    "presto.",
    "flink.hadoop.",
    "kubernetes.operator.metrics.",
    "kubernetes.operator.default-configuration.",
    "kubernetes.operator.k8s.",
    "kubernetes.operator.dynamic.",
    "external-resource.",
    "pipeline.global-job-parameters",
    "events.reporter.",
    "traces.reporter.",
)
"""Prefixes of keys whose remainder is free."""


def _is_free(key: str) -> bool:
    return key.startswith(_FREE)


@cache
def _flink_keys_of(version: str) -> list[str]:
    return [key for key, (versions, _) in tables.flink_keys().items() if version in versions]


@cache
def _key_patterns(operator: str) -> re.Pattern[str]:
    """The keys with a part that the user names, such as `kubernetes.operator.plugins.listeners.<name>.class`."""
    named = [re.escape(key) for key in _all_operator_keys(operator) if "<" in key]
    return re.compile("|".join(re.sub(r"<[^>]+>", "[^.]+(?:[.][^.]+)*", key) for key in named) or "(?!)")


@cache
def _all_operator_keys(operator: str) -> frozenset[str]:
    options = tables.operator_options(operator)
    return frozenset([*options, *(older for option in options.values() for older in option.older)])
