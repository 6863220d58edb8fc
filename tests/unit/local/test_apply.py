"""Apply and destroy against stand-ins for kubectl and helm: order, what is written down, refusals, second tries."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from local import apply, ledger, process
from local.process import Done

FAKE = Path(__file__).parent / "programs" / "fake_cluster.py"
REPOSITORY = Path(__file__).resolve().parents[3]


class Sandbox:
    """A project and the cluster that it is applied to."""

    def __init__(self, project: Path, cluster: Path) -> None:
        self.project = project
        self.cluster = cluster
        self.nodes({"flink-k8s/sandbox": "true"})
        (project / "kubeconfig").touch()
        self.config()

    def config(self, **config: object) -> None:
        values = {"context": "flink-k8s-sandbox", "kubeconfig": "kubeconfig", "jobs": ["word-count"], **config}
        stack = {"config": {f"flink-k8s:{key}": value for key, value in values.items()}}
        (self.project / "Pulumi.sandbox.yaml").write_text(json.dumps(stack), encoding="utf-8")

    def nodes(self, *labels: Mapping[str, str]) -> None:
        found = [{"metadata": {"name": "node", "labels": label}} for label in labels]
        (self.cluster / "nodes.json").write_text(json.dumps(found), encoding="utf-8")

    def plan(self, verb: str, name: str, what: str) -> Path:
        """What the cluster answers to that verb for that name."""
        file = self.cluster / f"plan-{verb}-{name}"
        file.write_text(what, encoding="utf-8")
        return file

    def run(self, action: str) -> int:
        (self.cluster / "log").unlink(missing_ok=True)
        return apply.main([action], self.project)

    @property
    def calls(self) -> list[str]:
        """The command lines of the last run."""
        return [line.removeprefix("call ") for line in self._log() if line.startswith("call ")]

    @property
    def steps(self) -> list[str]:
        """What the last run changed in the cluster."""
        return [line for line in self._log() if not line.startswith("call ")]

    @property
    def applied(self) -> list[str]:
        verbs = ("apply ", "upgrade ")
        return [line for line in self.steps if line.startswith(verbs)]

    @property
    def removed(self) -> list[str]:
        return [line for line in self.steps if line.startswith(("delete ", "uninstall "))]

    @property
    def state(self) -> dict[str, Any]:
        file = self.cluster / "state.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"objects": {}, "releases": {}}

    def _log(self) -> list[str]:
        log = self.cluster / "log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


@pytest.fixture
def sandbox(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The stand-ins as functions: a process for each call would cost most of the tests' time."""
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    answer = runpy.run_path(str(FAKE), run_name="fake_cluster")["answer"]

    def call(command: Sequence[str], *, stopping: threading.Event, text: str | None = None, **_: object) -> Done:
        words = list(command[command.index(next(w for w in command if "/tools/" in w)) :])
        return Done(*answer(cluster, words, text or ""))

    monkeypatch.setattr(process, "run", call)
    monkeypatch.setattr("local.cluster.find_tool", lambda name: f"/tools/{name}")
    monkeypatch.setattr("local.helm.find_tool", lambda name: f"/tools/{name}")
    monkeypatch.setenv("FLINK_K8S_HOME", str(tmp_path / "home"))
    return Sandbox(project, cluster)


@pytest.fixture
def commands(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The stand-ins as commands on PATH."""
    tools = tmp_path / "tools"
    cluster = tmp_path / "cluster"
    tools.mkdir()
    cluster.mkdir()
    text = FAKE.read_text(encoding="utf-8")
    for name in ("kubectl", "helm"):
        (tools / name).write_text(f"#!{sys.executable} -SE\n{text}", encoding="utf-8")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_CLUSTER", str(cluster))
    monkeypatch.setenv("FLINK_K8S_HOME", str(tmp_path / "home"))
    return Sandbox(project, cluster)


def before(steps: list[str], first: str, second: str) -> bool:
    return steps.index(first) < steps.index(second)


def test_up_keeps_the_order_of_the_edges(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert sandbox.run("up") == 0
    assert sandbox.applied[:2] == ["apply Namespace flink", "apply ServiceAccount flink"]
    assert set(sandbox.applied[2:4]) == {"apply Secret password", "upgrade operator operator"}
    assert sandbox.applied[4:] == ["apply FlinkDeployment word-count"]
    out = capsys.readouterr().out
    assert "FlinkDeployment flink/word-count: applied" in out
    assert "word-count: RUNNING" in out
    assert "5 objects and releases are up" in out
    assert "word-count: STABLE" in out
    assert "hunter2" not in out


def test_timings_say_what_decided_the_total(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert apply.main(["up", "--timings"], sandbox.project) == 0
    path = capsys.readouterr().out.partition("what decided it:")[2].partition("\n\n")[0]
    order = ["Namespace flink", "Release", "FlinkDeployment flink/word-count"]
    assert [path.index(one) for one in order] == sorted(path.index(one) for one in order)
    assert sandbox.run("up") == 0
    assert "what decided it" not in capsys.readouterr().out


def test_each_is_written_down_before_it_is_applied(sandbox: Sandbox) -> None:
    assert sandbox.run("up") == 0
    for name, step in [
        ("flink", "apply Namespace flink"),
        ("operator", "upgrade operator operator"),
        ("word-count", "apply FlinkDeployment word-count"),
    ]:
        assert before(sandbox.steps, f"record {name}", step)


def test_a_second_up_leaves_a_deployed_release_alone(sandbox: Sandbox) -> None:
    assert sandbox.run("up") == 0
    assert sandbox.run("up") == 0
    assert not [step for step in sandbox.applied if step.startswith("upgrade")]
    assert "apply FlinkDeployment word-count" in sandbox.applied
    assert not [step for step in sandbox.steps if step.startswith("record")]


def test_what_must_not_change_stays_as_it_was_made(sandbox: Sandbox) -> None:
    """A password that each run of the program makes anew, and a part of a spec that somebody else sets."""
    assert sandbox.run("up") == 0
    sandbox.config(password="another", parallelism=7)
    assert sandbox.run("up") == 0
    assert "apply Secret password" in sandbox.applied
    objects = {body["kind"]: body for body in sandbox.state["objects"].values()}
    assert objects["Secret"]["stringData"] == {"password": "hunter2"}
    assert objects["FlinkDeployment"]["spec"]["parallelism"] == 2
    assert objects["FlinkDeployment"]["spec"]["image"] == "pyflink:dev"


def test_a_changed_chart_is_upgraded(sandbox: Sandbox) -> None:
    chart = sandbox.project / "chart.tgz"
    chart.write_bytes(b"one")
    sandbox.config(chart="chart.tgz")
    assert sandbox.run("up") == 0
    assert sandbox.run("up") == 0
    assert not [step for step in sandbox.applied if step.startswith("upgrade")]
    chart.write_bytes(b"two")
    assert sandbox.run("up") == 0
    assert "upgrade operator chart.tgz" in sandbox.applied


def test_helm_is_told_what_the_release_says(sandbox: Sandbox) -> None:
    assert sandbox.run("up") == 0
    (upgrade,) = [call for call in sandbox.calls if call.startswith("helm upgrade")]
    for option in (
        "--repo https://charts.example.org/stable",
        "--version 1.0.0",
        "--namespace=flink",
        "--install",
        "--wait",
        "--atomic",
        "--timeout=600s",
        "--kube-context=flink-k8s-sandbox",
    ):
        assert option in upgrade
    assert "--create-namespace" not in upgrade
    assert sandbox.state["releases"]["operator"]["values"] == {"image": {"tag": "1"}, "key": "hunter2"}


def test_secrets_reach_the_cluster_but_no_command_line(sandbox: Sandbox) -> None:
    assert sandbox.run("up") == 0
    assert sandbox.state["objects"]["secret/flink/password"]["stringData"] == {"password": "hunter2"}
    assert "hunter2" not in "\n".join(sandbox.calls)
    assert "hunter2" not in json.dumps(sandbox.state["objects"]["configmap/kube-system/flink-k8s-sandbox"])


def test_pulumis_own_annotations_stay_out_of_the_cluster(sandbox: Sandbox) -> None:
    assert sandbox.run("up") == 0
    job = sandbox.state["objects"]["flinkdeployment/flink/word-count"]
    assert job["metadata"]["annotations"] == {"team": "a"}


def test_destroy_goes_backwards_and_leaves_nothing(sandbox: Sandbox) -> None:
    assert sandbox.run("up") == 0
    assert sandbox.run("destroy") == 0
    removed = sandbox.removed
    assert len(removed) == 6
    job, operator = "delete flinkdeployment word-count background", "uninstall operator"
    assert before(removed, job, operator)
    assert before(removed, operator, "delete serviceaccount flink foreground")
    assert before(removed, "delete secret password foreground", "delete serviceaccount flink foreground")
    assert before(removed, "delete serviceaccount flink foreground", "delete namespace flink foreground")
    assert removed[-1] == "delete configmap flink-k8s-sandbox"
    assert sandbox.state == {"objects": {}, "releases": {}}


def test_destroy_of_nothing(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert sandbox.run("destroy") == 0
    assert "nothing is there" in capsys.readouterr().out
    assert sandbox.steps == []


def test_destroy_touches_only_what_is_written_down(sandbox: Sandbox) -> None:
    assert sandbox.run("up") == 0
    state = sandbox.state
    foreign = {"kind": "ConfigMap", "metadata": {"name": "mine", "namespace": "flink"}}
    state["objects"]["configmap/flink/mine"] = foreign
    (sandbox.cluster / "state.json").write_text(json.dumps(state), encoding="utf-8")
    assert sandbox.run("destroy") == 0
    assert sandbox.state["objects"] == {"configmap/flink/mine": foreign}


def test_what_is_no_longer_declared_is_removed_after_the_rest_is_up(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.config(jobs=["old", "word-count"])
    assert sandbox.run("up") == 0
    sandbox.config(jobs=["word-count"])
    assert sandbox.run("up") == 0
    assert sandbox.removed == ["delete flinkdeployment old background"]
    assert before(sandbox.steps, "apply FlinkDeployment word-count", "delete flinkdeployment old background")
    assert "1 no longer declared, so removed" in capsys.readouterr().out
    assert "flinkdeployment/flink/old" not in sandbox.state["objects"]


def test_a_failed_up_removes_nothing(sandbox: Sandbox) -> None:
    sandbox.config(jobs=["old"])
    assert sandbox.run("up") == 0
    sandbox.config(jobs=["broken"], broken="broken")
    assert sandbox.run("up") == 1
    assert sandbox.removed == []


def test_a_failed_job_is_one_clean_message(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    sandbox.config(broken="word-count")
    assert sandbox.run("up") == 1
    assert capsys.readouterr().err == "error: job flink/word-count FAILED: no such file\n"
    assert sandbox.run("up") == 1
    sandbox.config()
    assert sandbox.run("up") == 0


def test_what_could_not_be_applied_is_said_once_and_stops_what_needs_it(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.plan("upgrade", "operator", "(Forbidden): denied")
    assert sandbox.run("up") == 1
    assert capsys.readouterr().err == "error: Release flink/operator: Error from server (Forbidden): denied\n"
    assert "apply FlinkDeployment word-count" not in sandbox.applied


def test_what_a_failed_up_left_behind_is_taken_down(sandbox: Sandbox) -> None:
    plan = sandbox.plan("upgrade", "operator", "(Forbidden): denied")
    assert sandbox.run("up") == 1
    plan.unlink()
    assert sandbox.state["releases"]["operator"]["status"] == "pending-install"
    assert sandbox.run("destroy") == 0
    assert sandbox.state == {"objects": {}, "releases": {}}


def test_a_release_that_was_left_pending_is_recovered(sandbox: Sandbox) -> None:
    plan = sandbox.plan("upgrade", "operator", "(Forbidden): denied")
    assert sandbox.run("up") == 1
    plan.unlink()
    assert sandbox.run("up") == 0
    assert before(sandbox.steps, "uninstall operator", "upgrade operator operator")


def test_passing_errors_are_tried_again(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    sandbox.plan("apply", "word-count", "once:(InternalError): failed calling webhook: connection refused")
    assert sandbox.run("up") == 0
    assert sandbox.applied.count("apply FlinkDeployment word-count") == 2
    assert "waits: Error from server (InternalError): failed calling webhook" in capsys.readouterr().out


def test_destroy_says_what_blocks_and_can_be_run_again(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert sandbox.run("up") == 0
    state = sandbox.state
    job = state["objects"]["flinkdeployment/flink/word-count"]
    job["metadata"]["finalizers"] = ["flinkdeployments.flink.apache.org/finalizer"]
    (sandbox.cluster / "state.json").write_text(json.dumps(state), encoding="utf-8")
    assert sandbox.run("destroy") == 1
    error = capsys.readouterr().err
    assert "FlinkDeployment flink/word-count is still there after 2 s: waits for the finalizer flinkdepl" in error
    assert "Release flink/operator: left alone, it is needed by what is still there" in error
    assert "uninstall operator" not in sandbox.removed
    state = sandbox.state
    del state["objects"]["flinkdeployment/flink/word-count"]
    (sandbox.cluster / "state.json").write_text(json.dumps(state), encoding="utf-8")
    assert sandbox.run("destroy") == 0
    assert sandbox.state == {"objects": {}, "releases": {}}


def test_protected_things_are_not_taken_down(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    sandbox.config(protect="true")
    assert sandbox.run("up") == 0
    assert sandbox.run("destroy") == 1
    assert sandbox.removed == []
    said = capsys.readouterr().err
    assert (
        "refused, nothing was done: 1 protected resource would be deleted\n  FlinkDeployment flink/word-count" in said
    )
    assert "set protectJobs: false" in said
    sandbox.config()
    assert sandbox.run("up") == 0
    assert sandbox.run("destroy") == 0


def test_a_protected_job_that_is_renamed_is_refused_before_the_new_one_is_made(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.config(protect="true")
    assert sandbox.run("up") == 0
    sandbox.config(protect="true", jobs=["renamed"])
    assert sandbox.run("up") == 1
    assert sandbox.steps == []
    said = capsys.readouterr().err
    assert "FlinkDeployment flink/word-count" in said
    assert "jobs.word-count.protect: false in Pulumi.sandbox.yaml" in said
    sandbox.config(jobs=["word-count"])
    assert sandbox.run("up") == 0
    sandbox.config(jobs=["renamed"])
    assert sandbox.run("up") == 0
    assert "delete flinkdeployment word-count background" in sandbox.removed


@pytest.mark.parametrize("action", ["up", "destroy"])
def test_another_context_is_refused_before_anything_is_asked(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    sandbox.config(context="kind-dev")
    assert sandbox.run(action) == 1
    assert 'for the sandbox only: the stack\'s context is "kind-dev"' in capsys.readouterr().err
    assert sandbox.calls == []


@pytest.mark.parametrize("action", ["up", "destroy"])
@pytest.mark.parametrize("labels", [[], [{}], [{"flink-k8s/sandbox": "true"}, {}], [{"flink-k8s/sandbox": "false"}]])
def test_a_cluster_that_is_not_the_sandbox_is_refused(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], labels: list[Mapping[str, str]], action: str
) -> None:
    sandbox.nodes(*labels)
    assert sandbox.run(action) == 1
    assert "do not all carry the label flink-k8s/sandbox=true" in capsys.readouterr().err
    assert sandbox.steps == []


def test_a_sandbox_that_is_not_up_is_said(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    (sandbox.project / "kubeconfig").unlink()
    assert sandbox.run("up") == 1
    assert "run: python -m sandbox up" in capsys.readouterr().err


def test_no_provider_is_refused(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    (sandbox.project / "__main__.py").write_text(
        "import pulumi_kubernetes as k8s\nk8s.core.v1.ConfigMap('a', metadata={'name': 'a'})\n", encoding="utf-8"
    )
    assert sandbox.run("up") == 1
    assert "ConfigMap a has no provider: the ambient kube-context is never used" in capsys.readouterr().err
    assert sandbox.steps == []


def test_what_is_written_down_goes_on_in_further_config_maps(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_ENTRIES", 2)
    assert sandbox.run("up") == 0
    maps = {key for key in sandbox.state["objects"] if key.startswith("configmap/kube-system/")}
    assert {key.rpartition("/")[2] for key in maps} == {
        "flink-k8s-sandbox",
        "flink-k8s-sandbox-1",
        "flink-k8s-sandbox-2",
    }
    assert sandbox.run("destroy") == 0
    assert sandbox.state == {"objects": {}, "releases": {}}


def test_what_a_stack_exports_is_written_down_for_others(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    program = sandbox.project / "__main__.py"
    whole = program.read_text(encoding="utf-8")
    program.write_text(f"{whole}\npulumi.export('platform', {{'namespaces': ['flink']}})\n", encoding="utf-8")
    assert sandbox.run("up") == 0
    exported = sandbox.state["objects"]["configmap/kube-system/flink-k8s-sandbox"]["metadata"]["annotations"]
    assert json.loads(exported["flink-k8s/exports"])["platform"] == {"namespaces": ["flink"]}
    reader = "import pulumi\nbelow = pulumi.StackReference('organization/flink-k8s/sandbox')\n"
    program.write_text(f"{reader}pulumi.export('seen', below.get_output('platform'))\n", encoding="utf-8")
    shutil.copy2(sandbox.project / "Pulumi.sandbox.yaml", sandbox.project / "Pulumi.team.yaml")
    capsys.readouterr()
    assert apply.main(["up", "--stack", "team"], sandbox.project) == 0
    assert "seen:\n    namespaces:\n      - flink\n" in capsys.readouterr().out


def started(sandbox: Sandbox, action: str) -> subprocess.Popen[str]:
    program = (
        f"import sys; from pathlib import Path; from local.apply import main; sys.exit(main(['{action}'], Path('.')))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=sandbox.project,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(sandbox: Sandbox, step: str) -> None:
    deadline = time.monotonic() + 30
    while step not in sandbox.steps:
        assert time.monotonic() < deadline, f"{step} did not come: {sandbox.steps}"
        time.sleep(0.05)


def test_with_commands_on_path(commands: Sandbox) -> None:
    assert commands.run("up") == 0
    assert commands.state["objects"]["secret/flink/password"]["stringData"] == {"password": "hunter2"}
    assert commands.run("destroy") == 0
    assert commands.state == {"objects": {}, "releases": {}}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_cleanly_and_the_next_run_is_whole(commands: Sandbox, number: signal.Signals) -> None:
    plan = commands.plan("upgrade", "operator", "slow")
    process = started(commands, "up")
    wait_for(commands, "upgrade operator operator")
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert error.splitlines()[-1] == "interrupted"
    plan.unlink()
    assert commands.run("up") == 0
    assert commands.run("destroy") == 0


def test_a_second_run_at_once_is_refused(commands: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    commands.plan("upgrade", "operator", "slow")
    process = started(commands, "up")
    try:
        wait_for(commands, "upgrade operator operator")
        assert apply.main(["destroy"], commands.project) == 1
        said = f"error: local.apply up (process {process.pid}) is running on the stack sandbox; wait until"
        assert said in capsys.readouterr().err
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
