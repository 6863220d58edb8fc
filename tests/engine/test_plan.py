"""`make plan` by the real engine's own previews: every change of the plan's table, and those that a table cannot have.

The operator is a stand-in: what the engine and the API server make of each change is what is asked here. That the
operator then does what was planned is tested in test_plan_and_operator.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.plan.effects import Effect
from tests.project import Done, Project
from tests.unit.plan.cases import CASES, Case, Manifest, batch, stateful

VERSION = "1.16.1"
"""Of the operator: the sandbox's own."""


def is_refused(case: Case) -> bool:
    """Whether it is bad input, which the program refuses before there is a preview.

    High availability's folder without its type is, and so are checkpoints that Flink deletes as the operator cancels
    their job; of the cases that speak of those none is left here.
    """
    retention = "execution.checkpointing.externalized-checkpoint-retention"
    return "conf:high-availability.type=" in case.title or retention in str((case.old, case.new))


TABLE = {
    f"case-{number}": case
    for number, case in enumerate(CASES)
    if VERSION in case.operators and not case.defaults and not is_refused(case)
}

THE_ENGINE_SEES_NONE = (
    "FlinkDeployment savepoint: spec.image=shop/orders:1",
    "FlinkDeployment savepoint: conf:taskmanager.numberOfTaskSlots=2",
    # What keeps state is restarted by the platform's profile anyway.
    "FlinkDeployment savepoint: conf:kubernetes.operator.job.restart.failed=true",
)
"""Changes of a manifest after which the resource is what it was."""

LEAVES_THE_PROFILE = "FlinkDeployment savepoint: spec.job.upgradeMode=stateless"
"""Of a job that runs, no reason to restart to the operator; but the platform's settings for jobs that keep state go."""

PROTECTED = "protected"


def expected(case: Case) -> str:
    """The effect, as a plan's line has it."""
    if case.title in THE_ENGINE_SEES_NONE:
        return Effect.NOTHING.value
    if case.title == LEAVES_THE_PROFILE and case.effect is Effect.NO_RESTART:
        return f"STATE LOSS: {Effect.FROM_EMPTY.value}"
    return f"{'STATE LOSS: ' if case.loses else ''}{case.effect.value}"


def one_of_each_effect() -> dict[str, Case]:
    """The first case of each effect."""
    first: dict[str, str] = {}
    for name, case in TABLE.items():
        first.setdefault(expected(case), name)
    return {name: TABLE[name] for name in first.values()}


def named(manifest: Manifest, name: str, namespace: str = "flink") -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "name": name, "namespace": namespace}}


def before(table: Mapping[str, Case]) -> list[Manifest]:
    """The jobs that are up."""
    saved = stateful(**{"conf:kubernetes.operator.job.savepoint-on-deletion": "true"})
    others = {PROTECTED: stateful(), "goes": stateful(), "goes-saved": saved, "goes-too": batch(), "moves": MOVES}
    return [named(case.old, name) for name, case in table.items()] + [named(job, name) for name, job in others.items()]


def after(table: Mapping[str, Case]) -> list[Manifest]:
    """What they become: most change, three go, one comes, one goes to another namespace."""
    new = batch(**{"spec.image": "shop/comes:1"})
    others = [named(stateful(), PROTECTED), named(new, "comes"), named(MOVES, "moves", "team")]
    return [named(case.new, name) for name, case in table.items()] + others


MOVES = stateful(**{"spec.image": "shop/moves:1"})
"""By its image the plan knows it again in the other namespace."""


def files(manifests: Iterable[Manifest], setting: str = "1") -> dict[str, str]:
    """The job file, with a ConfigMap in addition to the jobs."""
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}, "data": {"setting": setting}}
    return {"jobs.yaml": yaml.dump_all([config_map, *manifests], Dumper=_Plain)}


class _Plain(yaml.SafeDumper):
    """Without anchors, which share one object between several places."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(one_of_each_effect(), id="one of each effect"),
        pytest.param(TABLE, id="all", marks=pytest.mark.full),
    ],
)
def table(request: pytest.FixtureRequest) -> Mapping[str, Case]:
    """The cases."""
    return request.param


@pytest.fixture(scope="module")
def config(charts: Path, table: Mapping[str, Case]) -> dict[str, Any]:
    """The stack's keys."""
    jobs = {name: {"external": True} for name, case in table.items() if case.compares == "FlinkSessionJob"}
    return {
        "charts": {"mirror": str(charts)},
        "waitForJobs": False,
        "stateStorage": {"type": "none"},
        "jobs": {**jobs, PROTECTED: {"protect": True}},
    }


@pytest.fixture(scope="module")
def clone(no_stack: None, engine: Project, table: Mapping[str, Case], config: dict[str, Any]) -> Generator[Project]:
    """A copy of the project whose jobs are up; nothing is protected in the end."""
    actual = engine.copy(files(before(table)))
    result = actual.make("up", json.dumps(config))
    assert result.code == 0, result.output
    yield actual
    actual.write_jobs(files(before(table)))
    config["jobs"][PROTECTED]["protect"] = False
    assert actual.make("up", json.dumps(config)).code == 0


def effects(result: Done) -> dict[str, str]:
    """Each job's `namespace/name` with its effect, as the plan's lines say them."""
    rows = (re.split(r"  +", line.strip()) for line in result.output.splitlines() if re.match(r"(flink|team)/", line))
    return {cells[0]: cells[1] for cells in rows}


def test_plan_of_an_unchanged_stack_is_empty(clone: Project, table: Mapping[str, Case], config: dict[str, Any]) -> None:
    clone.write_jobs(files(before(table)))
    result = clone.plan(json.dumps(config))
    assert result.code == 0
    assert effects(result) == {}
    assert result.output.splitlines()[-1] == f"plan of sandbox: {len(before(table))} unchanged; no state is lost"


def test_plan_shows_each_effect_and_allows_losses_by_name(
    clone: Project, table: Mapping[str, Case], config: dict[str, Any]
) -> None:
    clone.write_jobs(files(after(table), setting="2"))
    changed = json.dumps({**config, "namespaces": {"flink": {}, "team": {}}})
    result = clone.plan(changed)
    assert result.code == 3
    actual = {f"flink/{name}": expected(case) for name, case in table.items()}
    actual |= {
        "flink/goes": "STATE LOSS: delete",
        "flink/goes-saved": "delete, savepoint first",
        "flink/goes-too": "delete",
        "flink/comes": "new",
        "flink/moves": "STATE LOSS: delete",
        "team/moves": "new",
    }
    assert effects(result) == {job: effect for job, effect in actual.items() if effect != Effect.NOTHING.value}
    assert "looks like a rename to team/moves" in result.output
    assert "+  Namespace team" in result.output
    assert "~  ConfigMap flink/conf (data.setting)" in result.output, "updated, not replaced"

    *most, last = sorted(job for job, effect in actual.items() if effect.startswith("STATE LOSS"))
    short_of_one = clone.make("plan", changed, f"ALLOW={' '.join(most)}")
    assert short_of_one.code != 0
    assert f"plan of sandbox: STATE LOSS in {last}; to allow it" in short_of_one.output
    allowed = clone.plan(changed, *most, last)
    assert allowed.code == 0
    assert effects(allowed)["flink/goes"] == "STATE LOSS (allowed): delete"


def test_plan_refuses_to_delete_a_protected_job(
    clone: Project, table: Mapping[str, Case], config: dict[str, Any]
) -> None:
    clone.write_jobs(files(job for job in before(table) if job["metadata"]["name"] != PROTECTED))
    jobs = {name: settings for name, settings in config["jobs"].items() if name != PROTECTED}
    result = clone.plan(json.dumps({**config, "jobs": jobs}))
    assert result.code == 1
    assert effects(result) == {f"flink/{PROTECTED}": "delete, refused: protected"}
    assert "the engine refuses the change" in result.output.splitlines()[-1]
