"""Run zizmor and actionlint on `.github`, without network access: `python -m dev.lint_workflows`.

zizmor is a development package. actionlint is skipped, with a message, if it is not available.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dev.go_program import GoProgram
from flink_k8s.support.console import exit_code, say
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import stream

# renovate: datasource=github-releases depName=rhysd/actionlint
ACTIONLINT = "v1.7.12"


def main() -> int:
    """The command line; an exit code."""
    zizmor = Path(sys.executable).with_name("zizmor")
    code = stream([zizmor, "--offline", "--quiet", "--no-progress", ROOT / ".github"])
    program = GoProgram("github.com/rhysd/actionlint/cmd/actionlint", ACTIONLINT).find()
    if program is None:
        say("actionlint is skipped")
        return code
    return stream([program], cwd=ROOT) or code


if __name__ == "__main__":
    sys.exit(exit_code(main))
