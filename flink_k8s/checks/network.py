"""Rules about the network: no policies, policies that allow everything, hosts that a policy makes unreachable."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from flink_k8s.checks.objects import POLICY
from flink_k8s.checks.subject import StackSubject, Subject
from flink_k8s.config.findings import Finding, Source
from flink_k8s.config.model import StackSettings
from flink_k8s.config.network import Endpoint, port_range
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve import connectors
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.pod_templates import cluster_place, cluster_spec, templates
from flink_k8s.resolve.sql import texts
from flink_k8s.resolve.traffic import (
    CLOUD,
    DENY,
    EGRESS,
    ENDPOINT_KEYS,
    added_egress,
    at_url,
    of_job,
    policy_name,
    rest_clients,
)

_EVERYWHERE = ("0.0.0.0/0", "::/0")
_HOST_AND_PORT = re.compile(r"(?<![\w.:/@-])(?:[a-z][a-z0-9+.:-]*://)?((?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*):(\d{2,5})\b")


def check_stack(stack: StackSubject) -> None:
    """Check network policies and `egress` of the stack config, without `jobDefaults` and `enforced`."""
    settings = stack.settings
    if not settings.network_policies.enabled:
        message = (
            "is false, so every pod of the cluster can reach Flink's REST endpoints, and jobs can reach every host; set"
            " it to true: a cluster that does not enforce NetworkPolicies ignores them"
        )
        stack.report("no-network-policies", ("networkPolicies", "enabled"), message)
    egress_by_path: list[tuple[KeyPath, Sequence[Endpoint] | None]] = [
        (("operator", "egress"), settings.operator.egress),
        *((("namespaces", name, "egress"), namespace.egress) for name, namespace in settings.namespaces.items()),
        *((("jobs", name, "egress"), job.egress) for name, job in settings.jobs.items()),
    ]
    for path, egress in egress_by_path:
        check_egress(stack, path, egress)


def check_egress(
    stack: StackSubject, path: KeyPath, egress: Sequence[Endpoint] | None, source: Source | None = None
) -> None:
    """Report entries of the `egress` at the path that allow everything."""
    for index, endpoint in enumerate(egress or ()):
        if endpoint.cidr in _EVERYWHERE and not endpoint.ports:
            message = "allows every port of every address; set ports, or a smaller range"
            stack.report("open-network-policy", (*path, index), message, source)


def check(subject: Subject) -> None:
    """Report hosts that a declared job names and no policy allows, and an Ingress whose controller is not allowed."""
    job, settings = subject.declared, subject.settings
    if job is None or settings is None:
        return
    if settings.network_policies.enabled:
        _added_egress(subject, job, settings)
    traffic = of_job(job, settings) if settings.network_policies.enabled else None
    if traffic is None or job.kind == FlinkKind.SESSION_JOB:  # the policies of its cluster apply
        return
    if mapping(job.spec.get("ingress")) and not rest_clients(settings) and settings.ingress.controller is None:
        remedy = "set ingress.controller: {namespace: …} to the controller's namespace"
        message = f"needs connections from the ingress controller, which no NetworkPolicy allows; {remedy}"
        subject.report("unreachable-host", ("spec", "ingress"), message)
    allowed = [*traffic.egress, *settings.namespaces[job.namespace].egress]
    reported: set[str] = set()
    for path, text, source in _texts(job):
        for host, port in _HOST_AND_PORT.findall(text):
            endpoints = at_url(f"tcp://{host}:{port}", job.namespace)
            if f"{host}:{port}" in reported or any(_covers(target, entry) for target in endpoints for entry in allowed):
                continue
            reported.add(f"{host}:{port}")
            namespace = endpoints[0].namespace if endpoints else None
            entry = f"{{namespace: {namespace}, ports: [{port}]}}" if namespace else f"{{cidr: …, ports: [{port}]}}"
            remedy = f"set jobs.{job.name}.egress: [{entry}]"
            message = f"names {host}:{port}, which no NetworkPolicy allows the job to reach; {remedy}"
            subject.findings.append(Finding("unreachable-host", path, message, source))


def _added_egress(subject: Subject, job: Job, settings: StackSettings) -> None:
    """Report what a job's own configuration and jar add to `enforced.egress`."""
    added = added_egress(job, settings)
    if not added:
        return
    inner = cluster_spec(job.kind, job.spec) or job.spec
    options = mapping(inner.get("flinkConfiguration"))
    keys = [key for key in options if key in ENDPOINT_KEYS] or [
        key for key, value in options.items() if CLOUD.search(str(value))
    ]
    is_remote = str(mapping(inner.get("job")).get("jarURI")).startswith(("http://", "https://"))
    path: KeyPath = ("job", "jarURI") if is_remote or not keys else ("flinkConfiguration", keys[0])
    if connectors.urls(inner) and not is_remote and not keys:
        path = ("podTemplate", "spec", "initContainers")
    peers = ", ".join(dict.fromkeys(_shown(endpoint) for endpoint in added))
    message = (
        f"opens egress to {peers}, which enforced.egress does not contain; remove it, or add it to enforced.egress"
    )
    subject.report("enforced-egress", (*FlinkKind(job.kind).spec_path, *path), message)


def _shown(endpoint: Endpoint) -> str:
    peer = endpoint.cidr or (f"namespace {endpoint.namespace}" if endpoint.namespace else "any address")
    return f"{peer} at {'port ' + ', '.join(endpoint.ports) if endpoint.ports else 'every port'}"


def check_names(stack: StackSubject) -> None:
    """Report NetworkPolicies in job files with the name of a policy that the program creates."""
    if not stack.settings.network_policies.enabled:
        return
    policy_names = {(job.namespace, policy_name(job)) for job in stack.jobs}
    for attachment in stack.attachments:
        name = attachment.source.name
        if attachment.source.kind == POLICY and (
            name in (DENY, EGRESS) or (attachment.namespace, name) in policy_names
        ):
            message = f'"{name}" is the name of a policy that the program creates; choose another name'
            stack.report("duplicate-object", ("metadata", "name"), message, attachment.source)


def _covers(requested: Endpoint, allowed: Endpoint) -> bool:
    """Whether the allowed endpoint may include the wanted one, by namespace and ports."""
    if requested.namespace is not None and not (allowed.is_anybody or allowed.namespace == requested.namespace):
        return False
    if requested.namespace is None and allowed.namespace is not None:
        return False
    if not requested.ports or not allowed.ports:
        return True
    first = port_range(requested.ports[0])[0]
    ranges = (port_range(port) for port in allowed.ports)
    return any(low <= first <= high and protocol == "TCP" for low, high, protocol in ranges)


def _texts(job: Job) -> Iterator[tuple[KeyPath, str, Source | None]]:
    """The texts that can name a host, each with its path, or its position in a SQL script."""
    if job.source.sql is not None:
        for offset, _, text in texts(job.source.sql, job.settings):
            yield (), text, job.source.sql.at(offset)
    inner, path = cluster_spec(job.kind, job.spec), cluster_place(job.kind)
    for index, argument in enumerate(listed(mapping(inner.get("job")).get("args")) if not job.source.sql else ()):
        yield (*path, "job", "args", index), str(argument), None
    for template in templates(inner):
        for container in listed(template.pod.get("containers")):
            container_path = template.places.get(("containers", str(mapping(container).get("name"))))
            for index, variable in enumerate(listed(mapping(container).get("env"))):
                if container_path is not None and mapping(variable).get("value") is not None:
                    yield (*path, *container_path, "env", index, "value"), str(mapping(variable)["value"]), None
