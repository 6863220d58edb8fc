"""NetworkPolicies: the settings of a stack, the derived rules, and the findings of `make check`."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.network import Endpoint, port_range
from flink_k8s.resolve.traffic import Traffic, at_url, of_job, of_operator, rest_bind_port, rest_port
from tests.unit.project import JOB, SESSION, Project

DNS = ["kube-system/k8s-app=kube-dns 53/UDP 53", "169.254.0.0/16 53/UDP 53"]
API = ["* 443 6443"]
PUBLIC = [
    "0.0.0.0/0 -10.0.0.0/8 -100.64.0.0/10 -169.254.0.0/16 -172.16.0.0/12 -192.168.0.0/16 -198.18.0.0/15 443",
    "::/0 -fc00::/7 -fe80::/10 443",
]
NODE = ["169.254.170.23/32 80", "169.254.169.254/32 80"]
STATEFUL: dict[str, Any] = {"job": {"upgradeMode": "savepoint"}}
S3: dict[str, Any] = {"type": "s3", "uri": "s3://bucket/state"}
KEYS = {"credentials": {"accessKey": {"secret": "s", "key": "a"}, "secretKey": {"secret": "s", "key": "b"}}}
ROLE = {"serviceAccountAnnotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/a"}}


def job(name: str = "word-count", **spec: Any) -> str:
    manifest = yaml.safe_load(JOB)
    manifest["metadata"]["name"] = name
    return yaml.safe_dump(merge_mappings(manifest, {"spec": spec}))


def text(endpoint: Endpoint) -> str:
    """An endpoint on one line: `namespace/label=value port port`, `cidr -except port`, `* port`."""
    if endpoint.cidr is not None:
        peer = " ".join([endpoint.cidr, *(f"-{part}" for part in endpoint.except_)])
    elif endpoint.is_anybody:
        peer = "*"
    else:
        peer = "/".join([endpoint.namespace or "", *(f"{key}={value}" for key, value in endpoint.pods.items())])
    return " ".join([peer, *endpoint.ports])


def texts(endpoints: Any) -> list[str]:
    return [text(endpoint) for endpoint in endpoints]


def traffic(project: Project, name: str = "word-count") -> Traffic:
    platform = project.load()
    [selected] = [job for job in platform.jobs if job.name == name]
    actual = of_job(selected, platform.settings)
    assert actual is not None
    return actual


def further(project: Project, name: str = "word-count") -> list[str]:
    """Egress of a job beyond what every job has."""
    actual = texts(traffic(project, name).egress)
    assert actual[:3] == DNS + API
    return actual[3:]


@pytest.mark.parametrize(
    ("egress", "problem"),
    [
        ({"cidr": "kafka.example.org"}, 'is "kafka.example.org", a host name: a NetworkPolicy supports addresses and pods, but no host names; write cidr'),
        ({"host": "kafka.example.org", "ports": [9092]}, "contains host, but a NetworkPolicy supports addresses and pods, but no host names; write cidr"),
        ({"cidr": "10.0.0.1/8"}, 'is "10.0.0.1/8", which is not in canonical form; write 10.0.0.0/8'),
        ({"cidr": "10.0.0.7"}, 'is "10.0.0.7", which is not in canonical form; write 10.0.0.7/32'),
        ({"cidr": "10.0.0.0/33"}, 'is "10.0.0.0/33", which is not a range of addresses; write a range such as 10.20.0.0/16'),
        ({"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}, "contains except 11.0.0.0/16, which is not in 10.0.0.0/8; remove it"),
        ({"cidr": "10.0.0.0/8", "except": ["fc00::/7"]}, "contains except fc00::/7, which is not in 10.0.0.0/8; remove it"),
        ({"except": ["10.0.0.0/8"], "ports": [1]}, "contains except without cidr; set cidr to the range"),
        ({"cidr": "10.0.0.0/8", "namespace": "kafka"}, "contains both addresses (cidr) and pods (namespace, pods); write one entry for each"),
        ({}, "has neither peer nor ports; write cidr, or namespace and pods, and ports"),
        ({"namespace": "kafka", "ports": [0]}, 'is "0", which is not a port; write a port such as 9092'),
        ({"namespace": "kafka", "ports": ["9094-9092"]}, 'is "9094-9092", which is not a port; write a port such as'),
        ({"namespace": "kafka", "ports": ["53/ICMP"]}, 'is "53/ICMP", which is not a port; write a port such as'),
        ({"namespace": "kafka", "port": 9092}, 'unknown field'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["job", "namespace", "operator"])
def test_egress_that_a_policy_cannot_express_is_an_error(
    project: Project, egress: dict[str, Any], problem: str, place: str
) -> None:
    config = {
        "job": {"jobs": {"word-count": {"egress": [egress]}}},
        "namespace": {"namespaces": {"flink": {"egress": [egress]}}},
        "operator": {"operator": {"egress": [egress]}},
    }[place]
    project.stack(config)
    [finding] = project.problems()
    assert problem in finding
    assert "egress" in finding


@pytest.mark.parametrize(
    "egress",
    [
        {"cidr": "10.0.0.0/8"},
        {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"], "ports": [9092, "9093-9094", "53/UDP"]},
        {"cidr": "2001:db8::/32", "ports": ["443"]},
        {"namespace": "kafka"},
        {"pods": {"app": "cache"}, "ports": [6379]},
        {"ports": [9092]},
    ],
)
def test_similar_valid_network_settings_are_accepted(project: Project, egress: dict[str, Any]) -> None:
    project.stack({"jobs": {"word-count": {"egress": [egress]}}, "namespaces": {"flink": {"egress": [egress]}}})
    assert further(project) == [text(Endpoint.model_validate(egress))]


def test_ports_are_read() -> None:
    assert [port_range(port) for port in ("9092", "9092-9094", "53/UDP")] == [
        (9092, 9092, "TCP"),
        (9092, 9094, "TCP"),
        (53, 53, "UDP"),
    ]


def test_rest_client_has_a_peer_and_no_ports(project: Project) -> None:
    project.stack({"networkPolicies": {"restClients": [{"ports": [1]}, {}]}})
    findings_text = "\n".join(project.problems())
    assert "restClients[0].ports: unknown field" in findings_text
    assert "has no peer; write cidr, or namespace and pods" in findings_text


def test_a_job_has_names_the_api_server_its_operator_and_prometheus(project: Project) -> None:
    actual = traffic(project)
    assert texts(actual.egress) == DNS + API
    assert texts(actual.ingress) == [
        "flink-operator/app.kubernetes.io/name=flink-kubernetes-operator 8081",
        "monitoring/app.kubernetes.io/name=prometheus 9249",
    ]


def test_rules_use_the_configured_namespaces_and_ports(project: Project) -> None:
    port = {"name": "metrics", "containerPort": 9300}
    container = {
        "name": "flink-main-container",
        "ports": [port, {"name": "metrics", "containerPort": 9249, "$patch": "delete"}],
    }
    container = {"name": "flink-main-container", "ports": [port]}
    project.job(job(flinkConfiguration={"rest.port": "9081"}, podTemplate={"spec": {"containers": [container]}}))
    project.stack(
        {
            "operator": {"namespace": "ops", "enabled": False},
            "prometheus": {"namespace": "prom", "enabled": False},
            "networkPolicies": {
                "restClients": [{"namespace": "ui", "pods": {"app": "proxy"}}, {"cidr": "10.9.0.0/16"}]
            },
        }
    )
    assert texts(traffic(project).ingress) == [
        "ops/app.kubernetes.io/name=flink-kubernetes-operator 9081",
        "ui/app=proxy 9081",
        "10.9.0.0/16 9081",
        "prom/app.kubernetes.io/name=prometheus 9300",
    ]
    platform = project.load()
    assert "flink/component=jobmanager 8081 9081" in texts(of_operator(platform.settings, platform.jobs).egress)


@pytest.mark.parametrize(
    ("settings", "service", "pods"),
    [
        ({}, "8081", "8081"),
        ({"rest.port": "9081"}, "9081", "9081"),
        ({"rest.bind-port": "9191"}, "8081", "9191"),
        ({"rest.port": "9081", "rest.bind-port": "9191"}, "9081", "9191"),
        ({"rest.bind-port": "9000-9010"}, "8081", "9000-9010"),
        ({"rest.bind-port": "0"}, "8081", "8081"),
        ({"rest.port": "0"}, "8081", "8081"),
        ({"rest.bind-port": "any"}, "8081", "8081"),
        ({"rest.port": "9081", "web.port": "9300", "jobmanager.web.port": "9301"}, "9081", "9081"),
        ({"web.port": "9300", "jobmanager.web.port": "9301"}, "9300", "9300"),
        ({"jobmanager.web.port": "9301"}, "8081", "9301"),
    ],
    ids=str,
)
def test_rest_is_at_one_port_of_the_service_and_at_another_of_the_pods(
    project: Project, settings: dict[str, str], service: str, pods: str
) -> None:
    """A NetworkPolicy sees pods. What each key does is what Flink 1.17 to 2.3 themselves make of it."""
    project.job(job(flinkConfiguration=settings))
    project.stack({"networkPolicies": {"restClients": [{"namespace": "ui"}]}})
    platform = project.load()
    [only_job] = platform.jobs
    assert (rest_port(only_job, platform.settings), rest_bind_port(only_job, platform.settings)) == (service, pods)
    assert [end.ports for end in traffic(project).ingress][:2] == [[pods], [pods]]
    [jobs] = [end for end in of_operator(platform.settings, platform.jobs).egress if end.namespace == "flink"]
    assert jobs.ports == sorted({"8081", pods})


def test_the_operator_of_all_namespaces_connects_to_jobs_anywhere(project: Project) -> None:
    project.stack({"operator": {"watchAllNamespaces": True}})
    platform = project.load()
    egress = of_operator(platform.settings, platform.jobs).egress
    assert "* 8081" in texts(egress)
    assert not [end for end in egress if end.namespace == "flink"]


def test_metrics_port_is_closed_without_monitors(project: Project) -> None:
    project.stack({"prometheus": {"monitors": False}})
    assert not [text for text in texts(traffic(project).ingress) if "prometheus" in text]
    platform = project.load()
    assert texts(of_operator(platform.settings, platform.jobs).ingress) == ["* 9443"]


def test_operator_traffic_is_webhook_metrics_dns_jobs_and_egress(project: Project) -> None:
    project.stack(
        {
            "namespaces": {"flink": {}, "team-b": {}},
            "operator": {"egress": [{"cidr": "10.0.0.0/8", "ports": [4317]}], "values": {"metrics": {"port": 9998}}},
        }
    )
    platform = project.load()
    actual = of_operator(platform.settings, platform.jobs)
    assert texts(actual.ingress) == ["* 9443", "monitoring/app.kubernetes.io/name=prometheus 9998"]
    assert texts(actual.egress) == [
        *DNS,
        *API,
        "flink/component=jobmanager 8081",
        "team-b/component=jobmanager 8081",
        "10.0.0.0/8 4317",
    ]
    project.stack({"operator": {"webhook": False}})
    platform = project.load()
    assert "* 9443" not in texts(of_operator(platform.settings, platform.jobs).ingress)


def test_dns_and_api_server_can_be_configured(project: Project) -> None:
    dns = [{"namespace": "openshift-dns", "ports": ["5353/UDP", 5353]}]
    api = {"cidrs": ["10.0.0.2/32", "10.0.0.3/32"], "ports": [6443]}
    project.stack({"networkPolicies": {"dns": dns, "apiServer": api}})
    items = ["openshift-dns 5353/UDP 5353", "10.0.0.2/32 6443", "10.0.0.3/32 6443"]
    assert texts(traffic(project).egress) == items
    platform = project.load()
    assert texts(of_operator(platform.settings, platform.jobs).egress)[:3] == items


@pytest.mark.parametrize(
    ("storage", "egress"),
    [
        ({"type": "volume"}, []),
        (S3, [*PUBLIC, *NODE]),
        ({**S3, **ROLE}, PUBLIC),
        ({**S3, **KEYS}, PUBLIC),
        ({**S3, **KEYS, "endpoint": "http://minio.storage:9000"}, ["storage 9000"]),
        ({**S3, **KEYS, "endpoint": "http://minio.storage.svc:9000"}, ["storage 9000"]),
        ({**S3, **KEYS, "endpoint": "https://minio-0.minio.storage.svc.cluster.local"}, ["storage"]),
        ({**S3, **KEYS, "endpoint": "http://minio:9000"}, ["flink 9000"]),
        ({**S3, **KEYS, "endpoint": "http://10.1.2.3:9000"}, ["10.1.2.3/32 9000"]),
        ({**S3, **KEYS, "endpoint": "https://s3.example.org"}, ["* 443"]),
        ({"type": "gcs", "uri": "gs://bucket/state"}, [*PUBLIC, "169.254.169.254/32 80", "169.254.169.252/32 988"]),
        ({"type": "gcs", "uri": "gs://bucket/state", "endpoint": "http://gcs.storage:4443"}, ["storage 4443"]),
        ({"type": "azure", "uri": "abfss://c@a.dfs.core.windows.net/p", "credentials": {"accountKey": {"secret": "s", "key": "k"}}}, PUBLIC),
        ({"type": "azure", "uri": "abfss://c@a.dfs.core.windows.net/p", "managedIdentity": {"tenant": "t", "clientId": "c"}}, [*PUBLIC, "169.254.169.254/32 80"]),
        ({"type": "azure", "uri": "wasbs://c@a.blob.core.windows.net/p", "credentials": {"accountKey": {"secret": "s", "key": "k"}}}, [f"{item} 80" for item in PUBLIC]),
    ],
    ids=str,
)  # fmt: skip
def test_a_job_that_keeps_state_reaches_its_store_and_no_other_does(
    project: Project, storage: dict[str, Any], egress: list[str]
) -> None:
    project.job(job(**STATEFUL) + "---\n" + job("other"))
    project.stack({"stateStorage": storage})
    assert further(project) == egress
    assert further(project, "other") == []


def test_storage_egress_can_be_configured(project: Project) -> None:
    project.job(job(**STATEFUL) + "---\n" + job("other"))
    store = [{"cidr": "10.7.0.0/24", "ports": [443]}]
    project.stack({"stateStorage": S3, "networkPolicies": {"storage": store}})
    assert further(project) == ["10.7.0.0/24 443"]
    assert further(project, "other") == []


def test_a_jobs_own_directories_count_and_so_do_its_jar_and_its_savepoint(project: Project) -> None:
    own = {"execution.checkpointing.dir": "s3a://b/c", "s3.endpoint": "http://own.store:9000"}
    project.job(
        job(flinkConfiguration=own)
        + "---\n"
        + job("jar", job={"jarURI": "https://jars.build:8080/a.jar"})
        + "---\n"
        + job("back", job={"initialSavepointPath": "gs://b/s"})
    )
    assert further(project) == ["store 9000"]
    assert further(project, "jar") == ["build 8080"]
    assert further(project, "back") == PUBLIC


def test_a_session_jobs_egress_is_its_clusters_and_its_jar_the_operators(project: Project) -> None:
    project.job(f"{JOB}\n---\n{SESSION}")
    platform = project.load()
    assert "* 443" in texts(of_operator(platform.settings, platform.jobs).egress)
    by_name = {job.name: job for job in platform.jobs}
    assert of_job(by_name["in-session"], platform.settings) is None
    project.stack({"jobs": {"in-session": {"egress": [{"namespace": "kafka"}]}}})
    actual = traffic(project, "in-session")
    assert (texts(actual.ingress), texts(actual.egress)) == ([], ["kafka"])


def test_later_sources_replace_the_declared_egress(project: Project) -> None:
    layers: dict[str, Any] = {"jobDefaults": {"egress": [{"ports": [1]}]}}
    project.stack(layers)
    assert further(project) == ["* 1"]
    project.stack({**layers, "jobs": {"word-count": {"egress": [{"ports": [2]}]}}})
    assert further(project) == ["* 2"]
    project.stack({**layers, "jobs": {"word-count": {"egress": [{"ports": [2]}]}}, "enforced": {"egress": []}})
    assert further(project) == []


@pytest.mark.parametrize(
    ("url", "endpoints"),
    [
        ("https://example.org/a.jar", ["org", "* 443"]),
        ("https://repo.example.org/a.jar", ["* 443"]),
        ("http://[2001:db8::7]:8080/a", ["2001:db8::7/128 8080"]),
        ("http://localhost:9000", []),
        ("http://a:99999999", []),
        ("nothing", []),
    ],
)
def test_endpoint_of_a_url(url: str, endpoints: list[str]) -> None:
    assert texts(at_url(url, "flink")) == endpoints


def test_disabled_network_policies_are_a_warning_and_an_error_if_strict(project: Project) -> None:
    project.stack({"networkPolicies": {"enabled": False}})
    [finding] = [remark for remark in project.remarks() if "networkPolicies" in remark]
    assert (
        "warning: Pulumi.x.yaml:4: networkPolicies.enabled: is false, so every pod of the cluster can reach" in finding
    )
    project.stack({"networkPolicies": {"enabled": False}, "strict": True})
    assert [problem for problem in project.problems() if "networkPolicies.enabled: is false" in problem]
    project.stack({})
    assert not [remark for remark in project.remarks() if "networkPolicies" in remark]


def test_unrestricted_egress_is_reported(project: Project) -> None:
    def remarks(egress: dict[str, Any]) -> list[str]:
        project.stack({"jobs": {"word-count": {"egress": [{"namespace": "kafka"}, egress]}}})
        return [remark for remark in project.remarks() if "egress" in remark]

    [finding] = remarks({"cidr": "0.0.0.0/0"})
    assert "jobs.word-count.egress[1]: allows every port of every address; set ports, or a smaller range" in finding
    assert remarks({"cidr": "0.0.0.0/0", "ports": [9092]}) == []


@pytest.mark.parametrize(
    ("argument", "remedy"),
    [
        ("kafka.kafka:9092", "[{namespace: kafka, ports: [9092]}]"),
        ("jdbc:postgresql://db.example.org:5432/orders", "[{cidr: …, ports: [5432]}]"),
        ("a.kafka.svc:9092,b.kafka.svc:9092", "[{namespace: kafka, ports: [9092]}]"),
    ],
)
def test_unreachable_host_is_a_notice(project: Project, argument: str, remedy: str) -> None:
    project.job(job(job={"args": ["--brokers", argument]}))
    [first, *_] = findings = [
        remark for remark in project.remarks() if "no NetworkPolicy allows the job to reach" in remark
    ]
    assert first.startswith("notice: jobs/word_count.yaml:")
    assert f"set jobs.word-count.egress: {remedy}" in first
    assert len(findings) == argument.count(",") + 1
    for egress in ({"ports": ["5000-9999"]}, {"namespace": "kafka"} if "kafka" in argument else {"cidr": "10.0.0.0/8"}):
        project.stack({"jobs": {"word-count": {"egress": [egress]}}})
        assert not [remark for remark in project.remarks() if "NetworkPolicy" in remark]
        project.stack({"namespaces": {"flink": {"egress": [egress]}}})
        assert not [remark for remark in project.remarks() if "NetworkPolicy" in remark]
    project.stack({"jobs": {"word-count": {"egress": [{"namespace": "other"}]}}})
    assert [remark for remark in project.remarks() if "NetworkPolicy" in remark]


def test_hosts_in_variables_are_detected_and_other_text_is_not(project: Project) -> None:
    project.job(
        job(job={"args": ["12:30", "flink:dev", "s3://b/c", "user@mail.org:25", "1.5:3000", "https://a.b.c:443/x"]})
    )
    assert not [remark for remark in project.remarks() if "NetworkPolicy" in remark]
    project.stack({"jobs": {"word-count": {"env": {"BROKERS": "kafka.kafka:9092"}}}})
    assert [remark for remark in project.remarks() if "names kafka.kafka:9092" in remark]
    project.stack(
        {"jobs": {"word-count": {"env": {"BROKERS": "kafka.kafka:9092"}}}, "networkPolicies": {"enabled": False}}
    )
    assert not [remark for remark in project.remarks() if "names kafka" in remark]


@pytest.mark.parametrize("name", ["default-deny", "egress", "flinkdeployment-word-count"])
def test_a_job_files_policy_must_not_be_the_programs_own(project: Project, name: str) -> None:
    policy = "\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: NAME}\nspec: {podSelector: {}}\n"
    project.job(JOB + policy.replace("NAME", name))
    assert [
        problem
        for problem in project.problems()
        if f'"{name}" is the name of a policy that the program creates; choose another name' in problem
    ]
    project.job(JOB + policy.replace("NAME", "mine"))
    assert not [remark for remark in project.remarks() if "policy" in remark]


def test_ingress_without_an_allowed_controller_is_a_notice(project: Project) -> None:
    project.job(job(ingress={"template": "{{name}}.example.org"}))
    [finding] = [remark for remark in project.remarks() if "ingress controller" in remark]
    assert finding.startswith("notice: jobs/word_count.yaml:")
    assert "spec.ingress: needs connections from the ingress controller, which no NetworkPolicy allows; set" in finding
    assert "set ingress.controller: {namespace: …}" in finding
    for enough in (
        {"ingress": {"controller": {"namespace": "ingress-nginx"}}},
        {"networkPolicies": {"restClients": [{"namespace": "ingress-nginx"}]}},
        {"networkPolicies": {"enabled": False}},
    ):
        project.stack(enough)
        assert not [remark for remark in project.remarks() if "ingress controller" in remark]
