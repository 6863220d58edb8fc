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
    prepare_stack,
)
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT

_ROOT = option("--root", type=Path, default=ROOT, metavar="FOLDER", help="the project")


def _adopt(options: Options) -> None:
    from flink_k8s.operations.adopt.command import adopt

    adopt(
        options.new_stack,
        namespaces=options.namespace,
        context=options.context,
        kubeconfig=options.kubeconfig,
        folder=options.folder,
        root=options.root,
    )


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
        planner=options.planner,
    )


def _report(options: Options) -> int:
    from flink_k8s.operations.report.command import report

    return report(
        prepare_stack(options),
        options.html,
        prices=options.prices,
        offline=options.offline,
        with_drift=options.drift,
    )


def _render(options: Options) -> None:
    from flink_k8s.program.command import declared_graph
    from flink_k8s.program.render import render

    if options.gitops == "pulumi":
        _render_pulumi_stack(options)
        return
    if options.repository or options.backend:
        raise CommandError("--repository and --backend are options of --gitops pulumi")
    resource_graph = declared_graph(options.stack, options.config_file, overlay=options.overlay)
    ordered = None if options.ordered is None else options.ordered or str(options.out)
    root = ROOT if options.template_charts else None
    for note in render(resource_graph, options.out, options.gitops, template_charts=root, ordered=ordered):
        print(note)


def _render_pulumi_stack(options: Options) -> None:
    from flink_k8s.program.command import declared_graph
    from flink_k8s.program.pulumi_operator import deployment, render

    if not options.repository:
        raise CommandError("--gitops pulumi requires --repository, the URL that the operator clones")
    if options.overlay or options.config_file or options.ordered is not None or options.template_charts:
        raise CommandError(
            "--gitops pulumi renders no objects of the stack: the operator deploys the stack file of the repository; "
            "remove the other options"
        )
    declared_graph(options.stack)  # the program reports problems of the stack
    for note in render(deployment(options.stack, options.repository, options.branch, options.backend), options.out):
        print(note)


def _graph(options: Options) -> None:
    from flink_k8s.program import graph
    from flink_k8s.program.command import declared_graph

    resource_graph = declared_graph(options.stack, options.config_file, overlay=options.overlay)
    if options.write:
        graph.update(resource_graph, options.stack, options.write)
    elif options.check:
        graph.verify(resource_graph, options.stack, options.check)
    else:
        print(graph.mermaid(resource_graph), end="")


def _preview(options: Options) -> int | None:
    if options.offline:
        from flink_k8s.program import preview as program

        return program.show(options.stack, prepare_stack(options).config_file)
    from flink_k8s.operations.deploy import preview

    return preview(prepare_stack(options), pack=options.policy, allowed=options.allow_state_loss)


def _plan(options: Options) -> int:
    from flink_k8s.operations.plan.command import plan

    return plan(
        prepare_stack(options),
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

    up(prepare_stack(options), pack=options.policy, timings=options.timings, allowed=options.allow_state_loss)


def _destroy(options: Options) -> None:
    from flink_k8s.operations.deploy import destroy

    destroy(prepare_stack(options), yes=options.yes, remove=options.remove)


def _drift(options: Options) -> int:
    from flink_k8s.operations.drift import drift

    return drift(prepare_stack(options), repairs=options.repair, out=options.out)


def _suspend(options: Options) -> None:
    from flink_k8s.operations.deploy import engine_of
    from flink_k8s.operations.suspend import suspend

    stack = prepare_stack(options)
    allowed = options.allow_state_loss
    suspend(engine_of(stack, allowed), stack, options.job, yes=options.yes, allowed=allowed)


def _resume(options: Options) -> None:
    from flink_k8s.operations.deploy import engine_of
    from flink_k8s.operations.suspend import resume

    stack = prepare_stack(options)
    allowed = options.allow_state_loss
    resume(engine_of(stack, allowed), stack, options.job, allowed=allowed)


def _restore_drill(options: Options) -> int:
    from flink_k8s.operations.deploy import engine_of
    from flink_k8s.operations.restore_drill import newest_state, restore_drill
    from flink_k8s.support.kubectl import Kubectl

    stack = prepare_stack(options)
    return restore_drill(engine_of(stack), stack, options.job, Kubectl.of(stack), newest_state)


def _review_stack(options: Options) -> None:
    from flink_k8s.operations.restore_drill import newest_state
    from flink_k8s.operations.review_stack import write

    newest = newest_state if options.restore else None
    review = write(
        ROOT,
        prepare_stack(options),
        options.name,
        overlay=options.overlay,
        changes=options.changes,
        names=options.jobs,
        newest=newest,
    )
    print(f"deploy it: make up STACK={review}; delete it: make destroy STACK={review} REMOVE=1")


def _unstick(options: Options) -> None:
    from flink_k8s.operations.unstick import unstick
    from flink_k8s.support.kubectl import Kubectl

    stack = prepare_stack(options)
    unstick(Kubectl.of(stack), stack, options.job, yes=options.yes)


READ = (
    Command(
        "check",
        "Check the configuration and job files, and print all problems",
        _check,
        (
            option("stacks", nargs="*", metavar="stack", help="names of stacks (default: all stacks of the project)"),
            OVERLAY,
            CONFIG_FILE,
            _ROOT,
            option("--explain", default="", metavar="JOB", help="print the source of each value of this job"),
            option("--cost", choices=["text", "markdown"], help="print the resource requests of each job and team"),
            option(
                "--planner",
                action="store_true",
                help="plan the statements of SQL jobs with Flink's planner; requires Java and downloads its jars once",
            ),
        ),
        "Requires neither a cluster nor the pulumi command.",
        ("", "dev prod", "dev --explain word-count", "prod --cost markdown", "prod --planner"),
    ),
    Command(
        "render",
        "Write every object as YAML, one file per object",
        _render,
        (
            STACK,
            option("out", type=Path, help="a new or empty folder, or the output folder of an earlier run"),
            OVERLAY,
            CONFIG_FILE,
            option(
                "--gitops",
                choices=["flux", "argocd", "pulumi"],
                default="flux",
                help="GitOps tool for Helm releases; pulumi: a Stack of the Pulumi Kubernetes Operator instead",
            ),
            option("--repository", default="", metavar="URL", help="of --gitops pulumi: the repository to clone"),
            option("--branch", default="main", help="of --gitops pulumi (default: main)"),
            option("--backend", default="", metavar="URL", help="of --gitops pulumi (default: Pulumi Cloud)"),
            option(
                "--ordered",
                nargs="?",
                const="",
                metavar="PATH",
                help="apply objects in the order of the graph; PATH of OUT in the repository if it differs",
            ),
            option("--template-charts", action="store_true", help="render reachable charts with helm"),
        ),
        "Requires neither a cluster nor the pulumi command. Secrets are left out.",
        (
            "prod out/prod",
            "prod out/prod --gitops argocd --ordered",
            "prod out/prod --gitops pulumi --repository https://git.example.org/flink-k8s.git",
        ),
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
                file_option("--write", "replace the graph in this file"),
                file_option("--check", "fail if the graph in this file is not current"),
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
            ALLOWED,
            option("--offline", action="store_true", help="print what the stack declares, without network access"),
        ),
        "Without a pulumi command, prints what the stack declares.",
        ("dev", "prod --policy policy"),
    ),
    Command(
        "plan",
        "Show the effect of `up` on each job; exit code 3 if a job would lose its state",
        _plan,
        (
            STACK,
            OVERLAY,
            ALLOWED,
            option(
                "--format",
                choices=["text", "markdown"],
                default="text",
                help="format of the printed plan (default: text)",
            ),
            file_option("--markdown", "also write the plan to this file"),
            file_option(
                "--preview-json", "file with the output of `pulumi preview --json --show-sames`; pulumi is not run"
            ),
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
        "Requires neither a cluster nor pulumi. Exit code 3 if a stack has problems or a job would lose its state.",
        ("", "--base origin/main --out review.md"),
    ),
    Command(
        "report",
        "Write an HTML page about the jobs: health, last state, resources, cost, manual changes, findings",
        _report,
        (
            STACK,
            OVERLAY,
            option("--html", type=Path, required=True, metavar="FILE", help="the page; it contains everything"),
            file_option("--prices", "YAML file with currency, and the prices of cpu, memory and storage for an hour"),
            either(
                option("--offline", action="store_true", help="write what is known without the cluster"),
                option("--drift", action="store_true", help="also list manual changes; requires pulumi"),
            ),
        ),
        "Reads the cluster only. Exit code 1 if it cannot be read; the page is written nevertheless.",
        ("dev --html out/dev.html", "prod --html out/prod.html --prices prices.yaml --drift"),
    ),
    Command(
        "review-stack",
        "Write the stack file of a review stack: copies of the jobs of a stack in a namespace of their own",
        _review_stack,
        (
            STACK,
            option(
                "name", help="name of the review, such as pr-42: the new stack and its namespace are <stack>-<name>"
            ),
            OVERLAY,
            file_option("--changes", "file with the config of the review, which is merged over the stack's config"),
            option(
                "--job",
                dest="jobs",
                action="extend",
                type=str.split,
                default=[],
                metavar="JOBS",
                help="copy only these jobs (default: all)",
            ),
            option(
                "--restore",
                action="store_true",
                help="the copies start from the newest state of their originals; reads the cluster",
            ),
        ),
        "Then deploy the stack with up, and delete it with destroy --remove. docs/environments.md describes it.",
        ("staging pr-42 --changes review.yaml", "staging pr-42 --changes review.yaml --job orders --restore"),
    ),
    Command(
        "adopt",
        "Write job files and a stack file for the Flink resources that run in a cluster",
        _adopt,
        (
            option("new_stack", metavar="stack", help="name of the stack; its file is created if it does not exist"),
            option("--context", default="", help="kube-context of a new stack"),
            file_option("--kubeconfig", "kubeconfig file with the context, for a new stack (default: kubectl's)"),
            option(
                "--namespace", action="append", default=[], help="only this namespace; may be repeated (default: all)"
            ),
            option(
                "--folder",
                default="",
                help="folder for the job files (default: the first of the stack's jobFolders, or jobs/<stack>)",
            ),
            _ROOT,
        ),
        "Reads the cluster only, and changes no existing file. The next `up` takes over the objects without a restart.",
        ("prod --context kind-prod", "prod --context kind-prod --namespace team-a"),
    ),
)
"""Commands that change nothing in the cluster."""

CHANGE = (
    Command(
        "up",
        "Deploy the stack and wait until its jobs run",
        _up,
        (STACK, OVERLAY, POLICY, TIMINGS, ALLOWED),
        "Fails if a job is unhealthy, or would lose its state. After a failure, fix the error and run it again; "
        "completed steps are kept.",
        ("dev", "prod --policy policy"),
    ),
    Command(
        "destroy",
        "Delete all resources of the stack, jobs first",
        _destroy,
        (
            STACK,
            OVERLAY,
            YES,
            option(
                "--remove", action="store_true", help="afterwards, also delete the stack in the backend and its file"
            ),
        ),
        "Asks for confirmation on a terminal.",
        ("dev", "dev --yes"),
    ),
    Command(
        "drift",
        "Show manual changes in the cluster; exit code 3 if there are any",
        _drift,
        (
            STACK,
            OVERLAY,
            option("--repair", action="store_true", help="revert the manual changes"),
            file_option("--out", "file for the differences as Markdown; not written if there are none"),
        ),
        examples=("prod", "prod --repair"),
    ),
    Command(
        "suspend",
        "Stop jobs and keep their state until `resume`; `up` does not restart them",
        _suspend,
        (STACK, JOBS, OVERLAY, ALLOWED, YES),
        "Asks for confirmation if a job is protected.",
        ("dev", "dev --job word-count"),
    ),
    Command(
        "resume",
        "Resume suspended jobs from their saved state",
        _resume,
        (STACK, JOBS, OVERLAY, ALLOWED),
        examples=("dev", "dev --job word-count"),
    ),
    Command(
        "restore-drill",
        "Restore copies of jobs from their newest state, next to the running jobs, and delete the copies",
        _restore_drill,
        (STACK, JOBS, OVERLAY),
        "Fails if a job is not restored. The jobs must set drill; docs/state.md describes it.",
        ("prod", "prod --job orders"),
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
"""Commands that change a stack."""
