"""The policy pack, ready for `pulumi --policy-pack`."""

from __future__ import annotations

import sys
from pathlib import Path

from flink_k8s.support.console import say
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import must


def options(pack: str) -> list[str]:
    """What the command needs to run a policy pack; nothing where none is asked for.

    A pack in Python with a requirements.txt gets the virtual environment that its PulumiPolicy.yaml names.

    Args:
        pack: folder of the pack, relative to the project; empty for none.

    Raises:
        CommandError: when its packages cannot be installed.
    """
    if not pack:
        return []
    folder = ROOT / pack
    requirements, made = folder / "requirements.txt", folder / ".venv" / ".made"
    if requirements.exists() and not _is_newer(made, requirements):
        say(f"-- Python packages of the policy pack {pack}")
        remedy = "fix the error above and run the command again"
        python = folder / ".venv" / "bin" / "python"
        if not python.exists():
            must("the pack's virtual environment", [sys.executable, "-m", "venv", folder / ".venv"], remedy=remedy)
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        install += ["-r", requirements]
        must("the pack's packages", install, remedy=remedy)
        made.touch()
    return ["--policy-pack", str(folder)]


def _is_newer(made: Path, source: Path) -> bool:
    return made.exists() and made.stat().st_mtime >= source.stat().st_mtime
