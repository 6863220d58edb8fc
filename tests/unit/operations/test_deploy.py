"""The selection of the `pulumi` command, and its arguments in each operation; a script replaces the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.operations import deploy as engine
from flink_k8s.operations import stack
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT, home, state
from tests.terminal import script_on_terminal

VERSION = (ROOT / ".pulumi.version").read_text().strip()
KUBECONFIG = {"contexts": [{"name": "flink-k8s-sandbox"}]}


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A separate state folder, a context for the sandbox's stack, no terminal."""
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("FLINK_K8S_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CI", "1")


def executable(path: Path, script: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def nothing(*_: str) -> None:
    return None


def never() -> Path:
    pytest.fail("the command exists already")


def test_the_command_on_path_is_the_first_choice():
    executable(state() / "pulumi" / VERSION / "bin" / "pulumi")
    resource = engine.find(context="kind-flink", which=lambda name: f"/usr/bin/{name}", install=never, build=never)
    assert resource.pulumi == Path("/usr/bin/pulumi")


def test_an_installed_command_has_priority_over_the_sandboxs():
    built = executable(home() / "bin" / "pulumi")
    assert engine.find(context="kind-flink", which=nothing, install=never, build=never).pulumi == built
    installed = executable(state() / "pulumi" / VERSION / "bin" / "pulumi")
    assert engine.find(context="kind-flink", which=nothing, install=never, build=never).pulumi == installed


def test_the_command_is_installed_rather_than_built():
    resource = engine.find(
        context=engine.SANDBOX_CONTEXT, which=nothing, install=lambda: Path("/installed/pulumi"), build=never
    )
    assert resource.pulumi == Path("/installed/pulumi")


def test_the_command_is_built_only_for_the_sandbox():
    resource = engine.find(
        context=engine.SANDBOX_CONTEXT, which=nothing, install=nothing, build=lambda: Path("/built/pulumi")
    )
    assert resource.pulumi == Path("/built/pulumi")
    with pytest.raises(CommandError, match="could not be installed; install it"):
        engine.find(context="kind-flink", which=nothing, install=nothing, build=never)


@pytest.mark.parametrize("printed", ["v3.274.1", "3.274.1"])
def test_the_title_has_the_version_without_its_letter(tmp_path: Path, printed: str):
    assert engine.Engine(executable(tmp_path / "pulumi", f"echo {printed}")).title == "pulumi 3.274.1"


class Command:
    """A fake `pulumi` that records its arguments, exports a state, and writes events."""

    def __init__(
        self, folder: Path, resources: list[dict[str, Any]], events: list[dict[str, Any]] | None = None, code: int = 0
    ) -> None:
        self._calls = folder / "calls"
        self._variables = folder / "variables"
        export = folder / "export.json"
        export.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}))
        log = folder / "events"
        log.write_text("".join(json.dumps(event) + "\n" for event in events or []))
        script = f"""
echo "$*" >> {self._calls}
echo "$1 $FLINK_K8S_ALLOW $FLINK_K8S_DESTROY" >> {self._variables}
case "$1" in
stack) cat {export} ;;
*)
    while [ $# -gt 0 ]; do
        if [ "$1" = --event-log ]; then cat {log} > "$2"; fi
        shift
    done
    exit {code}
esac"""
        self.path = executable(folder / "pulumi", script)

    def call(self, operation: str) -> list[str]:
        """The arguments of the only call of the operation."""
        [call] = [line.split() for line in self._calls.read_text().splitlines() if line.split()[0] == operation]
        return call

    def variables(self, operation: str) -> list[str]:
        """The values of the program's variables in the only call of the operation."""
        lines = [line.split() for line in self._variables.read_text().splitlines()]
        [values] = [line[1:] for line in lines if line[0] == operation]
        return values


@pytest.fixture
def sandbox(tmp_path: Path) -> stack.Stack:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(KUBECONFIG))
    return stack.prepare("sandbox", {"kubeconfig": str(kubeconfig)})


URN = "urn:pulumi:sandbox::flink-k8s::kubernetes:flink.apache.org/v1beta1:FlinkDeployment::flink/orders"
METADATA = {"metadata": {"name": "orders", "namespace": "flink"}}
JOB = {
    "urn": URN,
    "type": "kubernetes:flink.apache.org/v1beta1:FlinkDeployment",
    "custom": True,
    "inputs": {"apiVersion": "flink.apache.org/v1beta1", **METADATA},
}
REFUSED = {
    "sequence": 1,
    "diagnosticEvent": {
        "urn": URN,
        "prefix": "error: ",
        "message": f'Preview failed: resource "{URN}" cannot be deleted\nbecause it is protected. To unprotect …',
        "severity": "error",
    },
}


@pytest.mark.parametrize("operation", ["up", "destroy"])
def test_without_protected_resources_no_preview_runs_first(tmp_path: Path, sandbox: stack.Stack, operation: str):
    command = Command(tmp_path, [JOB])
    getattr(engine.Engine(command.path), operation)(sandbox)
    assert "--skip-preview" in command.call(operation)
    assert "--non-interactive" in command.call(operation)


@pytest.mark.parametrize(
    ("operation", "remedy"),
    [
        ("up", "declare them again with jobs.orders.protect: false in Pulumi.sandbox.yaml"),
        ("destroy", "set protectJobs: false"),
    ],
)
def test_with_protected_resources_a_preview_runs_first_and_its_refusal_has_a_remedy(
    tmp_path: Path, sandbox: stack.Stack, operation: str, remedy: str
):
    command = Command(tmp_path, [{**JOB, "protect": True}], [REFUSED], code=255)
    with pytest.raises(CommandError) as raised:
        getattr(engine.Engine(command.path), operation)(sandbox)
    assert "--skip-preview" not in command.call(operation)
    output = str(raised.value)
    assert (
        "refused, nothing was changed: 1 protected resource would be deleted\n  FlinkDeployment flink/orders" in output
    )
    assert remedy in output


KEY = "FlinkDeployment/flink/orders"
GUARDED = {
    **JOB,
    "inputs": {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", **METADATA},
    "resourceHooks": {"BeforeDelete": ["state-guard-delete"], "BeforeUpdate": ["state-guard-update"]},
}


def test_destroy_runs_the_program_for_its_guards_and_allows_confirmed_deletions(tmp_path: Path, sandbox: stack.Stack):
    command = Command(tmp_path, [GUARDED])
    engine.Engine(command.path).destroy(sandbox)
    assert "--run-program" in command.call("destroy")
    assert command.variables("destroy") == [KEY, "1"]


def test_destroy_without_guarded_resources_does_not_run_the_program(tmp_path: Path, sandbox: stack.Stack):
    command = Command(tmp_path, [{**JOB, "resourceHooks": {"BeforeUpdate": ["state-guard-update"]}}])
    engine.Engine(command.path).destroy(sandbox)
    assert "--run-program" not in command.call("destroy")
    assert command.variables("destroy") == []


def test_up_of_a_guarded_stack_previews_first_and_passes_the_allowance(tmp_path: Path, sandbox: stack.Stack):
    command = Command(tmp_path, [GUARDED])
    engine.Engine(command.path, allowed=["orders", "visits"]).up(sandbox)
    assert "--skip-preview" not in command.call("up")
    assert command.variables("up") == ["orders", "visits"]


def test_the_users_variable_is_kept_without_an_allowance(
    tmp_path: Path, sandbox: stack.Stack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FLINK_K8S_ALLOW", "visits")
    command = Command(tmp_path, [GUARDED])
    engine.Engine(command.path).up(sandbox)
    assert command.variables("up") == ["visits"]


def test_the_preview_of_a_plan_refuses_no_loss(tmp_path: Path, sandbox: stack.Stack):
    script = """
case "$1" in
stack) cat "$(dirname "$0")/export.json" ;;
*) echo "{\\"allowed\\": \\"$FLINK_K8S_ALLOW\\"}" ;;
esac"""
    Command(tmp_path, [GUARDED])
    command = executable(tmp_path / "pulumi", script)
    assert json.loads(engine.Engine(command).preview_json(sandbox)) == {"allowed": KEY}


def test_failures_without_a_hint_have_the_general_remedy(tmp_path: Path, sandbox: stack.Stack):
    failed = {"sequence": 1, "diagnosticEvent": {"urn": URN, "message": "no such image", "severity": "error"}}
    command = Command(tmp_path, [{**JOB, "protect": True}], [failed], code=255)
    with pytest.raises(CommandError, match=r"^up failed \(exit code 255\); fix the error above"):
        engine.Engine(command.path).up(sandbox)


def test_preview_of_a_deployed_stack_shows_a_diff(tmp_path: Path, sandbox: stack.Stack):
    command = Command(tmp_path, [JOB])
    assert engine.Engine(command.path).preview(sandbox) == 0
    assert "--diff" in command.call("preview")
    assert command.call("stack")[1] == "export"


def test_a_new_stack_is_created(tmp_path: Path, sandbox: stack.Stack):
    calls = tmp_path / "calls"
    script = f"""
echo "$*" >> {calls}
case "$2" in
export) echo "error: no stack named 'sandbox' found" >&2; exit 1 ;;
select) echo "encryptionsalt: v1:made-by-the-engine" > {state()}/config/Pulumi.sandbox.yaml ;;
esac"""
    command = executable(tmp_path / "pulumi", script)
    assert engine.Engine(command).preview(sandbox) == 0
    assert [line.split()[0:2] for line in calls.read_text().splitlines()][:2] == [
        ["stack", "export"],
        ["stack", "select"],
    ]
    assert "encryptionsalt: v1:made-by-the-engine" in sandbox.config_file.read_text()


def test_preview_without_a_command_prints_the_declared_resources(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refuse(**_: object) -> engine.Engine:
        raise CommandError("the pulumi command is not on PATH")

    monkeypatch.setattr(engine, "find", refuse)
    assert engine.preview(stack.prepare("dev")) == 0
    output = capsys.readouterr().out
    assert "the pulumi command is not on PATH" in output
    assert "This is not a diff" in output
    assert "FlinkDeployment flink/word-count" in output


def test_an_error_before_the_first_event_is_shown(
    tmp_path: Path, sandbox: stack.Stack, capfd: pytest.CaptureFixture[str]
):
    script = 'if [ "$1" = stack ]; then echo "{}"; else echo "error: passphrase" ; exit 255; fi'
    with pytest.raises(CommandError):
        engine.Engine(executable(tmp_path / "pulumi", script)).up(sandbox)
    assert "error: passphrase" in capfd.readouterr().out


UP = """
import sys
from pathlib import Path
from flink_k8s.operations import deploy, stack

deploy.Engine(Path(sys.argv[1])).up(stack.prepare("sandbox", {"kubeconfig": sys.argv[2]}))
"""


def test_a_terminal_shows_the_display_of_pulumi_and_then_the_jobs(tmp_path: Path, sandbox: stack.Stack):
    script = """
case "$1" in
stack) echo '{}' ;;
up) [ -t 1 ] && echo "display of pulumi: $*" ;;
esac"""
    output = script_on_terminal(UP, executable(tmp_path / "pulumi", script), sandbox.kubeconfig or "", columns=400)
    shown, jobs = output[output.index("display of pulumi") :].splitlines()
    assert "--suppress-outputs" in shown
    assert "--non-interactive" not in shown
    assert jobs.startswith("   the jobs are not listed: could not configure the Kubernetes client")


def test_the_jobs_are_also_printed_without_a_terminal(
    tmp_path: Path, sandbox: stack.Stack, capfd: pytest.CaptureFixture[str]
):
    summary = {"sequence": 1, "summaryEvent": {"resourceChanges": {"same": 3}}}
    engine.Engine(Command(tmp_path, [JOB], [summary]).path).up(sandbox)
    changes, jobs = capfd.readouterr().out.splitlines()[-2:]
    assert changes.endswith("resources: 3 unchanged")
    assert jobs.startswith("   the jobs are not listed: could not configure the Kubernetes client")


def test_a_refusal_before_the_first_change_does_not_list_the_jobs(
    tmp_path: Path, sandbox: stack.Stack, capfd: pytest.CaptureFixture[str]
):
    with pytest.raises(CommandError):
        engine.Engine(Command(tmp_path, [{**JOB, "protect": True}], [REFUSED], code=255).path).up(sandbox)
    assert "jobs" not in capfd.readouterr().out


def test_up_fails_if_a_job_has_failed_after_being_ready(
    tmp_path: Path, sandbox: stack.Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    message = "job flink/orders FAILED: java.io.IOException: Mkdirs failed"
    monkeypatch.setattr(engine, "print_jobs", lambda *_, **__: [message])
    with pytest.raises(CommandError, match=r"^up failed: 1 job failed after being ready; fix the error above"):
        engine.Engine(Command(tmp_path, [JOB]).path).up(sandbox)
    assert capsys.readouterr().err == f"error: {message}\n"
