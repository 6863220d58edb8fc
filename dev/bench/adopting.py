"""The adoption of many jobs. No operator runs: two CPUs are too few for many jobs, so their status is written here."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dev.bench.live_cluster import PART, Live
from dev.bench.table import Row
from dev.bench.workload import STACK, job_file, names
from flink_k8s.support.errors import CommandError

_STATUS = {"status": {"lifecycleState": "STABLE", "observedGeneration": 1}}

_ACCOUNT = ("spec:\n", "spec:\n  serviceAccount: flink\n")
"""Adds the account that the operator requires: the program derives nothing for adopted jobs."""


def measure(live: Live, count: int) -> Iterator[Row]:
    """A row per command. The cluster has the CRDs of Flink.

    Args:
        live: the cluster.
        count: number of jobs.

    Raises:
        CommandError: if `up` changes a job.
    """
    kubectl = live.kubectl
    kubectl.run("create", "namespace", STACK)
    try:
        jobs = "---\n".join(job_file(name).replace(*_ACCOUNT) for name in names(count))
        kubectl.run("create", "-n", STACK, "-f", "-", stdin=jobs.encode())
        patch = ("--subresource=status", "--type=merge", f"--patch={json.dumps(_STATUS)}")
        kubectl.run("patch", "flinkdeployment", *names(count), "-n", STACK, *patch)
        cluster = ("--context", kubectl.context, "--kubeconfig", str(kubectl.kubeconfig), "--namespace", STACK)
        for command, options in (("adopt", cluster), ("preview", ()), ("up", ())):
            cost = live.run(command, STACK, *options).cost
            yield Row(PART, f"adoption of jobs: {command}", count, f"make {command}", cost)
        generations = {item["metadata"]["generation"] for item in kubectl.items("flinkdeployments", "-n", STACK)}
        if generations != {1}:
            raise CommandError(f"the adoption has changed the specs of jobs: their generations are {generations}")
    finally:
        kubectl.run("delete", "namespace", STACK, "--timeout=300s")
