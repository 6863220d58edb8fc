"""The copies of a restore drill: where they run, and that they write neither to the state nor the outputs of a job."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import read_config
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.drill import DIRECTORY
from tests.unit.project import JOB, SESSION, Project

PATH = "s3p://b/flink/x/flink/word-count/savepoints/savepoint-1-2"
STATEFUL = JOB.replace("upgradeMode: stateless", "upgradeMode: last-state")
STORAGE = {
    "type": "s3",
    "uri": "s3p://b/flink",
    "endpoint": "http://minio:9000",
    "credentials": {"accessKey": {"secret": "k", "key": "a"}, "secretKey": {"secret": "k", "key": "s"}},
}
CONFIG: dict[str, Any] = {
    "stateStorage": STORAGE,
    "namespaces": {"flink": {}, "flink-drill": {}},
    "jobs": {"word-count": {"drill": {"parameters": {"output": "s3a://drill/out"}}}},
}
OTHER_FILE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: lookup}
---
apiVersion: v1
kind: Service
metadata: {name: orders}
spec: {selector: {app: orders}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: producer}
spec:
  selector: {matchLabels: {app: producer}}
  template:
    metadata: {labels: {app: producer}}
    spec: {containers: [{name: producer, image: "producer:1"}]}
"""


def copies(project: Project, copied: dict[str, str] | None = None, **config: Any) -> DeclaredStack:
    """The stack of a drill with copies of these jobs."""
    project.stack({**CONFIG, **config})
    values = dict(read_config(project.root, "x").values)
    values["restoreDrill"] = {"jobs": copied or {"FlinkDeployment/flink/word-count": PATH}}
    return load(project.root, replace(read_config(project.root, "x"), values=values, stack="x-drill"))


def spec_of_copy(project: Project, **config: Any) -> dict[str, Any]:
    [job] = copies(project, **config).jobs
    return dict(job.spec)


def test_a_copy_is_in_the_namespace_of_the_drill(project: Project) -> None:
    project.job(STATEFUL)
    stack = copies(project)
    assert [job.key for job in stack.jobs] == ["FlinkDeployment/flink-drill/word-count"]
    assert stack.jobs[0].manifest["metadata"]["namespace"] == "flink-drill"  # pyright: ignore
    assert stack.settings.own_namespaces == {}
    assert not stack.settings.makes_monitors


def test_a_copy_restores_the_path_with_redirected_outputs(project: Project) -> None:
    project.job(STATEFUL)
    enforced = {"parameters": {"output": "s3a://prod/out"}, "upgradeMode": "savepoint"}
    job = spec_of_copy(project, enforced=enforced)["job"]
    assert job["initialSavepointPath"] == PATH
    assert job["args"] == ["--input", "/in", "--verbose", "--output", "s3a://drill/out"]
    assert "allowNonRestoredState" not in job


def test_a_copy_may_start_without_the_state_of_a_replaced_sink(project: Project) -> None:
    project.job(STATEFUL)
    drill = {"parameters": {"sink": "drill"}, "allowNonRestoredState": True}
    assert spec_of_copy(project, jobs={"word-count": {"drill": drill}})["job"]["allowNonRestoredState"] is True


@pytest.mark.parametrize("operator", ["1.7.0", "1.16.1"])
@pytest.mark.parametrize("flink", ["v1_16", "v1_18", "v1_20", "v2_2"])
def test_nothing_of_a_copy_names_a_directory_of_its_original(project: Project, operator: str, flink: str) -> None:
    """Whatever names and sources the options have: Flink reads the name that the drill sets first."""
    job = STATEFUL.replace("flinkVersion: v2_2", f"flinkVersion: {flink}")
    project.job(job + "  flinkConfiguration: {state.checkpoints.dir: s3p://own/cp, high-availability: zookeeper}\n")
    own = {
        "state.savepoints.dir": "s3p://own/sp",
        "high-availability.storageDir": "s3p://own/ha",
        "execution.savepoint-restore-mode": "CLAIM",
        "jobmanager.archive.fs.dir": "s3p://own/archive",
        "dstl.dfs.base-path": "s3p://own/changelog",
        "$internal.pipeline.job-id": "00000000000000000000000000000001",
    }
    configuration = spec_of_copy(
        project, enforced={"flinkConfiguration": own}, operator={"version": operator}, strict=True
    )["flinkConfiguration"]
    high_availability = {key: configuration[key] for key in configuration if key.startswith("high-availability")}
    assert high_availability.pop("high-availability.storageDir", "s3p://own/ha") == "s3p://own/ha"
    assert set(high_availability.values()) == {"NONE"}
    directories = {key: value for key, value in configuration.items() if "s3p://" in value or DIRECTORY in value}
    assert directories.pop("high-availability.storageDir") == "s3p://own/ha"
    assert all(value.startswith(f"{DIRECTORY}/") for value in directories.values()), directories
    assert len(directories) == 4
    modes = {key: value for key, value in configuration.items() if key.endswith(("claim-mode", "restore-mode"))}
    assert list(modes.values()) == ["NO_CLAIM"]
    assert "$internal.pipeline.job-id" not in configuration


def test_defaults_of_the_operator_do_not_apply_to_directories_of_a_copy(project: Project) -> None:
    project.job(STATEFUL)
    defaults = {"execution.checkpointing.dir": "s3p://all/cp", "dstl.dfs.base-path": "s3p://all/changelog"}
    configuration = spec_of_copy(project, operator={"configuration": defaults})["flinkConfiguration"]
    assert {key: configuration[key] for key in defaults} == {
        "execution.checkpointing.dir": f"{DIRECTORY}/checkpoints",
        "dstl.dfs.base-path": f"{DIRECTORY}/dstl.dfs.base-path",
    }


def test_a_shorter_interval_during_a_backlog_does_not_stop_the_copy(project: Project) -> None:
    """Flink refuses it if it is below the copy's interval of a year."""
    project.job(STATEFUL)
    key = "execution.checkpointing.interval-during-backlog"
    assert key not in spec_of_copy(project)["flinkConfiguration"]
    settings = {**CONFIG["jobs"]["word-count"], "flinkConfiguration": {key: "30 min"}}
    configuration = spec_of_copy(project, jobs={"word-count": settings})["flinkConfiguration"]
    assert (configuration[key], configuration["execution.checkpointing.interval"]) == ("0 s", "365 d")


def test_the_operator_does_not_start_a_failed_copy_again_without_state(project: Project) -> None:
    project.job(STATEFUL)
    copy = spec_of_copy(project)
    configuration = copy["flinkConfiguration"]
    for key in ("jm-deployment-recovery.enabled", "job.restart.failed", "job.savepoint-on-deletion"):
        assert configuration[f"kubernetes.operator.{key}"] == "false"
    assert (copy["job"]["upgradeMode"], copy["job"]["state"]) == ("stateless", "running")


def test_a_copy_keeps_the_access_to_the_storage_and_all_other_fields(project: Project) -> None:
    project.job(STATEFUL.replace("jobManager: {", "jobManager: {replicas: 2, "))
    original: Any = {}
    project.stack(CONFIG)
    original = project.spec()
    copy = spec_of_copy(project)
    assert copy.pop("jobManager")["replicas"] == 1
    assert original.pop("jobManager")["replicas"] == 2
    assert "AWS_ACCESS_KEY_ID" in json.dumps(copy["podTemplate"])
    for key in ("flinkConfiguration", "job"):
        del copy[key], original[key]
    assert copy == original


def test_a_suspended_and_protected_job_has_a_running_unprotected_copy(project: Project) -> None:
    project.job(STATEFUL)
    settings = {**CONFIG["jobs"]["word-count"], "state": "suspended", "protect": True, "ingress": {"enabled": True}}
    ingress = {"enabled": True, "template": "{{namespace}}.example.org/{{name}}"}
    [copy] = copies(project, jobs={"word-count": settings}, protectJobs=True, ingress=ingress).jobs
    assert not copy.is_suspended
    assert not copy.is_protected
    assert "ingress" not in copy.spec


def test_only_objects_that_run_nothing_are_copied(project: Project) -> None:
    project.job(STATEFUL)
    project.job(OTHER_FILE, "other.yaml")
    copied = [(item.namespace, item.manifest["kind"]) for item in copies(project).attachments]
    assert copied == [("flink-drill", "ConfigMap")]


def test_a_session_job_is_copied_with_its_cluster(project: Project) -> None:
    project.job(SESSION.replace("upgradeMode: stateless", "upgradeMode: savepoint"))
    keys = {"FlinkSessionJob/flink/in-session": PATH, "FlinkDeployment/flink/session": ""}
    cluster, job = copies(project, keys, jobs={"in-session": {"drill": {"outputs": "none"}}}).jobs
    assert "job" not in cluster.spec
    assert job.target == cluster.key == "FlinkDeployment/flink-drill/session"
    assert job.spec["job"]["initialSavepointPath"] == PATH  # pyright: ignore
    for configuration in (cluster.spec["flinkConfiguration"], job.spec["flinkConfiguration"]):
        assert configuration["execution.checkpointing.dir"] == f"{DIRECTORY}/checkpoints"  # pyright: ignore


def test_a_blue_green_deployment_is_copied_with_its_template(project: Project) -> None:
    head, _, spec = STATEFUL.partition("spec:\n")
    template = "".join(f"    {line}\n" for line in spec.splitlines())
    kind = "FlinkBlueGreenDeployment"
    project.job(f"{head.replace('FlinkDeployment', kind)}spec:\n  template:\n    spec:\n{template}")
    [copy] = copies(project, {f"{kind}/flink/word-count": PATH}).jobs
    inner: Any = copy.spec["template"]
    assert inner["spec"]["job"]["initialSavepointPath"] == PATH
    assert inner["spec"]["flinkConfiguration"]["high-availability.type"] == "NONE"


def test_a_drill_in_a_stack_file_is_an_error(project: Project) -> None:
    project.stack({"restoreDrill": {"jobs": {}}})
    with pytest.raises(ProblemsError, match="restoreDrill: is only set in a run of make restore-drill; remove it"):
        project.load()


@pytest.mark.parametrize("drill", [{}, {"allowNonRestoredState": True}, {"parameters": {}}])
def test_a_drill_without_redirected_outputs_is_an_error(project: Project, drill: dict[str, Any]) -> None:
    project.stack({"jobs": {"word-count": {"drill": drill}}})
    [problem] = project.problems()
    assert problem.endswith("redirects no output; set parameters, or outputs: none if the job has no outputs")


@pytest.mark.parametrize("key", ["jobDefaults", "enforced"])
def test_a_drill_of_all_jobs_is_an_error(project: Project, key: str) -> None:
    project.stack({key: {"drill": {"outputs": "none"}}})
    [problem] = project.problems()
    assert f"{key}.drill: would redirect the outputs of every job in the same way" in problem


def test_a_job_of_a_team_has_its_copy_on_the_platform_of_the_team(project: Project) -> None:
    project.job(STATEFUL)
    namespaces = {"team-a": {}, "team-a-drill": {}}
    platform = {"context": "c", "stateStorage": STORAGE, "namespaces": namespaces, "strict": True, "protectJobs": True}
    platform["enforced"] = {"parameters": {"output": "s3a://prod/out"}}
    file = project.root / "Pulumi.platform.yaml"
    file.write_text(yaml.safe_dump({"config": {f"flink-k8s:{key}": value for key, value in platform.items()}}))
    project.stack("config: {}\n")
    team = {"platform": "platform", "namespaces": namespaces, "jobs": CONFIG["jobs"]}
    values = {**team, "restoreDrill": {"jobs": {"FlinkDeployment/team-a/word-count": PATH}}}
    stack = load(project.root, replace(read_config(project.root, "x"), values=values, stack="x-drill"))
    [copy] = stack.jobs
    assert (copy.key, copy.is_protected) == ("FlinkDeployment/team-a-drill/word-count", False)
    assert copy.spec["job"]["args"][-2:] == ["--output", "s3a://drill/out"]  # pyright: ignore
    assert stack.settings.platform == "platform"


SQL = """\
/* flink-k8s
image: pyflink:dev
flinkVersion: v2_2
parallelism: 1
upgradeMode: savepoint
jobManager: {memory: 1600m, cpu: 1}
taskManager: {memory: 1600m, cpu: 1}
parameters: {output: "s3a://prod/out"}
*/
CREATE TABLE a (id INT) WITH ('connector' = 'datagen');
CREATE TABLE b (id INT) WITH ('connector' = 'filesystem', 'path' = '${output}', 'format' = 'csv');
INSERT INTO b SELECT id FROM a;
"""


def test_the_copy_of_a_sql_job_has_other_values_of_variables(project: Project) -> None:
    project.job(SQL, "totals.sql")
    jobs = {"totals": {"drill": {"parameters": {"output": "s3a://drill/out"}}, "parameters": {"output": "s3a://own"}}}
    stack = copies(project, {"FlinkDeployment/flink/totals": PATH}, jobs=jobs)
    [job], [script] = stack.jobs, stack.attachments
    spec: Any = job.spec
    assert spec["job"]["args"] == ["--scriptUri", "file:///opt/flink/sql/totals.sql"]
    assert spec["job"]["initialSavepointPath"] == PATH
    data: Any = script.manifest["data"]
    assert (script.namespace, "'path' = 's3a://drill/out'" in data["totals.sql"]) == ("flink-drill", True)


def test_a_drill_of_a_sql_job_redirects_variables_of_the_script(project: Project) -> None:
    project.job(SQL.replace("parallelism: 1", "parallelism: 1\ndrill: {outputs: none}"), "totals.sql")
    project.stack({**CONFIG, "jobs": {"totals": {"drill": {"parameters": {"sink": "s3a://drill/out"}}}}})
    remedy = "so the copy would write to the job's own outputs; use one"
    unread, unknown = project.problems()[-1], project.problems()[0]
    assert unknown.endswith(f"jobs.totals.drill.parameters.sink: the script has no variable ${{sink}}, {remedy}")
    assert unread == "jobs/totals.sql:5: drill: is not read in a job file; set jobs.totals.drill in the stack file"
