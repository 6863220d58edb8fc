"""zizmor and actionlint over `.github`: `python -m tools.lint_workflows`. Neither asks the network about the workflows.

zizmor comes with the packages for development. actionlint is a Go program: from PATH, else built once where Go is, else
left out with a line that says so (the runners of GitHub have Go).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from local.tool import home
from tools.run import ROOT, capture, finish, say, stream

# renovate: datasource=github-releases depName=rhysd/actionlint
ACTIONLINT = "v1.7.12"


def actionlint() -> str | None:
    """The program's path; None where it cannot be had."""
    found = shutil.which("actionlint")
    folder = home() / "bin" / f"actionlint-{ACTIONLINT}"
    own = folder / "actionlint"
    if found or own.exists():
        return found or str(own)
    go = shutil.which("go")
    if go is None:
        return None
    say(f"-- actionlint {ACTIONLINT}, once")
    module = f"github.com/rhysd/actionlint/cmd/actionlint@{ACTIONLINT}"
    done = capture([go, "install", module], env={**os.environ, "GOBIN": str(folder), "GOFLAGS": ""})
    if done.returncode != 0:
        say(f"   go install {module}: {done.stderr.decode(errors='replace').strip()}")
        return None
    return str(own)


def main() -> int:
    """The command line; an exit code."""
    zizmor = Path(sys.executable).with_name("zizmor")
    code = stream([zizmor, "--offline", "--quiet", "--no-progress", ROOT / ".github"])
    program = actionlint()
    if program is None:
        say("actionlint is left out: it is not on PATH, and Go cannot build it here")
        return code
    return stream([program], cwd=ROOT) or code


if __name__ == "__main__":
    finish(main)
