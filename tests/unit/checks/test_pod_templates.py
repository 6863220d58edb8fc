"""Pods that Kubernetes refuses although the operator's CRDs accept their template: each reported once."""

# ruff: noqa: E501 - a template reads best in one line
from __future__ import annotations

import pytest

from tests.unit.project import JOB, Project

SIDECAR = "containers: [{name: flink-main-container}, {name: s, image: a/b:1, resources: {requests: {cpu: 10m, memory: 64Mi}, limits: {memory: 64Mi}}}]"
MAIN = "containers: [{name: flink-main-container, %s}]"
SECURITY = {"namespaces": {"flink": {"podSecurity": "privileged"}}}


def load(project: Project, pod: str) -> None:
    project.job(f"{JOB}  podTemplate: {{spec: {{{pod}}}}}\n")
    project.stack(SECURITY)


@pytest.mark.parametrize(
    ("pod", "place", "message"),
    [
        ("ephemeralContainers: [{name: d, image: a}]", "ephemeralContainers", "can only be added to running pods; write containers"),
        ("containers: [{image: a}]", "containers[0].name", "is missing, but Kubernetes requires it; set it"),
        ("containers: [null]", "containers[0]", "is empty; remove it, or set its value"),
        (MAIN % "env: [{value: a}]", "containers[0].env[0].name", "is missing, but Kubernetes requires it"),
        (MAIN % "env: [{name: A=x, value: a}]", "containers[0].env[0].name", '"A=…" is not a name of a variable; use letters'),
        (MAIN % "env: [{name: '', value: a}]", "containers[0].env[0].name", '"" is not a name of a variable'),
        (MAIN % "env: [{name: é, value: a}]", "containers[0].env[0].name", '"é" is not a name of a variable'),
        (MAIN % "env: [{name: A, value: a, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]", "containers[0].env[0].valueFrom", "of A is set next to value; remove one of them"),
        (MAIN % "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.nam}}}]", "containers[0].env[0].valueFrom.fieldRef.fieldPath", "is metadata.nam, which no variable can contain"),
        (SIDECAR.replace("cpu: 10m", "cpu: 100mm"), "containers[1].resources.requests.cpu", 'is "100mm", which is not a valid value; write a quantity'),
        (SIDECAR.replace("{memory: 64Mi}", "{memory: 64MB}"), "containers[1].resources.limits.memory", 'is "64MB", which is not a valid value; write a quantity'),
        (SIDECAR.replace("{memory: 64Mi}", "{memory: 32Mi}"), "containers[1].resources.requests.memory", "is 64Mi, which is above the limit 32Mi; raise the limit"),
        ("volumes: [{name: a, emptyDir: {sizeLimit: 5GB}}]", "volumes[0].emptyDir.sizeLimit", 'is "5GB", which is not a valid value; write a quantity'),
        ("volumes: [{name: a, emptyDir: {}, configMap: {name: b}}]", "volumes[0]", "has the types emptyDir and configMap; write one volume for each"),
        ("tolerations: [{key: a, operator: Exist}]", "tolerations[0].operator", 'is "Exist", which is not a valid value; did you mean "Exists"?'),
        ("tolerations: [{key: a, operator: Exists, effect: NoSchedul}]", "tolerations[0].effect", 'is "NoSchedul", which is not a valid value; did you mean "NoSchedule"?'),
        ("topologySpreadConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: doNotSchedule}]", "topologySpreadConstraints[0].whenUnsatisfiable", 'is "doNotSchedule", which is not a valid value; did you mean "DoNotSchedule"?'),
    ],
)  # fmt: skip
def test_pod_that_kubernetes_refuses(project: Project, pod: str, place: str, message: str) -> None:
    load(project, pod)
    [problem] = project.problems()
    assert problem.startswith(f"jobs/word_count.yaml:15: spec.podTemplate.spec.{place}: {message}")
    assert f"{place.rpartition('.')[0]}: of container" not in "".join(project.problems())


@pytest.mark.parametrize(
    "pod",
    [
        SIDECAR,
        SIDECAR.replace("memory: 64Mi}}", "memory: 1Gi, ephemeral-storage: 1e9, nvidia.com/gpu: 1}}"),
        "initContainers: [{name: proxy, image: a/b:1, restartPolicy: Always}], containers: [{name: flink-main-container}]",
        MAIN % "env: [{name: A, value: '', valueFrom: {fieldRef: {fieldPath: \"metadata.labels['a/b']\"}}}, {name: B, valueFrom: {fieldRef: {fieldPath: status.hostIPs}}}]",
        MAIN % "envFrom: [{secretRef: {name: a}}, {configMapRef: {name: b}, prefix: X_}]",
        MAIN % "resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}",
        "volumes: [{name: a, projected: {defaultMode: 0440, sources: [{secret: {name: a}}, {serviceAccountToken: {audience: v, path: t}}]}}, {name: b}]",
        "tolerations: [{operator: Exists}, {key: a, value: b, effect: NoExecute, tolerationSeconds: 60}]",
    ],
)  # fmt: skip
def test_pod_that_kubernetes_accepts(project: Project, pod: str) -> None:
    load(project, pod)
    project.load()


def test_an_item_without_a_value_is_refused(project: Project) -> None:
    project.job(JOB.replace("--verbose", "null"))
    [problem] = project.problems()
    assert problem == "jobs/word_count.yaml:12: spec.job.args[2]: is empty; remove it, or set its value"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: Service\nmetadata: {name: a}\nspec: {type: Loadbalancer, ports: [{port: 80}]}", 'spec.type: is "Loadbalancer", which is not a valid value; did you mean "LoadBalancer"?'),
        ("kind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [RWO], resources: {requests: {storage: 1Gi}}}", 'spec.accessModes[0]: is "RWO", which is not a valid value; use one of: ReadOnlyMany, ReadWriteMany'),
    ],
)  # fmt: skip
def test_value_that_no_object_of_the_kind_can_have(project: Project, text: str, message: str) -> None:
    project.job(f"apiVersion: v1\n{text}\n", "object.yaml")
    [problem] = project.problems()
    assert message in problem
