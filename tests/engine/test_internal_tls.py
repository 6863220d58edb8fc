"""Certificates of a job with the real engine: ready before the job, unchanged later, disabled, deleted after the job.

cert-manager is not installed: the test determines when a certificate is ready.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.resolve.internal_tls import authority_name, certificate_name, root_name
from flink_k8s.support.kubectl import Kubectl
from tests.engine.stand_in import controller, set_status, stand_in_operator, stand_in_platform
from tests.project import NOTHING, Project, changes
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full

NAMES = {made("FlinkDeployment", "word-count") for made in (authority_name, certificate_name, root_name)}
CERTIFICATE = certificate_name("FlinkDeployment", "word-count")


@pytest.fixture(scope="module")
def charts(no_stack: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stand_in_platform(tmp_path_factory.mktemp("charts"))


def layer(charts: Path, *, on: bool) -> str:
    settings = {
        "charts": {"mirror": str(charts)},
        # By default the chart leaves its definitions: nothing is to stay here.
        "certManager": {"enabled": True, "values": {"crds": {"keep": False}}},
        "jobs": {"word-count": {"internalTls": {"enabled": on}}},
    }
    return json.dumps(settings)


def cert_manager_resources(kubectl: Kubectl) -> set[str]:
    output = kubectl.try_run("get", "certificates,issuers", "-n", "flink", "-o", "name").stdout.decode().split()
    return {name.partition("/")[2] for name in output}


@contextmanager
def stand_in_cert_manager(kubectl: Kubectl, names: list[str], pause: threading.Event) -> Generator[None]:
    """While the block runs, every Issuer and Certificate is Ready soon; the last one when `pause` is set.

    Args:
        kubectl: of the cluster.
        names: receives the name of each that becomes ready, and `job` when the job exists.
        pause: delays the certificate of the job until it is set.
    """

    def reconcile(resource: Mapping[str, Any]) -> None:
        kind, name = resource["kind"], resource["metadata"]["name"]
        if kind == "FlinkDeployment":
            if "job" not in names:
                names.append("job")
        elif "status" not in resource and (kind != "Certificate" or name != CERTIFICATE or pause.is_set()):
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            ready = {"type": "Ready", "status": "True", "lastTransitionTime": now, "reason": "Ready"}
            set_status(kubectl, resource, {"conditions": [ready]})
            names.append(f"{kind} {name}")

    with controller(kubectl, "issuers,certificates,flinkdeployments", reconcile):
        yield


def test_certificates_are_ready_before_their_job_and_deleted_after_it(engine: Project, kubectl: Kubectl, charts: Path):
    with step("the job is created when its certificate is ready"):
        messages: list[str] = []
        pause = threading.Event()

        def let_go() -> None:
            # What comes before the certificate is ready; a while later the job is still not there.
            deadline = time.monotonic() + 240
            while len(messages) < 3 and time.monotonic() < deadline:
                time.sleep(0.2)
            time.sleep(5)
            messages.append("held until now")
            pause.set()

        thread = threading.Thread(target=let_go)
        thread.start()
        with stand_in_operator(kubectl), stand_in_cert_manager(kubectl, messages, pause):
            result = engine.make("up", layer(charts, on=True))
            thread.join()
            assert result.code == 0, result.output
            until("the job was seen", lambda: "job" in messages, 30)
        assert messages == [
            f"Issuer {root_name('FlinkDeployment', 'word-count')}",
            f"Certificate {authority_name('FlinkDeployment', 'word-count')}",
            f"Issuer {authority_name('FlinkDeployment', 'word-count')}",
            "held until now",
            f"Certificate {CERTIFICATE}",
            "job",
        ]

    with step("a second preview has no changes"):
        result = engine.make("preview", layer(charts, on=True))
        assert changes(result.output) == set()
        assert NOTHING.search(result.output)

    with step("disabled, the job changes and its certificates are deleted"):
        assert cert_manager_resources(kubectl) == NAMES
        with stand_in_operator(kubectl):
            result = engine.make("up", layer(charts, on=False))
        assert result.code == 0, result.output
        assert cert_manager_resources(kubectl) == set()
        job = kubectl.get("flinkdeployment", "word-count", "-n", "flink") or {}
        assert not [key for key in job["spec"]["flinkConfiguration"] if key.startswith("security.ssl")]

    with step("destroy leaves nothing"):
        result = engine.make("destroy", layer(charts, on=False))
        assert result.code == 0, result.output
        for namespace in ("flink", "flink-operator", "cert-manager"):
            assert kubectl.get("namespace", namespace) is None
