"""From a fresh machine to a word count that a real Flink has computed.

Prints the engine and the cluster, the time of each step, `word<TAB>count` lines sorted by word as Flink wrote them, and
`word-count FINISHED`; the exit code is 0 only then.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from flink_k8s.config.merge import merge_mappings
from flink_k8s.facts.mappings import condition
from flink_k8s.health.failure_reason import OperatorError, pod_trouble
from flink_k8s.health.job_status import is_observed
from flink_k8s.operations import deploy as engine
from flink_k8s.operations.cluster import here
from flink_k8s.operations.stack import Stack, prepare, read_layer
from flink_k8s.operations.suspended import Change
from flink_k8s.operations.timeline import in_a_row
from flink_k8s.resolve.jobs import Job
from flink_k8s.support.console import say, step
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl

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
        source: count the words of this file instead of the text that is shipped.
        overlay: a file of config that is merged over the stack's.
        timings: whether to print where the time went.

    Raises:
        CommandError: if a step fails.
    """
    text = read_input(source) if source else None

    cluster = here()
    base = read_layer(overlay)
    layer = merge_mappings(base, demo_layer(with_input=text is not None))
    stack = prepare(cluster.stack, layer)
    carrier = replace(engine.find(context=stack.context), timings=timings)
    say(f"engine: {carrier.title}")
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
            # The claim comes with the job's file: the platform first, without the job.
            with step("program without the job, for its claim", steps):
                carrier.up(prepare(cluster.stack, merge_mappings(base, {"jobs": {JOB: {"enabled": False}}})))
            stack = prepare(cluster.stack, layer)
        with step("input", steps):
            bring_input(text, kubectl, job)
    with step("program", steps):
        asleep = carrier.suspended(stack)
        carrier.up(stack, Change({key: said for key, said in asleep.items() if key != job.key}))
    with step("job", steps):
        wait_until_finished(kubectl, job)
    with step("result", steps):
        lines = read_output(kubectl, job)
    if timings:
        say(in_a_row(steps).text())
    for line in lines:
        print(line)
    say(f"{JOB} FINISHED")


def read_input(path: Path) -> bytes:
    """The text to count.

    Raises:
        CommandError: when it cannot be read or is not UTF-8.
    """
    try:
        data = path.read_bytes()
        data.decode()
    except OSError as error:
        raise CommandError(f"INPUT {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CommandError(f"INPUT {path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    return data


def demo_layer(*, with_input: bool, nonce: int | None = None) -> dict[str, object]:
    """What the demo lays over the stack's config: a number that makes this run a new one, and the input's path."""
    job: dict[str, object] = {"restartNonce": int(time.time()) if nonce is None else nonce}
    if with_input:
        job["parameters"] = {"input": INPUT_IN_CLAIM}
    return {"jobs": {JOB: job}}


def _job(stack: Stack) -> Job:
    for job in stack.platform.jobs:
        if job.name == JOB:
            return job
    raise CommandError(f"the stack {stack.name} has no job {JOB}; the demo needs jobs/word_count.yaml, enabled")


def bring_input(text: bytes, kubectl: Kubectl, job: Job) -> None:
    """Copies the text into the job's claim.

    Raises:
        CommandError: when it does not arrive whole.
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
        written = kubectl.run("exec", "-n", job.namespace, pod, "--", "sh", "-c", script).decode()
    return sorted((line for line in written.split("\n") if line), key=lambda line: line.partition("\t")[0])


@contextmanager
def files_pod(kubectl: Kubectl, job: Job) -> Generator[str]:
    """A pod of the job's image that has the claim mounted and does nothing, for as long as files are copied."""
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
    how = ("--ignore-not-found", "--grace-period=1", f"--wait={str(wait).lower()}", "--timeout=60s")
    kubectl.try_run("delete", "pod", FILES_POD, "-n", namespace, *how)


def _wait_for_pod(kubectl: Kubectl, namespace: str) -> None:
    deadline = time.monotonic() + POD_SECONDS
    why = ""
    while time.monotonic() < deadline:
        pod = kubectl.get("pod", FILES_POD, "-n", namespace) or {}
        if condition(pod, "Ready"):
            return
        trouble = pod_trouble(pod) if pod else ""
        if trouble and trouble != why:
            why = trouble
            say(f"   {why}")
        time.sleep(0.3)
    raise CommandError(f"the pod that copies files did not start: {why or 'no reason given'}")


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


@dataclass
class _Said:
    """What was printed last, so that only changes are."""

    text: str = ""

    def show(self, text: str) -> None:
        if text != self.text:
            self.text = text
            say(f"   {text}")


def wait_until_finished(kubectl: Kubectl, job: Job) -> None:
    """Waits until the job has FINISHED, showing its status as it moves.

    Raises:
        CommandError: with the job's own error, when it fails or the time is out.
    """
    said = _Said()
    deadline = time.monotonic() + FINISH_SECONDS
    while time.monotonic() < deadline:
        found = kubectl.get("flinkdeployment", job.name, "-n", job.namespace) or {}
        status = cast(dict[str, Any], found.get("status") or {})
        state = str(cast(dict[str, Any], status.get("jobStatus") or {}).get("state") or "")
        lifecycle = str(status.get("lifecycleState") or "")
        said.show(
            f"job {job.namespace}/{job.name}: {lifecycle or 'not seen by the operator yet'}, {state or 'no job yet'}"
        )
        if state == "FINISHED" and is_observed(found):
            return
        if state == "FAILED" or lifecycle == "FAILED":
            error = OperatorError.of(status.get("error")).text
            raise CommandError(f"the job failed: {error or 'see `make logs JOB=' + job.name + '`'}")
        time.sleep(0.5)
    raise CommandError(
        f"the job did not finish in {FINISH_SECONDS} s; last seen: {said.text}; see `make logs JOB={JOB}`"
    )
