"""Rules for the namespaces of a stack by themselves."""

from __future__ import annotations

from pydantic.alias_generators import to_camel

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.namespace import BOUNDS, COUNTS, POD_SECURITY_LABEL, is_every_clusters
from flink_k8s.config.problems import STACK_CONFIG, KeyPath


def _every_clusters(stack: StackSubject, path: KeyPath, name: str) -> None:
    message = f'is "{name}", which every cluster has and no stack can own; write another name, such as flink-operator'
    stack.report(STACK_CONFIG, path, message)


def check(stack: StackSubject) -> None:
    """The namespaces of the stack config."""
    settings = stack.settings
    fields = {name: key for key, name in BOUNDS.items()} | {name: to_camel(key) for key, (_, name) in COUNTS.items()}
    fields |= {"cpu": "cpu", "memory": "memory"}  # which Kubernetes takes for requests.cpu and requests.memory
    for key, part in (("certManager", settings.cert_manager), ("prometheus", settings.prometheus)):
        if part.enabled and is_every_clusters(part.namespace):
            _every_clusters(stack, (key, "namespace"), part.namespace)
    if settings.operator.enabled and is_every_clusters(settings.operator.namespace):
        _every_clusters(stack, ("operator", "namespace"), settings.operator.namespace)
    for name, namespace in settings.namespaces.items():
        if namespace.create and is_every_clusters(name):
            message = "is true, and every cluster has the namespace; remove it"
            stack.report(STACK_CONFIG, ("namespaces", name, "create"), message)
        for field in ("labels", "egress"):
            if getattr(namespace, field) and not namespace.is_created(name):
                cure = "set it in jobs.<name>" if field == "egress" else "label it where it is created"
                stack.report(
                    STACK_CONFIG, ("namespaces", name, field), f"is for a namespace that the stack creates; {cure}"
                )
        for label in namespace.labels:
            if label.startswith(POD_SECURITY_LABEL):
                stack.report(STACK_CONFIG, ("namespaces", name, "labels", label), "is podSecurity's; set that")
        for bound in namespace.quota.hard:
            if bound in fields:
                stack.report(
                    STACK_CONFIG, ("namespaces", name, "quota", "hard", bound), f"is quota.{fields[bound]}; set that"
                )
