"""State in a bucket outlives the stack: under the real operator, with Flink's S3 file system and a server in a pod.

The job's state and its output are in the bucket. The whole stack is destroyed, with a savepoint of the job, and brought
up again from that savepoint: the numbers go on where they were.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from flink_k8s.config.stack_file import PROJECT
from flink_k8s.support.kubectl import Kubectl
from sandbox.images import BUCKETS
from tests.e2e.object_store import BUCKET, create_keys, in_server, object_store, state_storage
from tests.e2e.running_totals import JOB, NAMESPACE, RATE, RunningTotals
from tests.project import ROOT, kill_session, make
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full

DRILL = f"{NAMESPACE}-drill"


@pytest.fixture(scope="module")
def server(no_stack: None, kubectl: Kubectl) -> Generator[str]:
    """The address of an S3 server with an empty bucket."""
    with object_store(kubectl) as address:
        yield address


def listed(kubectl: Kubectl, prefix: str) -> list[str]:
    """The keys in the bucket that begin so."""
    pages = f"store.get_paginator('list_objects_v2').paginate(Bucket={BUCKET!r}, Prefix={prefix!r})"
    return in_server(
        kubectl, f"for page in {pages}:\n  for found in page.get('Contents', []): print(found['Key'])"
    ).split()


def read(kubectl: Kubectl, folder: str = "out") -> Iterable[str]:
    """The lines of all objects that the sink has published in a folder."""
    pages = f"store.get_paginator('list_objects_v2').paginate(Bucket={BUCKET!r}, Prefix='{folder}/{JOB}-')"
    body = f"sys.stdout.write(store.get_object(Bucket={BUCKET!r}, Key=found['Key'])['Body'].read().decode())"
    return in_server(kubectl, f"for page in {pages}:\n  for found in page.get('Contents', []): {body}").splitlines()


@pytest.fixture(scope="module")
def totals(server: str, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> RunningTotals:
    """The job, with its state in the bucket; not up yet."""
    job = RunningTotals(kubectl, tmp_path_factory.mktemp("bucket"), lambda: read(kubectl))
    job.config = {
        # Hadoop's file system: the sink needs it, and one is enough.
        "stateStorage": state_storage(server, f"s3a://{BUCKET}/jobs"),
        "namespaces": {NAMESPACE: {}, DRILL: {}},
    }
    job.settings = {
        "image": BUCKETS.name,
        "flinkVersion": "v2_3",
        "parameters": {"rate": RATE, "output": f"s3a://{BUCKET}/out"},
        "savepointOnDeletion": True,
        # An object is published in several requests, and a bucket answers slower than a folder.
        "flinkConfiguration": {"execution.checkpointing.interval": "2 s"},
    }
    return job


def bring_up(totals: RunningTotals, **settings: object) -> None:
    """The stack with its namespace first, the keys into it, and then the job."""
    totals.up(enabled=False)
    for namespace in (NAMESPACE, DRILL):
        create_keys(totals.kubectl, namespace)
    totals.up(enabled=True, **settings)


def test_state_in_a_bucket_outlives_pods_and_the_stack(totals: RunningTotals, kubectl: Kubectl):
    with step("checkpoints and output are in the bucket"):
        bring_up(totals)
        assert totals.goes_on().highest > RATE
        home_of_job = f"jobs/sandbox/{NAMESPACE}/{JOB}"
        assert until("a checkpoint", lambda: [key for key in listed(kubectl, home_of_job) if key.endswith("_metadata")])
        assert until("the JobGraph", lambda: listed(kubectl, f"{home_of_job}/ha/"))

    with step("a killed JobManager restores its checkpoint from the bucket"):
        killed = totals.kill("jobmanager")
        until("a restore", lambda: killed not in totals.pods("jobmanager") and totals.job() and totals.restored())
        assert totals.restored()["external_path"].startswith(f"s3a://{BUCKET}/jobs/")
        totals.goes_on()

    with step("the stack is destroyed and continues from its savepoint"):
        result = make("destroy", "STACK=sandbox", totals.layer(), timeout=300)
        assert result.returncode == 0, result.stderr
        assert kubectl.get("namespace", NAMESPACE) is None
        [metadata] = [key for key in listed(kubectl, f"jobs/sandbox/{NAMESPACE}/{JOB}/savepoints/") if "_meta" in key]
        at_rest = totals.audit()
        assert at_rest.is_whole, at_rest
        savepoint = f"s3a://{BUCKET}/{metadata.rpartition('/')[0]}"
        bring_up(totals, restoreFrom=savepoint)
        restored = totals.restored()
        assert restored["is_savepoint"]
        assert restored["external_path"] == savepoint
        goes_on = totals.goes_on()
        assert goes_on.highest > at_rest.highest
        print(f"in the end: {goes_on}")


def test_a_lost_stack_is_restored_from_the_bucket_by_latest(totals: RunningTotals, kubectl: Kubectl) -> None:
    """Recovery from the stack file and the bucket: neither namespace nor job is left, and no path is known."""
    folder = f"jobs/sandbox/{NAMESPACE}/{JOB}/savepoints/"

    def savepoints_in_bucket() -> set[str]:
        return {key.rpartition("/")[0] for key in listed(kubectl, folder) if key.endswith("/_metadata")}

    with step("the stack is destroyed, with a savepoint"):
        if not totals.job():
            totals.settings.pop("restoreFrom", None)
            bring_up(totals)
            totals.goes_on()
        earlier = savepoints_in_bucket()
        result = make("destroy", "STACK=sandbox", totals.layer(), timeout=300)
        assert result.returncode == 0, result.stderr
        [last] = savepoints_in_bucket() - earlier
        at_rest = totals.audit()
        assert at_rest.is_whole, at_rest

    with step("without a namespace, latest is refused and nothing is created"):
        refused = make("up", "STACK=sandbox", totals.layer(restoreFrom="latest"), timeout=200)
        assert refused.returncode != 0
        output = refused.stdout + refused.stderr
        assert "restoreFrom" in output
        assert f'namespaces "{NAMESPACE}" not found' in output
        assert kubectl.get("namespace", NAMESPACE) is None

    with step("the job continues from its newest state, and its counts where they were"):
        bring_up(totals, restoreFrom="latest")
        restored = totals.restored()
        assert restored["is_savepoint"]
        assert restored["external_path"] == f"s3a://{BUCKET}/{last}"
        assert totals.goes_on().highest > at_rest.highest

    with step("the list has the bucket's savepoints, and the checkpoints of the running job"):
        result = make("savepoints", "STACK=sandbox", f"JOB={JOB}", "FORMAT=json", totals.layer(), timeout=200)
        assert result.returncode == 0, result.stderr
        [job] = json.loads(result.stdout[result.stdout.index("[") :])
        paths = {item["path"]: item for item in job["snapshots"]}
        assert paths[f"s3a://{BUCKET}/{last}"]["canBeRestored"] is True
        assert {f"s3a://{BUCKET}/{path}" for path in savepoints_in_bucket()} <= paths.keys()
        assert any(item["inUse"] for item in job["snapshots"] if item["kind"] == "checkpoint")


def drilled(kubectl: Kubectl) -> list[str]:
    """What a drill has in its namespace: Flink resources and their pods."""
    return kubectl.run("get", "flinkdeployments,deployments,pods", "-n", DRILL, "-o", "name").decode().split()


@dataclass(frozen=True)
class Original:
    """A running job that has restored a savepoint.

    Attributes:
        savepoint: its path.
        job_id: of the running job.
    """

    savepoint: str
    job_id: str

    def is_untouched(self, totals: RunningTotals) -> None:
        """The job has not restarted, its output is exact, and its savepoint exists."""
        assert (totals.job() or {})["jid"] == self.job_id
        totals.goes_on()
        assert listed(totals.kubectl, self.savepoint.removeprefix(f"s3a://{BUCKET}/") + "/_metadata")


def with_savepoint(totals: RunningTotals, *, nonce: int, output: str) -> Original:
    """Upgrade the job by a savepoint.

    Args:
        totals: the job; it is deployed if it does not run.
        nonce: another number than in the last call.
        output: folder in the bucket for copies of the job.
    """
    redirected = {"output": f"s3a://{BUCKET}/{output}", "sink": "copy"}
    # The sink's state contains its folder: the copy has a sink with another uid, without that state.
    drill = {"parameters": redirected, "allowNonRestoredState": True}
    totals.settings.pop("restoreFrom", None)
    # Two CPUs hold the job and its copy.
    totals.layer(drill=drill, jobManager={"cpu": 0.3}, taskManager={"cpu": 0.3})
    if totals.job():
        totals.up()
    else:
        bring_up(totals)
    totals.goes_on()
    totals.up(restartNonce=nonce)
    restored = totals.restored()
    assert restored["is_savepoint"]
    totals.goes_on()
    return Original(str(restored["external_path"]), (totals.job() or {})["jid"])


def test_a_drill_restores_a_copy_next_to_the_running_job(totals: RunningTotals, kubectl: Kubectl) -> None:
    """The copy restores the newest savepoint, and writes neither to the bucket nor to the output of the job."""
    copy = replace(totals, namespace=DRILL)
    temporary_stack = Path(os.environ["FLINK_K8S_STATE"], ".pulumi", "stacks", PROJECT, "sandbox-drill.json")

    def restored_by_copy() -> dict[str, Any] | None:
        overview = cast(dict[str, Any], copy.ask("/jobs/overview") or {})
        for job in overview.get("jobs", []):
            checkpoints = copy.ask(f"/jobs/{job['jid']}/checkpoints")
            if checkpoints and checkpoints["latest"]["restored"]:
                return cast(dict[str, Any], checkpoints["latest"]["restored"])
        return None

    with step("the job runs, and has a savepoint"):
        original = with_savepoint(totals, nonce=1, output="drill-out")
        expected = original.savepoint

    def is_untouched() -> None:
        original.is_untouched(totals)
        prefixes = (f"jobs/sandbox/{NAMESPACE}/{JOB}/", "out/", "drill-out/")
        assert [key for key in listed(kubectl, "") if not key.startswith(prefixes)] == [], "nothing else is written"

    with step("a drill restores a copy from the newest savepoint"):
        result: list[subprocess.CompletedProcess[str]] = []
        command = ("restore-drill", "STACK=sandbox", f"JOB={JOB}", totals.layer())
        thread = threading.Thread(target=lambda: result.append(make(*command, timeout=400)))
        thread.start()
        actual = until("the copy restores a state", restored_by_copy, 300, state=lambda: drilled(kubectl))
        thread.join()
        assert result[0].returncode == 0, result[0].stdout + result[0].stderr
        assert actual["external_path"] == expected
        assert re.search(
            rf"  {NAMESPACE}/{JOB}: savepoint of .* \(age .*\), {expected}: RUNNING after", result[0].stdout
        )
        assert "1 of 1 job restored" in result[0].stdout

    with step("the job and its output are untouched, and nothing of the copy is left"):
        is_untouched()
        assert until("an empty namespace", lambda: not drilled(kubectl), 60)
        assert not temporary_stack.exists()

    with step("a drill deletes the copy of a killed drill, and restores again"):
        with subprocess.Popen(["make", *command], cwd=ROOT, start_new_session=True) as killed:
            until("the copy", lambda: drilled(kubectl), 120)
            kill_session(killed.pid)
        assert temporary_stack.exists()
        again = make(*command, timeout=400)
        assert again.returncode == 0, again.stdout + again.stderr
        is_untouched()
        assert until("an empty namespace", lambda: not drilled(kubectl), 60)
        assert not temporary_stack.exists()


REVIEW = "sandbox-review"


@pytest.fixture
def without_review() -> Generator[None]:
    """The review stack is removed after a failure, too: the stack cannot be destroyed while its operator has jobs."""
    yield
    if (ROOT / f"Pulumi.{REVIEW}.yaml").exists():
        make("destroy", f"STACK={REVIEW}", "YES=1", "REMOVE=1", timeout=300)


def test_a_review_stack_runs_a_copy_next_to_the_job(
    totals: RunningTotals, kubectl: Kubectl, without_review: None
) -> None:
    """The copy starts from the job's newest savepoint in a namespace of its own, counts on, and is removed."""
    copy = replace(totals, namespace=REVIEW, read=lambda: read(kubectl, "review-out"))

    def run(target: str, *options: str) -> None:
        result = make(target, *options, timeout=400)
        assert result.returncode == 0, result.stdout + result.stderr

    with step("the job runs under an operator of all namespaces, and has a savepoint"):
        totals.config["operator"] = {"watchAllNamespaces": True}
        original = with_savepoint(totals, nonce=2, output="review-out")

    with step("the review stack restores it"):
        run("review-stack", "STACK=sandbox", "REVIEW=review", f"JOB={JOB}", "RESTORE=1", totals.layer())
        without_jobs = totals.folder / "without-jobs.yaml"
        without_jobs.write_text("enforced: {enabled: false}")
        run("up", f"STACK={REVIEW}", f"LAYER={without_jobs}")
        create_keys(kubectl, REVIEW)
        run("up", f"STACK={REVIEW}")
        restored = copy.restored()
        assert (restored["is_savepoint"], restored["external_path"]) == (True, original.savepoint)

    with step("it counts on from there, and takes checkpoints in its own folder"):
        first = until("output of the copy", lambda: copy.audit().highest)

        def counts_on() -> bool:
            """Every line continues the totals of the savepoint, and no record after the first one is missing."""
            output = copy.audit()
            since = len(output.lost) + 1
            is_exact = not output.wrong and not output.doubled and output.lost == tuple(range(1, since))
            return is_exact and since > 1 and output.highest > first + 2 * RATE

        until("exact output of the copy", counts_on, state=copy.audit)
        assert listed(kubectl, f"jobs/{REVIEW}/{REVIEW}/{JOB}/")
        original.is_untouched(totals)

    with step("it is removed, and the job is untouched"):
        run("destroy", f"STACK={REVIEW}", "YES=1", "REMOVE=1")
        assert kubectl.get("namespace", REVIEW) is None
        assert not (ROOT / f"Pulumi.{REVIEW}.yaml").exists()
        original.is_untouched(totals)
