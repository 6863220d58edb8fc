"""PodDisruptionBudgets as the program creates them."""

from __future__ import annotations

JOB = "FlinkDeployment flink/word-count"
BUDGET = "PodDisruptionBudget flink/flinkdeployment-word-count-taskmanager"
ON = {"word-count": {"parallelism": 3, "availability": {"maxUnavailable": 1}}}


def test_no_budgets_by_default(resource_graph):
    assert not [item for item in resource_graph("dev").objects if item.kind == "PodDisruptionBudget"]


def test_a_budget_selects_the_task_managers_of_its_job(resource_graph):
    graph = resource_graph("dev", jobs=ON)
    [budget] = [item for item in graph.objects if item.kind == "PodDisruptionBudget"]
    assert budget.title == BUDGET
    of_job = {"key": "app", "operator": "In", "values": ["word-count"]}
    selector = {"matchLabels": {"component": "taskmanager"}, "matchExpressions": [of_job]}
    assert budget.inputs["spec"] == {"minAvailable": 1, "selector": selector}


def test_a_budget_exists_while_its_job_runs(resource_graph):
    graph = resource_graph("dev", jobs=ON)
    job, budget = (next(item for item in graph.objects if item.title == title) for title in (JOB, BUDGET))
    assert graph.depends_on(job, budget)
    down = [item.title for item in graph.deletion_order]
    assert down.index(JOB) < down.index(BUDGET) < down.index("Namespace flink")
