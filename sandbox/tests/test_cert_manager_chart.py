"""cert-manager's chart, rendered by helm: the official values have their effect, and what belongs together fits."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.charts import pack, sources
from sandbox.home import home
from sandbox.images.cert_manager import IMAGES, MODULE

HELM = shutil.which("helm") or (str(home().bin / "helm") if (home().bin / "helm").exists() else None)
pytestmark = pytest.mark.skipif(HELM is None, reason="no helm on PATH, nor in the sandbox's home (make e2e builds it)")

NAMESPACE = "certs"
PARTS = {"controller": "cert-manager", "webhook": "cert-manager-webhook", "cainjector": "cert-manager-cainjector"}
CHECK = "cert-manager-startupapicheck"
DEFINITION = b"""\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: certificates.cert-manager.io
  annotations:
    one: "1"
spec:
  description: 'a {{ brace }} is text'
"""

Objects = dict[tuple[str, str, str], dict[str, Any]]


def helm(tmp_path: Path, values: dict[str, Any], *command: str) -> subprocess.CompletedProcess[str]:
    package = tmp_path / "chart.tgz"
    contents = sources("cert-manager") | {"definitions/certificates.yaml": DEFINITION}
    package.write_bytes(pack("cert-manager", contents, MODULE.version))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    environment = os.environ | {
        "HELM_CACHE_HOME": str(tmp_path / "cache"),
        "HELM_CONFIG_HOME": str(tmp_path / "config"),
    }
    line = [str(HELM), *command, str(package), "--namespace", NAMESPACE, "--values", str(tmp_path / "values.yaml")]
    return subprocess.run(line, text=True, capture_output=True, check=False, env=environment)


def render(tmp_path: Path, release: str = "cert-manager", **values: Any) -> Objects:
    """The objects by kind, namespace and name."""
    result = helm(tmp_path, values, "template", release)
    assert result.returncode == 0, result.stderr
    objects = [document for document in yaml.safe_load_all(result.stdout) if document]
    by_name = {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in objects}
    assert len(by_name) == len(objects), "no object twice"
    return by_name


def pod(objects: Objects, name: str) -> dict[str, Any]:
    kind = "Job" if name == CHECK else "Deployment"
    return objects[kind, NAMESPACE, name]["spec"]["template"]


def container(objects: Objects, name: str) -> dict[str, Any]:
    (actual,) = pod(objects, name)["spec"]["containers"]
    return actual


def test_helm_lint(tmp_path: Path) -> None:
    result = helm(tmp_path, {"crds": {"enabled": True}}, "lint", "--strict")
    assert result.returncode == 0, result.stdout


def test_images_are_those_that_the_sandbox_builds(tmp_path: Path) -> None:
    objects = render(tmp_path)
    names = {container(objects, name)["image"] for name in (*PARTS.values(), CHECK)}
    assert names == {f"docker.io/library/{image.name}" for image in IMAGES}


def test_images_by_the_official_values(tmp_path: Path) -> None:
    digest = "sha256:" + "0" * 64
    objects = render(
        tmp_path,
        image={"repository": "there.example/controller", "tag": "v9"},
        webhook={"image": {"repository": "there.example/webhook", "tag": "v9", "digest": digest}},
        cainjector={"image": {"pullPolicy": "Always"}},
        imageRegistry="mirror.example",
        imageNamespace="them",
    )
    assert container(objects, PARTS["controller"])["image"] == "there.example/controller:v9"
    assert container(objects, PARTS["webhook"])["image"] == f"there.example/webhook@{digest}"
    cainjector = container(objects, PARTS["cainjector"])
    assert cainjector["image"] == f"mirror.example/them/cert-manager-cainjector:{MODULE.version}"
    assert cainjector["imagePullPolicy"] == "Always"


@pytest.mark.parametrize("values", [{"crds": {"enabled": True}}, {"installCRDs": True}])
def test_crds_are_installed_if_enabled_and_kept(tmp_path: Path, values: dict[str, Any]) -> None:
    key = ("CustomResourceDefinition", "", "certificates.cert-manager.io")
    assert key not in render(tmp_path)
    definition = render(tmp_path, **values)[key]
    assert definition["metadata"]["annotations"] == {"one": "1", "helm.sh/resource-policy": "keep"}
    assert definition["spec"]["description"] == "a {{ brace }} is text"


def test_crds_are_deleted_with_the_release_if_configured(tmp_path: Path) -> None:
    objects = render(tmp_path, crds={"enabled": True, "keep": False})
    definition = objects["CustomResourceDefinition", "", "certificates.cert-manager.io"]
    assert definition["metadata"]["annotations"] == {"one": "1"}


def test_every_binding_has_an_existing_role_and_account(tmp_path: Path) -> None:
    objects = render(tmp_path)
    bindings = [(key, o) for key, o in objects.items() if key[0].endswith("Binding")]
    assert len(bindings) == 7
    for (_, namespace, name), binding in bindings:
        role = binding["roleRef"]
        assert (role["kind"], namespace, role["name"]) in objects, name
        (subject,) = binding["subjects"]
        assert (subject["kind"], subject["namespace"], subject["name"]) in objects
    roles = [key for key in objects if key[0] in ("Role", "ClusterRole")]
    assert len(roles) == len(bindings)


def test_every_pod_runs_as_an_account_of_its_own(tmp_path: Path) -> None:
    objects = render(tmp_path)
    accounts = {pod(objects, name)["spec"]["serviceAccountName"] for name in (*PARTS.values(), CHECK)}
    assert accounts == {name for kind, _, name in objects if kind == "ServiceAccount"}
    assert len(accounts) == 4


def test_no_role_has_all_permissions(tmp_path: Path) -> None:
    for (kind, _, name), role in render(tmp_path).items():
        if kind in ("Role", "ClusterRole"):
            for rule in role["rules"]:
                assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}, name


def test_leader_election_uses_the_configured_namespace(tmp_path: Path) -> None:
    objects = render(tmp_path, **{"global": {"leaderElection": {"namespace": "elsewhere"}}})
    for part in ("controller", "cainjector"):
        assert "--leader-election-namespace=elsewhere" in container(objects, PARTS[part])["args"]
        assert ("Role", "elsewhere", f"{PARTS[part]}:leaderelection") in objects
        assert ("RoleBinding", "elsewhere", f"{PARTS[part]}:leaderelection") in objects


def test_the_webhooks_service_matches_its_certificate(tmp_path: Path) -> None:
    objects = render(tmp_path)
    name = PARTS["webhook"]
    service = objects["Service", NAMESPACE, name]
    template = pod(objects, name)
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    (port,) = service["spec"]["ports"]
    ports = {entry["name"]: entry["containerPort"] for entry in container(objects, name)["ports"]}
    arguments = container(objects, name)["args"]
    assert f"--secure-port={ports[port['targetPort']]}" in arguments
    assert f"--dynamic-serving-dns-names={name},{name}.$(POD_NAMESPACE),{name}.$(POD_NAMESPACE).svc" in arguments
    (secret,) = [entry.partition("=")[2] for entry in arguments if "secret-name=" in entry]
    for kind, path in (("Validating", "/validate"), ("Mutating", "/mutate")):
        configuration = objects[f"{kind}WebhookConfiguration", "", name]
        annotations = configuration["metadata"]["annotations"]
        assert annotations == {"cert-manager.io/inject-ca-from-secret": f"{NAMESPACE}/{secret}"}
        (webhook,) = configuration["webhooks"]
        assert webhook["clientConfig"]["service"] == {"name": name, "namespace": NAMESPACE, "path": path}
        assert webhook["failurePolicy"] == "Fail"
        assert len(webhook["rules"]) == 1
    role = objects["Role", NAMESPACE, name]
    assert {tuple(rule.get("resourceNames", [])) for rule in role["rules"]} == {(secret,), ()}


def test_the_startup_check_runs_after_the_installation_and_is_deleted(tmp_path: Path) -> None:
    objects = render(tmp_path)
    hooks = {key: o["metadata"].get("annotations", {}) for key, o in objects.items() if CHECK in key[2]}
    assert len(hooks) == 4
    assert {hook["helm.sh/hook"] for hook in hooks.values()} == {"post-install"}
    assert all("hook-succeeded" in hook["helm.sh/hook-delete-policy"] for hook in hooks.values())
    weights = {key[0]: int(hook["helm.sh/hook-weight"]) for key, hook in hooks.items()}
    assert weights.pop("Job") > max(weights.values())
    assert container(objects, CHECK)["args"] == ["check", "api", "--wait=1m", "-v"]
    off = render(tmp_path, startupapicheck={"enabled": False})
    assert not [key for key in off if CHECK in key[2]]


@pytest.mark.parametrize("name", [*PARTS.values(), CHECK])
def test_pods_pass_the_restricted_profile(tmp_path: Path, name: str) -> None:
    objects = render(tmp_path)
    assert pod(objects, name)["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(objects, name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


@pytest.mark.parametrize("part", [*PARTS, "startupapicheck"])
def test_every_value_of_a_pod_is_used(tmp_path: Path, part: str) -> None:
    values: dict[str, Any] = {
        "resources": {"limits": {"memory": "1Gi"}},
        "securityContext": {"runAsUser": 1},
        "containerSecurityContext": {"privileged": False},
        "extraArgs": ["--more"],
        "extraEnv": [{"name": "E", "value": "1"}],
        "podLabels": {"a": "b"},
        "podAnnotations": {"c": "d"},
        "volumes": [{"name": "v", "emptyDir": {}}],
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        "nodeSelector": {"disk": "ssd"},
        "affinity": {"nodeAffinity": {}},
        "tolerations": [{"key": "t"}],
        "topologySpreadConstraints": [{"maxSkew": 1}],
        "serviceAccount": {"create": False, "name": "mine"},
    }
    everywhere = {"global": {"priorityClassName": "high", "imagePullSecrets": [{"name": "p"}]}}
    objects = render(tmp_path, **(values if part == "controller" else {part: values}), **everywhere)
    name = PARTS.get(part, CHECK)
    template, main = pod(objects, name), container(objects, name)
    spec = template["spec"]
    for field in ("volumes", "affinity", "tolerations", "topologySpreadConstraints"):
        assert spec[field] == values[field], field
    assert spec["nodeSelector"]["disk"] == "ssd"
    assert spec["securityContext"]["runAsUser"] == 1
    assert spec["serviceAccountName"] == "mine"
    assert ("ServiceAccount", NAMESPACE, name) not in objects
    assert spec["priorityClassName"] == "high"
    assert spec["imagePullSecrets"] == [{"name": "p"}]
    assert template["metadata"]["labels"]["a"] == "b"
    assert template["metadata"]["annotations"] == {"c": "d"}
    assert main["resources"] == values["resources"]
    assert main["securityContext"]["privileged"] is False
    assert main["volumeMounts"] == values["volumeMounts"]
    assert main["args"][-1] == "--more"
    assert {"name": "E", "value": "1"} in main["env"]


def test_replicas_and_strategy(tmp_path: Path) -> None:
    more = {"replicaCount": 2, "strategy": {"type": "Recreate"}}
    objects = render(tmp_path, **more, webhook=more, cainjector=more)
    for name in PARTS.values():
        spec = objects["Deployment", NAMESPACE, name]["spec"]
        assert (spec["replicas"], spec["strategy"]) == (2, {"type": "Recreate"})
        assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert ("Deployment", NAMESPACE, PARTS["cainjector"]) not in render(tmp_path, cainjector={"enabled": False})


def test_objects_of_another_release_have_different_names(tmp_path: Path) -> None:
    manifests = {key for key in render(tmp_path) if not key[1]}
    other = {key for key in render(tmp_path, "second") if not key[1]}
    assert not manifests & other
    assert ("Deployment", NAMESPACE, "own") in render(tmp_path, fullnameOverride="own")
