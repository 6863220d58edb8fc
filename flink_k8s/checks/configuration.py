"""The operator's rules for flinkConfiguration, and keys that no version or another version of Flink knows."""

from __future__ import annotations

import difflib
from functools import cache
from itertools import islice

from flink_k8s.checks.subject import Subject
from flink_k8s.facts import tables
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import boolean

_ITS_OWN = ("kubernetes.namespace", "kubernetes.cluster-id", "high-availability.cluster-id")

_ROLLBACK = "kubernetes.operator.deployment.rollback.enabled"
_HEALTH_CHECK = "kubernetes.operator.cluster.health-check.enabled"
_RECOVERY = "kubernetes.operator.jm-deployment-recovery.enabled"

_OPERATORS_OWN = ("kubernetes.operator.", "job.autoscaler.")

NEAR = 0.9
"""How alike a key must be to a known one to be taken for a slip of the hand (difflib's ratio)."""


def check(subject: Subject) -> None:
    """Options that the operator refuses, and unknown ones."""
    check_options(subject)
    for key in _ITS_OWN:
        if key in subject.options.configuration:
            subject.report_option(key, "is the operator's own; remove it")
    if is_on(subject, _ROLLBACK, default=False) and not subject.options.is_highly_available:
        cure = "set high-availability.type: kubernetes and its storageDir"
        subject.report_option(_ROLLBACK, f"needs high availability; {cure}")
    if is_on(subject, _HEALTH_CHECK, default=False) and not is_on(subject, _RECOVERY, default=True):
        subject.report_option(_HEALTH_CHECK, f'needs {_RECOVERY}; set it to "true"')


def is_on(subject: Subject, key: str, *, default: bool) -> bool:
    """The boolean option's value; what is neither true nor false is a problem and counts as the default."""
    said = subject.option(key)
    if said is None:
        return default
    try:
        return boolean(said[1])
    except ValueError as error:
        subject.report_option(said[0], f'is "{said[1]}"; {error}')
        return default


_MOST_KEYS = 500
"""Keys of one resource that are compared with the known ones; each takes about a millisecond."""


def check_options(subject: Subject) -> None:
    """Options of the resource that are similar to one of the Flink version or the operator, or of another version.

    An option that is not similar to any is accepted: libraries of a job may read any option. Without a known Flink
    version only the operator's options are compared.
    """
    for key in islice(mapping(subject.spec.get("flinkConfiguration")), _MOST_KEYS):
        if key.startswith(_OPERATORS_OWN):
            message = _operator_key(key, subject.operator)
        else:
            version = subject.flink_version
            message = _flink_key(key, version) if version in tables.FLINK_VERSIONS else None
        if message:
            subject.report_spec("unknown-option", ("flinkConfiguration", key), message)


@cache
def _operator_key(key: str, operator: str) -> str | None:
    options = tables.operator_options(operator)
    if not options or key in _all_operator_keys(operator) or _is_free(key):
        return None
    near = difflib.get_close_matches(key, list(options), n=1, cutoff=NEAR)
    return f'is no key of operator {operator}; did you mean "{near[0]}"?' if near else None


@cache
def _flink_key(key: str, version: str) -> str | None:
    known = tables.flink_keys()
    if key in known:
        has, today = known[key]
        if version in has:
            return None
        newer = known.get(today)
        cure = f'write "{today}"' if newer is not None and version in newer[0] else _since(has, version)
        return f"is no key of Flink {version}; {cure}"
    if _is_free(key):
        return None
    near = difflib.get_close_matches(key, _flink_keys_of(version), n=1, cutoff=NEAR)
    return f'is no key of Flink {version}; did you mean "{near[0]}"?' if near else None


def _since(has: frozenset[str], version: str) -> str:
    order = tables.FLINK_VERSIONS
    ranks = sorted(order.index(other) for other in has)
    if ranks[0] > order.index(version):
        return f"Flink has it from {order[ranks[0]]} on"
    return f"Flink had it until {order[ranks[-1]]}, remove it"


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
"""Beginnings of keys that go on as the user likes."""


def _is_free(key: str) -> bool:
    return key.startswith(_FREE)


@cache
def _flink_keys_of(version: str) -> list[str]:
    return [key for key, (versions, _) in tables.flink_keys().items() if version in versions]


@cache
def _all_operator_keys(operator: str) -> frozenset[str]:
    options = tables.operator_options(operator)
    return frozenset([*options, *(older for option in options.values() for older in option.older)])
