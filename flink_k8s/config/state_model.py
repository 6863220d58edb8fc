"""The key `stateStorage` as models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from flink_k8s.config.base import Model, Name, SecretKey, Text


class StateVolume(Model):
    """A claim for state in each namespace; for `type: volume`."""

    size: Text = Field(default="5Gi", description="Size of the claim.")
    storage_class: str | None = Field(default=None, description="Its StorageClass; not set: the cluster's default.")
    access_mode: Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"] | None = Field(
        default=None,
        description="Not set: ReadWriteOnce, with which all pods that keep state in a namespace run on one node.",
    )
    claim: Name | None = Field(
        default=None, description="Name of a claim that is there in each namespace, instead of one of the program's."
    )


class StateCredentials(Model):
    """Keys for the storage, out of Secrets that are there in each namespace of jobs; none for workload identity."""

    access_key: SecretKey | None = Field(default=None, description="s3: the access key's id; with `secretKey`.")
    secret_key: SecretKey | None = Field(default=None, description="s3: the secret access key; with `accessKey`.")
    account_key: SecretKey | None = Field(default=None, description="azure: a key of the storage account.")
    service_account_key: SecretKey | None = Field(
        default=None, description="gcs: a service account's JSON key, mounted as a file."
    )


class ManagedIdentity(Model):
    """azure: the managed identity that the nodes or pods have."""

    tenant: str = Field(description="Id of the tenant.")
    client_id: str = Field(description="Client id of the identity.")


class StateStorage(Model):
    """Where checkpoints, savepoints and high-availability data go: docs/state.md."""

    type: Literal["s3", "azure", "gcs", "volume", "none"] = Field(default="none", description="Kind of storage.")
    uri: str | None = Field(
        default=None,
        description="Bucket or container and a prefix: s3://, s3p:// or s3a://bucket/prefix; "
        "abfss://container@account.dfs.core.windows.net/prefix; gs://bucket/prefix.",
    )
    folder: str | None = Field(
        default=None,
        description="First folder below it; not set: the stack's name. A renamed stack says its old name here.",
    )
    endpoint: str | None = Field(
        default=None, description="s3, gcs: URL of a store that speaks the same protocol, such as MinIO."
    )
    path_style: bool | None = Field(
        default=None, description="s3: the bucket in the path, not in the host name; not set: true with an `endpoint`."
    )
    region: str | None = Field(default=None, description="s3: the bucket's region; not set: the AWS client finds it.")
    credentials: StateCredentials = Field(default=StateCredentials(), description="Keys, out of Secrets.")
    managed_identity: ManagedIdentity | None = Field(
        default=None, description="azure, abfs and abfss: instead of an account key."
    )
    service_account_annotations: dict[str, str] = Field(
        default={},
        description="Workload identity: annotations of the jobs' ServiceAccount, such as eks.amazonaws.com/role-arn.",
    )
    volume: StateVolume = Field(default=StateVolume(), description="For `type: volume`: the claim.")
    plugin: str | Literal[False] | None = Field(
        default=None,
        description="The file system's plugin: a name (flink-s3-fs-hadoop) or a jar (flink-s3-fs-hadoop-2.2.1.jar) in "
        "the image's opt/; false: it is in the image's plugins/ already. Not set: by the scheme of `uri`.",
    )

    @field_validator("plugin", mode="before")
    @classmethod
    def _name_or_false(cls, value: object) -> object:
        if value is None or value is False or isinstance(value, str):
            return value
        raise ValueError(f"is {str(value).lower()}; write the plugin's name, or false")

    @property
    def makes_claims(self) -> bool:
        """Whether the program makes claims for it."""
        return self.type == "volume" and self.volume.claim is None
