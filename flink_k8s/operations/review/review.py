"""Compare the working tree with a base, without a cluster, an engine or network access."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from flink_k8s.config import stack_file
from flink_k8s.config.problems import nearest
from flink_k8s.operations.review import trees
from flink_k8s.operations.review.comment import Compared, comment, fails
from flink_k8s.support import output_file
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError, ExitCode


def compare(root: Path, base: str, stacks: Sequence[str] = (), allowed: Sequence[str] = ()) -> list[Compared]:
    """Compare each stack in the working tree with the merge base of the branch.

    Args:
        root: the project, a git working tree.
        base: branch or commit that the working tree will be merged into.
        stacks: names; empty for all stacks of both trees, except the sandbox's.
        allowed: jobs that may lose their state.

    Raises:
        CommandError: if git cannot read the trees, or a stack exists in neither tree.
    """
    with tempfile.TemporaryDirectory() as folder:
        old, new = Path(folder) / "base", Path(folder) / "head"
        old.mkdir()
        new.mkdir()
        trees.extract(root, trees.merge_base(root, base), old)
        trees.copy_work(root, new)
        names = list(stacks) or sorted({*trees.stacks(old), *trees.stacks(new)})
        known = sorted({*stack_file.stacks(old), *stack_file.stacks(new)})
        for stack in names:
            if stack not in known:
                raise CommandError(
                    f'unknown stack "{stack}" in the working tree and in {base}; {nearest(stack, known)}'
                )
        compared: list[Compared] = []
        for index, stack in enumerate(names):
            before, after = trees.declare(old, stack), trees.declare(new, stack)
            shown = after
            repaired = Path(folder) / f"repaired-{index}"
            if after.problems and trees.with_base_job_files(new, old, after.files, repaired):
                shown = trees.declare(repaired, stack)
            compared.append(Compared(stack, before, after, shown, tuple(allowed)))
        return compared


def review(
    root: Path,
    base: str,
    stacks: Sequence[str] = (),
    *,
    allowed: Sequence[str] = (),
    checks: Mapping[str, bool] | None = None,
    out: Path | None = None,
) -> int:
    """Print the changes of the working tree in each stack, as the comment of a pull request; an exit code.

    Args:
        root: the project, a git working tree.
        base: branch or commit that the working tree will be merged into.
        stacks: names; empty for all stacks of both trees, except the sandbox's.
        allowed: jobs that may lose their state.
        checks: whether other checks succeeded, by name.
        out: a file for the comment.

    Raises:
        CommandError: if git cannot read the trees, or a stack exists in neither tree.
    """
    compared = compare(root, base, stacks, allowed)
    text = comment(compared, base, checks or {})
    say(text)
    if out:
        output_file.write(out, text)
    return ExitCode.LOSS if fails(compared) else ExitCode.OK
