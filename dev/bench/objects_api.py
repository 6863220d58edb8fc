"""Requests to the API server by `kubectl proxy`: one process for all of them, with the credentials of the context."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl


class Api:
    """The API server."""

    def __init__(self, port: int) -> None:
        """
        Args:
            port: of the proxy on loopback.
        """
        self._port = port

    def patch(self, path: str, change: Mapping[str, Any]) -> None:
        """Change an object.

        Raises:
            CommandError: if the server rejects the change.
        """
        body, content = json.dumps(change), {"Content-Type": "application/merge-patch+json"}
        self._request("PATCH", path, body, content).read()

    def names(self, path: str) -> list[str]:
        """The names of all objects of a resource."""
        return [item["metadata"]["name"] for item in json.load(self._request("GET", path)).get("items", [])]

    def events(self, path: str) -> Iterator[dict[str, Any]]:
        """Objects of a resource, then each changed one, until the connection ends.

        Raises:
            CommandError: if the server refuses the request.
        """
        for line in self._request("GET", f"{path}?watch=1"):
            event = json.loads(line)
            if event["type"] in ("ADDED", "MODIFIED"):
                yield event["object"]

    def _request(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> HTTPResponse:
        connection = HTTPConnection("127.0.0.1", self._port)
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        if response.status >= 300:
            raise CommandError(f"{method} {path}: {response.status} {response.read(300).decode(errors='replace')}")
        return response


@contextmanager
def proxied(kubectl: Kubectl) -> Generator[Api]:
    """The API server of a context, while the block runs."""
    with subprocess.Popen(kubectl.command("proxy", "--port=0"), stdout=subprocess.PIPE, text=True) as proxy:
        try:
            assert proxy.stdout is not None
            yield Api(int(proxy.stdout.readline().rpartition(":")[2]))
        finally:
            proxy.terminate()


class Watch:
    """The newest version of each object of a resource, read by a thread."""

    def __init__(self, api: Api, path: str, on_change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
        """
        Args:
            api: the API server.
            path: of the resource.
            on_change: gets each new version.
        """
        self.objects: dict[str, dict[str, Any]] = {}
        self._api, self._path, self._on_change = api, path, on_change
        threading.Thread(target=self._run, daemon=True).start()

    def wait(self, seconds: float, condition: Callable[[Mapping[str, Mapping[str, Any]]], bool]) -> bool:
        """Wait until the objects fulfil a condition; False if they do not in time."""
        deadline = time.monotonic() + seconds
        while not condition(dict(self.objects)):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _run(self) -> None:
        while True:
            try:
                for item in self._api.events(self._path):
                    self._on_change(item)
                    self.objects[item["metadata"]["name"]] = item
            except ConnectionRefusedError:
                return  # the proxy has ended
            except (OSError, HTTPException, CommandError, ValueError):
                time.sleep(0.1)  # the server ends a watch now and then
