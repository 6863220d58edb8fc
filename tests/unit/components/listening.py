"""A server of the test's own in the place of the API server, with a kubeconfig that leads to it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from components.api_server import ApiServer

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
    content = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{runner.addresses[0][1]}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": "c", "user": "u"}}],
    }
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(content))
    try:
        yield ApiServer(str(kubeconfig), CONTEXT)
    finally:
        await runner.cleanup()
