"""Read from the sandbox's API server, over HTTPS with the administrator's certificate.

A kubectl process per request would take longer than the request. This module changes nothing.
"""

import http.client
import json
import ssl
from typing import cast

from sandbox.home import Home
from sandbox.network import NODE_IP

_SECONDS = 5.0


class Unreachable(Exception):  # noqa: N818
    """The API server does not answer, or answers with an error."""


class Api:
    """Reads from the sandbox's API server.

    Raises:
        Unreachable: there are no certificates: the cluster was never started or is purged.
    """

    def __init__(self, home: Home) -> None:
        pki = home.etc / "pki"
        try:
            self._context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
            self._context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        except OSError as error:
            raise Unreachable(f"the sandbox has no certificates: {error}") from None

    def get(self, path: str) -> dict[str, object]:
        """The object or list at a path.

        Raises:
            Unreachable: no answer, or another status than 200.
        """
        return cast(dict[str, object], json.loads(self._read(path)))

    def items(self, path: str) -> list[dict[str, object]]:
        """The items of the list at a path."""
        return cast(list[dict[str, object]], self.get(path).get("items") or [])

    def why_not(self) -> str | None:
        """Why the API server is not ready; None if it is."""
        try:
            self._read("/readyz")
        except Unreachable as error:
            return str(error)
        return None

    def namespaces(self) -> list[str]:
        """The names of all namespaces."""
        return [name_of(item) for item in self.items("/api/v1/namespaces")]

    def _read(self, path: str) -> bytes:
        connection = http.client.HTTPSConnection(NODE_IP, 6443, timeout=_SECONDS, context=self._context)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"the sandbox's API server does not answer: {error}") from None
        finally:
            connection.close()
        if response.status != 200:
            raise Unreachable(f"the sandbox's API server answers {path} with {response.status} {response.reason}")
        return body


def name_of(item: dict[str, object]) -> str:
    """`metadata.name` of an object."""
    return str(cast(dict[str, object], item["metadata"])["name"])
