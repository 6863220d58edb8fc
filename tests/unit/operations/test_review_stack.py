"""`python -m flink_k8s review-stack`: the stack file that it writes, and what it refuses."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import read_config
from flink_k8s.operations import stack as stacks
from flink_k8s.operations.review_stack import write
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.job_spec import job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.snapshots.restore import UnresolvedError
from flink_k8s.snapshots.state_snapshot import StateSnapshot
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT

SAVEPOINT = "s3a://b/sandbox/flink/running-totals/savepoints/savepoint-1-2"
BASE: dict[str, Any] = {
    "operator": {"watchAllNamespaces": True},
    "stateStorage": {"type": "s3", "uri": "s3a://b"},
    "protectJobs": True,
    "jobs": {"running-totals": {"enabled": True, "parallelism": 2, "parameters": {"output": "s3a://original"}}},
}
"""The stack, as an overlay of the sandbox's."""

CHANGES: dict[str, Any] = {
    "jobs": {"running-totals": {"parallelism": 1, "parameters": {"output": "s3a://review"}}, "word-count": {}},
}


class Review:
    """A folder with the stack file of the sandbox and an overlay.

    Attributes:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copy(ROOT / "Pulumi.sandbox.yaml", root)
        shutil.copytree(ROOT / "jobs", root / "jobs")

    @property
    def file(self) -> Path:
        """The stack file of the review."""
        return self.root / "Pulumi.sandbox-pr-1.yaml"

    def write(
        self, name: str = "pr-1", base: dict[str, Any] = BASE, changes: dict[str, Any] = CHANGES, **options: Any
    ) -> str:
        """Run the command's function."""
        overlay, changed = self.root / "base.yaml", self.root / "review.yaml"
        overlay.write_text(yaml.safe_dump(base))
        changed.write_text(yaml.safe_dump(changes))
        stack = stacks.prepare("sandbox", overlay)
        return write(self.root, stack, name, overlay=overlay, changes=changed, **options)

    def job(self, name: str = "running-totals") -> Job:
        """A job that the written stack declares."""
        return next(job for job in self.declared().jobs if job.name == name)

    def declared(self) -> DeclaredStack:
        """What the written stack declares."""
        return load(ROOT, read_config(ROOT, "sandbox-pr-1", self.file))

    def values(self) -> dict[str, Any]:
        """The written config, by key without prefix."""
        content = yaml.safe_load(self.file.read_text())
        return {key.removeprefix("flink-k8s:"): value for key, value in content["config"].items()}


@pytest.fixture
def review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Review:
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "state"))
    return Review(tmp_path)


def newest(_: Stack, job: Job) -> StateSnapshot:
    return StateSnapshot(SAVEPOINT.replace("running-totals", job.name), datetime(2026, 11, 30, tzinfo=UTC))


def test_all_jobs_run_in_a_namespace_of_the_review(review: Review, capsys: pytest.CaptureFixture[str]) -> None:
    assert review.write() == "sandbox-pr-1"
    declared = review.declared()
    assert {job.key for job in declared.jobs} == {
        "FlinkDeployment/sandbox-pr-1/running-totals",
        "FlinkDeployment/sandbox-pr-1/word-count",
    }
    assert {item.namespace for item in declared.attachments} == {"sandbox-pr-1"}
    assert declared.settings.own_namespaces.keys() == {"sandbox-pr-1"}
    assert not any(part.enabled for part in declared.settings.parts.values())
    assert not any(job.is_protected for job in declared.jobs)
    totals = review.job()
    run = job_of(totals.spec) or {}
    assert run["parallelism"] == 1
    assert run["args"][-2:] == ["--output", "s3a://review"]  # type: ignore[index]
    assert "initialSavepointPath" not in run
    configuration = totals.spec["flinkConfiguration"]
    assert "s3a://b/sandbox-pr-1/" in str(configuration)
    assert "s3a://b/sandbox/" not in str(configuration)
    assert "  running-totals: starts empty\n" in capsys.readouterr().out


def test_copies_restore_the_newest_state(review: Review, capsys: pytest.CaptureFixture[str]) -> None:
    """Only jobs that keep state: the word count starts empty."""
    review.write(newest=newest)
    paths = {job.name: (job_of(job.spec) or {}).get("initialSavepointPath") for job in review.declared().jobs}
    assert paths == {"running-totals": SAVEPOINT, "word-count": None}
    assert f"  running-totals: from the savepoint of 2026-11-30T00:00:00Z, {SAVEPOINT}\n" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["execution.state-recovery.claim-mode", "execution.savepoint-restore-mode"])
def test_a_copy_never_owns_the_state_of_its_original(review: Review, key: str) -> None:
    totals = {**BASE["jobs"]["running-totals"], "flinkConfiguration": {key: "CLAIM"}}
    review.write(base={**BASE, "jobs": {"running-totals": totals}}, newest=newest)
    modes = {
        value for name, value in review.job().spec["flinkConfiguration"].items() if "mode" in name and "CLAIM" in value
    }
    assert modes == {"NO_CLAIM"}


def test_copies_use_the_bucket_and_the_role_that_the_stack_has_created(review: Review) -> None:
    created = {"account": "123456789012", "oidcProvider": "oidc.example.org/id/A"}
    storage = {"type": "s3", "uri": "s3a://acme", "region": "eu-central-1", "create": created}
    review.write(base={**BASE, "stateStorage": storage})
    written = review.values()["stateStorage"]
    assert "create" not in written
    role = "arn:aws:iam::123456789012:role/acme"
    assert written["serviceAccountAnnotations"] == {"eks.amazonaws.com/role-arn": role}


def test_parameters_of_the_drill_redirect_outputs_unless_the_changes_set_them(review: Review) -> None:
    drill = {"parameters": {"output": "s3a://drill", "sink": "copy"}, "allowNonRestoredState": True}
    base = {**BASE, "jobs": {"running-totals": {**BASE["jobs"]["running-totals"], "drill": drill}}}
    review.write(base=base, changes={}, names=["running-totals"], newest=newest)
    own = review.values()["jobs"]["running-totals"]
    assert own["parameters"] == {"output": "s3a://drill", "sink": "copy"}
    assert own["spec"] == {"job": {"allowNonRestoredState": True}}
    assert "drill" not in own
    review.write(base=base, names=["running-totals"])
    assert review.values()["jobs"]["running-totals"]["parameters"] == {"output": "s3a://review", "sink": "copy"}


@pytest.mark.parametrize(
    ("base", "output", "message"),
    [
        ({}, "s3a://original", "running-totals: the copy has the values of the original for output"),
        ({"enforced": {"parameters": {"output": "x"}}}, "s3a://review", "enforced sets the parameter output"),
    ],
    ids=["the same value", "enforced"],
)
def test_parameters_that_redirect_nothing_are_refused(
    review: Review, base: dict[str, Any], output: str, message: str
) -> None:
    changes = {"jobs": {**CHANGES["jobs"], "running-totals": {"parameters": {"output": output}}}}
    with pytest.raises(CommandError, match=rf"(?s)write to the outputs of their originals:.*{message}"):
        review.write(base={**BASE, **base}, changes=changes)
    assert not review.file.exists()


def test_other_jobs_are_disabled(review: Review) -> None:
    review.write(names=["word-count"])
    assert [job.name for job in review.declared().jobs] == ["word-count"]


def test_an_unambiguous_key_names_the_job_in_the_review(review: Review) -> None:
    def full(jobs: dict[str, Any]) -> dict[str, Any]:
        return {f"FlinkDeployment/flink/{name}": settings for name, settings in jobs.items()}

    review.write(base={**BASE, "jobs": full(BASE["jobs"])}, changes={"jobs": full(CHANGES["jobs"])})
    assert len(review.declared().jobs) == 2
    assert (job_of(review.job().spec) or {})["parallelism"] == 1


def test_a_job_whose_outputs_nothing_redirects_is_refused(review: Review) -> None:
    with pytest.raises(CommandError, match=r"(?s)outputs of their originals.*CHANGES=file.*  jobs\.word-count: "):
        review.write(changes={"jobs": {"running-totals": CHANGES["jobs"]["running-totals"]}})
    assert not review.file.exists()


@pytest.mark.parametrize(
    "option", ["execution.checkpointing.savepoint-dir", "state.savepoints.dir", "high-availability.storageDir"]
)
def test_a_directory_that_is_set_for_original_and_copy_is_refused(review: Review, option: str) -> None:
    totals = {**BASE["jobs"]["running-totals"], "flinkConfiguration": {option: "s3a://b/own"}}
    with pytest.raises(CommandError, match=r"(?s)share the state.*  s3a://b/own \(job running-totals\)"):
        review.write(base={**BASE, "jobs": {"running-totals": totals}})
    assert not review.file.exists()


def test_jobs_of_one_name_in_several_namespaces_are_refused(review: Review) -> None:
    """All copies are in one namespace."""
    shutil.copy(ROOT / "jobs" / "word_count.yaml", review.root / "jobs" / "z_word_count.yaml")
    with pytest.raises(ProblemsError, match=r'"word-count" is also declared in jobs/word_count\.yaml'):
        review.write()
    assert not review.file.exists()


@pytest.mark.parametrize(
    ("find", "message"),
    [
        (UnresolvedError("the job has no savepoint"), "running-totals: the job has no savepoint"),
        ("file:///state/savepoint-1", "is on a volume"),
    ],
    ids=["none", "volume"],
)
def test_state_that_cannot_be_restored_is_refused(review: Review, find: UnresolvedError | str, message: str) -> None:
    def found(_stack: Stack, _job: Job) -> StateSnapshot:
        if isinstance(find, UnresolvedError):
            raise find
        return StateSnapshot(find, datetime.now(UTC))

    with pytest.raises(CommandError, match=rf"(?s)without RESTORE=1.*{message}"):
        review.write(newest=found)
    assert not review.file.exists()


def test_an_operator_that_would_not_see_the_copies_is_refused(review: Review) -> None:
    without = {key: value for key, value in BASE.items() if key != "operator"}
    with pytest.raises(CommandError, match=r"watchAllNamespaces: true} in Pulumi\.sandbox\.yaml"):
        review.write(base=without)
    review.write(base={**without, "operator": {"enabled": False}})


@pytest.mark.parametrize("name", ["pr 42", "x" * 60, "../pr"])
def test_a_name_that_is_no_namespace_is_refused(review: Review, name: str) -> None:
    with pytest.raises(CommandError, match=r'the namespace of the review would be "sandbox-.*", which is not'):
        review.write(name)


def test_a_name_with_dots_and_capitals_gets_a_valid_namespace(review: Review) -> None:
    assert review.write("PR_4.2") == "sandbox-PR_4.2"
    assert list(
        yaml.safe_load((review.root / "Pulumi.sandbox-PR_4.2.yaml").read_text())["config"]["flink-k8s:namespaces"]
    ) == ["sandbox-pr-4-2"]


def test_only_a_file_of_this_command_is_overwritten(review: Review) -> None:
    review.write()
    review.write(names=["word-count"])
    review.file.write_text("config: {}\n")
    with pytest.raises(CommandError, match="exists, and is not a review stack of sandbox"):
        review.write()
    assert review.file.read_text() == "config: {}\n"


def test_a_stack_of_jobs_becomes_independent_of_its_platform(review: Review) -> None:
    """It keeps the platform's settings for all jobs, and owns its namespace."""
    platform = yaml.safe_load((ROOT / "Pulumi.sandbox.yaml").read_text())
    values = {"context": "bare", "operator": BASE["operator"], "stateStorage": BASE["stateStorage"]}
    values |= {"enforced": {"parallelism": 1}, "jobDefaults": {"env": {"A": "platform", "B": "platform"}}}
    platform["config"] = {f"flink-k8s:{key}": value for key, value in values.items()}
    (review.root / "Pulumi.shared.yaml").write_text(yaml.safe_dump(platform))
    own = {"platform": "shared", "jobDefaults": {"env": {"A": "team"}}, "enforced": {"parallelism": 2}}
    own |= {"jobs": {"running-totals": {"enabled": False}}}
    team = {"config": {f"flink-k8s:{key}": value for key, value in own.items()}}
    (review.root / "Pulumi.sandbox.yaml").write_text(yaml.safe_dump(team))
    changes = review.root / "review.yaml"
    changes.write_text("jobs: {word-count: {}}")
    base = Stack("sandbox", changes, load(review.root, read_config(review.root, "sandbox")))
    write(review.root, base, "pr-1", changes=changes)
    values = review.values()
    assert "platform" not in values
    assert values["context"] == "bare"
    assert values["jobDefaults"] == {"env": {"A": "team", "B": "platform"}}
    assert values["enforced"]["parallelism"] == 1
    assert values["stateStorage"]["folder"] == "sandbox-pr-1"
    [job] = load(ROOT, read_config(ROOT, "sandbox-pr-1", review.file)).jobs
    assert job.key == "FlinkDeployment/sandbox-pr-1/word-count"
