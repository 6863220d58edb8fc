"""Flink's REST interface of many running jobs: the answers that the operator needs to observe and upgrade them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager

_RESOURCES = {"cpuCores": 1, "taskHeapMemory": 64, "taskOffHeapMemory": 0, "managedMemory": 64, "networkMemory": 64}
_HARDWARE = {"cpuCores": 1, "physicalMemory": 2**30, "freeMemory": 2**29, "managedMemory": 64}
_SIZES = dict.fromkeys(("min", "max", "avg", "p50", "p90", "p95", "p99", "p999"), 0)
_MEASURES = ("checkpointed_size", "state_size", "end_to_end_duration", "alignment_buffered", "processed_data")

_JOB = {"jid": "ID", "name": "job", "state": "RUNNING", "tasks": {"running": 2, "total": 2}}
_JOB_TIMES = {"start-time": 1, "end-time": -1, "duration": 1, "last-modification": 1}
_EXCEPTIONS: dict[str, object] = {
    "all-exceptions": [],
    "truncated": False,
    "exceptionHistory": {"entries": [], "truncated": False},
}
_CHECKPOINTS = {
    "counts": dict.fromkeys(("restored", "total", "in_progress", "completed", "failed"), 0),
    "summary": dict.fromkeys((*_MEASURES, "persisted_data"), _SIZES),
}
_VERSION = {"flink-version": "2.2.1", "flink-revision": "a1b2c3d @ 2026-01-01T00:00:00Z"}
_WEB = {"refresh-interval": 3000, "timezone-name": "UTC", "timezone-offset": 0, "features": {"web-submit": False}}
_TASK_MANAGER = {"id": "tm-1", "path": "tm-1", "dataPort": 1, "jmxPort": -1, "timeSinceLastHeartbeat": 1}
_SLOTS = {"slotsNumber": 2, "freeSlots": 0, "totalResource": _RESOURCES, "freeResource": _RESOURCES}
_ANSWERS: dict[str, dict[str, object]] = {
    "GET /v1/jobs/overview": {"jobs": [{**_JOB, **_JOB_TIMES}]},
    "GET /v1/jobs/ID/exceptions": _EXCEPTIONS,
    "GET /v1/jobs/ID/checkpoints": {**_CHECKPOINTS, "latest": {}, "history": []},
    "GET /v1/config": {**_VERSION, **_WEB},
    "GET /v1/taskmanagers": {
        "taskmanagers": [{**_TASK_MANAGER, **_SLOTS, "hardware": _HARDWARE, "memoryConfiguration": {}}]
    },
    # Cancels the job; the operator deletes its Deployment then.
    "PATCH /v1/jobs/ID": {},
}
OBSERVATION = "GET /v1/jobs/overview"
"""The request that the operator sends once whenever it observes a running job."""


def job_id(port: int) -> str:
    """Flink's ID of the job at a port. It begins with a letter: the operator reads digits alone as a number."""
    return f"f{port:031x}"


@contextmanager
def flink_rest(count: int) -> Generator[tuple[Sequence[int], Counter[str]]]:
    """Serve a number of jobs on loopback while the block runs, each at its own port: not all requests name the job.

    Yields:
        The ports, and the number of requests, such as `GET /v1/jobs/ID/exceptions`; `unanswered: …` for those
        without an answer.
    """
    requests: Counter[str] = Counter()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readuntil(b"\r\n\r\n")).decode().partition("\r\n")[0]
            job = job_id(writer.get_extra_info("sockname")[1])
            request = line.rpartition(" ")[0].partition("?")[0].replace(job, "ID")
            is_known = request in _ANSWERS
            requests[request if is_known else f"unanswered: {request}"] += 1
            body = json.dumps(_ANSWERS.get(request, {"errors": ["not found"]})).replace('"ID"', f'"{job}"').encode()
            head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(f"HTTP/1.1 {'200 OK' if is_known else '404 Not Found'}\r\n{head}".encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the operator also connects only to find out whether the port is open
        finally:
            writer.close()

    async def serve() -> list[asyncio.Server]:
        return [await asyncio.start_server(respond, "127.0.0.1", 0) for _ in range(count)]

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers = asyncio.run_coroutine_threadsafe(serve(), loop).result()
    try:
        yield [server.sockets[0].getsockname()[1] for server in servers], requests
    finally:
        for server in servers:
            loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
