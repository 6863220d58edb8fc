"""The order of jobs by `after`: entries that name nothing, and jobs that wait for each other."""

from __future__ import annotations

import pytest

from tests.unit.project import JOB, SESSION, Project

TOPIC = """\
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata: {name: orders, labels: {strimzi.io/cluster: events}}
spec: {partitions: 1}
"""


@pytest.fixture
def stack(project: Project) -> Project:
    """The jobs `word-count`, `other`, and `in-session` on `session`; a topic and a job with the name `orders`."""
    project.job(JOB.replace("word-count", "other"), "other.yaml")
    project.job(JOB.replace("word-count", "orders"), "orders.yaml")
    project.job(SESSION, "session.yaml")
    project.job(TOPIC, "topics.yaml")
    return project


def after(stack: Project, **entries: list[str]) -> None:
    stack.stack({"jobs": {name.replace("_", "-"): {"after": names} for name, names in entries.items()}})


def test_job_follows_the_jobs_and_objects_that_it_names(stack: Project) -> None:
    after(stack, other=["word-count", "KafkaTopic/orders"], orders=["other", "FlinkDeployment/flink/session"])
    declared = stack.load()
    names = [job.name for job in declared.jobs_in_order]
    assert names.index("word-count") < names.index("other") < names.index("orders")
    assert names.index("session") < names.index("in-session")
    by_name = {job.name: declared.after(job) for job in declared.jobs}
    assert by_name["other"] == ["FlinkDeployment/flink/word-count", "KafkaTopic/flink/orders"]
    assert by_name["orders"] == ["FlinkDeployment/flink/other", "FlinkDeployment/flink/session"]
    assert by_name["word-count"] == []


@pytest.mark.parametrize(
    ("entry", "remedy"),
    [
        ("word-cuont", 'did you mean "word-count"?'),
        ("KafkaTopic/order", 'did you mean "KafkaTopic/orders"?'),
        ("KafkaTopic/flink/order", 'did you mean "KafkaTopic/flink/orders"?'),
    ],
)
def test_unknown_entry_has_a_suggestion(stack: Project, entry: str, remedy: str) -> None:
    after(stack, other=["word-count", entry])
    [problem] = stack.problems()
    path = "Pulumi.x.yaml:7: jobs.other.after[1]"
    assert problem == f'{path}: "{entry}" is not a job or object of this stack in namespace flink; {remedy}'
    assert stack.broken_rules() == {"job-order"}


def test_disabled_job_is_not_a_job_of_the_stack(stack: Project) -> None:
    stack.stack({"jobs": {"other": {"after": ["word-count"]}, "word-count": {"enabled": False}}})
    assert stack.broken_rules() == {"job-order"}


def test_jobs_that_wait_for_each_other_are_refused(stack: Project) -> None:
    after(stack, other=["orders"], orders=["other"])
    [problem] = stack.problems()
    assert "after: is a cycle (" in problem
    assert {"other", "orders"} <= set(problem.partition("(")[2].partition(")")[0].split(" -> "))
    assert stack.broken_rules() == {"job-order"}


def test_cluster_cannot_wait_for_its_session_job(stack: Project) -> None:
    after(stack, session=["in-session"])
    assert stack.broken_rules() == {"job-order"}


def test_entry_in_the_header_of_a_script_has_its_line(stack: Project) -> None:
    header = "image: a:1\nflinkVersion: v2_2\nparallelism: 1\nafter:\n- missing\njobManager: {memory: 1g, cpu: 1}\n"
    header += "taskManager: {memory: 1g, cpu: 1}\n"
    script = f"/* flink-k8s\n{header}*/\nCREATE TABLE a (i INT);\nINSERT INTO a SELECT 1;\n"
    stack.job(script, "totals.sql")
    [problem] = stack.problems()
    assert problem.startswith('jobs/totals.sql:6: after[0]: "missing" is not a job or object of this stack')
    assert stack.broken_rules() == {"job-order"}
    after(stack, totals=["orders"])
    assert stack.load()


@pytest.mark.parametrize("entry", ["a/b", "KafkaTopic/", "KafkaTopic/a/b/c", "", "Orders"])
def test_text_that_is_not_a_reference_is_refused(stack: Project, entry: str) -> None:
    after(stack, other=[entry])
    assert any("is not a job or object; write" in problem for problem in stack.problems())
