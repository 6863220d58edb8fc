"""`up`, `preview` and `destroy` of a stack by the `pulumi` command."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from flink_k8s.config import platform_stack
from flink_k8s.health.waiting import DESTROYING
from flink_k8s.operations import (
    context,
    display,
    foreign_jobs,
    interrupted,
    policy,
    stack_locks,
    stuck_deletions,
    suspended,
)
from flink_k8s.operations.engine_events import Event, Phase, events
from flink_k8s.operations.exported_state import export_state, remove_stack, stack_command
from flink_k8s.operations.job_table import print_jobs
from flink_k8s.operations.protected import Refusals
from flink_k8s.operations.stack import Stack
from flink_k8s.operations.suspended import Change
from flink_k8s.operations.timeline import Stopwatch
from flink_k8s.operations.timings import take
from flink_k8s.plan.guard import VARIABLE
from flink_k8s.program.engine_state import resources, state_graph
from flink_k8s.support.console import confirm, counted, say
from flink_k8s.support.errors import CommandError, ExitCode
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import ROOT, home, state
from flink_k8s.support.processes import capture, errors, must, output, stream
from flink_k8s.support.progress import is_terminal

SANDBOX_CONTEXT = "flink-k8s-sandbox"
HOW_TO_GET_PULUMI = "install it (https://www.pulumi.com/docs/install/) and run the command again"
_REMEDY = "fix the error above and run the command again; completed steps are kept"

State = Mapping[str, Any]


@dataclass(frozen=True)
class Engine:
    """Pulumi's engine, with the options of `up` and `preview`.

    Attributes:
        pulumi: the command.
        policy: folder of a policy pack that `up` and `preview` run; empty for none.
        timings: whether `up` prints a timeline at its end.
        allowed: jobs that may lose their state, by name, `namespace/name` or `kind/namespace/name`.
    """

    pulumi: Path
    policy: str = ""
    timings: bool = False
    allowed: Collection[str] = ()

    @property
    def title(self) -> str:
        """Name and version, to print."""
        version = capture([self.pulumi, "version"]).stdout.decode().strip()
        return f"pulumi {version.removeprefix('v')}"

    def up(self, stack: Stack, change: Change | None = None) -> None:
        """Deploy the stack, and wait until its jobs are ready.

        Args:
            stack: the stack.
            change: the jobs that are suspended from now on; None keeps the suspended jobs as they are. If the change is
                about some jobs only, no other resource is updated.

        Raises:
            CommandError: if the engine fails.
        """
        env, before = prepare_run(self.pulumi, stack, keep_suspended=change is None)
        options = policy.options(self.policy)
        if change is not None:
            suspended.carry(stack, change)
            options += [f"--target={urn}" for urn in suspended.urns(before, change.about or ())]
        if change is None or change.about is None:
            foreign_jobs.refuse(stack, foreign_jobs.in_state(before), destroy=False)
        with stuck_deletions.report_on_failure(stack):
            watch = self.operate("up", stack, env, before, options)
        if self.timings:
            say(watch.timeline(state_graph(export_state(self.pulumi, stack, env))).text())

    def suspended(self, stack: Stack) -> Mapping[str, str]:
        """The jobs that `make suspend` has stopped, by `kind/namespace/name`: time and user of the suspension.

        Raises:
            CommandError: if the state cannot be read.
        """
        return suspended.in_state(export_state(self.pulumi, stack, environment(), create=True))

    def destroy(self, stack: Stack, *, remove: bool = False) -> None:
        """Delete every resource of the stack, jobs before their operator.

        Args:
            stack: the stack.
            remove: whether the stack in the backend and its file are deleted afterwards.

        Raises:
            CommandError: if a resource is not deleted.
        """
        env, before = prepare_run(self.pulumi, stack, uses_cluster=False)
        foreign_jobs.refuse(stack, foreign_jobs.in_state(before), destroy=True)
        options: list[str] = []
        if has_deletion_hooks(before):
            # The hooks are in the program; the user has already confirmed that the jobs are deleted.
            options.append("--run-program")
            env |= allowing(suspended.keys(before)) | {DESTROYING: "1"}
        with stuck_deletions.guard_destroy(stack):
            self.operate("destroy", stack, env, before, options)
        if remove:
            remove_stack(self.pulumi, stack.name, env)
            (ROOT / f"Pulumi.{stack.name}.yaml").unlink(missing_ok=True)
            say(f"removed the stack {stack.name} and Pulumi.{stack.name}.yaml")

    def operate(
        self, operation: str, stack: Stack, env: Mapping[str, str], before: State, options: Sequence[str | Path] = ()
    ) -> Stopwatch:
        """Run `pulumi up` or `pulumi destroy`.

        The engine previews the operation first if the preview can refuse it before any change: it does not delete
        protected resources, the program's guards refuse state losses, and a stack of jobs needs its platform. In other
        cases a preview only costs time.

        Args:
            operation: `up` or `destroy`.
            stack: the stack.
            env: the command's environment.
            before: the stack's state.
            options: more options of the command.

        Returns:
            The start and the end of the work on each resource.

        Raises:
            CommandError: if the command fails, or a job has failed after `up` found it ready.
        """
        has_preview = any(resource.get("protect") for resource in resources(before))
        if operation == "up":
            env = {**env, **allowing(self.allowed)}
            has_preview |= stack.platform.settings.platform is not None or has_deletion_hooks(before)
        command = [self.pulumi, operation, "--yes", "--suppress-outputs", *options]
        command += [] if has_preview else ["--skip-preview"]
        if context.is_new_cluster(stack, before):
            say("-- a namespace of the stack does not exist in the cluster, which may be new: refreshing the state")
            command.append("--refresh")
        watch, refusals, phase = Stopwatch(), Refusals(), Phase(has_preview=has_preview)

        def record(event: Event) -> None:
            if not phase.is_preview:
                take(event, watch)

        code = display.run([*command, *common(stack)], env, [phase.take, refusals.take, record], phase)
        late_errors: list[str] = []
        if operation == "up" and not phase.is_preview:
            late_errors = print_jobs(stack, has_failed=code != 0)
        if code != 0:
            hint = refusals.hint(before, stack, operation) or missing_platform(self.pulumi, stack, env)
            raise CommandError(f"{operation} failed (exit code {code}); {hint or _REMEDY}")
        if late_errors:
            print("\n".join(f"error: {error}" for error in late_errors), file=sys.stderr)
            raise CommandError(f"up failed: {counted(len(late_errors), 'job')} failed after being ready; {_REMEDY}")
        return watch

    def preview(self, stack: Stack) -> int:
        """Print what `up` would change; an exit code."""
        env, before = prepare_run(self.pulumi, stack, allows_concurrent_run=True)
        env |= allowing(self.allowed)
        refusals, command = Refusals(), [self.pulumi, "preview", *policy.options(self.policy), *common(stack)]
        if self.policy or not resources(before):
            # With --diff the command counts policy violations and does not name them. The diff of a new stack would
            # contain every object completely, including the dashboards' 5000 lines.
            code = display.run(command, env, [refusals.take], Phase(has_preview=False), planned=True)
        else:
            command += ["--diff", *([] if is_terminal() else ["--non-interactive", "--suppress-progress"])]
            with events(refusals.take) as log:
                code = stream([*command, *log.options], env={**env, **log.env})
        hint = refusals.hint(before, stack, "preview")
        if code != 0 and not hint:
            hint = missing_platform(self.pulumi, stack, env)
        if hint:
            print(f"error: {hint}", file=sys.stderr)
        return code

    def preview_json(self, stack: Stack) -> str:
        """What `up` would change, as the command's JSON, including unchanged resources; also if the engine refuses it.

        The program's guards refuse nothing here: the plan of this preview lists all state losses.

        Raises:
            CommandError: if the command prints no JSON.
        """
        env, before = prepare_run(self.pulumi, stack, allows_concurrent_run=True)
        env |= allowing(suspended.keys(before))
        result = capture(
            [self.pulumi, "preview", "--json", "--show-sames", "--non-interactive", *common(stack)], env=env
        )
        text = result.stdout.decode(errors="replace")
        if result.returncode != 0 and not text.strip().startswith("{"):
            raise CommandError(f"pulumi preview failed (exit code {result.returncode}):\n{errors(result)}")
        return text


def has_deletion_hooks(state: State) -> bool:
    """Whether the program guards the deletion of a resource in a stack's state."""
    hooks = (cast(Mapping[str, object], resource.get("resourceHooks") or {}) for resource in resources(state))
    return any(names.get("BeforeDelete") for names in hooks)


def allowing(jobs: Collection[str]) -> dict[str, str]:
    """Variables for the command that let these jobs lose their state; the user's own variable stays without jobs."""
    return {VARIABLE: " ".join(jobs)} if jobs else {}


def find(
    *,
    context: str,
    which: Callable[[str], str | None] = shutil.which,
    install: Callable[[], Path | None] | None = None,
    build: Callable[[], Path] | None = None,
) -> Engine:
    """The engine for a stack: the command on PATH, a command that was installed or built before, or a new one.

    Args:
        context: the stack's kube-context; for the sandbox, the command is built if it cannot be installed.
        which: finds a program on PATH.
        install: installs the command with Pulumi's SDK; returns None if that fails.
        build: builds the command for the sandbox.

    Raises:
        CommandError: if the command is not available.
    """
    on_path = which("pulumi")
    if on_path is not None:
        return Engine(Path(on_path))
    for command in (_installed(), _built()):
        if os.access(command, os.X_OK):
            return Engine(command)
    installed = (install or _install)()
    if installed is not None:
        return Engine(installed)
    if context == SANDBOX_CONTEXT:
        return Engine((build or _build)())
    raise CommandError(f"the pulumi command is not on PATH and could not be installed; {HOW_TO_GET_PULUMI}")


def _pinned_version() -> str:
    return (ROOT / ".pulumi.version").read_text().strip()


def _folder() -> Path:
    return state() / "pulumi" / _pinned_version()


def _installed() -> Path:
    return _folder() / "bin" / "pulumi"


def _built() -> Path:
    return home() / "bin" / "pulumi"


def _install() -> Path | None:
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    say(f"-- pulumi {_pinned_version()}: installing into {_folder()}")
    try:
        PulumiCommand.install(root=str(_folder()), version=VersionInfo.parse(_pinned_version()))
    except Exception as error:  # the remedy is the same for every error of the SDK's installer
        lines = str(error).strip().splitlines()
        say(f"   the installation failed: {lines[-1] if lines else type(error).__name__}")
        return None
    return _installed()


def _build() -> Path:
    must("building the pulumi command", [sys.executable, "-m", "sandbox", "engine"], remedy=_REMEDY)
    return _built()


def environment() -> dict[str, str]:
    """The command's environment, with a default state folder and passphrase if the user has set none."""
    env = dict(os.environ)
    folder = state()
    folder.mkdir(parents=True, exist_ok=True)
    env.setdefault("PULUMI_BACKEND_URL", f"file://{folder}")
    env.setdefault("PULUMI_SKIP_UPDATE_CHECK", "true")
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & env.keys():
        passphrase = folder / "passphrase"
        if not passphrase.exists():
            passphrase.touch(mode=0o600)
            passphrase.write_text(secrets.token_urlsafe(32))
            say(f"-- created a passphrase for the stacks' secrets: {passphrase}. Keep it: only it decrypts them")
        env["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(passphrase)
    return env


def prepare_run(
    pulumi: Path,
    stack: Stack,
    *,
    uses_cluster: bool = True,
    allows_concurrent_run: bool = False,
    keep_suspended: bool = True,
) -> tuple[dict[str, str], State]:
    """The command's environment and the stack's state, for an operation in the cluster that the stack file sets.

    Args:
        pulumi: the command.
        stack: the stack.
        uses_cluster: whether the operation creates or reads objects in the context that the file sets.
        allows_concurrent_run: whether another run may change the stack at the same time, as during a preview.
        keep_suspended: whether suspended jobs stay suspended.

    Raises:
        CommandError: if the stack is in another cluster, or another run holds its lock.
    """
    context.check_exists(stack)
    env = environment()
    if not allows_concurrent_run:
        stack_locks.clear(pulumi, stack, env)
    before = export_state(pulumi, stack, env, create=True)
    if uses_cluster:
        context.check_unchanged(before, stack)
    if not allows_concurrent_run:
        before = _recovered(pulumi, stack, env, before)
    if uses_cluster and keep_suspended:
        suspended.carry(stack, Change(suspended.in_state(before)))
    return env, before


def _recovered(pulumi: Path, stack: Stack, env: Mapping[str, str], before: State) -> State:
    """The state after the recovery of pending Helm releases and operations of a killed run.

    Raises:
        CommandError: if the recovery fails.
    """
    if stack.context not in context.contexts_of(before):
        return before
    operations = interrupted.pending_operations(before)
    try:
        kubectl = Kubectl.of(stack)
        releases = interrupted.pending_releases(kubectl, before)
        after, adopted = interrupted.resolve_pending(kubectl, before)
    except CommandError:
        return before  # the engine reports the reason
    if not stack_locks.is_checkable(env):
        interrupted.refuse(releases)
        return before
    interrupted.recover(kubectl, releases)
    if not operations:
        return before
    say(f"-- recovering {len(operations)} operations of a killed run: {len(adopted)} had completed, the rest run again")
    interrupted.write(pulumi, stack, env, after)
    if adopted:
        refresh = [pulumi, "refresh", "--yes", "--skip-preview", "--non-interactive", *common(stack)]
        output("pulumi refresh", [*refresh, *(f"--target={urn}" for urn in adopted)], env=env)
    return export_state(pulumi, stack, env)


def missing_platform(pulumi: Path, stack: Stack, env: Mapping[str, str]) -> str:
    """What is missing in the platform stack of a stack of jobs, and how to deploy it; empty if nothing is missing.

    If the platform was never deployed, the engine reports an unknown stack, without the remedy.

    Args:
        pulumi: the command.
        stack: the stack of jobs.
        env: the command's environment.
    """
    settings = stack.platform.settings
    if settings.platform is None:
        return ""
    result = capture(stack_command(pulumi, "output", settings.platform, "--json"), env=env)
    outputs: State = json.loads(result.stdout) if result.returncode == 0 else {}
    return platform_stack.missing_platform(settings.platform, outputs.get("platform"), sorted(settings.namespaces))


def common(stack: Stack) -> list[str]:
    """The options that every operation on a stack has."""
    return ["--stack", stack.name, "--config-file", str(stack.config_file), "--cwd", str(ROOT)]


def engine_of(stack: Stack, allowed: Collection[str] = ()) -> Engine:
    """`find` the engine for a stack, and print its name.

    Args:
        stack: the stack.
        allowed: jobs that may lose their state.

    Raises:
        CommandError: if the command is not available.
    """
    engine = find(context=stack.context)
    say(f"engine: {engine.title}")
    return replace(engine, allowed=allowed)


def up(stack: Stack, *, pack: str = "", timings: bool = False, allowed: Collection[str] = ()) -> None:
    """Deploy a stack, and wait until its jobs run.

    Args:
        stack: the stack.
        allowed: jobs that may lose their state.
        pack: folder of a policy pack; empty for none.
        timings: whether to print a timeline.

    Raises:
        CommandError: if it fails.
    """
    replace(engine_of(stack, allowed), policy=pack, timings=timings).up(stack)


def destroy(stack: Stack, *, yes: bool = False, remove: bool = False) -> None:
    """Delete a stack, jobs before their operator. On a terminal, the user confirms first.

    Args:
        stack: the stack.
        yes: whether the user has confirmed.
        remove: whether the stack in the backend and its file are deleted afterwards.

    Raises:
        CommandError: if it fails, or the user does not confirm.
    """
    engine = engine_of(stack)
    confirm(stack.name, yes=yes or not sys.stdin.isatty())
    engine.destroy(stack, remove=remove)


def preview(stack: Stack, *, pack: str = "", allowed: Collection[str] = ()) -> int:
    """Print what `up` would change; without a `pulumi` command, print what the stack declares. An exit code.

    Args:
        stack: the stack.
        allowed: jobs that may lose their state.
        pack: folder of a policy pack; empty for none.

    Raises:
        CommandError: if the program cannot run.
    """
    try:
        engine = find(context=stack.context)
    except CommandError as error:
        say(f"-- {error}\n")
        from flink_k8s.program import preview as program  # Pulumi's SDK takes half a second

        program.show(stack.name, stack.config_file)
        return ExitCode.OK
    return replace(engine, policy=pack, allowed=allowed).preview(stack)
