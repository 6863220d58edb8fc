"""`make check` of every stack: `python -m dev.check_all`. Exit code 0, or 1 when one of them has problems."""

from __future__ import annotations

import sys

from flink_k8s.config.stack_file import stacks
from flink_k8s.operations.check import main as check
from flink_k8s.support.paths import ROOT


def main() -> int:
    """Checks them in turn, to the last; an exit code."""
    return max(check([stack]) for stack in stacks(ROOT))


if __name__ == "__main__":
    sys.exit(main())
