"""`python -m flink_k8s check`: what it prints and its exit code, for the shipped stacks and for bad ones."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.cli.main import main
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import PREFIX, engine_config, read, read_config, stacks
from tests.unit.project import JOB, Project

ROOT = Path(__file__).resolve().parents[3]
WALKTHROUGH = ROOT / "tests/data/Pulumi.walkthrough.yaml"


@pytest.mark.parametrize("stack", stacks(ROOT))
def test_the_shipped_stacks_are_good(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", stack]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith(f"{stack}: good; jobs: ")
    assert re.fullmatch(rf"{stack}: requests [\d.]+ CPU, .* of memory, .* of storage in \d+ pods", lines[-2])


def test_walkthrough_versions_need_only_stack_config(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "walkthrough", "--config-file", str(WALKTHROUGH)]) == 0
    assert "good; jobs: flink/word-count" in capsys.readouterr().out
    [job] = [job for job in load(ROOT, read_config(ROOT, "walkthrough", WALKTHROUGH)).jobs if job.name == "word-count"]
    assert job.spec["flinkVersion"] == "v1_17"
    assert "1.17.1" in str(job.spec["image"])


def test_flink_version_that_the_operator_does_not_support_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "jobs", tmp_path / "jobs")
    text = WALKTHROUGH.read_text().replace("v1_17", "v2_2")
    (tmp_path / "Pulumi.w.yaml").write_text(text)
    assert main(["check", "w", "--root", str(tmp_path)]) == 1
    stderr = capsys.readouterr().err
    assert "Pulumi.w.yaml:9: jobs.word-count.flinkVersion: is v2_2, which operator 1.7.0 does not support" in stderr


def test_the_engines_config_gives_the_same_platform() -> None:
    for stack in stacks(ROOT):
        values = {
            f"{PREFIX}{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in read(ROOT, stack).items()
        }
        from_engine, from_file = load(ROOT, engine_config(values, stack)), load(ROOT, read_config(ROOT, stack))
        assert from_engine.settings == from_file.settings
        assert [job.manifest for job in from_engine.jobs] == [job.manifest for job in from_file.jobs]


def test_invalid_job_file_key_and_override_are_reported_together(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.job("kind: [\n", "broken.yaml")
    project.stack({"jobTimeOut": "5m", "jobs": {"word-cuont": {"parallelism": 2}}})
    assert main(["check", "x", "--root", str(project.root)]) == 1
    out, stderr = capsys.readouterr()
    assert not out
    lines = stderr.splitlines()
    assert lines[0] == 'Pulumi.x.yaml:3: jobTimeOut: unknown field; did you mean "jobTimeout"? [stack-config]'
    assert (
        lines[1] == 'Pulumi.x.yaml:5: jobs.word-cuont: unknown job in jobs/; did you mean "word-count"? [stack-config]'
    )
    assert lines[2].startswith("jobs/broken.yaml:2: is not valid YAML: ")
    assert lines[3].startswith("warning: jobs/word_count.yaml:6: spec.image: ")
    assert lines[4:] == ["x: 3 problems; nothing was touched"]


TEN_FAULTS = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: Word_Count
spec:
  imagee: pyflink:dev
  flinkVersion: v3_0
  flinkConfiguration:
    kubernetes.cluster-id: mine
    kubernetes.operator.deployment.rollback.enabled: "true"
    high-availability.storageDir: file:///ha
  logConfiguration:
    log4j.properties: x
  jobManager:
    replicas: 0
    resource: {memory: lots}
  taskManager: {resource: {memory: 1g, cpu: one}}
  job:
    jarURI: local:///opt/flink/job.jar
    parallelism: two
    upgradeMode: savepoint
"""


def test_ten_faults_in_a_file_are_ten_messages_each_with_its_line(project: Project) -> None:
    project.job(TEN_FAULTS)
    findings = project.problems()
    lines = [int(re.match(r"jobs/word_count\.yaml:(\d+): ", problem).group(1)) for problem in findings]  # type: ignore[union-attr]
    assert sorted(set(lines)) == [4, 6, 7, 9, 10, 13, 15, 16, 17, 20, 21]
    assert all("; " in problem for problem in findings)
    assert findings == sorted(findings, key=lambda problem: int(problem.split(":")[1]))


def test_problems_of_merged_values_name_the_file_that_sets_them(project: Project) -> None:
    project.stack(
        "config:\n"
        "  flink-k8s:context: c\n"
        "  flink-k8s:jobDefaults:\n"
        "    taskManager: {memory: 2x}\n"
        "  flink-k8s:jobs:\n"
        "    word-count:\n"
        "      flinkConfiguration:\n"
        "        kubernetes:\n"
        "          namespace: x\n"
        "      spec:\n"
        "        job: {parallelism: 0}\n"
    )
    project.job(JOB.replace("  taskManager: {resource: {memory: 1g, cpu: 1}}\n", ""))
    assert project.problems() == [
        'Pulumi.x.yaml:4: jobDefaults.taskManager.memory: is "2x", which is not a valid size; write a size such as "2048m" or "4g"',
        "Pulumi.x.yaml:9: jobs.word-count.flinkConfiguration.kubernetes.namespace: is set by the operator; remove it",
        "Pulumi.x.yaml:11: jobs.word-count.spec.job.parallelism: is 0; write a number of at least 1",
    ]


def test_unquoted_yaml_values_are_not_text(project: Project) -> None:
    project.job(JOB.replace("image: pyflink:dev", "image: no"))
    project.stack(
        "config:\n  flink-k8s:context: c\n  flink-k8s:jobDefaults:\n    env: {A: off, B: 1.10}\n  waitForJobs: no\n"
    )
    assert project.problems() == [
        'Pulumi.x.yaml:4: jobDefaults.env.A: is off, which YAML reads as a boolean; write "off", true or false',
        'Pulumi.x.yaml:4: jobDefaults.env.B: is 1.10, which YAML reads as another number; quote it: "1.10"',
        'jobs/word_count.yaml:6: spec.image: is no, which YAML reads as false; quote it: "no"',
    ]


@pytest.mark.parametrize("target", ["/etc/hostname", "../outside.yaml"])
def test_a_link_out_of_the_project(project: Project, target: str) -> None:
    (project.root.parent / "outside.yaml").write_text(JOB)
    (project.root / "jobs" / "link.yaml").symlink_to(
        target if target.startswith("/") else project.root.parent / "outside.yaml"
    )
    assert project.problems() == ["jobs/link.yaml: is a link to a file outside of the project; copy the file here"]


def test_links_to_nowhere_folders_and_pipes(project: Project) -> None:
    folder = project.root / "jobs"
    (folder / "a.yaml").symlink_to("a.yaml")
    (folder / "b.yaml").symlink_to("absent.yaml")
    (folder / "c.yaml").mkdir()
    os.mkfifo(folder / "d.yaml")
    assert project.problems() == [
        "jobs/a.yaml: is a broken link; remove it",
        "jobs/b.yaml: is not a file; remove or rename it",
        "jobs/c.yaml: is not a file; remove or rename it",
        "jobs/d.yaml: is not a file; remove or rename it",
    ]


@pytest.mark.parametrize(
    "text", ["[" * 50_000, "a: *b", "\x00", "- 1", "text", "kind: X", "kind: FlinkDeployment\nspec: 1", "\ufeff"]
)
def test_odd_job_files_end_without_a_traceback(project: Project, text: str) -> None:
    project.job(text, "odd.yaml")
    result = subprocess.run(
        [sys.executable, "-m", "flink_k8s", "check", "x", "--root", str(project.root)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in result.stderr
    assert result.returncode == (0 if text == "\ufeff" else 1)
    assert text == "\ufeff" or result.stderr.startswith("jobs/odd.yaml")


def test_explain_shows_the_source_of_each_value(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.stack(
        "config:\n"
        "  flink-k8s:context: c\n"
        "  flink-k8s:jobDefaults: {flinkConfiguration: {a.b: 1}}\n"
        "  flink-k8s:jobs:\n"
        "    word-count: {parallelism: 5, parameters: {output: /out}}\n"
        "  flink-k8s:enforced:\n"
        "    image: forced:1\n"
    )
    assert main(["check", "x", "--root", str(project.root), "--explain", "word-count"]) == 0
    out, stderr = capsys.readouterr()
    lines = dict(re.split(r"\s+# ", line, maxsplit=1) for line in out.splitlines()[1:-1])
    assert lines['spec.image = "forced:1"'] == 'enforced (Pulumi.x.yaml:7), instead of "pyflink:dev"'
    assert lines['spec.flinkConfiguration["a.b"] = "1"'] == "jobDefaults (Pulumi.x.yaml:3)"
    assert lines["spec.job.parallelism = 5"] == "jobs.word-count (Pulumi.x.yaml:5)"
    assert lines['spec.flinkVersion = "v2_2"'] == "job file (jobs/word_count.yaml:7)"
    assert lines['spec.serviceAccount = "flink"'] == "derived"
    assert lines['spec.job.args[0] = "--input"'] == "job file (jobs/word_count.yaml:12)"
    assert lines['spec.job.args[4] = "/out"'] == "jobs.word-count (Pulumi.x.yaml:5)"
    assert "instead of" not in stderr
    assert main(["check", "x", "--root", str(project.root), "--explain", "word-cuont"]) == 1
    assert 'did you mean "word-count"?' in capsys.readouterr().err


def test_warnings_are_errors_only_in_a_strict_stack(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "x", "--root", str(project.root)]) == 0
    warning = 'jobs/word_count.yaml:6: spec.image: "pyflink:dev" has no digest, so its content may change; pin one: pyflink:dev@sha256:… [image-digest]'
    assert f"warning: {warning}\n" in capsys.readouterr().err
    project.stack({"strict": True})
    assert [f"{problem} [image-digest]" for problem in project.problems()] == [warning]
    project.job(JOB.replace("pyflink:dev", f"pyflink:dev@sha256:{'0' * 64}"))
    assert project.remarks() == []


@pytest.mark.parametrize(
    "config", [{"jobTimeout": "x"}, {"jobs": {"word-cuont": {}}}, {"jobs": {"word-count": {"a": 1}}}]
)
def test_an_error_does_not_hide_warnings(
    project: Project, capsys: pytest.CaptureFixture[str], config: dict[str, object]
) -> None:
    """Both are in the exception's text too, which `make up` and `pulumi up` print."""
    project.stack(config)
    with pytest.raises(ProblemsError) as raised:
        project.load()
    [warning] = raised.value.remarks
    assert warning.startswith("warning: jobs/word_count.yaml:6: spec.image: ")
    assert str(raised.value).splitlines() == [str(raised.value.problems[0]), warning]
    assert main(["check", "x", "--root", str(project.root)]) == 1
    assert capsys.readouterr().err.splitlines()[:2] == str(raised.value).splitlines()


def test_a_warning_that_is_an_error_in_a_strict_stack_is_not_repeated(project: Project) -> None:
    project.stack({"strict": True})
    with pytest.raises(ProblemsError) as raised:
        project.load()
    assert len(raised.value.problems) == 1
    assert raised.value.remarks == ()


def test_the_time_grows_with_the_number_of_jobs(project: Project) -> None:
    def seconds(count: int) -> float:
        for index in range(count):
            project.job(JOB.replace("word-count", f"job-{index}"), f"{index}.yaml")
        start = time.process_time()
        project.load()
        return time.process_time() - start

    seconds(5)  # tables are read
    few, many = seconds(20), seconds(200)
    assert many < 30 * few


def test_the_example_in_the_documentation_is_good_at_each_step(project: Project) -> None:
    page = (ROOT / "docs" / "jobs.md").read_text()
    job, *configs = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (project.root / "jobs" / "word_count.yaml").unlink()
    project.job(job, "orders.yaml")
    cluster = "apiVersion: flink.apache.org/v1beta1\nkind: FlinkSessionJob\nmetadata: {name: report}\nspec: {deploymentName: c, job: {parallelism: 1}}\n"
    for config in configs:
        project.job(cluster if "report:" in config else "", "report.yaml")
        project.stack(config)
        assert project.load().jobs
        if config == configs[0]:
            assert project.spec("orders")["job"]["args"] == ["--topic", "orders-test"]
    assert len(configs) == 5


def test_values_replaced_by_enforced_are_one_notice_for_all_jobs(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    enforced = {"parameters": {"output": "/out"}, "flinkConfiguration": {"a.b": "1"}}
    project.stack({"enforced": enforced, "jobDefaults": {"flinkConfiguration": {"a.b": "2"}}})
    assert main(["check", "x", "--root", str(project.root)]) == 0
    assert "enforced" not in capsys.readouterr().out, "a default that is replaced is no news"
    project.stack(
        {"enforced": {**enforced, "image": "forced:1"}, "jobs": {"word-count": {"parameters": {"output": "/own"}}}}
    )
    assert main(["check", "x", "--root", str(project.root)]) == 0
    text = "x: enforced replaces 2 values of word-count; make check STACK=x EXPLAIN=<job> shows them"
    assert text in capsys.readouterr().out.splitlines()
    assert main(["check", "x", "--root", str(project.root), "--explain", "word-count"]) == 0
    stdout = capsys.readouterr().out
    assert '"/out"' in stdout
    assert ', instead of "/own"' in stdout
    assert "shows them" not in stdout


@pytest.mark.parametrize("kind", ["FlinkDeployment", "FlinkBlueGreenDeployment"])
def test_job_moved_by_enforced_is_reported(project: Project, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    text = JOB.replace("  name: word-count\n", "  name: word-count\n  namespace: a\n")
    if kind == "FlinkBlueGreenDeployment":
        job = yaml.safe_load(text)
        text = yaml.safe_dump({**job, "kind": kind, "spec": {"template": {"spec": job["spec"]}}})
    project.job(text)
    project.stack({"namespaces": {"a": {}, "b": {}}, "enforced": {"namespace": "b", "parameters": {"input": "/out"}}})
    assert main(["check", "x", "--root", str(project.root), "--explain", "word-count"]) == 0
    stdout = capsys.readouterr().out
    assert 'enforced, instead of "a"' in stdout
    assert re.search(r'args\[1\] = "/out" +# enforced \(.*\), instead of "/in"', stdout)


def test_overlay_overrides_the_stack_and_its_problems_name_its_file(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = tmp_path / "mirror.yaml"
    layer.write_text("charts: {mirror: oci://registry.example.org/charts}\njobs:\n  word-count: {parallelism: 7}\n")
    command = ["check", "x", "--root", str(project.root), "--overlay", str(layer)]
    assert main([*command, "--explain", "word-count"]) == 0
    assert re.search(rf"parallelism = 7 +# jobs.word-count \({layer}:3\)", capsys.readouterr().out)
    layer.write_text("jobTimeout: 5m\njobTimeOut: 5m\n")
    assert main(command) == 1
    assert f'{layer}:2: jobTimeOut: unknown field; did you mean "jobTimeout"?' in capsys.readouterr().err
    for text, message in (
        ("[a]", "is not a mapping"),
        ("a: 1\n---\nb: 1", "several documents"),
        ("a: [", "is not valid YAML"),
    ):
        layer.write_text(text)
        assert main(command) == 1
        assert message in capsys.readouterr().err
    layer.write_text("")
    assert main(command) == 0
