"""Rules for quotas and limits of namespaces: jobs that could never start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pydantic.alias_generators import to_camel

from flink_k8s.checks.subject import StackSubject, Subject
from flink_k8s.config.findings import Report
from flink_k8s.config.namespace import COUNTS, Limits, NamespaceSettings
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts import tables
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.units import quantity
from flink_k8s.facts.versions import known_operator
from flink_k8s.resolve import pod_requests, resource_requests
from flink_k8s.resolve.jobs import Attachment, Job
from flink_k8s.resolve.pod_templates import cluster_place, cluster_spec
from flink_k8s.resolve.quota_usage import (
    NO_LIMITS,
    NO_REQUESTS,
    NO_STACK_REQUESTS,
    JobRequests,
    PodOwner,
    Requests,
)

_RESOURCES = ("cpu", "memory")
"""Resources in the requests of containers."""

_BOUNDED = (*_RESOURCES, "pods")
"""Fields of a quota that bound the pods of jobs."""

_UNITS = (("Gi", 1024**3), ("Mi", 1024**2), ("Ki", 1024))


def check(subject: Subject) -> None:
    """Compare the requests of a declared job with the quota and the limits of its namespace."""
    job, settings = subject.declared, subject.settings
    if job is None or settings is None:
        return
    spec, at = cluster_spec(job.kind, job.spec), cluster_place(job.kind)
    namespace = settings.namespaces[job.namespace]
    if not spec or (not namespace.quota.bounds() and namespace.limits == NO_LIMITS):
        return
    requests = resource_requests.pod_owner(job, settings)
    _check_containers(subject.report, requests.pods_of_spec, namespace, at)
    pods = requests.pods()
    for resource in _BOUNDED:
        bound = _bound(namespace, resource)
        if bound is None:
            continue
        pod_amounts = [
            (pod_group, _each(pod_group, resource, namespace.limits)) for pod_group in pods if pod_group.number
        ]
        requested = sum((pod_group.number * amount for pod_group, amount in pod_amounts), Decimal(0))
        reducible = "the parallelism" if resource == "pods" else "parallelism or size"
        remedy = f"lower {reducible}, or raise namespaces.{job.namespace}.quota.{resource}"
        if requested <= bound < 2 * requested and job.kind == FlinkKind.BLUE_GREEN:
            message = (
                f"requests {_shown_request(resource, 2 * requested)} while blue and green run in parallel, exceeding "
                f"the quota of {_shown(resource, bound)} of namespace {job.namespace}, so a switch can never complete; "
                f"{remedy}"
            )
            subject.report("quota-shared", at, message)
        if requested > bound:
            parts = ", ".join(_part(pod_group, resource, amount) for pod_group, amount in pod_amounts)
            message = (
                f"requests {_shown_request(resource, requested)} ({parts}), exceeding the quota of "
                f"{_shown(resource, bound)} of namespace {job.namespace}; {remedy}"
            )
            largest, _ = max(pod_amounts, key=lambda pair: pair[0].number * pair[1])
            subject.report("quota-exceeded", (*at, largest.process), message)
        _check_scaled(subject, requests, resource, requested, bound)


def _check_scaled(subject: Subject, pod_owner: PodOwner, resource: str, requested: Decimal, bound: Decimal) -> None:
    """Report a quota that the job exceeds only at the largest parallelism of the autoscaler."""
    job, settings = subject.declared, subject.settings
    assert job is not None
    assert settings is not None
    limits = settings.namespaces[job.namespace].limits
    pods = pod_owner.pods(at="peak")
    at_peak = sum((group.number * _each(group, resource, limits) for group in pods), Decimal(0))
    if requested <= bound < at_peak:
        limit = pod_requests.autoscaler_limit(pod_owner.configuration)
        message = (
            f"requests {_shown_request(resource, at_peak)} at the parallelism {limit} that the autoscaler can choose, "
            f"exceeding the quota of {_shown(resource, bound)} of namespace {job.namespace}, so it cannot scale up to "
            f"it; lower autoscaling.max, or raise namespaces.{job.namespace}.quota.{resource}"
        )
        subject.report("quota-shared", cluster_place(job.kind), message)


def check_stack(stack: StackSubject) -> None:
    """Compare everything that is declared in a namespace with its quota."""
    settings, jobs, attachments = stack.settings, stack.jobs, stack.attachments
    sizes = resource_requests.claim_sizes(attachments) | resource_requests.state_claims(settings, settings.namespaces)
    requested = NO_STACK_REQUESTS
    bounds = [_bound(namespace, resource) for namespace in settings.namespaces.values() for resource in _BOUNDED]
    if any(bound is not None for bound in bounds):
        requested = resource_requests.declared(jobs, attachments, settings)
    for attachment in attachments:
        pods = pod_requests.workload(attachment.manifest)
        if pods is not None:
            _check_workload(stack, attachment, pods)
    for name, namespace in settings.namespaces.items():
        jobs_here = [job for job in jobs if job.namespace == name]
        _check_counts(stack, name, namespace, jobs_here)
        _check_claims(stack, name, namespace, {claim: size for (home, claim), size in sizes.items() if home == name})
        stack_requests: dict[str, JobRequests] = {}
        kinds = {job.name: job.kind for job in jobs_here}
        for (_, home, job), job_requests in requested.jobs.items():
            if home == name:
                stack_requests[job] = stack_requests.get(job, NO_REQUESTS) + job_requests
        for resource in _BOUNDED:
            _check_together(stack, name, namespace, stack_requests, kinds, resource)


def _check_workload(stack: StackSubject, attachment: Attachment, pods: pod_requests.Pods) -> None:
    """Compare the pods of a Deployment, a CronJob or another workload with the quota and limits of its namespace."""

    def report(rule: str, path: KeyPath, message: str) -> None:
        stack.report(rule, path, message, attachment.source)

    namespace = stack.settings.namespaces[attachment.namespace]
    _check_containers(report, [pods], namespace, ())
    for resource in _BOUNDED:
        bound, amount = _bound(namespace, resource), _each(pods, resource, namespace.limits)
        if bound is not None and pods.number * amount > bound:
            requested = f"{_shown_request(resource, pods.number * amount)} ({_part(pods, resource, amount)})"
            message = (
                f"requests {requested}, exceeding the quota of {_shown(resource, bound)} of namespace "
                f"{attachment.namespace}; lower the requests or the number of pods, or raise "
                f"namespaces.{attachment.namespace}.quota.{resource}"
            )
            report("quota-exceeded", ("spec",), message)


def _check_together(
    stack: StackSubject,
    name: str,
    namespace: NamespaceSettings,
    jobs: Mapping[str, JobRequests],
    kinds: Mapping[str, str],
    resource: str,
) -> None:
    bound = _bound(namespace, resource)
    if bound is None:
        return
    path: KeyPath = ("namespaces", name, "quota", resource)
    requested = {job: _amount(job_requests.normal, resource) for job, job_requests in jobs.items()}
    more = {job: _amount(job_requests.peak, resource) - requested[job] for job, job_requests in jobs.items()}
    total = sum(requested.values(), Decimal(0))
    if total > bound:
        if all(amount <= bound for amount in requested.values()):
            by_job = ", ".join(
                f"{job} {_shown(resource, amount)}" for job, amount in sorted(requested.items()) if amount
            )
            message = (
                f"is {_shown(resource, bound)}, but the jobs together request {_shown(resource, total)} ({by_job}), so"
                " some jobs wait until others have ended; raise it"
            )
            stack.report("quota-shared", path, message)
        return
    for job, extra in sorted(more.items()):
        if total + extra > bound >= requested[job] + extra:
            message = (
                f"is {_shown(resource, bound)}, but the jobs together request {_shown(resource, total + extra)} "
                f"{_moment(job, kinds)}; raise it"
            )
            stack.report("quota-shared", path, message)


def _moment(job: str, kinds: Mapping[str, str]) -> str:
    """When a job has its peak, and the consequence of too small a quota."""
    if kinds.get(job) == FlinkKind.BLUE_GREEN:
        return f"while blue and green of {job} run in parallel, so a switch of {job} can never complete"
    return f"at the largest parallelism of {job}, so the autoscaler cannot scale {job} up to it"


def _amount(requested: Requests, resource: str) -> Decimal:
    return Decimal({"cpu": requested.cpu, "memory": requested.memory, "pods": requested.pods}[resource])


def _check_counts(stack: StackSubject, name: str, namespace: NamespaceSettings, jobs: Sequence[Job]) -> None:
    operator = stack.settings.operator.version
    kinds = tables.fields(operator).kinds
    for field, (kind, _) in COUNTS.items():
        bound = getattr(namespace.quota, field)
        if bound is None:
            continue
        path = ("namespaces", name, "quota", to_camel(field))
        if kind not in kinds and known_operator(operator):
            message = f"limits {kind}s, which operator {operator} does not support; remove it"
            stack.report("quota-exceeded", path, message)
        count = sum(job.kind == kind for job in jobs)
        if count > bound:
            stack.report(
                "quota-exceeded", path, f"is {bound}, but {count} {kind}s are declared in the namespace; raise it"
            )


def _check_claims(stack: StackSubject, name: str, namespace: NamespaceSettings, claims: Mapping[str, str]) -> None:
    """Compare number and sizes of the claims of a namespace, by their names, with its quota and limits."""
    quota, largest = namespace.quota, namespace.limits.claim
    if quota.claims is not None and len(claims) > quota.claims:
        message = f"is {quota.claims}, but {len(claims)} claims are declared in the namespace; raise it"
        stack.report("quota-exceeded", ("namespaces", name, "quota", "claims"), message)
    sizes: dict[str, Decimal] = {}
    for claim, size in claims.items():
        try:
            sizes[claim] = quantity(size)
        except ValueError:
            continue  # Kubernetes reports it
    total = sum(sizes.values(), Decimal(0))
    if quota.storage is not None and total > quantity(quota.storage):
        message = f"is {quota.storage}, but the claims together request {_shown('memory', total)}; raise it"
        stack.report("quota-exceeded", ("namespaces", name, "quota", "storage"), message)
    for claim, size in sizes.items():
        if largest is not None and size > quantity(largest):
            message = f"is {largest}, but the claim {claim} requests {_shown('memory', size)}; raise it"
            stack.report("quota-exceeded", ("namespaces", name, "limits", "claim"), message)


def _check_containers(
    report: Report, pods: Sequence[pod_requests.Pods], namespace: NamespaceSettings, spec_path: KeyPath
) -> None:
    """Report single containers that Kubernetes would refuse."""
    for pod in pods:
        for container in (*pod.containers, *pod.init_containers):
            path = (*spec_path, *(container.at or (pod.process,)))
            for resource in _RESOURCES:
                _check_container(report, container, resource, namespace, path)


def _check_container(
    report: Report, container: pod_requests.Container, resource: str, namespace: NamespaceSettings, path: KeyPath
) -> None:
    limits = namespace.limits
    request, limit = container.requests.get(resource), container.limits.get(resource)
    if (
        request is None
        and _bound(namespace, resource) is not None
        and pod_requests.default_request(resource, limits) is None
    ):
        message = (
            f"container {container.name} has no request for {resource}, which the quota of the namespace requires; "
            f"set resources.requests.{resource}, or limits.defaultRequest.{resource} of the namespace"
        )
        report("quota-exceeded", path, message)
    maximum, minimum = limits.max.named().get(resource), limits.min.named().get(resource)
    usable = limit if limit is not None else request
    if maximum is not None and usable is not None and usable > quantity(maximum):
        problem = f"has a limit of {_shown_request(resource, usable)}, exceeding the maximum of {maximum}"
        remedy = f"lower it, or raise limits.max.{resource} of the namespace"
        report("quota-exceeded", path, f"container {container.name} {problem}; {remedy}")
    if minimum is not None and request is not None and request < quantity(minimum):
        problem = f"requests {_shown_request(resource, request)}, which is less than the minimum of {minimum}"
        remedy = f"raise it, or lower limits.min.{resource} of the namespace"
        report("quota-exceeded", path, f"container {container.name} {problem}; {remedy}")


def _bound(namespace: NamespaceSettings, resource: str) -> Decimal | None:
    bound = getattr(namespace.quota, resource)
    return None if bound is None else quantity(str(bound))


def _each(pods: pod_requests.Pods, resource: str, limits: Limits) -> Decimal:
    """Request of one of the pods."""
    return Decimal(1) if resource == "pods" else pods.request(resource, limits)


def _part(pods: pod_requests.Pods, resource: str, amount: Decimal) -> str:
    counted = f"{pods.number} {pods.title}{'s' if pods.number > 1 else ''}"
    return counted if resource == "pods" else f"{counted} with {_shown(resource, amount)}"


def _shown_request(resource: str, amount: Decimal) -> str:
    return f"{_shown(resource, amount)} {'CPU' if resource == 'cpu' else resource}"


def _shown(resource: str, amount: Decimal) -> str:
    if resource != "memory":
        return f"{amount.normalize():f}"
    for unit, size in _UNITS:
        if amount >= size:
            return f"{amount / size:.1f}".removesuffix(".0") + unit
    return f"{amount:f}"
