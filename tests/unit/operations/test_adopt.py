"""`adopt`: the job files and the stack file of a recorded cluster, and what it never changes."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.stack_file import read_config
from flink_k8s.operations.adopt.command import adopt
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import ROOT

Manifest = dict[str, Any]

OBJECTS = [*yaml.safe_load_all((ROOT / "tests/data/live_objects.yaml").read_text())]
ADOPTED = [
    "ConfigMap/shop/kafka",
    "ConfigMap/shop/orders-settings",
    "FlinkBlueGreenDeployment/shop/prices",
    "FlinkDeployment/default/returns",
    "FlinkDeployment/shop/orders",
    "FlinkDeployment/shop/sessions",
    "FlinkSessionJob/shop/visits",
    "FlinkStateSnapshot/shop/orders-before-migration",
    "PersistentVolumeClaim/shop/orders-state",
]


def kind_of(resource: str) -> str:
    """`configmap` of `configmaps`, `ConfigMap` or `configmaps.v1`."""
    return resource.lower().partition(".")[0].replace("prometheuses", "prometheus").removesuffix("s")


@dataclass(frozen=True)
class Recorded(Kubectl):
    """kubectl for recorded objects: it answers `get` for one object and for lists."""

    objects: list[Manifest] = field(default_factory=list)

    def get(self, *arguments: str) -> Manifest | None:
        """The object, or the list of objects."""
        resource, *rest = arguments
        kinds = {kind_of(part) for part in resource.split(",")}
        name = rest[0] if not rest[0].startswith("-") else None
        namespace = rest[rest.index("-n") + 1] if "-n" in rest else None
        key, _, value = (rest[rest.index("-l") + 1] if "-l" in rest else "").partition("=")
        matches = [
            item
            for item in self.objects
            if kind_of(item["kind"]) in kinds
            and (name is None or item["metadata"]["name"] == name)
            and (namespace is None or item["metadata"].get("namespace") == namespace)
            and (not key or item["metadata"].get("labels", {}).get(key) == value)
        ]
        if name is not None:
            return copy.deepcopy(matches[0]) if matches else None
        return {"items": copy.deepcopy(matches)}


class Lab:
    """An empty project, and a cluster with objects."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = copy.deepcopy(OBJECTS)

    def adopt(self, stack: str = "live", **options: Any) -> None:
        def connect(cluster: Any) -> Kubectl:
            return Recorded("kubectl", cluster.context, cluster.kubeconfig, self.objects)

        adopt(stack, root=self.root, connect=connect, **options)

    def find(self, name: str, kind: str = "FlinkDeployment") -> Manifest:
        """An object of the cluster."""
        return next(item for item in self.objects if (item["kind"], item["metadata"]["name"]) == (kind, name))

    def config(self, stack: str = "live") -> Manifest:
        """The config of the stack file, without prefix."""
        content = yaml.safe_load((self.root / f"Pulumi.{stack}.yaml").read_text())
        return {key.removeprefix("flink-k8s:"): value for key, value in content["config"].items()}

    def files(self) -> dict[str, list[str]]:
        """Each job file with kind and name of its objects."""
        paths = sorted((self.root / "jobs").rglob("*.yaml"))
        return {str(path.relative_to(self.root)): [title(item) for item in documents(path)] for path in paths}

    def texts(self) -> dict[str, str]:
        """The text of every file."""
        return {str(path): path.read_text() for path in self.root.rglob("*") if path.is_file()}

    def written(self, name: str, kind: str = "FlinkDeployment") -> Manifest:
        """An object of the job files."""
        items = [item for path in self.root.rglob("jobs/**/*.yaml") for item in documents(path)]
        return next(item for item in items if (item["kind"], item["metadata"]["name"]) == (kind, name))


def documents(path: Path) -> list[Manifest]:
    return [*yaml.safe_load_all(path.read_text())]


def title(item: Manifest) -> str:
    return f"{item['kind']} {item['metadata']['namespace']}/{item['metadata']['name']}"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_each_job_gets_a_file_with_the_objects_that_only_it_uses(lab: Lab):
    lab.adopt(context="prod")
    assert lab.files() == {
        "jobs/live/orders-before-migration.yaml": ["FlinkStateSnapshot shop/orders-before-migration"],
        "jobs/live/orders.yaml": [
            "ConfigMap shop/orders-settings",
            "PersistentVolumeClaim shop/orders-state",
            "FlinkDeployment shop/orders",
        ],
        "jobs/live/prices.yaml": ["FlinkBlueGreenDeployment shop/prices"],
        "jobs/live/returns.yaml": ["FlinkDeployment default/returns"],
        "jobs/live/sessions.yaml": ["FlinkDeployment shop/sessions"],
        "jobs/live/shop-shared.yaml": ["ConfigMap shop/kafka"],
        "jobs/live/visits.yaml": ["FlinkSessionJob shop/visits"],
    }


def test_a_job_file_contains_the_complete_spec_and_the_metadata_of_the_user(lab: Lab):
    lab.adopt(context="prod")
    orders = lab.written("orders")
    assert orders["spec"] == lab.find("orders")["spec"]
    assert orders["metadata"] == {
        "name": "orders",
        "namespace": "shop",
        "labels": {"team": "shop"},
        "annotations": {"example.org/contact": "shop@example.org"},
    }
    assert orders.keys() == {"apiVersion", "kind", "metadata", "spec"}


def test_a_claim_keeps_its_volume_and_a_snapshot_its_own_labels(lab: Lab):
    lab.adopt(context="prod")
    claim = lab.written("orders-state", "PersistentVolumeClaim")
    assert claim["spec"] == lab.find("orders-state", "PersistentVolumeClaim")["spec"]
    assert claim["metadata"] == {"name": "orders-state", "namespace": "shop"}
    snapshot = lab.written("orders-before-migration", "FlinkStateSnapshot")
    assert snapshot["metadata"]["labels"] == {"purpose": "before-migration"}


def test_the_stack_file_uses_the_installed_parts(lab: Lab):
    lab.adopt(context="prod")
    existing = {"createAccount": False}
    assert lab.config() == {
        "context": "prod",
        "jobFolders": ["jobs/live"],
        "adopt": ADOPTED,
        "namespaces": {
            "default": {**existing, "podSecurity": "privileged"},
            "shop": {"create": False, **existing, "podSecurity": "baseline"},
        },
        "certManager": {"enabled": False},
        "operator": {
            "enabled": False,
            "namespace": "flink-system",
            "version": "1.15.0",
            "configuration": {
                "taskmanager.numberOfTaskSlots": "1",
                "kubernetes.operator.reconcile.interval": "15 s",
                "kubernetes.operator.observer.progress-check.interval": "5 s",
            },
        },
        "prometheus": {
            "enabled": False,
            "monitors": False,
            "namespace": "observability",
            "labels": {"release": "kps"},
        },
    }


def test_no_secret_is_written(lab: Lab, capsys: pytest.CaptureFixture[str]):
    lab.adopt(context="prod")
    assert "fbeWK3jt" not in "".join([*lab.texts().values(), *capsys.readouterr()])


def test_the_declared_stack_changes_no_object(lab: Lab, capsys: pytest.CaptureFixture[str]):
    lab.adopt(context="prod")
    output = capsys.readouterr().out
    assert "the first up imports 9 objects and changes none of them; annotations restart no job\n" in output
    stack = load(lab.root, read_config(lab.root, "live"))
    assert all(job.is_adopted for job in stack.jobs)
    for job in stack.jobs:
        assert job.deployed_spec == lab.find(job.name, job.kind)["spec"]


def test_the_output_names_owners_secrets_and_the_next_command(lab: Lab, capsys: pytest.CaptureFixture[str]):
    lab.adopt(context="prod")
    lines = capsys.readouterr().out.splitlines()
    hand_over = "hand over the objects before you change them (docs/adopt.md)"
    assert lines[0] == "adopt live: 9 objects in the context prod"
    assert f"note: the Argo CD application returns deploys FlinkDeployment default/returns; {hand_over}" in lines
    assert f"note: the Helm release visits deploys FlinkSessionJob shop/visits; {hand_over}" in lines
    assert "note: options of the operator that look like secrets are left out: s3.secret-key" in lines
    assert "note: the stack uses these Secrets, and does not take them over: shop/orders-db" in lines
    assert lines[-1] == "next: make preview STACK=live, or pulumi stack init live && pulumi preview"


def test_a_second_run_changes_no_file(lab: Lab, capsys: pytest.CaptureFixture[str]):
    lab.adopt(context="prod")
    before = lab.texts()
    lab.adopt()
    assert lab.texts() == before
    assert "changes none of them" in capsys.readouterr().out.rpartition("adopt live:")[2]


def test_a_new_job_gets_a_file_and_its_missing_entry_is_printed(lab: Lab, capsys: pytest.CaptureFixture[str]):
    lab.adopt(context="prod")
    before = lab.texts()
    more = copy.deepcopy(lab.find("returns"))
    more["metadata"] |= {"name": "orders", "namespace": "team", "annotations": {}}
    lab.objects.append(more)
    capsys.readouterr()
    lab.adopt()
    assert {path: text for path, text in lab.texts().items() if path in before} == before
    assert lab.files()["jobs/live/team-orders.yaml"] == ["FlinkDeployment team/orders"]
    output = capsys.readouterr().out
    printed = yaml.safe_load(output.partition("run the command again:\n")[2])["config"]
    assert printed == {
        "flink-k8s:adopt": ["FlinkDeployment/team/orders"],
        "flink-k8s:namespaces": {"team": {"create": False, "createAccount": False, "podSecurity": "privileged"}},
    }
    assert "next:" not in output


def test_settings_that_change_an_adopted_job_are_named(lab: Lab, capsys: pytest.CaptureFixture[str]):
    lab.adopt(context="prod")
    path = lab.root / "Pulumi.live.yaml"
    path.write_text(path.read_text() + "  flink-k8s:jobs: {orders: {parallelism: 4}, sessions: {derive: [labels]}}\n")
    capsys.readouterr()
    lab.adopt()
    output = capsys.readouterr().out
    assert "   FlinkDeployment/shop/orders: restart from savepoint; job.parallelism: 2 -> 4\n" in output
    assert "   FlinkDeployment/shop/sessions: metadata only\n" in output
    assert "imports 9 objects and changes 2 of them" in output


def test_namespaces_can_be_selected(lab: Lab):
    lab.adopt(context="prod", namespaces=["default"])
    assert lab.config()["adopt"] == ["FlinkDeployment/default/returns"]


def test_jobs_of_one_name_get_different_files(lab: Lab):
    more = copy.deepcopy(lab.find("returns"))
    more["metadata"] |= {"namespace": "shop"}
    lab.objects.append(more)
    lab.adopt(context="prod", namespaces=["default", "shop"])
    assert {"jobs/live/default-returns.yaml", "jobs/live/shop-returns.yaml"} < lab.files().keys()


def test_a_cluster_without_operator_and_prometheus(lab: Lab, capsys: pytest.CaptureFixture[str]):
    lab.objects = [item for item in lab.objects if item["kind"] not in ("Deployment", "Prometheus")]
    lab.adopt(context="prod")
    assert lab.config()["operator"] == {"enabled": False}
    assert lab.config()["prometheus"] == {"enabled": False, "monitors": False}
    assert "note: no operator has the label" in capsys.readouterr().out


def test_an_operator_without_a_version_is_noted(lab: Lab, capsys: pytest.CaptureFixture[str]):
    deployment = lab.find("flink-kubernetes-operator", "Deployment")
    deployment["metadata"]["labels"].pop("app.kubernetes.io/version", None)
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        container["image"] = "registry.example.org/flink-operator@sha256:abc"
    lab.adopt(context="prod")
    assert "version" not in lab.config()["operator"]
    assert (
        "the operator in flink-system has no version in its image or labels; set operator.version"
        in capsys.readouterr().out
    )


def test_an_operator_without_a_webhook_is_declared_without_one(lab: Lab):
    containers = lab.find("flink-kubernetes-operator", "Deployment")["spec"]["template"]["spec"]["containers"]
    containers[:] = [container for container in containers if container["name"] != "flink-webhook"]
    lab.adopt(context="prod")
    assert lab.config()["operator"]["webhook"] is False


@pytest.mark.parametrize(
    ("stack", "options", "message"),
    [
        ("live", {}, r"Pulumi\.live\.yaml contains no config; set --context to the kube-context of the stack"),
        ("a b", {"context": "prod"}, '"a b" is not a name of a stack; use lower-case letters'),
        ("live", {"context": "prod", "namespaces": ["x"]}, "prod: no Flink resource to adopt in x; check --namespace"),
    ],
)
def test_wrong_arguments_are_errors(lab: Lab, stack: str, options: dict[str, Any], message: str):
    with pytest.raises(CommandError, match=message):
        lab.adopt(stack, **options)
    assert not lab.texts()


def test_the_context_of_an_existing_stack_cannot_be_overridden(lab: Lab):
    lab.adopt(context="prod")
    with pytest.raises(CommandError, match=r"--context: Pulumi\.live\.yaml sets context: prod; remove the option"):
        lab.adopt(context="other")


def test_a_file_that_pulumi_has_written_is_completed(lab: Lab):
    (lab.root / "Pulumi.live.yaml").write_text("encryptionsalt: v1:abc\n")
    lab.adopt(context="prod")
    content = yaml.safe_load((lab.root / "Pulumi.live.yaml").read_text())
    assert content["encryptionsalt"] == "v1:abc"
    assert content["config"]["flink-k8s:adopt"] == ADOPTED


def test_a_kubeconfig_in_the_project_is_relative(lab: Lab):
    lab.adopt(context="prod", kubeconfig=lab.root / "kubeconfig")
    assert lab.config()["kubeconfig"] == "kubeconfig"
