"""Derived connections of job pods and of the operator, which NetworkPolicies allow."""

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
from flink_k8s.resolve import connectors
from flink_k8s.resolve.file_system import ROLE_ARN
from flink_k8s.resolve.job_spec import METRICS_PORT, job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.operator_configuration import effective
from flink_k8s.resolve.pod_templates import cluster_spec, templates
from flink_k8s.resolve.sources import ENFORCED, JOB_FILE
from flink_k8s.resolve.state_storage import inner_spec

REST_PORT = "8081"
REST_PORT_NAMES = ("rest.port", "web.port")
"""Options with the port of the REST Service, in the order in which Flink reads them."""

WEBHOOK_PORT = "9443"
OPERATOR_METRICS_PORT = 9999
"""The port of the operator's metrics."""

OPERATOR_PODS = {"app.kubernetes.io/name": "flink-kubernetes-operator"}
PROMETHEUS_PODS = {"app.kubernetes.io/name": "prometheus"}
"""Labels of the pods of a Prometheus, which the Prometheus operator sets."""

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""The label with the namespace's name, which Kubernetes sets."""

JOB_MANAGERS = {"component": "jobmanager"}

DENY = "default-deny"
"""The policy of a namespace that denies all connections that no other policy allows."""

EGRESS = "egress"
"""The policy of a namespace with the allowed egress of all its pods."""

_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15")
_PRIVATE_6 = ("fc00::/7", "fe80::/10")
_LINK_LOCAL = "169.254.0.0/16"
_DNS_PORTS = ("53/UDP", "53")
_OPENSHIFT_DNS = {"dns.operator.openshift.io/daemonset-dns": "default"}
_OPENSHIFT_DNS_PORTS = ("5353/UDP", "5353")
"""Ports of the pods: a policy applies after the address of the Service is replaced by that of a pod."""

CLOUD = re.compile(r"\b(s3|s3a|s3p|gs|abfss?|wasbs?)://")
_ENDPOINTS = {
    "s3": ("s3.endpoint", "presto.s3.endpoint", "hive.s3.endpoint", "fs.s3a.endpoint", "s3a.endpoint"),
    "gs": ("gs.storage.root.url", "fs.gs.storage.root.url"),
}
"""Options with the endpoint of another store, by prefix of the scheme."""

ENDPOINT_KEYS = frozenset(key for keys in _ENDPOINTS.values() for key in keys)


@dataclass(frozen=True)
class Traffic:
    """Allowed connections of pods.

    Attributes:
        ingress: sources of connections to the pods.
        egress: destinations of connections from the pods.
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
    """An endpoint, as in the stack config."""
    fields = {
        "cidr": cidr,
        "except": list(without),
        "namespace": namespace,
        "pods": dict(pods or {}),
        "ports": [*ports],
    }
    return Endpoint.model_validate({key: value for key, value in fields.items() if value is not None})


def clusters(job: Job) -> tuple[str, ...]:
    """Values of the label `app` of the pods of a resource; for a session job, those of its cluster."""
    if job.kind == FlinkKind.SESSION_JOB:
        return (job.session_cluster,) if job.session_cluster else ()
    return clusters_of(job.kind, job.name)


def clusters_of(kind: FlinkKind, name: str) -> tuple[str, ...]:
    """Values of the label `app` of the pods that a resource has itself."""
    if kind == FlinkKind.BLUE_GREEN:
        return f"{name}-blue", f"{name}-green"
    return (name,) if kind == FlinkKind.DEPLOYMENT else ()


def rest_service(cluster: str) -> str:
    """The Service that Flink creates for the REST endpoint of a cluster."""
    return f"{cluster}-rest"


def policy_name(job: Job) -> str:
    """Name of the NetworkPolicy of a resource's pods."""
    return f"{job.kind.lower()}-{job.name}"


def of_job(job: Job, settings: StackSettings) -> Traffic | None:
    """Allowed connections of a resource's pods; for a session job, in addition to those of its cluster. None if empty.

    Args:
        job: as it is deployed.
        settings: of the stack.
    """
    declared = tuple(job.settings.egress or ())
    if not job.kind.has_pods:
        stored = _storage(job, settings) if job.kind == FlinkKind.SESSION_JOB else ()
        egress = _without_duplicates((*stored, *declared)) if clusters(job) else ()
        return Traffic(egress=egress) if egress else None
    rest = rest_bind_port(job, settings)
    monitoring = settings.prometheus
    scraped = metrics_ports(job)
    ingress = [
        endpoint(namespace=settings.operator.namespace, pods=OPERATOR_PODS, ports=[rest]),
        *(_from_client(client, [rest]) for client in rest_clients(settings)),
    ]
    controller = settings.ingress.controller
    if controller is not None and isinstance(job.spec.get("ingress"), dict):
        ingress.append(_from_client(controller, [rest]))
    if monitoring.monitors and scraped:
        ingress.append(endpoint(namespace=monitoring.namespace, pods=PROMETHEUS_PODS, ports=scraped))
    egress = (*dns(settings), *api_server(settings), *_storage(job, settings), *_jar_servers(job), *declared)
    return Traffic(tuple(ingress), _without_duplicates(egress))


def of_operator(settings: StackSettings, jobs: Iterable[Job]) -> Traffic:
    """Allowed connections of the operator's pods.

    Args:
        settings: of the stack.
        jobs: the jobs that the operator manages.
    """
    jobs = list(jobs)
    ingress: list[Endpoint] = []
    if settings.operator.webhook:
        # The API server calls the webhook from an address that does not belong to a pod.
        ingress.append(endpoint(ports=[WEBHOOK_PORT]))
    if settings.prometheus.monitors:
        port = str(mapping(settings.operator.values.get("metrics")).get("port") or OPERATOR_METRICS_PORT)
        ingress.append(endpoint(namespace=settings.prometheus.namespace, pods=PROMETHEUS_PODS, ports=[port]))
    rest = sorted({REST_PORT, *(rest_bind_port(job, settings) for job in jobs)})
    egress = [*dns(settings), *api_server(settings)]
    if settings.operator.watch_all_namespaces:
        egress.append(endpoint(ports=rest))
    else:
        egress += [endpoint(namespace=name, pods=JOB_MANAGERS, ports=rest) for name in settings.namespaces]
    for job in jobs:
        if job.kind == FlinkKind.SESSION_JOB:  # the operator downloads the jar, and uploads it to the cluster
            egress += _jar_servers(job)
            egress += _jar_store(job, settings)
    return Traffic(tuple(ingress), _without_duplicates((*egress, *settings.operator.egress)))


def added_egress(job: Job, settings: StackSettings) -> Sequence[Endpoint]:
    """The egress that a job's own configuration and jar add to `enforced.egress`; empty without `enforced.egress`.

    The stack that sets `enforced.egress` may name stores in its own sources, and so may the derived values.
    """
    enforced = [
        source.config or job.config
        for source in job.sources.ordered
        if source.name == ENFORCED and source.settings is not None and source.settings.egress is not None
    ]
    if not enforced:
        return ()
    owner = enforced[-1]
    trusted: dict[str, object] = {}
    for source in job.sources.ordered:
        is_trusted = source.name != JOB_FILE and (source.config_path is None or (source.config or job.config) is owner)
        trusted |= mapping(inner_spec(job.kind, source.spec).get("flinkConfiguration")) if is_trusted else {}
    version = inner_spec(job.kind, job.spec).get("flinkVersion")
    configuration = effective(trusted, settings.operator.configuration, job.namespace, version)
    allowed = [
        *_storage_of(configuration, (), job.namespace, settings),
        *(job.settings.egress or ()),
        *settings.namespaces[job.namespace].egress,
        *api_server(settings),
    ]
    jar_servers = _jar_servers(job) if job.kind.has_pods else ()
    endpoints = _without_duplicates((*_storage(job, settings), *jar_servers))
    return [wanted for wanted in endpoints if not any(_contains(entry, wanted) for entry in allowed)]


def _contains(allowed: Endpoint, endpoint: Endpoint) -> bool:
    """Whether an endpoint includes another one: the same peer or any peer, at its ports."""
    peers = [(peer.cidr, peer.namespace, dict(peer.pods)) for peer in (allowed, endpoint)]
    if not allowed.is_anybody and peers[0] != peers[1]:
        return False
    if not allowed.ports or not endpoint.ports:
        return not allowed.ports
    ranges = [port_range(port) for port in allowed.ports]
    return all(
        any(low <= first and last <= high and protocol == name for low, high, name in ranges)
        for first, last, protocol in map(port_range, endpoint.ports)
    )


def rest_clients(settings: StackSettings) -> Sequence[Peer]:
    """Clients of the REST endpoints of all jobs, in addition to the operator."""
    return settings.network_policies.rest_clients


def dns(settings: StackSettings) -> Sequence[Endpoint]:
    """DNS servers."""
    endpoints = settings.network_policies.dns
    if endpoints is not None:
        return endpoints
    if settings.openshift:
        return (endpoint(namespace="openshift-dns", pods=_OPENSHIFT_DNS, ports=_OPENSHIFT_DNS_PORTS),)
    return (
        endpoint(namespace="kube-system", pods={"k8s-app": "kube-dns"}, ports=_DNS_PORTS),
        # A node-local cache or the resolver of a cloud has a link-local address and is not a pod.
        endpoint(cidr=_LINK_LOCAL, ports=_DNS_PORTS),
    )


def api_server(settings: StackSettings) -> Sequence[Endpoint]:
    """The Kubernetes API server."""
    address = settings.network_policies.api_server
    if not address.cidrs:
        return (endpoint(ports=address.ports),)
    return tuple(endpoint(cidr=cidr, ports=address.ports) for cidr in address.cidrs)


def rest_port(job: Job, settings: StackSettings) -> str:
    """The port of a job's REST endpoint on its Service."""
    return _port(_configuration(job, settings), REST_PORT_NAMES)


def rest_bind_port(job: Job, settings: StackSettings) -> str:
    """The port of a job's REST endpoint on its pods, which NetworkPolicies filter. It can be a range."""
    return _port(_configuration(job, settings), ("rest.bind-port", *REST_PORT_NAMES, "jobmanager.web.port"))


def _port(configuration: Mapping[str, str], names: Iterable[str]) -> str:
    """The port in the first of the options that is set; Flink's default if it is not a port, or 0."""
    port = next((configuration[name] for name in names if name in configuration), REST_PORT)
    try:
        port_range(port)
    except ValueError:
        return REST_PORT
    return port


def metrics_ports(job: Job) -> list[str]:
    """The ports `metrics` of the job's pods, which the PodMonitor selects."""
    ports: set[str] = set()
    for template in templates(cluster_spec(job.kind, job.spec)):
        for container in listed(template.pod.get("containers")):
            for port in listed(mapping(container).get("ports")):
                if mapping(port).get("name") == "metrics":
                    ports.add(str(mapping(port).get("containerPort", METRICS_PORT)))
    return sorted(ports)


def _configuration(job: Job, settings: StackSettings) -> Mapping[str, str]:
    inner = inner_spec(job.kind, job.spec)
    own = mapping(inner.get("flinkConfiguration"))
    return effective(own, settings.operator.configuration, job.namespace, inner.get("flinkVersion"))


def _storage(job: Job, settings: StackSettings) -> Sequence[Endpoint]:
    """The stores with the job's directories, its initial savepoint and its jar."""
    job_spec = job_of(job.spec) or {}
    locations = [str(job_spec.get("initialSavepointPath")), str(job_spec.get("jarURI"))]
    return _storage_of(_configuration(job, settings), locations, job.namespace, settings)


def _storage_of(
    configuration: Mapping[str, str], others: Iterable[str], namespace: str, settings: StackSettings
) -> Sequence[Endpoint]:
    """The stores that a configuration and other locations name."""
    locations = [*configuration.values(), *others]
    schemes = {match for location in locations for match in CLOUD.findall(location)}
    if not schemes:
        return ()
    if settings.network_policies.storage is not None:
        return settings.network_policies.storage
    endpoints: list[Endpoint] = []
    for scheme in sorted(schemes):
        keys = next((keys for name, keys in _ENDPOINTS.items() if scheme.startswith(name)), ())
        url = next((configuration[key] for key in keys if configuration.get(key)), None)
        ports = ("443", "80") if scheme.startswith("wasb") else ("443",)
        endpoints += at_url(url, namespace) if url else public(ports)
    return (*endpoints, *_identity(settings))


def _identity(settings: StackSettings) -> Sequence[Endpoint]:
    """Metadata servers, which provide the identity of pods without keys."""
    storage = settings.state_storage
    keys = storage.credentials
    if storage.type == "gcs" and keys.service_account_key is None and not storage.endpoint:
        # Google: the metadata server, and GKE's replacement of it.
        return (
            endpoint(cidr="169.254.169.254/32", ports=["80"]),
            endpoint(cidr="169.254.169.252/32", ports=["988"]),
        )
    if storage.type == "azure" and storage.managed_identity is not None and keys.account_key is None:
        return (endpoint(cidr="169.254.169.254/32", ports=["80"]),)
    if storage.type == "s3" and keys.access_key is None and ROLE_ARN not in storage.account_annotations:
        # AWS: EKS Pod Identity, and the node's role.
        return (
            endpoint(cidr="169.254.170.23/32", ports=["80"]),
            endpoint(cidr="169.254.169.254/32", ports=["80"]),
        )
    # The role of a ServiceAccount (IRSA) and Azure's workload identity are requested by HTTPS, like the store.
    return public(("443",)) if storage.endpoint and ROLE_ARN in storage.account_annotations else ()


def _jar_store(job: Job, settings: StackSettings) -> Sequence[Endpoint]:
    """The store with the jar of a session job, by the operator's own configuration."""
    jar = str((job_of(job.spec) or {}).get("jarURI"))
    operator = settings.operator
    return _storage_of(operator.configuration, [jar], operator.namespace, settings) if CLOUD.search(jar) else ()


def _jar_servers(job: Job) -> Sequence[Endpoint]:
    """The HTTP servers of the job's jar and of its connectors."""
    jar = str((job_of(job.spec) or {}).get("jarURI"))
    jars = [jar, *connectors.urls(inner_spec(job.kind, job.spec))]
    return _without_duplicates(
        endpoint for url in jars if url.startswith(("http://", "https://")) for endpoint in at_url(url, job.namespace)
    )


def public(ports: Iterable[str]) -> Sequence[Endpoint]:
    """Every public address."""
    ports = tuple(ports)
    return (
        endpoint(cidr="0.0.0.0/0", without=_PRIVATE, ports=ports),
        endpoint(cidr="::/0", without=_PRIVATE_6, ports=ports),
    )


def at_url(url: str, namespace: str) -> Sequence[Endpoint]:
    """The endpoints of a URL, as far as the URL determines them.

    The name of a service (`minio`, `minio.storage`, `minio.storage.svc…`) results in the pods of its namespace, at the
    URL's port; at all ports if that is 80 or 443, which services use, but rarely their pods. Any other name can have
    any address; so can `example.org`, which looks like a service in the namespace `org`.

    Args:
        url: with scheme and host.
        namespace: of a service without a dot in its name.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        return ()  # reported by the rules of the field
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
        service_namespace = labels[labels.index("svc", 2) - 1]
    elif len(labels) <= 2:
        service_namespace = labels[1] if len(labels) == 2 else namespace
    else:
        return (endpoint(ports=[str(port)]),)
    if port not in (80, 443):
        return (endpoint(namespace=service_namespace, ports=[str(port)]),)
    inside = endpoint(namespace=service_namespace)
    return (inside, endpoint(ports=[str(port)])) if len(labels) == 2 else (inside,)


def _from_client(client: Peer, ports: Iterable[str]) -> Endpoint:
    return endpoint(cidr=client.cidr, without=client.except_, namespace=client.namespace, pods=client.pods, ports=ports)


def _without_duplicates(endpoints: Iterable[Endpoint]) -> Sequence[Endpoint]:
    def unique() -> Iterator[Endpoint]:
        distinct: list[Endpoint] = []
        for entry in endpoints:
            if entry not in distinct:
                distinct.append(entry)
                yield entry

    return tuple(unique())
