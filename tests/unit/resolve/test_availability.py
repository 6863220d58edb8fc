"""The fields of pods and the PodDisruptionBudgets that `availability` of a job derives, and its problems."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.unit.project import JOB, SESSION, Project


def manifest(kind: str = "FlinkDeployment", **spec: Any) -> str:
    job = yaml.safe_load(JOB)
    job["spec"] |= spec
    if kind == "FlinkBlueGreenDeployment":
        job |= {"kind": kind, "spec": {"template": {"spec": job["spec"]}}}
    return yaml.safe_dump(job)


def stack(project: Project, availability: dict[str, Any], **settings: Any) -> None:
    project.stack({"jobs": {"word-count": {"availability": availability, **settings}}})


def pod(project: Project, process: str) -> dict[str, Any]:
    """The pod template of a process."""
    spec: Any = project.spec()
    inner: Any = spec["template"]["spec"] if "template" in spec else spec
    return dict(inner[process].get("podTemplate", {"spec": {}})["spec"])


def budgets(project: Project) -> dict[str, int]:
    loaded = project.load()
    return {budget.name: budget.min_available for job in loaded.jobs for budget in loaded.disruption_budgets(job)}


def test_no_job_has_availability_by_default(project: Project) -> None:
    before = project.spec()
    assert pod(project, "taskManager") == {}
    assert budgets(project) == {}
    stack(project, {"spread": "none"})
    assert project.spec() == before


def test_priority_and_spread_of_both_processes(project: Project) -> None:
    stack(project, {"priorityClass": "streaming", "spread": "zone"})
    for process in ("jobManager", "taskManager"):
        assert pod(project, process) == {
            "priorityClassName": "streaming",
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {
                        "matchLabels": {"component": process.lower()},
                        "matchExpressions": [{"key": "app", "operator": "In", "values": ["word-count"]}],
                    },
                }
            ],
        }


def test_blue_green_deployment_spreads_the_pods_of_both(project: Project) -> None:
    project.job(manifest("FlinkBlueGreenDeployment"))
    stack(project, {"spread": "node"})
    [constraint] = pod(project, "taskManager")["topologySpreadConstraints"]
    [expression] = constraint["labelSelector"]["matchExpressions"]
    assert expression["values"] == ["word-count-blue", "word-count-green"]


@pytest.mark.parametrize(
    ("provider", "pool", "spot", "is_tolerated"),
    [
        ("karpenter", "karpenter.sh/nodepool", {"karpenter.sh/capacity-type": "spot"}, False),
        ("eks", "eks.amazonaws.com/nodegroup", {"eks.amazonaws.com/capacityType": "SPOT"}, False),
        ("gke", "cloud.google.com/gke-nodepool", {"cloud.google.com/gke-spot": "true"}, True),
        ("aks", "kubernetes.azure.com/agentpool", {"kubernetes.azure.com/scalesetpriority": "spot"}, True),
    ],
)
def test_nodes_are_chosen_by_the_labels_of_the_provider(
    project: Project, provider: str, pool: str, spot: dict[str, str], is_tolerated: bool
) -> None:
    stack(project, {"provider": provider, "nodePool": "streams"})
    assert pod(project, "jobManager") == pod(project, "taskManager") == {"nodeSelector": {pool: "streams"}}
    stack(project, {"provider": provider, "nodePool": "streams", "spot": True})
    assert pod(project, "jobManager") == {}
    workers = pod(project, "taskManager")
    assert workers["nodeSelector"] == {pool: "streams", **spot}
    [(key, value)] = spot.items()
    toleration = {"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}
    assert workers.get("tolerations", []) == ([toleration] if is_tolerated else [])


def test_fields_of_the_job_win(project: Project) -> None:
    own = {
        "priorityClassName": "mine",
        "nodeSelector": {"disk": "ssd", "karpenter.sh/nodepool": "mine"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "topologySpreadConstraints": [],
    }
    project.job(manifest(podTemplate={"spec": own}))
    before = project.spec()
    stack(project, {"priorityClass": "p", "spread": "zone", "provider": "karpenter", "nodePool": "n"})
    assert project.spec() == before


def test_budgets_keep_all_task_managers_but_one_and_one_job_manager(project: Project) -> None:
    ha = {"high-availability.type": "kubernetes", "high-availability.storageDir": "s3://b/ha"}
    project.job(manifest(jobManager={"replicas": 2, "resource": {"memory": "1g", "cpu": 1}}, flinkConfiguration=ha))
    stack(project, {"maxUnavailable": 1}, parallelism=4)
    name = "flinkdeployment-word-count"
    assert budgets(project) == {f"{name}-jobmanager": 1, f"{name}-taskmanager": 3}


def test_budget_follows_the_smallest_parallelism_of_the_autoscaler(project: Project) -> None:
    stack(project, {"maxUnavailable": 1}, parallelism=4, autoscaling={"min": 3, "max": 8})
    assert budgets(project) == {"flinkdeployment-word-count-taskmanager": 2}


@pytest.mark.parametrize("settings", [{"parallelism": 1}, {"parallelism": 4, "state": "suspended"}])
def test_no_budget_blocks_the_maintenance_of_a_node(project: Project, settings: dict[str, Any]) -> None:
    stack(project, {"maxUnavailable": 1}, **settings)
    assert budgets(project) == {}


@pytest.mark.parametrize("field", [{"nodePool": "n"}, {"spot": True}])
def test_nodes_without_a_provider_are_an_error(project: Project, field: dict[str, Any]) -> None:
    stack(project, field)
    [problem] = project.problems()
    assert f"jobs.word-count.availability.{next(iter(field))}: requires availability.provider" in problem
    assert project.broken_rules() == {"availability"}
    stack(project, {**field, "provider": "gke"})
    assert project.load()


def test_session_jobs_have_no_pods(project: Project) -> None:
    project.job(SESSION)
    project.stack({"jobs": {"in-session": {"availability": {"spread": "zone"}}}})
    [problem] = project.problems()
    assert "has no effect for a FlinkSessionJob, which has no pods of its own; set it for session" in problem
    project.stack({"jobDefaults": {"availability": {"spread": "zone"}}})
    assert project.load()


def test_names_of_budgets_are_reserved(project: Project) -> None:
    budget = (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: flinkdeployment-word-count-taskmanager}\n"
    )
    project.job(f"{budget}spec: {{minAvailable: 1, selector: {{}}}}\n", "budget.yaml")
    stack(project, {"maxUnavailable": 1}, parallelism=3)
    [problem] = project.problems()
    assert "is the name of an object that availability of word-count creates" in problem
    stack(project, {}, parallelism=3)
    assert project.load()
