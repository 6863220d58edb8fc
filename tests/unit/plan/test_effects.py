"""The effect of each change: the table of cases, and its agreement with the operator's annotations."""

from __future__ import annotations

import pytest

from flink_k8s.plan.effects import Effect, added, changed, deleted, replaced
from flink_k8s.plan.spec_changes import Diff, aggregate, compare
from flink_k8s.plan.state import DeclaredJob, Operator
from tests.e2e.validator.corpus import GONE
from tests.unit.plan.cases import CASES, Case, blue_green, stateful

TODAY = Operator("1.16.1", {})


def job(manifest: dict, operator: Operator = TODAY) -> DeclaredJob:
    return DeclaredJob.of(manifest, operator)


PAIRS = [(case, operator) for case in CASES for operator in case.operators]


@pytest.mark.parametrize(("case", "operator"), PAIRS, ids=[f"{case.title} [{operator}]" for case, operator in PAIRS])
def test_effect_of_each_case(case: Case, operator: str) -> None:
    at = Operator(operator, case.defaults)
    outcome = changed(job(case.old, at), job(case.new, at), metadata=True)
    actual = " | ".join([outcome.loss, *outcome.notes])
    assert (outcome.effect, bool(outcome.loss)) == (case.effect, case.loses), actual
    assert case.says in actual


def test_cases_cover_all_effects_of_an_update() -> None:
    assert len(CASES) >= 40
    others = {Effect.NOTHING, Effect.NEW, Effect.NEW_FROM_PATH, Effect.DELETE, Effect.DELETE_WITH_SAVEPOINT}
    others |= {Effect.REPLACE, Effect.DELETE_REFUSED, Effect.REPLACE_REFUSED}
    assert {case.effect for case in CASES} == set(Effect) - others


@pytest.mark.parametrize("effect", [Effect.METADATA, Effect.NO_RESTART])
def test_effects_without_a_restart_are_changes_that_the_operator_ignores(effect: Effect) -> None:
    """Changes that the operator acts on have other effects; a suspended job stays suspended."""
    for case, operator in PAIRS:
        diff = aggregate(compare(case.compares, case.old_spec(), case.new_spec(), operator))
        if case.effect is effect:
            assert diff is Diff.IGNORE, case.title
        elif case.effect not in (Effect.METADATA, Effect.NO_RESTART, Effect.STAYS_SUSPENDED):
            assert diff is not Diff.IGNORE, case.title


def test_changed_fields_have_both_values() -> None:
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
    def test_a_deletion_loses_state(self) -> None:
        outcome = deleted(job(stateful()), protected=False)
        assert outcome.effect is Effect.DELETE
        assert outcome.loss

    def test_a_savepoint_on_deletion_keeps_state(self) -> None:
        manifest = stateful(**{"conf:kubernetes.operator.job.savepoint-on-deletion": "true"})
        outcome = deleted(job(manifest), protected=False)
        assert outcome.effect is Effect.DELETE_WITH_SAVEPOINT
        assert not outcome.loss
        assert "s3://state/savepoints" in outcome.notes[0]

    def test_a_savepoint_on_deletion_needs_a_directory(self) -> None:
        conf = {"conf:kubernetes.operator.job.savepoint-on-deletion": "true", "conf:state.savepoints.dir": GONE}
        assert deleted(job(stateful("last-state", **conf)), protected=False).effect is Effect.STUCK

    @pytest.mark.parametrize("directory", ["s3://state/savepoints", GONE])
    def test_a_blue_green_deployment_takes_no_savepoint_on_deletion(self, directory: object) -> None:
        """It does not wait for one either: its JobManager is deleted first (docs/state.md)."""
        settings = {
            "conf:kubernetes.operator.job.savepoint-on-deletion": "true",
            "conf:state.savepoints.dir": directory,
        }
        outcome = deleted(job(blue_green("last-state", **settings)), protected=False)
        assert outcome.effect is Effect.DELETE
        assert outcome.loss

    def test_the_operators_configuration_enables_savepoint_on_deletion(self) -> None:
        operator = Operator("1.16.1", {"kubernetes.operator.job.savepoint-on-deletion": "true"})
        assert not deleted(job(stateful(), operator), protected=False).loss

    def test_a_job_without_state_loses_nothing(self) -> None:
        manifest = stateful("stateless", **{"conf:execution.runtime-mode": "BATCH"})
        assert deleted(job(manifest), protected=False).loss == ""

    def test_a_job_suspended_by_savepoint_keeps_its_savepoint(self) -> None:
        manifest = stateful(**{"spec.job.state": "suspended"})
        assert not deleted(job(manifest), protected=False).loss

    def test_a_job_suspended_by_last_state_loses_its_metadata(self) -> None:
        conf = {"spec.job.state": "suspended", "conf:kubernetes.operator.job.savepoint-on-deletion": "true"}
        assert deleted(job(stateful("last-state", **conf)), protected=False).loss

    def test_a_protected_job_is_refused(self) -> None:
        outcome = deleted(job(stateful()), protected=True)
        assert outcome.effect is Effect.DELETE_REFUSED
        assert not outcome.loss


class TestReplaced:
    def test_a_replacement_starts_empty(self) -> None:
        outcome = replaced(job(stateful()), job(stateful()), ["metadata.name"], protected=False)
        assert outcome.effect is Effect.REPLACE
        assert "starts empty" in outcome.loss
        assert "because of metadata.name" in outcome.notes

    def test_a_replacement_does_not_restore_the_savepoint_on_deletion(self) -> None:
        manifest = stateful(**{"conf:kubernetes.operator.job.savepoint-on-deletion": "true"})
        outcome = replaced(job(manifest), job(manifest), [], protected=False)
        assert outcome.loss
        assert "a savepoint of the old job stays in s3://state/savepoints" in outcome.notes

    def test_a_blue_green_deployment_leaves_no_savepoint(self) -> None:
        manifest = blue_green(**{"conf:kubernetes.operator.job.savepoint-on-deletion": "true"})
        outcome = replaced(job(manifest), job(manifest), [], protected=False)
        assert outcome.loss
        assert not outcome.notes

    def test_a_protected_job_is_refused(self) -> None:
        assert replaced(job(stateful()), job(stateful()), [], protected=True).effect is Effect.REPLACE_REFUSED


def test_a_new_job_may_start_from_a_path() -> None:
    assert added(job(stateful())).effect is Effect.NEW
    outcome = added(job(stateful(**{"spec.job.initialSavepointPath": "s3://b/s"})))
    assert outcome.effect is Effect.NEW_FROM_PATH
    assert outcome.notes == ("starts from s3://b/s",)


def test_an_unknown_operator_uses_the_default_tables() -> None:
    at = Operator("9.9.9", {})
    new = stateful(**{"spec.job.parallelism": 4})
    assert changed(job(stateful(), at), job(new, at)).effect is Effect.FROM_SAVEPOINT


@pytest.mark.parametrize(("name", "is_noted"), [("a-sql-0123456789", False), ("a-sql-fedcba9876", True)])
def test_changed_sql_statements_may_not_fit_the_state(name: str, is_noted: bool) -> None:
    def with_script(config_map: str, parallelism: int) -> DeclaredJob:
        volumes = [{"name": "sql", "configMap": {"name": config_map}}]
        pod = {"spec": {"volumes": volumes}}
        return job(stateful(**{"spec.jobManager.podTemplate": pod, "spec.job.parallelism": parallelism}))

    outcome = changed(with_script("a-sql-0123456789", 1), with_script(name, 2))
    assert outcome.effect is Effect.FROM_SAVEPOINT
    assert any(note.startswith("the SQL statements change") for note in outcome.notes) is is_noted
