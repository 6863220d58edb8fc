"""Secrets as models: files out of Kubernetes Secrets, and Secrets that another store keeps."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from flink_k8s.config.base import Model
from flink_k8s.facts.units import is_go_duration

INTERNAL_TLS_FOLDER = "/opt/flink-internal-tls"
"""Where the processes of a cluster with TLS of its own find their certificate."""

_TAKEN = (
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
"""Folders of Flink's image and of the platform: a mount would hide what is there."""

_SECRET_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def _folder(path: str) -> str:
    if not path.startswith("/") or path != posixpath.normpath(path) or ":" in path:
        raise ValueError("is no folder of a container; write it like /etc/orders")
    for taken in _TAKEN:
        if path == taken or taken.startswith(path.rstrip("/") + "/"):
            raise ValueError(f"would hide {taken}, which Flink or the platform needs; write another folder")
    return path


def _secret_name(name: str) -> str:
    if len(name) > 253 or not _SECRET_NAME.fullmatch(name):
        raise ValueError("is no name of a Secret; use lower-case letters, digits, - and .")
    return name


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError("is no key of a Secret; use letters, digits, -, _ and .")
    return key


def _refresh(text: str) -> str:
    if not is_go_duration(text):
        raise ValueError('is no duration; write it like "1h", "15m", or "0" for once')
    return text


Folder = Annotated[str, AfterValidator(_folder)]
SecretName = Annotated[str, AfterValidator(_secret_name)]
Key = Annotated[str, AfterValidator(_key)]
Refresh = Annotated[str, AfterValidator(_refresh)]


class SecretFiles(Model):
    """A Secret in the job's namespace as a folder of files, which cannot be written.

    A changed Secret changes the files, within about a minute and without a restart.
    """

    secret: SecretName = Field(description="Name of the Secret.")
    files: dict[Key, Key] | None = Field(
        default=None, min_length=1, description="File to key; not set: each key is a file of its name."
    )


class RemoteKey(Model):
    """One value in another store."""

    key: str = Field(min_length=1, description="Name of the entry there, such as its path.")
    property: str | None = Field(default=None, description="Which of the entry's values; not set: all of its text.")
    version: str | None = Field(default=None, description="Which version; not set: the newest.")


class ExternalSecret(Model):
    """A Secret that the External Secrets operator makes out of another store: an ExternalSecret, version v1."""

    store: SecretName = Field(description="Name of the SecretStore; whoever runs that operator makes it.")
    store_kind: Literal["SecretStore", "ClusterSecretStore"] = Field(
        default="SecretStore", description="SecretStore, of this namespace, or ClusterSecretStore."
    )
    refresh: Refresh = Field(default="1h", description="How often it is read again: 1h, 15m; 0: once.")
    keys: dict[Key, RemoteKey] = Field(default={}, description="Key of the Secret to where its value is.")
    all_of: list[str] = Field(default=[], description="Entries of the store all of whose values become keys.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.keys and not self.all_of:
            raise ValueError("would make an empty Secret; set keys or allOf")
        return self

    def spec(self, name: str) -> dict[str, object]:
        """As an ExternalSecret has it.

        Args:
            name: of the Secret that comes of it.
        """
        data = [
            {"secretKey": key, "remoteRef": remote.model_dump(exclude_none=True)} for key, remote in self.keys.items()
        ]
        found: dict[str, object] = {
            "refreshInterval": self.refresh,
            "secretStoreRef": {"name": self.store, "kind": self.store_kind},
            # With Owner the Secret goes with it, and with Retain what a store has lost stays for running jobs.
            "target": {"name": name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        }
        if data:
            found["data"] = data
        if self.all_of:
            found["dataFrom"] = [{"extract": {"key": entry}} for entry in self.all_of]
        return found
