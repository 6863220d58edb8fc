"""A server of the test's own in the place of the API server, with a kubeconfig that leads to it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from flink_k8s.health.api_server import ApiServer

CONTEXT = "test"


@asynccontextmanager
async def listening(folder: Path, routes: Iterable[web.AbstractRouteDef]) -> AsyncGenerator[ApiServer]:
    """Answers the routes until it is left.

    Args:
        folder: gets the kubeconfig.
        routes: what it answers.
    """
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    kubeconfig = kubeconfig_for(folder, runner.addresses[0][1])
    try:
        yield ApiServer(str(kubeconfig), CONTEXT)
    finally:
        await runner.cleanup()


def kubeconfig_for(folder: Path, port: int) -> Path:
    """A kubeconfig in a folder, whose context leads to a port of this machine."""
    content = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": "c", "user": "u"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(content))
    return path
