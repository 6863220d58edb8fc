"""The stack config's part about the network: who may reach whom, as NetworkPolicies say it."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Self, cast

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from flink_k8s.config.base import Model, Name, scalar_text

_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(TCP|UDP|SCTP))?")
_LOOKS_NUMERIC = re.compile(r"[0-9a-fA-F.:/]+")
_HOSTS = ("host", "hosts", "hostname", "hostnames", "fqdn", "dns", "url", "address")

NO_NAMES = (
    "a NetworkPolicy knows addresses and pods, no host names; write cidr (the range that the name stands for), or"
    " namespace and pods of the service in the cluster"
)


def _cidr(text: str) -> str:
    if not _LOOKS_NUMERIC.fullmatch(text):
        raise ValueError(f'is "{text}", a host name: {NO_NAMES}')
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f'is "{text}", no range of addresses; write it like 10.20.0.0/16 or 203.0.113.7/32') from None
    if str(found) != text:
        raise ValueError(f'is "{text}"; write it with its length and nothing behind it: {found}')
    return text


def port_range(port: str) -> tuple[int, int, str]:
    """First port, last port and protocol of `9092`, `9092-9094`, `53/UDP`.

    Raises:
        ValueError: it is no port.
    """
    found = _PORT.fullmatch(port)
    first = int(found[1]) if found else 0
    last = int(found[2] or found[1]) if found else 0
    if found is None or not 0 < first <= last < 65536:
        raise ValueError(f'is "{port}", no port; write it like 9092, 9092-9094 or 53/UDP')
    return first, last, found[3] or "TCP"


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
    except_: list[Cidr] = Field(default=[], alias="except", description="Parts of `cidr` that are not meant.")
    namespace: Name | None = Field(
        default=None, description="Namespace of the pods; not set, with `pods`: that of the job."
    )
    pods: dict[str, str] = Field(default={}, description="Labels of the pods; not set: all pods of `namespace`.")

    @model_validator(mode="before")
    @classmethod
    def _no_names(cls, values: object) -> object:
        said = cast(dict[str, object], values) if isinstance(values, dict) else {}
        for name in _HOSTS:
            if name in said:
                raise ValueError(f"has a {name}, and {NO_NAMES}")
        return cast(object, values)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.cidr is not None and (self.namespace is not None or self.pods):
            raise ValueError("has addresses (cidr) and pods (namespace, pods); write one entry for each")
        if self.except_ and self.cidr is None:
            raise ValueError("has except without cidr; write the range that it is taken from")
        whole = ip_network(self.cidr) if self.cidr is not None else None
        for part in self.except_:
            inner = ip_network(part)
            # mypy and pyright cannot know that both are of one version; ipaddress says so by a TypeError.
            if whole is None or inner.version != whole.version or not inner.subnet_of(whole):  # pyright: ignore
                raise ValueError(f"has except {part}, which is no part of {self.cidr}; take it out")
        return self

    @property
    def is_anybody(self) -> bool:
        """Whether it says nothing of who is meant."""
        return self.cidr is None and self.namespace is None and not self.pods


class Client(Peer):
    """Who may reach something of the platform: a range of addresses, or pods."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.is_anybody:
            raise ValueError("names nobody; write cidr, or namespace and pods")
        return self


class Endpoint(Peer):
    """What pods may open connections to: a range of addresses, pods, or (ports alone) anything at these ports."""

    ports: list[Port] = Field(
        default=[], description="Ports: 9092, 9092-9094, 53/UDP; of a service's pods, not of the service. Not set: all."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.is_anybody and not self.ports:
            raise ValueError("names nothing; write cidr, or namespace and pods, and ports")
        return self


class ApiServerAddress(Model):
    """Where pods find the Kubernetes API server, which is no pod and has no address that is known beforehand."""

    cidrs: list[Cidr] = Field(
        default=[],
        description="Its addresses (`kubectl get endpointslices -n default`); not set: any address at `ports`.",
    )
    ports: list[Port] = Field(default=["443", "6443"], description="Its ports, as the service and its endpoints have.")


class NetworkPolicies(Model):
    """Who may reach whom: each job's pods, and the operator, what they need and nothing else; see docs/security.md."""

    enabled: bool = Field(
        default=True,
        description="Make NetworkPolicies; a cluster that enforces none keeps them and lets everything pass.",
    )
    api_server: ApiServerAddress = Field(
        default=ApiServerAddress(), description="Where the API server is, which Flink and the operator ask."
    )
    dns: list[Endpoint] | None = Field(
        default=None,
        description="Who resolves names; not set: pods `k8s-app: kube-dns` of kube-system and a node's own cache"
        " (169.254.0.0/16), port 53.",
    )
    storage: list[Endpoint] | None = Field(
        default=None,
        description="Where state is kept; not set: it follows from `stateStorage` and each job's own directories.",
    )
    rest_clients: list[Client] = Field(
        default=[], description="Who may reach Flink's REST endpoint and web interface beside the operator."
    )
