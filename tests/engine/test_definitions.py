"""CRDs follow the operator on a real engine: up they go before Helm runs, never down; from a file and from a server."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.components.crds import FLINK_VERSION as MARK
from flink_k8s.support.kubectl import Kubectl
from tests.project import Project, destroy, remove_flink_crds
from tests.steps import step

pytestmark = pytest.mark.full

FLINK_CRDS = {f"flink{kind}s.flink.apache.org" for kind in ("deployment", "sessionjob")}
NEWER_CRDS = {f"flink{kind}s.flink.apache.org" for kind in ("statesnapshot", "bluegreendeployment")}


@pytest.fixture(scope="module", autouse=True)
def _no_crds(no_stack: None, kubectl: Kubectl) -> Generator[None]:
    """The cluster is without Flink's CRDs before, and without the stack after."""
    remove_flink_crds(kubectl)
    yield
    destroy()
    remove_flink_crds(kubectl)


@pytest.fixture(scope="module")
def repository(charts: Path) -> Generator[str]:
    """The same charts as a Helm repository on this machine; its URL."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(charts))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        name = "flink-kubernetes-operator"
        entries = [
            {"apiVersion": "v2", "name": name, "version": file.stem.rpartition("-")[2], "urls": [f"{url}/{file.name}"]}
            for file in charts.glob("*.tgz")
        ]
        index = {"apiVersion": "v1", "entries": {name: entries}}
        (charts / "index.yaml").write_text(yaml.safe_dump(index))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield url
        server.shutdown()


def marks(kubectl: Kubectl) -> dict[str, str]:
    """Flink's CRDs and the operator version in the annotation of each."""
    content: list[dict[str, Any]] = json.loads(kubectl.run("get", "crd", "-o", "json"))["items"]
    return {
        crd["metadata"]["name"]: crd["metadata"].get("annotations", {}).get(MARK, "")
        for crd in content
        if crd["spec"]["group"] == "flink.apache.org"
    }


def layer(mirror: Path | str, version: str) -> str:
    # Both operators know this version of Flink.
    job = {"image": "pyflink:dev-1.19", "flinkVersion": "v1_19"}
    config = {
        "charts": {"mirror": str(mirror)},
        "operator": {"version": version},
        "waitForJobs": False,
        "jobs": {"word-count": job},
    }
    return json.dumps(config)


def test_crds_are_upgraded_with_the_operator_and_never_downgraded(
    engine: Project, kubectl: Kubectl, charts: Path, repository: str
):
    with step("the first up creates the CRDs"):
        result = engine.make("up", layer(charts, "1.7.0"))
        assert result.code == 0, result.output
        assert marks(kubectl) == dict.fromkeys(FLINK_CRDS, "1.7.0")

    with step("an upgrade of the operator adds new CRDs and keeps the job"):
        before = (kubectl.get("flinkdeployment", "word-count", "-n", "flink") or {})["metadata"]
        result = engine.make("up", layer(repository, "1.16.1"))
        assert result.code == 0, result.output
        assert "CRDs of operator 1.16.1:" in result.output
        assert marks(kubectl) == dict.fromkeys(FLINK_CRDS | NEWER_CRDS, "1.16.1")
        schema = json.dumps((kubectl.get("crd", "flinkdeployments.flink.apache.org") or {})["spec"])
        assert "savepointRedeployNonce" in schema
        after = (kubectl.get("flinkdeployment", "word-count", "-n", "flink") or {})["metadata"]
        assert (after["uid"], after["generation"]) == (before["uid"], before["generation"])

    with step("a second up changes no CRD"):
        result = engine.make("up", layer(repository, "1.16.1"))
        assert result.code == 0
        assert "CRDs of operator" not in result.output

    with step("a downgrade of the operator keeps the CRDs and reports it"):
        result = engine.make("up", layer(charts, "1.7.0"))
        assert result.code == 0, result.output
        assert "CRD flinkdeployments.flink.apache.org is not changed" in result.output
        assert marks(kubectl) == dict.fromkeys(FLINK_CRDS | NEWER_CRDS, "1.16.1")

    with step("an installation updates older CRDs, which Helm alone would keep"):
        assert engine.make("destroy").code == 0
        for name in marks(kubectl):
            kubectl.run("annotate", "crd", name, f"{MARK}=1.7.0", "--overwrite")
        kubectl.run("delete", "crd", *NEWER_CRDS)
        result = engine.make("up", layer(charts, "1.16.1"))
        assert result.code == 0, result.output
        assert marks(kubectl) == dict.fromkeys(FLINK_CRDS | NEWER_CRDS, "1.16.1")

    with step("a chart that cannot be read stops the upgrade"):
        broken = charts / "broken.tgz"
        broken.write_bytes(b"no chart")
        config = json.loads(layer(charts, "1.16.1"))
        config["charts"]["operator"] = {"path": str(broken)}
        result = engine.make("up", json.dumps(config))
        assert result.code != 0
        assert "broken.tgz" in result.output
