"""The log store and its collector: what is installed, in which order, and how the dashboards link to it."""

from __future__ import annotations

import json

import pytest

STORE, COLLECTOR = "victoria-logs", "log-collector"
LINK = "https://logs.example.org/?q=${namespace}/${job}"


def releases(graph):
    return {resource.name: resource for resource in graph.find_all("Release")}


def job_links(graph):
    (text,) = (
        text
        for config_map in graph.find_all("ConfigMap")
        for file, text in config_map.inputs["data"].items()
        if file == "flink-job.json"
    )
    return {link["title"]: link.get("url") for link in json.loads(text)["links"]}


def test_without_the_setting_nothing_is_installed_and_no_dashboard_links_to_logs(resource_graph):
    graph = resource_graph("dev")
    assert not {STORE, COLLECTOR} & releases(graph).keys()
    assert set(job_links(graph)) == {"Flink", "Flink UI"}


def test_the_collector_sends_the_logs_of_jobs_and_operator_to_the_store(resource_graph):
    settings = {"enabled": True, "retention": "4w", "storage": {"size": "50Gi", "storageClass": "fast"}}
    graph = resource_graph("dev", logging=settings)
    store, collector = releases(graph)[STORE], releases(graph)[COLLECTOR]
    server = store.inputs["values"]["server"]
    assert server["fullnameOverride"] == STORE
    assert server["retentionPeriod"] == "4w"
    assert server["persistentVolume"] == {"size": "50Gi", "storageClassName": "fast"}
    values = collector.inputs["values"]
    assert values["remoteWrite"] == [{"url": f"http://{STORE}:9428"}]
    assert values["collector"]["excludeFilter"] == '!"kubernetes.pod_namespace":in("flink","flink-operator")'
    assert {store.inputs["namespace"], collector.inputs["namespace"]} == {"logging"}


def test_only_pods_of_its_namespace_reach_the_store(resource_graph):
    policies = {"enabled": True}
    graph = resource_graph("dev", logging={"enabled": True}, networkPolicies=policies)
    policy = releases(graph)[STORE].inputs["values"]["networkPolicy"]
    assert policy == {"enabled": True, "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 9428}]}]}
    graph = resource_graph("dev", logging={"enabled": True}, networkPolicies={"enabled": False})
    assert "networkPolicy" not in releases(graph)[STORE].inputs["values"]


def test_images_come_from_the_mirror(resource_graph):
    graph = resource_graph("dev", logging={"enabled": True}, charts={"imageRegistry": "mirror.example.org"})
    for name in (STORE, COLLECTOR):
        assert releases(graph)[name].inputs["values"]["global"] == {"image": {"registry": "mirror.example.org"}}


def test_values_of_the_user_win(resource_graph):
    own = {"values": {"server": {"resources": {"limits": {"memory": "4Gi"}}}}, "collectorValues": {"tolerations": []}}
    graph = resource_graph("dev", logging={"enabled": True, **own})
    assert releases(graph)[STORE].inputs["values"]["server"]["resources"]["limits"]["memory"] == "4Gi"
    assert releases(graph)[COLLECTOR].inputs["values"]["tolerations"] == []


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (
            {"enabled": True},
            "http://localhost:9428/select/vmui/#/?query=%22kubernetes.pod_namespace%22%3A%3D%22${namespace}%22"
            "%20%22kubernetes.pod_labels.app%22%3A%3D%22${job}%22"
            "&g0.range_input=1h&g0.relative_time=last_1_hour",
        ),
        ({"enabled": True, "link": LINK}, LINK),
        ({"link": LINK}, LINK),
    ],
)
def test_the_dashboard_of_a_job_links_to_its_logs(resource_graph, settings, address):
    links = job_links(resource_graph("dev", logging=settings))
    assert links["Logs"] == address
    assert links["Flink UI"] == "http://localhost:8081"
