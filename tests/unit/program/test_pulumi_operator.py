"""The Stack of the Pulumi Kubernetes Operator. Its fields were compared with the CRDs of operator 2.9.0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.cli.main import main
from flink_k8s.program.manifest import Manifest
from flink_k8s.program.pulumi_operator import deployment, render
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT
from tests.unit.project import Project

REPOSITORY = "https://git.example.org/flink-k8s.git"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project")


def objects(project: Project, **options: Any) -> dict[str, Any]:
    """The objects of the stack by kind; the last one of several."""
    deployed = deployment("x", REPOSITORY, "main", root=project.root, **options)
    return {str(item["kind"]): item for item in deployed.objects()}


def environment(stack: Manifest) -> dict[str, Any]:
    spec: Any = stack["spec"]
    return spec["envRefs"]


def test_the_pod_has_the_context_of_the_stack_file(project: Project) -> None:
    project.stack({"context": "production"})
    made = objects(project)
    kubeconfig = yaml.safe_load(made["ConfigMap"]["data"]["kubeconfig"])
    assert [context["name"] for context in kubeconfig["contexts"]] == ["production"]
    [mount] = made["Stack"]["spec"]["workspaceTemplate"]["spec"]["podTemplate"]["spec"]["containers"][0]["volumeMounts"]
    path = environment(made["Stack"])["KUBECONFIG"]["literal"]["value"]
    assert path == f"{mount['mountPath']}/kubeconfig"


def test_a_destroy_runs_the_program_and_its_guards(project: Project) -> None:
    spec = objects(project)["Stack"]["spec"]
    assert spec["runProgram"] is True
    assert "destroyOnFinalize" not in spec


def test_the_credentials_are_those_of_the_backend(project: Project) -> None:
    cloud = objects(project)["Stack"]
    assert environment(cloud).keys() == {"KUBECONFIG", "PULUMI_ACCESS_TOKEN"}
    assert "backend" not in cloud["spec"]
    bucket = objects(project, backend="s3://state")["Stack"]
    assert environment(bucket).keys() == {"KUBECONFIG", "PULUMI_CONFIG_PASSPHRASE"}
    assert bucket["spec"]["backend"] == "s3://state"


def test_the_image_has_the_pinned_version_of_pulumi(project: Project) -> None:
    image = objects(project)["Stack"]["spec"]["workspaceTemplate"]["spec"]["image"]
    assert image == f"pulumi/pulumi:{(ROOT / '.pulumi.version').read_text().strip()}-nonroot"


def test_a_stack_on_a_platform_waits_for_its_platform(project: Project) -> None:
    (project.root / "Pulumi.Base_1.yaml").write_text("config: {'flink-k8s:context': production}\n")
    project.stack("config: {'flink-k8s:platform': Base_1}\n")
    made = objects(project)
    assert made["Stack"]["spec"]["prerequisites"] == [{"name": "flink-k8s-base-1"}]
    assert "production" in made["ConfigMap"]["data"]["kubeconfig"]


def test_only_the_stack_of_a_platform_has_the_rights_of_an_administrator(project: Project) -> None:
    def roles() -> set[str]:
        made = deployment("x", REPOSITORY, "main", root=project.root).objects()
        references: list[Any] = [item["roleRef"] for item in made if "roleRef" in item]
        return {str(reference["name"]) for reference in references}

    assert roles() == {"system:auth-delegator", "cluster-admin"}
    (project.root / "Pulumi.base.yaml").write_text("config: {'flink-k8s:context': c}\n")
    project.stack("config: {'flink-k8s:platform': base}\n")
    assert roles() == {"system:auth-delegator"}
    notes = render(deployment("x", REPOSITORY, "main", root=project.root), project.root / "out")
    assert notes[0] == "add serviceAccount:pulumi/flink-k8s-x to access.deploy of its namespaces in base"


@pytest.mark.parametrize(
    ("text", "backend", "message"),
    [
        ("config: {'flink-k8s:context': c, 'flink-k8s:kubeconfig': k}\n", "", "kubeconfig is a file of one machine"),
        ("environment: [flink/prod]\n", "", "context is set by the environment; set it in the file"),
        ("config: {'flink-k8s:context': c}\n", "file:///state", "is in the pod, and lost with it; use a bucket"),
    ],
)
def test_a_stack_that_no_pod_can_deploy_is_an_error(project: Project, text: str, backend: str, message: str) -> None:
    project.stack(text)
    with pytest.raises(CommandError, match=message):
        objects(project, backend=backend)


def test_the_folder_is_a_kustomization(project: Project, tmp_path: Path) -> None:
    notes = render(deployment("x", REPOSITORY, "main", root=project.root), tmp_path / "out")
    index = yaml.safe_load((tmp_path / "out" / "kustomization.yaml").read_text())
    assert len(index["resources"]) == 5
    stack = yaml.safe_load((tmp_path / "out" / "stack-flink-k8s-x.yaml").read_text())
    assert stack["spec"]["projectRepo"] == REPOSITORY
    assert "--from-literal=PULUMI_ACCESS_TOKEN=…" in notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gitops", "pulumi"], "--gitops pulumi requires --repository"),
        (["--gitops", "pulumi", "--repository", REPOSITORY, "--ordered"], "renders no objects of the stack"),
        (["--repository", REPOSITORY], "are options of --gitops pulumi"),
    ],
)
def test_options_that_do_not_belong_together_are_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["render", "dev", str(tmp_path / "out"), *options]) == 1
    assert message in capsys.readouterr().err
