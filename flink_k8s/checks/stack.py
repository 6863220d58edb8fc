"""Rules for the stack config as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from flink_k8s.checks.network import check_egress
from flink_k8s.checks.rules import RULES
from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.problems import STACK_CONFIG, KeyPath, nearest
from flink_k8s.config.secret_text import is_secret, is_text
from flink_k8s.facts import versions

CHART_CONFIGURATION_KEYS = {
    "taskmanager.numberOfTaskSlots": "set it in jobDefaults.flinkConfiguration",
    "parallelism.default": "set jobDefaults.parallelism",
    "kubernetes.operator.watched.namespaces": "it follows from namespaces",
    "kubernetes.operator.health.probe.enabled": "set operator.values.operatorHealth",
    "kubernetes.operator.health.probe.port": "set operator.values.operatorHealth",
}
"""Keys that the operator's chart writes itself: twice in one config.yaml, and the operator does not start."""


def check(stack: StackSubject) -> None:
    """The operator's version and options, and the namespaces of the platform's parts."""
    settings = stack.settings
    known = versions.OPERATORS
    if settings.operator.version not in known:
        near = nearest(settings.operator.version, list(known))
        message = f'"{settings.operator.version}" is not known here; {near}'
        stack.report("operator-validation", ("operator", "version"), message)
    for key in settings.operator.configuration:
        if key in CHART_CONFIGURATION_KEYS:
            message = f"is written by the operator's chart itself; {CHART_CONFIGURATION_KEYS[key]}"
            stack.report("operator-validation", ("operator", "configuration", key), message)
    _check_owners(stack)
    _check_secrets(stack)


def check_all_jobs(stack: StackSubject) -> None:
    """`jobDefaults` and `enforced` of the stack, and of the platform's stack."""
    stacks = [(stack.settings, stack.config)]
    if stack.platform_settings is not None and stack.config.below is not None:
        stacks.append((stack.platform_settings, stack.config.below))
    for settings, config in stacks:
        for key, source in (("jobDefaults", settings.job_defaults), ("enforced", settings.enforced)):
            if source.restore_from is not None:
                message = "would start every job from the state of one; say it of that job, in jobs.<name>"
                stack.report("restore-from", (key, "restoreFrom"), message, config)
            check_egress(stack, (key, "egress"), source.egress, config)


def check_severities(stack: StackSubject) -> None:
    """`checks` of the stack config: known rules whose severity a stack can change."""
    for rule in stack.settings.checks:
        if rule not in RULES:
            message = f"is not a rule; {nearest(rule, list(RULES))}"
        elif RULES[rule].is_fixed:
            message = "finds only what cannot be deployed, and is always an error; remove it"
        else:
            continue
        stack.report(STACK_CONFIG, ("checks", rule), message)


def _check_owners(stack: StackSubject) -> None:
    settings = stack.settings
    owners: dict[str, str] = dict.fromkeys(settings.namespaces, "namespaces")
    for key, part in (
        ("certManager", settings.cert_manager),
        ("prometheus", settings.prometheus),
        ("operator", settings.operator),
    ):
        if part.enabled and part.namespace in owners:
            message = f'"{part.namespace}" belongs to {owners[part.namespace]} already; give it a namespace of its own'
            stack.report("operator-validation", (key, "namespace"), message)
        if part.enabled:
            owners[part.namespace] = key


def _check_secrets(stack: StackSubject) -> None:
    """Passwords and keys in the values and places of charts and in the operator's configuration."""
    settings = stack.settings
    for key, part in (
        ("certManager", settings.cert_manager),
        ("prometheus", settings.prometheus),
        ("operator", settings.operator),
    ):
        _report_plaintext(stack, part.values, (key, "values"))
    _report_plaintext(stack, settings.operator.configuration, ("operator", "configuration"))
    _report_plaintext(stack, settings.charts.model_dump(by_alias=True), ("charts",))


def _report_plaintext(stack: StackSubject, value: object, path: KeyPath) -> None:
    for place, message in plaintext_secrets(value, path):
        stack.report("plaintext-secret", place, message)


def plaintext_secrets(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Path and message of each password or key in a chart's values, or in configuration.

    Args:
        value: mappings, lists, texts and numbers.
        path: of the value.
    """
    if isinstance(value, dict):
        for key, item in cast(dict[object, object], value).items():
            yield from plaintext_secrets(item, (*path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(cast(list[object], value)):
            yield from plaintext_secrets(item, (*path, index))
    elif is_text(value) and is_secret(str(path[-1]), str(value)):
        cure = "put it into a Kubernetes Secret and use the chart's existingSecret or secretRef"
        yield path, f"looks like a secret in clear; {cure}"
