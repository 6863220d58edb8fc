"""Who a job's pods and the operator talk to, out of what the stack says of them: what NetworkPolicies let pass."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from flink_k8s.config.model import StackSettings
from flink_k8s.config.network import Endpoint, Peer, port_range
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.file_system import ROLE_ARN
from flink_k8s.resolve.job_spec import METRICS_PORT, job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.operator_configuration import effective
from flink_k8s.resolve.pod_templates import cluster_spec, templates
from flink_k8s.resolve.sources import ENFORCED, JOB_FILE
from flink_k8s.resolve.state_storage import inner_spec

REST_PORT = "8081"
REST_PORT_NAMES = ("rest.port", "web.port")
"""As Flink looks for the port of the Service: today's name first."""

WEBHOOK_PORT = "9443"
OPERATOR_METRICS_PORT = 9999
"""Where the operator answers Prometheus."""

OPERATOR_PODS = {"app.kubernetes.io/name": "flink-kubernetes-operator"}
PROMETHEUS_PODS = {"app.kubernetes.io/name": "prometheus"}
"""What Prometheus' operator labels the pods of a Prometheus with, whoever installed it."""

JOB_MANAGERS = {"component": "jobmanager"}

DENY = "default-deny"
"""The policy of a namespace by which nothing passes that no other one lets pass."""

EGRESS = "egress"
"""The policy of a namespace with what all of its pods may reach."""

_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15")
_PRIVATE_6 = ("fc00::/7", "fe80::/10")
_LINK_LOCAL = "169.254.0.0/16"
_DNS_PORTS = ("53/UDP", "53")

CLOUD = re.compile(r"\b(s3|s3a|s3p|gs|abfss?|wasbs?)://")
_ENDPOINTS = {
    "s3": ("s3.endpoint", "presto.s3.endpoint", "hive.s3.endpoint", "fs.s3a.endpoint", "s3a.endpoint"),
    "gs": ("gs.storage.root.url", "fs.gs.storage.root.url"),
}
"""Keys by which Flink's plugins are told of another store, by the beginning of the scheme."""

ENDPOINT_KEYS = frozenset(key for keys in _ENDPOINTS.values() for key in keys)


@dataclass(frozen=True)
class Traffic:
    """What some pods may do.

    Attributes:
        ingress: who may open connections to them.
        egress: to whom they may open connections.
    """

    ingress: Sequence[Endpoint] = ()
    egress: Sequence[Endpoint] = ()


def endpoint(
    *,
    cidr: str | None = None,
    without: Iterable[str] = (),
    namespace: str | None = None,
    pods: Mapping[str, str] | None = None,
    ports: Iterable[str] = (),
) -> Endpoint:
    """An endpoint as a user would write it."""
    said = {"cidr": cidr, "except": list(without), "namespace": namespace, "pods": dict(pods or {}), "ports": [*ports]}
    return Endpoint.model_validate({key: value for key, value in said.items() if value is not None})


def clusters(job: Job) -> tuple[str, ...]:
    """The names by which Flink labels the pods (`app`) of a resource; those of its cluster for a session job."""
    if job.kind == FlinkKind.BLUE_GREEN:
        return f"{job.name}-blue", f"{job.name}-green"
    if job.kind == FlinkKind.SESSION_JOB:
        return (job.session_cluster,) if job.session_cluster else ()
    return (job.name,) if job.kind == FlinkKind.DEPLOYMENT else ()


def rest_service(cluster: str) -> str:
    """The Service that Flink makes for a cluster's REST endpoint."""
    return f"{cluster}-rest"


def policy_name(job: Job) -> str:
    """Name of the policy of a resource's pods."""
    return f"{job.kind.lower()}-{job.name}"


def of_job(job: Job, settings: StackSettings) -> Traffic | None:
    """What a resource's pods may do; for a session job what it adds to its cluster's. None where that is nothing.

    Args:
        job: as it is deployed.
        settings: of the stack.
    """
    declared = tuple(job.settings.egress or ())
    if not job.kind.has_pods:
        stored = _storage(job, settings) if job.kind == FlinkKind.SESSION_JOB else ()
        egress = _once((*stored, *declared)) if clusters(job) else ()
        return Traffic(egress=egress) if egress else None
    rest = rest_bind_port(job, settings)
    monitoring = settings.prometheus
    scraped = metrics_ports(job)
    ingress = [
        endpoint(namespace=settings.operator.namespace, pods=OPERATOR_PODS, ports=[rest]),
        *(_at(client, [rest]) for client in rest_clients(settings)),
    ]
    controller = settings.ingress.controller
    if controller is not None and isinstance(job.spec.get("ingress"), dict):
        ingress.append(_at(controller, [rest]))
    if monitoring.monitors and scraped:
        ingress.append(endpoint(namespace=monitoring.namespace, pods=PROMETHEUS_PODS, ports=scraped))
    egress = (*dns(settings), *api_server(settings), *_storage(job, settings), *_fetched(job), *declared)
    return Traffic(tuple(ingress), _once(egress))


def of_operator(settings: StackSettings, jobs: Iterable[Job]) -> Traffic:
    """What the operator's pods may do.

    Args:
        settings: of the stack.
        jobs: that it looks after.
    """
    jobs = list(jobs)
    ingress: list[Endpoint] = []
    if settings.operator.webhook:
        # The API server calls it, from an address that is no pod's.
        ingress.append(endpoint(ports=[WEBHOOK_PORT]))
    if settings.prometheus.monitors:
        port = str(mapping(settings.operator.values.get("metrics")).get("port") or OPERATOR_METRICS_PORT)
        ingress.append(endpoint(namespace=settings.prometheus.namespace, pods=PROMETHEUS_PODS, ports=[port]))
    rest = sorted({REST_PORT, *(rest_bind_port(job, settings) for job in jobs)})
    egress = [*dns(settings), *api_server(settings)]
    egress += [endpoint(namespace=name, pods=JOB_MANAGERS, ports=rest) for name in settings.namespaces]
    for job in jobs:
        if job.kind == FlinkKind.SESSION_JOB:  # the operator fetches its jar, and hands it to the cluster
            egress += _fetched(job)
    return Traffic(tuple(ingress), _once((*egress, *settings.operator.egress)))


def added_egress(job: Job, settings: StackSettings) -> Sequence[Endpoint]:
    """The egress that a job's own configuration and jar add to `enforced.egress`; empty without `enforced.egress`.

    The stack that sets `enforced.egress` may name stores in its own sources, and so may the derived values.
    """
    enforced = [one for one in job.layers.ordered if one.name == ENFORCED and one.settings is not None]
    last = next((one for one in reversed(enforced) if one.settings and one.settings.egress is not None), None)
    if last is None:
        return ()
    owner = last.config or job.config
    trusted: dict[str, object] = {}
    for layer in job.layers.ordered:
        is_owners = layer.name != JOB_FILE and (layer.place is None or (layer.config or job.config) is owner)
        trusted |= mapping(inner_spec(job.kind, layer.spec).get("flinkConfiguration")) if is_owners else {}
    version = inner_spec(job.kind, job.spec).get("flinkVersion")
    configuration = effective(trusted, settings.operator.configuration, job.namespace, version)
    allowed = [
        *_storage_of(configuration, (), job.namespace, settings),
        *(job.settings.egress or ()),
        *settings.namespaces[job.namespace].egress,
        *api_server(settings),
    ]
    fetched = _fetched(job) if job.kind.has_pods else ()
    wanted = _once((*_storage(job, settings), *fetched))
    return [one for one in wanted if not any(_contains(entry, one) for entry in allowed)]


def _contains(allowed: Endpoint, wanted: Endpoint) -> bool:
    """Whether an endpoint includes another one: the same peer or any peer, at its ports."""
    peers = [(one.cidr, one.namespace, dict(one.pods)) for one in (allowed, wanted)]
    if not allowed.is_anybody and peers[0] != peers[1]:
        return False
    if not allowed.ports or not wanted.ports:
        return not allowed.ports
    ranges = [port_range(port) for port in allowed.ports]
    return all(
        any(low <= first and last <= high and protocol == name for low, high, name in ranges)
        for first, last, protocol in map(port_range, wanted.ports)
    )


def rest_clients(settings: StackSettings) -> Sequence[Peer]:
    """Who may reach every job's REST endpoint, beside the operator."""
    return settings.network_policies.rest_clients


def dns(settings: StackSettings) -> Sequence[Endpoint]:
    """Who resolves names."""
    said = settings.network_policies.dns
    if said is not None:
        return said
    return (
        endpoint(namespace="kube-system", pods={"k8s-app": "kube-dns"}, ports=_DNS_PORTS),
        # A cache on the node, or a cloud's resolver, has an address of the link and is no pod.
        endpoint(cidr=_LINK_LOCAL, ports=_DNS_PORTS),
    )


def api_server(settings: StackSettings) -> Sequence[Endpoint]:
    """Where the Kubernetes API server is."""
    said = settings.network_policies.api_server
    if not said.cidrs:
        return (endpoint(ports=said.ports),)
    return tuple(endpoint(cidr=cidr, ports=said.ports) for cidr in said.cidrs)


def rest_port(job: Job, settings: StackSettings) -> str:
    """The port of a job's REST endpoint at its Service."""
    return _port(_configuration(job, settings), REST_PORT_NAMES)


def rest_bind_port(job: Job, settings: StackSettings) -> str:
    """The port of a job's REST endpoint at its pods, where NetworkPolicies look. It may be a range."""
    return _port(_configuration(job, settings), ("rest.bind-port", *REST_PORT_NAMES, "jobmanager.web.port"))


def _port(configuration: Mapping[str, str], names: Iterable[str]) -> str:
    """The first of these that is said, or Flink's own where it is no port: 0 is that one to Flink on Kubernetes."""
    said = next((configuration[name] for name in names if name in configuration), REST_PORT)
    try:
        port_range(said)
    except ValueError:
        return REST_PORT
    return said


def metrics_ports(job: Job) -> list[str]:
    """The ports called `metrics` of its pods, which are those that Prometheus is told to read."""
    found: set[str] = set()
    for template in templates(cluster_spec(job.kind, job.spec)):
        for container in listed(template.pod.get("containers")):
            for port in listed(mapping(container).get("ports")):
                if mapping(port).get("name") == "metrics":
                    found.add(str(mapping(port).get("containerPort", METRICS_PORT)))
    return sorted(found)


def _configuration(job: Job, settings: StackSettings) -> Mapping[str, str]:
    inner = inner_spec(job.kind, job.spec)
    own = mapping(inner.get("flinkConfiguration"))
    return effective(own, settings.operator.configuration, job.namespace, inner.get("flinkVersion"))


def _storage(job: Job, settings: StackSettings) -> Sequence[Endpoint]:
    """The stores in which the job's directories, or the jar that it begins with, lie."""
    said = job_of(job.spec) or {}
    places = [str(said.get("initialSavepointPath")), str(said.get("jarURI"))]
    return _storage_of(_configuration(job, settings), places, job.namespace, settings)


def _storage_of(
    configuration: Mapping[str, str], others: Iterable[str], namespace: str, settings: StackSettings
) -> Sequence[Endpoint]:
    """The stores that a configuration and other texts name."""
    places = [*configuration.values(), *others]
    schemes = {match for place in places for match in CLOUD.findall(place)}
    if not schemes:
        return ()
    if settings.network_policies.storage is not None:
        return settings.network_policies.storage
    found: list[Endpoint] = []
    for scheme in sorted(schemes):
        keys = next((keys for name, keys in _ENDPOINTS.items() if scheme.startswith(name)), ())
        url = next((configuration[key] for key in keys if configuration.get(key)), None)
        ports = ("443", "80") if scheme.startswith("wasb") else ("443",)
        found += at_url(url, namespace) if url else public(ports)
    return (*found, *_identity(settings))


def _identity(settings: StackSettings) -> Sequence[Endpoint]:
    """Where a cloud tells pods who they are, if they have no keys."""
    storage = settings.state_storage
    keys = storage.credentials
    if storage.type == "gcs" and keys.service_account_key is None and not storage.endpoint:
        # Google: the metadata server, and GKE's own in its place.
        return (
            endpoint(cidr="169.254.169.254/32", ports=["80"]),
            endpoint(cidr="169.254.169.252/32", ports=["988"]),
        )
    if storage.type == "azure" and storage.managed_identity is not None and keys.account_key is None:
        return (endpoint(cidr="169.254.169.254/32", ports=["80"]),)
    if storage.type == "s3" and keys.access_key is None and ROLE_ARN not in storage.service_account_annotations:
        # AWS: EKS Pod Identity, and the node's role.
        return (
            endpoint(cidr="169.254.170.23/32", ports=["80"]),
            endpoint(cidr="169.254.169.254/32", ports=["80"]),
        )
    # A role of the account's (IRSA) and Azure's workload identity are asked for by HTTPS, where the store is.
    return public(("443",)) if storage.endpoint and ROLE_ARN in storage.service_account_annotations else ()


def _fetched(job: Job) -> Sequence[Endpoint]:
    """Where the job's jar is fetched from by HTTP."""
    jar = str((job_of(job.spec) or {}).get("jarURI"))
    return at_url(jar, job.namespace) if jar.startswith(("http://", "https://")) else ()


def public(ports: Iterable[str]) -> Sequence[Endpoint]:
    """Every address that is nobody's own."""
    ports = tuple(ports)
    return (
        endpoint(cidr="0.0.0.0/0", without=_PRIVATE, ports=ports),
        endpoint(cidr="::/0", without=_PRIVATE_6, ports=ports),
    )


def at_url(url: str, namespace: str) -> Sequence[Endpoint]:
    """What is reached by a URL, as well as that can be known of it.

    A service of the cluster (`minio`, `minio.storage`, `minio.storage.svc…`) stands for the pods of its namespace, at
    the URL's port; at all ports when that is 80 or 443, which is a service's and seldom its pods'. Any other name may
    have any address, and so may `example.org`, which looks like a service of the namespace `org`.

    Args:
        url: with scheme and host.
        namespace: in which a name without a dot is looked for.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        return ()  # said by the rules of what holds the URL
    host = (parts.hostname or "").rstrip(".")
    if host in ("", "localhost"):
        return ()
    try:
        address = ip_address(host)
    except ValueError:
        pass
    else:
        return (endpoint(cidr=f"{address}/{address.max_prefixlen}", ports=[str(port)]),)
    labels = host.split(".")
    if "svc" in labels[2:]:
        home = labels[labels.index("svc", 2) - 1]
    elif len(labels) <= 2:
        home = labels[1] if len(labels) == 2 else namespace
    else:
        return (endpoint(ports=[str(port)]),)
    if port not in (80, 443):
        return (endpoint(namespace=home, ports=[str(port)]),)
    inside = endpoint(namespace=home)
    return (inside, endpoint(ports=[str(port)])) if len(labels) == 2 else (inside,)


def _at(client: Peer, ports: Iterable[str]) -> Endpoint:
    return endpoint(cidr=client.cidr, without=client.except_, namespace=client.namespace, pods=client.pods, ports=ports)


def _once(endpoints: Iterable[Endpoint]) -> Sequence[Endpoint]:
    def found() -> Iterator[Endpoint]:
        seen: list[Endpoint] = []
        for one in endpoints:
            if one not in seen:
                seen.append(one)
                yield one

    return tuple(found())
