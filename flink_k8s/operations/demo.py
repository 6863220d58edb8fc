"""`make demo`: create the local cluster, deploy the platform, and run the word count on Flink.

It prints the engine and the cluster, the time of each step, `word<TAB>count` lines sorted by word as Flink wrote them,
and `word-count FINISHED`; the exit code is 0 only in this case.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from flink_k8s.config.merge import merge_mappings
from flink_k8s.facts.mappings import condition
from flink_k8s.health.failure_reason import OperatorError, pod_issue
from flink_k8s.health.job_status import is_observed
from flink_k8s.operations import deploy
from flink_k8s.operations.cluster import local_cluster
from flink_k8s.operations.stack import Stack, prepare, read_overlay
from flink_k8s.operations.suspended import Change
from flink_k8s.operations.timeline import sequential
from flink_k8s.resolve.jobs import Job
from flink_k8s.support.console import say, step
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.progress import StatusLine

JOB = "word-count"
CLAIM = "word-count-data"
FILES_POD = "word-count-files"
INPUT_IN_CLAIM = "/data/input/text"
OUTPUT_IN_CLAIM = "/data/output"
FINISH_SECONDS = 600
POD_SECONDS = 120


def demo(source: Path | None = None, overlay: Path | None = None, *, timings: bool = False) -> None:
    """Count words on the local cluster, and print the counts.

    Args:
        source: count the words of this file instead of the included text.
        overlay: a file of config that is merged over the stack's.
        timings: whether to print a timeline.

    Raises:
        CommandError: if a step fails.
    """
    text = read_input(source) if source else None

    cluster = local_cluster()
    base = read_overlay(overlay)
    config = merge_mappings(base, demo_overlay(with_input=text is not None))
    stack = prepare(cluster.stack, config)
    engine = replace(deploy.find(context=stack.context), timings=timings, allowed=[JOB])
    say(f"engine: {engine.title}")
    say(f"cluster: {cluster.title}")
    steps: list[tuple[str, float]] = []
    with step("cluster", steps):
        cluster.up(stack)
    with step("image", steps):
        cluster.image(stack)
    kubectl = Kubectl.of(stack)
    job = _job(stack)
    if text is not None:
        if kubectl.get("persistentvolumeclaim", CLAIM, "-n", job.namespace) is None:
            # The job file contains the claim: deploy the platform with the claim first, without the job.
            with step("program without the job, for its claim", steps):
                engine.up(prepare(cluster.stack, merge_mappings(base, {"jobs": {JOB: {"enabled": False}}})))
            stack = prepare(cluster.stack, config)
        with step("input", steps):
            upload_input(text, kubectl, job)
    with step("program", steps):
        suspended = engine.suspended(stack)
        engine.up(stack, Change({key: since for key, since in suspended.items() if key != job.key}))
    with step("job", steps):
        wait_until_finished(kubectl, job)
    with step("result", steps):
        lines = read_output(kubectl, job)
    if timings:
        say(sequential(steps).text())
    for line in lines:
        print(line)
    say(f"{JOB} FINISHED")


def read_input(path: Path) -> bytes:
    """The text to count.

    Raises:
        CommandError: if the file cannot be read or is not UTF-8.
    """
    try:
        data = path.read_bytes()
        data.decode()
    except OSError as error:
        raise CommandError(f"INPUT {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CommandError(f"INPUT {path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    return data


def demo_overlay(*, with_input: bool, nonce: int | None = None) -> dict[str, object]:
    """The demo's overlay of the stack config: a restart nonce, which starts the job again, and the input's path."""
    job: dict[str, object] = {"restartNonce": int(time.time()) if nonce is None else nonce}
    if with_input:
        job["parameters"] = {"input": INPUT_IN_CLAIM}
    return {"jobs": {JOB: job}}


def _job(stack: Stack) -> Job:
    for job in stack.platform.jobs:
        if job.name == JOB:
            return job
    raise CommandError(f"the stack {stack.name} has no job {JOB}; the demo needs jobs/word_count.yaml, enabled")


def upload_input(text: bytes, kubectl: Kubectl, job: Job) -> None:
    """Copy the text into the job's claim.

    Raises:
        CommandError: if the copy is incomplete.
    """
    with files_pod(kubectl, job) as pod:
        folder = INPUT_IN_CLAIM.rpartition("/")[0]
        script = f"mkdir -p {folder} && cat > {INPUT_IN_CLAIM}.part && mv {INPUT_IN_CLAIM}.part {INPUT_IN_CLAIM}"
        kubectl.run("exec", "-i", "-n", job.namespace, pod, "--", "sh", "-c", script, stdin=text)
        arrived = kubectl.run("exec", "-n", job.namespace, pod, "--", "sha256sum", INPUT_IN_CLAIM).split()[0].decode()
        if arrived != hashlib.sha256(text).hexdigest():
            raise CommandError("the input in the claim is incomplete; run the command again")


def read_output(kubectl: Kubectl, job: Job) -> list[str]:
    """The lines that Flink wrote into the job's claim, sorted by word."""
    with files_pod(kubectl, job) as pod:
        script = f"find {OUTPUT_IN_CLAIM} -type f ! -name '.*' -exec cat {{}} +"
        output = kubectl.run("exec", "-n", job.namespace, pod, "--", "sh", "-c", script).decode()
    return sorted((line for line in output.split("\n") if line), key=lambda line: line.partition("\t")[0])


@contextmanager
def files_pod(kubectl: Kubectl, job: Job) -> Generator[str]:
    """A pod of the job's image that mounts the claim, for as long as files are copied."""
    namespace = job.namespace
    _remove_pod(kubectl, namespace)
    manifest = pod_manifest(namespace, str(job.spec["image"]))
    try:
        kubectl.run("apply", "-f", "-", stdin=manifest)
        _wait_for_pod(kubectl, namespace)
        yield FILES_POD
    finally:
        _remove_pod(kubectl, namespace, wait=False)


def _remove_pod(kubectl: Kubectl, namespace: str, *, wait: bool = True) -> None:
    options = ("--ignore-not-found", "--grace-period=1", f"--wait={str(wait).lower()}", "--timeout=60s")
    kubectl.try_run("delete", "pod", FILES_POD, "-n", namespace, *options)


def _wait_for_pod(kubectl: Kubectl, namespace: str) -> None:
    deadline = time.monotonic() + POD_SECONDS
    with StatusLine() as status_line:
        while time.monotonic() < deadline:
            pod = kubectl.get("pod", FILES_POD, "-n", namespace) or {}
            if condition(pod, "Ready"):
                return
            issue = pod_issue(pod) if pod else ""
            if issue or status_line.text:
                status_line.show(issue or status_line.text)
            time.sleep(0.3)
    reason = status_line.text or "the pod reports no reason"
    raise CommandError(f"the pod that copies files did not start: {reason}")


def pod_manifest(namespace: str, image: str) -> bytes:
    """The manifest of the pod that copies files; it passes the restricted Pod Security profile."""
    container = {
        "name": "files",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "3600"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 9999,
            "runAsGroup": 9999,
            "fsGroup": 9999,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}],
    }
    labels = {"app.kubernetes.io/name": FILES_POD, "app.kubernetes.io/part-of": "flink-k8s"}
    metadata = {"name": FILES_POD, "namespace": namespace, "labels": labels}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}).encode()


def wait_until_finished(kubectl: Kubectl, job: Job) -> None:
    """Wait until the job has FINISHED, and show its status.

    Raises:
        CommandError: with the job's own error, if it fails or does not finish in time.
    """
    deadline = time.monotonic() + FINISH_SECONDS
    with StatusLine() as status_line:
        while time.monotonic() < deadline:
            deployment = kubectl.get("flinkdeployment", job.name, "-n", job.namespace) or {}
            status = cast(dict[str, Any], deployment.get("status") or {})
            state = str(cast(dict[str, Any], status.get("jobStatus") or {}).get("state") or "")
            lifecycle = str(status.get("lifecycleState") or "")
            shown = f"{lifecycle or 'not seen by the operator yet'}, {state or 'no job yet'}"
            status_line.show(f"job {job.namespace}/{job.name}: {shown}")
            if state == "FINISHED" and is_observed(deployment):
                return
            if state == "FAILED" or lifecycle == "FAILED":
                error = OperatorError.of(status.get("error")).text
                raise CommandError(f"the job failed: {error or 'see `make logs JOB=' + job.name + '`'}")
            time.sleep(0.5)
    raise CommandError(
        f"the job did not finish in {FINISH_SECONDS} s; last status: {status_line.text}; see `make logs JOB={JOB}`"
    )
