"""Adopting live objects on the real engine and a bare API server: nothing restarts, and what is not adopted stays."""

from __future__ import annotations

import copy
import json
import re
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.operations.plan.preview import parse
from flink_k8s.plan.effects import Effect
from flink_k8s.plan.plan import plan
from flink_k8s.plan.state import Operator
from flink_k8s.support.kubectl import Kubectl
from tests.engine.bare_api_server import CONTEXT
from tests.engine.plain_project import PlainProject, plain_project
from tests.engine.stand_in import set_status, stand_in_operator
from tests.project import ROOT, run
from tests.steps import step

Manifest = dict[str, Any]

OBJECTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: orders-settings, labels: {team: shop}}
data: {orders.properties: "topic=orders"}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: orders-state}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 5Gi}}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: orders, labels: {team: shop}, annotations: {example.org/contact: shop}}
spec:
  image: registry.example.org/shop/orders:1.4.2
  flinkVersion: v1_20
  serviceAccount: flink
  flinkConfiguration:
    execution.checkpointing.interval: 1 min
    high-availability.type: kubernetes
    high-availability.storageDir: file:///state/ha
    state.checkpoints.dir: file:///state/checkpoints
    state.savepoints.dir: file:///state/savepoints
  podTemplate:
    spec:
      containers:
        - name: flink-main-container
          volumeMounts: [{name: settings, mountPath: /etc/orders}, {name: state, mountPath: /state}]
      volumes:
        - {name: settings, configMap: {name: orders-settings}}
        - {name: state, persistentVolumeClaim: {claimName: orders-state}}
  jobManager: {resource: {memory: 1g, cpu: 0.5}}
  taskManager: {resource: {memory: 2g, cpu: 1}}
  job: {jarURI: "local:///opt/flink/orders.jar", parallelism: 2, upgradeMode: savepoint, state: running}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: sessions}
spec:
  image: flink:1.20.1
  flinkVersion: v1_20
  serviceAccount: flink
  flinkConfiguration: {taskmanager: {numberOfTaskSlots: 4}}
  jobManager: {resource: {memory: 1g, cpu: 1}}
  taskManager: {resource: {memory: 2g, cpu: 1}}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: visits, labels: {target.session: sessions}}
spec:
  deploymentName: sessions
  job: {jarURI: "https://repo.example.org/visits.jar", parallelism: 1, upgradeMode: stateless, state: running}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: returns}
spec:
  image: registry.example.org/shop/returns:0.9.0
  flinkVersion: v1_20
  serviceAccount: flink
  flinkConfiguration:
    high-availability.type: kubernetes
    high-availability.storageDir: s3://shop/ha
    state.checkpoints.dir: s3://shop/checkpoints
    state.savepoints.dir: s3://shop/savepoints
  jobManager: {resource: {memory: 1g, cpu: 1}}
  taskManager: {resource: {memory: 2g, cpu: 1}}
  job: {jarURI: "local:///opt/flink/returns.jar", parallelism: 1, upgradeMode: last-state, state: suspended}
"""
"""What is adopted: four Flink resources, a ConfigMap and a claim."""

FLINK = "flinkdeployments,flinksessionjobs"
KINDS = f"{FLINK},configmaps,persistentvolumeclaims"


def job(name: str, **metadata: Any) -> Manifest:
    """A stateless job."""
    size = {"resource": {"memory": "1g", "cpu": 1}}
    return {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": name, **metadata},
        "spec": {
            "image": f"registry.example.org/{name}:1",
            "flinkVersion": "v1_20",
            "serviceAccount": "flink",
            "jobManager": size,
            "taskManager": size,
            "job": {"jarURI": "local:///opt/job.jar", "parallelism": 1, "upgradeMode": "stateless"},
        },
    }


@dataclass(frozen=True)
class Adopting:
    """A project that adopts the objects of one namespace.

    Attributes:
        project: the copy of the project.
        namespace: with the objects; the stack has its name.
    """

    project: PlainProject
    namespace: str

    @property
    def kubectl(self) -> Kubectl:
        """kubectl for the API server."""
        return self.project.kubectl

    @property
    def stack_file(self) -> Path:
        """The stack file."""
        return self.project.folder / f"Pulumi.{self.namespace}.yaml"

    def apply(self, text: str, *options: str) -> None:
        """Applies objects in the namespace."""
        self.kubectl.run("apply", "-n", self.namespace, *options, "-f", "-", stdin=text.encode())

    def adopt(self) -> str:
        """Runs the command, and returns its output."""
        options = ["--context", CONTEXT, "--kubeconfig", str(self.kubectl.kubeconfig), "--namespace", self.namespace]
        command = [sys.executable, "-m", "flink_k8s", "adopt", self.namespace, "--root", str(self.project.folder)]
        done = run([*command, *options], timeout=120, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def configure(self, **config: Any) -> None:
        """Sets keys of the stack file."""
        content = yaml.safe_load(self.stack_file.read_text())
        content["config"] |= {f"flink-k8s:{key}": value for key, value in config.items()}
        self.stack_file.write_text(yaml.safe_dump(content))

    def pulumi(self, *arguments: str, fails: bool = False, **options: Any) -> str:
        """Runs `pulumi` for the stack, and returns its output."""
        done = self.project.pulumi(*arguments, "--stack", self.namespace, **options)
        assert (done.code != 0) is fails, done.output
        return done.output

    def live(self, kinds: str = KINDS) -> dict[str, Manifest]:
        """The objects of the namespace by `kind/name`, without what an update of metadata changes."""
        objects = {f"{item['kind']}/{item['metadata']['name']}": item for item in self.items(kinds)}
        for item in objects.values():
            item["metadata"] = {key: item["metadata"].get(key) for key in ("uid", "generation", "labels", "finalizers")}
        return objects

    def items(self, kinds: str) -> list[Manifest]:
        """The objects of the namespace."""
        return self.kubectl.items(kinds, "-n", self.namespace)

    def files(self) -> dict[str, str]:
        """The files that `adopt` writes."""
        return {str(path): path.read_text() for path in self.project.folder.glob(f"jobs/{self.namespace}/*.yaml")} | {
            "": self.stack_file.read_text()
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Generator[PlainProject]:
    with plain_project(tmp_path_factory.mktemp("adopt")) as plain:
        yield plain


def in_namespace(project: PlainProject, namespace: str) -> Adopting:
    project.kubectl.run("create", "namespace", namespace)
    assert project.pulumi("stack", "init", namespace).code == 0
    return Adopting(project, namespace)


def bind(kubectl: Kubectl, claim: str, namespace: str) -> None:
    """Binds a claim, as the controller of Kubernetes does."""
    own = {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}, "finalizers": ["example.org/protection"]}
    patch = {"metadata": own, "spec": {"volumeName": "pvc-1", "storageClassName": "standard"}}
    options = ["--type=merge", "--field-manager=kube-controller-manager"]
    kubectl.run("patch", "pvc", claim, "-n", namespace, *options, f"--patch={json.dumps(patch)}")


def test_adopted_objects_are_unchanged_until_the_stack_changes_them(project: PlainProject):
    shop = in_namespace(project, "shop")
    with step("jobs run in a namespace with other things in it"):
        shop.apply(OBJECTS)
        other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}, "data": {"a": "b"}}
        shop.apply(json.dumps(other))
        bind(shop.kubectl, "orders-state", "shop")
        for item in shop.items(FLINK):
            is_suspended = item["spec"].get("job", {}).get("state") == "suspended"
            state = "SUSPENDED" if is_suspended else "STABLE"
            set_status(shop.kubectl, item, {"lifecycleState": state, "observedGeneration": 1})
        before = shop.live()
        assert len(before) == 7

    with step("adopt writes the files, and changes nothing in the cluster"):
        assert "imports 6 objects and changes none of them" in shop.adopt()
        assert shop.live() == before
        files = shop.files()
        assert "changes none of them" in shop.adopt()
        assert shop.files() == files

    with step("the preview imports each object, and changes metadata only"):
        text = shop.pulumi("preview", "--json", "--show-sames")
        text = text[text.index("{") : text.rindex("}") + 1]
        assert json.loads(text)["changeSummary"]["import"] == 6
        planned = plan(parse(text), Operator("1.16.1", {}))
        assert {item.outcome.effect for item in planned.jobs} == {Effect.METADATA}
        changed = {(item.title, *item.fields) for item in planned.others}
        assert changed == {
            ("ConfigMap shop/orders-settings", "metadata.annotations"),
            ("PersistentVolumeClaim shop/orders-state", "metadata.annotations"),
            ("kubernetes cluster",),
        }

    with step("up restarts no job; nothing changes afterwards"):
        assert re.search(r"= 6 imported", shop.pulumi("up"))
        assert shop.live() == before
        shop.pulumi("preview", "--expect-no-changes")
        claim = next(item for item in shop.items("persistentvolumeclaims"))
        assert claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] == "yes"

    with step("one change by config changes only that job, one in a file only that ConfigMap"):
        shop.configure(jobs={"orders": {"parallelism": 4}})
        path = project.folder / "jobs/shop/orders.yaml"
        path.write_text(path.read_text().replace("topic=orders", "topic=orders-v2"))
        with stand_in_operator(shop.kubectl):
            assert "restart from savepoint: job.parallelism: 2 -> 4" in shop.pulumi("up")
        expected = copy.deepcopy(before)
        orders = expected["FlinkDeployment/orders"]
        orders["spec"]["job"]["parallelism"] = 4
        orders["metadata"]["generation"] = orders["status"]["observedGeneration"] = 2
        expected["ConfigMap/orders-settings"]["data"] = {"orders.properties": "topic=orders-v2"}
        assert shop.live() == expected

    with step("destroy deletes what was adopted, and leaves the rest"):
        shop.kubectl.run("patch", "pvc", "orders-state", "-n", "shop", "--patch", '{"metadata":{"finalizers":null}}')
        refused = shop.pulumi("destroy", "--run-program", fails=True)
        assert "STATE LOSS: delete" in refused
        shop.pulumi("destroy", "--run-program", allow="orders returns")
        assert shop.live() == {"ConfigMap/other": before["ConfigMap/other"]}
        assert shop.kubectl.get("namespace", "shop")


@pytest.mark.full
def test_fields_of_other_managers_are_taken_over_on_request(project: PlainProject):
    """Objects of Helm and Argo CD: the import has no conflict, a change has one until the user forces it once."""
    tools = in_namespace(project, "tools")
    helm = {"annotations": {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "tools"}}
    helm_job = json.dumps(job("by-helm", **helm)).encode()
    tools.kubectl.run("create", "-n", "tools", "--field-manager=helm", "-f", "-", stdin=helm_job)
    argo = {"annotations": {"argocd.argoproj.io/tracking-id": "shop:flink.apache.org/FlinkDeployment:tools/by-argo"}}
    tools.apply(json.dumps(job("by-argo", **argo)), "--server-side", "--field-manager=argocd-controller")
    output = tools.adopt()
    assert "the Helm release shop deploys FlinkDeployment tools/by-helm" in output
    assert "the Argo CD application shop deploys FlinkDeployment tools/by-argo" in output
    before = tools.live()
    tools.configure(waitForJobs=False)
    tools.pulumi("up")
    assert tools.live() == before

    tools.configure(jobs={"by-helm": {"parallelism": 2}, "by-argo": {"parallelism": 2}})
    refused = tools.pulumi("preview", fails=True)
    assert re.search(r'conflict with "(helm|argocd-controller)"', refused)
    tools.pulumi("up", env={"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"})
    tools.configure(jobs={"by-helm": {"parallelism": 3}, "by-argo": {"parallelism": 3}})
    tools.pulumi("up")
    assert {name: parallelism(item) for name, item in tools.live(FLINK).items()} == {
        "FlinkDeployment/by-helm": 3,
        "FlinkDeployment/by-argo": 3,
    }


def parallelism(item: Mapping[str, Any]) -> int:
    return int(item["spec"]["job"]["parallelism"])


@pytest.mark.full
def test_fifty_jobs_need_no_line_of_a_person(project: PlainProject):
    fifty = in_namespace(project, "fifty")
    names = [f"job-{number:02}" for number in range(50)]
    fifty.apply(yaml.safe_dump_all([job(name) for name in names]))
    for item in fifty.items(FLINK):
        set_status(fifty.kubectl, item, {"lifecycleState": "STABLE", "observedGeneration": 1})
    before = fifty.live()
    start = time.monotonic()
    assert "imports 50 objects and changes none of them" in fifty.adopt()
    adopted = time.monotonic()
    fifty.pulumi("up", "--skip-preview")
    deployed = time.monotonic()
    assert fifty.live() == before
    fifty.pulumi("preview", "--expect-no-changes")
    print(f"50 jobs: adopt {adopted - start:.1f} s, up {deployed - adopted:.1f} s, lines written by a person: 0")
