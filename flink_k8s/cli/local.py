"""The commands for the cluster on this machine."""

from __future__ import annotations

from flink_k8s.cli.command import OVERLAY, STACK, TIMINGS, Command, Options, file_option, option, prepare_stack


def _demo(options: Options) -> None:
    from flink_k8s.operations.demo import demo

    demo(options.input, options.overlay, timings=options.timings)


def _cluster(options: Options) -> None:
    from flink_k8s.operations import cluster

    return cluster.up() if options.operation == "up" else cluster.down()


def _build(options: Options) -> None:
    from flink_k8s.operations import cluster

    cluster.build(options.overlay)


def _image_names(options: Options) -> None:
    from flink_k8s.operations.cluster import image_names

    image_names(prepare_stack(options))


def _clean(_options: Options) -> None:
    from flink_k8s.operations.clean import clean
    from flink_k8s.operations.cluster import print_local_cluster

    clean(print_local_cluster())


LOCAL = (
    Command(
        "demo",
        "Start a local cluster, deploy the word count, and print its result",
        _demo,
        (file_option("--input", "file whose words are counted (default: the included text)"), OVERLAY, TIMINGS),
        examples=("", "--input book.txt"),
    ),
    Command(
        "cluster",
        "Start or delete the local cluster: kind, or the sandbox if no Docker daemon answers",
        _cluster,
        (option("operation", choices=["up", "down"], nargs="?", default="up", help="default: up"),),
        examples=("", "down"),
    ),
    Command("build", "Build the image of the jobs and load it into the local cluster", _build, (OVERLAY,)),
    Command(
        "image-names",
        "Print the image that `build` creates, and its tags for jobs",
        _image_names,
        (STACK, OVERLAY),
        "A pipeline pushes the image to a registry with these tags.",
        ("prod",),
    ),
    Command("clean", "Delete the local cluster, the virtual environment and generated files", _clean),
)
"""Commands for the local cluster."""
