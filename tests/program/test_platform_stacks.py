"""One stack with the platform and one for each team: the shipped example, run whole."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pulumi
import pytest

from flink_k8s.config import stack_file
from flink_k8s.config.platform_stack import missing_platform
from flink_k8s.operations.check import check
from flink_k8s.program.render import documents
from flink_k8s.program.resource_graph import ResourceGraph
from flink_k8s.program.run import run_program
from tests.program.conftest import ROOT

EXAMPLE = ROOT / "examples" / "teams"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the example's stacks and jobs."""
    folder = tmp_path_factory.mktemp("teams")
    shutil.copy2(ROOT / "__main__.py", folder)
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    return folder


def recorded(root: Path, stack: str) -> ResourceGraph:
    return run_program(root, stack, stack_file.read(root, stack), preview=True)


def test_the_example_is_good(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stack_file.stacks(root) == ["platform", "team-a", "team-b"]
    for stack in stack_file.stacks(root):
        assert check([stack], root=root) == 0
    assert "team-a: good; jobs: team-a/orders" in capsys.readouterr().out


def test_certificates_of_a_teams_jobs_are_the_teams_also_when_the_platform_insists(root: Path) -> None:
    file = root / "Pulumi.platform.yaml"
    before = file.read_text()
    file.write_text(before + "    internalTls: {enabled: true}\n")  # at its end is `enforced`
    try:
        platform, team = recorded(root, "platform"), recorded(root, "team-a")
    finally:
        file.write_text(before)
    assert not [*platform.find_all("Certificate"), *platform.find_all("Issuer")]
    assert {item.namespace for item in team.find_all("Certificate")} == {"team-a"}
    assert (
        len(team.find_all("Certificate")) == len(team.find_all("Issuer")) == 2 * len(team.find_all("FlinkDeployment"))
    )


def test_enforced_values_of_the_platform_override_those_of_a_team(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    factor = "kubernetes.taskmanager.cpu.limit-factor"
    file = root / "Pulumi.team-a.yaml"
    before = file.read_text()
    file.write_text(f"{before}  flink-k8s:enforced: {{spec: {{flinkConfiguration: {{{factor}: '8'}}}}}}\n")
    try:
        [job] = recorded(root, "team-a").find_all("FlinkDeployment")
        assert check(["team-a"], root=root, job="orders") == 0
    finally:
        file.write_text(before)
    assert job.inputs["spec"]["flinkConfiguration"][factor] == "2"  # type: ignore[index]
    [line] = [line for line in capsys.readouterr().out.splitlines() if factor in line]
    assert line.endswith('# enforced (Pulumi.platform.yaml:17), instead of "8"')


def test_the_platform_has_every_namespace_account_and_chart_and_no_job(root: Path) -> None:
    actual = recorded(root, "platform")
    kinds = Counter(resource.kind for resource in actual.objects)
    assert kinds["Release"] == 3
    assert {resource.namespace for resource in actual.find_all("ServiceAccount")} == {"team-a", "team-b"}
    monitored = {resource.namespace for resource in actual.find_all("PodMonitor")}
    assert monitored == {"team-a", "team-b", "flink-operator", "cert-manager"}
    assert {resource.namespace for resource in actual.find_all("PersistentVolumeClaim")} == {"team-a", "team-b"}
    assert not [kind for kind in kinds if kind.startswith("Flink")]
    assert {(item.namespace, item.object_name) for item in actual.find_all("NetworkPolicy")} == {
        ("team-a", "default-deny"),
        ("team-b", "default-deny"),
        ("flink-operator", "default-deny"),
        ("flink-operator", "operator"),
    }
    assert actual.exports["platform"] == {"namespaces": ["team-a", "team-b"], "operator": "1.16.1"}
    watched = actual.find("Release", "flink-kubernetes-operator").inputs["values"]
    assert watched["watchNamespaces"] == ["team-a", "team-b"]  # type: ignore[index]


def test_team_stack_contains_only_its_jobs(root: Path) -> None:
    actual = recorded(root, "team-a")
    policy, job = sorted(actual.objects, key=lambda resource: resource.title, reverse=True)
    assert job.title == "FlinkDeployment team-a/orders"
    assert policy.title.startswith("NetworkPolicy team-a/"), "what its pods may do"
    assert actual.depends_on(job, policy)
    scraped = policy.inputs["spec"]["ingress"]  # type: ignore[index]
    assert "monitoring" in str(scraped), "the platform's Prometheus reads its metrics"
    assert actual.exports.get("platform") is None
    rendered, _ = documents(actual)
    assert sorted(str(manifest.manifest["kind"]) for manifest in rendered) == ["FlinkDeployment", "NetworkPolicy"]
    spec = job.inputs["spec"]
    assert spec["job"]["parallelism"] == 2  # type: ignore[index]
    configuration = spec["flinkConfiguration"]  # type: ignore[index]
    assert configuration["kubernetes.taskmanager.cpu.limit-factor"] == "2", "by the platform's `enforced`"
    assert configuration["execution.checkpointing.dir"].startswith("file:///flink-state"), "the platform's storage"


class TestWhatThePlatformsStackSays:
    """The program on an `up`, with another stack's outputs."""

    def run(self, root: Path, outputs: dict[str, object]) -> ResourceGraph:
        config = {**stack_file.read(root, "team-a"), "waitForJobs": False}
        return run_program(root, "team-a", config, preview=False, references=lambda _: outputs)

    def test_jobs_are_deployed_when_the_platform_has_their_namespace(self, root: Path) -> None:
        output = self.run(root, {"platform": {"namespaces": ["team-a"], "operator": "1.16.1"}})
        assert {resource.kind for resource in output.objects} == {"FlinkDeployment", "NetworkPolicy"}
        assert [message.text for message in output.messages if "operator" in message.text] == []

    @pytest.mark.parametrize(
        ("outputs", "problem"),
        [
            ({}, "the platform's stack platform is not deployed; deploy it first: make up STACK=platform"),
            (
                {"platform": {"namespaces": ["team-b"]}},
                "the platform's stack platform does not contain the namespace team-a; deploy it",
            ),
        ],
    )
    def test_jobs_are_refused_before_the_platform_has_their_namespace(
        self, root: Path, outputs: dict[str, object], problem: str
    ) -> None:
        with pytest.raises(pulumi.RunError, match=problem):
            self.run(root, outputs)

    def test_operator_version_that_differs_from_the_platform_file_is_reported(self, root: Path) -> None:
        output = self.run(root, {"platform": {"namespaces": ["team-a"], "operator": "1.7.0"}})
        assert [message.text for message in output.messages if "has operator 1.7.0" in message.text]

    def test_outputs_of_another_stack_are_not_a_platform(self) -> None:
        assert "is not deployed" in missing_platform("p", None, ["a"])
        assert "does not contain the namespace a, b" in missing_platform("p", {"namespaces": None}, ["a", "b"])
        assert missing_platform("p", {"namespaces": ["b", "a"]}, ["a"]) == ""
