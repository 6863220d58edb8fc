"""Rules about a Flink operator that the stack uses and does not install (`operator.enabled: false`)."""

from __future__ import annotations

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.problems import KeyPath
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve.existing_operator import CONFIG_MAP, ExistingOperator

_VERSION: KeyPath = ("operator", "version")


def uses_existing_operator(config: StackConfig, settings: StackSettings) -> bool:
    """Whether neither the stack nor its platform's stack installs the operator."""
    platform = config.platform_config
    is_of_platform = platform is not None and mapping(platform.values.get("operator")).get("enabled", True) is not False
    return not settings.operator.enabled and not is_of_platform


def sets_operator_version(config: StackConfig) -> bool:
    """Whether the stack config sets the version of the operator."""
    return "version" in mapping(config.values.get("operator"))


def check(stack: StackSubject) -> None:
    """Compare settings and jobs with the operator in the cluster."""
    if not uses_existing_operator(stack.config, stack.settings):
        return
    operator = stack.operator
    is_read = operator is not None and operator.version is not None
    if not is_read and not sets_operator_version(stack.config):
        message = f"is not set, and the jobs are checked for {stack.settings.operator.version}"
        remedy = "set it to the version in the cluster, which a preview and `up` read"
        stack.report("assumed-operator", _VERSION, f"{message}; {remedy}")
    if operator is not None:
        _check_settings(stack, operator)
        _check_namespaces(stack, operator)


def _check_settings(stack: StackSubject, operator: ExistingOperator) -> None:
    settings = stack.settings.operator
    if operator.version is not None and operator.version != settings.version:
        message = f"is {settings.version}, but the cluster runs operator {operator.version}; set it to that version"
        stack.report("existing-operator", _VERSION, message)
    if settings.webhook and not operator.has_webhook:
        message = "is true, but the operator in the cluster has no webhook, and accepts invalid jobs; set it to false"
        stack.report("existing-operator", ("operator", "webhook"), message)
    if operator.configuration is None:
        return
    for key, value in settings.configuration.items():
        if operator.configuration.get(key) != value:
            problem = "differs from" if key in operator.configuration else "is not in"
            remedy = f"set it in the ConfigMap {operator.namespace}/{CONFIG_MAP}, or remove it"
            message = f"{problem} the configuration of the operator in the cluster; {remedy}"
            stack.report("existing-operator", ("operator", "configuration", key), message)


def _check_namespaces(stack: StackSubject, operator: ExistingOperator) -> None:
    for job in stack.jobs:
        if not operator.watches(job.namespace):
            message = (
                f'"{job.namespace}" is not watched by the operator in {operator.namespace}, which watches '
                f"{', '.join(sorted(operator.watched))}; add it to watchNamespaces of the operator's chart"
            )
            stack.report("unwatched-namespace", ("metadata", "namespace"), message, job)
