"""Prometheus' chart, rendered by helm: the official values have their effect, and what belongs together fits."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.facts import versions
from sandbox.charts import PROMETHEUS, pack, prometheus_sources
from sandbox.home import home
from sandbox.images.prometheus import IMAGES, KINDS, MODULE, OPERATOR_MODULE

HELM = shutil.which("helm") or (str(home().bin / "helm") if (home().bin / "helm").exists() else None)
pytestmark = pytest.mark.skipif(HELM is None, reason="no helm on PATH, nor in the sandbox's home (make e2e builds it)")

NAMESPACE = "monitoring"
OPERATOR, SERVER = "prometheus-kube-prometheus-operator", "prometheus-kube-prometheus-prometheus"
SELECTORS = ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")

Objects = dict[tuple[str, str, str], dict[str, Any]]


def helm(tmp_path: Path, values: dict[str, Any], *command: str) -> subprocess.CompletedProcess[str]:
    package = tmp_path / "chart.tgz"
    package.write_bytes(pack(PROMETHEUS, prometheus_sources(), versions.PROMETHEUS.version, OPERATOR_MODULE.version))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    environment = os.environ | {
        "HELM_CACHE_HOME": str(tmp_path / "cache"),
        "HELM_CONFIG_HOME": str(tmp_path / "config"),
    }
    line = [str(HELM), *command, str(package), "--namespace", NAMESPACE, "--values", str(tmp_path / "values.yaml")]
    return subprocess.run(line, text=True, capture_output=True, check=False, env=environment)


@functools.cache
def rendered(tmp_path: Path, release: str, values: str) -> str:
    result = helm(tmp_path, json.loads(values), "template", release)
    assert result.returncode == 0, result.stderr
    return result.stdout


def render(tmp_path: Path, release: str = "prometheus", **values: Any) -> Objects:
    """The objects by kind, namespace and name."""
    objects = [
        document for document in yaml.safe_load_all(rendered(tmp_path.parent, release, json.dumps(values))) if document
    ]
    by_name = {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in objects}
    assert len(by_name) == len(objects), "no object twice"
    return by_name


def spec(objects: Objects) -> dict[str, Any]:
    return objects["Prometheus", NAMESPACE, SERVER]["spec"]


def operator(objects: Objects) -> dict[str, Any]:
    (container,) = objects["Deployment", NAMESPACE, OPERATOR]["spec"]["template"]["spec"]["containers"]
    return container


def test_helm_lint(tmp_path: Path) -> None:
    result = helm(tmp_path, {}, "lint", "--strict")
    assert result.returncode == 0, result.stdout


def test_images_are_those_that_the_sandbox_builds(tmp_path: Path) -> None:
    objects = render(tmp_path)
    (reloader,) = [
        entry.partition("=")[2] for entry in operator(objects)["args"] if "prometheus-config-reloader=" in entry
    ]
    assert [operator(objects)["image"], reloader, spec(objects)["image"]] == [
        f"docker.io/library/{image.name}" for image in IMAGES
    ]
    assert spec(objects)["version"] == f"v{MODULE.release}"


def test_images_by_the_official_values(tmp_path: Path) -> None:
    digest = "0" * 64
    objects = render(
        tmp_path,
        prometheusOperator={
            "image": {"registry": "there.example", "repository": "operator", "tag": "v9", "sha": digest},
            "prometheusConfigReloader": {"image": {"repository": "reloader"}},
        },
        prometheus={
            "prometheusSpec": {"image": {"registry": "there.example", "repository": "p", "tag": "v3.99.1-distroless"}}
        },
    )
    assert operator(objects)["image"] == f"there.example/operator:v9@sha256:{digest}"
    reloader = f"--prometheus-config-reloader=docker.io/reloader:{OPERATOR_MODULE.version}"
    assert reloader in operator(objects)["args"]
    assert (spec(objects)["image"], spec(objects)["version"]) == ("there.example/p:v3.99.1-distroless", "v3.99.1")
    mirrored = render(tmp_path, **{"global": {"imageRegistry": "mirror.example"}})
    assert operator(mirrored)["image"].startswith("mirror.example/library/prometheus-operator:")
    assert spec(mirrored)["image"].startswith("mirror.example/library/prometheus:")


@pytest.mark.parametrize("kind", SELECTORS)
def test_empty_selector_selects_by_the_helm_value(tmp_path: Path, kind: str) -> None:
    """Official and easily missed: by default only what has the release's label is taken."""
    requests = {f"{kind}SelectorNilUsesHelmValues": False}
    assert spec(render(tmp_path))[f"{kind}Selector"] == {"matchLabels": {"release": "prometheus"}}
    assert spec(render(tmp_path, prometheus={"prometheusSpec": requests}))[f"{kind}Selector"] == {}
    own = {"matchLabels": {"team": "a"}}
    requests = {f"{kind}Selector": own}
    assert spec(render(tmp_path, prometheus={"prometheusSpec": requests}))[f"{kind}Selector"] == own
    assert spec(render(tmp_path))[f"{kind}NamespaceSelector"] == {}, "all namespaces"


def test_other_values_are_passed_to_the_prometheus_resource(tmp_path: Path) -> None:
    resources = {
        "retention": "2h",
        "scrapeInterval": "5s",
        "externalLabels": {"cluster": "x"},
        "resources": {"requests": {"cpu": "10m"}},
        "storageSpec": {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}},
    }
    manifests = spec(render(tmp_path, prometheus={"prometheusSpec": resources}))
    storage = resources.pop("storageSpec")
    assert manifests["storage"] == storage
    assert resources.items() <= manifests.items()
    plain = spec(render(tmp_path))
    assert "storage" not in plain
    assert plain["securityContext"]["runAsNonRoot"] is True
    assert not [key for key in (*plain, *manifests) if key.endswith("NilUsesHelmValues") or key == "storageSpec"]


def test_bindings_reference_existing_roles_and_accounts(tmp_path: Path) -> None:
    objects = render(tmp_path)
    bindings = {name: o for (kind, _, name), o in objects.items() if kind == "ClusterRoleBinding"}
    assert set(bindings) == {OPERATOR, SERVER}
    for binding in bindings.values():
        assert ("ClusterRole", "", binding["roleRef"]["name"]) in objects
        (subject,) = binding["subjects"]
        assert ("ServiceAccount", subject["namespace"], subject["name"]) in objects
    assert spec(objects)["serviceAccountName"] == SERVER
    template = objects["Deployment", NAMESPACE, OPERATOR]["spec"]["template"]["spec"]
    assert template["serviceAccountName"] == OPERATOR


def test_no_role_has_all_rights(tmp_path: Path) -> None:
    for (kind, _, name), role in render(tmp_path).items():
        if kind == "ClusterRole":
            for rule in role["rules"]:
                assert "*" not in {*rule.get("apiGroups", []), *rule.get("resources", []), *rule["verbs"]}, name


def test_prometheus_operator_can_read_each_kind_of_the_chart(tmp_path: Path) -> None:
    rules = render(tmp_path)["ClusterRole", "", OPERATOR]["rules"]
    allowed = {resource for rule in rules for resource in rule["resources"] if "watch" in rule["verbs"]}
    assert set(KINDS) <= allowed


def test_services_find_the_pods(tmp_path: Path) -> None:
    objects = render(tmp_path)
    deployment = objects["Deployment", NAMESPACE, OPERATOR]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    assert objects["Service", NAMESPACE, OPERATOR]["spec"]["selector"].items() <= labels.items()
    service = objects["Service", NAMESPACE, SERVER]["spec"]
    # The operator labels the pods of a Prometheus so.
    assert service["selector"] == {"app.kubernetes.io/name": "prometheus", "operator.prometheus.io/name": SERVER}
    assert {port["name"]: port["port"] for port in service["ports"]} == {"http-web": 9090, "reloader-web": 8080}


@pytest.mark.parametrize("part", ["operator", "prometheus"])
def test_monitors_find_the_services_and_their_ports(tmp_path: Path, part: str) -> None:
    objects = render(tmp_path)
    name = {"operator": OPERATOR, "prometheus": SERVER}[part]
    service, monitor = objects["Service", NAMESPACE, name], objects["ServiceMonitor", NAMESPACE, name]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    ports = {port["name"] for port in service["spec"]["ports"]}
    assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} == ports
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": [NAMESPACE]}


def test_the_kubelet_and_its_containers_are_scraped(tmp_path: Path) -> None:
    objects = render(tmp_path, kubelet={"serviceMonitor": {"interval": "15s", "cAdvisorInterval": "5s"}})
    monitor = objects["ServiceMonitor", NAMESPACE, "prometheus-kube-prometheus-kubelet"]["spec"]
    intervals = {endpoint["path"]: endpoint["interval"] for endpoint in monitor["endpoints"]}
    assert intervals == {"/metrics": "15s", "/metrics/cadvisor": "5s"}
    assert "--kubelet-service=kube-system/prometheus-kube-prometheus-kubelet" in operator(objects)["args"]
    off = render(tmp_path, kubelet={"enabled": False})
    assert ("ServiceMonitor", NAMESPACE, "prometheus-kube-prometheus-kubelet") not in off


@pytest.mark.parametrize("part", ["alertmanager", "grafana", "kubeStateMetrics", "nodeExporter", "thanosRuler"])
def test_components_that_the_sandbox_lacks_are_refused(tmp_path: Path, part: str) -> None:
    result = helm(tmp_path, {part: {"enabled": True}}, "template", "prometheus")
    assert result.returncode != 0
    assert f"{part}.enabled: the sandbox's chart has none" in result.stderr
    assert render(tmp_path, **{part: {"anything": 1}}) == render(tmp_path)


def test_pods_pass_the_restricted_profile(tmp_path: Path) -> None:
    objects = render(tmp_path)
    template = objects["Deployment", NAMESPACE, OPERATOR]["spec"]["template"]["spec"]
    assert template["securityContext"]["runAsNonRoot"] is True
    assert template["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert operator(objects)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def test_every_value_of_the_operators_pod_is_used(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "resources": {"limits": {"memory": "1Gi"}},
        "podLabels": {"a": "b"},
        "podAnnotations": {"c": "d"},
        "nodeSelector": {"disk": "ssd"},
        "affinity": {"nodeAffinity": {}},
        "tolerations": [{"key": "t"}],
        "priorityClassName": "high",
        "strategy": {"type": "Recreate"},
        "featureGates": {"One": True, "Two": False},
        "extraArgs": ["--more"],
        "logLevel": "debug",
        "serviceAccount": {"create": False, "name": "mine"},
        "prometheusConfigReloader": {"resources": {"requests": {"cpu": "1m"}, "limits": {"memory": "50Mi"}}},
    }
    objects = render(tmp_path, prometheusOperator=values)
    deployment, main = objects["Deployment", NAMESPACE, OPERATOR]["spec"], operator(objects)
    template = deployment["template"]
    for field in ("nodeSelector", "affinity", "tolerations", "priorityClassName"):
        assert template["spec"][field] == values[field], field
    assert deployment["strategy"] == values["strategy"]
    assert template["spec"]["serviceAccountName"] == "mine"
    assert ("ServiceAccount", NAMESPACE, OPERATOR) not in objects
    assert template["metadata"]["labels"]["a"] == "b"
    assert template["metadata"]["annotations"] == {"c": "d"}
    assert main["resources"] == values["resources"]
    actual = {"--more", "--log-level=debug", "--feature-gates=One=true,Two=false"}
    actual |= {"--config-reloader-cpu-request=1m", "--config-reloader-memory-limit=50Mi"}
    assert actual <= set(main["args"])


def test_objects_of_another_release_have_different_names(tmp_path: Path) -> None:
    manifests = {key for key in render(tmp_path) if not key[1]}
    other = {key for key in render(tmp_path, "second") if not key[1]}
    assert not manifests & other
    assert ("Prometheus", NAMESPACE, "own-prometheus") in render(tmp_path, fullnameOverride="own")
