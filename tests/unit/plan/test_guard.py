"""The guard of the program: which changes it refuses, what it prints, and what an allowance allows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from flink_k8s.plan.guard import Allowance, Guard, allowed_by_change
from flink_k8s.plan.state import Operator
from flink_k8s.plan.steps import SECRET, Operation, Preview, Step
from tests.unit.plan.cases import Manifest, batch, mounted, on, session_cluster, session_job, stateful

OPERATOR = Operator("1.16.1", {})
NOTHING_ALLOWED = Allowance()
HA = {"conf:high-availability.type": "kubernetes", "conf:high-availability.storageDir": "s3://state/ha"}

LOSSES: dict[str, tuple[Manifest, Manifest | None, str]] = {
    "deletion": (stateful(), None, "no resource references its state after the deletion"),
    "stateless": (stateful(), stateful("stateless", **{"spec.job.parallelism": 4}), "upgradeMode is stateless"),
    "savepoints in the pod": (
        mounted(),
        mounted(**{"conf:state.savepoints.dir": "file:///tmp/sp"}),
        "is inside the JobManager's pod",
    ),
    "HA off": (
        stateful("last-state"),
        stateful("last-state", **{"conf:high-availability.type": "none"}),
        "high availability is disabled",
    ),
    "dropped state": (stateful(), stateful(**{"spec.job.allowNonRestoredState": True}), "allowNonRestoredState"),
    "another savepoint": (
        stateful(),
        stateful(**{"spec.job.savepointRedeployNonce": 2, "spec.job.initialSavepointPath": "s3://state/sp"}),
        "state after the savepoint s3://state/sp is lost",
    ),
}


def urn(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    group = manifest["apiVersion"] if "/" in manifest["apiVersion"] else f"core/{manifest['apiVersion']}"
    name = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    return f"urn:pulumi:dev::flink-k8s::kubernetes:{group}:{manifest['kind']}::{name}"


def step(old: Manifest, new: Manifest | None, operation: Operation | None = None, revision: str = "u/1") -> Step:
    chosen = operation or (Operation.DELETE if new is None else Operation.UPDATE)
    return Step(chosen, urn(old), old, new, revision=revision)


def guard(*declared: Manifest | None, allowance: Allowance = NOTHING_ALLOWED) -> Guard:
    return Guard([manifest for manifest in declared if manifest], OPERATOR, allowance)


def token(refusal: str, job: str = "flink/orders") -> str:
    match = re.search(rf'"({job}@[a-p]{{8}})"', refusal)
    assert match, refusal
    return match[1]


def core(kind: str, name: str, namespace: str | None = None) -> Manifest:
    metadata: dict[str, Any] = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


class TestRefusals:
    @pytest.mark.parametrize("name", LOSSES)
    def test_a_loss_is_refused_with_job_reason_and_remedy(self, name: str) -> None:
        old, new, reason = LOSSES[name]
        refusal = guard(new).evaluate(step(old, new)).refusal
        assert refusal.startswith("flink/orders: STATE LOSS: ")
        assert reason in refusal
        assert 'set FLINK_K8S_ALLOW="flink/orders"' in refusal
        assert f'flink-k8s:allowStateLoss: ["{token(refusal)}"]' in refusal

    @pytest.mark.parametrize("allowed", ["orders", "flink/orders", "FlinkDeployment/flink/orders", "visits, orders"])
    def test_a_job_that_is_allowed_by_name_is_not_refused(self, allowed: str) -> None:
        old, new, reason = LOSSES["stateless"]
        result = guard(new, allowance=Allowance.of(allowed, ())).evaluate(step(old, new))
        assert not result.refusal
        [line] = result.effects
        assert line.startswith(f"STATE LOSS: restart from empty: state loss: {reason}")

    def test_another_job_is_not_allowed(self) -> None:
        old, new, _ = LOSSES["stateless"]
        assert guard(new, allowance=Allowance.of("visits other/orders", ())).evaluate(step(old, new)).refusal

    def test_a_replacement_is_refused(self) -> None:
        job = stateful()
        refusal = guard(job).evaluate(step(job, job, Operation.REPLACE)).refusal
        assert "STATE LOSS: replace" in refusal

    def test_a_refusal_contains_no_secret(self) -> None:
        secret = {"spec.job.args": ["--password", "hunter2-hunter2"]}
        new = stateful("stateless", **secret)
        refusal = guard(new).evaluate(step(stateful(), new)).refusal
        assert refusal
        assert "hunter2" not in refusal


class TestTokens:
    def evaluate(self, old: Manifest, new: Manifest | None, changes: Sequence[str] = (), revision: str = "u/1") -> str:
        return guard(new, allowance=Allowance((), changes)).evaluate(step(old, new, revision=revision)).refusal

    def test_a_token_allows_its_change(self) -> None:
        old, new, _ = LOSSES["stateless"]
        allowed = token(self.evaluate(old, new))
        assert not self.evaluate(old, new, [allowed])
        assert not self.evaluate(old, new, ["flink/visits@aaaaaaaa", allowed])

    def test_a_token_allows_no_other_change(self) -> None:
        old, new, _ = LOSSES["stateless"]
        allowed = token(self.evaluate(old, new))
        assert new
        assert self.evaluate(old, on(new, {"spec.job.parallelism": 8}), [allowed])
        assert self.evaluate(new, None, [allowed])
        assert self.evaluate(old, new, [allowed.replace("orders", "visits")])

    def test_a_token_does_not_allow_the_same_change_of_a_later_object(self) -> None:
        allowed = token(self.evaluate(stateful(), None, revision="u/1"))
        assert not self.evaluate(stateful(), None, [allowed], revision="u/1")
        assert self.evaluate(stateful(), None, [allowed], revision="u/3")
        assert self.evaluate(stateful(), None, [allowed], revision="v/1")

    def test_a_secret_does_not_change_the_token(self) -> None:
        """A preview in JSON hides secrets, and must have the token of the program's refusal."""
        plain = {"spec.job.args": ["--password", "hunter2-hunter2"]}
        hidden = {"spec.job.args": ["--password", SECRET]}
        new = stateful("stateless", **{"spec.job.parallelism": 4})
        tokens = {token(self.evaluate(on(stateful(), patch), on(new, patch))) for patch in (plain, hidden)}
        assert len(tokens) == 1

    def test_the_plan_of_a_preview_knows_the_allowed_changes(self) -> None:
        old, new, _ = LOSSES["stateless"]
        assert new
        deleted = on(stateful(), {"metadata.name": "visits"})
        preview = Preview((step(old, new), step(deleted, None), step(batch(), batch(), Operation.SAME)))
        allowed = token(self.evaluate(old, new))
        assert allowed_by_change(preview, OPERATOR, [allowed]) == {"FlinkDeployment/flink/orders"}
        assert allowed_by_change(preview, OPERATOR, ["flink/visits@aaaaaaaa"]) == set()


class TestEffects:
    def test_a_harmless_change_has_one_line(self) -> None:
        new = stateful(**{"spec.job.parallelism": 4})
        result = guard(new).evaluate(step(stateful(), new))
        assert result.effects == ["restart from savepoint: job.parallelism: 2 -> 4"]
        assert not result.refusal

    def test_a_job_without_state_may_be_deleted(self) -> None:
        result = guard().evaluate(step(batch(), None))
        assert result.effects == ["delete"]
        assert not result.refusal

    def test_a_job_that_was_suspended_without_state_resumes(self) -> None:
        """Its state was given up at the suspension; the resume must not require another allowance."""
        suspended = stateful("stateless", **{"spec.job.state": "suspended"})
        result = guard(stateful("stateless")).evaluate(step(suspended, stateful("stateless")))
        assert result.effects[0].startswith("resume from empty")
        assert not result.refusal
        kept = stateful("savepoint", **{"spec.job.state": "suspended"})
        assert guard(stateful("stateless")).evaluate(step(kept, stateful("stateless"))).refusal


class TestSessionClusters:
    def test_a_cluster_that_loses_a_session_job_is_refused_by_the_name_of_the_job(self) -> None:
        cluster, job = session_cluster(), session_job()
        new = on(cluster, {"spec.taskManager.resource.memory": "4g"})
        refusal = guard(new, job).evaluate(step(cluster, new)).refusal
        assert "flink/visits: STATE LOSS: restart from empty" in refusal
        assert "its session cluster cluster restarts without high availability" in refusal
        allowance = Allowance.of("visits", ())
        assert not guard(new, job, allowance=allowance).evaluate(step(cluster, new)).refusal

    def test_a_cluster_with_high_availability_recovers_its_jobs(self) -> None:
        cluster = session_cluster(**HA, **{"conf:state.checkpoints.dir": "s3://state/checkpoints"})
        new = on(cluster, {"spec.taskManager.resource.memory": "4g"})
        result = guard(new, session_job()).evaluate(step(cluster, new))
        assert not result.refusal
        assert "flink/visits: restart from last state" in result.effects

    def test_the_deletion_of_a_cluster_is_refused_while_its_job_stays(self) -> None:
        assert "flink/visits" in guard(session_job()).evaluate(step(session_cluster(), None)).refusal

    def test_a_deleted_job_does_not_count_for_the_deletion_of_its_cluster(self) -> None:
        cluster, job = session_cluster(), session_job()
        destroy = guard(cluster, job, allowance=Allowance.of("visits", ()))
        assert not destroy.evaluate(step(job, None)).refusal
        assert destroy.evaluate(step(cluster, None)).effects == ["delete"]

    def test_a_session_job_is_evaluated_with_its_cluster(self) -> None:
        cluster = session_cluster(**{"conf:state.savepoints.dir": "file:///tmp/sp"})
        old = session_job(**{"conf:state.savepoints.dir": None})
        new = on(old, {"spec.job.parallelism": 4})
        assert "inside the JobManager's pod" in guard(cluster, new).evaluate(step(old, new)).refusal


class TestStorage:
    def test_the_deletion_of_a_namespace_with_state_is_refused(self) -> None:
        namespace = core("Namespace", "flink")
        refusal = guard(stateful()).evaluate(step(namespace, None)).refusal
        assert "flink/orders: STATE LOSS" in refusal
        assert "the namespace flink is deleted with all its objects" in refusal
        assert not guard(batch()).evaluate(step(namespace, None)).refusal
        assert not guard(stateful()).evaluate(step(core("Namespace", "other"), None)).refusal

    def test_the_deletion_of_a_mounted_claim_is_refused(self) -> None:
        claim = core("PersistentVolumeClaim", "state", "flink")
        assert "the claim state is deleted with its data" in guard(mounted()).evaluate(step(claim, None)).refusal
        assert not guard(stateful()).evaluate(step(claim, None)).refusal

    def test_a_claim_that_a_job_unmounts_in_the_same_run_still_counts(self) -> None:
        both = guard(stateful(), allowance=NOTHING_ALLOWED)
        both.evaluate(step(mounted(), stateful()))
        assert both.evaluate(step(core("PersistentVolumeClaim", "state", "flink"), None)).refusal

    def test_a_destroy_needs_the_allowance_of_the_jobs_only(self) -> None:
        destroy = guard(stateful(), allowance=Allowance.of("orders", ()))
        destroy.evaluate(step(stateful(), None))
        result = destroy.evaluate(step(core("Namespace", "flink"), None))
        assert (result.effects, result.refusal) == ([], "")


def test_only_deletions_that_can_lose_state_are_guarded():
    cluster, job = session_cluster(), session_job()
    jobs = guard(stateful(), cluster, job, on(batch(), {"metadata.name": "batch"}))
    assert jobs.keeps_state(stateful())
    assert jobs.keeps_state(job)
    assert jobs.keeps_state(cluster), "its session job has state"
    assert not jobs.keeps_state(on(batch(), {"metadata.name": "batch"}))
    assert jobs.keeps_state(core("Namespace", "flink"))
    assert not jobs.keeps_state(core("Namespace", "other"))
    assert not jobs.keeps_state(core("PersistentVolumeClaim", "state", "flink"))
    assert guard(mounted()).keeps_state(core("PersistentVolumeClaim", "state", "flink"))
    assert not guard(session_cluster()).keeps_state(session_cluster())


def test_a_session_job_has_the_state_of_its_clusters_options():
    job = session_job("stateless")
    assert not guard(session_cluster(), job).keeps_state(job)
    cluster = session_cluster(**{"conf:execution.checkpointing.interval": "1 min"})
    assert guard(cluster, job).keeps_state(job)
