"""A restore drill: a copy of a running job, restored from its savepoint in a bucket into an empty namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dev.bench.live_cluster import NAMESPACE, PART, STACK, Config, Live
from dev.bench.measure import Cost
from dev.bench.table import Row
from flink_k8s.support.errors import CommandError
from sandbox.images import BUCKETS
from tests.e2e.object_store import BUCKET, create_keys, object_store, state_storage

_JOB = "running-totals"
_COPIES = f"{NAMESPACE}-drill"
_SMALL = {"cpu": 0.3}
"""Two CPUs are enough for the job and its copy."""


def measure(live: Live) -> Iterator[Row]:
    """A row for the drill, and a row for its restored job.

    Raises:
        CommandError: if the drill does not restore the job.
    """
    with object_store(live.kubectl) as address:
        redirected = {"output": f"s3a://{BUCKET}/drill", "sink": "drill"}
        job: Config = {
            "enabled": False,
            "image": BUCKETS.name,
            "flinkVersion": "v2_3",
            "parameters": {"output": f"s3a://{BUCKET}/out"},
            # The state of the sink contains its folder: the sink of the copy has another uid, without that state.
            "drill": {"parameters": redirected, "allowNonRestoredState": True},
            "jobManager": _SMALL,
            "taskManager": _SMALL,
        }
        config: Config = {
            "stateStorage": state_storage(address, f"s3a://{BUCKET}/jobs"),
            "namespaces": {NAMESPACE: {}, _COPIES: {}},
            "jobs": {_JOB: job, "word-count": {"enabled": False}},
        }
        live.run("up", STACK, config=config)
        for namespace in (NAMESPACE, _COPIES):
            create_keys(live.kubectl, namespace)
        # The second start takes a savepoint of the first.
        for nonce in (1, 2):
            job |= {"enabled": True, "restartNonce": nonce}
            live.run("up", STACK, config=config)
        drill = live.run("restore-drill", STACK, "--job", _JOB, config=config)
        live.run("destroy", STACK, "--yes", config=config)
    restored = re.search(r"RUNNING after (\d+) s", drill.output)
    if restored is None:
        raise CommandError(f"the drill does not print the time of the restored job: {drill.output[-1000:]}")
    yield Row(PART, "restore drill, until the copy runs", 1, "make restore-drill", Cost(float(restored[1])))
    yield Row(PART, "restore drill, until the copy is deleted", 1, "make restore-drill", drill.cost)
