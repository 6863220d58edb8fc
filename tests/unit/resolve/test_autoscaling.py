"""The options that `autoscaling` of a job derives, and the problems that the check finds."""

# ruff: noqa: E501 - a case a line reads best

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_k8s.facts import tables
from flink_k8s.facts.versions import OPERATORS
from flink_k8s.resolve import resource_requests
from flink_k8s.resolve.autoscaling import PROFILES
from flink_k8s.resolve.explain import explain
from tests.unit.project import JOB, SESSION, Project

BALANCED: dict[str, Any] = {"autoscaling": {"profile": "balanced", "max": 8}}
PREFIX = "job.autoscaler."


def job(version: str = "v2_2", kind: str = "FlinkDeployment", **options: str) -> str:
    """The manifest of a job, with options by their names without dots replaced by `__`."""
    manifest = yaml.safe_load(JOB)
    manifest["spec"] |= {
        "flinkVersion": version,
        "flinkConfiguration": {key.replace("__", "."): value for key, value in options.items()},
    }
    if kind == "FlinkBlueGreenDeployment":
        manifest |= {"kind": kind, "spec": {"template": {"spec": manifest["spec"]}}}
    return yaml.safe_dump(manifest)


def options(project: Project, name: str = "word-count") -> dict[str, str]:
    """The options of autoscaling in the merged job."""
    spec: Any = project.spec(name)
    inner: Any = spec["template"]["spec"] if "template" in spec else spec
    configuration: dict[str, str] = inner.get("flinkConfiguration", {})
    return {key: value for key, value in configuration.items() if "autoscaler" in key or key == "jobmanager.scheduler"}


def findings(project: Project, rule: str) -> list[str]:
    return [str(remark.problem) for remark in project.load().remarks if remark.problem.rule == rule]


def test_no_job_is_scaled_by_default(project: Project) -> None:
    assert options(project) == {}
    project.stack({"jobDefaults": BALANCED, "jobs": {"word-count": {"autoscaling": {"profile": "none"}}}})
    assert options(project) == {}


def test_a_profile_derives_its_options_and_scales_in_place(project: Project) -> None:
    project.stack({"jobs": {"word-count": {"autoscaling": {"profile": "eager", "min": 2, "max": 8}}}})
    assert options(project) == {
        **{f"{PREFIX}{key}": value for key, value in PROFILES["eager"].items()},
        f"{PREFIX}enabled": "true",
        f"{PREFIX}vertex.min-parallelism": "2",
        f"{PREFIX}vertex.max-parallelism": "8",
        f"{PREFIX}restart.time": "1 min",
        f"{PREFIX}restart.time-tracking.enabled": "true",
        "jobmanager.scheduler": "adaptive",
    }


def test_blue_green_deployments_are_scaled(project: Project) -> None:
    project.job(job(kind="FlinkBlueGreenDeployment"))
    project.stack({"jobs": {"word-count": BALANCED}})
    assert options(project)["jobmanager.scheduler"] == "adaptive"


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_operator_knows_the_options(project: Project, operator: str, profile: str) -> None:
    project.job(job("v1_18"))
    project.stack({"operator": {"version": operator}, "jobs": {"word-count": {"autoscaling": {"profile": profile, "max": 8}}}})  # fmt: skip
    scaled = {key for key in options(project) if key.startswith(PREFIX)}
    assert scaled <= tables.operator_options(operator).keys()
    assert len(scaled) >= 11


def test_older_operators_get_a_boundary_instead_of_bounds(project: Project) -> None:
    project.job(job("v1_18"))
    project.stack({"operator": {"version": "1.7.0"}, "jobs": {"word-count": BALANCED}})
    scaled = options(project)
    assert scaled[f"{PREFIX}target.utilization"] == "0.7"
    assert scaled[f"{PREFIX}target.utilization.boundary"] == "0.2"
    assert scaled[f"{PREFIX}scale-up.grace-period"] == "1 h"
    assert f"{PREFIX}restart.time-tracking.enabled" not in scaled


def test_options_of_the_user_win_by_any_name(project: Project) -> None:
    project.job(job(jobmanager__scheduler="Default"))
    settings = {
        f"kubernetes.operator.{PREFIX}metrics.window": "7m",
        f"{PREFIX}target.utilization": "0.5",
        f"{PREFIX}target.utilization.boundary": "0.1",
    }
    project.stack(
        {
            "operator": {"configuration": {f"{PREFIX}catch-up.duration": "3m"}},
            "jobs": {"word-count": {**BALANCED, "flinkConfiguration": settings}},
        }
    )
    scaled = options(project)
    assert settings.items() <= scaled.items()
    assert scaled["jobmanager.scheduler"] == "Default"
    absent = ("metrics.window", "utilization.target", "utilization.max", "utilization.min", "catch-up.duration")
    assert not {f"{PREFIX}{key}" for key in (*absent, "restart.time")} & scaled.keys()


def test_null_removes_a_derived_option(project: Project) -> None:
    project.stack({"jobs": {"word-count": {**BALANCED, "flinkConfiguration": {f"{PREFIX}metrics.window": None}}}})
    assert f"{PREFIX}metrics.window" not in options(project)


@pytest.mark.parametrize(("version", "is_in_place"), [("v1_17", False), ("v1_18", True)])
def test_older_flink_is_scaled_by_an_upgrade(project: Project, version: str, is_in_place: bool) -> None:
    project.job(job(version))
    project.stack({"jobs": {"word-count": BALANCED}})
    assert ("jobmanager.scheduler" in options(project)) is is_in_place
    assert (f"{PREFIX}restart.time" in options(project)) is is_in_place


def test_explain_names_the_source_of_the_options(project: Project) -> None:
    project.stack({"jobs": {"word-count": BALANCED}})
    [loaded] = project.load().jobs
    lines = [line for line in explain(loaded) if "autoscaler" in line]
    assert len(lines) == 13
    assert all("derived" in line for line in lines)


def test_session_jobs_are_scaled_and_their_cluster_is_not(project: Project) -> None:
    project.job(SESSION)
    project.stack({"jobDefaults": BALANCED})
    assert options(project, "session") == {}
    scaled = options(project, "in-session")
    assert scaled[f"{PREFIX}enabled"] == "true"
    assert "jobmanager.scheduler" not in scaled


def test_defaults_skip_jobs_that_cannot_be_scaled(project: Project) -> None:
    project.job(job(**{"execution__runtime-mode": "BATCH"}))
    project.stack({"jobDefaults": BALANCED})
    assert options(project) == {}


@pytest.mark.parametrize(
    ("manifest", "settings", "message"),
    [
        (job(), {"profile": "balanced"}, "jobs.word-count.autoscaling: has no max"),
        (job(), {"min": 9, "max": 8}, "jobs.word-count.autoscaling.min: is 9, which is more than max: 8"),
        (job(**{"execution__runtime-mode": "BATCH"}), {"max": 8}, "jobs.word-count.autoscaling: has no effect for a batch job"),
        (job("v1_16"), {"max": 8}, "jobs.word-count.autoscaling: has no effect for v1_16; it requires Flink 1.17"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_work_is_an_error(
    project: Project, manifest: str, settings: dict[str, Any], message: str
) -> None:
    project.job(manifest)
    project.stack({"jobs": {"word-count": {"autoscaling": settings}}})
    assert [problem for problem in project.problems() if message in problem]
    assert "autoscaling" in project.broken_rules()


def test_session_jobs_of_operator_1_7_cannot_be_scaled(project: Project) -> None:
    project.job(SESSION.replace("v2_2", "v1_18"))
    project.stack({"operator": {"version": "1.7.0"}, "jobs": {"in-session": BALANCED}})
    [problem] = project.problems()
    assert "does not read the flinkConfiguration of session jobs" in problem


def test_problems_of_a_sql_job_name_its_header(project: Project) -> None:
    header = "/* flink-k8s\nimage: i:1\nflinkVersion: v2_2\njobManager: {memory: 1g}\ntaskManager: {memory: 1g}\n"
    script = "autoscaling: {profile: eager}\n*/\nCREATE TABLE t (a INT) WITH ('connector' = 'print');\n"
    project.job(f"{header}{script}INSERT INTO t SELECT 1;\n", "totals.sql")
    assert [item for item in project.problems() if item.startswith("jobs/totals.sql:6: autoscaling: has no max")]


@pytest.mark.parametrize(
    ("limit", "settings", "message"),
    [
        (200, {}, "is not set, so Flink limits the job to 128"),
        (16, {"pipeline__max-parallelism": "8"}, "is 8, but the autoscaler may scale up to 16"),
        (16, {"pipeline__max-parallelism": "16"}, None),
        (128, {}, None),
    ],
)
def test_a_limit_above_the_maximum_parallelism_is_a_warning(
    project: Project, limit: int, settings: dict[str, str], message: str | None
) -> None:
    project.job(job(**settings))
    project.stack({"jobs": {"word-count": {"autoscaling": {"max": limit}}}})
    reported = findings(project, "max-parallelism")
    assert len(reported) == (message is not None)
    assert message is None or message in reported[0]


def test_requests_have_the_peak_of_the_autoscaler(project: Project) -> None:
    project.job(job(taskmanager__numberOfTaskSlots="2"))
    project.stack({"jobs": {"word-count": BALANCED}})
    loaded = project.load()
    requests = resource_requests.declared(loaded.jobs, loaded.attachments, loaded.settings)
    [requests_of_job] = requests.jobs.values()
    assert resource_requests.cells(requests_of_job)[0] == "2 (peak 5)"


def test_session_cluster_has_the_peak_of_its_jobs(project: Project) -> None:
    project.job(SESSION)
    project.stack({"jobs": {"in-session": BALANCED}})
    loaded = project.load()
    requests = resource_requests.declared(loaded.jobs, loaded.attachments, loaded.settings)
    assert resource_requests.cells(requests.jobs["FlinkDeployment", "flink", "session"])[0] == "2 (peak 9)"


@pytest.mark.parametrize(
    ("cpu", "message"),
    [
        (5, "requests 9 CPU at the parallelism 8 that the autoscaler can choose, exceeding the quota of 5"),
        (10, "the jobs together request 11 at the largest parallelism of word-count, so the autoscaler cannot scale"),
        (11, None),
    ],
)
def test_a_quota_below_the_peak_is_a_warning(project: Project, cpu: int, message: str | None) -> None:
    project.job(JOB.replace("word-count", "other"), "other.yaml")
    project.stack({"namespaces": {"flink": {"quota": {"cpu": cpu}}}, "jobs": {"word-count": BALANCED}})
    reported = findings(project, "quota-shared")
    assert len(reported) == (message is not None), reported
    assert message is None or message in reported[0]
