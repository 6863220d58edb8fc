"""Rules for the namespaces of the stack config."""

from __future__ import annotations

from pydantic.alias_generators import to_camel

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.namespace import BOUNDS, COUNTS, POD_SECURITY_LABEL, is_in_every_cluster
from flink_k8s.config.problems import STACK_CONFIG


def check(stack: StackSubject) -> None:
    """Check the namespaces of the platform's components and of jobs."""
    settings = stack.settings
    fields = {name: key for key, name in BOUNDS.items()} | {name: to_camel(key) for key, (_, name) in COUNTS.items()}
    fields |= {"cpu": "cpu", "memory": "memory"}  # Kubernetes' short names of requests.cpu and requests.memory
    for key, part in settings.parts.items():
        if part.enabled and is_in_every_cluster(part.namespace):
            message = f'is "{part.namespace}", which exists in every cluster and cannot belong to a stack; '
            stack.report(STACK_CONFIG, (key, "namespace"), message + "choose another name")
    for name, namespace in settings.namespaces.items():
        if namespace.create and is_in_every_cluster(name):
            message = f"is true, but {name} exists in every cluster; remove it"
            stack.report(STACK_CONFIG, ("namespaces", name, "create"), message)
        for field in ("labels", "egress"):
            if getattr(namespace, field) and not namespace.is_created(name):
                remedy = "set it in jobs.<name>" if field == "egress" else "set labels where the namespace is created"
                message = f"requires a namespace that the stack creates; {remedy}"
                stack.report(STACK_CONFIG, ("namespaces", name, field), message)
        for label in namespace.labels:
            if label.startswith(POD_SECURITY_LABEL):
                message = "conflicts with podSecurity; set podSecurity of the namespace"
                stack.report(STACK_CONFIG, ("namespaces", name, "labels", label), message)
        for bound in namespace.quota.hard:
            if bound in fields:
                message = f"has a key of its own; set quota.{fields[bound]}"
                stack.report(STACK_CONFIG, ("namespaces", name, "quota", "hard", bound), message)
