"""`python -m sandbox`: a one-node Kubernetes that is built from package registries."""

import argparse
import os
import shlex
import shutil
import sys

from sandbox import building, cluster, containerd, engine, node, status, teardown
from sandbox.home import home
from sandbox.images import PAIRS
from sandbox.report import Failure


def main() -> int:
    """Run the command line; an exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    build_options = argparse.ArgumentParser(add_help=False)
    build_options.add_argument(
        "--operator",
        action="append",
        default=[],
        choices=[pair.operator.version for pair in PAIRS],
        metavar="VERSION",
        help="build the image of this operator and the jobs' image of its pair; may be repeated; "
        f"one of {', '.join(pair.operator.version for pair in PAIRS)} (default: {PAIRS[0].operator.version})",
    )
    build_options.add_argument("--cert-manager", action="store_true", help="also build cert-manager's images and chart")
    build_options.add_argument(
        "--prometheus", action="store_true", help="also build Prometheus with its operator, their chart, and promtool"
    )
    build_options.add_argument(
        "--logging", action="store_true", help="also build the log store and its collector, and their charts"
    )
    build_options.add_argument(
        "--kafka", action="store_true", help="also build a Kafka broker, and the jobs' image with Flink's connector"
    )
    build_options.add_argument(
        "--network-policy",
        action="store_true",
        help="enforce NetworkPolicies (calico-felix) until the cluster is stopped",
    )
    commands.add_parser(
        "build", parents=[build_options], help="build missing programs, images and charts; Pulumi if it is not on PATH"
    )
    commands.add_parser("engine", help="build Pulumi with its Kubernetes provider, and print the path of the command")
    commands.add_parser(
        "env", help='print the environment for pulumi, kubectl and helm: eval "$(python3 -m sandbox env)"'
    )
    commands.add_parser(
        "up", parents=[build_options], help="build missing parts, start the cluster, and wait until it is ready"
    )
    down = commands.add_parser("down", help="stop the cluster; its data stays on disk")
    down.add_argument("--purge", action="store_true", help="also delete its data")
    down.add_argument("--force", action="store_true", help="stop it even if another clone uses it")
    commands.add_parser("status", help="print the status; exit code 0 if the cluster is ready, else 1")
    tag = commands.add_parser("tag", help="give an image of the running cluster another name; an existing name is kept")
    tag.add_argument("source", help="the image, for example pyflink:dev")
    tag.add_argument("name", help="the new name")
    run = commands.add_parser("exec", help="run a command inside the node, as root")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="COMMAND ...")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "build":
                building.build(
                    home(),
                    arguments.operator,
                    cert_manager=arguments.cert_manager,
                    prometheus=arguments.prometheus,
                    logging=arguments.logging,
                    kafka=arguments.kafka,
                    policies=arguments.network_policy,
                    pulumi=shutil.which("pulumi") is None,
                )
            case "engine":
                print(engine.build(home()))
            case "env":
                for name, value in engine.environment(home()).items():
                    print(f"export {name}={shlex.quote(value)}")
            case "up":
                cluster.up(
                    operators=arguments.operator,
                    cert_manager=arguments.cert_manager,
                    prometheus=arguments.prometheus,
                    logging=arguments.logging,
                    kafka=arguments.kafka,
                    network_policy=arguments.network_policy,
                )
            case "down":
                removed = teardown.down(purge=arguments.purge, force=arguments.force)
                print("\n".join(f"removed {line}" for line in removed) or "nothing to remove")
            case "status":
                current = status.status()
                print("\n".join(current.lines))
                return 0 if current.up else 1
            case "tag":
                containerd.tag(_running(), arguments.source, arguments.name)
            case _:
                argv = _running().command(*(arguments.argv or ["/bin/sh"]))
                os.execvp(argv[0], argv)
    except Failure as failure:
        print(f"sandbox: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("sandbox: interrupted; run the command again to continue", file=sys.stderr)
        return 130
    return 0


def _running() -> node.Node:
    running = node.find()
    if running is None:
        raise Failure("the sandbox does not run; start it with: python -m sandbox up")
    return running


if __name__ == "__main__":
    sys.exit(main())
