"""`up`, `preview` and `destroy` of a stack: by the `pulumi` command, or for the sandbox in process.

python -m tools.engine up|preview|destroy STACK
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from components.platform_stack import missing
from local.engine_state import recorded, resources
from local.tool import state
from settings.stack_file import PROJECT
from tools import alone, blockers, context, policy, protected, run_folder, suspended, tenants
from tools.exported import exported
from tools.run import ROOT, FailedError, capture, finish, must, say, stream
from tools.stack import Stack, prepare, salted
from tools.suspended import Change
from tools.timings import events

SANDBOX_CONTEXT = "flink-k8s-sandbox"
HOW_TO_GET_PULUMI = "install it (https://www.pulumi.com/docs/install/) and run the command again"


@dataclass(frozen=True)
class Engine:
    """What carries out the program.

    Attributes:
        pulumi: the command; None for the in-process engine, which serves the sandbox only.
        title: for people: name and version.
        policy: folder of a policy pack that `up` and `preview` ask; empty for none. Only the command can.
        timings: whether `up` shows in the end where its time went.
    """

    pulumi: Path | None
    title: str
    policy: str = ""
    timings: bool = False

    def up(self, stack: Stack, change: Change | None = None) -> None:
        """Makes the cluster what the stack declares, and waits for its jobs.

        Args:
            stack: the stack.
            change: which of its jobs are to be suspended now; None for those that are. Where it is about some jobs
                alone, the command touches no others.

        Raises:
            FailedError: when it could not.
        """
        cure = "mend what it says above and run the same command again: what is done stays done"
        if self.pulumi is None:
            tenants.refuse(stack, tenants.in_ledger(stack), destroy=False)
            suspended.carry(stack, change or Change(suspended.in_ledger(stack)))
            with blockers.told(stack):
                shown = ["--timings"] if self.timings else []
                must("up", [*_local("local.apply"), "up", *_of(stack), *shown], cure=cure)
            return
        env, before = ready(self.pulumi, stack, carried=change is None)
        command = [self.pulumi, "up", "--yes", "--skip-preview", *policy.options(self.policy), *common(stack)]
        if change is not None:
            suspended.carry(stack, change)
            command += [f"--target={urn}" for urn in suspended.urns(before, change.about or ())]
        if change is None or change.about is None:
            protected.refuse(before, stack, destroy=False)
            tenants.refuse(stack, tenants.in_state(before), destroy=False)
        with blockers.told(stack):
            if not self.timings:
                must("up", command, cure=cure, env=env)
                return
            with events() as seen:
                must("up", [*command, *seen.options], cure=cure, env={**env, **seen.env})
            say(seen.watch.timeline(recorded(exported(self.pulumi, stack, env))).text())

    def suspended(self, stack: Stack) -> Mapping[str, str]:
        """The jobs that `make suspend` has stopped, by `kind/namespace/name`: since when, and by whom.

        Raises:
            FailedError: when the state cannot be read.
        """
        if self.pulumi is None:
            return suspended.in_ledger(stack)
        return suspended.in_state(ready(self.pulumi, stack, carried=False)[1])

    def destroy(self, stack: Stack) -> None:
        """Takes away all that the stack made, jobs before their operator.

        Raises:
            FailedError: when something stays.
        """
        cure = "mend what it says above and run the same command again"
        env: Mapping[str, str] | None = None
        command: list[str | Path] = [*_local("local.apply"), "destroy", *_of(stack)]
        if self.pulumi is None:
            tenants.refuse(stack, tenants.in_ledger(stack), destroy=True)
        else:
            env, before = ready(self.pulumi, stack, moving=False)
            protected.refuse(before, stack, destroy=True)
            tenants.refuse(stack, tenants.in_state(before), destroy=True)
            command = [self.pulumi, "destroy", "--yes", "--skip-preview", *common(stack)]
        with blockers.said(stack):
            must("destroy", command, cure=cure, env=env)

    def preview(self, stack: Stack) -> int:
        """Shows what `up` would do, or without the command what the stack declares; an exit code."""
        if self.pulumi is None:
            return stream([*_local("local.preview"), stack.name, "--config-file", stack.config_file])
        env, before = ready(self.pulumi, stack, shared=True)
        # With --diff the command counts violations of policies and does not say them.
        # Of a stack that is new, a diff would be every object whole, the dashboards' 5000 lines among them.
        is_new = not resources(before)
        shown = policy.options(self.policy) or ([] if is_new else ["--diff"])
        code = stream([self.pulumi, "preview", *shown, *common(stack)], env=env)
        if code != 0:
            protected.refuse(before, stack, destroy=False)
        return code

    def preview_json(self, stack: Stack) -> str:
        """What `up` would do, as the command's JSON, with what stays as it is; also where the engine refuses it.

        Raises:
            FailedError: when there is no command, or it says nothing.
        """
        if self.pulumi is None:
            raise FailedError(
                f"a plan needs the pulumi command, which compares with what is there; {HOW_TO_GET_PULUMI}"
            )
        env, _ = ready(self.pulumi, stack, shared=True)
        done = capture([self.pulumi, "preview", "--json", "--show-sames", *common(stack)], env=env)
        said = done.stdout.decode(errors="replace")
        if done.returncode != 0 and not said.strip().startswith("{"):
            reason = done.stderr.decode(errors="replace").strip() or said.strip()
            raise FailedError(f"pulumi preview failed (exit code {done.returncode}):\n{reason}")
        return said


def find(*, context: str, install: bool = True) -> Engine:
    """The engine for a stack.

    Args:
        context: the stack's kube-context.
        install: whether the SDK may install the command where it is missing.

    Raises:
        FailedError: when the command is needed and cannot be had.
    """
    found = shutil.which("pulumi") or _installed()
    if found is None and context == SANDBOX_CONTEXT:
        return Engine(None, "in process (pulumi is not on PATH)")
    if found is None and install:
        found = _install()
    if found is None:
        raise FailedError(f"the pulumi command is not on PATH and could not be installed; {HOW_TO_GET_PULUMI}")
    version = capture([found, "version"]).stdout.decode().strip()
    return Engine(Path(found), f"pulumi {version}")


def _with(engine: Engine, pack: str) -> Engine:
    if pack and engine.pulumi is None:
        say(f"-- the policy pack {pack} is left out: only the pulumi command asks it; make check has the same rules")
    return replace(engine, policy=pack)


def _wanted_version() -> str:
    return (ROOT / ".pulumi.version").read_text().strip()


def _folder() -> Path:
    return state() / "pulumi" / _wanted_version()


def _installed() -> str | None:
    command = _folder() / "bin" / "pulumi"
    return str(command) if command.exists() else None


def _install() -> str | None:
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    say(f"-- pulumi {_wanted_version()}: installing into {_folder()}")
    try:
        PulumiCommand.install(root=str(_folder()), version=VersionInfo.parse(_wanted_version()))
    except Exception as error:  # whatever the SDK's installer meets, the cure is the same
        said = str(error).strip().splitlines()
        say(f"   it cannot be installed here: {said[-1] if said else type(error).__name__}")
        return None
    return _installed()


def environment() -> dict[str, str]:
    """The command's environment: a state folder and a passphrase of our own where the user has said nothing."""
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
            say(
                f"-- made a passphrase for secrets in {passphrase}: keep it, the stacks' secrets open with nothing else"
            )
        env["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(passphrase)
    return env


def select(pulumi: Path, stack: Stack, env: Mapping[str, str]) -> None:
    """Makes the stack in the backend where it is new.

    The command writes a new stack's salt beside the project's other files and takes no `--config-file` for it: so it
    runs in a folder that is as if the project were there, and the run's own copy gets the salt from there.

    Raises:
        FailedError: when the backend refuses.
    """
    folder = run_folder.home()
    run_folder.keep(stack.config_file)
    (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
    command = [pulumi, "stack", "select", "--create", "--non-interactive", "--cwd", folder, stack.name]
    done = capture(command, env=env)
    if done.returncode != 0:
        raise FailedError(f"pulumi stack select {stack.name}: {done.stderr.decode(errors='replace').strip()}")
    salted(stack)


def ready(
    pulumi: Path, stack: Stack, *, moving: bool = True, shared: bool = False, carried: bool = True
) -> tuple[dict[str, str], Mapping[str, Any]]:
    """The command's environment and the stack's state as it is before: the stack is there, in the cluster that its file
    names, and nobody else's now.

    Args:
        pulumi: the command.
        stack: the stack.
        moving: whether the operation would make or look at objects in the context that the file names.
        shared: whether somebody else may be at work on the stack meanwhile; a preview does not mind.
        carried: whether jobs that are suspended stay so in what follows.

    Raises:
        FailedError: when it is not.
    """
    context.known(stack)
    env = environment()
    select(pulumi, stack, env)
    before = exported(pulumi, stack, env)
    if moving:
        context.unchanged(before, stack)
        if carried:
            suspended.carry(stack, Change(suspended.in_state(before)))
        _platform_is_up(pulumi, stack, env)
    if not shared:
        alone.say_lock(pulumi, stack, env)
    return env, before


def _platform_is_up(pulumi: Path, stack: Stack, env: Mapping[str, str]) -> None:
    """Refuses a stack of jobs whose platform another stack has not brought up. The program asks the same; here nothing
    has begun yet.

    Raises:
        FailedError: saying what is missing.
    """
    settings = stack.platform.settings
    if settings.platform is None:
        return
    folder = run_folder.home()
    command = [pulumi, "stack", "output", "--json", "--non-interactive", "--cwd", folder, "--stack", settings.platform]
    done = capture(command, env=env)
    outputs: Mapping[str, Any] = cast(Mapping[str, Any], json.loads(done.stdout)) if done.returncode == 0 else {}
    problem = missing(settings.platform, outputs.get("platform"), sorted(settings.namespaces))
    if problem:
        raise FailedError(f"nothing was touched: {problem}")


def common(stack: Stack) -> list[str]:
    """Options of every operation on a stack."""
    return ["--non-interactive", "--stack", stack.name, "--config-file", str(stack.config_file), "--cwd", str(ROOT)]


def _local(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _of(stack: Stack) -> list[str]:
    return ["--stack", stack.name, "--config-file", str(stack.config_file)]


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="tools.engine", description="up, preview or destroy of a stack")
    parser.add_argument("operation", choices=["up", "preview", "destroy"])
    parser.add_argument("stack")
    parser.add_argument("--layer", type=Path, help="a file of config that is laid over the stack's")
    parser.add_argument("--policy", default="", metavar="FOLDER", help="a policy pack for up and preview to ask")
    parser.add_argument("--timings", action="store_true", help="show after an up where its time went")
    options = parser.parse_args()
    stack = prepare(options.stack, options.layer)
    if options.operation == "preview":
        try:
            engine = find(context=stack.context)
        except FailedError as error:
            say(f"-- {error}")
            engine = Engine(None, "in process")
        return _with(engine, options.policy).preview(stack)
    engine = replace(_with(find(context=stack.context), options.policy), timings=options.timings)
    say(f"engine: {engine.title}")
    with alone.alone(stack.name, options.operation):
        if options.operation == "up":
            engine.up(stack)
        else:
            engine.destroy(stack)
    return 0


if __name__ == "__main__":
    finish(main)
