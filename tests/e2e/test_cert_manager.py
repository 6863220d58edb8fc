"""cert-manager out of the sandbox's own chart: the program brings it up, its first certificate needs no second try.

And the certificate of the operator's webhook: its keystore has a password of the program's own. The webhook itself is
published in no version; webhook_chart/ has one that opens its keystore in the same way.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.components.webhook_keystore import KEYSTORE_SECRET, PASSWORD_KEY, PASSWORD_SECRET
from flink_k8s.facts import versions
from flink_k8s.facts.kinds import FLINK_API
from flink_k8s.support.kubectl import Kubectl
from sandbox.home import home
from sandbox.images import build_images
from sandbox.images.s3_server import S3Server
from sandbox.lock import locked
from tests.project import ROOT, remove_flink_crds
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full

STACK = "sandbox"
RELEASE = "cert-manager"
NAMESPACE = "certificates"
LAYER: dict[str, Any] = {
    "certManager": {
        "enabled": True,
        # By default the chart leaves its definitions: nothing is to stay here.
        "values": {"crds": {"keep": False}},
    },
    "operator": {"enabled": False},
    "namespaces": {NAMESPACE: {}},
    "jobs": {"word-count": {"enabled": False}},
}
JOB: dict[str, Any] = {"jobs": {"word-count": {"enabled": True}}, "waitForJobs": False}
"""The chart without an operator Deployment."""
CHART = "tests/e2e/webhook_chart"
OPERATOR = "flink-operator"
INJECTOR = ("deployment/cert-manager-cainjector", "-n", "cert-manager")
DEFAULT_PASSWORD = "password1234"
"""Of the official chart: everybody knows it."""
CLUSTER_WIDE = "crd,clusterrole,clusterrolebinding,validatingwebhookconfiguration,mutatingwebhookconfiguration"


def engine_command(operation: str, layer: Path) -> list[str]:
    return [sys.executable, "-m", "flink_k8s", operation, STACK, "--overlay", str(layer)]


def engine(operation: str, layer: Path) -> subprocess.CompletedProcess[str]:
    command = engine_command(operation, layer)
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    print(result.stdout, result.stderr)
    return result


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cert-manager") / "layer.yaml"
    path.write_text(json.dumps(LAYER))
    return path


@pytest.fixture(scope="module")
def up(no_stack: None, kubectl: Kubectl, layer: Path) -> Generator[None]:
    """The stack with cert-manager alone; the moment it is up is that of the first test."""
    remove_flink_crds(kubectl)  # the webhook's chart has one of its own
    with locked(home().lock, "build the image of the webhook's test"):
        build_images([S3Server().name])
    subprocess.run([sys.executable, "-m", "sandbox", "up", "--cert-manager"], cwd=ROOT, check=True)
    result = engine("up", layer)
    assert result.returncode == 0, result.stderr
    yield
    engine("destroy", layer)
    remove_flink_crds(kubectl)  # that of the webhook's chart


def cert(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "cert-manager.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def apply(kubectl: Kubectl, *objects: dict[str, Any]) -> subprocess.CompletedProcess[bytes]:
    manifest = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    return kubectl.try_run("apply", "-f", "-", stdin=json.dumps(manifest).encode())


def wait_until_ready(kubectl: Kubectl, *names: str) -> None:
    certificates = [f"certificate/{name}" for name in names]
    result = kubectl.try_run("wait", "-n", NAMESPACE, "--for=condition=Ready", *certificates, "--timeout=60s")
    output = kubectl.try_run("describe", "-n", NAMESPACE, *certificates).stdout.decode() if result.returncode else ""
    assert result.returncode == 0, result.stderr.decode() + output


def with_webhook(layer: Path, keystore: dict[str, Any], **more: Any) -> Path:
    """An overlay with cert-manager and the operator's webhook.

    Args:
        layer: of the fixture, which stays as it is.
        keystore: the chart's values of it.
        more: keys of the stack.
    """
    operator = {"enabled": True, "webhook": True, "values": {"webhook": {"keystore": keystore}}}
    path = layer.with_name("with-webhook.yaml")
    path.write_text(json.dumps({**LAYER, "operator": operator, "charts": {"operator": {"path": CHART}}, **more}))
    return path


def webhook_up(layer: Path, keystore: dict[str, Any], **more: Any) -> str:
    """Brings that up; what was printed."""
    result = engine("up", with_webhook(layer, keystore, **more))
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def helm_revisions(kubectl: Kubectl) -> list[int]:
    """Of the operator's release."""
    output = kubectl.get("secrets", "-n", OPERATOR, "-l", "owner=helm") or {"items": []}
    return sorted(int(secret["metadata"]["labels"]["version"]) for secret in output["items"])


def scale_injector(kubectl: Kubectl, replicas: int) -> None:
    """What writes a certificate's authority into the configuration of webhooks goes, or comes back."""
    kubectl.run("scale", *INJECTOR, f"--replicas={replicas}")
    kubectl.run("rollout", "status", *INJECTOR, "--timeout=60s")
    if not replicas:  # one that is about to go still works
        labels = "app.kubernetes.io/component=cainjector"
        kubectl.run("wait", "--for=delete", "pod", "-l", labels, "-n", "cert-manager", "--timeout=60s")


def own_password(kubectl: Kubectl) -> str:
    output = kubectl.get("secret", PASSWORD_SECRET, "-n", OPERATOR) or {"data": {PASSWORD_KEY: ""}}
    return base64.b64decode(output["data"][PASSWORD_KEY]).decode()


def opens(kubectl: Kubectl, password: str) -> bool:
    """Whether the webhook's keystore, as it is in the cluster, opens with that password."""
    output = kubectl.get("secret", KEYSTORE_SECRET, "-n", OPERATOR)
    assert output is not None
    keystore = base64.b64decode(output["data"]["keystore.p12"])
    # Piped: the password is in no list of processes either.
    command = ["openssl", "pkcs12", "-nokeys", "-legacy", "-passin", "env:PASSWORD", "-in", "/dev/stdin"]
    result = subprocess.run(
        command, input=keystore, env={**os.environ, "PASSWORD": password}, capture_output=True, check=False
    )
    return result.returncode == 0


def webhook_answers(kubectl: Kubectl) -> bool:
    """Whether the API server reaches the webhook and trusts its certificate: it lets pass, and refuses."""
    good, bad = (
        apply(
            kubectl,
            {"apiVersion": FLINK_API, "kind": "FlinkDeployment", "metadata": {"name": name, "namespace": NAMESPACE}},
        )
        for name in ("good", "bad")
    )
    kubectl.run("delete", "flinkdeployment", "good", "bad", "-n", NAMESPACE, "--ignore-not-found")
    print(good, bad)
    return good.returncode == 0 and b'"validationwebhook.flink.apache.org" denied the request: called bad' in bad.stderr


@pytest.mark.usefixtures("up")
def test_certificates_are_issued_as_soon_as_up_has_ended(kubectl: Kubectl, tmp_path: Path):
    with step("the first certificate needs no second try"):
        # `up` has waited for the chart's own check, so that the webhook is called and trusted from now on.
        issuer = cert("Issuer", "own", selfSigned={})
        certificate = cert(
            "Certificate", "root", secretName="root", commonName="root", isCA=True, issuerRef={"name": "own"}
        )
        result = apply(kubectl, issuer, certificate)
        assert result.returncode == 0, result.stderr.decode()
        wait_until_ready(kubectl, "root")

    with step("an authority signs a certificate"):
        authority = cert("Issuer", "authority", ca={"secretName": "root"})
        leaf = cert("Certificate", "leaf", secretName="leaf", dnsNames=["leaf.test"], issuerRef={"name": "authority"})
        result = apply(kubectl, authority, leaf)
        assert result.returncode == 0, result.stderr.decode()
        wait_until_ready(kubectl, "leaf")
        secret = kubectl.get("secret", "leaf", "-n", NAMESPACE)
        assert secret is not None
        for name in ("ca.crt", "tls.crt"):
            (tmp_path / name).write_bytes(base64.b64decode(secret["data"][name]))
        verify = ["openssl", "verify", "-CAfile", str(tmp_path / "ca.crt"), str(tmp_path / "tls.crt")]
        verified = subprocess.run(verify, capture_output=True, text=True, check=False)
        assert verified.returncode == 0, verified.stdout + verified.stderr

    with step("the webhook refuses an invalid certificate"):
        # A certificate without names: valid by its CRD, and rejected by the webhook only.
        result = apply(kubectl, cert("Certificate", "bad", secretName="bad", issuerRef={"name": "own"}))
        assert result.returncode != 0
        assert 'admission webhook "webhook.cert-manager.io" denied the request' in result.stderr.decode()
        assert kubectl.get("certificate", "bad", "-n", NAMESPACE) is None


@pytest.mark.usefixtures("up")
def test_the_release_is_of_the_chart_of_the_sandbox(kubectl: Kubectl):
    deployments = json.loads(kubectl.run("get", "deployments", "-n", RELEASE, "-o", "json"))["items"]
    names = {deployment["metadata"]["name"]: deployment for deployment in deployments}
    assert set(names) == {RELEASE, f"{RELEASE}-webhook", f"{RELEASE}-cainjector"}
    for deployment in deployments:
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"].startswith("docker.io/library/cert-manager-")
        assert container["image"].endswith(f":{versions.CERT_MANAGER.version}")
    # The check and all that it needed went when it had passed.
    for kind in ("job", "serviceaccount", "role", "rolebinding"):
        assert b"startupapicheck" not in kubectl.run("get", kind, "-n", RELEASE, "-o", "name")


@pytest.mark.usefixtures("up")
@pytest.mark.parametrize("part", ["controller", "webhook", "cainjector"])
def test_no_component_lacks_a_permission(kubectl: Kubectl, part: str):
    log = kubectl.run("logs", "-n", RELEASE, "-l", f"app.kubernetes.io/component={part}", "--tail=-1").decode()
    assert log
    assert [line for line in log.splitlines() if "forbidden" in line.lower()] == []


@pytest.mark.usefixtures("up")
def test_the_webhook_of_the_operator_gets_a_keystore_with_a_password_of_its_own(kubectl: Kubectl, layer: Path):
    """The last test: it destroys the stack."""
    with step("with the default password of the chart the webhook answers"):
        # The platform before the program generated passwords, and with the user's setting.
        webhook_up(layer, {"useDefaultPassword": True})
        assert opens(kubectl, DEFAULT_PASSWORD)
        assert kubectl.get("secret", PASSWORD_SECRET, "-n", OPERATOR) is None
        assert webhook_answers(kubectl)

    with step("with a password of its own, a job waits until the certificate is trusted"):
        # cert-manager leaves a keystore as it is that is there: the program has to have it made again.
        scale_injector(kubectl, 0)
        out = layer.with_name("said")
        with out.open("w") as file:
            running = subprocess.Popen(
                engine_command("up", with_webhook(layer, {}, **JOB)), cwd=ROOT, stdout=file, stderr=file
            )
        try:
            until("the webhook is waited for", lambda: "the operator's webhook does not answer yet" in out.read_text())
            until("its certificate is not trusted", lambda: "unknown authority" in out.read_text())
            assert running.poll() is None
            assert kubectl.get("flinkdeployment", "word-count", "-n", NAMESPACE) is None
            scale_injector(kubectl, 1)
            code, actual = running.wait(timeout=200), out.read_text()
        finally:
            running.kill()
        assert code == 0, actual
        assert kubectl.get("flinkdeployment", "word-count", "-n", NAMESPACE)
        assert f"{OPERATOR}/{KEYSTORE_SECRET}: deleted, because its keystore has another password" in actual
        password = own_password(kubectl)
        assert len(password) >= 32
        assert opens(kubectl, password)
        assert not opens(kubectl, DEFAULT_PASSWORD)
        assert kubectl.get("secret", "flink-operator-webhook-secret", "-n", OPERATOR) is None
        assert webhook_answers(kubectl)

    with step("the next up keeps the password and the keystore"):
        password, before = own_password(kubectl), kubectl.get("secret", KEYSTORE_SECRET, "-n", OPERATOR)
        revisions = helm_revisions(kubectl)
        # A changed value: the release is upgraded, and so its hooks are called.
        actual = webhook_up(layer, {"unused": "changed"}, **JOB)
        assert helm_revisions(kubectl) == [*revisions, revisions[-1] + 1]
        assert "creates it again" not in actual
        assert password not in actual
        assert (own_password(kubectl), kubectl.get("secret", KEYSTORE_SECRET, "-n", OPERATOR)) == (password, before)

    with step("destroy leaves nothing"):
        before = kubectl.run("get", CLUSTER_WIDE, "-o", "name").decode()
        assert RELEASE in before
        result = engine("destroy", layer)
        assert result.returncode == 0, result.stderr
        remaining = kubectl.run("get", CLUSTER_WIDE, "-o", "name").decode()
        assert [line for line in remaining.split() if RELEASE in line] == []
        namespaces = kubectl.run("get", "namespaces", "-o", "name").decode().split()
        assert not {f"namespace/{RELEASE}", f"namespace/{NAMESPACE}"} & set(namespaces)
        leases = kubectl.run("get", "leases,roles,rolebindings,secrets,configmaps", "-A", "-o", "name").decode()
        assert [line for line in leases.split() if RELEASE in line] == []
