"""Rules for the stack config as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from flink_k8s.checks import ingress, namespaces, network, storage
from flink_k8s.config.findings import Finding
from flink_k8s.config.model import StackSettings
from flink_k8s.config.problems import KeyPath, nearest
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


def look(settings: StackSettings) -> Iterator[Finding]:
    """Paths are those of the stack config."""
    known = versions.OPERATORS
    if settings.operator.version not in known:
        near = nearest(settings.operator.version, list(known))
        yield Finding("operator", ("operator", "version"), f'"{settings.operator.version}" is not known here; {near}')
    for key in settings.operator.configuration:
        if key in CHART_CONFIGURATION_KEYS:
            message = f"is written by the operator's chart itself; {CHART_CONFIGURATION_KEYS[key]}"
            yield Finding("operator", ("operator", "configuration", key), message)
    yield from namespaces.look(settings)
    yield from _owners(settings)
    yield from _secrets(settings)
    yield from storage.look(settings)
    yield from network.look(settings)
    yield from ingress.look_at_stack(settings)
    yield from look_at_all_jobs(settings)


def look_at_all_jobs(settings: StackSettings) -> Iterator[Finding]:
    """What is wrong with what a stack says of all jobs: of its own, and of those of the stacks on its platform."""
    for key, layer in (("jobDefaults", settings.job_defaults), ("enforced", settings.enforced)):
        if layer.restore_from is not None:
            message = "would start every job from the state of one; say it of that job, in jobs.<name>"
            yield Finding("restore", (key, "restoreFrom"), message)
        yield from network.open_to_all((key, "egress"), layer.egress)


def _owners(settings: StackSettings) -> Iterator[Finding]:
    owners: dict[str, str] = dict.fromkeys(settings.namespaces, "namespaces")
    for key, part in (
        ("certManager", settings.cert_manager),
        ("prometheus", settings.prometheus),
        ("operator", settings.operator),
    ):
        if part.enabled and part.namespace in owners:
            message = f'"{part.namespace}" belongs to {owners[part.namespace]} already; give it a namespace of its own'
            yield Finding("operator", (key, "namespace"), message)
        if part.enabled:
            owners[part.namespace] = key


def _secrets(settings: StackSettings) -> Iterator[Finding]:
    """Passwords and keys in the values and places of charts and the operator's configuration."""
    for key, part in (
        ("certManager", settings.cert_manager),
        ("prometheus", settings.prometheus),
        ("operator", settings.operator),
    ):
        yield from in_clear(part.values, (key, "values"))
    yield from in_clear(settings.operator.configuration, ("operator", "configuration"))
    yield from in_clear(settings.charts.model_dump(by_alias=True), ("charts",))


def in_clear(value: object, path: KeyPath) -> Iterator[Finding]:
    """Passwords and keys anywhere in a chart's values, or in configuration.

    Args:
        value: mappings, lists, texts and numbers.
        path: where it stands.
    """
    if isinstance(value, dict):
        for key, item in cast(dict[object, object], value).items():
            yield from in_clear(item, (*path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(cast(list[object], value)):
            yield from in_clear(item, (*path, index))
    elif is_text(value) and is_secret(str(path[-1]), str(value)):
        cure = "put it into a Kubernetes Secret and use the chart's existingSecret or secretRef"
        yield Finding("secret", path, f"looks like a secret in clear; {cure}")
