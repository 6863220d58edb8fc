"""The operator's chart, rendered by helm with the values that the program sets: each of them has its effect."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.components.flink_operator import values as program_values
from flink_k8s.config.model import Charts, OperatorSettings
from sandbox.charts import SOURCES, pack, sources
from sandbox.home import home

CHART = SOURCES / "flink-kubernetes-operator"
HELM = shutil.which("helm") or (str(home().bin / "helm") if (home().bin / "helm").exists() else None)
pytestmark = pytest.mark.skipif(HELM is None, reason="no helm on PATH, nor in the sandbox's home (make e2e builds it)")
VERSIONS = ("1.16.1", "1.7.0")


def helm(tmp_path: Path, version: str, values: dict[str, Any], *command: str) -> subprocess.CompletedProcess[str]:
    package = tmp_path / f"{version}.tgz"
    package.write_bytes(pack("flink-kubernetes-operator", sources("flink-kubernetes-operator"), version))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    environment = os.environ | {
        "HELM_CACHE_HOME": str(tmp_path / "cache"),
        "HELM_CONFIG_HOME": str(tmp_path / "config"),
    }
    line = [
        str(HELM),
        *command,
        str(package),
        "--namespace",
        "flink-operator",
        "--values",
        str(tmp_path / "values.yaml"),
    ]
    return subprocess.run(line, text=True, capture_output=True, check=False, env=environment)


def render(tmp_path: Path, version: str, values: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The objects by kind, namespace and name."""
    result = helm(tmp_path, version, values, "template", "release")
    assert result.returncode == 0, result.stderr
    objects = [document for document in yaml.safe_load_all(result.stdout) if document]
    by_name = {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in objects}
    assert len(by_name) == len(objects), "no object twice"
    return by_name


def program(version: str, **settings: Any) -> dict[str, Any]:
    return program_values(OperatorSettings(version=version, webhook=False, **settings), ["team-a", "team-b"], Charts())


def deployment(objects: dict[tuple[str, str, str], dict[str, Any]]) -> dict[str, Any]:
    return objects["Deployment", "flink-operator", "flink-kubernetes-operator"]["spec"]["template"]


def paths(values: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from paths(value, (*above, name))
        else:
            yield (*above, name)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_program_sets_only_values_that_the_chart_knows(version: str) -> None:
    known = yaml.safe_load((CHART / "values.yaml").read_text())
    free = {
        ("operatorPod", "annotations"),
        ("operatorPod", "resources"),
        ("operatorPod", "webhook", "resources"),
        ("operatorSecurityContext",),
        ("webhookSecurityContext",),
        ("podSecurityContext",),
    }
    for path in paths(program(version)):
        if any(path[: len(prefix)] == prefix for prefix in free) or path == ("defaultConfiguration", "config.yaml"):
            continue
        level = known
        for name in path:
            assert name in level, ".".join(path)
            level = level[name]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_programs_values_have_their_effect(tmp_path: Path, version: str) -> None:
    values = program(version, configuration={"kubernetes.operator.reconcile.interval": "5 s"})
    objects = render(tmp_path, version, values)
    pod = deployment(objects)
    [container] = pod["spec"]["containers"]
    assert container["image"] == f"docker.io/library/flink-kubernetes-operator:{version}"
    assert container["command"] == ["/docker-entrypoint.sh", "operator"]
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {
        "metrics": 9999,
        "health-port": 8085,
    }
    assert pod["metadata"]["labels"]["app.kubernetes.io/name"] == "flink-kubernetes-operator"
    assert pod["metadata"]["annotations"].items() >= values["operatorPod"]["annotations"].items()
    assert pod["spec"]["securityContext"] == values["podSecurityContext"]
    assert container["securityContext"] == values["operatorSecurityContext"]

    file = "config.yaml" if version == "1.16.1" else "flink-conf.yaml"
    data = objects["ConfigMap", "flink-operator", "flink-operator-config"]["data"]
    assert set(data) == {file, "log4j-operator.properties", "log4j-console.properties"}
    configuration = yaml.safe_load(data[file])
    assert configuration["kubernetes.operator.reconcile.interval"] == "5 s"
    assert str(configuration["kubernetes.operator.metrics.reporter.prom.port"]) == "9999"
    assert configuration["kubernetes.operator.watched.namespaces"] == "team-a,team-b"
    lines = [line.split(":")[0] for line in data[file].splitlines() if line and not line.startswith("#")]
    assert len(lines) == len(set(lines)), "a key that comes twice keeps the operator from starting"
    items = pod["spec"]["volumes"][0]["configMap"]["items"]
    assert {item["path"] for item in items} == set(data)

    assert {key[1] for key in objects if key[0] == "Role"} == {"team-a", "team-b", "flink-operator"}
    assert {key for key in objects if key[0] == "ServiceAccount"} == {
        ("ServiceAccount", "flink-operator", "flink-operator")
    }
    assert not [key for key in objects if key[2] in {"flink", "flink-role-binding"}], (
        "the program owns the jobs' accounts"
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_jobs_log_to_the_console_and_to_the_file_that_flink_shows(tmp_path: Path, version: str) -> None:
    objects = render(tmp_path, version, program(version))
    log = objects["ConfigMap", "flink-operator", "flink-operator-config"]["data"]["log4j-console.properties"]
    assert "appender.console.type = CONSOLE" in log
    assert "appender.file.fileName = ${sys:log.file}" in log


def test_java_17_is_opened_in_both(tmp_path: Path) -> None:
    new = render(tmp_path, "1.16.1", program("1.16.1"))["ConfigMap", "flink-operator", "flink-operator-config"]["data"]
    old = render(tmp_path, "1.7.0", program("1.7.0"))["ConfigMap", "flink-operator", "flink-operator-config"]["data"]
    key = "kubernetes.operator.default-configuration.flink-version.v1_19+.env.java.default-opts.all"
    opened = yaml.safe_load(new["config.yaml"])[key]
    assert "--add-opens=java.base/java.util=ALL-UNNAMED" in opened.split()
    assert yaml.safe_load(old["flink-conf.yaml"])["env.java.opts.all"] == opened


@pytest.mark.parametrize("version", VERSIONS)
def test_defaults_are_the_official_ones(tmp_path: Path, version: str) -> None:
    objects = render(tmp_path, version, {"webhook": {"create": False}})
    assert set(objects) == {
        ("ServiceAccount", "flink-operator", "flink-operator"),
        ("ServiceAccount", "flink-operator", "flink"),
        ("ConfigMap", "flink-operator", "flink-operator-config"),
        ("ClusterRole", "", "flink-operator"),
        ("ClusterRoleBinding", "", "flink-operator-role-binding"),
        ("Role", "flink-operator", "flink"),
        ("RoleBinding", "flink-operator", "flink-role-binding"),
        ("Deployment", "flink-operator", "flink-kubernetes-operator"),
    }
    [container] = deployment(objects)["spec"]["containers"]
    assert [port["name"] for port in container["ports"]] == ["health-port"]
    keep = objects["Role", "flink-operator", "flink"]["metadata"]["annotations"]
    assert keep == {"helm.sh/resource-policy": "keep"}


def test_a_digest_wins_over_a_tag(tmp_path: Path) -> None:
    image = {"repository": "mirror.example/operator", "tag": "x", "digest": "sha256:" + "0" * 64}
    objects = render(tmp_path, "1.16.1", {"webhook": {"create": False}, "image": image})
    assert deployment(objects)["spec"]["containers"][0]["image"] == f"mirror.example/operator@{image['digest']}"


def test_config_yaml_wins_over_the_old_key_and_the_old_key_still_counts(tmp_path: Path) -> None:
    off = {"webhook": {"create": False}}
    name = ("ConfigMap", "flink-operator", "flink-operator-config")
    both = {"config.yaml": "a.b: new\n", "flink-conf.yaml": "a.b: old\n"}
    new = render(tmp_path, "1.16.1", off | {"defaultConfiguration": both})[name]["data"]
    assert yaml.safe_load(new["config.yaml"])["a.b"] == "new"
    alone = render(tmp_path, "1.16.1", off | {"defaultConfiguration": {"flink-conf.yaml": "a.b: old\n"}})[name]["data"]
    assert yaml.safe_load(alone["config.yaml"])["a.b"] == "old"
    ours = render(tmp_path, "1.16.1", off | {"defaultConfiguration": {"config.yaml": "a.b: new\n", "append": False}})[
        name
    ]
    assert "env.java" not in ours["data"]["config.yaml"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_value_of_the_pod_is_used(tmp_path: Path, version: str) -> None:
    pod = {
        "priorityClassName": "high",
        "annotations": {"a": "b"},
        "labels": {"c": "d"},
        "env": [{"name": "E", "value": "1"}],
        "envFrom": [{"configMapRef": {"name": "m"}}],
        "dnsPolicy": "Default",
        "dnsConfig": {"options": [{"name": "ndots"}]},
        "nodeSelector": {"disk": "ssd"},
        "affinity": {"nodeAffinity": {}},
        "tolerations": [{"key": "t"}],
        "topologySpreadConstraints": [{"maxSkew": 1}],
        "resources": {"limits": {"memory": "1Gi"}},
        "initContainers": [{"name": "i"}],
        "sidecarContainers": [{"name": "s"}],
    }
    volumes = {
        "operatorVolumes": {"create": True, "data": [{"name": "v", "emptyDir": {}}]},
        "operatorVolumeMounts": {"create": True, "data": [{"name": "v", "mountPath": "/v"}]},
    }
    more: dict[str, Any] = {"replicas": 2, "strategy": {"type": "RollingUpdate"}, "imagePullSecrets": [{"name": "p"}]}
    values = {"webhook": {"create": False}, "operatorPod": pod, "jvmArgs": {"operator": "-Xmx1g"}, **volumes, **more}
    objects = render(tmp_path, version, values)
    template = deployment(objects)
    spec, (container, sidecar) = template["spec"], template["spec"]["containers"]
    for field in ("priorityClassName", "dnsPolicy", "dnsConfig", "nodeSelector", "affinity", "tolerations"):
        assert spec[field] == pod[field], field
    assert spec["topologySpreadConstraints"] == pod["topologySpreadConstraints"]
    assert spec["initContainers"] == pod["initContainers"]
    assert sidecar == {"name": "s"}
    assert spec["imagePullSecrets"] == [{"name": "p"}]
    assert template["metadata"]["labels"]["c"] == "d"
    assert template["metadata"]["annotations"]["a"] == "b"
    assert {"name": "E", "value": "1"} in container["env"]
    assert {"name": "JVM_ARGS", "value": "-Xmx1g"} in container["env"]
    assert container["envFrom"] == pod["envFrom"]
    assert container["resources"] == pod["resources"]
    assert {"name": "v", "mountPath": "/v"} in container["volumeMounts"]
    assert {"name": "v", "emptyDir": {}} in spec["volumes"]
    whole = objects["Deployment", "flink-operator", "flink-kubernetes-operator"]["spec"]
    assert (whole["replicas"], whole["strategy"]) == (2, {"type": "RollingUpdate"})


@pytest.mark.parametrize(
    "webhook",
    [
        {"create": True},
        {"create": False, "validator": {"create": True}},
        {"create": True, "mutator": {"create": False}},
    ],
)
def test_a_webhook_is_refused_with_the_reason(tmp_path: Path, webhook: dict[str, Any]) -> None:
    result = helm(tmp_path, "1.16.1", {"webhook": webhook}, "template", "release")
    assert result.returncode != 0
    assert "published in no version" in result.stderr


def test_webhook_is_disabled_if_validator_and_mutator_are(tmp_path: Path) -> None:
    off = {"create": True, "validator": {"create": False}, "mutator": {"create": False}}
    assert deployment(render(tmp_path, "1.16.1", {"webhook": off}))


@pytest.mark.parametrize("version", VERSIONS)
def test_helm_lint(tmp_path: Path, version: str) -> None:
    result = helm(tmp_path, version, program(version), "lint", "--strict")
    assert result.returncode == 0, result.stdout + result.stderr
