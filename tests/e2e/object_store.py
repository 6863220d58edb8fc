"""An S3 server with an empty bucket, in a pod of the sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from flink_k8s.support.kubectl import Kubectl
from sandbox.home import home
from sandbox.images import BUCKETS, build_images
from sandbox.images.s3_server import PORT, S3Server
from sandbox.lock import locked
from tests.project import ROOT, destroy
from tests.waiting import until

STORE = "object-store"
BUCKET = "state"
KEYS = "bucket-keys"


@contextmanager
def object_store(kubectl: Kubectl) -> Generator[str]:
    """The pod of an S3 server with an empty bucket; its address in the cluster."""
    image = S3Server()
    with locked(home().lock, "build the images of the tests of buckets"):
        build_images([BUCKETS.name, image.name])
    subprocess.run([sys.executable, "-m", "sandbox", "up"], cwd=ROOT, check=True)
    labels = {"app": STORE}
    container = {"name": "server", "image": image.name, "imagePullPolicy": "IfNotPresent"}
    container |= {"readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1}}
    objects = [
        {"kind": "Namespace", "metadata": {"name": STORE}},
        {"kind": "Pod", "metadata": {"name": STORE, "namespace": STORE, "labels": labels}}
        | {"spec": {"containers": [container]}},
        {"kind": "Service", "metadata": {"name": STORE, "namespace": STORE}}
        | {"spec": {"selector": labels, "ports": [{"name": "http", "port": PORT}]}},
    ]
    for manifest in objects:
        kubectl.run("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", **manifest}).encode())
        if manifest["kind"] == "Namespace":
            until("the default account", lambda: kubectl.get("serviceaccount", "default", "-n", STORE), 30)
    try:
        kubectl.run("wait", "--for=condition=Ready", f"pod/{STORE}", "-n", STORE, "--timeout=120s")
        in_server(kubectl, f"store.create_bucket(Bucket={BUCKET!r})")
        yield f"http://{STORE}.{STORE}.svc:{PORT}"
    finally:
        destroy()  # before its bucket: the deletion of the job takes a savepoint
        kubectl.try_run("delete", "namespace", STORE, "--timeout=60s")


def in_server(kubectl: Kubectl, code: str) -> str:
    """What a few lines of Python print in the server's pod, where `store` is a client of it."""
    client = (
        "import boto3, sys; store = boto3.client('s3', endpoint_url='http://127.0.0.1:5000', region_name='us-east-1',"
        " aws_access_key_id='id', aws_secret_access_key='secret')\n"
    )
    return kubectl.run("exec", "-n", STORE, STORE, "--", "python3", "-c", client + code).decode()


def state_storage(address: str, uri: str) -> dict[str, object]:
    """`stateStorage` of a stack that uses the server.

    Args:
        address: of the server.
        uri: in the bucket.
    """
    keys = {"accessKey": {"secret": KEYS, "key": "id"}, "secretKey": {"secret": KEYS, "key": "secret"}}
    return {"type": "s3", "uri": uri, "endpoint": address, "credentials": keys}


def create_keys(kubectl: Kubectl, namespace: str) -> None:
    """Create the Secret with the keys of the server."""
    keys = {"kind": "Secret", "metadata": {"name": KEYS, "namespace": namespace}}
    keys |= {"stringData": {"id": "id", "secret": "secret"}}
    kubectl.run("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", **keys}).encode())
