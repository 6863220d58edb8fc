"""`make run`: the local run of a merged job; `make new`: the files of a new job."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from flink_k8s.config.merge import merge_mappings
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.operations import new_job, pyflink, test_job
from flink_k8s.operations.new_job.create import KINDS, create, files
from flink_k8s.operations.pyflink import PyFlink
from flink_k8s.operations.run_job import LocalRun, flink_version, local_run, module_of, write_configuration
from flink_k8s.operations.stack import Stack, prepare
from flink_k8s.resolve.connectors import derived_connectors
from flink_k8s.resolve.jobs import Job
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT
from tests.unit.project import Project

PYTHON = Path("/venv/bin/python")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Separate state and home folders."""
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("FLINK_K8S_HOME", str(tmp_path / "home"))


def job(spec: dict[str, Any], kind: str = "FlinkDeployment", name: str = "counts", cluster: str | None = None) -> Job:
    """A merged job with the attributes that these operations read."""
    source = SimpleNamespace(document=SimpleNamespace(file="jobs/counts.yaml"), sql=None)
    actual = SimpleNamespace(
        spec=spec, kind=FlinkKind(kind), name=name, namespace="flink", source=source, session_cluster=cluster
    )
    return cast(Job, actual)


def spec(*args: str, container: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    main = {"name": "flink-main-container", **(container or {})}
    arguments = ["-pyclientexec", "/usr/local/bin/python3", "-py", "/opt/flink/usrlib/src/word_count.py", *args]
    return {"job": {"args": arguments, "parallelism": 3}, "podTemplate": {"spec": {"containers": [main]}}, **more}


def run_of(of: dict[str, Any], tmp_path: Path, environment: dict[str, str] | None = None) -> LocalRun:
    return local_run(job(of), tmp_path, PYTHON, environment or {})


def test_the_program_is_the_local_copy_of_the_images(tmp_path: Path):
    program = str(ROOT / "jobs/pyflink/src/word_count.py")
    assert run_of(spec(), tmp_path).options == [
        *("--target", "local", "-pyexec", str(PYTHON), "-pyclientexec", str(PYTHON), "-py", program)
    ]


def test_connectors_are_downloaded_into_the_folder_of_their_volume(tmp_path: Path):
    inner = {"image": "x", "flinkVersion": "v2_2"}
    pods = derived_connectors(["org.example:a:1", "org.example:b:2"], inner, "https://m.example.org", {})
    prepared = run_of(merge_mappings(spec(), pods), tmp_path)
    jar = tmp_path / "connectors" / "a-1.jar"
    assert prepared.jars[jar] == "https://m.example.org/org/example/a/1/a-1.jar"
    assert prepared.options[2:6] == ["-C", f"file://{jar}", "-C", f"file://{jar.with_name('b-2.jar')}"]


def test_a_missing_program_is_refused(tmp_path: Path):
    wrong = spec()
    wrong["job"]["args"][3] = "/opt/flink/usrlib/src/wordcount.py"
    with pytest.raises(
        CommandError, match=r"jobs/counts.yaml: spec.job.args: .*wordcount.py, which does not exist; .*"
    ):
        run_of(wrong, tmp_path)


@pytest.mark.parametrize("args", [[], ["--input", "x"], None])
def test_a_job_without_python_program_is_refused(tmp_path: Path, args: list[str] | None):
    with pytest.raises(CommandError, match="job counts is not a Python job"):
        run_of({"job": {"jarURI": "local:///a.jar", "args": args}}, tmp_path)


def test_an_option_without_a_value_is_refused(tmp_path: Path):
    with pytest.raises(CommandError, match="-py has no value"):
        run_of({"job": {"args": ["-py"]}}, tmp_path)


def test_paths_in_image_and_volumes_become_local_folders(tmp_path: Path):
    mounts = [{"name": "data", "mountPath": "/data"}, {"name": "more", "mountPath": "/data-more/"}]
    run = run_of(
        spec(
            *("--input", "/opt/flink/usrlib/input", "--output=/data/out", "--state", "file:///data"),
            *("--other", "/data-more/x", "--bucket", "s3://data/x", "--word", "/database"),
            container={"volumeMounts": mounts},
        ),
        tmp_path,
    )
    assert run.arguments == [
        *("--input", str(ROOT / "jobs/pyflink/input"), f"--output={tmp_path}/data/out"),
        *("--state", f"file://{tmp_path}/data", "--other", f"{tmp_path}/more/x"),
        *("--bucket", "s3://data/x", "--word", "/database"),
    ]
    assert run.folders == [tmp_path / "data", tmp_path / "more", tmp_path / "checkpoints"]


def test_configuration_of_the_cluster_and_its_storage_is_left_out(tmp_path: Path):
    configuration = {
        "pipeline.max-parallelism": "128",
        "taskmanager.numberOfTaskSlots": 2,
        "execution.checkpointing.interval": "1s",
        "execution.checkpointing.dir": "s3://state/checkpoints",
        "state.savepoints.dir": "s3://state/savepoints",
        "high-availability.storageDir": "s3://state/ha",
        "kubernetes.operator.job.restart.failed": "true",
        "metrics.reporter.prom.port": "9249",
        "s3.endpoint": "http://minio",
    }
    assert run_of(spec(flinkConfiguration=configuration), tmp_path).configuration == {
        "pipeline.max-parallelism": "128",
        "taskmanager.numberOfTaskSlots": "2",
        "execution.checkpointing.interval": "1s",
        "execution.checkpointing.dir": f"file://{tmp_path}/checkpoints",
        "parallelism.default": "3",
    }


def test_variables_of_secrets_come_from_the_environment_or_are_missing(tmp_path: Path):
    reference = {"secretKeyRef": {"name": "s", "key": "k"}}
    env = [{"name": "A", "value": "1"}, {"name": "TOKEN", "valueFrom": reference}]
    without = run_of(spec(container={"env": env}), tmp_path)
    assert (without.environment, without.missing) == ({"A": "1"}, ["TOKEN"])
    assert run_of(spec(container={"env": env}), tmp_path, {"TOKEN": "x"}).missing == []


def test_a_blue_green_deployment_runs_its_template(tmp_path: Path):
    inner = {"template": {"spec": spec("--a", "b")}}
    run = local_run(job(inner, "FlinkBlueGreenDeployment"), tmp_path, PYTHON, {})
    assert (run.arguments, run.configuration["parallelism.default"]) == (["--a", "b"], "3")


def test_a_sql_job_is_run_by_the_program_of_the_image(project: Project, tmp_path: Path):
    create("late-orders", project.root, kind="sql")
    project.stack({"jobs": {"late-orders": {"parameters": {"word": "boat"}, "parallelism": 2}}})
    [created] = [job for job in project.load().jobs if job.name == "late-orders"]
    run = local_run(created, tmp_path, PYTHON, {})
    assert run.options[-2:] == ["-py", str(ROOT / "jobs/pyflink/src/sql_job.py")]
    assert run.arguments == [str(tmp_path / "statements.json"), "--wait"]
    assert run.configuration["parallelism.default"] == "2"
    steps = json.loads(run.statements[tmp_path / "statements.json"])
    assert steps[0] == {"set": ["execution.runtime-mode", "batch"]}
    assert f"'path' = '{ROOT}/jobs/pyflink/input'" in steps[1]["sql"]
    assert "'% boat %'" in steps[-1]["inserts"][0]


def test_secrets_of_a_sql_job_are_files_of_a_folder(project: Project, tmp_path: Path):
    create("late-orders", project.root, kind="sql")
    script = project.root / "jobs" / "late_orders.sql"
    script.write_text(script.read_text().replace("'print'", "'${secret:sink/type}'"))
    [created] = [job for job in project.load().jobs if job.name == "late-orders"]
    with pytest.raises(CommandError, match="values to the files sink/type of a folder, and set SQL_SECRETS"):
        local_run(created, tmp_path, PYTHON, {})
    assert local_run(created, tmp_path, PYTHON, {"SQL_SECRETS": "/secrets"}).statements


@pytest.mark.parametrize("name", ["config.yaml", "flink-conf.yaml"])
def test_the_jobs_keys_win_over_those_that_flink_ships(tmp_path: Path, name: str):
    shipped = tmp_path / "dist" / "conf"
    shipped.mkdir(parents=True)
    nested = {"env": {"java": {"opts": {"all": "--add-opens=a/b=ALL"}}}, "parallelism": {"default": 1}}
    flat = {"env.java.opts.all": "--add-opens=a/b=ALL", "parallelism.default": 1}
    (shipped / name).write_text(yaml.safe_dump(nested if name == "config.yaml" else flat))
    write_configuration(shipped.parent, tmp_path / "conf", {"parallelism.default": "4", "x": "a: b"})
    text = (tmp_path / "conf" / name).read_text()
    if name == "config.yaml":
        assert yaml.safe_load(text) == {**flat, "parallelism.default": "4", "x": "a: b"}
    else:
        assert text.splitlines() == ["env.java.opts.all: --add-opens=a/b=ALL", "parallelism.default: 4", "x: a: b"]


def test_a_session_job_has_the_flink_version_of_its_cluster():
    cluster = job({"flinkVersion": "v1_20"}, name="shared")
    actual = job({"deploymentName": "shared"}, "FlinkSessionJob", cluster="shared")
    stack = cast(Stack, SimpleNamespace(platform=SimpleNamespace(jobs=[cluster, actual])))
    assert flink_version(stack, actual) == "v1_20"
    elsewhere = job({"deploymentName": "gone"}, "FlinkSessionJob", cluster="gone")
    with pytest.raises(CommandError, match="no job file sets flinkVersion"):
        flink_version(stack, elsewhere)


def test_the_shipped_jobs_can_be_run(tmp_path: Path):
    stack = prepare("dev")
    assert stack.platform.jobs
    for shipped in stack.platform.jobs:
        local_run(shipped, tmp_path, PYTHON, {})
        assert test_job.tests_of(shipped)


def test_missing_java_is_an_error_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="java is not on PATH; install Java 17"):
        pyflink.pyflink("v2_2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(CommandError, match=r"JAVA_HOME is .*, which has no bin/java"):
        pyflink.java()


def test_an_environment_without_pyflink_is_an_error_with_its_remedy(tmp_path: Path):
    with pytest.raises(CommandError, match="has no PyFlink; delete the folder"):
        _ = PyFlink("2.2", tmp_path).distribution


class TestNew:
    def test_a_new_jobs_files_pass_the_stacks_check_and_their_own_tests(self, tmp_path: Path):
        for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "pyproject.toml", "flink_k8s", "tests/__init__.py"):
            if (ROOT / name).exists():
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).symlink_to(ROOT / name)
        (tmp_path / "tests/unit/jobs").mkdir(parents=True)
        (tmp_path / "tests/unit/jobs/conftest.py").write_text((ROOT / "tests/unit/jobs/conftest.py").read_text())
        new = create("late-orders", tmp_path)
        assert [str(path) for path in new] == [
            "jobs/late_orders.yaml",
            "jobs/pyflink/src/late_orders.py",
            "tests/unit/jobs/test_late_orders.py",
        ]
        check = [sys.executable, "-m", "flink_k8s", "check", "dev", "--root", str(tmp_path)]
        result = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(new[2])]
        result = subprocess.run(tests, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "5 passed, 1 skipped" in result.stdout or "6 passed" in result.stdout

    def test_a_new_sql_job_passes_the_check_and_has_tests(self, project: Project):
        new = create("late-orders", project.root, kind="sql")
        assert [str(path) for path in new] == ["jobs/late_orders.sql", "tests/unit/jobs/test_late_orders.py"]
        [created] = [job for job in project.load().jobs if job.name == "late-orders"]
        assert module_of(created) == "late_orders"
        ast.parse((project.root / new[1]).read_text())

    @pytest.mark.parametrize("kind", KINDS)
    def test_new_job_contains_no_names_of_the_template(self, kind: str):
        for text in files("late-orders", kind).values():
            assert "new-job" not in text
            assert "new_job" not in text

    def test_existing_files_are_not_overwritten(self, tmp_path: Path):
        file = tmp_path / "jobs/pyflink/src/mine.py"
        file.parent.mkdir(parents=True)
        file.write_text("mine")
        with pytest.raises(CommandError, match=r"jobs/pyflink/src/mine.py already exists; choose another name"):
            create("mine", tmp_path)
        assert file.read_text() == "mine"
        assert not (tmp_path / "jobs/mine.yaml").exists()

    @pytest.mark.parametrize("name", ["Late", "1st", "a_b", "a" * 46, "-a", ""])
    def test_invalid_job_names_are_refused(self, name: str, tmp_path: Path):
        with pytest.raises(CommandError, match="is not a valid job name; use lower-case letters"):
            create(name, tmp_path)

    def test_a_python_keyword_is_refused(self, tmp_path: Path):
        with pytest.raises(CommandError, match="is a Python keyword"):
            create("class", tmp_path)


def test_the_template_is_in_the_package():
    assert (Path(str(new_job.__file__)).parent / "template" / "code.py").exists()
