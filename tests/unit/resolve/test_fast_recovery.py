"""The options that `recovery: fast` of a job derives."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_k8s.resolve.explain import explain
from tests.unit.project import JOB, SESSION, Project

FAST: dict[str, Any] = {"recovery": "fast", "upgradeMode": "savepoint"}
RESTART = {
    "restart-strategy.type": "exponential-delay",
    "restart-strategy.exponential-delay.initial-backoff": "200 ms",
    "heartbeat.interval": "5 s",
    "heartbeat.timeout": "20 s",
}
NATIVE = {"slotmanager.redundant-taskmanager-num": "1", "jobmanager.scheduler": "adaptive"}
LOCAL = {"execution.checkpointing.local-backup.enabled": "true", "execution.state-recovery.from-local": "true"}
LOCAL_BEFORE_1_20 = {"state.backend.local-recovery": "true"}
KEYS = {*RESTART, *NATIVE, *LOCAL, *LOCAL_BEFORE_1_20}


def manifest(version: str = "v2_2", **spec: Any) -> str:
    job = yaml.safe_load(JOB)
    job["spec"] |= {"flinkVersion": version, **spec}
    return yaml.safe_dump(job)


def stack(project: Project, **settings: Any) -> None:
    storage = {"type": "volume", "volume": {"size": "1Gi"}}
    project.stack({"stateStorage": storage, "jobs": {"word-count": {**FAST, **settings}}})


def options(project: Project) -> dict[str, str]:
    return {key: value for key, value in project.spec()["flinkConfiguration"].items() if key in KEYS}


def test_recovery_is_that_of_flink_by_default(project: Project) -> None:
    assert options(project) == {}
    stack(project, recovery="default")
    assert options(project) == {}
    assert "replicas" not in project.spec()["jobManager"]


def test_a_job_with_state_gets_standby_processes_and_local_state(project: Project) -> None:
    stack(project)
    assert options(project) == {**RESTART, **NATIVE, **LOCAL}
    assert project.spec()["jobManager"]["replicas"] == 2


def test_a_job_without_high_availability_has_no_standby_job_manager(project: Project) -> None:
    project.stack({"jobs": {"word-count": {"recovery": "fast"}}})
    assert options(project) == {**RESTART, **NATIVE}
    assert "replicas" not in project.spec()["jobManager"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v1_16", {}),
        ("v1_17", {**RESTART, "slotmanager.redundant-taskmanager-num": "1", **LOCAL_BEFORE_1_20}),
        ("v1_19", {**RESTART, **NATIVE, **LOCAL_BEFORE_1_20}),
        ("v1_20", {**RESTART, **NATIVE, **LOCAL}),
    ],
)
def test_options_are_those_of_the_flink_version(project: Project, version: str, expected: dict[str, str]) -> None:
    project.job(manifest(version))
    stack(project)
    assert options(project) == expected


def test_task_managers_of_the_operator_have_no_spare(project: Project) -> None:
    project.job(manifest(mode="standalone"))
    stack(project)
    assert options(project) == {**RESTART, **LOCAL}


def test_values_of_the_user_win_by_any_name(project: Project) -> None:
    own = {"restart-strategy": "none", "state.backend.local-recovery": "false", "jobmanager.scheduler": "Default"}
    stack(project, flinkConfiguration=own, jobManager={"replicas": 1})
    spec = project.spec()
    assert own.items() <= spec["flinkConfiguration"].items()
    assert (
        not {"restart-strategy.type", "execution.checkpointing.local-backup.enabled"}
        & spec["flinkConfiguration"].keys()
    )
    assert spec["jobManager"]["replicas"] == 1


def test_explain_names_the_source(project: Project) -> None:
    stack(project)
    [job] = project.load().jobs
    [line] = [line for line in explain(job) if "redundant-taskmanager-num" in line]
    assert "derived" in line


def test_a_setting_without_effect_is_a_warning(project: Project) -> None:
    project.job(SESSION)
    project.stack({"jobs": {"session": {"recovery": "fast"}, "in-session": {"recovery": "fast"}}})
    messages = [remark for remark in project.remarks() if ".recovery: has no effect" in remark]
    assert len(messages) == 2
    project.stack({"jobDefaults": {"recovery": "fast"}})
    assert not [remark for remark in project.remarks() if "recovery: has no effect" in remark]


@pytest.mark.parametrize("option", [{"heartbeat.interval": "30 s"}, {"heartbeat.timeout": "3 s"}])
def test_the_heartbeat_of_the_user_is_not_combined_with_a_derived_value(
    project: Project, option: dict[str, str]
) -> None:
    stack(project, flinkConfiguration=option)
    configuration = project.spec()["flinkConfiguration"]
    assert {key: value for key, value in configuration.items() if key.startswith("heartbeat.")} == option
