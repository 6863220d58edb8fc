"""`stateStorage.create`: the bucket and the role in AWS, as the whole program declares them, without credentials."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from flink_k8s.components.state_bucket import StateBucketArgs, access_policy, trust_policy
from flink_k8s.config.state_model import StateStorage
from flink_k8s.program.resource_graph import Resource, ResourceGraph
from tests.program.conftest import ROOT, Record

ISSUER = "oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
STORAGE: dict[str, Any] = {
    "type": "s3",
    "uri": "s3://acme-flink/state",
    "region": "eu-central-1",
    "create": {"account": "123456789012", "oidcProvider": ISSUER},
}
ROLE = "arn:aws:iam::123456789012:role/acme-flink"


def of_aws(graph: ResourceGraph) -> dict[str, Resource]:
    """The resources of AWS by type, without the module."""
    return {item.type.rpartition("/")[2]: item for item in graph.resources if item.type.startswith("aws:")}


@pytest.fixture
def graph(resource_graph: Record) -> ResourceGraph:
    return resource_graph("staging", stateStorage=STORAGE, namespaces={"team-a": {}, "team-b": {}})


def test_the_bucket_is_private_and_the_role_belongs_to_the_jobs(graph: ResourceGraph) -> None:
    resources = of_aws(graph)
    assert {name.partition(":")[2] for name in resources} == {
        "Bucket",
        "BucketLifecycleConfiguration",
        "BucketPublicAccessBlock",
        "Role",
        "RolePolicy",
    }
    assert resources["bucket:Bucket"].inputs["bucket"] == "acme-flink"
    assert resources["role:Role"].inputs["name"] == "acme-flink"
    block = resources["bucketPublicAccessBlock:BucketPublicAccessBlock"].inputs
    assert [value for key, value in block.items() if key != "bucket"] == [True] * 4
    provider = next(item for item in graph.resources if item.type == "pulumi:providers:aws")
    assert (provider.inputs["region"], provider.inputs["allowedAccountIds"]) == ("eu-central-1", '["123456789012"]')


def test_accounts_use_the_role_and_jobs_wait_for_it(graph: ResourceGraph) -> None:
    accounts = [item for item in graph.find_all("ServiceAccount", "flink") if item.namespace in ("team-a", "team-b")]
    assert [item.annotations["eks.amazonaws.com/role-arn"] for item in accounts] == [ROLE, ROLE]
    job = graph.find("FlinkDeployment", "word-count")
    for resource in of_aws(graph).values():
        assert resource.urn in job.dependencies, resource.type


def test_the_policies_name_the_accounts_and_the_prefix() -> None:
    storage = StateStorage.model_validate({**STORAGE, "create": {**STORAGE["create"], "namespaces": ["staging-pr-*"]}})
    assert storage.create
    [trust] = trust_policy(StateBucketArgs(storage, storage.create, ["team-a"]))["Statement"]  # type: ignore[misc]
    assert trust["Principal"] == {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"}
    assert trust["Condition"]["StringLike"][f"{ISSUER}:sub"] == [
        "system:serviceaccount:team-a:flink",
        "system:serviceaccount:staging-pr-*:flink",
    ]
    of_bucket, of_objects = access_policy(storage)["Statement"]  # type: ignore[misc]
    assert of_bucket["Resource"] == "arn:aws:s3:::acme-flink"
    assert of_objects["Resource"] == "arn:aws:s3:::acme-flink/state/*"


@pytest.mark.parametrize(
    ("region", "uri", "resource"),
    [
        ("cn-north-1", "s3://b/", "arn:aws-cn:s3:::b/*"),
        ("us-gov-west-1", "s3a://b", "arn:aws-us-gov:s3:::b/*"),
        ("us-east-1", "s3p://b/a/c/", "arn:aws:s3:::b/a/c/*"),
    ],
)
def test_arns_of_other_partitions(region: str, uri: str, resource: str) -> None:
    storage = StateStorage.model_validate({**STORAGE, "region": region, "uri": uri})
    assert access_policy(storage)["Statement"][1]["Resource"] == resource  # type: ignore[index]
    assert storage.account_annotations["eks.amazonaws.com/role-arn"].startswith(resource.partition(":s3")[0])


def test_an_existing_bucket_gets_only_the_role(resource_graph: Record) -> None:
    create = {**STORAGE["create"], "bucket": False, "role": "flink-staging"}
    graph = resource_graph("staging", stateStorage={**STORAGE, "create": create})
    assert sorted(of_aws(graph)) == ["role:Role", "rolePolicy:RolePolicy"]
    assert of_aws(graph)["role:Role"].inputs["name"] == "flink-staging"


def test_without_the_setting_the_package_is_not_imported() -> None:
    script = (
        "import sys; from pathlib import Path; from flink_k8s.config import stack_file; "
        "from flink_k8s.program.run import run_program; root = Path.cwd(); "
        "run_program(root, 'staging', stack_file.read(root, 'staging'), preview=True); "
        "print('pulumi_aws' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_a_missing_package_is_an_error_with_a_remedy(resource_graph: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pulumi_aws", None)
    with pytest.raises(Exception, match=r"pulumi-aws 7, which is not installed; add it to requirements\.in"):
        resource_graph("staging", stateStorage={**STORAGE, "folder": "without-the-package"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"region": None}, "requires stateStorage.region"),
        ({"endpoint": "https://minio.example.org"}, "endpoint names another store"),
        (
            {"credentials": {"accessKey": {"secret": "s", "key": "k"}, "secretKey": {"secret": "s", "key": "k"}}},
            "has no effect with credentials",
        ),
        ({"serviceAccountAnnotations": {"eks.amazonaws.com/role-arn": ROLE}}, "names another role"),
        ({"create": {"account": "12", "oidcProvider": ISSUER}}, "is not an account of AWS"),
        ({"create": {"account": "123456789012", "oidcProvider": f"https://{ISSUER}"}}, "without https://"),
        ({"type": "gcs", "uri": "gs://b"}, "applies to type s3, not to gcs"),
    ],
)
def test_contradictions_are_reported(resource_graph: Record, change: dict[str, Any], message: str) -> None:
    storage = {key: value for key, value in {**STORAGE, **change}.items() if value is not None}
    with pytest.raises(Exception, match=message):
        resource_graph("staging", stateStorage=json.loads(json.dumps(storage)))
