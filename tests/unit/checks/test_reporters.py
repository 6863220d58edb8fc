"""Jobs whose metrics Prometheus does not read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

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
        ({"metrics.reporter.prom.port": "9999"}, "is 9999, but Prometheus reads the port 9249"),
        ({"metrics.reporter.prom.port": "9250-9260"}, "is 9250-9260, but Prometheus reads the port 9249"),
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
        {"metrics.reporter.other.factory.class": FACTORY, "metrics.reporter.other.port": "9300"},
    ],
)
def test_monitored_jobs_are_accepted(project: Project, options: dict[str, str]) -> None:
    assert findings(project, options) == []


def test_port_metrics_follows_the_job_file(project: Project) -> None:
    main = {"name": "flink-main-container", "ports": [{"name": "metrics", "containerPort": 9999}]}
    template = {"spec": {"containers": [main]}}
    assert findings(project, {"metrics.reporter.prom.port": "9999"}, podTemplate=template) == []
