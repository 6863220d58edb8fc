"""The key `stateStorage` as models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from flink_k8s.config.base import Model, Name, SecretKey, Text


class StateVolume(Model):
    """A claim for state in each namespace, for `type: volume`."""

    size: Text = Field(default="5Gi", description="Size of the claim.")
    storage_class: str | None = Field(
        default=None, description="StorageClass of the claim; not set: the cluster's default."
    )
    access_mode: Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"] | None = Field(
        default=None,
        description="Access mode of the claim; not set: ReadWriteOnce, which binds all stateful pods of a namespace "
        "to one "
        "node.",
    )
    claim: Name | None = Field(
        default=None, description="Name of an existing claim in each namespace, which is used instead of a new one."
    )


class StateCredentials(Model):
    """Keys of the storage from existing Secrets in each namespace of jobs; none for workload identity."""

    access_key: SecretKey | None = Field(default=None, description="s3: id of the access key; requires `secretKey`.")
    secret_key: SecretKey | None = Field(default=None, description="s3: secret access key; requires `accessKey`.")
    account_key: SecretKey | None = Field(default=None, description="azure: key of the storage account.")
    service_account_key: SecretKey | None = Field(
        default=None, description="gcs: JSON key of a service account, mounted as a file."
    )


class ManagedIdentity(Model):
    """azure: the managed identity of the nodes or pods."""

    tenant: str = Field(description="Id of the tenant.")
    client_id: str = Field(description="Client id of the identity.")


class StateStorage(Model):
    """Storage of checkpoints, savepoints and high-availability data: docs/state.md."""

    type: Literal["s3", "azure", "gcs", "volume", "none"] = Field(default="none", description="Type of storage.")
    uri: str | None = Field(
        default=None,
        description="Bucket or container and a prefix: s3://, s3p:// or s3a://bucket/prefix; "
        "abfss://container@account.dfs.core.windows.net/prefix; gs://bucket/prefix.",
    )
    folder: str | None = Field(
        default=None,
        description="First folder in the storage; not set: the stack's name. For a renamed stack, set its old name.",
    )
    endpoint: str | None = Field(default=None, description="s3, gcs: URL of a compatible store, such as MinIO.")
    path_style: bool | None = Field(
        default=None,
        description="s3: put the bucket into the path instead of the host name; not set: true with `endpoint`.",
    )
    region: str | None = Field(
        default=None, description="s3: region of the bucket; not set: the AWS client determines it."
    )
    credentials: StateCredentials = Field(default=StateCredentials(), description="Keys of the storage, from Secrets.")
    managed_identity: ManagedIdentity | None = Field(
        default=None, description="azure with abfs or abfss: identity to use instead of an account key."
    )
    service_account_annotations: dict[str, str] = Field(
        default={},
        description="Workload identity: annotations of the jobs' ServiceAccount, such as eks.amazonaws.com/role-arn.",
    )
    volume: StateVolume = Field(default=StateVolume(), description="Claims of `type: volume`.")
    plugin: str | Literal[False] | None = Field(
        default=None,
        description="The file system's plugin: a name (flink-s3-fs-hadoop) or a jar (flink-s3-fs-hadoop-2.2.1.jar) in "
        "the image's opt/; false: the image already contains it in plugins/. Not set: by the scheme of `uri`.",
    )

    @field_validator("plugin", mode="before")
    @classmethod
    def _name_or_false(cls, value: object) -> object:
        if value is None or value is False or isinstance(value, str):
            return value
        raise ValueError(f"is {str(value).lower()}; write the name of the plugin, or false")

    @property
    def makes_claims(self) -> bool:
        """Whether the program creates claims for the state."""
        return self.type == "volume" and self.volume.claim is None
