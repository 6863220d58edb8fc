"""Rules about the network: no policies, egress to everything, policies that cut off what a job says it wants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from flink_k8s.checks.objects import POLICY
from flink_k8s.config.findings import Finding
from flink_k8s.config.model import StackSettings
from flink_k8s.config.network import Endpoint, port_range
from flink_k8s.config.problems import KeyPath, Problem
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.jobs import Attachment, Job
from flink_k8s.resolve.pod_templates import cluster_place, cluster_spec, templates
from flink_k8s.resolve.traffic import DENY, EGRESS, at_url, of_job, policy_name, rest_clients

_EVERYWHERE = ("0.0.0.0/0", "::/0")
_HOST_AND_PORT = re.compile(r"(?<![\w.:/@-])(?:[a-z][a-z0-9+.:-]*://)?((?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*):(\d{2,5})\b")


def look(settings: StackSettings) -> Iterator[Finding]:
    """Paths are those of the stack config. What it says of all jobs is looked at by `stack.look_at_all_jobs`."""
    if not settings.network_policies.enabled:
        message = (
            "is false: every pod of the cluster can reach Flink's REST endpoints, and jobs can reach everything; leave"
            " it on: a cluster that enforces no NetworkPolicy keeps them without harm"
        )
        yield Finding("unguarded", ("networkPolicies", "enabled"), message)
    said: list[tuple[KeyPath, Sequence[Endpoint] | None]] = [
        (("operator", "egress"), settings.operator.egress),
        *((("namespaces", name, "egress"), namespace.egress) for name, namespace in settings.namespaces.items()),
        *((("jobs", name, "egress"), one.egress) for name, one in settings.jobs.items()),
    ]
    for path, egress in said:
        yield from open_to_all(path, egress)


def open_to_all(path: KeyPath, egress: Sequence[Endpoint] | None) -> Iterator[Finding]:
    """Entries of one `egress`, which stands at that path, that leave nothing out."""
    for index, one in enumerate(egress or ()):
        if one.cidr in _EVERYWHERE and not one.ports:
            yield Finding("open", (*path, index), "is every port of every address; write ports, or a smaller range")


def look_at_reach(job: Job, settings: StackSettings) -> Iterator[Finding]:
    """Hosts that a job names and no policy lets it reach, and an Ingress whose controller none lets in."""
    traffic = of_job(job, settings) if settings.network_policies.enabled else None
    if traffic is None or job.kind == "FlinkSessionJob":  # whose cluster may have what it lacks
        return
    if mapping(job.spec.get("ingress")) and not rest_clients(settings) and settings.ingress.controller is None:
        cure = "write ingress.controller: {namespace: …} with its controller's namespace"
        message = f"is an Ingress whose controller no NetworkPolicy lets reach the job; {cure}"
        yield Finding("reach", ("spec", "ingress"), message)
    allowed = [*traffic.egress, *settings.namespaces[job.namespace].egress]
    told: set[str] = set()
    for path, text in _texts(job):
        for host, port in _HOST_AND_PORT.findall(text):
            wanted = at_url(f"tcp://{host}:{port}", job.namespace)
            if f"{host}:{port}" in told or any(_covers(one, other) for one in wanted for other in allowed):
                continue
            told.add(f"{host}:{port}")
            namespace = wanted[0].namespace if wanted else None
            entry = f"{{namespace: {namespace}, ports: [{port}]}}" if namespace else f"{{cidr: …, ports: [{port}]}}"
            cure = f"write jobs.{job.name}.egress: [{entry}]"
            message = f"names {host}:{port}, which no NetworkPolicy lets the job reach; {cure}"
            yield Finding("reach", path, message)


def policies_twice(
    settings: StackSettings, jobs: Iterable[Job], attachments: Iterable[Attachment]
) -> Iterator[Problem]:
    """A job file's NetworkPolicy with the name of one of the program's own."""
    if not settings.network_policies.enabled:
        return
    own = {(job.namespace, policy_name(job)) for job in jobs}
    for one in attachments:
        name = one.source.name
        if one.source.kind == POLICY and (name in (DENY, EGRESS) or (one.namespace, name) in own):
            cure = "name it otherwise"
            yield one.source.problem(("metadata", "name"), f'"{name}" is a policy that the program makes; {cure}')


def _covers(wanted: Endpoint, allowed: Endpoint) -> bool:
    """Whether what is allowed may be what is wanted, as far as names tell."""
    if wanted.namespace is not None and not (allowed.is_anybody or allowed.namespace == wanted.namespace):
        return False
    if wanted.namespace is None and allowed.namespace is not None:
        return False
    if not wanted.ports or not allowed.ports:
        return True
    first = port_range(wanted.ports[0])[0]
    ranges = (port_range(port) for port in allowed.ports)
    return any(low <= first <= high and protocol == "TCP" for low, high, protocol in ranges)


def _texts(job: Job) -> Iterator[tuple[KeyPath, str]]:
    inner, at = cluster_spec(job.kind, job.spec), cluster_place(job.kind)
    for index, argument in enumerate(listed(mapping(inner.get("job")).get("args"))):
        yield (*at, "job", "args", index), str(argument)
    for template in templates(inner):
        for container in listed(template.pod.get("containers")):
            place = template.places.get(("containers", str(mapping(container).get("name"))))
            for index, variable in enumerate(listed(mapping(container).get("env"))):
                if place is not None and mapping(variable).get("value") is not None:
                    yield (*at, *place, "env", index, "value"), str(mapping(variable)["value"])
