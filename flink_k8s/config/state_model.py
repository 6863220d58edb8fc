"""The key `stateStorage` as models."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from flink_k8s.config.base import Model, Name, SecretKey, Text, matching

ROLE_ARN = "eks.amazonaws.com/role-arn"
"""Annotation of a ServiceAccount whose pods use a role of AWS."""


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


class CreatedBucket(Model):
    """s3: the bucket and the role of the jobs, which the stack creates in AWS: docs/state.md."""

    account: Annotated[
        str, matching(r"\d{12}", 'is not an account of AWS; write its 12 digits in quotes: "123456789012"')
    ] = Field(description="Account of AWS; another account of the credentials is an error.")
    oidc_provider: Annotated[
        str,
        matching(
            r"[A-Za-z0-9.-]+(/[\w-]+)+",
            "is not an OpenID Connect provider; write the issuer of the cluster without https://: "
            "oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE",
        ),
    ] = Field(description="OpenID Connect provider of the cluster in IAM: the URL of its issuer without https://.")
    role: (
        Annotated[str, matching(r"[\w+=,.@-]{1,64}", "is not the name of a role; use letters, digits and +=,.@_-")]
        | None
    ) = Field(default=None, description="Name of the role; not set: the name of the bucket.")
    bucket: bool = Field(default=True, description="false: the bucket exists, and the stack creates only the role.")
    namespaces: list[Text] = Field(
        default=[],
        description="Further namespaces whose ServiceAccount `flink` may use the role, such as those of review stacks; "
        "* matches any text: [staging-pr-*].",
    )


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
    create: CreatedBucket | None = Field(
        default=None,
        description="s3: create the bucket of `uri` and the role of the jobs in AWS; requires the package pulumi-aws.",
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
    def bucket(self) -> tuple[str, str]:
        """Name of the bucket, and the prefix in it, which can be empty."""
        parts = urlsplit(self.uri or "")
        return parts.netloc, parts.path.strip("/")

    @property
    def role(self) -> str | None:
        """Name of the role that the stack creates; None if it creates none."""
        return None if self.create is None else self.create.role or self.bucket[0]

    @property
    def account_annotations(self) -> dict[str, str]:
        """Annotations of the jobs' ServiceAccount, with the role that the stack creates."""
        if self.create is None:
            return self.service_account_annotations
        arn = f"arn:{partition(self.region)}:iam::{self.create.account}:role/{self.role}"
        return {**self.service_account_annotations, ROLE_ARN: arn}

    @property
    def makes_claims(self) -> bool:
        """Whether the program creates claims for the state."""
        return self.type == "volume" and self.volume.claim is None


def partition(region: str | None) -> str:
    """The partition of AWS in ARNs of a region."""
    start = (region or "").split("-")[0:2]
    if start == ["us", "gov"]:
        return "aws-us-gov"
    return "aws-cn" if start[0] == "cn" else "aws"
