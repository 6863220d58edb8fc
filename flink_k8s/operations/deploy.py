"""`up`, `preview` and `destroy` of a stack by the `pulumi` command."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flink_k8s.config import platform_stack
from flink_k8s.operations import context, display, interrupted, policy, run_folder, suspended
from flink_k8s.operations import foreign_jobs as tenants
from flink_k8s.operations import stack_locks as locks
from flink_k8s.operations import stuck_deletions as blockers
from flink_k8s.operations.engine_events import Event, Phase, events
from flink_k8s.operations.exported_state import exported
from flink_k8s.operations.protected import Refusals
from flink_k8s.operations.stack import Stack
from flink_k8s.operations.suspended import Change
from flink_k8s.operations.timeline import Stopwatch
from flink_k8s.operations.timings import take
from flink_k8s.program.engine_state import recorded, resources
from flink_k8s.support.console import confirm, say
from flink_k8s.support.errors import CommandError, ExitCode
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import ROOT, home, state
from flink_k8s.support.processes import capture, errors, must, output, stream

SANDBOX_CONTEXT = "flink-k8s-sandbox"
HOW_TO_GET_PULUMI = "install it (https://www.pulumi.com/docs/install/) and run the command again"
_REMEDY = "fix the error above and run the same command again"

State = Mapping[str, Any]


@dataclass(frozen=True)
class Engine:
    """Pulumi's engine, with what `up` and `preview` need.

    Attributes:
        pulumi: the command.
        policy: folder of a policy pack for `up` and `preview`; empty for none.
        timings: whether `up` shows in the end where its time went.
    """

    pulumi: Path
    policy: str = ""
    timings: bool = False

    @property
    def title(self) -> str:
        """Name and version, for people."""
        version = capture([self.pulumi, "version"]).stdout.decode().strip()
        return f"pulumi {version.removeprefix('v')}"

    def up(self, stack: Stack, change: Change | None = None) -> None:
        """Make the cluster what the stack declares, and wait for its jobs.

        Args:
            stack: the stack.
            change: which of its jobs are suspended from now on; None for those that are. If it is about some jobs only,
                nothing else is touched.

        Raises:
            CommandError: if the engine fails.
        """
        env, before = ready(self.pulumi, stack, carried=change is None)
        options = policy.options(self.policy)
        if change is not None:
            suspended.carry(stack, change)
            options += [f"--target={urn}" for urn in suspended.urns(before, change.about or ())]
        if change is None or change.about is None:
            tenants.refuse(stack, tenants.in_state(before), destroy=False)
        with blockers.told(stack):
            watch = self.operate("up", stack, env, before, options)
        if self.timings:
            say(watch.timeline(recorded(exported(self.pulumi, stack, env))).text())

    def suspended(self, stack: Stack) -> Mapping[str, str]:
        """The jobs that `make suspend` has stopped, by `kind/namespace/name`: since when, and by whom.

        Raises:
            CommandError: if the state cannot be read.
        """
        return suspended.in_state(exported(self.pulumi, stack, environment(), create=True))

    def destroy(self, stack: Stack) -> None:
        """Delete all that the stack has created, jobs before their operator.

        Raises:
            CommandError: if something is not deleted.
        """
        env, before = ready(self.pulumi, stack, moving=False)
        tenants.refuse(stack, tenants.in_state(before), destroy=True)
        with blockers.said(stack):
            self.operate("destroy", stack, env, before)

    def operate(
        self, operation: str, stack: Stack, env: Mapping[str, str], before: State, options: Sequence[str | Path] = ()
    ) -> Stopwatch:
        """Run `pulumi up` or `pulumi destroy`.

        The engine previews the operation first where that can refuse it before anything is touched: it deletes no
        protected resource, and a stack of jobs needs its platform. Elsewhere a preview would only cost time.

        Args:
            operation: `up` or `destroy`.
            stack: the stack.
            env: the command's environment.
            before: the stack's state.
            options: more options of the command.

        Returns:
            When each resource was worked on.

        Raises:
            CommandError: if the command fails.
        """
        is_guarded = any(one.get("protect") for one in resources(before))
        has_preview = is_guarded or (operation == "up" and stack.platform.settings.platform is not None)
        command = [self.pulumi, operation, "--yes", *([] if has_preview else ["--skip-preview"]), *options]
        if context.is_new_cluster(stack, before):
            say("-- a namespace of the stack does not exist in the cluster, which may be new: the state is refreshed")
            command.append("--refresh")
        watch, refusals, phase = Stopwatch(), Refusals(), Phase(has_preview=has_preview)

        def record(event: Event) -> None:
            if not phase.is_preview:
                take(event, watch)

        code = display.run([*command, *common(stack)], env, [phase.take, refusals.take, record], phase)
        if code != 0:
            hint = refusals.hint(before, stack, operation) or missing_platform(self.pulumi, stack, env)
            raise CommandError(f"{operation} failed (exit code {code}); {hint or _REMEDY}")
        return watch

    def preview(self, stack: Stack) -> int:
        """Show what `up` would do; an exit code."""
        env, before = ready(self.pulumi, stack, shared=True)
        refusals, command = Refusals(), [self.pulumi, "preview", *policy.options(self.policy), *common(stack)]
        if self.policy or not resources(before):
            # With --diff the command counts violations of policies and does not name them. Of a new stack, a diff
            # would be every object whole, including the dashboards' 5000 lines.
            code = display.run(command, env, [refusals.take], Phase(has_preview=False), planned=True)
        else:
            command += ["--diff", *([] if display.is_terminal() else ["--non-interactive", "--suppress-progress"])]
            with events(refusals.take) as log:
                code = stream([*command, *log.options], env={**env, **log.env})
        hint = refusals.hint(before, stack, "preview")
        if code != 0 and not hint:
            hint = missing_platform(self.pulumi, stack, env)
        if hint:
            print(f"error: {hint}", file=sys.stderr)
        return code

    def preview_json(self, stack: Stack) -> str:
        """What `up` would do, as the command's JSON, including what stays as it is; also if the engine refuses it.

        Raises:
            CommandError: if the command prints no JSON.
        """
        env, _ = ready(self.pulumi, stack, shared=True)
        done = capture([self.pulumi, "preview", "--json", "--show-sames", "--non-interactive", *common(stack)], env=env)
        text = done.stdout.decode(errors="replace")
        if done.returncode != 0 and not text.strip().startswith("{"):
            raise CommandError(f"pulumi preview failed (exit code {done.returncode}):\n{errors(done)}")
        return text


def find(
    *,
    context: str,
    which: Callable[[str], str | None] = shutil.which,
    install: Callable[[], Path | None] | None = None,
    build: Callable[[], Path] | None = None,
) -> Engine:
    """The engine for a stack: the command on PATH, one that was installed or built before, or a new one.

    Args:
        context: the stack's kube-context; for the sandbox's the command is built if it cannot be installed.
        which: finds a program on PATH.
        install: installs the command by Pulumi's SDK; None if it cannot.
        build: builds the command for the sandbox.

    Raises:
        CommandError: if the command cannot be had.
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


def _wanted_version() -> str:
    return (ROOT / ".pulumi.version").read_text().strip()


def _folder() -> Path:
    return state() / "pulumi" / _wanted_version()


def _installed() -> Path:
    return _folder() / "bin" / "pulumi"


def _built() -> Path:
    return home() / "bin" / "pulumi"


def _install() -> Path | None:
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    say(f"-- pulumi {_wanted_version()}: installing into {_folder()}")
    try:
        PulumiCommand.install(root=str(_folder()), version=VersionInfo.parse(_wanted_version()))
    except Exception as error:  # whatever the SDK's installer meets, the remedy is the same
        lines = str(error).strip().splitlines()
        say(f"   the installation failed: {lines[-1] if lines else type(error).__name__}")
        return None
    return _installed()


def _build() -> Path:
    must("building the pulumi command", [sys.executable, "-m", "sandbox", "engine"], remedy=_REMEDY)
    return _built()


def environment() -> dict[str, str]:
    """The command's environment: a state folder and a passphrase of our own where the user has set none."""
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
            say(f"-- created a passphrase for the stacks' secrets: {passphrase}. Keep it: nothing else decrypts them")
        env["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(passphrase)
    return env


def ready(
    pulumi: Path, stack: Stack, *, moving: bool = True, shared: bool = False, carried: bool = True
) -> tuple[dict[str, str], State]:
    """The command's environment and the stack's state, for an operation in the cluster that the stack file names.

    Args:
        pulumi: the command.
        stack: the stack.
        moving: whether the operation creates or reads objects in the context that the file names.
        shared: whether another run may be at work on the stack meanwhile, as during a preview.
        carried: whether suspended jobs stay suspended.

    Raises:
        CommandError: if the stack is in another cluster, or another run is at work on it.
    """
    context.known(stack)
    env = environment()
    if not shared:
        locks.clear(pulumi, stack, env)
    before = exported(pulumi, stack, env, create=True)
    if moving:
        context.unchanged(before, stack)
    if not shared:
        before = _recovered(pulumi, stack, env, before)
    if moving and carried:
        suspended.carry(stack, Change(suspended.in_state(before)))
    return env, before


def _recovered(pulumi: Path, stack: Stack, env: Mapping[str, str], before: State) -> State:
    """The state after what a killed run has left half done is settled.

    Raises:
        CommandError: if it cannot be.
    """
    if stack.context not in context.contexts_of(before):
        return before
    operations = interrupted.pending_operations(before)
    try:
        kubectl = Kubectl.of(stack)
        releases = interrupted.pending_releases(kubectl, before)
        after, adopted = interrupted.settled(kubectl, before)
    except CommandError:
        return before  # the engine names the reason
    if not locks.is_checkable(env):
        interrupted.refuse(releases)
        return before
    interrupted.recover(kubectl, releases)
    if not operations:
        return before
    say(f"-- {len(operations)} operations of a run that was killed: {len(adopted)} were done, the rest is done again")
    interrupted.write(pulumi, stack, env, after)
    if adopted:
        refresh = [pulumi, "refresh", "--yes", "--skip-preview", "--non-interactive", *common(stack)]
        output("pulumi refresh", [*refresh, *(f"--target={urn}" for urn in adopted)], env=env)
    return exported(pulumi, stack, env)


def missing_platform(pulumi: Path, stack: Stack, env: Mapping[str, str]) -> str:
    """What a stack of jobs lacks of its platform's stack, and how to deploy it; empty if nothing.

    Of a platform that was never deployed, the engine reports an unknown stack, without the remedy.

    Args:
        pulumi: the command.
        stack: the stack of jobs.
        env: the command's environment.
    """
    settings = stack.platform.settings
    if settings.platform is None:
        return ""
    command = [pulumi, "stack", "output", "--json", "--non-interactive", "--cwd", run_folder.home()]
    done = capture([*command, "--stack", settings.platform], env=env)
    outputs: State = json.loads(done.stdout) if done.returncode == 0 else {}
    return platform_stack.missing_platform(settings.platform, outputs.get("platform"), sorted(settings.namespaces))


def common(stack: Stack) -> list[str]:
    """Options of every operation on a stack."""
    return ["--stack", stack.name, "--config-file", str(stack.config_file), "--cwd", str(ROOT)]


def engine_of(stack: Stack) -> Engine:
    """`find` the engine for a stack, and print its name.

    Raises:
        CommandError: if the command cannot be had.
    """
    engine = find(context=stack.context)
    say(f"engine: {engine.title}")
    return engine


def up(stack: Stack, *, pack: str = "", timings: bool = False) -> None:
    """Deploy a stack, and wait until its jobs run.

    Args:
        stack: the stack.
        pack: folder of a policy pack; empty for none.
        timings: whether to print where the time went.

    Raises:
        CommandError: if it fails.
    """
    replace(engine_of(stack), policy=pack, timings=timings).up(stack)


def destroy(stack: Stack, *, yes: bool = False) -> None:
    """Delete a stack, jobs before their operator. On a terminal, the user confirms first.

    Args:
        stack: the stack.
        yes: whether the user has confirmed.

    Raises:
        CommandError: if it fails, or the user does not confirm.
    """
    engine = engine_of(stack)
    confirm(stack.name, yes=yes or not sys.stdin.isatty())
    engine.destroy(stack)


def preview(stack: Stack, *, pack: str = "") -> int:
    """Print what `up` would change; without a `pulumi` command, what the stack declares. An exit code.

    Args:
        stack: the stack.
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
    return replace(engine, policy=pack).preview(stack)
