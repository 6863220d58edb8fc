"""A team's stack: inherited settings, keys that it cannot set, and the locations of problems."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.job_files import read_folders
from flink_k8s.config.platform_stack import with_platform
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import PREFIX, engine_config, read, read_config
from flink_k8s.config.validation import read_platform_settings, read_settings
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.explain import explain
from flink_k8s.resolve.job_spec import SAVEPOINT_ON_DELETION
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.resolution import resolve
from flink_k8s.support.paths import ROOT
from tests.unit.project import JOB

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
BARE = """apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: word-count}
spec:
  flinkVersion: v1_17
  job: {jarURI: local:///x.jar, upgradeMode: savepoint}
"""


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

    def load(self, stack: str = "team") -> DeclaredStack:
        return load(self.root, read_config(self.root, stack))

    def problems(self, stack: str = "team") -> list[str]:
        with pytest.raises(ProblemsError) as raised:
            self.load(stack)
        return [str(problem) for problem in raised.value.problems]


@pytest.fixture
def project(tmp_path: Path) -> Stacks:
    return Stacks(tmp_path)


def test_platform_has_no_jobs_and_team_has_only_jobs(project: Stacks) -> None:
    platform, team = project.load("below"), project.load()
    assert (list(platform.settings.own_namespaces), platform.jobs) == (["a", "b"], ())
    assert [(job.namespace, job.name) for job in team.jobs] == [("a", "word-count")]
    settings = team.settings
    assert settings.own_namespaces == {}
    parts = (settings.cert_manager, settings.operator, settings.prometheus)
    assert [part.enabled for part in parts] == [False, False, False]
    assert settings.prometheus.monitors, "the platform's Prometheus scrapes the team's jobs, too"


def test_team_inherits_the_settings_of_the_platform(project: Stacks) -> None:
    settings = project.load().settings
    assert (settings.context, settings.operator.version, settings.operator.webhook) == ("c", "1.7.0", False)
    assert list(settings.namespaces) == ["a"]
    assert settings.namespaces["a"].quota.cpu == "8"
    assert settings.state_storage.type == "volume"
    assert settings.charts.mirror is None, "no chart is installed"
    assert settings.fallback_namespace == "a"


def test_platform_configures_the_ingress_and_the_team_selects_jobs(project: Stacks) -> None:
    ingress = {"template": "{{name}}.example.org", "authentication": "controller", "controller": {"namespace": "n"}}
    project.write("below", {**PLATFORM, "ingress": ingress})
    [job] = project.load().jobs
    assert "ingress" not in job.spec
    project.write("team", {**TEAM, "jobDefaults": {"ingress": {"enabled": True}}})
    [job] = project.load().jobs
    assert job.spec["ingress"]["template"] == "{{name}}.example.org"  # type: ignore[index]


def test_platform_defaults_are_below_and_enforced_above_the_team(project: Stacks) -> None:
    own = {"flinkConfiguration": {"y": "team", "z": "team"}}
    project.write("team", {**TEAM, "jobDefaults": own, "enforced": {"flinkConfiguration": {"z": "team", "w": "team"}}})
    [job] = project.load().jobs
    assert job.spec["job"]["parallelism"] == 1, "the job file's own"  # type: ignore[index]
    configuration = job.spec["flinkConfiguration"]
    assert {key: configuration[key] for key in "wxyz"} == {"w": "team", "x": "platform", "y": "team", "z": "platform"}  # type: ignore[index]


def test_variable_has_the_kind_of_its_last_source(project: Stacks) -> None:
    """A team can replace a plaintext default of the platform by a Secret, but not an enforced value."""
    key = {"secret": "s", "key": "k"}
    project.write("below", {**PLATFORM, "jobDefaults": {"env": {"A": "below"}}, "enforced": {"env": {"B": "below"}}})
    project.write("team", {**TEAM, "jobDefaults": {"secretEnv": {"A": key}}, "enforced": {"secretEnv": {"B": key}}})
    [job] = project.load().jobs
    [container] = job.spec["podTemplate"]["spec"]["containers"]  # type: ignore[index]
    assert container["env"] == [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "B", "value": "below"},
    ]


KEY = {"secret": "s", "key": "k"}


@pytest.mark.parametrize(
    ("platform", "team", "path", "expected"),
    [
        ({"image": "platform:1"}, {"spec": {"image": "team:1"}}, ("image",), "platform:1"),
        ({"flinkConfiguration": {"z": "platform"}}, {"spec": {"flinkConfiguration": {"z": "team"}}}, ("flinkConfiguration", "z"), "platform"),
        ({"flinkConfiguration": {"a": {"b": "platform"}}}, {"flinkConfiguration": {"a.b": "team"}}, ("flinkConfiguration", "a.b"), "platform"),
        ({"flinkConfiguration": {"restart-strategy": "none"}}, {"flinkConfiguration": {"restart-strategy.type": "fixed-delay"}}, ("flinkConfiguration", "restart-strategy.type"), None),
        ({"flinkConfiguration": {"z": None}}, {"flinkConfiguration": {"z": "team"}}, ("flinkConfiguration", "z"), None),
        ({"savepointOnDeletion": True}, {"flinkConfiguration": {SAVEPOINT_ON_DELETION: "false"}}, ("flinkConfiguration", SAVEPOINT_ON_DELETION), "true"),
        ({"restoreFrom": "s3://platform"}, {"spec": {"job": {"initialSavepointPath": "s3://team"}}}, ("job", "initialSavepointPath"), "s3://platform"),
        ({"jobManager": {"cpu": 1.0}}, {"spec": {"jobManager": {"resource": {"cpu": 8}}}}, ("jobManager", "resource", "cpu"), 1.0),
        ({"env": {"A": "platform"}}, {"spec": {"podTemplate": {"spec": {"containers": [{"name": "flink-main-container", "env": [{"name": "A", "value": "team"}]}]}}}}, ("podTemplate", "spec", "containers", 0, "env", 0, "value"), "platform"),
    ],
)  # fmt: skip
def test_team_cannot_override_enforced_values(
    project: Stacks, platform: dict[str, Any], team: dict[str, Any], path: tuple[str | int, ...], expected: object
) -> None:
    """Under any wording of the team; in `jobDefaults`, the team wins."""

    def value() -> object:
        [job] = load_unchecked(project)
        actual: Any = job.spec
        for part in path:
            actual = actual[part] if isinstance(part, int) else actual.get(part)
        return actual

    (project.root / "jobs" / "a" / "word_count.yaml").write_text(BARE)
    project.write("below", {**PLATFORM, "stateStorage": {"type": "none"}, "enforced": platform})
    project.write("team", {**TEAM, "jobDefaults": team, "jobs": {"word-count": team}, "enforced": team})
    assert value() == expected
    project.write("below", {**PLATFORM, "stateStorage": {"type": "none"}, "jobDefaults": team, "enforced": {}})
    project.write("team", {**TEAM, "jobDefaults": platform})
    assert value() == expected


@pytest.mark.parametrize(
    ("platform", "team", "expected"),
    [
        ({"args": ["platform"]}, {"parameters": {"audit": "off"}}, ["platform"]),
        ({"args": ["platform"]}, {"spec": {"job": {"args": ["team"]}}}, ["platform"]),
        ({"parameters": {"audit": "on"}}, {"args": ["team", "--audit", "off"]}, ["team", "--audit", "on"]),
        ({"parameters": {"audit": "on"}}, {"parameters": {"audit": "off"}}, ["--audit", "on"]),
        ({"parameters": {"audit": None}}, {"parameters": {"audit": "off"}, "args": ["team"]}, ["team"]),
    ],
)  # fmt: skip
def test_arguments_that_the_platform_insists_on(
    project: Stacks, platform: dict[str, Any], team: dict[str, Any], expected: list[str]
) -> None:
    """The team's list remains if the platform enforces single parameters; its parameters do not change an enforced list."""
    (project.root / "jobs" / "a" / "word_count.yaml").write_text(BARE)
    project.write("below", {**PLATFORM, "enforced": platform})
    project.write("team", {**TEAM, "enforced": team})
    [job] = load_unchecked(project)
    assert job.spec["job"]["args"] == expected  # type: ignore[index]


def test_nulls_of_platform_and_team_remove_values(project: Stacks) -> None:
    """Also values of the job file only: the null must reach the job file."""
    job = JOB.replace("v2_2", "v1_17") + "  flinkConfiguration: {b: file, c: file}\n"
    (project.root / "jobs" / "a" / "word_count.yaml").write_text(job)
    project.write("below", {**PLATFORM, "enforced": {"flinkConfiguration": {"b": None}}})
    project.write("team", {**TEAM, "enforced": {"flinkConfiguration": {"c": None}}})
    [actual] = project.load().jobs
    assert {"b", "c"}.isdisjoint(actual.spec["flinkConfiguration"])  # type: ignore[call-overload]
    project.write("below", {**PLATFORM, "jobDefaults": {"parameters": {"k": "platform", "l": "platform"}}})
    project.write("team", {**TEAM, "jobDefaults": {"parameters": {"k": None, "l": "team"}}})
    [actual] = project.load().jobs
    args = actual.spec["job"]["args"]  # type: ignore[index]
    assert args[-2:] == ["--l", "team"]
    assert "--k" not in args


def test_enforced_settings_outside_of_the_spec_apply_to_teams(project: Stacks) -> None:
    """Namespace, whether the job is there, protection and reach: the platform's `enforced`, the team's `jobDefaults`."""
    ours = {"namespace": "b", "protect": True, "egress": [{"namespace": "b", "ports": [1]}], "enabled": True}
    theirs = {"namespace": "a", "protect": False, "egress": [], "enabled": False}
    for platform, team in (
        ({"enforced": ours}, {"enforced": theirs}),
        ({"jobDefaults": theirs}, {"jobDefaults": ours}),
    ):
        project.write("below", {**PLATFORM, **platform})
        project.write("team", {**TEAM, "namespaces": {"a": {}, "b": {}}, **team})
        [job] = project.load().jobs
        assert (job.namespace, job.is_protected, [item.ports for item in job.settings.egress or []]) == (
            "b",
            True,
            [["1"]],
        )


def test_explain_names_the_stack_that_sets_a_value(project: Stacks) -> None:
    platform_job = {
        "image": "platform:1",
        "parameters": {"audit": "on", "own": "platform"},
        "flinkConfiguration": {"z": "p"},
    }
    team = {"spec": {"image": "team:1", "flinkConfiguration": {"z": "t"}}, "parameters": {"audit": "off", "mine": 1}}
    project.write("below", {**PLATFORM, "enforced": platform_job})
    project.write("team", {**TEAM, "jobDefaults": {"flinkConfiguration": {"x": "team"}}, "enforced": team})
    [job] = project.load().jobs
    lines = [re.sub(" +", " ", line) for line in explain(job)]

    def line_of(stack: str, text: str) -> str:
        file = f"Pulumi.{stack}.yaml"
        lines = (project.root / file).read_text().splitlines()
        return f"({file}:{next(index for index, line in enumerate(lines, 1) if text in line)})"

    configuration = "spec.flinkConfiguration"
    assert f'spec.image = "platform:1" # enforced {line_of("below", "platform:1")}, instead of "team:1"' in lines
    assert f'{configuration}.z = "p" # enforced {line_of("below", "z: p")}, instead of "t"' in lines
    assert f'{configuration}.x = "team" # jobDefaults {line_of("team", "x: team")}' in lines
    assert f'{configuration}.y = "platform" # jobDefaults {line_of("below", "y: platform")}' in lines
    args = {line.partition(" = ")[2] for line in lines if ".args[" in line}
    audit = line_of("below", "audit:")
    assert {f'"--audit" # enforced {audit}', f'"on" # enforced {audit}, instead of "off"'} <= args
    assert f'"--mine" # enforced {line_of("team", "mine:")}' in args
    assert f'"--own" # enforced {line_of("below", "own:")}' in args


def test_findings_name_the_platform_or_team_file(project: Stacks) -> None:
    everywhere = {"egress": [{"cidr": "0.0.0.0/0"}]}
    project.write("below", {**PLATFORM, "enforced": {**everywhere, "imag": "x", "env": {"A": "a"}}})
    project.write("team", {**TEAM, "strict": True, "enforced": {**everywhere, "image": 1}})
    problems = project.problems()
    assert [
        problem
        for problem in problems
        if problem.startswith("Pulumi.below.yaml:") and "enforced.imag: unknown field" in problem
    ]
    assert [
        problem for problem in problems if problem.startswith("Pulumi.team.yaml:") and "enforced.image: is 1" in problem
    ]
    for stack in ("below", "team"):
        assert [
            problem
            for problem in problems
            if f"Pulumi.{stack}.yaml:" in problem and "enforced.egress[0]: allows every port" in problem
        ]
    values = {f"{PREFIX}platform": "below", f"{PREFIX}enforced": '{"env": {"A": {}}}'}
    with pytest.raises(ProblemsError, match=r"Pulumi.team.yaml: enforced.env.A: is a mapping"):
        load(project.root, engine_config(values, "team"))
    restored = {"enforced": {"restoreFrom": "s3://b/s"}}
    project.write("below", {**PLATFORM, **restored})
    project.write("team", {**TEAM})
    assert [
        problem
        for problem in project.problems()
        if "Pulumi.below.yaml" in problem and "enforced.restoreFrom: would start" in problem
    ]
    certificates = {"enforced": {"internalTls": {"enabled": True, "duration": "1m"}}}
    project.write("below", {**PLATFORM, **certificates, "operator": {"version": "1.16.1"}})
    project.write("team", {**TEAM, "enforced": {"internalTls": {"enabled": False}}})
    assert [
        problem
        for problem in project.problems()
        if "Pulumi.below.yaml" in problem and "enforced.internalTls.duration" in problem
    ]


def load_unchecked(project: Stacks) -> tuple[Job, ...]:
    """The team's jobs, whatever the checks say of them."""
    config, _ = with_platform(project.root, read_config(project.root, "team"))
    settings, _ = read_settings(config)
    platform, _ = read_platform_settings(config)
    objects, _ = read_folders(project.root, ["jobs/a"])
    assert settings is not None
    return resolve(settings, config, objects, project.root, platform).jobs


@pytest.mark.parametrize("key", ["strict", "protectJobs"])
def test_boolean_is_enabled_if_the_platform_or_the_team_enables_it(project: Stacks, key: str) -> None:
    field = {"strict": "strict", "protectJobs": "protect_jobs"}[key]
    job = (project.root / "jobs" / "a" / "word_count.yaml").read_text().replace("pyflink:dev", f"p@sha256:{'0' * 64}")
    (project.root / "jobs" / "a" / "word_count.yaml").write_text(job)
    for platform, team, expected in [(True, False, True), (False, True, True), (False, False, False)]:
        project.write("below", {**PLATFORM, "stateStorage": {"type": "none"}, key: platform})
        project.write("team", {**TEAM, key: team})
        assert getattr(project.load().settings, field) is expected


def test_state_directories_of_a_team_have_the_platform_stack(project: Stacks) -> None:
    job = JOB.replace("v2_2", "v1_17").replace("stateless", "savepoint")
    (project.root / "jobs" / "a" / "word_count.yaml").write_text(job)

    def directory(stack: str) -> str:
        [match] = [job for job in project.load(stack).jobs if job.namespace == "a"]
        return match.spec["flinkConfiguration"]["state.savepoints.dir"]  # type: ignore[index]

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
        ({"platform": "belw"}, 'Pulumi.team.yaml:2: platform: is "belw", but Pulumi.belw.yaml does not exist; did you mean "below"?'),
        ({"platform": "team"}, "Pulumi.team.yaml:2: platform: is \"team\", which is not a platform's stack"),
        ({"platform": "other"}, "Pulumi.team.yaml:2: platform: is \"other\", which is not a platform's stack"),
        ({"context": "d"}, "Pulumi.team.yaml:7: context: belongs to the platform; set it in Pulumi.below.yaml"),
        ({"operator": {"version": "1.16.1"}}, "operator: belongs to the platform; set it in Pulumi.below.yaml"),
        ({"stateStorage": {"type": "none"}}, "stateStorage: belongs to the platform"),
        ({"networkPolicies": {"enabled": False}}, "networkPolicies: belongs to the platform"),
        ({"ingress": {"enabled": True}}, "ingress: belongs to the platform"),
        ({"namespaces": {"aa": {}}}, 'namespaces.aa: unknown namespace of Pulumi.below.yaml; did you mean "a"?; or add it to that file'),
        ({"namespaces": {"a": {"podSecurity": "privileged"}}}, "Pulumi.team.yaml:4: namespaces.a: contains settings that belong to the platform"),
        ({"jobFolders": ["jobs/b"]}, "jobs/b: is not a folder; create it, or correct jobFolders"),
        ({"jobFolders": ["../jobs"]}, "Pulumi.team.yaml:6: jobFolders[0]: is not a folder in the project; write a relative path such as"),
        ({"jobs": {"wordcount": {}}}, 'jobs.wordcount: unknown job in jobs/a/; did you mean "word-count"?'),
    ],
)  # fmt: skip
def test_platform_keys_in_a_team_stack_are_errors(project: Stacks, team: dict[str, Any], problem: str) -> None:
    project.write("other", {"platform": "below"})
    project.write("team", {**TEAM, **team})
    assert [item for item in project.problems() if problem in item], project.problems()


def test_problem_is_in_the_file_that_sets_the_value(project: Stacks) -> None:
    project.write("below", {**PLATFORM, "operator": {"version": "1.99"}})
    assert [
        problem
        for problem in project.problems()
        if problem.startswith("Pulumi.below.yaml:") and "operator.version" in problem
    ]
    project.write("below", {**PLATFORM, "strict": True, "namespaces": {"a": {"quota": {"cpu": 3}}}})
    other = JOB.replace("v2_2", "v1_17").replace("name: word-count", "name: other")
    (project.root / "jobs" / "a" / "other.yaml").write_text(other)
    assert [
        problem
        for problem in project.problems()
        if problem.startswith("Pulumi.below.yaml:") and "namespaces.a.quota.cpu" in problem
    ]


@pytest.mark.parametrize(
    ("api", "kind"),
    [("v1", "Namespace"), ("v1", "ServiceAccount"), ("networking.k8s.io/v1", "NetworkPolicy"), ("rbac.authorization.k8s.io/v1", "RoleBinding")],
)  # fmt: skip
def test_platform_objects_in_a_team_job_file_are_errors(project: Stacks, api: str, kind: str) -> None:
    manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": "mine"}}
    (project.root / "jobs" / "a" / "more.yaml").write_text(yaml.safe_dump(manifest))
    assert [problem for problem in project.problems() if f"kind: is {kind}, which belongs to the platform" in problem]
    project.write("below", {**PLATFORM, "jobFolders": ["jobs/a"]})
    assert "mine" in [attachment.source.name for attachment in project.load("below").attachments]


def test_a_teams_claims_and_config_maps_are_its_own(project: Stacks) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}}
    (project.root / "jobs" / "a" / "more.yaml").write_text(yaml.safe_dump(manifest))
    assert [attachment.source.name for attachment in project.load().attachments] == ["mine"]


def test_the_engines_config_with_all_defaults_gives_the_same(project: Stacks) -> None:
    keys = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    config = {**{key: entry["default"] for key, entry in keys.items()}, **read(project.root, "team")}
    values = {f"{PREFIX}{key}": value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    from_engine = load(project.root, engine_config(values, "team"))
    assert from_engine.settings == project.load().settings
    assert [job.manifest for job in from_engine.jobs] == [job.manifest for job in project.load().jobs]


def test_the_claim_for_state_costs_the_platform_and_counts_in_the_teams_quota(project: Stacks) -> None:
    from flink_k8s.resolve import resource_requests

    def storage(stack: str) -> int:
        platform = project.load(stack)
        return resource_requests.declared(platform.jobs, platform.attachments, platform.settings).total.normal.storage

    assert (storage("below"), storage("team")) == (2 * 5 * 2**30, 0)
    project.write("below", {**PLATFORM, "namespaces": {"a": {"quota": {"claims": 0}}}})
    assert [problem for problem in project.problems() if "namespaces.a.quota.claims: is 0, but 1 claims" in problem]
