"""Uploads the jar of a job from the project to the stack's store, by a pod with the job's file systems."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from flink_k8s.config.problems import shortened
from flink_k8s.config.secret_text import redacted
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.job_jar import JarFile
from flink_k8s.resolve.job_spec import MAIN_CONTAINER
from flink_k8s.resolve.jobs import Job
from flink_k8s.store.pod import StorePodError, Task
from flink_k8s.store.run import run_pod

UPLOAD = Task("upload-jar", "uploads the jar", Path(__file__).with_name("StoreJar.class"), 300, reads_input=True)

_CHUNK = 1 << 16
_STDIN = b"\0"
"""The channel of standard input in the API server's protocol."""


async def upload(api_client: Any, job: Job, jar: JarFile, stack: DeclaredStack) -> bool:
    """Upload a jar, unless it is in the store.

    Args:
        api_client: of `kubernetes_asyncio`.
        job: that runs the jar.
        jar: the file.
        stack: that declares the job.

    Returns:
        Whether it was uploaded; false if the store has it.

    Raises:
        StorePodError: if it is not in the store afterwards; with the reason.
    """

    async def feed(name: str) -> None:
        await _send(api_client, job.namespace, name, jar.path)

    arguments = [jar.target, str(jar.path.stat().st_size), jar.sha256]
    rows = await run_pod(api_client, UPLOAD, job, stack, arguments, feed)
    if rows[-1][0] == "failed":
        raise StorePodError(f"{jar.path} cannot be uploaded to {jar.uri}: {shortened(redacted(rows[-1][1]), 300)}")
    return rows[-1][0] == "stored"


async def _send(api_client: Any, namespace: str, name: str, file: Path) -> None:
    """Send a file to the standard input of a pod, and wait until its container ends.

    The pod's output decides about the result: it can end without reading, if the store has the file.
    """
    from aiohttp import ClientError
    from kubernetes_asyncio import client
    from kubernetes_asyncio.stream import WsApiClient

    websockets: Any = WsApiClient(api_client.configuration)
    async with websockets:
        attach = client.CoreV1Api(websockets).connect_get_namespaced_pod_attach
        options: dict[str, Any] = {"container": MAIN_CONTAINER, "stdin": True, "stdout": True, "stderr": False}
        connection: Any = await attach(name, namespace, **options, _preload_content=False)
        with contextlib.suppress(ClientError, ConnectionError), file.open("rb") as content:
            async with connection as socket:
                while chunk := content.read(_CHUNK):
                    await socket.send_bytes(_STDIN + chunk)
                async for _ in socket:
                    pass
