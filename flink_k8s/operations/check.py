"""`python -m flink_k8s.operations.check STACK`: settings and job files of a stack, all problems at once.

Needs no cluster and no `pulumi` command. Exit code 0, or 1 when there are problems.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from flink_k8s.checks.load import load
from flink_k8s.config.problems import ProblemsError, shortened
from flink_k8s.config.stack_file import laid_over, read_config
from flink_k8s.resolve import resource_requests as costs
from flink_k8s.resolve.explain import explain, replaced_by_enforced, wanted
from flink_k8s.support.paths import ROOT


def main(arguments: list[str] | None = None) -> int:
    """Prints each problem and warning on its own line to standard error; prints a summary to standard output."""
    parser = argparse.ArgumentParser(
        prog="flink_k8s.operations.check", description="Checks settings and job files of a stack."
    )
    parser.add_argument("stack")
    parser.add_argument("--config-file", type=Path, help="instead of Pulumi.<stack>.yaml")
    parser.add_argument("--layer", type=Path, help="a file of config that is laid over the stack's")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project")
    parser.add_argument("--explain", metavar="JOB", help="print where each value of that job came from")
    parser.add_argument("--cost", choices=["text", "markdown"], help="print what each job and team asks for")
    options = parser.parse_args(arguments)
    try:
        config = read_config(options.root, options.stack, options.config_file)
        platform = load(options.root, laid_over(config, options.layer))
        lines = list(explain(wanted(platform.jobs, options.explain))) if options.explain else []
    except ProblemsError as error:
        print(error, file=sys.stderr)
        count = len(error.problems)
        print(f"{options.stack}: {count} problem{'s' if count != 1 else ''}; nothing was touched", file=sys.stderr)
        return 1
    for remark in platform.remarks:
        print(remark, file=sys.stderr)
    names = ", ".join(sorted(f"{job.namespace}/{job.name}" for job in platform.jobs)) or "none"
    for line in lines:
        print(line)
    if not options.explain:
        if values := replaced_by_enforced(platform.jobs):
            how = f"make check STACK={options.stack} EXPLAIN=<job> shows them"
            print(f"{options.stack}: enforced replaces {values}; {how}")
        asked = costs.declared(platform.jobs, platform.attachments, platform.settings)
        if options.cost:
            table = costs.markdown if options.cost == "markdown" else costs.text
            print("\n".join(table(asked, options.stack)))
        print(f"{options.stack}: {costs.summary(asked)}")
    print(shortened(f"{options.stack}: good; jobs: {names}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
