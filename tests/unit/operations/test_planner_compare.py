"""Whether a savepoint fits changed statements: the plans of Flink's planner, and the answer of `plan`.

A run of Flink 2.2.1 with a savepoint of the old statements has confirmed each certain result (docs/adr/0012).
"""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.facts.artifacts import MAVEN_CENTRAL
from flink_k8s.operations.plan.preview import parse
from flink_k8s.operations.planner.compare import compared
from flink_k8s.plan.effects import Effect
from flink_k8s.plan.plan import JobPlan, plan
from flink_k8s.plan.sql_state import Fit, StateFit
from flink_k8s.plan.state import Operator
from flink_k8s.plan.steps import Preview
from flink_k8s.resolve.sql import SQL_DRIVER, script_in, steps
from tests.unit.operations.flink_planner import require_planner
from tests.unit.plan.cases import session_cluster, session_job, stateful
from tests.unit.plan.test_plan import step

TABLES = """\
CREATE TABLE o (id BIGINT, name STRING, v INT, f BIGINT, at AS PROCTIME(), et AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR et AS et) WITH ('connector' = 'datagen');
CREATE TABLE p (id BIGINT, w INT) WITH ('connector' = 'datagen');
CREATE TABLE s (a BIGINT, n BIGINT, m BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE t (a BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE q (a BIGINT, n BIGINT) WITH ('connector' = 'print');
""".replace(" at ", " now_ ")
OTHER = "CREATE TABLE r (id BIGINT, w BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1');\n"
TOTALS = "INSERT INTO s SELECT id % 10, COUNT(*), SUM(f) FROM o WHERE id > 3 GROUP BY id % 10"
COUNTS = "INSERT INTO t SELECT id % 10, COUNT(*) FROM o GROUP BY id % 10"
JOIN = "INSERT INTO t SELECT o.id, p.w FROM o JOIN p ON o.id = p.id"
WINDOWS = "INSERT INTO t SELECT SUM(f), COUNT(*) FROM TABLE(TUMBLE(TABLE o, DESCRIPTOR(et), INTERVAL '1' SECOND)) GROUP BY window_start, window_end"

CASES: dict[str, tuple[str, str, Fit, str]] = {
    "another constant": (TOTALS, TOTALS.replace("> 3", "> 300"), Fit.KEEPS, "the operators with state are the same"),
    "other names": (
        TOTALS,
        TOTALS.replace("SUM(f)", "SUM(f) AS total"),
        Fit.KEEPS,
        "the operators with state are the same",
    ),
    "another sink without state": (
        COUNTS,
        COUNTS.replace("INTO t", "INTO q"),
        Fit.KEEPS,
        "the operators with state are the same",
    ),
    "one more aggregate": (
        TOTALS,
        TOTALS.replace("SUM(f)", "SUM(f) + SUM(v)"),
        Fit.LOSES,
        "GroupAggregate has another number of aggregates",
    ),
    "another type of the key": (
        TOTALS.replace("id % 10", "v % 10"),
        "INSERT INTO s SELECT COUNT(*), SUM(v), SUM(f) FROM o WHERE id > 3 GROUP BY name",
        Fit.LOSES,
        "GroupAggregate has a key of other types",
    ),
    "another operator": (
        COUNTS,
        "INSERT INTO t SELECT k, f FROM (SELECT id % 10 AS k, f, ROW_NUMBER() OVER (PARTITION BY id % 10 ORDER BY now_ ASC) AS r FROM o) WHERE r = 1",
        Fit.LOSES,
        "Deduplicate takes the place of GroupAggregate",
    ),
    "other columns of a join": (
        JOIN,
        JOIN.replace("o.id, p.w", "o.f, p.w"),
        Fit.LOSES,
        "Join keeps rows with other columns",
    ),
    "another shape of the job": (
        WINDOWS,
        WINDOWS.replace("SUM(f)", "SUM(f) + MAX(v)"),
        Fit.LOSES,
        "the changed queries have other operators, and none takes over the state of GlobalWindowAggregate",
    ),
    "another aggregate": (TOTALS, TOTALS.replace("SUM(f)", "MAX(f)"), Fit.UNKNOWN, "GroupAggregate changes (aggCalls)"),
    "another source": (
        "INSERT INTO t SELECT id, id FROM p",
        OTHER + "INSERT INTO t SELECT id, id FROM r",
        Fit.UNKNOWN,
        "Source: p changes (rows-per-second)",
    ),
}


UNPLANNABLE: dict[str, tuple[str, str, str]] = {
    "a connector of the image": (
        "CREATE TABLE x (a INT) WITH ('connector' = 'own'); INSERT INTO x SELECT 1",
        TABLES + COUNTS,
        "Flink's planner cannot plan the old statements on this machine",
    ),
    "IDs of earlier plans": (
        TABLES + TOTALS,
        "SET 'table.exec.uid.generation' = 'ALWAYS';" + TABLES + TOTALS,
        "table.exec.uid.generation is ALWAYS",
    ),
}


def changed_jobs(scripts: Mapping[str, tuple[str, str]], **patch: object) -> Preview:
    """A preview of jobs whose scripts change."""
    changes: list[dict[str, Any]] = []
    for name, texts in scripts.items():
        manifests: list[dict[str, Any]] = []
        for index, text in enumerate(texts):
            config_map = f"{name}-sql-{index:010x}"
            pod = {"spec": {"volumes": [{"name": "sql", "configMap": {"name": config_map}}]}}
            fields: dict[str, Any] = {"spec.jobManager.podTemplate": pod, "spec.flinkVersion": "v2_2", **patch}
            manifest = stateful(**fields)
            manifests.append({**manifest, "metadata": {**manifest["metadata"], "name": name}})
            metadata = {"name": config_map, "namespace": manifest["metadata"]["namespace"]}
            data = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {f"{name}.sql": text}}
            changes.append(step("create", None, data) if index else step("delete", data, None))
        changes.append(step("update", *manifests))
    return parse(json.dumps({"steps": changes}))


def _with_tables(*scripts: str) -> tuple[str, str]:
    old, new = (TABLES + text for text in scripts)
    return old, new


@pytest.fixture(scope="module")
def fits() -> dict[str, StateFit]:
    """The results of all cases; one planner plans all."""
    require_planner()
    pairs = {title: _with_tables(*case[:2]) for title, case in CASES.items()} | {
        title: case[:2] for title, case in UNPLANNABLE.items()
    }
    jobs = {title.lower().replace(" ", "-"): pair for title, pair in pairs.items()}
    results = compared(changed_jobs(jobs), MAVEN_CENTRAL)
    by_name = {urn.rpartition("/")[2]: fit for urn, fit in results.items()}
    return {title: by_name[name] for title, name in zip(pairs, jobs, strict=True)}


@pytest.mark.parametrize("title", CASES)
def test_savepoint_fits_if_the_operators_with_state_are_the_same(fits: dict[str, StateFit], title: str) -> None:
    _, _, fit, reason = CASES[title]
    assert (fits[title].fit, fits[title].reason[: len(reason)]) == (fit, reason)


@pytest.mark.parametrize("title", UNPLANNABLE)
def test_it_is_not_known_whether_statements_without_a_plan_fit(fits: dict[str, StateFit], title: str) -> None:
    assert (fits[title].fit, fits[title].reason[: len(UNPLANNABLE[title][2])]) == (Fit.UNKNOWN, UNPLANNABLE[title][2])


def changed_job(fit: StateFit | None, **patch: object) -> JobPlan:
    """The plan of a job whose script changes."""
    preview = changed_jobs({"a": (TABLES + TOTALS, TABLES + COUNTS)}, **patch)
    [urn] = [change.urn for change in preview.steps if change.kind == "FlinkDeployment"]
    [job] = plan(preview, Operator("1.16.1", {}), scripts={urn: fit} if fit else None).jobs
    return job


LOST = StateFit(Fit.LOSES, "Join keeps rows with other columns")


def test_plan_reports_the_loss_of_state() -> None:
    job = changed_job(LOST)
    assert job.outcome.effect is Effect.FROM_SAVEPOINT
    assert job.outcome.loss == "the SQL statements change: Join keeps rows with other columns"
    assert any("upgradeMode stateless starts it empty" in note for note in job.outcome.notes)


@pytest.mark.parametrize("fit", [StateFit(Fit.KEEPS, "x"), StateFit(Fit.UNKNOWN, "x")])
def test_plan_reports_whether_state_is_kept(fit: StateFit) -> None:
    job = changed_job(fit)
    assert job.outcome.loss == ""
    assert f"the SQL statements change: {fit.fit.value}: x" in job.outcome.notes


def test_plan_of_a_suspended_job_reports_the_loss_that_its_resume_does_not_show() -> None:
    job = changed_job(LOST, **{"spec.job.state": "suspended"})
    assert (job.outcome.effect, bool(job.outcome.loss)) == (Effect.STAYS_SUSPENDED, True)


def test_guard_does_not_know_whether_the_state_fits() -> None:
    job = changed_job(None)
    [note] = [note for note in job.outcome.notes if note.startswith("the SQL statements change: ")]
    assert "not known whether the state fits: the job fails at its start if" in note


def test_script_that_the_preview_does_not_contain_is_not_known() -> None:
    preview = changed_jobs({"a": (TABLES + TOTALS, TABLES + COUNTS)})
    only_job = Preview(tuple(change for change in preview.steps if change.kind != "ConfigMap"))
    [fit] = compared(only_job, MAVEN_CENTRAL).values()
    assert fit == StateFit(Fit.UNKNOWN, "the old or the new script is not known")


def test_plan_without_java_reports_that_it_is_not_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    [fit] = compared(changed_jobs({"a": (TABLES + TOTALS, TABLES + COUNTS)}), MAVEN_CENTRAL).values()
    assert fit.fit is Fit.UNKNOWN
    assert fit.reason.startswith("the plans are not compared: JAVA_HOME is")


@pytest.mark.parametrize("knows_cluster", [True, False])
def test_script_on_a_session_cluster_has_its_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, knows_cluster: bool
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    jobs = [session_job() for _ in range(2)]
    for job, script in zip(jobs, (TOTALS, COUNTS), strict=True):
        job["spec"]["job"] |= {"entryClass": SQL_DRIVER, "args": ["--script", TABLES + script]}
    cluster = session_cluster()
    steps_of_jobs = [step("update", *jobs), *([step("same", cluster, cluster)] if knows_cluster else [])]
    [fit] = compared(parse(json.dumps({"steps": steps_of_jobs})), MAVEN_CENTRAL).values()
    reason = "the plans are not compared: JAVA_HOME" if knows_cluster else "the old or the new script is not known"
    assert fit.reason.startswith(reason)


def test_script_of_the_python_program_is_that_of_the_file() -> None:
    script = "SET 'a' = 'it''s';\nCREATE TABLE t (a INT);\nBEGIN STATEMENT SET;\nINSERT INTO t SELECT 1;\nINSERT INTO t SELECT 2;\nEND"
    assert script_in({"data": {"a.json": json.dumps(steps(script))}}) == script
    assert script_in({"data": {"a.sql": script}}) == script
    assert script_in({"data": {"a.properties": "x"}}) is None
