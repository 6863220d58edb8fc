"""A stack of jobs on another stack's platform: what it takes from there, what it may not say, and where problems stand."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings.platform import Platform, engine_config, load
from settings.problems import ProblemsError
from settings.stack_file import PREFIX, read, read_config
from tests.unit.settings.project import JOB

PLATFORM: dict[str, Any] = {
    "context": "c",
    "jobFolders": [],
    "namespaces": {"a": {"quota": {"cpu": 8}}, "b": {}},
    "stateStorage": {"type": "volume"},
    "operator": {"version": "1.7.0", "webhook": False},
    "charts": {"mirror": "oci://mirror"},
    "jobDefaults": {"parallelism": 2, "flinkConfiguration": {"x": "platform", "y": "platform"}},
    "enforced": {"flinkConfiguration": {"z": "platform"}},
    "strict": False,
}
TEAM: dict[str, Any] = {"platform": "below", "namespaces": {"a": {}}, "jobFolders": ["jobs/a"]}


class Stacks:
    """A project with a platform's stack `below` and a team's stack `team`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "jobs" / "a").mkdir(parents=True)
        (root / "jobs" / "a" / "word_count.yaml").write_text(JOB.replace("v2_2", "v1_17"))
        self.write("below", PLATFORM)
        self.write("team", TEAM)

    def write(self, stack: str, config: dict[str, Any]) -> None:
        keys = {f"{PREFIX}{key}": value for key, value in config.items()}
        (self.root / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": keys}, sort_keys=False))

    def load(self, stack: str = "team") -> Platform:
        return load(self.root, read_config(self.root, stack))

    def problems(self, stack: str = "team") -> list[str]:
        with pytest.raises(ProblemsError) as raised:
            self.load(stack)
        return [str(problem) for problem in raised.value.problems]


@pytest.fixture
def project(tmp_path: Path) -> Stacks:
    return Stacks(tmp_path)


def test_the_platform_has_no_jobs_and_the_team_nothing_else(project: Stacks) -> None:
    below, team = project.load("below"), project.load()
    assert (list(below.settings.own_namespaces), below.jobs) == (["a", "b"], ())
    assert [(job.namespace, job.name) for job in team.jobs] == [("a", "word-count")]
    settings = team.settings
    assert settings.own_namespaces == {}
    parts = (settings.cert_manager, settings.operator, settings.prometheus)
    assert [part.enabled for part in parts] == [False, False, False]
    assert settings.prometheus.monitors, "the platform's Prometheus scrapes the team's jobs, too"


def test_what_a_team_takes_from_the_platform(project: Stacks) -> None:
    settings = project.load().settings
    assert (settings.context, settings.operator.version, settings.operator.webhook) == ("c", "1.7.0", False)
    assert list(settings.namespaces) == ["a"]
    assert settings.namespaces["a"].quota.cpu == "8"
    assert settings.state_storage.type == "volume"
    assert settings.charts.mirror is None, "no chart is installed"
    assert settings.first_namespace == "a"


def test_how_an_ingress_is_made_is_the_platforms_and_which_jobs_have_one_the_teams(project: Stacks) -> None:
    ingress = {"template": "{{name}}.example.org", "authentication": "controller", "controller": {"namespace": "n"}}
    project.write("below", {**PLATFORM, "ingress": ingress})
    [job] = project.load().jobs
    assert "ingress" not in job.spec
    project.write("team", {**TEAM, "jobDefaults": {"ingress": {"enabled": True}}})
    [job] = project.load().jobs
    assert job.spec["ingress"]["template"] == "{{name}}.example.org"  # type: ignore[index]


def test_defaults_lie_under_the_teams_and_enforced_over_them(project: Stacks) -> None:
    own = {"flinkConfiguration": {"y": "team", "z": "team"}}
    project.write("team", {**TEAM, "jobDefaults": own, "enforced": {"flinkConfiguration": {"z": "team", "w": "team"}}})
    [job] = project.load().jobs
    assert job.spec["job"]["parallelism"] == 1, "the job file's own"  # type: ignore[index]
    configuration = job.spec["flinkConfiguration"]
    assert {key: configuration[key] for key in "wxyz"} == {"w": "team", "x": "platform", "y": "team", "z": "platform"}  # type: ignore[index]


def test_a_variable_is_from_where_the_last_of_both_takes_it(project: Stacks) -> None:
    """The team may take from a Secret what the platform's defaults say in clear, and not what it insists on."""
    key = {"secret": "s", "key": "k"}
    project.write("below", {**PLATFORM, "jobDefaults": {"env": {"A": "below"}}, "enforced": {"env": {"B": "below"}}})
    project.write("team", {**TEAM, "jobDefaults": {"secretEnv": {"A": key}}, "enforced": {"secretEnv": {"B": key}}})
    [job] = project.load().jobs
    [container] = job.spec["podTemplate"]["spec"]["containers"]  # type: ignore[index]
    assert container["env"] == [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "B", "value": "below"},
    ]


@pytest.mark.parametrize("key", ["strict", "protectJobs"])
def test_what_holds_where_either_says_so(project: Stacks, key: str) -> None:
    field = {"strict": "strict", "protectJobs": "protect_jobs"}[key]
    job = (project.root / "jobs" / "a" / "word_count.yaml").read_text().replace("pyflink:dev", f"p@sha256:{'0' * 64}")
    (project.root / "jobs" / "a" / "word_count.yaml").write_text(job)
    for below, team, expected in [(True, False, True), (False, True, True), (False, False, False)]:
        project.write("below", {**PLATFORM, "stateStorage": {"type": "none"}, key: below})
        project.write("team", {**TEAM, key: team})
        assert getattr(project.load().settings, field) is expected


def test_a_jobs_state_lies_where_the_platform_would_have_it(project: Stacks) -> None:
    job = JOB.replace("v2_2", "v1_17").replace("stateless", "savepoint")
    (project.root / "jobs" / "a" / "word_count.yaml").write_text(job)

    def directory(stack: str) -> str:
        [found] = [one for one in project.load(stack).jobs if one.namespace == "a"]
        return found.spec["flinkConfiguration"]["state.savepoints.dir"]  # type: ignore[index]

    before = directory("team")
    assert "/below/a/word-count/" in before
    project.write("below", {**PLATFORM, "jobFolders": ["jobs/a"]})
    assert directory("below") == before, "so a job moves from one stack to the other without a change"
    project.write("below", {**PLATFORM, "stateStorage": {"type": "volume", "folder": "old"}})
    assert "/old/a/word-count/" in directory("team")


def test_all_of_the_platforms_namespaces_where_a_team_names_none(project: Stacks) -> None:
    project.write("team", {"platform": "below", "jobFolders": ["jobs/a"]})
    assert list(project.load().settings.namespaces) == ["a", "b"]


@pytest.mark.parametrize(
    ("team", "problem"),
    [
        ({"platform": "belw"}, 'Pulumi.team.yaml:2: platform: is "belw", and there is no Pulumi.belw.yaml; did you mean "below"?'),
        ({"platform": "team"}, 'Pulumi.team.yaml:2: platform: is "team", which holds no platform itself'),
        ({"platform": "other"}, 'Pulumi.team.yaml:2: platform: is "other", which holds no platform itself'),
        ({"context": "d"}, "Pulumi.team.yaml:7: context: belongs to the platform; say it in Pulumi.below.yaml"),
        ({"operator": {"version": "1.16.1"}}, "operator: belongs to the platform; say it in Pulumi.below.yaml"),
        ({"stateStorage": {"type": "none"}}, "stateStorage: belongs to the platform"),
        ({"networkPolicies": {"enabled": False}}, "networkPolicies: belongs to the platform"),
        ({"ingress": {"enabled": True}}, "ingress: belongs to the platform"),
        ({"namespaces": {"aa": {}}}, 'namespaces.aa: is no namespace of Pulumi.below.yaml; did you mean "a"?, or add it there'),
        ({"namespaces": {"a": {"podSecurity": "privileged"}}}, "Pulumi.team.yaml:4: namespaces.a: belongs to the platform with all its settings"),
        ({"jobFolders": ["jobs/b"]}, "jobs/b: is no folder; job files are expected there"),
        ({"jobFolders": ["../jobs"]}, "Pulumi.team.yaml:6: jobFolders[0]: is no folder in the project; write it like"),
        ({"jobs": {"wordcount": {}}}, 'jobs.wordcount: is no job in jobs/a/; did you mean "word-count"?'),
    ],
)  # fmt: skip
def test_what_a_team_may_not_say(project: Stacks, team: dict[str, Any], problem: str) -> None:
    project.write("other", {"platform": "below"})
    project.write("team", {**TEAM, **team})
    assert [one for one in project.problems() if problem in one], project.problems()


def test_a_problem_stands_where_the_value_does(project: Stacks) -> None:
    project.write("below", {**PLATFORM, "operator": {"version": "1.99"}})
    assert [one for one in project.problems() if one.startswith("Pulumi.below.yaml:") and "operator.version" in one]
    project.write("below", {**PLATFORM, "strict": True, "namespaces": {"a": {"quota": {"cpu": 3}}}})
    other = JOB.replace("v2_2", "v1_17").replace("name: word-count", "name: other")
    (project.root / "jobs" / "a" / "other.yaml").write_text(other)
    assert [
        one for one in project.problems() if one.startswith("Pulumi.below.yaml:") and "namespaces.a.quota.cpu" in one
    ]


@pytest.mark.parametrize(
    ("api", "kind"),
    [("v1", "Namespace"), ("v1", "ServiceAccount"), ("networking.k8s.io/v1", "NetworkPolicy"), ("rbac.authorization.k8s.io/v1", "RoleBinding")],
)  # fmt: skip
def test_a_teams_job_file_holds_nothing_of_the_platforms(project: Stacks, api: str, kind: str) -> None:
    manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": "mine"}}
    (project.root / "jobs" / "a" / "more.yaml").write_text(yaml.safe_dump(manifest))
    assert [one for one in project.problems() if f"kind: is {kind}, which belongs to the platform" in one]
    project.write("below", {**PLATFORM, "jobFolders": ["jobs/a"]})
    assert "mine" in [one.source.name for one in project.load("below").attachments]


def test_a_teams_claims_and_config_maps_are_its_own(project: Stacks) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}}
    (project.root / "jobs" / "a" / "more.yaml").write_text(yaml.safe_dump(manifest))
    assert [one.source.name for one in project.load().attachments] == ["mine"]


def test_the_engines_config_gives_the_same(project: Stacks) -> None:
    said: dict[str, Any] = {
        **read(project.root, "team"),
        "context": "",
        "operator": {},
        "strict": False,
        "jobTimeout": "10m",
    }
    values = {f"{PREFIX}{key}": value if isinstance(value, str) else json.dumps(value) for key, value in said.items()}
    from_engine = load(project.root, engine_config(values, "team"))
    assert from_engine.settings == project.load().settings
    assert [job.manifest for job in from_engine.jobs] == [job.manifest for job in project.load().jobs]


def test_the_claim_for_state_costs_the_platform_and_counts_in_the_teams_quota(project: Stacks) -> None:
    from settings import costs

    def storage(stack: str) -> int:
        platform = project.load(stack)
        return costs.declared(platform.jobs, platform.attachments, platform.settings).total.usage.storage

    assert (storage("below"), storage("team")) == (2 * 5 * 2**30, 0)
    project.write("below", {**PLATFORM, "namespaces": {"a": {"quota": {"claims": 0}}}})
    assert [one for one in project.problems() if "namespaces.a.quota.claims: is 0, and 1 claims" in one]
