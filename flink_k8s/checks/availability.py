"""Rules about the settings `availability` and `recovery`."""

from __future__ import annotations

from flink_k8s.checks.subject import StackSubject
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve import resource_requests
from flink_k8s.resolve.availability import disruption_budgets
from flink_k8s.resolve.fast_recovery import obstacle
from flink_k8s.resolve.state_storage import Resource

_RULE = _SETTING = "availability"


def check_recovery(stack: StackSubject) -> None:
    """Report `recovery: fast` of a resource for which it has no effect."""
    for job in stack.jobs:
        if job.own.recovery != "fast":
            continue
        resource = Resource(job.kind, job.namespace, job.name, job.spec, frozenset())
        reason = obstacle(resource, resource_requests.pod_owner(job, stack.settings).configuration)
        if reason is not None:
            stack.report_setting("unused-setting", job, "recovery", f"{reason}; remove it", only_own=True)


def check(stack: StackSubject) -> None:
    """Check `availability` of all jobs, and the names of the objects that it creates."""
    names: dict[tuple[str, str], str] = {}
    for job in stack.jobs:
        availability = job.settings.availability
        if availability is None:
            continue
        if not job.kind.has_pods:
            if job.own.availability is not None:
                cluster = job.session_cluster or "its cluster"
                remedy = f"set it for {cluster}" if job.kind == FlinkKind.SESSION_JOB else "remove it"
                message = f"has no effect for a {job.kind}, which has no pods of its own; {remedy}"
                stack.report_setting(_RULE, job, _SETTING, message, only_own=True)
            continue
        for field, is_set in (("nodePool", availability.node_pool is not None), ("spot", availability.spot)):
            if is_set and availability.provider is None:
                message = "requires availability.provider, which determines the labels of the nodes; set it"
                stack.report_setting(_RULE, job, _SETTING, message, field)
        names |= {(job.namespace, budget.name): job.name for budget in disruption_budgets(job, stack.settings)}
    for attachment in stack.attachments:
        name = names.get((attachment.namespace, attachment.source.name))
        if attachment.source.kind == "PodDisruptionBudget" and name is not None:
            message = f"is the name of an object that availability of {name} creates; choose another name"
            stack.report("duplicate-object", ("metadata", "name"), message, attachment.source)
