"""Every rule of the pack: a manifest that breaks it, a similar manifest that does not, and its enforcement level."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.checks.rules import RULES
from flink_k8s.config.model import StackSettings
from flink_k8s.facts.labels import labels
from policy.evaluate import POLICIES, Evaluator, plain, settings_of

AUTH_URL = "nginx.ingress.kubernetes.io/auth-url"
REWRITE = "nginx.ingress.kubernetes.io/rewrite-target"
ROOT = Path(__file__).resolve().parents[3]
DIGEST = "@sha256:" + "0" * 64
RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
RESOURCES = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
STATE = {
    "execution.checkpointing.interval": "1 min",
    "execution.checkpointing.dir": "file:///s/c",
    "execution.checkpointing.savepoint-dir": "file:///s/s",
    "high-availability.type": "kubernetes",
    "high-availability.storageDir": "file:///s/ha",
}


def metadata(name: str = "a") -> dict[str, Any]:
    return {"name": name, "namespace": "flink", "labels": labels("a")}


FLINK: dict[str, Any] = {
    "apiVersion": "flink.apache.org/v1beta1",
    "kind": "FlinkDeployment",
    "metadata": metadata(),
    "spec": {
        "image": f"registry.example.org/a{DIGEST}",
        "flinkVersion": "v2_2",
        "serviceAccount": "flink",
        "flinkConfiguration": STATE,
        "podTemplate": {
            "spec": {
                "containers": [
                    {"name": "flink-main-container", "securityContext": RESTRICTED},
                    {"name": "log", "image": f"log{DIGEST}", "securityContext": RESTRICTED, "resources": RESOURCES},
                ],
                "volumes": [{"name": "v", "emptyDir": {}}],
            }
        },
        "jobManager": {"resource": {"memory": "2048m", "cpu": 1}},
        "taskManager": {"resource": {"memory": "2048m", "cpu": 1}},
        "job": {"jarURI": "local:///a.jar", "parallelism": 2, "upgradeMode": "last-state", "args": ["--in", "x"]},
    },
}
CONTAINER = {"name": "c", "image": f"c{DIGEST}", "securityContext": RESTRICTED, "resources": RESOURCES}
CRON: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": metadata(),
    "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [CONTAINER]}}}}},
}
CONFIG_MAP: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(), "data": {"a": "b"}}
VOLUME: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "a", "labels": labels("a")},
    "spec": {"csi": {"driver": "d", "volumeHandle": "v"}},
}
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": metadata(),
    "spec": {"selector": {"app": "orders", "component": "jobmanager"}, "ports": [{"port": 8081}]},
}
_BACKEND = {"service": {"name": "orders-rest", "port": {"number": 8081}}}
ROUTE: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": metadata() | {"annotations": {"nginx.ingress.kubernetes.io/auth-url": "https://auth.example.org"}},
    "spec": {"rules": [{"http": {"paths": [{"path": "/", "backend": _BACKEND}]}}]},
}
NETWORK_POLICY: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": metadata(),
    "spec": {
        "podSelector": {},
        "ingress": [{"from": [{"podSelector": {}}]}],
        "egress": [{"ports": [{"port": 443, "protocol": "TCP"}]}],
    },
}
RELEASE: dict[str, Any] = {"name": "r", "values": {"admin": {"existingSecret": "s"}}}

MAIN = "spec.podTemplate.spec.containers.0"
SIDE = "spec.podTemplate.spec.containers.1"
POD = "spec.jobTemplate.spec.template.spec"
CONF = "spec.flinkConfiguration"

PYTHON = {
    "spec.job.entryClass": "org.apache.flink.client.python.PythonDriver",
    "spec.job.args": ["-py", "/opt/flink/usrlib/a.py"],
}

SCALED = {"job.autoscaler.enabled": "true", "job.autoscaler.vertex.max-parallelism": "200"}
ENOUGH = {"pipeline.max-parallelism": "720"}

# Rule, good manifest, what is changed in it, with / between the parts of a path where a key has dots.
BROKEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("operator-validation", FLINK, {"spec.job.parallelism": 0}),
    ("operator-validation", FLINK, {"metadata.name": "1st"}),
    ("unknown-field", FLINK, {"spec.job.paralelism": 2}),
    ("wrong-type", FLINK, {"spec.job.parallelism": "2"}),
    ("flink-memory", FLINK, {"spec.taskManager.resource.memory": "64m"}),
    ("image-reference", FLINK, {"spec.image": "registry.example.org/A b"}),
    ("max-parallelism", FLINK, {"spec.job.parallelism": 9, f"{CONF}/pipeline.max-parallelism": "8"}),
    ("max-parallelism", FLINK, {f"{CONF}/{key}": value for key, value in SCALED.items()}),
    ("state-storage", FLINK, {f"{CONF}/high-availability.storageDir": None}),
    ("unused-setting", FLINK, {f"{CONF}/high-availability.type": None}),
    ("plaintext-secret", FLINK, {f"{CONF}/s3.secret-key": "abc123xyz"}),
    ("plaintext-secret", FLINK, {"spec.job.args": ["--password", "hunter2"]}),
    ("plaintext-secret", FLINK, {f"{SIDE}.env": [{"name": "API_TOKEN", "value": "hunter2"}]}),
    ("plaintext-secret", CONFIG_MAP, {"data.db-password": "hunter2"}),
    ("plaintext-secret", CRON, {f"{POD}.containers.0.args": ["--api-token=hunter2"]}),
    ("plaintext-secret", RELEASE, {"values.admin.password": "hunter2"}),
    ("image-digest", FLINK, {"spec.image": "registry.example.org/a:1.0"}),
    ("image-digest", FLINK, {f"{SIDE}.image": "log:1.0"}),
    ("image-digest", CRON, {f"{POD}.containers.0.image": "c:1"}),
    ("mutable-tag", FLINK, {"spec.image": "registry.example.org:5000/a"}),
    ("mutable-tag", FLINK, {"spec.image": "registry.example.org/a:latest"}),
    ("mutable-tag", FLINK, {"spec.image": None}),
    ("mutable-tag", FLINK, {"spec.image": None, f"{CONF}/kubernetes.container.image.ref": "a:latest"}),
    ("mutable-tag", FLINK, {"spec.image": None, f"{CONF}/kubernetes.container.image": "a"}),
    ("image-digest", FLINK, {"spec.image": None, f"{CONF}/kubernetes.container.image": "a:1"}),
    ("restricted-profile", FLINK, {"metadata.namespace": "x", f"{CONF}/kubernetes.hostnetwork.enabled": "true"}),
    ("pod-security", FLINK, {f"{CONF}/kubernetes.hostnetwork.enabled": "TRUE"}),
    ("exposed-rest", FLINK, {f"{CONF}/kubernetes.rest-service.exposed.type": "LoadBalancer"}),
    ("exposed-rest", FLINK, {f"{CONF}/kubernetes.rest-service.exposed.type": "nodeport"}),
    ("exposed-rest", FLINK, {f"{CONF}/web.submit.enable": "true"}),
    ("exposed-rest", FLINK, {f"{CONF}/jobmanager.web.submit.enable": "true"}),
    ("exposed-rest", FLINK, {f"{CONF}/web.cancel.enable": "true"}),
    ("exposed-rest", SERVICE, {"spec.type": "NodePort"}),
    ("exposed-rest", SERVICE, {"spec.externalIPs": ["192.0.2.1"]}),
    ("unauthenticated-ingress", ROUTE, {"metadata.annotations": None}),
    ("option-value", FLINK, {f"{CONF}/kubernetes.operator.savepoint.history.max.count": "twelve"}),
    ("option-value", FLINK, {f"{CONF}/kubernetes.operator.job.restart.failed": "yes please"}),
    ("option-value", FLINK, {f"{CONF}/kubernetes.operator.reconcile.interval": "5 minuts"}),
    ("option-value", FLINK, {f"{CONF}/kubernetes.operator.periodic.savepoint.interval": "daily"}),
    ("option-value", FLINK, {f"{CONF}/kubernetes.operator.job.autoscaler.restart.time": "soon"}),
    ("option-value", FLINK, {f"{CONF}/taskmanager.numberOfTaskSlots": "two"}),
    ("duration-unit", FLINK, {f"{CONF}/kubernetes.operator.periodic.savepoint.interval": "6"}),
    ("duration-unit", FLINK, {f"{CONF}/execution.checkpointing.interval": "10"}),
    ("unexpanded-variable", FLINK, {f"{CONF}/s3.access-key": "${AWS_ACCESS_KEY_ID}"}),
    ("unexpanded-variable", FLINK, {"spec.job.args": ["--in", "s3://$(BUCKET)/in"]}),
    ("flink-startup", FLINK, {f"{CONF}/scheduler-mode": "reactive"}),
    ("flink-startup", FLINK, {"spec.job.jarURI": "http://h.example.org/a.jar"}),
    ("flink-startup", FLINK, {"spec.job.jarURI": "https://h.example.org/a.jar", "spec.flinkVersion": "v1_18"}),
    ("flink-startup", FLINK, PYTHON | {"spec.image": f"flink:2.2.1{DIGEST}"}),
    ("flink-startup", FLINK, PYTHON | {"spec.job.args": ["--in", "x"]}),
    ("flink-version", FLINK, {"spec.job.jarURI": "local:///opt/flink/opt/flink-python-1.20.0.jar"}),
    ("file-system-plugin", FLINK, {"spec.image": "flink:2.2.1", "spec.job.jarURI": "s3://b/a.jar"}),
    ("pod-template", FLINK, {f"{SIDE}.image": None}),
    ("pod-template", FLINK, {f"{SIDE}.name": "flink", f"{SIDE}.image": None}),
    ("pod-template", FLINK, {"spec.podTemplate.spec.initContainers": [{"name": "fetch"}]}),
    ("pod-template", FLINK, {f"{MAIN}.volumeMounts": [{"name": "jar", "mountPath": "/x"}]}),
    ("pod-template", FLINK, {f"{MAIN}.volumeMounts": [{"name": "v", "mountPath": "/opt/flink/conf/"}]}),
    ("pod-template", FLINK, {f"{MAIN}.volumeMounts": [{"name": "v", "mountPath": "/x"}] * 2}),
    ("pod-template", FLINK, {"spec.podTemplate.spec.volumes": [{"name": "v"}, {"name": "v"}]}),
    ("pod-template", FLINK, {f"{SIDE}.ports": [{"name": "a", "containerPort": 1}, {"name": "a", "containerPort": 2}]}),
    ("pod-template", FLINK, {f"{SIDE}.ports": [{"name": "prometheus-metrics", "containerPort": 1}]}),
    ("pod-template", FLINK, {f"{SIDE}.ports": [{"containerPort": 1, "hostPort": 9}] * 2}),
    ("pod-template", FLINK, {f"{MAIN}.ports": [{"name": "rest", "containerPort": 8081}]}),
    ("unused-setting", FLINK, {f"{MAIN}.resources": RESOURCES}),
    ("unused-setting", FLINK, {f"{MAIN}.image": "a:1"}),
    ("unused-setting", FLINK, {"spec.podTemplate.spec.serviceAccountName": "me"}),
    ("unused-setting", FLINK, {"spec.podTemplate.spec.restartPolicy": "Never"}),
    ("mutable-tag", CRON, {f"{POD}.containers.0.image": "c"}),
    ("host-path", CRON, {f"{POD}.volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}),
    ("host-path", VOLUME, {"spec.hostPath": {"path": "/x"}}),
    ("host-path", VOLUME, {"spec.local": {"path": "/x"}}),
    ("privileged-pod", CRON, {f"{POD}.containers.0.securityContext.privileged": True}),
    ("pod-security", FLINK, {f"{SIDE}.securityContext": None}),
    ("pod-security", FLINK, {"spec.podTemplate.spec.hostNetwork": True}),
    ("restricted-profile", FLINK, {"metadata.namespace": "elsewhere", f"{SIDE}.securityContext": None}),
    ("container-resources", FLINK, {f"{SIDE}.resources": None}),
    ("container-resources", FLINK, {f"{SIDE}.resources.limits": None}),
    ("container-resources", CRON, {f"{POD}.containers.0.resources.limits": {"cpu": "1"}}),
    ("job-recovery", FLINK, {f"{CONF}/high-availability.type": None, f"{CONF}/high-availability.storageDir": None}),
    ("job-recovery", FLINK, {f"{CONF}/execution.checkpointing.interval": None}),
    ("job-recovery", FLINK, {"spec.job.upgradeMode": "stateless"}),
    ("unknown-option", FLINK, {f"{CONF}/execution.checkpointing.intervall": "1 min"}),
    ("flink-version", FLINK, {"spec.flinkVersion": "v1_17"}),
    ("file-system-plugin", FLINK, {"spec.image": f"flink:2.2{DIGEST}", f"{CONF}/execution.checkpointing.dir": "s3://b/c"}),
    ("unauthenticated-ingress", FLINK, {"spec.ingress": {"template": "{{name}}.example.org"}}),
    ("ingress-path", FLINK, {"spec.ingress": {"template": "x.org/{{name}}(/|$)(.*)", "annotations": {AUTH_URL: "u"}}}),
    ("ingress-path", FLINK, {"spec.ingress": {"template": "/{{namespace}}/{{name}}"}}),
    ("object-name", CONFIG_MAP, {"metadata.name": None}),
    ("object-name", CONFIG_MAP, {"metadata.name": "A_b"}),
    ("open-network-policy", NETWORK_POLICY, {"spec.ingress": [{}]}),
    ("open-network-policy", NETWORK_POLICY, {"spec.egress": [{"to": []}]}),
    ("recommended-labels", CONFIG_MAP, {"metadata.labels": {"app.kubernetes.io/name": "a"}}),
]  # fmt: skip
GOOD: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("max-parallelism", FLINK, {f"{CONF}/{key}": value for key, value in (SCALED | ENOUGH).items()}),
    ("max-parallelism", FLINK, {"spec.job.parallelism": 8, f"{CONF}/pipeline.max-parallelism": "8"}),
    ("flink-memory", FLINK, {"spec.taskManager.resource.memory": "1g"}),
    ("mutable-tag", FLINK, {"spec.image": f"registry.example.org/a:latest{DIGEST}"}),
    ("mutable-tag", FLINK, {"spec.image": None, f"{CONF}/kubernetes.container.image.ref": f"a{DIGEST}"}),
    ("mutable-tag", FLINK, {f"{CONF}/kubernetes.container.image.ref": "a:latest"}),
    ("pod-security", FLINK, {f"{CONF}/kubernetes.hostnetwork.enabled": "false"}),
    ("exposed-rest", FLINK, {f"{CONF}/kubernetes.rest-service.exposed.type": "Headless_ClusterIP"}),
    ("option-value", FLINK, {f"{CONF}/kubernetes.operator.periodic.savepoint.interval": "0 0 2 * * ?"}),
    ("option-value", FLINK, {f"{CONF}/kubernetes.operator.periodic.savepoint.interval": "PT6H"}),
    ("option-value", FLINK, {f"{CONF}/kubernetes.operator.job.restart.failed": "TRUE"}),
    ("option-value", FLINK, {f"{CONF}/my.own.interval": "soon"}),
    ("duration-unit", FLINK, {f"{CONF}/kubernetes.operator.periodic.savepoint.interval": "6 h"}),
    ("duration-unit", FLINK, {f"{CONF}/table.exec.state.ttl": "0"}),
    ("unexpanded-variable", FLINK, {f"{CONF}/env.java.opts.all": "-Dregion=${REGION}"}),
    ("unexpanded-variable", FLINK, {f"{CONF}/metrics.scope.jm": "<host>.jobmanager"}),
    ("unexpanded-variable", FLINK, {f"{CONF}/fs.s3a.key": "${env.KEY}"}),
    ("flink-startup", FLINK, {f"{CONF}/scheduler-mode": "reactive", "spec.mode": "standalone"}),
    ("flink-startup", FLINK, {"spec.job.jarURI": "https://h.example.org/a.jar"}),
    ("flink-startup", FLINK, {"spec.job.jarURI": "http://h/a.jar", f"{CONF}/user.artifacts.raw-http-enabled": "true"}),
    ("flink-startup", FLINK, PYTHON),
    ("flink-startup", FLINK, PYTHON | {"spec.image": f"registry.example.org/flink:2.2.1{DIGEST}"}),
    ("pod-template", FLINK, {f"{MAIN}.volumeMounts": [{"name": "v", "mountPath": "/opt/flink/conf2"}]}),
    ("pod-template", FLINK, {f"{SIDE}.volumeMounts": [{"name": "flink-config-volume", "mountPath": "/conf"}]}),
    ("pod-template", FLINK, {f"{SIDE}.ports": [{"name": "a", "containerPort": 1}, {"name": "b", "containerPort": 1}]}),
    ("pod-template", FLINK, {f"{SIDE}.ports": [{"name": "rest", "containerPort": 8081}]}),
    ("unused-setting", FLINK, {f"{MAIN}.env": [{"name": "A", "value": "b"}]}),
    ("exposed-rest", FLINK, {f"{CONF}/web.submit.enable": "true", "spec.job": None}),
    ("exposed-rest", SERVICE, {"spec.type": "NodePort", "spec.selector": {"app": "shop"}}),
    ("plaintext-secret", FLINK, {f"{SIDE}.env": [{"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "s"}}}]}),
    ("plaintext-secret", CONFIG_MAP, {"data.db-password-file": "/run/secret"}),
    ("container-resources", FLINK, {f"{SIDE}.resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}),
    ("job-recovery", FLINK, {"spec.job.upgradeMode": "savepoint"}),
    ("job-recovery", FLINK, {"spec.job.upgradeMode": "stateless", CONF: {}}),
    ("job-recovery", FLINK, {"spec.job.upgradeMode": "stateless", f"{CONF}/execution.runtime-mode": "BATCH"}),
    ("job-recovery", FLINK, {"spec.job.state": "suspended", f"{CONF}/execution.checkpointing.interval": None}),
    ("job-recovery", FLINK, {"spec.job": None}),
    ("ingress-path", FLINK, {"spec.ingress": {"template": "x.org/{{name}}(/|$)(.*)", "annotations": {REWRITE: "/$2"}}}),
    ("ingress-path", FLINK, {"spec.ingress": {"template": "https://{{name}}.example.org/"}}),
    ("open-network-policy", NETWORK_POLICY, {"spec.ingress": []}),
    ("object-name", CONFIG_MAP, {"metadata.name": "kube-root-ca.crt"}),
    ("object-name", {**CONFIG_MAP, "kind": "Role"}, {"metadata.name": "system:reader"}),
]  # fmt: skip


def changed(manifest: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(dict(manifest))
    for place, value in changes.items():
        path, _, key = place.partition("/")
        *parents, last = [*path.split("."), *([key] if key else [])]
        holder: Any = result
        for part in parents:
            holder = holder[int(part)] if isinstance(holder, list) else holder[part]
        if value is None:
            del holder[last]
        else:
            holder[last] = value
    return result


def violated_rules(manifest: Mapping[str, Any]) -> set[str]:
    evaluator = Evaluator(StackSettings.model_validate({"context": "c"}))
    kind = "kubernetes:helm.sh/v3:Release" if "kind" not in manifest else f"kubernetes:x:{manifest['kind']}"
    return {rule for rule in POLICIES if evaluator.lines(rule, "urn", kind, manifest)}


@pytest.mark.parametrize(
    "manifest",
    [FLINK, CRON, CONFIG_MAP, RELEASE, NETWORK_POLICY, SERVICE, ROUTE, VOLUME],
    ids=lambda item: item.get("kind"),
)
def test_valid_manifests_have_no_findings(manifest: dict[str, Any]) -> None:
    assert violated_rules(manifest) == set()


@pytest.mark.parametrize(("rule", "manifest", "changes"), BROKEN, ids=lambda item: str(item)[:60])
def test_a_manifest_that_breaks_a_rule_has_its_finding(
    rule: str, manifest: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert rule in violated_rules(changed(manifest, changes))


@pytest.mark.parametrize(("rule", "manifest", "changes"), GOOD, ids=lambda item: str(item)[:60])
def test_a_similar_valid_manifest_has_no_finding(rule: str, manifest: dict[str, Any], changes: dict[str, Any]) -> None:
    assert rule not in violated_rules(changed(manifest, changes))


def test_every_policy_has_a_manifest_that_breaks_it() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(POLICIES)
    assert set(POLICIES) == {rule.id for rule in RULES.values() if rule.is_of_one_object}


def test_findings_of_a_blue_green_deployment_are_in_its_template() -> None:
    inner = changed(FLINK, {f"{SIDE}.resources": None})["spec"]
    manifest = {**FLINK, "kind": "FlinkBlueGreenDeployment", "spec": {"template": {"spec": inner}}}
    evaluator = Evaluator(StackSettings.model_validate({"context": "c"}))
    kind = "kubernetes:flink.apache.org/v1beta1:FlinkBlueGreenDeployment"
    [line] = evaluator.lines("container-resources", "urn", kind, manifest)
    assert line.startswith(
        "spec.template.spec.podTemplate.spec.containers[1].resources: of container log lacks requests.cpu"
    )


def test_a_generated_secret_is_not_a_plaintext_secret() -> None:
    assert "plaintext-secret" not in violated_rules(
        {**CONFIG_MAP, "kind": "Secret", "data": {"password": "aHVudGVyMg=="}}
    )


@pytest.mark.parametrize(
    ("rule", "config", "level"),
    [
        ("image-digest", {}, "advisory"),
        ("image-digest", {"strict": "true"}, "mandatory"),
        ("image-digest", {"checks": '{"image-digest": "error"}'}, "mandatory"),
        ("image-digest", {"strict": "true", "checks": '{"image-digest": "warning"}'}, "advisory"),
        ("image-digest", {"strict": "true", "checks": '{"image-digest": "disabled"}'}, "disabled"),
        ("operator-validation", {}, "mandatory"),
    ],
)
def test_the_engines_config_sets_the_enforcement_level(rule: str, config: dict[str, str], level: str) -> None:
    values = {"context": "c", **config}
    settings = settings_of({"other:strict": "true"} | {f"flink-k8s:{key}": value for key, value in values.items()})
    assert Evaluator(settings).level(rule) == level


def test_a_finding_that_an_annotation_ignores_is_not_reported() -> None:
    annotation = {"flink-k8s/ignore": "image-digest: built on this laptop"}
    tagged = changed(FLINK, {"spec.image": "registry.example.org/a:1.0"})
    assert "image-digest" in violated_rules(tagged)
    assert "image-digest" not in violated_rules(changed(tagged, {"metadata.annotations": annotation}))


def test_the_engines_config_sets_the_pod_security_of_a_namespace() -> None:
    namespaces = '{"flink": {"podSecurity": "privileged"}}'
    settings = settings_of({"flink-k8s:context": "c", "flink-k8s:namespaces": namespaces})
    assert settings.namespaces["flink"].pod_security == "privileged"


def test_invalid_config_has_default_settings() -> None:
    settings = settings_of({"flink-k8s:context": "c", "flink-k8s:strict": "nonsense", "flink-k8s:protectJobs": "true"})
    assert settings.protect_jobs


class View(Mapping[str, Any]):
    """An object as the policy SDK passes it: a mapping other than dict, with all numbers as floats."""

    def __init__(self, of: dict[str, Any]) -> None:
        self.of = of

    def __getitem__(self, key: str) -> Any:
        value = self.of[key]
        return View(value) if isinstance(value, dict) else float(value) if type(value) is int else value

    def __iter__(self) -> Iterator[str]:
        return iter(self.of)

    def __len__(self) -> int:
        return len(self.of)


def test_plain_converts_views_and_numbers_of_the_engine() -> None:
    assert plain(View(FLINK)) == FLINK
    assert type(plain(View(FLINK))["spec"]["job"]["parallelism"]) is int  # type: ignore[index]


def test_resources_that_are_not_objects_have_no_findings() -> None:
    evaluator = Evaluator(StackSettings.model_validate({"context": "c"}))
    assert evaluator.findings("pulumi:providers:kubernetes", {"context": "c"}) == []
    assert evaluator.findings("flink-k8s:index:JobNamespace", {}) == []


def test_the_pack_has_its_own_virtual_environment() -> None:
    assert yaml.safe_load((ROOT / "policy" / "PulumiPolicy.yaml").read_text())["runtime"]["options"]["virtualenv"]
