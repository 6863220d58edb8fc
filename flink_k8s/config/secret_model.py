"""Secrets as models: files from Kubernetes Secrets, and Secrets that are synchronized from another store."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from flink_k8s.config.base import Model, scalar_text
from flink_k8s.facts.units import is_go_duration

INTERNAL_TLS_FOLDER = "/opt/flink-internal-tls"
"""Directory with the certificate of a Flink cluster with `internalTls`."""

_RESERVED = (
    "/opt/flink",
    INTERNAL_TLS_FOLDER,
    "/opt/flink/bin",
    "/opt/flink/conf",
    "/opt/flink/lib",
    "/opt/flink/opt",
    "/opt/flink/plugins",
    "/flink-state",
    "/tmp",
    "/var/run/secrets/kubernetes.io/serviceaccount",
)
"""Directories of Flink's image and of the platform: a mount would hide their content."""

_SECRET_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def _folder(path: str) -> str:
    if not path.startswith("/") or path != posixpath.normpath(path) or ":" in path:
        raise ValueError("is not a directory of a container; write an absolute path such as /etc/orders")
    for reserved in _RESERVED:
        if path == reserved or reserved.startswith(path.rstrip("/") + "/"):
            raise ValueError(f"would hide {reserved}, which Flink or the platform requires; write another directory")
    return path


def _secret_name(name: str) -> str:
    if len(name) > 253 or not _SECRET_NAME.fullmatch(name):
        raise ValueError("is not a name of a Secret; use lower-case letters, digits, - and .")
    return name


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError("is not a key of a Secret; use letters, digits, -, _ and .")
    return key


def _refresh(text: str) -> str:
    if not is_go_duration(text):
        raise ValueError('is not a duration; write a duration such as "1h" or "15m", or "0" for once')
    return text


Folder = Annotated[str, AfterValidator(_folder)]
SecretName = Annotated[str, AfterValidator(_secret_name)]
Key = Annotated[str, AfterValidator(_key)]
Refresh = Annotated[str, BeforeValidator(scalar_text), AfterValidator(_refresh)]


class SecretFiles(Model):
    """A Secret in the job's namespace, mounted as a read-only directory.

    A changed Secret changes the files within about a minute, without a restart.
    """

    secret: SecretName = Field(description="Name of the Secret.")
    files: dict[Key, Key] | None = Field(
        default=None, min_length=1, description="File name to key; not set: each key is a file with its name."
    )


class RemoteKey(Model):
    """One value in another store."""

    key: str = Field(min_length=1, description="Name of the entry in the store, such as its path.")
    property: str | None = Field(
        default=None, description="Name of a value in the entry; not set: the whole text of the entry."
    )
    version: str | None = Field(default=None, description="Version of the entry; not set: the newest.")


class ExternalSecret(Model):
    """A Secret that the External Secrets operator creates from another store: an ExternalSecret, version v1."""

    store: SecretName = Field(description="Name of an existing SecretStore.")
    store_kind: Literal["SecretStore", "ClusterSecretStore"] = Field(
        default="SecretStore", description="Kind of the store: SecretStore (in this namespace) or ClusterSecretStore."
    )
    refresh: Refresh = Field(default="1h", description="Interval of synchronization: 1h, 15m; 0: only once.")
    keys: dict[Key, RemoteKey] = Field(default={}, description="Key of the Secret to its value in the store.")
    all_of: list[str] = Field(default=[], description="Entries of the store from which all values become keys.")

    @model_validator(mode="after")
    def _requires_keys(self) -> Self:
        if not self.keys and not self.all_of:
            raise ValueError("would create an empty Secret; set keys or allOf")
        return self

    def spec(self, name: str) -> dict[str, object]:
        """The spec of the ExternalSecret.

        Args:
            name: of the resulting Secret.
        """
        data = [
            {"secretKey": key, "remoteRef": remote.model_dump(exclude_none=True)} for key, remote in self.keys.items()
        ]
        external_secret: dict[str, object] = {
            "refreshInterval": self.refresh,
            "secretStoreRef": {"name": self.store, "kind": self.store_kind},
            # Owner: the Secret is deleted with the ExternalSecret. Retain: running jobs keep values that a store lost.
            "target": {"name": name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        }
        if data:
            external_secret["data"] = data
        if self.all_of:
            external_secret["dataFrom"] = [{"extract": {"key": entry}} for entry in self.all_of]
        return external_secret
