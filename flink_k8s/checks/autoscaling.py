"""Rules about the setting `autoscaling`; `autoscaler.py` contains the operator's own rules for the options."""

from __future__ import annotations

from flink_k8s.checks.subject import StackSubject
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve import resource_requests
from flink_k8s.resolve.autoscaling import obstacle, scaled_by
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.state_storage import Resource

_SETTING = "autoscaling"


def check(stack: StackSubject) -> None:
    """Check `autoscaling` of all jobs: its limits, and whether the autoscaler can scale the job."""
    clusters = {job.key: job for job in stack.jobs}
    for job in stack.jobs:
        autoscaling = scaled_by(job.settings)
        if autoscaling is None:
            continue
        reason = _obstacle(stack, job, clusters)
        if reason is not None:
            if job.own.autoscaling is not None or job.source.sql is not None:
                stack.report_setting("autoscaling", job, _SETTING, f"{reason}; set autoscaling: {{profile: none}}")
        elif autoscaling.max is None:
            message = "has no max, so the job could grow without a limit; set autoscaling.max"
            stack.report_setting("autoscaling", job, _SETTING, message)
        elif (autoscaling.min or 1) > autoscaling.max:
            message = f"is {autoscaling.min}, which is more than max: {autoscaling.max}; lower it, or raise max"
            stack.report_setting("autoscaling", job, _SETTING, message, "min")


def _obstacle(stack: StackSubject, job: Job, clusters: dict[str, Job]) -> str | None:
    cluster = clusters.get(job.target) if job.target else None
    cluster_spec = mapping(cluster.spec) if cluster is not None else None
    resource = Resource(job.kind, job.namespace, job.name, job.spec, frozenset(), cluster_spec)
    configuration = resource_requests.pod_owner(job, stack.settings).configuration
    return obstacle(resource, configuration, stack.settings.operator.version)
