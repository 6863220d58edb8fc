"""Metrics reporters: a job is monitored if a Prometheus reporter that starts answers at the port `metrics`."""

from __future__ import annotations

from collections import Counter

from flink_k8s.checks.subject import Subject
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.job_spec import METRICS_PORT
from flink_k8s.resolve.pod_templates import templates
from flink_k8s.resolve.reporters import LIST, PREFIX, REPORTER, listed_reporters, prometheus_ports


def check(subject: Subject) -> None:
    """Check the reporters of a declared job against the port that Prometheus scrapes."""
    settings = subject.settings
    if settings is None or not settings.prometheus.monitors or not subject.spec:
        return
    options = subject.options.configuration
    listed_names, ports = listed_reporters(options), prometheus_ports(options)
    started = list(ports)
    scraped = _metrics_ports(subject)
    if not scraped:
        return
    if listed_names and REPORTER not in listed_names:
        effect = "alerts and dashboards expect its labels" if started else "the job has no metrics and no alerts"
        message = f"does not contain {REPORTER}, the reporter of the platform: {effect}; add {REPORTER}"
        subject.report_spec("unmonitored-job", ("flinkConfiguration", LIST), message)
        return
    shared = next((port for port, number in Counter(ports.values()).items() if number > 1 and port.isdecimal()), None)
    if shared is not None:
        name = [name for name in started if ports[name] == shared][-1]
        message = f"is {shared}, the port of two reporters, the second of which does not start; remove one of them"
        subject.report_spec("unmonitored-job", ("flinkConfiguration", f"{PREFIX}{name}.port"), message)
    elif started and not any(port.partition("-")[0] in scraped for port in ports.values()):
        key = f"{PREFIX}{started[0]}.port"
        message = (
            f"is {ports[started[0]]}, but Prometheus reads the port {', '.join(sorted(scraped))}, so the job has no "
            "metrics and no alerts; remove it, or declare the port metrics in podTemplate"
        )
        subject.report_spec("unmonitored-job", ("flinkConfiguration", key), message)


def _metrics_ports(subject: Subject) -> set[str]:
    return {
        str(mapping(port).get("containerPort", METRICS_PORT))
        for template in templates(subject.spec)
        for container in listed(template.pod.get("containers"))
        for port in listed(mapping(container).get("ports"))
        if mapping(port).get("name") == "metrics"
    }
