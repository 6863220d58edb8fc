"""From a change of a running job's code to the first record of the new code, compared with `kubectl apply` by hand.

The sandbox has no Docker: both build and load the image with the sandbox's tools, which add a layer with the code.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from dev.bench.live_cluster import BY_CODE, NAMESPACE, PART, STACK, Config, Live, replaced, seconds_until
from dev.bench.measure import Cost, Run, run, total
from dev.bench.table import Row

_JOB = "running-totals"
_PROGRAM = "jobs/pyflink/src/running_totals.py"
_END_OF_LINE = '{totals[1]}%s"'
_PEER = "image built and loaded, `kubectl apply`"
_STATE = "--for=jsonpath={.status.jobStatus.state}=RUNNING"
_RUNNING = ("wait", f"flinkdeployment/{_JOB}", "-n", NAMESPACE, "--timeout=300s", _STATE)
_BUILD = """\
import sys
from sandbox import containerd, node
from sandbox.home import home
from sandbox.image import Store
from sandbox.images import PAIRS
from sandbox.lock import locked
with locked(home().lock, "build the image of the jobs"):
    image = PAIRS[0].pyflink.build(home())
    containerd.import_images(node.find(), Store(home().images), [image])
    containerd.tag(node.find(), image.name, sys.argv[1])
"""
"""Builds the image of the jobs, loads it into the cluster, and tags it."""


def measure(live: Live) -> Iterator[Row]:
    """The row. Both begin with the same running job, and the operator takes a savepoint of it."""
    ours = _here(live)
    theirs = _by_hand(live)
    yield Row(PART, "from changed code to its first record", 1, "make build up", ours, _PEER, theirs)


def _config(*, enabled: bool = True) -> Config:
    job = {"enabled": enabled, "flinkConfiguration": {"execution.checkpointing.interval": "1 s"}}
    return {"images": BY_CODE, "jobs": {_JOB: job, "word-count": {"enabled": False}}}


def _here(live: Live) -> Cost:
    def deploy() -> list[Run]:
        return [live.run("build", config=_config()), live.run("up", STACK, config=_config())]

    deploy()
    _edit(live, "", " here")
    wall, runs = seconds_until("a record of the new code", lambda: _has_record(live, " here"), deploy)
    live.run("up", STACK, "--allow-state-loss", _JOB, config=_config(enabled=False))
    return total(runs, wall)


def _by_hand(live: Live) -> Cost:
    manifest = live.folder.with_name("job.yaml")
    text = live.rendered(["flinkdeployment"], _config())
    apply = ("apply", "--server-side", "-f", str(manifest))

    def deploy() -> list[Run]:
        built = run([sys.executable, "-c", _BUILD, "pyflink:by-hand"], live.folder)
        manifest.write_text(re.sub(r"image: \S+", "image: pyflink:by-hand", text), encoding="utf-8")
        return [built, live.kubectl_run(*apply)]

    manifest.write_text(text, encoding="utf-8")
    live.kubectl_run(*apply)
    live.kubectl_run(*_RUNNING)
    _edit(live, " here", " by hand")
    wall, runs = seconds_until("a record of the new code", lambda: _has_record(live, " by hand"), deploy)
    live.kubectl_run("delete", "-f", str(manifest))
    return total(runs, wall)


def _edit(live: Live, before: str, after: str) -> None:
    """Change the end of each line that the job writes."""
    replaced(live.folder / _PROGRAM, _END_OF_LINE % before, _END_OF_LINE % after)


def _has_record(live: Live, end: str) -> bool:
    """Whether the job's sink has published a line with this end."""
    search = ("grep", "-rqs", f"--include={_JOB}-*", f"{end}$", f"/flink-state/{_JOB}")
    return live.kubectl.try_run("exec", "-n", NAMESPACE, f"deployment/{_JOB}", "--", *search).returncode == 0
