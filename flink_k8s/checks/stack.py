"""Rules for the stack config as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from flink_k8s.checks.network import check_egress
from flink_k8s.checks.rules import RULES
from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.problems import STACK_CONFIG, KeyPath, nearest, similar
from flink_k8s.config.restore_request import RestoreRequest
from flink_k8s.config.secret_text import secret_paths
from flink_k8s.config.stack_file import ENVIRONMENT, StackConfig
from flink_k8s.facts import versions
from flink_k8s.facts.chart_values import OPERATOR_VALUES
from flink_k8s.facts.mappings import mapping

CHART_CONFIGURATION_KEYS = {
    "taskmanager.numberOfTaskSlots": "set it in jobDefaults.flinkConfiguration",
    "parallelism.default": "set jobDefaults.parallelism",
    "kubernetes.operator.watched.namespaces": "remove it, it follows from namespaces",
    "kubernetes.operator.health.probe.enabled": "set operator.values.operatorHealth",
    "kubernetes.operator.health.probe.port": "set operator.values.operatorHealth",
}
"""Keys that the operator's chart writes itself: the operator does not start with a duplicate key in config.yaml."""


def check(stack: StackSubject) -> None:
    """Check environments, version and options of the operator, namespaces of components, and plaintext secrets."""
    settings = stack.settings
    if stack.config.environments:
        remedy = "a preview and `up` open it; to check its values without the engine, write them into an overlay"
        stack.report("unread-environment", (ENVIRONMENT,), f"{stack.config.unread_config}; {remedy}")
    _check_operator_version(stack)
    for key in settings.operator.configuration:
        if settings.operator.enabled and key in CHART_CONFIGURATION_KEYS:
            message = f"is set by the operator's chart; {CHART_CONFIGURATION_KEYS[key]}"
            stack.report("operator-validation", ("operator", "configuration", key), message)
    _check_operator_values(stack)
    if settings.openshift and settings.prometheus.enabled:
        message = "is true, but OpenShift manages the CRDs of the Prometheus operator for its own stack; remove it"
        stack.report(STACK_CONFIG, ("prometheus", "enabled"), message)
    _check_selectors(stack)
    _check_owners(stack)
    _check_secrets(stack)
    _check_images(stack)


def _check_operator_version(stack: StackSubject) -> None:
    """Report a version that cannot be installed, and one without tables of its own."""
    version, path = stack.settings.operator.version, ("operator", "version")
    releases = [*versions.OPERATORS]
    if versions.known_operator(version):
        return
    comparison = versions.compared_with_known(version)
    if comparison is None:
        stack.report("operator-validation", path, f'"{version}" is not a version; {nearest(version, releases)}')
    elif comparison < 0:
        message = f"is {version}, which is older than the oldest supported operator; use {releases[-1]} or newer"
        stack.report("operator-validation", path, message)
    else:
        message = (
            f"is {version}, of which no fields and options are known: those of {versions.nearest_operator(version)} are"
            " used, and unknown fields, kinds and Flink versions are not reported; the known minor versions are"
            f" {_minor(releases[-1])} to {_minor(releases[0])}"
        )
        stack.report("operator-version", path, message)


def _minor(release: str) -> str:
    return release.rpartition(".")[0]


_LEADER_ELECTION = "kubernetes.operator.leader-election.enabled"
_LEASE = "kubernetes.operator.leader-election.lease-name"
_PLATFORM_VALUES = {
    "watchNamespaces": "replaces the namespaces of the stack; remove it, or set operator.watchAllNamespaces",
    "watchNamespace": "is not a value of the chart; remove it, because the namespaces follow from namespaces",
}
"""Values of the operator's chart that have no effect, or undo a value of the platform."""


def _check_operator_values(stack: StackSubject) -> None:
    """Report replicas without leader election, and values that have no effect or undo values of the platform."""
    settings = stack.settings.operator
    if not settings.enabled:
        return
    path: KeyPath = ("operator", "values")
    is_elected = settings.configuration.get(_LEADER_ELECTION, "false").strip().lower() == "true"
    replicas = settings.values.get("replicas")
    if isinstance(replicas, int) and replicas > 1 and not is_elected:
        message = f"is {replicas}, but several operators would change the same jobs; set {_LEADER_ELECTION}:"
        remedy = f'"true" and {_LEASE} in operator.configuration'
        stack.report("operator-validation", (*path, "replicas"), f"{message} {remedy}")
    if is_elected and not settings.configuration.get(_LEASE, "").strip():
        message = f"requires {_LEASE}, without which the operator does not start; set it"
        stack.report("operator-validation", ("operator", "configuration", _LEADER_ELECTION), message)
    port = mapping(settings.values.get("metrics")).get("port")
    if port is not None and not (str(port).isdecimal() and 0 < int(str(port)) < 2**16):
        message = f"is {port!r}, which is not the number of a port; remove it, or write a number such as 9999"
        stack.report("stack-config", (*path, "metrics", "port"), message)
    for key, message in _PLATFORM_VALUES.items():
        if key in settings.values:
            stack.report("unused-setting", (*path, key), message)
    for key, value in settings.values.items():
        known = OPERATOR_VALUES.get(key)
        if known is None and key not in _PLATFORM_VALUES:
            message = f"is not a value of the chart; {nearest(key, list(OPERATOR_VALUES))}"
            stack.report("unused-setting", (*path, key), message)
        for inner in mapping(value) if known else ():
            if known and inner not in known:
                message = f"is not a value of the chart; {nearest(inner, sorted(known))}"
                stack.report("unused-setting", (*path, key, inner), message)
    defaults = mapping(settings.values.get("defaultConfiguration"))
    if defaults.get("append") is False or defaults.get("create") is False:
        key = "append" if defaults.get("append") is False else "create"
        message = "is false, which removes the configuration of chart and platform; set operator.configuration instead"
        stack.report("unused-setting", (*path, "defaultConfiguration", key), message)


_SELECTORS = {"podMonitorSelector": "monitors", "ruleSelector": "alert rules"}


def _check_selectors(stack: StackSubject) -> None:
    """Report selectors of Prometheus that exclude the platform's own monitors and alert rules."""
    settings = stack.settings.prometheus
    if not settings.enabled:
        return
    spec = mapping(mapping(settings.values.get("prometheus")).get("prometheusSpec"))
    for key, objects in _SELECTORS.items():
        wanted = mapping(mapping(spec.get(key)).get("matchLabels"))
        missing = [f"{label}: {value}" for label, value in wanted.items() if settings.labels.get(label) != value]
        if missing:
            message = f"selects {', '.join(missing)}, which the platform's {objects} lack; set prometheus.labels"
            path: KeyPath = ("prometheus", "values", "prometheus", "prometheusSpec", key)
            stack.report("unmonitored-job", path, message)


def check_all_jobs(stack: StackSubject) -> None:
    """Check `jobDefaults` and `enforced` of the stack, and of the platform's stack."""
    stacks = [(stack.settings, stack.config)]
    if stack.platform_settings is not None and stack.config.platform_config is not None:
        stacks.append((stack.platform_settings, stack.config.platform_config))
    for settings, config in stacks:
        for key, source in (("jobDefaults", settings.job_defaults), ("enforced", settings.enforced)):
            if source.restore_from is not None:
                _check_restore(stack, (key, "restoreFrom"), source.restore_from, config)
            check_egress(stack, (key, "egress"), source.egress, config)
            if source.drill is not None:
                message = "would redirect the outputs of every job in the same way; set it in jobs.<name>"
                stack.report(STACK_CONFIG, (key, "drill"), message, config)


def _check_restore(stack: StackSubject, path: KeyPath, request: str, config: StackConfig) -> None:
    try:
        is_of_any_job = RestoreRequest.parse(request).is_of_any_job
    except ValueError as error:
        stack.report("restore-from", path, str(error), config)
        return
    if not is_of_any_job:
        message = "would start every job from the state of one job; write latest or a time, or set it in jobs.<name>"
        stack.report("restore-from", path, message, config)


def check_severities(stack: StackSubject) -> None:
    """Check `checks` of the stack config: rules exist, and a stack can change their severity."""
    for rule in stack.settings.checks:
        if rule not in RULES:
            message = f"unknown rule; {nearest(rule, list(RULES))}"
        elif RULES[rule].is_fixed:
            message = "is always an error, because such objects cannot be deployed; remove it"
        else:
            continue
        stack.report(STACK_CONFIG, ("checks", rule), message)


def _check_owners(stack: StackSubject) -> None:
    settings = stack.settings
    owners: dict[str, str] = dict.fromkeys(settings.namespaces, "namespaces")
    for key, part in settings.parts.items():
        if part.enabled and part.namespace in owners:
            message = f'"{part.namespace}" already belongs to {owners[part.namespace]}; choose another namespace'
            stack.report("operator-validation", (key, "namespace"), message)
        if part.enabled:
            owners[part.namespace] = key


def _check_images(stack: StackSubject) -> None:
    """Report a key of `images` that is probably a misspelt image of a job."""
    used = {job.declared_image for job in stack.jobs}
    others = [job.image for job in stack.jobs if job.image is not None and job.declared_image is None]
    for image in stack.settings.images:
        if image not in used and (meant := similar(image, others)) is not None:
            message = f'is not the image of a job; did you mean "{meant}"?'
            stack.report("unused-setting", ("images", image), message)


def _check_secrets(stack: StackSubject) -> None:
    """Report passwords and keys in chart values, chart sources and the operator's configuration."""
    settings = stack.settings
    for key, part in settings.parts.items():
        _report_plaintext(stack, part.values, (key, "values"))
    _report_plaintext(stack, settings.logging.collector_values, ("logging", "collectorValues"))
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
    remedy = "store it in a Kubernetes Secret and use the chart's existingSecret or secretRef"
    for place in secret_paths(value, path):
        yield place, f"contains a secret as plaintext; {remedy}"
