"""Plain `pulumi` on the real engine and a bare API server: losses are refused, allowances work, suspended jobs stay so.

One stack has a job for each of the most common changes that lose state.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from flink_k8s.operations.plan.preview import parse
from flink_k8s.plan.guard import allowed_by_change
from flink_k8s.plan.state import Operator
from tests.engine.bare_api_server import CONTEXT
from tests.engine.plain_project import PlainProject, plain_project
from tests.steps import step

KEPT = {
    "high-availability.type": "kubernetes",
    "high-availability.storageDir": "s3://state/ha",
    "state.checkpoints.dir": "s3://state/checkpoints",
    "state.savepoints.dir": "s3://state/savepoints",
    "execution.checkpointing.interval": "1 min",
}
ON_A_CLAIM = {key: value.replace("s3://state", "file:///state") for key, value in KEPT.items()}
CLAIM = {"name": "state", "persistentVolumeClaim": {"claimName": "state"}}
MOUNTED = {"name": "flink-main-container", "volumeMounts": [{"name": "state", "mountPath": "/state"}]}
SUSPENSION = "2026-11-29 14:00 UTC, ada on laptop"

Manifest = dict[str, Any]


def job(mode: str = "savepoint", configuration: Mapping[str, str] = KEPT, **more: Any) -> Manifest:
    """The spec of an application cluster."""
    return {
        "image": "shop/orders:1",
        "flinkVersion": "v1_20",
        "flinkConfiguration": dict(configuration),
        "jobManager": {"resource": {"memory": "1g", "cpu": 1}},
        "taskManager": {"resource": {"memory": "2g", "cpu": 1}},
        "job": {"jarURI": "local:///opt/flink/job.jar", "parallelism": 2, "upgradeMode": mode, **more},
    }


def mounted(volume: Manifest) -> Manifest:
    """The spec of a job with its state at /state."""
    template = {"spec": {"volumes": [volume], "containers": [MOUNTED]}}
    return {**job("last-state", ON_A_CLAIM), "podTemplate": template}


def session_cluster(memory: str) -> Manifest:
    """The spec of a session cluster without high availability."""
    spec = job(configuration={"state.checkpoints.dir": "s3://state/checkpoints"})
    del spec["job"]
    return {**spec, "taskManager": {"resource": {"memory": memory, "cpu": 1}}}


def session_job() -> Manifest:
    """The spec of a job on the session cluster."""
    spec = {"jarURI": "https://example.org/job.jar", "parallelism": 2, "upgradeMode": "savepoint"}
    return {
        "deploymentName": "cluster",
        "flinkConfiguration": {"state.savepoints.dir": "s3://state/savepoints"},
        "job": spec,
    }


@dataclass(frozen=True)
class Loss:
    """A change that loses state.

    Attributes:
        old: spec before.
        new: spec after; None if the file is deleted.
        reason: part of the refusal.
        settings: of the job in the stack config, after the change.
        renamed: the name after the change.
        kind: of the resource.
    """

    old: Manifest
    new: Manifest | None
    reason: str
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    renamed: str = ""
    kind: str = "FlinkDeployment"


DELETED = "no resource references its state after the deletion"
LOSSES = {
    "deleted": Loss(job(), None, DELETED),
    "disabled": Loss(job(), job(), DELETED, {"enabled": False}),
    "renamed": Loss(job(), job(), DELETED, renamed="other-name"),
    "moved": Loss(job(), job(), DELETED, {"namespace": "other"}),
    "stateless": Loss(job(), job("stateless", parallelism=4), "upgradeMode is stateless"),
    "savepoints-in-pod": Loss(
        job(), job(configuration={**KEPT, "state.savepoints.dir": "file:///tmp/sp"}), "inside the JobManager's pod"
    ),
    "without-ha": Loss(
        job("last-state"),
        job("last-state", {**KEPT, "high-availability.type": "none"}),
        "high availability is disabled",
    ),
    "dropped": Loss(job(), job(allowNonRestoredState=True), "allowNonRestoredState"),
    "restored": Loss(
        job(), job(), "state after the savepoint s3://state/old is lost", {"restoreFrom": "s3://state/old"}
    ),
    "unmounted": Loss(
        mounted(CLAIM), mounted({"name": "state", "emptyDir": {}}), "which the new JobManager no longer mounts there"
    ),
    "cluster": Loss(session_cluster("2g"), session_cluster("4g"), "restarts without high availability"),
}
"""The most common losing changes, each on a job of that name; the session cluster loses the job `of-cluster`."""

LOSERS = ["of-cluster" if name == "cluster" else name for name in LOSSES]


class Plain(PlainProject):
    """The project with the stack `plain`."""

    def configure(self, jobs: Mapping[str, Any] | None = None, **config: Any) -> None:
        """Writes the stack file, and keeps the salt that the engine has written."""
        path = self.folder / "Pulumi.plain.yaml"
        content = yaml.safe_load(path.read_text()) if path.exists() else {}
        off = {"enabled": False}
        settings = {
            "context": CONTEXT,
            "kubeconfig": str(self.kubectl.kubeconfig),
            "namespaces": {"default": {"create": False}, "other": {"create": False}},
            "certManager": off,
            "prometheus": {**off, "monitors": False},
            "operator": off,
            "networkPolicies": off,
            "waitForJobs": False,
            "jobs": jobs or {},
            **config,
        }
        content["config"] = {f"flink-k8s:{key}": value for key, value in settings.items()}
        path.write_text(yaml.safe_dump(content))

    def write(self, name: str, spec: Manifest | None, kind: str = "FlinkDeployment", *, renamed: str = "") -> None:
        """Writes or deletes a job file."""
        path = self.folder / "jobs" / f"{name}.yaml"
        path.unlink(missing_ok=True)
        if spec is not None:
            manifest = {"apiVersion": "flink.apache.org/v1beta1", "kind": kind, "metadata": {"name": renamed or name}}
            path.write_text(yaml.safe_dump({**manifest, "spec": spec}))

    def deploy(self, names: Mapping[str, Loss]) -> None:
        """Deploys the jobs before their changes, whatever is deployed."""
        for path in (self.folder / "jobs").glob("*.yaml"):
            path.unlink()
        for name, loss in names.items():
            self.write(name, loss.old)
        if "cluster" in names:
            self.write("of-cluster", session_job(), "FlinkSessionJob")
        self.write("harmless", job())
        self.configure()
        done = self.pulumi("up", "--skip-preview", allow=" ".join((*LOSERS, "other-name")))
        assert done.code == 0, done.output

    def change(self, names: Mapping[str, Loss]) -> None:
        """Makes the losing changes in the files."""
        for name, loss in names.items():
            self.write(name, loss.new, renamed=loss.renamed)
        self.configure(jobs={name: loss.settings for name, loss in names.items() if loss.settings})

    def generations(self) -> dict[str, int]:
        """`namespace/name` of each Flink resource, with its UID and generation."""
        metadata = [item["metadata"] for item in self.kubectl.items("flinkdeployments,flinksessionjobs", "-A")]
        return {f"{item['namespace']}/{item['name']} {item['uid']}": item["generation"] for item in metadata}

    def spec(self, name: str) -> Manifest:
        """The spec of a FlinkDeployment."""
        return (self.kubectl.get("flinkdeployment", name, "-n", "default") or {}).get("spec", {})


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Generator[Plain]:
    with plain_project(tmp_path_factory.mktemp("plain")) as copy:
        copy.kubectl.run("create", "namespace", "other")
        project = Plain(copy.folder, copy.command, copy.kubectl)
        project.configure()
        assert project.pulumi("stack", "init", "plain").code == 0
        yield project


def refused(output: str) -> dict[str, str]:
    """The jobs that a run refuses to change, with their reasons, from the engine's closing diagnostics."""
    diagnostics = output.partition("Diagnostics:")[2]
    return dict(re.findall(r"failed: default/(\S+): STATE LOSS: (.*?)\n *to allow it", diagnostics, re.DOTALL))


def assert_only_refused(output: str, name: str) -> None:
    loser = "of-cluster" if name == "cluster" else name
    assert refused(output).keys() == {loser}
    assert LOSSES[name].reason in refused(output)[loser]
    assert f'set FLINK_K8S_ALLOW="default/{loser}"' in output


def test_losses_are_refused_and_go_through_with_an_allowance(plain: Plain):
    with step("the jobs are deployed; nothing changes afterwards"):
        plain.deploy(LOSSES)
        assert plain.pulumi("preview", "--expect-no-changes").code == 0
        before = plain.generations()
        assert len(before) == len(LOSSES) + 2
    plain.change(LOSSES)

    for name, loser in zip(LOSSES, LOSERS, strict=True):
        with step(f"preview refuses {name} with job, reason and remedy, while all others are allowed"):
            done = plain.pulumi("preview", allow=" ".join({*LOSERS} - {loser}))
            assert done.code != 0
            assert_only_refused(done.output, name)

    with step("up refuses before it changes anything"):
        done = plain.pulumi("up")
        assert done.code != 0
        assert refused(done.output)
        assert plain.generations() == before

    with step("up --skip-preview changes none of these jobs"):
        done = plain.pulumi("up", "--skip-preview")
        assert done.code != 0
        assert refused(done.output)
        assert before.items() <= plain.generations().items(), "a new job may exist beside the refused deletion"

    with step("with all allowances the changes go through, and the preview names the losses"):
        done = plain.pulumi("up", allow=" ".join(LOSERS))
        assert done.code == 0, done.output
        assert "STATE LOSS: restart from empty" in done.output
        assert plain.spec("stateless")["job"]["upgradeMode"] == "stateless"
        assert not plain.spec("deleted")
        assert plain.pulumi("preview", "--expect-no-changes").code == 0


@pytest.mark.full
@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_is_refused_without_a_preview(plain: Plain, name: str):
    one = {name: LOSSES[name]}
    plain.deploy(one)
    before = plain.generations()
    plain.change(one)
    done = plain.pulumi("up", "--skip-preview")
    assert done.code != 0
    assert_only_refused(done.output, name)
    assert before.items() <= plain.generations().items()


def test_an_allowed_change_is_not_sticky(plain: Plain):
    one = {"stateless": LOSSES["stateless"]}
    plain.deploy(one)
    plain.change(one)
    with step("the refusal of the preview has a token, which plan knows too"):
        done = plain.pulumi("preview")
        found = re.search(r'allowStateLoss: \["(default/stateless@[a-p]{8})"\]', done.output)
        assert found, done.output
        token = found[1]
        saved = plain.pulumi("preview", "--json", "--show-sames", allow="stateless").output
        preview = parse(saved[saved.index("{") : saved.rindex("}") + 1])
        allowed = allowed_by_change(preview, Operator("1.16.1", {}), [token])
        assert allowed == {"FlinkDeployment/default/stateless"}
    with step("with the token in the stack file the change goes through"):
        plain.configure(allowStateLoss=[token])
        done = plain.pulumi("up")
        assert done.code == 0, done.output
        assert plain.spec("stateless")["job"]["parallelism"] == 4
    with step("back to a job with state, and the same change again: the token stays in the file, and allows nothing"):
        plain.write("stateless", one["stateless"].old)
        assert plain.pulumi("up").code == 0
        plain.write("stateless", one["stateless"].new)
        done = plain.pulumi("up")
        assert done.code != 0
        assert refused(done.output).keys() == {"stateless"}
        assert plain.spec("stateless")["job"]["upgradeMode"] == "savepoint"
    with step("an allowance for a run is gone with it"):
        assert plain.pulumi("preview", allow="stateless").code == 0
        assert plain.pulumi("preview").code != 0


def test_a_harmless_change_passes_and_shows_its_effect(plain: Plain):
    plain.deploy({})
    plain.write("harmless", job(parallelism=8))
    done = plain.pulumi("preview")
    assert done.code == 0, done.output
    effect = r"FlinkDeployment default/harmless update .*restart from savepoint: job\.parallelism: 2 -> 8"
    assert re.search(effect, done.output)
    plain.write("harmless", job())


def test_a_suspended_job_stays_suspended(plain: Plain):
    key = "FlinkDeployment/default/harmless"
    plain.deploy({})
    with step("a run of make suspend passes the suspension"):
        plain.configure(suspension={"jobs": {key: SUSPENSION}})
        assert plain.pulumi("up", "--skip-preview").code == 0
        assert plain.spec("harmless")["job"]["state"] == "suspended"
    plain.configure()
    with step("plain preview and up keep it, and report it"):
        done = plain.pulumi("preview", "--expect-no-changes")
        assert done.code == 0, done.output
        assert f"suspended until `make resume STACK=plain`: default/harmless (since {SUSPENSION})" in done.output
        plain.write("harmless", job(parallelism=8))
        done = plain.pulumi("up")
        assert done.code == 0, done.output
        assert "stays suspended" in done.output
        assert plain.spec("harmless")["job"]["state"] == "suspended"
    with step("it stays suspended after a refresh"):
        assert plain.pulumi("refresh", "--yes", "--skip-preview").code == 0
        assert plain.pulumi("preview", "--expect-no-changes").code == 0
    with step("a run of make resume resumes it"):
        plain.configure(suspension={"jobs": {}, "about": [key]})
        done = plain.pulumi("up")
        assert done.code == 0, done.output
        assert "resume from savepoint" in done.output
        assert plain.spec("harmless")["job"].get("state") != "suspended"


def test_destroy_is_refused_until_the_jobs_are_named(plain: Plain):
    few = {name: LOSSES[name] for name in ("stateless", "cluster")}
    plain.deploy(few)
    before = plain.generations()
    with step("without the program, the engine refuses"):
        done = plain.pulumi("destroy")
        assert done.code != 0
        assert "--run-program" in done.output
    with step("with the program, it refuses jobs that are not named"):
        done = plain.pulumi("destroy", "--run-program", allow="stateless of-cluster")
        assert done.code != 0
        assert refused(done.output).keys() == {"harmless"}
        assert plain.generations() == before
    with step("with all names, everything is deleted"):
        done = plain.pulumi("destroy", "--run-program", allow="stateless of-cluster harmless")
        assert done.code == 0, done.output
        assert plain.generations() == {}
