"""What the working tree changes against a base, without cluster, engine or network.

Exit code 0, or 3 when the change may not be merged as it is: problems, or a job that loses its state.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from flink_k8s.config import stack_file
from flink_k8s.config.problems import nearest
from flink_k8s.operations.review import trees
from flink_k8s.operations.review.comment import Compared, comment, fails
from flink_k8s.support import output_file
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import FailedError, add_allowed, finish, say

NOT_AS_IT_IS = 3


def review(root: Path, base: str, stacks: list[str] | None = None, allowed: list[str] | None = None) -> list[Compared]:
    """Compares each stack in the working tree with what the branch started from.

    Args:
        root: the project, a git working tree.
        base: branch or commit that it will be merged into.
        stacks: names; None for all of either tree, but for the sandbox's.
        allowed: jobs that may lose their state.

    Raises:
        FailedError: when git cannot give the trees, or neither has a stack of that name.
    """
    with tempfile.TemporaryDirectory() as folder:
        old, new = Path(folder) / "base", Path(folder) / "head"
        old.mkdir()
        new.mkdir()
        trees.extract(root, trees.merge_base(root, base), old)
        trees.copy_work(root, new)
        names = stacks or sorted({*trees.stacks(old), *trees.stacks(new)})
        known = sorted({*stack_file.stacks(old), *stack_file.stacks(new)})
        for stack in names:
            if stack not in known:
                raise FailedError(f'there is no stack "{stack}", neither here nor in {base}; {nearest(stack, known)}')
        compared: list[Compared] = []
        for index, stack in enumerate(names):
            before, after = trees.declare(old, stack), trees.declare(new, stack)
            shown = after
            mended = Path(folder) / f"mended-{index}"
            if after.problems and trees.without_broken(new, old, after.files, mended):
                shown = trees.declare(mended, stack)
            compared.append(Compared(stack, before, after, shown, tuple(allowed or ())))
        return compared


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(
        prog="flink_k8s.operations.review", description="what a branch changes, as a comment"
    )
    parser.add_argument("--base", default="main", help="what it will be merged into (default: main)")
    parser.add_argument("--stack", action="append", help="this one alone; may be said again")
    add_allowed(parser)
    parser.add_argument(
        "--check", action="extend", type=str.split, default=[], metavar="NAME=success|failure ...", help="other checks"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there, too")
    options = parser.parse_args()
    found = review(ROOT, options.base, options.stack, options.allow_state_loss)
    checks = {name: result == "success" for name, _, result in (one.partition("=") for one in options.check)}
    text = comment(found, options.base, checks)
    say(text)
    if options.out:
        output_file.write(options.out, text)
    return NOT_AS_IT_IS if fails(found) else 0


if __name__ == "__main__":
    finish(main)
