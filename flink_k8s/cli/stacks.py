"""The commands that read and change a stack."""

from __future__ import annotations

from pathlib import Path

from flink_k8s.cli.command import (
    ALLOWED,
    CONFIG_FILE,
    JOBS,
    OVERLAY,
    POLICY,
    STACK,
    TIMINGS,
    YES,
    Command,
    Options,
    either,
    file_option,
    option,
    prepared,
)
from flink_k8s.support.paths import ROOT

_ROOT = option("--root", type=Path, default=ROOT, metavar="FOLDER", help="the project")


def _check(options: Options) -> int:
    from flink_k8s.config.stack_file import stacks
    from flink_k8s.operations.check import check

    return check(
        options.stacks or stacks(options.root),
        root=options.root,
        config_file=options.config_file,
        overlay=options.overlay,
        job=options.explain,
        table=options.cost,
    )


def _render(options: Options) -> None:
    from flink_k8s.program.command import recorded
    from flink_k8s.program.render import render

    recording = recorded(options.stack, options.config_file, layer=options.overlay)
    ordered = None if options.ordered is None else options.ordered or str(options.out)
    root = ROOT if options.inflate else None
    for note in render(recording, options.out, options.gitops, inflate=root, ordered=ordered):
        print(note)


def _graph(options: Options) -> None:
    from flink_k8s.program import graph
    from flink_k8s.program.command import recorded

    recording = recorded(options.stack, options.config_file, layer=options.overlay)
    if options.write:
        graph.update(recording, options.stack, options.write)
    elif options.check:
        graph.verify(recording, options.stack, options.check)
    else:
        print(graph.mermaid(recording), end="")


def _preview(options: Options) -> int | None:
    if options.offline:
        from flink_k8s.program import preview as program

        return program.show(options.stack, prepared(options).config_file)
    from flink_k8s.operations.deploy import preview

    return preview(prepared(options), pack=options.policy)


def _plan(options: Options) -> int:
    from flink_k8s.operations.plan.command import plan

    return plan(
        prepared(options),
        saved=options.preview_json,
        allowed=options.allow_state_loss,
        form=options.format,
        markdown=options.markdown,
    )


def _review(options: Options) -> int:
    from flink_k8s.operations.review.review import review

    results = [check.partition("=") for check in options.check]
    checks = {name: result == "success" for name, _, result in results}
    return review(
        options.root, options.base, options.only, allowed=options.allow_state_loss, checks=checks, out=options.out
    )


def _up(options: Options) -> None:
    from flink_k8s.operations.deploy import up

    up(prepared(options), pack=options.policy, timings=options.timings)


def _destroy(options: Options) -> None:
    from flink_k8s.operations.deploy import destroy

    destroy(prepared(options), yes=options.yes)


def _drift(options: Options) -> int:
    from flink_k8s.operations.drift import drift

    return drift(prepared(options), repairs=options.repair, out=options.out)


def _suspend(options: Options) -> None:
    from flink_k8s.operations.deploy import engine_of
    from flink_k8s.operations.suspend import suspend

    stack = prepared(options)
    suspend(engine_of(stack), stack, options.job, yes=options.yes, allowed=options.allow_state_loss)


def _resume(options: Options) -> None:
    from flink_k8s.operations.deploy import engine_of
    from flink_k8s.operations.suspend import resume

    stack = prepared(options)
    resume(engine_of(stack), stack, options.job, allowed=options.allow_state_loss)


def _unstick(options: Options) -> None:
    from flink_k8s.operations.unstick import unstick
    from flink_k8s.support.kubectl import Kubectl

    stack = prepared(options)
    unstick(Kubectl.of(stack), stack, options.job, yes=options.yes)


READ = (
    Command(
        "check",
        "Check the configuration and job files, and print all problems at once",
        _check,
        (
            option("stacks", nargs="*", metavar="stack", help="names of stacks (default: all of the project)"),
            OVERLAY,
            CONFIG_FILE,
            _ROOT,
            option("--explain", default="", metavar="JOB", help="print the source of each value of this job"),
            option("--cost", choices=["text", "markdown"], help="print what each job and team requests"),
        ),
        "Needs neither a cluster nor the pulumi command.",
        ("", "dev prod", "dev --explain word-count", "prod --cost markdown"),
    ),
    Command(
        "render",
        "Write every object as YAML, one file each",
        _render,
        (
            STACK,
            option("out", type=Path, help="a new or empty folder, or one that was rendered to"),
            OVERLAY,
            CONFIG_FILE,
            option("--gitops", choices=["flux", "argocd"], default="flux", help="tool for Helm releases"),
            option(
                "--ordered",
                nargs="?",
                const="",
                metavar="PATH",
                help="let it apply the objects in the order of the graph; PATH of OUT in the repository if it differs",
            ),
            option("--inflate", action="store_true", help="render charts that can be reached, with helm"),
        ),
        "Needs neither a cluster nor the pulumi command. Secrets are left out.",
        ("prod out/prod", "prod out/prod --gitops argocd --ordered"),
    ),
    Command(
        "graph",
        "Print the dependency graph as a Mermaid diagram",
        _graph,
        (
            STACK,
            OVERLAY,
            CONFIG_FILE,
            either(
                file_option("--write", "replace the file's copy of the graph"),
                file_option("--check", "fail if the file's copy is not the graph"),
            ),
        ),
        examples=("dev", "dev --check README.md"),
    ),
    Command(
        "preview",
        "Show what `up` would change",
        _preview,
        (
            STACK,
            OVERLAY,
            POLICY,
            option("--offline", action="store_true", help="print what the stack declares; contact nothing"),
        ),
        "Without a pulumi command, prints what the stack declares.",
        ("dev", "prod --policy policy"),
    ),
    Command(
        "plan",
        "Show what `up` would do to each job; exit code 3 if a job would lose its state",
        _plan,
        (
            STACK,
            OVERLAY,
            ALLOWED,
            option("--format", choices=["text", "markdown"], default="text", help="of the plan that is printed"),
            file_option("--markdown", "also write the plan to this file"),
            file_option("--preview-json", "of `pulumi preview --json --show-sames`; do not run pulumi"),
        ),
        examples=("prod", 'prod --allow-state-loss "orders team-a/visits" --markdown plan.md'),
    ),
    Command(
        "review",
        "Compare all stacks of the working tree with a branch, as a pull request comment",
        _review,
        (
            option("--base", default="main", help="branch or commit to compare with (default: main)"),
            option("--stack", action="append", dest="only", default=[], help="only this stack; may be repeated"),
            ALLOWED,
            option(
                "--check",
                action="extend",
                type=str.split,
                default=[],
                metavar="NAME=RESULT",
                help="results of other checks for the comment: success, or anything else for a failure",
            ),
            file_option("--out", "also write the comment to this file"),
            _ROOT,
        ),
        "Needs no cluster and no pulumi. Exit code 3 if a stack has problems or a job would lose its state.",
        ("", "--base origin/main --out review.md"),
    ),
)
"""They change nothing."""

CHANGE = (
    Command(
        "up",
        "Deploy the stack and wait until its jobs run",
        _up,
        (STACK, OVERLAY, POLICY, TIMINGS),
        "Fails if a job is unhealthy. After a failure, fix the error and run it again; completed steps are kept.",
        ("dev", "prod --policy policy"),
    ),
    Command(
        "destroy",
        "Delete everything that the stack has created, jobs first",
        _destroy,
        (STACK, OVERLAY, YES),
        "Asks for confirmation on a terminal.",
        ("dev", "dev --yes"),
    ),
    Command(
        "drift",
        "Show what was changed in the cluster by hand; exit code 3 if something was",
        _drift,
        (
            STACK,
            OVERLAY,
            option("--repair", action="store_true", help="make the cluster what the stack declares"),
            file_option("--out", "write the differences as Markdown; no file if there are none"),
        ),
        examples=("prod", "prod --repair"),
    ),
    Command(
        "suspend",
        "Stop jobs and keep their state until `resume`; an `up` does not restart them",
        _suspend,
        (STACK, JOBS, OVERLAY, ALLOWED, YES),
        "Asks for confirmation if a job is protected.",
        ("dev", "dev --job word-count"),
    ),
    Command(
        "resume",
        "Restart suspended jobs from their kept state",
        _resume,
        (STACK, JOBS, OVERLAY, ALLOWED),
        examples=("dev", "dev --job word-count"),
    ),
    Command(
        "unstick",
        "Remove finalizers from Flink resources that are stuck in deletion",
        _unstick,
        (STACK, JOBS, YES),
        "Lists what would be lost, and asks for confirmation.",
        ("dev", "dev --job word-count --yes"),
    ),
)
"""They change a stack."""
