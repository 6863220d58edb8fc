"""Monitoring in the whole program: what is scraped, and what rules and dashboards are made of, for which Prometheus."""

from __future__ import annotations

import base64
import json

import pytest

from flink_k8s.program.values import Secret, reveal

NAMES = {"flink": {}, "team-a": {}}


def spec(resource_graph, kind, name="", namespace=None):
    resources = [
        resource
        for resource in resource_graph.find_all(kind, name)
        if namespace in (None, resource.namespace) and resource.is_object
    ]
    assert len(resources) == 1
    return resources[0].inputs["spec"]


def prometheus_values(resource_graph, **prometheus):
    return resource_graph("dev", prometheus=prometheus).find("Release", "prometheus").inputs["values"]


def test_one_monitor_per_namespace_scrapes_all_jobs(resource_graph):
    graph = resource_graph("dev", namespaces=NAMES)
    monitors = graph.find_all("PodMonitor", "flink-jobs")
    assert {monitor.namespace for monitor in monitors} == set(NAMES)
    for monitor in monitors:
        actual = monitor.inputs["spec"]
        (expression,) = actual["selector"]["matchExpressions"]
        assert expression == {
            "key": "type",
            "operator": "In",
            "values": ["flink-native-kubernetes", "flink-standalone-kubernetes"],
        }
        assert actual["podMetricsEndpoints"] == [{"port": "metrics"}]
        assert actual["podTargetLabels"] == ["app", "component"]


def test_monitor_depends_on_its_namespace_and_the_prometheus_operator(resource_graph):
    graph = resource_graph("dev", namespaces=NAMES)
    release = graph.find("Release", "prometheus")
    for monitor in graph.find_all("PodMonitor", "flink-jobs"):
        home = next(resource for resource in graph.find_all("Namespace") if resource.object_name == monitor.namespace)
        assert graph.depends_on(monitor, home)
        assert graph.depends_on(monitor, release)
        others = [
            resource for resource in graph.find_all("Namespace") if resource.object_name in NAMES and resource != home
        ]
        assert len(others) == 1
        assert not graph.depends_on(monitor, others[0])


def test_pods_declare_the_port_of_their_monitor(resource_graph):
    graph = resource_graph("dev")
    job = graph.find("FlinkDeployment").inputs["spec"]
    (endpoint,) = spec(graph, "PodMonitor", "flink-jobs")["podMetricsEndpoints"]
    main = next(c for c in job["podTemplate"]["spec"]["containers"] if c["name"] == "flink-main-container")
    declared = {port["name"]: str(port["containerPort"]) for port in main["ports"]}
    assert declared[endpoint["port"]] == job["flinkConfiguration"]["metrics.reporter.prom.port"]


def test_metrics_reporter_does_not_change_names(resource_graph):
    """By default Flink's reporter makes `team_a` of the label value `team-a`, and no query finds it."""
    graph = resource_graph("dev")
    job = graph.find("FlinkDeployment").inputs["spec"]["flinkConfiguration"]
    assert job["metrics.reporter.prom.filterLabelValueCharacters"] == "false"
    values = graph.find("Release", "flink-kubernetes-operator").inputs["values"]
    configuration = values["defaultConfiguration"]["config.yaml"]
    assert 'kubernetes.operator.metrics.reporter.prom.filterLabelValueCharacters: "false"\n' in configuration


def test_metrics_of_cert_manager_keep_the_namespace_of_the_certificate(resource_graph):
    actual = spec(resource_graph("dev"), "PodMonitor", "cert-manager")
    assert actual["podMetricsEndpoints"] == [{"port": "http-metrics", "honorLabels": True}]
    assert not resource_graph("dev", certManager={"enabled": False}).find_all("PodMonitor", "cert-manager")


def test_alerts_have_the_labels_of_their_namespace(resource_graph):
    namespaces = {"flink": {}, "team-a": {"alertLabels": {"team": "orders"}}}
    graph = resource_graph("dev", namespaces=namespaces, prometheus={"alerts": {"labels": {"team": "data"}}})
    ((group,),) = [rule.inputs["spec"]["groups"] for rule in graph.find_all("PrometheusRule")]
    teams = {rule["alert"]: rule["labels"]["team"] for rule in group["rules"]}
    assert teams["FlinkJobFailed"] == '{{ if eq $labels.namespace "team-a" }}{{ "orders" }}{{ else }}data{{ end }}'
    assert teams["FlinkOperatorAbsent"] == "data"


def test_existing_prometheus_gets_monitors_rules_and_dashboards(resource_graph):
    labels = {"release": "monitoring"}
    graph = resource_graph("dev", prometheus={"enabled": False, "labels": labels})
    assert not graph.find_all("Secret", "grafana-admin")
    resources = [*graph.find_all("PodMonitor"), *graph.find_all("PrometheusRule")]
    assert len(resources) == 4
    for resource in resources:
        assert labels.items() <= resource.inputs["metadata"]["labels"].items()
    owner, operator = graph.find("Namespace", "flink-operator"), graph.find("Release", "flink-kubernetes-operator")
    moved = [*graph.find_all("PrometheusRule"), *graph.find_all("ConfigMap")]
    assert len(moved) == 5
    for resource in moved:
        assert resource.namespace == "flink-operator"  # the namespace of the Prometheus stack is not ours
        assert graph.depends_on(resource, owner)
        assert not graph.depends_on(resource, operator)  # objects in its namespace do not wait for it


def test_monitoring_with_existing_operator_and_prometheus(resource_graph):
    graph = resource_graph("dev", prometheus={"enabled": False}, operator={"enabled": False})
    assert len(graph.find_all("PodMonitor")) == 3
    assert {resource.namespace for resource in graph.find_all("ConfigMap")} == {"flink-operator"}


def test_no_monitors_without_a_prometheus_operator(resource_graph):
    graph = resource_graph("dev", prometheus={"enabled": False, "monitors": False})
    for kind in ("PodMonitor", "PrometheusRule", "ConfigMap"):
        assert not graph.find_all(kind)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({"dashboards": False}, "ConfigMap"), ({"alerts": {"enabled": False}}, "PrometheusRule")],
)
def test_parts_of_the_monitoring_can_be_disabled(resource_graph, settings, kind):
    graph = resource_graph("dev", prometheus=settings)
    assert not graph.find_all(kind)
    assert len(graph.find_all("PodMonitor")) == 3


def test_dashboards_have_the_label_of_grafanas_sidecar_and_the_committed_json(resource_graph):
    graph = resource_graph("dev", prometheus={"flinkUi": 'https://flink.example.org/${namespace}/${job}?x="y"'})
    maps = graph.find_all("ConfigMap")
    assert len(maps) == 4
    uids = set()
    for config_map in maps:
        assert config_map.inputs["metadata"]["labels"]["grafana_dashboard"] == "1"
        ((file, text),) = config_map.inputs["data"].items()
        dashboard = json.loads(text)
        uids.add(dashboard["uid"])
        assert file == f"{dashboard['uid']}.json"
        assert "localhost:8081" not in text
        if dashboard["uid"] == "flink-job":
            addresses = [link.get("url") for link in dashboard["links"]]
            assert 'https://flink.example.org/${namespace}/${job}?x="y"' in addresses
    assert uids == {"flink-job", "flink-operator", "flink-platform", "flink-resources"}


def rules(resource_graph, stack="dev", **config):
    (group,) = spec(resource_graph(stack, **config), "PrometheusRule")["groups"]
    return group["rules"]


def test_thresholds_labels_and_the_runbooks_place_are_the_stacks(resource_graph):
    alerts = {
        "restarts": 7,
        "restartsWithin": "1h",
        "labels": {"team": "data"},
        "runbooks": "https://git.example.org/flink-k8s/docs/runbooks/",
        "off": ["FlinkBackPressure", "FlinkHeapFull"],
    }
    usual = {rule["alert"] for rule in rules(resource_graph)}
    actual = rules(resource_graph, prometheus={"alerts": alerts})
    assert usual - {rule["alert"] for rule in actual} == {"FlinkBackPressure", "FlinkHeapFull"}
    restarts = next(rule for rule in actual if rule["alert"] == "FlinkJobRestarts")
    assert "[1h]" in restarts["expr"]
    assert restarts["expr"].endswith(">= 7")
    for rule in actual:
        assert rule["labels"]["team"] == "data"
        page = f"https://git.example.org/flink-k8s/docs/runbooks/{rule['alert']}.md"
        assert rule["annotations"]["runbook_url"] == page


def test_no_rule_object_if_all_alerts_are_disabled(resource_graph):
    names = {rule["alert"] for rule in rules(resource_graph)}
    graph = resource_graph("dev", prometheus={"alerts": {"off": sorted(names)}})
    assert not graph.find_all("PrometheusRule")


def test_the_declared_jobs_are_counted_by_namespace_and_kind(resource_graph):
    missing = [rule for rule in rules(resource_graph) if rule["alert"] == "FlinkJobMissing"]
    declared = resource_graph("dev").find_all("FlinkDeployment")
    assert [(rule["labels"]["namespace"], rule["labels"]["kind"]) for rule in missing] == [("flink", "FlinkDeployment")]
    assert f"< {len(declared)}" in missing[0]["expr"]
    off = rules(resource_graph, jobs={job.object_name: {"enabled": False} for job in declared})
    assert not [rule for rule in off if rule["alert"] == "FlinkJobMissing"]


def test_alerts_use_the_namespace_of_the_operator(resource_graph):
    actual = rules(resource_graph, operator={"namespace": "flink-system"})
    absent = next(rule for rule in actual if rule["alert"] == "FlinkOperatorAbsent")
    assert 'job="flink-system/flink-kubernetes-operator"' in absent["expr"]
    assert absent["labels"]["namespace"] == "flink-system"


def test_grafanas_password_is_a_random_secret_that_does_not_change(resource_graph):
    secret = resource_graph("dev").find("Secret", "grafana-admin")
    other = resource_graph("dev", jobTimeout="11m").find("Secret", "grafana-admin")
    data = secret.inputs["data"]
    password = data["admin-password"] if isinstance(data, dict) else data.value["admin-password"]
    assert isinstance(data, Secret) or isinstance(password, Secret)
    plain = reveal(secret.inputs["data"])
    assert base64.b64decode(plain["admin-user"]).decode() == "admin"
    assert len(base64.b64decode(plain["admin-password"])) >= 32
    assert plain != reveal(other.inputs["data"])  # each run makes one …
    assert secret.ignore_changes == ("data",)  # … and the engine keeps the first
    assert "data" in secret.additional_secret_outputs
    values = resource_graph("dev").find("Release", "prometheus").inputs["values"]
    assert values["grafana"]["admin"] == {
        "existingSecret": "grafana-admin",
        "userKey": "admin-user",
        "passwordKey": "admin-password",
    }


def test_existing_grafana_secret_is_used(resource_graph):
    graph = resource_graph("dev", prometheus={"grafanaSecret": "ours"})
    assert not graph.find_all("Secret", "grafana-admin")
    values = graph.find("Release", "prometheus").inputs["values"]
    assert values["grafana"]["admin"]["existingSecret"] == "ours"
    assert graph.exports["grafana"]["secret"] == "ours"


def test_retention_and_storage(resource_graph):
    plain = prometheus_values(resource_graph)["prometheus"]["prometheusSpec"]
    assert plain["retention"] == "10d"
    assert "storageSpec" not in plain
    volume = prometheus_values(resource_graph, retention="4w", storage={"size": "50Gi", "storageClass": "fast"})
    actual = volume["prometheus"]["prometheusSpec"]
    assert actual["retention"] == "4w"
    assert actual["retentionSize"] == "43520MB"  # 85 % of it
    assert actual["storageSpec"]["volumeClaimTemplate"]["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "50Gi"}},
        "storageClassName": "fast",
    }


def test_the_users_own_values_win(resource_graph):
    values = prometheus_values(resource_graph, values={"prometheus": {"prometheusSpec": {"retention": "1h"}}})
    spec_ = values["prometheus"]["prometheusSpec"]
    assert spec_["retention"] == "1h"
    assert spec_["ruleSelectorNilUsesHelmValues"] is False


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_a_hidden_control_plane_is_not_scraped(resource_graph, stack):
    """Case charts-09."""
    values = resource_graph(stack).find("Release", "prometheus").inputs["values"]
    for target in ("kubeEtcd", "kubeControllerManager", "kubeScheduler", "kubeProxy"):
        assert values[target] == {"enabled": False}


def test_the_control_plane_is_scraped_by_default(resource_graph):
    assert "kubeEtcd" not in prometheus_values(resource_graph, controlPlane=True)


def test_a_registry_applies_to_the_images_of_all_charts(resource_graph):
    """Case charts-11."""
    graph = resource_graph("dev", charts={"imageRegistry": "registry.example.org/mirror"})
    values = {name: graph.find("Release", name).inputs["values"] for name in ("prometheus", "cert-manager")}
    assert values["prometheus"]["global"]["imageRegistry"] == "registry.example.org/mirror"
    assert values["cert-manager"]["imageRegistry"] == "registry.example.org/mirror"
    operator = graph.find("Release", "flink-kubernetes-operator").inputs["values"]
    assert operator["image"] == {"repository": "registry.example.org/mirror/apache/flink-kubernetes-operator"}


def test_environments_configure_prometheus_by_stack_keys(resource_graph):
    """Retention, storage and thresholds, and not a chart's values."""
    prod = resource_graph("prod").find("Release", "prometheus").inputs["values"]["prometheus"]["prometheusSpec"]
    assert prod["retention"] == "30d"
    assert prod["retentionSize"] == "87040MB"
    assert prod["storageSpec"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"] == "100Gi"
    staging = resource_graph("staging").find("Release", "prometheus").inputs["values"]["prometheus"]["prometheusSpec"]
    assert staging["retention"] == "7d"
    assert "storageSpec" not in staging
    stale = {
        stack: next(r for r in rules(resource_graph, stack) if r["alert"] == "FlinkCheckpointStale")
        for stack in ("dev", "prod")
    }
    assert "[30m]" in stale["dev"]["expr"]
    assert "[15m]" in stale["prod"]["expr"]
