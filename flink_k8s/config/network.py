"""The network part of the stack config: peers and ports in NetworkPolicies."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Self, cast

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from flink_k8s.config.base import Model, Name, scalar_text

_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(TCP|UDP|SCTP))?")
_LOOKS_NUMERIC = re.compile(r"[0-9a-fA-F.:/]+")
_HOSTS = ("host", "hosts", "hostname", "hostnames", "fqdn", "dns", "url", "address")

NO_HOST_NAMES = (
    "a NetworkPolicy supports addresses and pods, but no host names; write cidr (the addresses of the host), or"
    " namespace and pods of the service in the cluster"
)


def _cidr(text: str) -> str:
    if not _LOOKS_NUMERIC.fullmatch(text):
        raise ValueError(f'is "{text}", a host name: {NO_HOST_NAMES}')
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f'is "{text}", which is not a range of addresses; write a range such as 10.20.0.0/16 or 203.0.113.7/32'
        ) from None
    if str(network) != text:
        raise ValueError(f'is "{text}", which is not in canonical form; write {network}')
    return text


def port_range(port: str) -> tuple[int, int, str]:
    """First port, last port and protocol of `9092`, `9092-9094`, `53/UDP`.

    Raises:
        ValueError: if the text is not a port.
    """
    match = _PORT.fullmatch(port)
    first = int(match[1]) if match else 0
    last = int(match[2] or match[1]) if match else 0
    if match is None or not 0 < first <= last < 65536:
        raise ValueError(f'is "{port}", which is not a port; write a port such as 9092, 9092-9094 or 53/UDP')
    return first, last, match[3] or "TCP"


def _port(text: str) -> str:
    port_range(text)
    return text


Cidr = Annotated[str, AfterValidator(_cidr)]
Port = Annotated[
    str,
    BeforeValidator(scalar_text),
    AfterValidator(_port),
    WithJsonSchema({"type": ["string", "integer"]}, mode="validation"),
]


class Peer(Model):
    """The other end of a connection: a range of addresses, or pods."""

    cidr: Cidr | None = Field(default=None, description="Range of addresses: 10.20.0.0/16, 203.0.113.7/32.")
    except_: list[Cidr] = Field(default=[], alias="except", description="Parts of `cidr` that are excluded.")
    namespace: Name | None = Field(
        default=None, description="Namespace of the pods; not set, with `pods`: the namespace of the job."
    )
    pods: dict[str, str] = Field(default={}, description="Labels of the pods; not set: all pods of `namespace`.")

    @model_validator(mode="before")
    @classmethod
    def _no_host_names(cls, values: object) -> object:
        fields = cast(dict[str, object], values) if isinstance(values, dict) else {}
        for name in _HOSTS:
            if name in fields:
                raise ValueError(f"contains {name}, but {NO_HOST_NAMES}")
        return cast(object, values)

    @model_validator(mode="after")
    def _one_kind_of_peer(self) -> Self:
        if self.cidr is not None and (self.namespace is not None or self.pods):
            raise ValueError("contains both addresses (cidr) and pods (namespace, pods); write one entry for each")
        if self.except_ and self.cidr is None:
            raise ValueError("contains except without cidr; set cidr to the range that contains the exceptions")
        cidr_range = ip_network(self.cidr) if self.cidr is not None else None
        for part in self.except_:
            excepted = ip_network(part)
            # Type checkers cannot infer that both have the same version; otherwise ipaddress raises a TypeError.
            if cidr_range is None or excepted.version != cidr_range.version or not excepted.subnet_of(cidr_range):  # pyright: ignore
                raise ValueError(f"contains except {part}, which is not in {self.cidr}; remove it")
        return self

    @property
    def is_anybody(self) -> bool:
        """Whether the peer is not restricted to addresses or pods."""
        return self.cidr is None and self.namespace is None and not self.pods


class Client(Peer):
    """Source of allowed connections: a range of addresses, or pods."""

    @model_validator(mode="after")
    def _requires_peer(self) -> Self:
        if self.is_anybody:
            raise ValueError("has no peer; write cidr, or namespace and pods")
        return self


class Endpoint(Peer):
    """Destination of allowed connections: a range of addresses, pods, or (ports alone) every host at these ports."""

    ports: list[Port] = Field(
        default=[],
        description="Ports: 9092, 9092-9094, 53/UDP; for a service, the ports of its pods. Not set: all ports.",
    )

    @model_validator(mode="after")
    def _requires_peer_or_ports(self) -> Self:
        if self.is_anybody and not self.ports:
            raise ValueError("has neither peer nor ports; write cidr, or namespace and pods, and ports")
        return self


class ApiServerAddress(Model):
    """Address of the Kubernetes API server, which is not a pod and whose address is not known in advance."""

    cidrs: list[Cidr] = Field(
        default=[],
        description="Addresses of the API server (`kubectl get endpointslices -n default`); not set: any address at "
        "`ports`.",
    )
    ports: list[Port] = Field(default=["443", "6443"], description="Ports of the service and of its endpoints.")


class NetworkPolicies(Model):
    """NetworkPolicies that allow jobs and the operator only the connections that they need: docs/security.md."""

    enabled: bool = Field(
        default=True,
        description="Create NetworkPolicies; a cluster that does not enforce them allows all connections.",
    )
    api_server: ApiServerAddress = Field(
        default=ApiServerAddress(), description="Address of the API server, which Flink and the operator connect to."
    )
    dns: list[Endpoint] | None = Field(
        default=None,
        description="DNS servers; not set: pods `k8s-app: kube-dns` of kube-system and the node-local cache"
        " (169.254.0.0/16), port 53; with `openshift`, the pods of openshift-dns, port 5353.",
    )
    storage: list[Endpoint] | None = Field(
        default=None,
        description="Storage of state; not set: derived from `stateStorage` and the directories of each job.",
    )
    rest_clients: list[Client] = Field(
        default=[], description="Clients of Flink's REST endpoint and web UI, in addition to the operator."
    )
