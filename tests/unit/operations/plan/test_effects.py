"""The effect of each change: the table, and that it says what the operator's annotations say."""

from __future__ import annotations

import pytest

from flink_k8s.operations.plan.effects import Effect, added, changed, deleted, replaced
from flink_k8s.operations.plan.spec_changes import Diff, aggregate, compare
from flink_k8s.operations.plan.state import DeclaredJob, Operator
from tests.e2e.validator.corpus import GONE
from tests.unit.operations.plan.cases import CASES, Case, blue_green, stateful

TODAY = Operator("1.16.1", {})


def job(manifest: dict, operator: Operator = TODAY) -> DeclaredJob:
    return DeclaredJob.of(manifest, operator)


PAIRS = [(case, operator) for case in CASES for operator in case.operators]


@pytest.mark.parametrize(("case", "operator"), PAIRS, ids=[f"{case.title} [{operator}]" for case, operator in PAIRS])
def test_the_table(case: Case, operator: str) -> None:
    at = Operator(operator, case.defaults)
    outcome = changed(job(case.old, at), job(case.new, at), metadata=True)
    said = " | ".join([outcome.loss, *outcome.notes])
    assert (outcome.effect, bool(outcome.loss)) == (case.effect, case.loses), said
    assert case.says in said


def test_there_are_enough_cases_and_all_effects_of_an_update_are_among_them() -> None:
    assert len(CASES) >= 40
    others = {Effect.NOTHING, Effect.NEW, Effect.NEW_FROM_PATH, Effect.DELETE, Effect.DELETE_WITH_SAVEPOINT}
    others |= {Effect.REPLACE, Effect.DELETE_REFUSED, Effect.REPLACE_REFUSED}
    assert {case.effect for case in CASES} == set(Effect) - others


@pytest.mark.parametrize("effect", [Effect.METADATA, Effect.NO_RESTART])
def test_what_does_not_restart_is_what_the_operator_ignores(effect: Effect) -> None:
    """The other way round as well: whatever the operator acts on has another effect; a suspended job is left asleep."""
    for case, operator in PAIRS:
        diff = aggregate(compare(case.compares, case.old_spec(), case.new_spec(), operator))
        if case.effect is effect:
            assert diff is Diff.IGNORE, case.title
        elif case.effect not in (Effect.METADATA, Effect.NO_RESTART, Effect.STAYS_SUSPENDED):
            assert diff is not Diff.IGNORE, case.title


def test_the_fields_that_cause_it_are_named_with_both_values() -> None:
    old, new = stateful(), stateful(**{"spec.job.parallelism": 4, "conf:a.b": "c"})
    changes = changed(job(old), job(new)).changes
    assert [(change.field, change.old, change.new) for change in changes] == [
        ("flinkConfiguration.a.b", None, "c"),
        ("job.parallelism", 2, 4),
    ]


def test_nested_configuration_is_the_same_as_flat() -> None:
    old = stateful()
    new = stateful()
    new["spec"]["flinkConfiguration"]["execution"] = {"checkpointing": {"interval": "1 min"}}
    del new["spec"]["flinkConfiguration"]["execution.checkpointing.interval"]
    assert changed(job(old), job(new)).effect is Effect.NOTHING


class TestDeleted:
    def test_state_goes_with_the_resource(self) -> None:
        outcome = deleted(job(stateful()), protected=False)
        assert outcome.effect is Effect.DELETE
        assert outcome.loss

    def test_not_with_a_savepoint_on_deletion(self) -> None:
        manifest = stateful(**{"conf:kubernetes.operator.job.savepoint-on-deletion": "true"})
        outcome = deleted(job(manifest), protected=False)
        assert outcome.effect is Effect.DELETE_WITH_SAVEPOINT
        assert not outcome.loss
        assert "s3://state/savepoints" in outcome.notes[0]

    def test_a_savepoint_on_deletion_wants_a_directory(self) -> None:
        conf = {"conf:kubernetes.operator.job.savepoint-on-deletion": "true", "conf:state.savepoints.dir": GONE}
        assert deleted(job(stateful("last-state", **conf)), protected=False).effect is Effect.STUCK

    @pytest.mark.parametrize("directory", ["s3://state/savepoints", GONE])
    def test_a_blue_green_deployment_takes_none_as_it_goes(self, directory: object) -> None:
        """Nor does it wait for one: its JobManager goes first (docs/state.md)."""
        said = {"conf:kubernetes.operator.job.savepoint-on-deletion": "true", "conf:state.savepoints.dir": directory}
        outcome = deleted(job(blue_green("last-state", **said)), protected=False)
        assert outcome.effect is Effect.DELETE
        assert outcome.loss

    def test_the_operators_own_configuration_may_say_so(self) -> None:
        operator = Operator("1.16.1", {"kubernetes.operator.job.savepoint-on-deletion": "true"})
        assert not deleted(job(stateful(), operator), protected=False).loss

    def test_a_job_without_state_has_none_to_lose(self) -> None:
        manifest = stateful("stateless", **{"conf:execution.runtime-mode": "BATCH"})
        assert deleted(job(manifest), protected=False).loss == ""

    def test_suspended_by_savepoint_it_has_one(self) -> None:
        manifest = stateful(**{"spec.job.state": "suspended"})
        assert not deleted(job(manifest), protected=False).loss

    def test_suspended_by_last_state_its_metadata_goes(self) -> None:
        conf = {"spec.job.state": "suspended", "conf:kubernetes.operator.job.savepoint-on-deletion": "true"}
        assert deleted(job(stateful("last-state", **conf)), protected=False).loss

    def test_the_engine_refuses_a_protected_one(self) -> None:
        outcome = deleted(job(stateful()), protected=True)
        assert outcome.effect is Effect.DELETE_REFUSED
        assert not outcome.loss


class TestReplaced:
    def test_the_new_one_starts_empty(self) -> None:
        outcome = replaced(job(stateful()), job(stateful()), ["metadata.name"], protected=False)
        assert outcome.effect is Effect.REPLACE
        assert "starts empty" in outcome.loss
        assert "because of metadata.name" in outcome.notes

    def test_a_savepoint_on_deletion_does_not_reach_the_new_one(self) -> None:
        manifest = stateful(**{"conf:kubernetes.operator.job.savepoint-on-deletion": "true"})
        outcome = replaced(job(manifest), job(manifest), [], protected=False)
        assert outcome.loss
        assert "a savepoint of the old job stays in s3://state/savepoints" in outcome.notes

    def test_a_blue_green_deployment_leaves_no_savepoint(self) -> None:
        manifest = blue_green(**{"conf:kubernetes.operator.job.savepoint-on-deletion": "true"})
        outcome = replaced(job(manifest), job(manifest), [], protected=False)
        assert outcome.loss
        assert not outcome.notes

    def test_the_engine_refuses_a_protected_one(self) -> None:
        assert replaced(job(stateful()), job(stateful()), [], protected=True).effect is Effect.REPLACE_REFUSED


def test_a_new_job_may_start_from_a_path() -> None:
    assert added(job(stateful())).effect is Effect.NEW
    outcome = added(job(stateful(**{"spec.job.initialSavepointPath": "s3://b/s"})))
    assert outcome.effect is Effect.NEW_FROM_PATH
    assert outcome.notes == ("starts from s3://b/s",)


def test_an_unknown_operator_is_taken_for_the_default_one() -> None:
    at = Operator("9.9.9", {})
    new = stateful(**{"spec.job.parallelism": 4})
    assert changed(job(stateful(), at), job(new, at)).effect is Effect.FROM_SAVEPOINT
