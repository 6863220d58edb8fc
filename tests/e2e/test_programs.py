"""Programs of users with the components, in each language, deploy the operator and a job that runs."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from flink_k8s.resolve.state_storage import MOUNT
from flink_k8s.support.kubectl import Kubectl
from sandbox.engine import build
from sandbox.home import home
from tests.e2e.running_totals import JOB, RunningTotals, in_job_manager
from tests.engine.programs import NAMESPACE, PROGRAMS, Deployed, Program
from tests.project import PAIR, ROOT
from tests.steps import step

pytestmark = pytest.mark.full

_PYTHON = ["-pyclientexec", "/usr/local/bin/python3", "-py", "/opt/flink/usrlib/src/running_totals.py"]
DEPLOYED = Deployed(
    platform={
        "charts": {"mirror": str(ROOT / ".sandbox" / "charts")},
        "certManager": {"enabled": False},
        "prometheus": {"enabled": False, "monitors": False},
        "operator": {"version": PAIR, "webhook": False},
        "stateStorage": {"type": "volume", "folder": "texts"},
    },
    spec={
        "image": "pyflink:dev",
        "imagePullPolicy": "IfNotPresent",
        "flinkVersion": "v2_2",
        "flinkConfiguration": {
            "execution.checkpointing.interval": "1 s",
            "kubernetes.jobmanager.cpu.limit-factor": "20",
            "kubernetes.taskmanager.cpu.limit-factor": "20",
        },
        "jobManager": {"resource": {"memory": "1600m", "cpu": 0.1}},
        "taskManager": {"resource": {"memory": "1600m", "cpu": 0.1}},
        "job": {
            "entryClass": "org.apache.flink.client.python.PythonDriver",
            "args": [*_PYTHON, "--output", f"{MOUNT}/{JOB}"],
            "parallelism": 1,
            "upgradeMode": "savepoint",
        },
    },
    option="--rate",
)


@pytest.fixture
def program(
    request: pytest.FixtureRequest, no_stack: None, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Program]:
    """The program with an empty stack."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "state").mkdir()
    kubeconfig = ROOT / ".sandbox" / "kubeconfig"
    program = PROGRAMS[request.param](folder, build(home()), replace(kubectl, kubeconfig=kubeconfig), DEPLOYED)
    program.prepare()
    yield program
    program.run("destroy", "100", allow=f"{NAMESPACE}/{JOB}")


@pytest.mark.parametrize("program", list(PROGRAMS), indirect=True)
def test_job_of_a_program_runs_and_keeps_its_state(program: Program, tmp_path: Path) -> None:
    kubectl = program.kubectl
    job = RunningTotals(kubectl, tmp_path, lambda: in_job_manager(kubectl, namespace=NAMESPACE), namespace=NAMESPACE)

    with step("up deploys the operator and the job, and ends when the job runs"):
        up = program.run("up", "100", JOB)
        assert up.code == 0, up.output
        assert job.job()
        assert job.restored() == {}
        before = job.goes_on()
        unchanged = program.run("unchanged", "100", JOB)
        assert unchanged.code == 0, unchanged.output

    with step("a changed argument restarts the job from a savepoint"):
        changed = program.run("up", "200", JOB)
        assert changed.code == 0, changed.output
        assert job.restored()["is_savepoint"]
        assert job.goes_on().highest > before.highest

    with step("destroy deletes all"):
        destroyed = program.run("destroy", "200", JOB, allow=f"{NAMESPACE}/{JOB}")
        assert destroyed.code == 0, destroyed.output
        for namespace in (NAMESPACE, "flink-operator"):
            assert kubectl.get("namespace", namespace) is None
