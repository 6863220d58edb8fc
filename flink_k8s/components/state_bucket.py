"""The bucket for the jobs' state, and the role of their ServiceAccounts, in AWS.

The package pulumi-aws is imported only if a stack sets `stateStorage.create`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from flink_k8s.components.component import Component
from flink_k8s.components.namespace import JOB_ACCOUNT
from flink_k8s.config.state_model import CreatedBucket, StateStorage, partition

_DAYS_OF_UPLOADS = 7
"""After a failure, some uploads of unpublished files are never finished. A job that is down for longer loses them."""

_OF_BUCKET = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
_OF_OBJECTS = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
)


@dataclass(frozen=True)
class StateBucketArgs:
    """Arguments of `StateBucket`.

    Attributes:
        storage: the settings of the storage.
        create: what the stack creates.
        namespaces: of jobs, whose ServiceAccounts may use the role.
    """

    storage: StateStorage
    create: CreatedBucket
    namespaces: Sequence[str]


class StateBucket(Component):
    """The bucket, which outlives the stack with everything in it, and the role of the jobs."""

    def __init__(self, name: str, args: StateBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component.
            args: its settings.
            opts: parent.

        Raises:
            pulumi.RunError: if the package pulumi-aws is not installed.
        """
        storage, create = args.storage, args.create
        bucket, _ = storage.bucket
        outputs = {"bucket": bucket, "role": storage.role}
        super().__init__("flink-k8s:index:StateBucket", name, outputs, opts)
        aws = _package()
        provider = aws.Provider(
            f"{self.prefix}aws",
            region=storage.region,
            allowed_account_ids=[create.account],
            opts=pulumi.ResourceOptions(parent=self),
        )
        inside = pulumi.ResourceOptions(parent=self, provider=provider)
        if create.bucket:
            self._bucket(aws, bucket, inside)
        role = aws.iam.Role(
            f"{self.prefix}flink-state",
            name=storage.role,
            description="Flink jobs on Kubernetes: their state",
            assume_role_policy=json.dumps(trust_policy(args)),
            opts=inside,
        )
        aws.iam.RolePolicy(
            f"{self.prefix}flink-state",
            role=role.name,
            policy=json.dumps(access_policy(storage)),
            opts=inside,
        )
        self.register_outputs(outputs)

    def _bucket(self, aws: Any, name: str, inside: pulumi.ResourceOptions) -> None:
        """The bucket and its settings, which remain when the stack is destroyed: jobs restore their state from it."""
        kept = pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(retain_on_delete=True))
        bucket = aws.s3.Bucket(f"{self.prefix}flink-state", bucket=name, opts=kept)
        aws.s3.BucketPublicAccessBlock(
            f"{self.prefix}flink-state",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=kept,
        )
        uploads = {
            "id": "unfinished-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": _DAYS_OF_UPLOADS},
        }
        aws.s3.BucketLifecycleConfiguration(f"{self.prefix}flink-state", bucket=bucket.id, rules=[uploads], opts=kept)


def trust_policy(args: StateBucketArgs) -> dict[str, object]:
    """The policy that lets the jobs' ServiceAccounts of the cluster take the role (IRSA)."""
    create = args.create
    provider = f"arn:{partition(args.storage.region)}:iam::{create.account}:oidc-provider/{create.oidc_provider}"
    namespaces = [*args.namespaces, *create.namespaces]
    accounts = [f"system:serviceaccount:{namespace}:{JOB_ACCOUNT}" for namespace in dict.fromkeys(namespaces)]
    return _policy(
        {
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{create.oidc_provider}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{create.oidc_provider}:sub": accounts},
            },
        }
    )


def access_policy(storage: StateStorage) -> dict[str, object]:
    """The policy that lets the role read, write and delete the objects below the prefix of the storage."""
    bucket, prefix = storage.bucket
    arn = f"arn:{partition(storage.region)}:s3:::{bucket}"
    return _policy(
        {"Action": list(_OF_BUCKET), "Resource": arn},
        {"Action": list(_OF_OBJECTS), "Resource": "/".join(filter(None, (arn, prefix, "*")))},
    )


def _policy(*statements: dict[str, object]) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}


def _package() -> Any:
    """The package pulumi-aws.

    Raises:
        pulumi.RunError: if it is not installed.
    """
    try:
        import pulumi_aws
    except ImportError:
        raise pulumi.RunError(
            "stateStorage.create requires the package pulumi-aws 7, which is not installed; add it to requirements.in "
            "and run make lock, or create the bucket yourself and set serviceAccountAnnotations"
        ) from None
    return pulumi_aws
