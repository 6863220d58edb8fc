"""`make lock`: writes each requirements.txt from its requirements.in, every package by version and hash.

uv resolves for every platform and Python that the project allows. What is locked stays as it is as long as it fits;
`--upgrade` takes the newest of everything.

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
    # After the program's, whose versions it has to keep.
    Path("requirements-dev.in"),
    Path("policy/requirements.in"),
    *sorted(path.relative_to(ROOT) for path in ROOT.glob("sandbox/images/*/requirements*.in")),
)
"""What people write, in the order in which it is locked; `x.txt` is written from `x.in`."""


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="dev.lock", description="every package by version and hash")
    parser.add_argument("--upgrade", action="store_true", help="the newest of what comes along")
    upgrade = ["--upgrade"] if parser.parse_args().upgrade else []
    uv = Path(sys.executable).with_name("uv")
    # Renovate reads this very command in the first lines of each file, and runs it again.
    compile_ = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    for wanted in LISTS:
        command = [*compile_, *upgrade, wanted, "-o", wanted.with_suffix(".txt")]
        must(f"the lock of {wanted}", command, remedy=f"mend {wanted}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
