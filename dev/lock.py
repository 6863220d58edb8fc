"""`make lock`: write each requirements.txt from its requirements.in, with the version and hashes of every package.

uv resolves for all supported platforms and Python versions. Locked versions are kept if they still satisfy the
requirements; `--upgrade` takes the newest versions.

python -m dev.lock [--upgrade]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from flink_k8s.support.console import exit_code
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import must

LISTS = (
    Path("requirements.in"),
    # After the program's list, whose versions it must keep.
    Path("requirements-dev.in"),
    Path("policy/requirements.in"),
    *sorted(path.relative_to(ROOT) for path in ROOT.glob("sandbox/images/*/requirements*.in")),
)
"""The lists, in the order in which they are locked; `x.txt` is written from `x.in`."""


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="dev.lock", description="lock every package by version and hash")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    upgrade = ["--upgrade"] if parser.parse_args().upgrade else []
    uv = Path(sys.executable).with_name("uv")
    # Renovate reads this command in the first lines of each file, and runs it again.
    compile_ = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    for source in LISTS:
        command = [*compile_, *upgrade, source, "-o", source.with_suffix(".txt")]
        must(f"the lock of {source}", command, remedy=f"fix {source}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
