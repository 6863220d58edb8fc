"""Rules for what a namespace allows: a job that its quota or its limits would never let start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pydantic.alias_generators import to_camel

from flink_k8s.checks.subject import StackSubject, Subject
from flink_k8s.config.namespace import COUNTS, Limits, NamespaceSettings
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts import tables
from flink_k8s.facts.units import quantity
from flink_k8s.resolve import pod_requests as demand
from flink_k8s.resolve import resource_requests as costs
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.pod_templates import cluster_place, cluster_spec
from flink_k8s.resolve.quota_usage import NO_COSTS, Cost, Usage

_RESOURCES = ("cpu", "memory")
"""What containers ask for."""

_BOUNDED = (*_RESOURCES, "pods")
"""What the pods of a job come to, by the field of the quota that bounds it."""

_UNITS = (("Gi", 1024**3), ("Mi", 1024**2), ("Ki", 1024))


def check(subject: Subject) -> None:
    """What a declared job requests against the quota and the limits of its namespace."""
    job, settings = subject.declared, subject.settings
    if job is None or settings is None:
        return
    spec, at = cluster_spec(job.kind, job.spec), cluster_place(job.kind)
    if not spec:
        return
    namespace = settings.namespaces[job.namespace]
    asker = costs.asker(job, settings)
    _check_containers(subject, demand.pods(asker.spec, asker.configuration), namespace, at)
    pods = asker.pods()
    for resource in _BOUNDED:
        bound = _bound(namespace, resource)
        if bound is None:
            continue
        each = [(one, _each(one, resource, namespace.limits)) for one in pods if one.number]
        asked = sum((one.number * amount for one, amount in each), Decimal(0))
        lower = "its parallelism" if resource == "pods" else "its parallelism or size"
        cure = f"lower {lower}, or raise namespaces.{job.namespace}.quota.{resource}"
        if asked <= bound < 2 * asked and job.kind == "FlinkBlueGreenDeployment":
            message = (
                f"asks for {_asked(resource, 2 * asked)} while it changes over, when blue and green run "
                f"side by side, and namespace {job.namespace} may have {_shown(resource, bound)} in all: no change of "
                f"it can end; {cure}"
            )
            subject.report("quota-shared", at, message)
        if asked > bound:
            parts = ", ".join(_part(one, resource, amount) for one, amount in each)
            message = (
                f"asks for {_asked(resource, asked)} ({parts}), and namespace {job.namespace} may have "
                f"{_shown(resource, bound)} in all; {cure}"
            )
            largest, _ = max(each, key=lambda one: one[0].number * one[1])
            subject.report("quota-exceeded", (*at, largest.process), message)


def check_stack(stack: StackSubject) -> None:
    """All that is declared in a namespace together, against its quota."""
    settings, jobs, attachments = stack.settings, stack.jobs, stack.attachments
    sizes = costs.claim_sizes(attachments) | costs.state_claims(settings, settings.namespaces)
    asked = NO_COSTS
    bounds = [_bound(namespace, what) for namespace in settings.namespaces.values() for what in _BOUNDED]
    if any(bound is not None for bound in bounds):
        asked = costs.declared(jobs, (), settings)
    for name, namespace in settings.namespaces.items():
        here = [job for job in jobs if job.namespace == name]
        _check_counts(stack, name, namespace, here)
        _check_claims(stack, name, namespace, {claim: size for (home, claim), size in sizes.items() if home == name})
        mine = {job: one for (_, home, job), one in asked.jobs.items() if home == name}
        for resource in _BOUNDED:
            _check_together(stack, name, namespace, mine, resource)


def _check_together(
    stack: StackSubject, name: str, namespace: NamespaceSettings, jobs: Mapping[str, Cost], resource: str
) -> None:
    bound = _bound(namespace, resource)
    if bound is None:
        return
    path: KeyPath = ("namespaces", name, "quota", resource)
    asked = {job: _amount(cost.usage, resource) for job, cost in jobs.items()}
    more = {job: _amount(cost.peak, resource) - asked[job] for job, cost in jobs.items()}
    total = sum(asked.values(), Decimal(0))
    if total > bound:
        if all(amount <= bound for amount in asked.values()):
            each = ", ".join(f"{job} {_shown(resource, amount)}" for job, amount in sorted(asked.items()) if amount)
            message = (
                f"is {_shown(resource, bound)}, and the jobs there ask for {_shown(resource, total)} together ({each});"
                " raise it, or some of them wait until others have ended"
            )
            stack.report("quota-shared", path, message)
        return
    for job, extra in sorted(more.items()):
        if total + extra > bound >= asked[job] + extra:
            message = (
                f"is {_shown(resource, bound)}, and while {job} changes over, blue and green side by side, the jobs "
                f"there ask for {_shown(resource, total + extra)} together; raise it, or no change of {job} can end"
            )
            stack.report("quota-shared", path, message)


def _amount(asked: Usage, resource: str) -> Decimal:
    return Decimal({"cpu": asked.cpu, "memory": asked.memory, "pods": asked.pods}[resource])


def _check_counts(stack: StackSubject, name: str, namespace: NamespaceSettings, jobs: Sequence[Job]) -> None:
    operator = stack.settings.operator.version
    table = tables.fields(operator)
    for field, (kind, _) in COUNTS.items():
        bound = getattr(namespace.quota, field)
        if bound is None:
            continue
        path = ("namespaces", name, "quota", to_camel(field))
        if table is not None and kind not in table.kinds:
            message = f"counts {kind}s, which operator {operator} does not have; remove it"
            stack.report("quota-exceeded", path, message)
        here = sum(job.kind == kind for job in jobs)
        if here > bound:
            stack.report("quota-exceeded", path, f"is {bound}, and {here} {kind}s are declared there; raise it")


def _check_claims(stack: StackSubject, name: str, namespace: NamespaceSettings, claims: Mapping[str, str]) -> None:
    """What the claims of a namespace, by their names and sizes, come to."""
    quota, largest = namespace.quota, namespace.limits.claim
    if quota.claims is not None and len(claims) > quota.claims:
        message = f"is {quota.claims}, and {len(claims)} claims are declared there; raise it"
        stack.report("quota-exceeded", ("namespaces", name, "quota", "claims"), message)
    sizes: dict[str, Decimal] = {}
    for claim, size in claims.items():
        try:
            sizes[claim] = quantity(size)
        except ValueError:
            continue  # Kubernetes says so
    total = sum(sizes.values(), Decimal(0))
    if quota.storage is not None and total > quantity(quota.storage):
        message = f"is {quota.storage}, and the claims there ask for {_shown('memory', total)} together; raise it"
        stack.report("quota-exceeded", ("namespaces", name, "quota", "storage"), message)
    for claim, size in sizes.items():
        if largest is not None and size > quantity(largest):
            message = f"is {largest}, and the claim {claim} asks for {_shown('memory', size)}; raise it"
            stack.report("quota-exceeded", ("namespaces", name, "limits", "claim"), message)


def _check_containers(subject: Subject, pods: list[demand.Pods], namespace: NamespaceSettings, at: KeyPath) -> None:
    """Containers that Kubernetes refuses one by one."""
    for pod in pods:
        for container in (*pod.containers, *pod.first):
            path = (*at, *(container.at or (pod.process,)))
            for resource in _RESOURCES:
                _check_container(subject, container, resource, namespace, path)


def _check_container(
    subject: Subject, container: demand.Container, resource: str, namespace: NamespaceSettings, path: KeyPath
) -> None:
    limits = namespace.limits
    request, limit = container.requests.get(resource), container.limits.get(resource)
    if request is None and _bound(namespace, resource) is not None and demand.default_request(resource, limits) is None:
        message = (
            f"container {container.name} requests no {resource}, which a namespace with a quota for it wants; "
            f"set resources.requests.{resource}, or limits.defaultRequest.{resource} of the namespace"
        )
        subject.report("quota-exceeded", path, message)
    most, least = limits.max.named().get(resource), limits.min.named().get(resource)
    above = limit if limit is not None else request
    if most is not None and above is not None and above > quantity(most):
        said = f"may use {_shown(resource, above)} of {resource}, and {most} is the most there"
        cure = f"lower it, or raise limits.max.{resource} of the namespace"
        subject.report("quota-exceeded", path, f"container {container.name} {said}; {cure}")
    if least is not None and request is not None and request < quantity(least):
        said = f"requests {_shown(resource, request)} of {resource}, and {least} is the least there"
        cure = f"raise it, or lower limits.min.{resource} of the namespace"
        subject.report("quota-exceeded", path, f"container {container.name} {said}; {cure}")


def _bound(namespace: NamespaceSettings, resource: str) -> Decimal | None:
    said = getattr(namespace.quota, resource)
    return None if said is None else quantity(str(said))


def _each(pods: demand.Pods, resource: str, limits: Limits) -> Decimal:
    """What one of the pods comes to."""
    return Decimal(1) if resource == "pods" else pods.request(resource, limits)


def _part(pods: demand.Pods, resource: str, each: Decimal) -> str:
    counted = f"{pods.number} {pods.title}{'s' if pods.number > 1 else ''}"
    return counted if resource == "pods" else f"{counted} of {_shown(resource, each)}"


def _asked(resource: str, amount: Decimal) -> str:
    return f"{_shown(resource, amount)}{' ' if resource == 'pods' else ' of '}{resource}"


def _shown(resource: str, amount: Decimal) -> str:
    if resource != "memory":
        return f"{amount.normalize():f}"
    for unit, size in _UNITS:
        if amount >= size:
            return f"{amount / size:.1f}".removesuffix(".0") + unit
    return f"{amount:f}"
