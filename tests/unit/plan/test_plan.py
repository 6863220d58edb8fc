"""Whole plans: from the engine's JSON to the table, the closing line and the exit code."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.config.namespace import Limits
from flink_k8s.operations.plan.command import plan as run_plan
from flink_k8s.operations.plan.preview import parse
from flink_k8s.operations.plan.report import Report
from flink_k8s.operations.stack import prepare
from flink_k8s.plan.effects import Effect
from flink_k8s.plan.plan import Plan, plan
from flink_k8s.plan.resources import pod_owner
from flink_k8s.plan.state import DeclaredJob, Operator
from flink_k8s.plan.steps import CHANGED_SECRET, SECRET, UNKNOWN, Operation
from flink_k8s.resolve.quota_usage import job_requests
from flink_k8s.support.errors import CommandError
from tests.unit.plan.cases import batch, on, session_cluster, session_job, stateful

PREVIEWS = Path(__file__).parent / "previews"
OPERATOR = Operator("1.16.1", {})

Manifest = dict[str, Any]


def step(op: str, old: Manifest | None, new: Manifest | None, **more: Any) -> Manifest:
    """A step of the engine's preview, with the program's resource names."""
    actual = new or old
    assert actual is not None
    metadata = actual["metadata"]
    group = actual["apiVersion"] if "/" in actual["apiVersion"] else f"core/{actual['apiVersion']}"
    name = f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else metadata["name"]
    settings: Manifest = {"op": op, "urn": f"urn:pulumi:dev::flink-k8s::kubernetes:{group}:{actual['kind']}::{name}"}
    protect = more.pop("protect", False)
    settings |= {"oldState": {"inputs": old, "protect": protect}} if old else {}
    settings |= {"newState": {"inputs": new, "protect": protect}} if new else {}
    return settings | more


def planned(*steps: Manifest, errors: tuple[str, ...] = ()) -> Plan:
    diagnostics = [{"severity": "error", "message": error} for error in errors]
    return plan(parse(json.dumps({"steps": list(steps), "diagnostics": diagnostics})), OPERATOR)


def effects(found: Plan) -> dict[str, tuple[Effect, bool]]:
    return {job.title: (job.outcome.effect, bool(job.outcome.loss)) for job in found.jobs}


def renamed(manifest: Manifest, **metadata: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


class TestRealPreviews:
    """Previews of real engines (3.259 and 3.260)."""

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("no-change", {}),
            ("parallelism", {"flink/pw": (Effect.FROM_EMPTY, False)}),
            ("add-job", {"flink/other": (Effect.NEW, False)}),
            ("delete", {"flink/pw": (Effect.DELETE, False)}),
            ("rename", {"flink/pw": (Effect.REPLACE, False)}),
            ("secret-unchanged", {"flink/a": (Effect.NOTHING, False), "flink/b": (Effect.NOTHING, False)}),
            ("protected-delete", {"flink/a": (Effect.DELETE_REFUSED, False), "flink/b": (Effect.METADATA, False)}),
            ("protected-replace", {"flink/a": (Effect.REPLACE_REFUSED, False), "flink/b": (Effect.METADATA, False)}),
        ],
    )
    def test_effects_of_a_real_preview(self, name: str, expected: dict[str, tuple[Effect, bool]]) -> None:
        assert effects(plan(parse((PREVIEWS / f"{name}.json").read_text()), OPERATOR)) == expected

    def test_a_changed_parallelism_lists_the_field_and_the_pods(self) -> None:
        [job] = plan(parse((PREVIEWS / "parallelism.json").read_text()), OPERATOR).jobs
        assert [(change.field, change.old, change.new) for change in job.outcome.changes] == [("job.parallelism", 1, 2)]
        assert (job.before.pods, job.after.pods) == (2, 3)
        assert (job.before.cpu, job.after.cpu) == (1, 1.5)
        assert (job.before.memory, job.after.memory) == (2 * 1600 * 2**20, 3 * 1600 * 2**20)

    @pytest.mark.parametrize("name", ["protected-delete", "protected-replace"])
    def test_an_error_of_the_engine_is_one_line(self, name: str) -> None:
        assert plan(parse((PREVIEWS / f"{name}.json").read_text()), OPERATOR).errors == ("a is protected",)


class TestReading:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "pulumi: no such stack",
            "[]",
            '{"steps": 1}',
            '{"steps": [{"op": "update"}]}',
            '{"steps": [{"op": "update", "urn": "x", "newState": {"inputs": {}}}]}',
            '{"steps": [{"op": "update", "urn": ["x"], "newState": {"inputs": {}}}]}',
            '{"steps": [{"op": "same", "urn": "urn:pulumi:dev::p::kubernetes:core/v1:Pod::a"}]}',
        ],
    )
    def test_text_that_is_not_a_preview_is_an_error(self, text: str) -> None:
        with pytest.raises(CommandError, match="--json --show-sames"):
            parse(text)

    def test_secrets_are_unchanged_unless_the_engines_diff_contains_them(self) -> None:
        encrypted = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
        old = on(batch(), {"spec.a": encrypted, "spec.b": ["[secret]"]})
        [actual] = parse(json.dumps({"steps": [step("update", old, old)]})).steps
        assert (actual.new or {})["spec"]["a"] == SECRET
        [actual] = parse(json.dumps({"steps": [step("update", old, old, detailedDiff={"spec.b[0]": {}})]})).steps
        assert (actual.new or {})["spec"]["b"] == [CHANGED_SECRET]
        assert (actual.old or {})["spec"]["b"] == [SECRET]

    def test_a_changed_secret_restarts_the_job_and_is_hidden(self) -> None:
        old = on(stateful(), {"conf:a.b": "[secret]"})
        diff = {'spec.flinkConfiguration["a.b"]': {"kind": "update"}}
        outcome = planned(step("update", old, old, detailedDiff=diff))
        assert effects(outcome)["flink/orders"][0] is Effect.FROM_SAVEPOINT
        assert "a.b: [secret] -> [changed secret]" in Report("dev", outcome).text()

    def test_a_value_that_is_known_only_after_up_is_a_change(self) -> None:
        new = on(stateful(), {"spec.image": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"})
        [job] = planned(step("update", stateful(), new)).jobs
        assert job.outcome.changes[0].new == UNKNOWN
        assert job.outcome.effect is Effect.FROM_SAVEPOINT
        assert any("known only after up" in note for note in job.outcome.notes)

    def test_the_steps_of_a_replacement_are_joined(self) -> None:
        old, new = stateful(), renamed(stateful(), name="orders2")
        steps = [step(op, old, new) | {"urn": step("same", old, None)["urn"]} for op in REPLACEMENT]
        [actual] = parse(json.dumps({"steps": steps})).steps
        assert actual.operation is Operation.REPLACE
        assert actual.old is not None
        assert actual.new is not None

    def test_protection_can_be_removed_with_a_replacement_but_not_with_a_deletion(self) -> None:
        taken_off = step("replace", stateful(), stateful(), protect=True)
        taken_off["newState"]["protect"] = False
        assert effects(planned(taken_off)) == {"flink/orders": (Effect.REPLACE, True)}
        assert effects(planned(step("replace", stateful(), stateful(), protect=True))) == {
            "flink/orders": (Effect.REPLACE_REFUSED, False)
        }
        assert effects(planned(step("delete", stateful(), None, protect=True))) == {
            "flink/orders": (Effect.DELETE_REFUSED, False)
        }

    def test_components_have_no_step(self) -> None:
        component = {
            "op": "create",
            "urn": "urn:pulumi:dev::flink-k8s::flink-k8s:Team::a",
            "newState": {"custom": False},
        }
        assert planned(component).others == ()

    def test_a_job_inside_a_component_is_found(self) -> None:
        inside = step("delete", stateful(), None)
        inside["urn"] = inside["urn"].replace("::kubernetes:", "::flink-k8s:Team$kubernetes:")
        assert effects(planned(inside)) == {"flink/orders": (Effect.DELETE, True)}

    def test_a_kind_of_another_group_is_not_a_job(self) -> None:
        other = step("delete", {**stateful(), "apiVersion": "example.org/v1"}, None)
        assert planned(other).jobs == ()


REPLACEMENT = ("create-replacement", "replace", "delete-replaced")


class TestAcrossResources:
    def test_a_move_to_another_namespace_is_a_delete_and_a_new_job(self) -> None:
        moved = renamed(stateful(), namespace="team")
        outcome = planned(step("delete", stateful(), None), step("create", None, moved))
        assert effects(outcome) == {"flink/orders": (Effect.DELETE, True), "team/orders": (Effect.NEW, False)}
        assert "looks like a rename to team/orders" in Report("dev", outcome).text()

    def test_different_jobs_are_not_a_rename(self) -> None:
        other = renamed(on(stateful(), {"spec.job.jarURI": "local:///other.jar"}), name="other")
        outcome = planned(step("delete", stateful(), None), step("create", None, other))
        assert "rename" not in Report("dev", outcome).text()

    def test_session_jobs_lose_state_if_their_cluster_restarts_without_high_availability(self) -> None:
        cluster = session_cluster()
        outcome = planned(
            step("update", cluster, on(cluster, {"spec.image": "flink:2"})),
            step("same", session_job(), session_job()),
            step("same", *2 * [renamed(session_job("stateless"), name="plain")]),
        )
        assert effects(outcome) == {
            "flink/cluster": (Effect.CLUSTER_RESTART, False),
            "flink/visits": (Effect.FROM_EMPTY, True),
            "flink/plain": (Effect.FROM_EMPTY, False),
        }

    def test_high_availability_recovers_session_jobs(self) -> None:
        ha = {"conf:high-availability.type": "kubernetes", "conf:high-availability.storageDir": "s3://b/ha"}
        cluster = session_cluster(**ha)
        outcome = planned(
            step("update", cluster, on(cluster, {"spec.image": "flink:2"})), step("same", session_job(), session_job())
        )
        assert effects(outcome)["flink/visits"] == (Effect.FROM_LAST_STATE, False)

    def test_session_jobs_lose_state_with_a_deleted_cluster(self) -> None:
        outcome = planned(step("delete", session_cluster(), None), step("same", session_job(), session_job()))
        assert effects(outcome)["flink/visits"] == (Effect.FROM_EMPTY, True)

    def test_session_jobs_are_not_affected_by_other_clusters(self) -> None:
        other = renamed(session_cluster(), name="other")
        outcome = planned(step("delete", other, None), step("same", session_job(), session_job()))
        assert effects(outcome)["flink/visits"] == (Effect.NOTHING, False)

    def test_a_deleted_claim_loses_the_state_on_it(self) -> None:
        volume = {"name": "s", "persistentVolumeClaim": {"claimName": "state"}}
        mounts = [{"name": "flink-main-container", "volumeMounts": [{"name": "s", "mountPath": "/state"}]}]
        job = on(stateful(), {"spec.podTemplate": {"spec": {"volumes": [volume], "containers": mounts}}})
        claim = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "state", "namespace": "flink"},
        }
        elsewhere = renamed(claim, namespace="team")
        assert effects(planned(step("same", job, job), step("delete", claim, None)))["flink/orders"][1]
        assert effects(planned(step("same", job, job), step("replace", claim, claim)))["flink/orders"][1]
        assert not effects(planned(step("same", job, job), step("delete", elsewhere, None)))["flink/orders"][1]
        assert not effects(planned(step("same", job, job), step("delete", claim, None, protect=True)))["flink/orders"][
            1
        ]
        actual = step("delete", claim, None)
        actual["oldState"]["retainOnDelete"] = True
        assert not effects(planned(step("same", job, job), actual))["flink/orders"][1]
        on_deletion = on(job, {"conf:kubernetes.operator.job.savepoint-on-deletion": "true"})
        both = planned(step("delete", on_deletion, None), step("delete", claim, None))
        assert effects(both)["flink/orders"] == (Effect.DELETE_WITH_SAVEPOINT, True)

    def test_a_deleted_namespace_loses_the_state_of_its_jobs(self) -> None:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flink"}}
        outcome = planned(step("replace", namespace, namespace), step("same", stateful(), stateful()))
        assert effects(outcome)["flink/orders"][1]

    def test_other_changes_are_listed(self) -> None:
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "flink"}}
        snapshot = {
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": "FlinkStateSnapshot",
            "metadata": {"name": "s", "namespace": "flink"},
            "spec": {"savepoint": {"path": "s3://b"}},
        }
        outcome = planned(
            step("create", None, claim), step("delete", snapshot, None), step("same", *2 * [renamed(claim, name="d")])
        )
        assert [(other.operation, other.title) for other in outcome.others] == [
            (Operation.CREATE, "PersistentVolumeClaim flink/c"),
            (Operation.DELETE, "FlinkStateSnapshot flink/s"),
        ]
        assert "the files of its savepoint are deleted" in Report("dev", outcome).text()


class TestResources:
    @pytest.mark.parametrize(
        ("patch", "pods", "cpu", "memory"),
        [
            ({}, 2, 3, 3),
            ({"spec.job.parallelism": 3}, 3, 5, 5),
            ({"spec.job.parallelism": 3, "conf:taskmanager.numberOfTaskSlots": "3"}, 2, 3, 3),
            ({"spec.taskManager.replicas": 4}, 5, 9, 9),
            ({"spec.jobManager.replicas": 2}, 3, 4, 4),
            ({"spec.job.state": "suspended"}, 0, 0, 0),
            ({"spec.taskManager.resources": {"requests": {"cpu": "500m", "memory": "4Gi"}}}, 2, 1.5, 5),
            ({"spec.taskManager.resources": {"limits": {"cpu": "500m", "memory": "4Gi"}}}, 2, 1.5, 5),
            ({"spec.taskManager.resource": {"memory": "2g"}}, 2, 3, 3),
            ({"spec.taskManager.resource": {}, "conf:taskmanager.memory.process.size": "3g"}, 2, 3, 4),
            ({"spec.jobManager.resource": {"memory": "1g"}, "conf:kubernetes.jobmanager.cpu.amount": "0.5"}, 2, 2.5, 3),
        ],
    )  # fmt: skip
    def test_requests_of_a_changed_job(self, patch: Manifest, pods: int, cpu: float, memory: int) -> None:
        actual = job_requests(pod_owner(DeclaredJob.of(on(batch(), patch), OPERATOR))).normal
        assert (actual.pods, float(actual.cpu), actual.memory, actual.is_whole) == (pods, cpu, memory * 2**30, True)

    def test_an_unset_size_is_unknown(self) -> None:
        actual = job_requests(
            pod_owner(DeclaredJob.of(on(batch(), {"spec.taskManager.resource": {"cpu": 1}}), OPERATOR))
        ).normal
        assert not actual.is_whole
        assert actual.memory == 2**30

    def test_a_sidecar_counts_in_each_pod(self) -> None:
        side = {"name": "side", "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}}}
        silent = {"name": "silent"}
        before = job_requests(pod_owner(DeclaredJob.of(batch(), OPERATOR))).normal
        beside = on(batch(), {"spec.podTemplate": {"spec": {"containers": [side, silent]}}})
        actual = job_requests(pod_owner(DeclaredJob.of(beside, OPERATOR))).normal
        assert actual.pods == before.pods == 2
        assert float(actual.cpu - before.cpu) == 0.5
        assert actual.memory - before.memory == 2 * 2**30
        assert actual.is_whole

    def test_a_session_cluster_counts_the_task_managers_of_its_jobs(self) -> None:
        job = on(session_job(), {"spec.job.parallelism": 3})
        other = renamed(job, name="other")
        outcome = planned(step("same", *2 * [session_cluster()]), step("same", job, job), step("create", None, other))
        [cluster] = [job for job in outcome.jobs if job.name == "cluster"]
        assert (cluster.before.pods, cluster.after.pods) == (1 + 2, 1 + 3)
        assert outcome.after.pods == 4

    def test_a_claim_counts_for_its_only_job_and_a_retained_one_still_counts(self) -> None:
        volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]
        job = on(batch(), {"spec.podTemplate": {"spec": {"volumes": volumes}}})
        steps = [step("same", job, job), step("create", None, claim("data", "2Gi"))]
        outcome = planned(*steps, {**step("delete", claim("kept", "3Gi"), None), **retained("kept", "3Gi")})
        assert [(job.before.storage, job.after.storage) for job in outcome.jobs] == [(0, 2 * 2**30)]
        assert (outcome.before.storage, outcome.after.storage) == (3 * 2**30, 5 * 2**30)

    def test_a_blue_green_deployment_has_peak_requests(self) -> None:
        outcome = planned(step("update", BLUE_GREEN, on(BLUE_GREEN, {"spec.template.spec.job.parallelism": 4})))
        row = next(line for line in Report("dev", outcome).text().splitlines() if line.startswith("flink/orders"))
        assert "2 (peak 4) -> 3 (peak 6)" in row
        assert "| 2 (peak 4) -> 3 (peak 6) | 3 (peak 6) -> 5 (peak 10) |" in Report("dev", outcome).markdown()

    def test_each_of_several_teams_has_a_line(self) -> None:
        one, other = renamed(batch(), namespace="a"), renamed(batch(), namespace="b")
        text = Report("dev", planned(step("create", None, one), step("same", other, other))).text().splitlines()
        assert [line.split()[:2] for line in text if ": all" in line] == [["a:", "all"], ["b:", "all"]]
        markdown = Report("dev", planned(step("create", None, one), step("same", other, other))).markdown()
        assert "| `a`: all | | 0 -> 2 | 0 -> 3 | 0 -> 3 GiB | 0 | |" in markdown
        assert "| all jobs | | 2 -> 4 | 3 -> 6 | 3 GiB -> 6 GiB | 0 | |" in markdown

    def test_default_requests_of_a_namespace_count(self) -> None:
        job = on(batch(), {"spec.podTemplate": {"spec": {"containers": [{"name": "side"}]}}})
        limits = {"flink": Limits.model_validate({"defaultRequest": {"cpu": "250m"}})}
        preview = parse(json.dumps({"steps": [step("same", job, job)]}))
        assert plan(preview, OPERATOR, limits).after.cpu - plan(preview, OPERATOR).after.cpu == Decimal("0.5")

    def test_workloads_of_job_files_count(self) -> None:
        container = {"name": "web", "image": "web:1", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}
        web: Manifest = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "flink"},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}},
        }
        job = step("same", batch(), batch())
        alone, together = planned(job), planned(job, step("create", None, web))
        assert together.before == alone.before
        assert together.after.cpu - alone.after.cpu == 1
        assert together.after.pods - alone.after.pods == 2


BLUE_GREEN = {
    **batch(),
    "kind": "FlinkBlueGreenDeployment",
    "metadata": {"name": "orders", "namespace": "flink"},
    "spec": {"template": {"spec": batch()["spec"]}},
}


def claim(name: str, size: str) -> Manifest:
    spec = {"resources": {"requests": {"storage": size}}}
    metadata = {"name": name, "namespace": "flink"}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def retained(name: str, size: str) -> Manifest:
    return {"oldState": {"inputs": claim(name, size), "retainOnDelete": True}}


class TestReport:
    FOUND = planned(
        step("update", stateful(), on(stateful(), {"spec.job.parallelism": 8, "conf:s3.secret-key": "hunter2"})),
        step("delete", renamed(stateful(), name="visits"), None),
        step("same", *2 * [renamed(batch(), name="words")]),
    )

    def test_text_of_a_plan(self) -> None:
        assert Report("dev", self.FOUND).text().splitlines() == [
            "JOB           EFFECT                  PODS    CPU      MEMORY           STORAGE",
            "flink/visits  STATE LOSS: delete      2 -> 0  3 -> 0   3 GiB -> 0       0",
            "    state loss: no resource references its state after the deletion",
            "flink/orders  restart from savepoint  2 -> 5  3 -> 9   3 GiB -> 9 GiB   0",
            "    flinkConfiguration.s3.secret-key: (none) -> [hidden]",
            "    job.parallelism: 2 -> 8",
            "all jobs      3 declared or running   6 -> 7  9 -> 12  9 GiB -> 12 GiB  0",
            "nothing (1): flink/words",
            'plan of dev: STATE LOSS in flink/visits; to allow it: make plan STACK=dev ALLOW="visits"',
        ]

    def test_markdown_of_a_plan(self) -> None:
        text = Report("dev", self.FOUND).markdown()
        assert "| `flink/visits` | **state loss**: delete | 2 -> 0 |" in text
        assert "hunter2" not in text
        assert "1 unchanged job: `flink/words`." in text
        table = [line for line in text.splitlines() if line.startswith("|")]
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {8}, "each row has its seven cells"

    def test_an_unchanged_suspended_job_is_marked(self) -> None:
        report = Report("dev", planned(step("same", *2 * [on(stateful(), {"spec.job.state": "suspended"})])))
        assert "nothing (1): flink/orders (suspended)" in report.text()
        assert "1 unchanged job: `flink/orders` (suspended)." in report.markdown()

    def test_values_are_escaped_in_markdown(self) -> None:
        new = on(stateful(), {"spec.image": "a|b<script>`*_[x](y)"})
        row = next(
            line
            for line in Report("dev", planned(step("update", stateful(), new))).markdown().splitlines()
            if "image" in line
        )
        assert "a\\|b&lt;script&gt;\\`\\*\\_\\[x\\](y)" in row

    @pytest.mark.parametrize("name", ["visits", "flink/visits", "FlinkDeployment/flink/visits"])
    def test_an_allowed_state_loss_is_marked(self, name: str) -> None:
        report = Report("dev", self.FOUND, (name,))
        assert report.losses == []
        assert "STATE LOSS (allowed): delete" in report.text()
        assert report.closing_line().endswith("; state loss allowed in flink/visits")

    @pytest.mark.parametrize("name", ["orders", "visit", "team/visits"])
    def test_allowing_another_job_has_no_effect(self, name: str) -> None:
        report = Report("dev", self.FOUND, (name,))
        assert [job.title for job in report.losses] == ["flink/visits"]
        assert report.unused == [name]

    def test_jobs_with_the_same_name_are_listed_with_their_namespace(self) -> None:
        outcome = planned(step("delete", stateful(), None), step("delete", renamed(stateful(), namespace="team"), None))
        assert 'ALLOW="flink/orders team/orders"' in Report("dev", outcome).closing_line()

    def test_further_fields_are_counted(self) -> None:
        new = on(stateful(), {f"conf:a.b{number}": "c" for number in range(30)})
        assert "and 18 more fields" in Report("dev", planned(step("update", stateful(), new))).text()


class TestCommand:
    @pytest.fixture
    def run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "state"))

        def run(*steps: Manifest, errors: tuple[str, ...] = (), **options: Any) -> int:
            saved = tmp_path / "preview.json"
            diagnostics = [{"severity": "error", "message": error} for error in errors]
            saved.write_text(json.dumps({"steps": steps, "diagnostics": diagnostics}))
            return run_plan(prepare("sandbox"), saved=saved, **options)

        return run

    def test_exit_code_without_state_loss(self, run: Any, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(step("same", stateful(), stateful())) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "plan of sandbox: 1 unchanged; no state is lost"

    def test_exit_code_of_a_state_loss(self, run: Any) -> None:
        assert run(step("delete", stateful(), None)) == 3

    def test_exit_code_of_an_allowed_state_loss(self, run: Any) -> None:
        assert run(step("delete", stateful(), None), allowed=["orders"]) == 0

    def test_exit_code_of_a_suspended_job_that_loses_state(self, run: Any, capsys: pytest.CaptureFixture[str]) -> None:
        """It needs permission like any other loss; a change that keeps the state is not a loss."""
        asleep = on(stateful(), {"spec.job.state": "suspended"})
        forgets = step("update", asleep, on(asleep, {"spec.job.upgradeMode": "stateless"}))
        assert run(forgets) == 3
        assert "STATE LOSS: stays suspended" in capsys.readouterr().out
        assert run(forgets, allowed=["orders"]) == 0
        capsys.readouterr()
        assert run(step("update", asleep, on(asleep, {"spec.image": "shop/orders:2"}))) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "plan of sandbox: 1 stays suspended; no state is lost"

    def test_exit_code_if_the_engine_refuses_the_change(self, run: Any, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(step("delete", stateful(), None, protect=True), errors=("error: Preview failed: x",)) == 1
        stdout = capsys.readouterr().out
        assert "delete, refused: protected" in stdout
        assert stdout.splitlines()[-1].endswith("the list may be incomplete, because the engine refuses the change: x")

    def test_markdown_is_written_to_a_file_and_to_standard_output(
        self, run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "new" / "plan.md"
        assert run(step("same", stateful(), stateful()), markdown=file, form="markdown") == 0
        assert capsys.readouterr().out.startswith("### Plan of stack `sandbox`")
        assert (tmp_path / "new" / "plan.md").read_text().startswith("### Plan of stack `sandbox`")

    def test_the_plan_is_printed_if_its_file_cannot_be_written(
        self, run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(CommandError, match=r"file/plan\.md cannot be written"):
            run(step("delete", stateful(), None), markdown=tmp_path / "file" / "plan.md")
        assert "STATE LOSS in flink/orders" in capsys.readouterr().out


class TestImport:
    """The steps of objects that the stack takes over from the cluster."""

    def test_an_imported_object_is_unchanged(self):
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf", "namespace": "flink"}}
        actual = planned(step("import", None, config_map), step("import", None, stateful()))
        assert [job.outcome.effect for job in actual.jobs] == [Effect.NOTHING]
        assert not actual.others

    def test_the_step_after_an_import_is_a_change_of_the_live_object(self):
        live = stateful()
        metadata = {**live["metadata"], "uid": "u", "generation": 3, "annotations": {"a": "b"}}
        imported = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": live["metadata"]}
        outputs = {**live, "metadata": metadata, "status": {"lifecycleState": "STABLE"}, "__inputs": imported}
        state = {"inputs": imported, "outputs": outputs}

        def after(new: Manifest) -> Plan:
            return planned(step("import", None, new), step("update", imported, new, oldState=state))

        [same] = after(live).jobs
        assert (same.outcome.effect, same.outcome.changes, same.outcome.loss) == (Effect.METADATA, (), "")
        [changed] = after(stateful(**{"spec.job.parallelism": 7})).jobs
        assert changed.outcome.effect is Effect.FROM_SAVEPOINT
        assert [change.field for change in changed.outcome.changes] == ["job.parallelism"]
