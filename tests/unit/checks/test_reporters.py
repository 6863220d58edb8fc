"""Jobs whose metrics Prometheus does not read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_k8s.resolve.traffic import metrics_ports
from tests.unit.project import JOB, Project

FACTORY = "org.apache.flink.metrics.prometheus.PrometheusReporterFactory"


def findings(project: Project, options: dict[str, str], **spec: Any) -> list[str]:
    """Messages about the job's monitoring."""
    manifest = yaml.safe_load(JOB)
    manifest["spec"] |= {"flinkConfiguration": options, **spec}
    project.job(yaml.safe_dump(manifest))
    return [remark.problem.message for remark in project.load().remarks if remark.problem.rule == "unmonitored-job"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics.reporter.prom.port": "none"}, "is none, but Prometheus reads the port 9249"),
        ({"metrics.reporters": "jmx"}, "does not contain prom, the reporter of the platform: the job has no metrics"),
        (
            {"metrics.reporters": "other", "metrics.reporter.other.factory.class": FACTORY},
            "does not contain prom, the reporter of the platform: alerts and dashboards expect its labels",
        ),
        (
            {"metrics.reporter.other.factory.class": FACTORY, "metrics.reporter.other.port": "9249"},
            "is 9249, the port of two reporters",
        ),
    ],
)
def test_lost_metrics_are_reported(project: Project, options: dict[str, str], message: str) -> None:
    [finding] = findings(project, options)
    assert message in finding


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"metrics.reporters": "jmx, prom", "metrics.reporter.jmx.factory.class": "x.JMXReporterFactory"},
        {"metrics.reporter.prom.port": "9249-9260"},
        {"metrics.reporter.prom.port": "9999"},
        {"metrics.reporter.other.factory.class": FACTORY, "metrics.reporter.other.port": "9300"},
    ],
)
def test_monitored_jobs_are_accepted(project: Project, options: dict[str, str]) -> None:
    assert findings(project, options) == []


@pytest.mark.parametrize(
    ("options", "port"),
    [
        ({}, 9249),
        ({"metrics.reporter.prom.port": "9999"}, 9999),
        ({"metrics.reporter.prom.port": "9250-9260"}, 9250),
        (
            {
                "metrics.reporters": "mine",
                "metrics.reporter.mine.factory.class": FACTORY,
                "metrics.reporter.mine.port": "9998",
            },
            9998,
        ),
    ],
)
def test_port_and_network_policy_follow_the_reporter(project: Project, options: dict[str, str], port: int) -> None:
    """Cases bugs-05 and corpus-04."""
    findings(project, options)
    stack = project.load()
    [job] = stack.jobs
    [container] = job.manifest["spec"]["podTemplate"]["spec"]["containers"]  # pyright: ignore
    assert container["ports"] == [{"name": "metrics", "containerPort": port}]
    assert metrics_ports(job) == [str(port)]


def test_port_of_the_job_file_that_no_reporter_uses_is_found(project: Project) -> None:
    main = {"name": "flink-main-container", "ports": [{"name": "metrics", "containerPort": 9999}]}
    template = {"spec": {"containers": [main]}}
    assert findings(project, {"metrics.reporter.prom.port": "9999"}, podTemplate=template) == []
    [finding] = findings(project, {"metrics.reporter.prom.port": "9998"}, podTemplate=template)
    assert "is 9998, but Prometheus reads the port 9999" in finding


def test_a_metrics_port_that_is_not_a_number_is_one_error(project: Project) -> None:
    """Case sec-04."""
    main = {"name": "flink-main-container", "ports": [{"name": "metrics", "containerPort": "abc"}]}
    project.job(yaml.safe_dump({**yaml.safe_load(JOB), "spec": {**yaml.safe_load(JOB)["spec"], "podTemplate": {
        "spec": {"containers": [main]}}}}))  # fmt: skip
    [problem] = project.problems()
    assert 'ports[0].containerPort: is "abc", which is not a valid value' in problem
