"""The policy pack for `pulumi --policy-pack`."""

from __future__ import annotations

import sys
from pathlib import Path

from flink_k8s.support.console import say
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import must


def options(pack: str) -> list[str]:
    """The options that make the command run a policy pack; none without a pack.

    A pack with a requirements.txt gets the virtual environment that its PulumiPolicy.yaml sets.

    Args:
        pack: folder of the pack, relative to the project; empty for none.

    Raises:
        CommandError: if its packages cannot be installed.
    """
    if not pack:
        return []
    folder = ROOT / pack
    requirements, marker = folder / "requirements.txt", folder / ".venv" / ".made"
    if requirements.exists() and not _is_newer(marker, requirements):
        say(f"-- installing the Python packages of the policy pack {pack}")
        remedy = "fix the error above and run the command again"
        python = folder / ".venv" / "bin" / "python"
        if not python.exists():
            must("the pack's virtual environment", [sys.executable, "-m", "venv", folder / ".venv"], remedy=remedy)
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        install += ["-r", requirements]
        must("the pack's packages", install, remedy=remedy)
        marker.touch()
    return ["--policy-pack", str(folder)]


def _is_newer(marker: Path, source: Path) -> bool:
    return marker.exists() and marker.stat().st_mtime >= source.stat().st_mtime
