"""ServiceAccounts of jobs: Flink creates pods and ConfigMaps, so an account needs rights of the platform's Role."""

from __future__ import annotations

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.model import JOB_ACCOUNT
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.effective_job import EffectiveJob
from flink_k8s.resolve.operator_configuration import Options, effective
from flink_k8s.resolve.pod_templates import cluster_place, cluster_spec


def check(stack: StackSubject) -> None:
    """Report accounts of jobs that neither the program nor a job file creates, or that have no rights."""
    declared = {
        (item.namespace, item.source.name) for item in stack.attachments if item.source.kind == "ServiceAccount"
    }
    bound = {
        (str(mapping(subject).get("namespace", item.namespace)), str(mapping(subject).get("name")))
        for item in stack.attachments
        if item.source.kind in ("RoleBinding", "ClusterRoleBinding")
        for subject in listed(item.manifest.get("subjects"))
    }
    settings = stack.settings
    for job in stack.jobs:
        spec = cluster_spec(job.kind, job.spec)
        if not spec or not settings.namespaces[job.namespace].create_account:
            continue
        own = mapping(spec.get("flinkConfiguration"))
        has_option = any(key.endswith(".service-account") for key in (*own, *settings.operator.configuration))
        if spec.get("serviceAccount") == JOB_ACCOUNT and not has_option:
            continue
        merged = effective(own, settings.operator.configuration, job.namespace, spec.get("flinkVersion"))
        accounts = EffectiveJob(spec, Options(settings.operator.version, merged)).accounts
        for account in dict.fromkeys(accounts.values()):
            name = account.text
            if name == JOB_ACCOUNT or (job.namespace, name) in bound:
                continue
            if (job.namespace, name) in declared:
                problem = "has no RoleBinding in a job file"
            else:
                problem = "is not an account of this stack or of a job file"
            message = (
                f'"{name}" {problem}, so Flink may not create pods and ConfigMaps; use {JOB_ACCOUNT}, or bind the'
                f" account to the Role {JOB_ACCOUNT} (docs/security.md) and set the annotations of stateStorage"
            )
            stack.report("job-account", (*cluster_place(job.kind), *account.path), message, job)
