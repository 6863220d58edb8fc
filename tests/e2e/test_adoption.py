"""Jobs that run before their stack exists: adopted without a restart, changed one by one, destroyed alone.

Plain Helm has installed the operator, and `kubectl apply` the jobs, in a namespace with other objects.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import find_tool
from sandbox import charts
from sandbox.home import home
from tests.cluster_state import cluster_state, statuses
from tests.e2e.running_totals import JOB, RATE, RunningTotals, in_job_manager
from tests.project import NOTHING, PAIR, PAIRS, ROOT, Done, Project, remove_flink_crds
from tests.steps import step
from tests.waiting import until

pytestmark = pytest.mark.full

NAMESPACE, OPERATOR = "shop", "operators"
SUSPENDED, CLUSTER, SESSION_JOB = "returns", "sessions", "visits"
FLINK = "flinkdeployments,flinksessionjobs"
ADOPTED = (JOB, SUSPENDED, CLUSTER, SESSION_JOB, "settings", "state")
"""Names of the adopted objects; those of their pods begin with them."""
CHART = "flink-kubernetes-operator"
RECONCILE_SOON = """\
kubernetes.operator.reconcile.interval: 5 s
kubernetes.operator.observer.progress-check.interval: 1 s
kubernetes.operator.observer.rest-ready.delay: 1 s
"""

SHARED = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {region: north}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: state}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
STATEFUL = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: NAME}
spec:
  image: IMAGE
  imagePullPolicy: IfNotPresent
  flinkVersion: FLINK_VERSION
  serviceAccount: flink
  flinkConfiguration:
    taskmanager.numberOfTaskSlots: "2"
    execution.checkpointing.interval: 1 s
    high-availability.type: kubernetes
    high-availability.storageDir: file:///flink-state/NAME/ha
    state.checkpoints.dir: file:///flink-state/NAME/checkpoints
    state.savepoints.dir: file:///flink-state/NAME/savepoints
    kubernetes.jobmanager.cpu.limit-factor: "20"
    kubernetes.taskmanager.cpu.limit-factor: "20"
  podTemplate:
    spec:
      securityContext: {fsGroup: 9999}
      containers:
        - name: flink-main-container
          volumeMounts: [{name: state, mountPath: /flink-state}, {name: settings, mountPath: /etc/settings}]
      volumes:
        - {name: state, persistentVolumeClaim: {claimName: state}}
        - {name: settings, configMap: {name: settings}}
  jobManager: {resource: {memory: 1200m, cpu: 0.1}}
  taskManager: {resource: {memory: 1200m, cpu: 0.1}}
  job:
    entryClass: org.apache.flink.client.python.PythonDriver
    args: [-pyclientexec, /usr/local/bin/python3, -py, /opt/flink/usrlib/src/running_totals.py,
           --output, /flink-state/NAME/output, --rate, "RATE"]
    parallelism: 1
    upgradeMode: savepoint
    state: running
"""
# Flink 1.19 does not know -pyclientexec in the arguments of a session job, and stops the JobManager.
SESSIONS = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: sessions}
spec:
  image: IMAGE
  imagePullPolicy: IfNotPresent
  flinkVersion: FLINK_VERSION
  serviceAccount: flink
  flinkConfiguration:
    execution.checkpointing.interval: 1 s
    python.client.executable: /usr/local/bin/python3
    kubernetes.jobmanager.cpu.limit-factor: "20"
    kubernetes.taskmanager.cpu.limit-factor: "20"
  jobManager: {resource: {memory: 1200m, cpu: 0.1}}
  taskManager: {resource: {memory: 1200m, cpu: 0.1}}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: visits}
spec:
  deploymentName: sessions
  job:
    entryClass: org.apache.flink.client.python.PythonDriver
    args: [-py, /opt/flink/usrlib/src/running_totals.py, --output, /tmp/visits, --rate, "10"]
    parallelism: 1
    upgradeMode: stateless
    state: running
"""
OTHERS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: prices}
data: {apple: "2"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: web, image: IMAGE, imagePullPolicy: IfNotPresent, command: [sleep, 1d]}]
"""


@dataclass(frozen=True)
class Installed:
    """An operator that no stack installs.

    Attributes:
        stack: name of the stack that adopts its jobs.
        built: version that the sandbox builds, with the Flink of its pair.
        is_vendors: whether neither its image nor its labels contain the version.
    """

    stack: str
    built: str
    is_vendors: bool = False

    def objects(self, *manifests: str, **names: str) -> bytes:
        """Manifests for the Flink of the pair."""
        job = yaml.safe_load(PAIRS[self.built].read_text())["jobs"]["word-count"]
        text = "---\n".join(manifests)
        words = {"IMAGE": job["image"], "FLINK_VERSION": job["flinkVersion"], "RATE": str(RATE), **names}
        for word, value in words.items():
            text = text.replace(word, value)
        return text.encode()


@dataclass(frozen=True)
class Adoption:
    """Running jobs, and a copy of the project that adopts them.

    Attributes:
        installed: the operator.
        project: the copy.
        kubectl: of the sandbox.
        totals: the stateful job.
    """

    installed: Installed
    project: Project
    kubectl: Kubectl
    totals: RunningTotals

    def make(self, target: str, *variables: str, **config: Any) -> Done:
        """Runs a target on the stack."""
        done = self.project.make(target, "", *variables, stack=self.installed.stack, **config)
        assert done.code == 0, done.output
        return done

    def adopt(self) -> Done:
        """Runs `make adopt`."""
        return self.make("adopt", f"CONTEXT={self.kubectl.context}", f"KUBECONFIG={self.kubectl.kubeconfig}")

    def files(self) -> dict[str, str]:
        """What `adopt` writes: the job files by name, and the stack file."""
        stack_file = self.project.root / f"Pulumi.{self.installed.stack}.yaml"
        folder = self.project.root / "jobs" / self.installed.stack
        return {path.name: path.read_text() for path in (stack_file, *folder.iterdir())}

    def items(self, kinds: str, namespace: str = NAMESPACE) -> dict[str, dict[str, Any]]:
        """The objects of a namespace by `kind/name`."""
        items = self.kubectl.items(kinds, "-n", namespace)
        return {f"{item['kind']}/{item['metadata']['name']}": item for item in items}

    def live(self) -> dict[str, list[object]]:
        """What a restart, a deployment or a deletion changes, by `kind/name`."""
        items = self.items("deployments,pods", OPERATOR)
        items |= self.items(f"{FLINK},deployments,pods,persistentvolumeclaims,serviceaccounts")
        # Flink's own ConfigMaps change all the time.
        own = self.items("configmaps")
        items |= {key: own[key] for key in ("ConfigMap/settings", "ConfigMap/prices") if key in own}
        return {key: traits(item) for key, item in items.items()}

    def savepoints(self, job: str) -> list[str]:
        """The savepoints of a job on the claim."""
        command = f"ls /flink-state/{job}/savepoints 2>/dev/null || true"
        output = self.kubectl.run("exec", "-n", NAMESPACE, f"deployment/{JOB}", "--", "sh", "-c", command)
        return output.decode().split()


def traits(item: Mapping[str, Any]) -> list[object]:
    """Identity, generation, data, run of the job, and restarts of containers."""
    metadata = item["metadata"]
    containers: list[Mapping[str, Any]] = status_of(item).get("containerStatuses") or []
    restarts = [container["restartCount"] for container in containers]
    run = [job_status(item).get(key) for key in ("jobId", "startTime", "state")]
    return [metadata["uid"], metadata.get("generation"), item.get("data"), run, restarts]


def status_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return item.get("status") or {}


def job_status(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return status_of(item).get("jobStatus") or {}


def without(live: Mapping[str, list[object]], *names: str) -> dict[str, list[object]]:
    """The objects whose names do not begin with any of these."""
    return {key: values for key, values in live.items() if not key.partition("/")[2].startswith(names)}


def helm(kubectl: Kubectl, *arguments: str) -> str:
    """Runs helm in the operator's namespace, and returns its output."""
    cluster = ["--kubeconfig", str(kubectl.kubeconfig), "--kube-context", kubectl.context, "--namespace", OPERATOR]
    command = [find_tool("helm"), *arguments, *cluster]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install_operator(kubectl: Kubectl, installed: Installed, folder: Path) -> None:
    """Installs the operator as its users do, with plain Helm."""
    chart = home().charts / f"{CHART}-{installed.built}.tgz"
    values: dict[str, Any] = {
        "watchNamespaces": [NAMESPACE],
        "webhook": {"create": False},
        "defaultConfiguration": {"config.yaml": RECONCILE_SOON, "flink-conf.yaml": RECONCILE_SOON},
        "operatorHealth": {"startupProbe": {"periodSeconds": 2, "failureThreshold": 150}},
    }
    if installed.is_vendors:
        chart = vendors_chart(chart, folder)
        sandbox("tag", f"{CHART}:{installed.built}", "streams-operator:build-7")
        values["image"] = {"repository": "docker.io/library/streams-operator", "tag": "build-7"}
    path = folder / "values.json"
    path.write_text(json.dumps(values))
    helm(kubectl, "install", "streams", str(chart), "--values", str(path), "--create-namespace", "--wait")


def vendors_chart(chart: Path, folder: Path) -> Path:
    """The operator's chart without the label that contains the version."""
    with tarfile.open(chart) as package:
        contents = {
            member.name.partition("/")[2]: file.read()
            for member in package.getmembers()
            if (file := package.extractfile(member)) is not None
        }
    names = "templates/_names.tpl"
    lines = contents[names].splitlines(keepends=True)
    contents[names] = b"".join(line for line in lines if not line.startswith(b"app.kubernetes.io/version:"))
    assert contents[names] != b"".join(lines)
    path = folder / chart.name
    path.write_bytes(charts.pack(CHART, contents, chart.stem.rpartition("-")[2]))
    return path


def sandbox(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "sandbox", *arguments], cwd=ROOT, check=True)


def start_jobs(adoption: Adoption) -> None:
    """Creates the jobs and the other objects, and suspends a job when it has run."""
    kubectl, installed = adoption.kubectl, adoption.installed
    apply = ("apply", "-n", NAMESPACE, "-f", "-")
    kubectl.run(*apply, stdin=installed.objects(SHARED, OTHERS, SESSIONS))
    for name in (JOB, SUSPENDED):
        kubectl.run(*apply, stdin=installed.objects(STATEFUL, NAME=name))

    def run() -> bool:
        states = [job_status(item).get("state") for item in adoption.items(FLINK).values()]
        return states.count("RUNNING") == 3

    # The namespaces are deleted before a failure is reported.
    until("all jobs run", run, 400, state=cluster_state)
    adoption.totals.exact(beyond=RATE)
    suspend = '--patch={"spec":{"job":{"state":"suspended"}}}'
    kubectl.run("patch", "flinkdeployment", SUSPENDED, "-n", NAMESPACE, "--type=merge", suspend)

    def is_suspended() -> bool:
        status = status_of(adoption.items(FLINK)[f"FlinkDeployment/{SUSPENDED}"])
        # Operator 1.16.1 keeps the JobManager, and idle TaskManagers end later.
        workers = kubectl.items("pods", "-n", NAMESPACE, "-l", f"app={SUSPENDED},component=taskmanager")
        return status["lifecycleState"] == "SUSPENDED" and not workers

    until(f"{SUSPENDED} is suspended", is_suspended, state=lambda: statuses(kubectl))
    adoption.totals.goes_on()


@pytest.fixture(params=[("current", PAIR), ("old", "1.7.0"), ("vendors", PAIR)], ids=lambda param: param[0])
def adoption(
    request: pytest.FixtureRequest, no_stack: None, engine: Project, kubectl: Kubectl, tmp_path: Path
) -> Generator[Adoption]:
    """An operator and running jobs without a stack."""
    stack, version = request.param
    installed = Installed(stack, version, is_vendors=stack == "vendors")
    remove_flink_crds(kubectl)
    sandbox("up", "--operator", version)
    totals = RunningTotals(kubectl, tmp_path, lambda: in_job_manager(kubectl, namespace=NAMESPACE), namespace=NAMESPACE)
    adoption = Adoption(installed, engine.copy({}), kubectl, totals)
    kubectl.run("create", "namespace", NAMESPACE)
    try:
        install_operator(kubectl, installed, tmp_path)
        start_jobs(adoption)
        yield adoption
    finally:
        remove(kubectl)


def remove(kubectl: Kubectl) -> None:
    """Deletes both namespaces; the operator's own snapshots outlive their jobs, and would block that."""
    for kind in ("flinksessionjobs", "flinkdeployments", "flinkstatesnapshots"):
        kubectl.try_run("delete", kind, "--all", "-n", NAMESPACE, "--timeout=60s")
        for item in kubectl.items(kind, "-n", NAMESPACE):
            no_finalizers = ("--type=merge", '--patch={"metadata":{"finalizers":null}}')
            kubectl.try_run("patch", kind, item["metadata"]["name"], "-n", NAMESPACE, *no_finalizers)
    kubectl.run("delete", "namespace", NAMESPACE, OPERATOR, "--ignore-not-found", "--timeout=100s")
    remove_flink_crds(kubectl)


def test_running_jobs_are_adopted_changed_and_destroyed(adoption: Adoption):
    installed, totals = adoption.installed, adoption.totals
    before = adoption.live()
    assert adoption.savepoints(JOB) == []
    assert len(adoption.savepoints(SUSPENDED)) == 1

    with step("adopt writes the files, and changes nothing in the cluster"):
        output = adoption.adopt().output
        assert "imports 6 objects and changes none of them" in output
        files = adoption.files()
        operator = yaml.safe_load(files[f"Pulumi.{installed.stack}.yaml"])["config"]["flink-k8s:operator"]
        assert operator["namespace"] == OPERATOR
        assert operator.get("version") == (None if installed.is_vendors else installed.built)
        assert ("has no version in its image or labels" in output) is installed.is_vendors
        adoption.adopt()
        assert adoption.files() == files
        assert adoption.live() == before

    with step("the preview imports each object, and the plan changes metadata only"):
        preview = adoption.make("preview").output
        assert "6 to import" in preview
        assert "[existing-operator]" not in preview
        assert re.search(r"^plan of .*: 4 metadata only, .*; no state is lost$", adoption.make("plan").output, re.M)

    with step("up restarts no job and takes no savepoint; nothing is left to change"):
        assert "6 imported" in adoption.make("up").output
        assert adoption.live() == before
        assert adoption.savepoints(JOB) == []
        totals.goes_on()
        assert adoption.live() == before
        assert NOTHING.search(adoption.make("preview").output)

    change = {"jobs": {JOB: {"parallelism": 2}}}
    with step("a change in the stack config restarts only that job, and the counts stay exact"):
        counted = totals.exact().highest
        adoption.make("up", **change)
        assert totals.restored()["is_savepoint"]
        job = until("the job runs", totals.job)
        # The source has one subtask.
        assert {vertex["parallelism"] for vertex in job["vertices"]} == {1, 2}
        after = totals.goes_on()
        assert after.highest > counted
        assert len(adoption.savepoints(JOB)) == 1
        assert without(adoption.live(), JOB) == without(before, JOB)
        print(after)

    with step("destroy deletes what was adopted, and leaves the rest"):
        adoption.make("destroy", "YES=1", **change)
        rest = without(before, *ADOPTED)
        until("only the rest is left", lambda: adoption.live() == rest, state=lambda: (adoption.live(), rest))
        assert json.loads(helm(adoption.kubectl, "status", "streams", "-o", "json"))["info"]["status"] == "deployed"
