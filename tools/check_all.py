"""`make check` of every stack: `python -m tools.check_all`. Exit code 0, or 1 when one of them has problems."""

from __future__ import annotations

import sys

from settings.check import main as check
from settings.stack_file import stacks
from tools.run import ROOT


def main() -> int:
    """Checks them in turn, to the last; an exit code."""
    return max(check([stack]) for stack in stacks(ROOT))


if __name__ == "__main__":
    sys.exit(main())
