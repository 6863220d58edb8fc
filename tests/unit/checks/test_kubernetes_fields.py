"""Fields of objects next to the jobs, against the schemas of Kubernetes, Prometheus and cert-manager."""

# ruff: noqa: E501 - a problem a line reads best
from __future__ import annotations

import pytest

from flink_k8s.facts import tables
from flink_k8s.facts.mappings import mapping
from tests.unit.project import Project

VALID = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, creationTimestamp: null}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: web:1
          ports: [{containerPort: 80, name: http}]
          readinessProbe: {httpGet: {path: /, port: http}}
          resources: {requests: {cpu: 0.5, memory: 128Mi}, limits: {memory: 134217728}}
      volumes: [{name: scratch, emptyDir: {sizeLimit: 1Gi}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}, {port: 81, targetPort: 81, name: b}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "a:1"}]}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {policyTypes: [Ingress]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: web}]
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: web}
spec: {selector: {}, podMetricsEndpoints: [{port: http, interval: 30s}]}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web}
spec: {secretName: web-tls, dnsNames: [web.example.org], issuerRef: {name: ca, kind: Issuer}}
---
apiVersion: example.org/v1
kind: Widget
metadata: {name: free}
spec: {anything: [1, {b: 2}]}
"""

MISTAKES = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: "2"
  template:
    metadata: {labels: {app: 1}}
    spec:
      containers:
        - imagee: web:1
          name: web
          env: [{name: PORT, value: 80}]
          resources: {requests: {cpu: many}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: {port: 80}, selectors: {app: web}}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: web}
spec: {selector: {}, podMetricsEndpoint: []}
---
apiVersion: example.org/v1
kind: Widget
metadata: {name: free, labels: [a]}
"""


def test_valid_objects_of_every_api_have_no_error(project: Project) -> None:
    project.job(VALID, "beside.yaml")
    project.load()


def test_unknown_fields_and_wrong_types_are_errors_in_any_object(project: Project) -> None:
    project.job(MISTAKES, "beside.yaml")
    path = "jobs/beside.yaml"
    pod = "spec.template.spec.containers[0]"
    assert project.problems() == [
        f"{path}:4: spec.selector: is missing, but Kubernetes requires it; set it",
        f'{path}:5: spec.replicas: is "2", which is not a valid value; write a whole number, without quotes',
        f'{path}:7: spec.template.metadata.labels.app: is 1, which is not a valid value; quote it: "1"',
        f'{path}:10: {pod}.imagee: unknown field; did you mean "image"?',
        f"{path}:12: {pod}.env[0].value: is a number, which is not a valid value; quote it",
        f'{path}:13: {pod}.resources.requests.cpu: is "many", which is not a valid value; write a quantity such as'
        ' "500m", "2" or "4Gi"',
        f"{path}:18: spec.ports: is a mapping, which is not a valid value; write a list",
        f'{path}:18: spec.selectors: unknown field; did you mean "selector"?',
        f'{path}:23: spec.podMetricsEndpoint: unknown field; did you mean "podMetricsEndpoints"?',
        f"{path}:27: metadata.labels: is a list, which is not a valid value; write a mapping",
    ]


@pytest.mark.parametrize(
    ("api", "kind", "problem"),
    [
        ("extensions/v1beta1", "Ingress", "apiVersion: is extensions/v1beta1, which has no Ingress in Kubernetes 1.37; write networking.k8s.io/v1"),
        ("batch/v1beta1", "CronJob", "apiVersion: is batch/v1beta1, which has no CronJob in Kubernetes 1.37; write batch/v1"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "apiVersion: is autoscaling/v2beta2, which has no HorizontalPodAutoscaler in Kubernetes 1.37; write autoscaling/v2"),
        ("v1", "Deployment", "apiVersion: is v1, which has no Deployment in Kubernetes 1.37; write apps/v1"),
        ("v1", "Servce", 'kind: is Servce, which is not a kind of v1; did you mean "Service"?'),
        ("policy/v1beta1", "PodSecurityPolicy", "apiVersion: is policy/v1beta1, which Kubernetes 1.37 does not serve; remove the object"),
        ("app/v1", "Thing", 'apiVersion: is app/v1, which Kubernetes 1.37 does not serve; did you mean "apps/v1"?'),
    ],
)  # fmt: skip
def test_kinds_that_kubernetes_does_not_serve(project: Project, api: str, kind: str, problem: str) -> None:
    project.job(f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\n", "beside.yaml")
    assert project.problems() == [f"jobs/beside.yaml:{2 if problem.startswith('kind') else 1}: {problem}"]


@pytest.mark.parametrize(
    "api", ["gateway.networking.k8s.io/v1", "resource.k8s.io/v1alpha3", "monitoring.coreos.com/v1"]
)
def test_kinds_that_the_cluster_can_have_are_accepted(project: Project, api: str) -> None:
    project.job(f"apiVersion: {api}\nkind: Thing\nmetadata: {{name: a}}\n", "beside.yaml")
    project.load()


@pytest.mark.parametrize("is_installed", [True, False])
def test_unknown_fields_of_a_prometheus_elsewhere_are_accepted(project: Project, is_installed: bool) -> None:
    """The cluster's own Prometheus operator can be newer; a value of the wrong type is an error in any version."""
    project.stack({"prometheus": {"enabled": is_installed}})
    monitor = "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: a}\n"
    project.job(monitor + "spec: {selector: {}, newField: 1, podMetricsEndpoints: 1}\n", "monitor.yaml")
    problems = project.problems()
    assert any("podMetricsEndpoints: is 1" in problem for problem in problems)
    assert any("newField" in problem for problem in problems) == is_installed


def test_a_secret_of_a_wrong_type_is_not_printed(project: Project) -> None:
    project.job("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {pin: 84736251}\n", "secret.yaml")
    assert not any("84736251" in problem for problem in project.problems())


@pytest.mark.parametrize("kind", ["apps/v1 StatefulSet", "v1 PersistentVolumeClaim", "networking.k8s.io/v1 Ingress"])
def test_every_type_that_the_table_names_exists(kind: str) -> None:
    table = tables.kubernetes()
    assert kind in table.kinds
    named = [table.kinds[kind]["ref"]]
    actual: set[str] = set()
    while named:
        name = named.pop()
        if name not in actual:
            actual.add(name)
            named += _refs(table.types[name])
    assert "meta.v1.ObjectMeta" in actual


def _refs(value: object) -> list[str]:
    kind = mapping(value)
    ref = kind.get("ref")
    return [ref] if isinstance(ref, str) else [ref for inner in kind.values() for ref in _refs(inner)]
