"""`python -m sandbox`: a real one-node Kubernetes from package registries alone."""

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
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = argparse.ArgumentParser(add_help=False)
    wanted.add_argument(
        "--operator",
        action="append",
        default=[],
        choices=[pair.operator.version for pair in PAIRS],
        metavar="VERSION",
        help="an operator whose image, with the jobs' image of its pair, is wanted; may be given several times; "
        f"one of {', '.join(pair.operator.version for pair in PAIRS)} (default: {PAIRS[0].operator.version})",
    )
    wanted.add_argument("--cert-manager", action="store_true", help="cert-manager's images and chart are wanted, too")
    wanted.add_argument(
        "--prometheus", action="store_true", help="Prometheus with its operator, their chart, and promtool are, too"
    )
    wanted.add_argument(
        "--network-policy",
        action="store_true",
        help="NetworkPolicies are to be enforced, until the cluster is taken down (calico-felix)",
    )
    commands.add_parser(
        "build", parents=[wanted], help="build what is missing: programs, images, charts; Pulumi if it is not on PATH"
    )
    commands.add_parser("engine", help="build Pulumi with its Kubernetes provider, and show where the command is")
    commands.add_parser("env", help='what to export to type pulumi, kubectl and helm: eval "$(python3 -m sandbox env)"')
    commands.add_parser("up", parents=[wanted], help="build what is missing, start what does not run, wait until ready")
    down = commands.add_parser("down", help="stop the cluster; what it holds stays on disk")
    down.add_argument("--purge", action="store_true", help="remove what it holds, too")
    down.add_argument("--force", action="store_true", help="even if another clone's work is in it")
    commands.add_parser("status", help="what runs; exit code 0 when the cluster is ready, 1 when not")
    tag = commands.add_parser("tag", help="give an image of the running cluster another name; an existing name is kept")
    tag.add_argument("source", help="the image, for example pyflink:dev")
    tag.add_argument("name", help="its other name")
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
                    network_policy=arguments.network_policy,
                )
            case "down":
                removed = teardown.down(purge=arguments.purge, force=arguments.force)
                print("\n".join(f"removed {line}" for line in removed) or "nothing to remove")
            case "status":
                seen = status.status()
                print("\n".join(seen.lines))
                return 0 if seen.up else 1
            case "tag":
                containerd.tag(_running(), arguments.source, arguments.name)
            case _:
                argv = _running().command(*(arguments.argv or ["/bin/sh"]))
                os.execvp(argv[0], argv)
    except Failure as failure:
        print(f"sandbox: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("sandbox: interrupted; the same command goes on where it was", file=sys.stderr)
        return 130
    return 0


def _running() -> node.Node:
    found = node.find()
    if found is None:
        raise Failure("the sandbox does not run; start it with: python -m sandbox up")
    return found


if __name__ == "__main__":
    sys.exit(main())
