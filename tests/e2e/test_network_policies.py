"""What the NetworkPolicies let pass, by an evaluator of the field over the rendered objects: the whole table.

What a network plugin makes of the policies is another test's; a cluster is asked only whether it takes them. Every
pair of two teams' pods, the operator, Prometheus, their surroundings and strangers is tried at every port that means
something, and no rule can be taken away, widened or narrowed without a verdict changing.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.config import stack_file
from flink_k8s.program.render import render
from flink_k8s.program.run import run_program
from flink_k8s.support.kubectl import Kubectl
from tests.e2e.network_evaluator import Connection, Place, verdicts
from tests.project import ROOT

pytestmark = pytest.mark.full

JOBS = """
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: word-count}
spec: &spec
  image: pyflink:dev
  flinkVersion: v2_2
  jobManager: {resource: {memory: 1600m, cpu: 1}}
  taskManager: {resource: {memory: 1600m, cpu: 1}}
  job: {jarURI: "local:///job.jar", parallelism: 1, upgradeMode: stateless}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkBlueGreenDeployment
metadata: {name: shop}
spec:
  template:
    spec:
      image: pyflink:dev
      flinkVersion: v2_2
      jobManager: {resource: {memory: 1600m, cpu: 1}}
      taskManager: {resource: {memory: 1600m, cpu: 1}}
      job: {jarURI: "local:///job.jar", parallelism: 1, upgradeMode: stateless}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: totals, namespace: team-b}
spec:
  image: pyflink:dev
  flinkVersion: v2_2
  mode: standalone
  jobManager: {resource: {memory: 1600m, cpu: 1}}
  taskManager: {resource: {memory: 1600m, cpu: 1}}
  job: {jarURI: "http://jars.build:8000/job.jar", parallelism: 1, upgradeMode: savepoint}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: session, namespace: team-b}
spec:
  flinkConfiguration: {rest.port: "8082", rest.bind-port: "8083"}
  image: pyflink:dev
  flinkVersion: v2_2
  jobManager: {resource: {memory: 1600m, cpu: 1}}
  taskManager: {resource: {memory: 1600m, cpu: 1}}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: in-session, namespace: team-b}
spec:
  deploymentName: session
  job: {jarURI: "https://more.jars:8443/job.jar", parallelism: 1, upgradeMode: stateless}
"""
KEYS = {"accessKey": {"secret": "s", "key": "a"}, "secretKey": {"secret": "s", "key": "b"}}
CONFIG: dict[str, Any] = {
    "namespaces": {
        "flink": {"egress": [{"namespace": "kafka", "pods": {"app": "broker"}, "ports": [9092]}]},
        "team-b": {},
    },
    "stateStorage": {"type": "s3", "uri": "s3://b/p", "endpoint": "http://minio.storage:9000", "credentials": KEYS},
    "networkPolicies": {
        "apiServer": {"cidrs": ["192.0.2.10/32"], "ports": [6443]},
        "restClients": [{"namespace": "ui", "pods": {"app": "proxy"}}],
    },
    "jobs": {
        "totals": {"egress": [{"cidr": "10.20.0.0/16", "except": ["10.20.9.0/24"], "ports": [5432]}]},
        "in-session": {"egress": [{"namespace": "cache", "ports": ["6379-6380"]}]},
    },
}


def flink_pods(namespace: str, app: str, mode: str = "native") -> dict[str, tuple[str, dict[str, str]]]:
    """A cluster's pods with the labels that Flink and the operator give them."""
    return {
        f"{app}/{component}": (
            namespace,
            {"app": app, "component": component, "type": f"flink-{mode}-kubernetes"},
        )
        for component in ("jobmanager", "taskmanager")
    }


TRIAL = "policies-on-trial"

PODS: dict[str, tuple[str, dict[str, str]]] = {
    **flink_pods("flink", "word-count"),
    **flink_pods("flink", "shop-blue"),
    **flink_pods("flink", "shop-green"),
    **flink_pods("flink", "undeclared"),
    **flink_pods("team-b", "totals", "standalone"),
    **flink_pods("team-b", "session"),
    "tool": ("team-b", {"app": "tool"}),
    "operator": ("flink-operator", {"app.kubernetes.io/name": "flink-kubernetes-operator"}),
    "beside-operator": ("flink-operator", {"app": "stray"}),
    "prometheus": ("monitoring", {"app.kubernetes.io/name": "prometheus"}),
    "grafana": ("monitoring", {"app.kubernetes.io/name": "grafana"}),
    "dns": ("kube-system", {"k8s-app": "kube-dns"}),
    "beside-dns": ("kube-system", {"k8s-app": "other"}),
    "minio": ("storage", {"app": "minio"}),
    "jars": ("build", {"app": "jars"}),
    "more-jars": ("jars", {"app": "jars"}),
    "broker": ("kafka", {"app": "broker"}),
    "beside-broker": ("kafka", {"app": "other"}),
    "cache": ("cache", {"app": "cache"}),
    "proxy": ("ui", {"app": "proxy"}),
    "beside-proxy": ("ui", {"app": "other"}),
    # Labels of others do not help who is in the wrong namespace.
    "impostor": ("default", {"app": "word-count", "component": "jobmanager", "type": "flink-native-kubernetes"}),
    "other-operator": ("default", {"app.kubernetes.io/name": "flink-kubernetes-operator"}),
    "other-prometheus": ("default", {"app.kubernetes.io/name": "prometheus"}),
}
OUTSIDE = {
    "api-server": "192.0.2.10",
    "public": "203.0.113.9",
    "metadata": "169.254.169.254",
    "node-cache": "169.254.20.10",
    "database": "10.20.1.5",
    "not-the-database": "10.20.9.5",
    "private": "10.99.0.1",
}
PLACES: dict[str, Place] = {
    **{
        name: Place(f"10.244.0.{index}", namespace, tuple(sorted(labels.items())))
        for index, (name, (namespace, labels)) in enumerate(PODS.items(), start=2)
    },
    **{name: Place(address) for name, address in OUTSIDE.items()},
}
GUARDED = {name for name, (namespace, _) in PODS.items() if namespace in ("flink", "team-b", "flink-operator")}
PORTS = (
    *("53/UDP", "53", "80", "443", "988", "5432", "6123", "6379", "6380", "6381", "6443", "8000", "8081", "8082"),
    *("8083", "8443"),
    *("9000", "9092", "9249", "9443", "9999", "31000"),
)


def pods(*apps: str) -> tuple[str, ...]:
    """The JobManager and the TaskManager of each."""
    return tuple(f"{app}/{component}" for app in apps for component in ("jobmanager", "taskmanager"))


REST_8081 = pods("word-count", "shop-blue", "shop-green", "totals")
FLINK = (*REST_8081, *pods("session"))
STRANGERS = tuple(name for name in PLACES if name not in GUARDED)
DNS = ("53/UDP", "53")
Row = tuple[Iterable[str], Iterable[str], Iterable[str]]

COMMON: list[Row] = [
    # Processes of one job, at whatever port they choose.
    *(
        (item, item, PORTS)
        for item in (pods("word-count"), pods("shop-blue", "shop-green"), pods("totals"), pods("session"))
    ),
    # REST: the operator and the configured clients can reach JobManagers.
    (("operator",), [pod for pod in REST_8081 if pod.endswith("/jobmanager")], ("8081",)),
    (("proxy",), REST_8081, ("8081",)),
    # Where its pods listen, not where its Service does.
    (("operator",), ("session/jobmanager",), ("8083",)),
    (("proxy",), pods("session"), ("8083",)),
    # Metrics.
    (("prometheus",), FLINK, ("9249",)),
    (("prometheus",), ("operator",), ("9999",)),
    # The webhook: the API server has no address that is known.
    (STRANGERS, ("operator",), ("9443",)),
    # Names.
    ((*FLINK, "operator"), ("dns", "node-cache", "metadata"), DNS),
    # What was declared: for a namespace, a job, a session job.
    ([pod for pod, (namespace, _) in PODS.items() if namespace == "flink"], ("broker",), ("9092",)),
    (pods("totals"), ("database",), ("5432",)),
    (pods("session"), ("cache",), ("6379", "6380")),
    # Jars: a job fetches its own, the operator a session job's.
    (pods("totals"), ("jars",), ("8000",)),
    (("operator",), ("more-jars",), ("8443",)),
]
NARROW: list[Row] = [
    *COMMON,
    ((*FLINK, "operator"), ("api-server",), ("6443",)),
    # State: who keeps some, and session clusters.
    (pods("totals", "session"), ("minio",), ("9000",)),
]
ANY_API_SERVER: list[Row] = [
    *COMMON,
    ((*FLINK, "operator"), STRANGERS, ("443", "6443")),
    (pods("totals", "session"), ("minio",), ("9000",)),
]
PUBLIC_STORE: list[Row] = [
    *COMMON,
    ((*FLINK, "operator"), ("api-server",), ("6443",)),
    # The API server's address is a public one, too, as far as a policy can know.
    (pods("totals", "session"), ("public", "api-server"), ("443",)),
    # No keys and no role: the identity is that of the node.
    (pods("totals", "session"), ("metadata",), ("80",)),
]


def policies(tmp_path: Path, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The NetworkPolicies in the rendered files of a stack."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "jobs.yaml").write_text(JOBS)
    (tmp_path / "__main__.py").symlink_to(ROOT / "__main__.py")
    base = {key: value for key, value in stack_file.read(ROOT, "dev").items() if key in ("context", "prometheus")}
    resource_graph = run_program(tmp_path, "dev", {**base, **config}, preview=True)
    render(resource_graph, tmp_path / "out", "flux")
    return [yaml.safe_load(path.read_text()) for path in sorted((tmp_path / "out").glob("*-networkpolicy-*.yaml"))]


def connections(touching: Iterable[str] = GUARDED, ports: Iterable[str] = PORTS) -> list[tuple[str, str, str]]:
    """Every source, target and port of which at least one end is one of these."""
    touched, ports = set(touching), tuple(ports)
    return [
        (source, target, port)
        for source in PLACES
        for target in PLACES
        for port in ports
        if source != target and (source in touched or target in touched)
    ]


def verdicts_of(policies: list[dict[str, Any]], tried: list[tuple[str, str, str]]) -> dict[tuple[str, str, str], bool]:
    actual = verdicts(policies, [Connection(PLACES[source], PLACES[target], port) for source, target, port in tried])
    return dict(zip(tried, actual, strict=True))


def table(rows: Iterable[Row]) -> set[tuple[str, str, str]]:
    return {
        (source, target, port)
        for sources, targets, ports in rows
        for source in sources
        for target in targets
        for port in ports
        if source != target
    }


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return policies(tmp_path_factory.mktemp("project"), CONFIG)


@pytest.fixture(scope="module")
def rendered_verdicts(rendered: list[dict[str, Any]]) -> dict[tuple[str, str, str], bool]:
    return verdicts_of(rendered, connections())


def difference(
    verdict_by_connection: dict[tuple[str, str, str], bool], rows: Iterable[Row]
) -> dict[str, list[tuple[str, str, str]]]:
    passes, actual = {item for item, allowed in verdict_by_connection.items() if allowed}, table(rows)
    return {"passes and should not": sorted(passes - actual), "should pass": sorted(actual - passes)}


NOTHING: dict[str, list[Any]] = {"passes and should not": [], "should pass": []}


def test_declared_connections_pass_and_no_others(rendered_verdicts) -> None:
    assert difference(rendered_verdicts, NARROW) == NOTHING
    assert sum(rendered_verdicts.values()) > 300
    assert len(rendered_verdicts) - sum(rendered_verdicts.values()) > 9000


@pytest.mark.parametrize(
    ("changed", "rows"),
    [
        ({"networkPolicies": {"restClients": CONFIG["networkPolicies"]["restClients"]}}, ANY_API_SERVER),
        ({"stateStorage": {"type": "s3", "uri": "s3://b/p"}}, PUBLIC_STORE),
    ],
    ids=["the API server may be anywhere", "the store is public"],
)
def test_unknown_addresses_widen_only_their_own_rules(tmp_path: Path, changed: dict[str, Any], rows: list[Row]) -> None:
    assert difference(verdicts_of(policies(tmp_path, {**CONFIG, **changed}), connections()), rows) == NOTHING


def test_without_policies_every_connection_passes(rendered_verdicts) -> None:
    """The evaluator answers what it is asked, not always the same."""
    tried = connections(["tool"])
    assert all(verdicts_of([], tried).values())
    assert not any(rendered_verdicts[item] for item in tried)


def test_each_policy_allows_and_denies_connections(rendered, rendered_verdicts) -> None:
    names = {f"{manifest['metadata']['namespace']}/{manifest['metadata']['name']}" for manifest in rendered}
    assert names == {
        *(
            "flink/flinkdeployment-word-count",
            "flink/flinkbluegreendeployment-shop",
            "flink/egress",
            "flink/default-deny",
        ),
        *("team-b/flinkdeployment-totals", "team-b/flinkdeployment-session", "team-b/flinksessionjob-in-session"),
        *("team-b/default-deny", "flink-operator/operator", "flink-operator/default-deny"),
    }
    for manifest in rendered:
        if manifest["metadata"]["name"] != "default-deny":
            matches = {
                allowed
                for (source, target, _), allowed in rendered_verdicts.items()
                if {source, target} & selected(manifest)
            }
            assert matches == {True, False}, manifest["metadata"]["name"]


def selected(policy: Mapping[str, Any]) -> set[str]:
    """The pods that a policy is about."""
    selector = policy["spec"]["podSelector"]
    actual: set[str] = set()
    for name, (namespace, labels) in PODS.items():
        is_meant = namespace == policy["metadata"]["namespace"]
        is_meant &= (selector.get("matchLabels") or {}).items() <= labels.items()
        is_meant &= all(labels.get(item["key"]) in item["values"] for item in selector.get("matchExpressions") or ())
        actual |= {name} if is_meant else set()
    return actual


def named_ports(policy: Mapping[str, Any]) -> set[str]:
    """The ports that a policy names, and some that it does not."""
    rules = [*(policy["spec"].get("ingress") or ()), *(policy["spec"].get("egress") or ())]
    actual = {"31000", "443"}
    for port in (port for rule in rules for port in rule.get("ports") or ()):
        numbers = (port["port"], port.get("endPort", port["port"]), port.get("endPort", port["port"]) + 1)
        actual |= {str(number) if port["protocol"] == "TCP" else f"{number}/UDP" for number in numbers}
    return actual & set(PORTS)


def mutations(policy: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What is in a policy's place when it, a rule, a peer, a port or an exception is taken away, or a rule's limits."""
    name = f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"
    yield f"{name} away", []
    for title, spec in changed_specs(policy["spec"]):
        yield f"{name}: {title}", [{**policy, "spec": spec}]


def changed_specs(spec: Mapping[str, Any]) -> Generator[tuple[str, dict[str, Any]]]:
    for direction, end in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or ()):
            place = f"{direction}[{index}]"

            def with_rule(new: dict[str, Any] | None, at: int = index, key: str = direction) -> dict[str, Any]:
                rules = list(copy.deepcopy(spec[key]))
                rules[at : at + 1] = [] if new is None else [new]
                return {**spec, key: rules}

            yield f"{place} away", with_rule(None)
            for part in (end, "ports"):
                if part in rule and len(rule) > 1:
                    yield f"{place} without {part}", with_rule({key: item for key, item in rule.items() if key != part})
                for number, item in enumerate(rule.get(part) or ()):
                    if len(rule[part]) > 1:
                        remaining = rule[part][:number] + rule[part][number + 1 :]
                        yield f"{place}.{part}[{number}] away", with_rule({**rule, part: remaining})
                    for looser in (("podSelector",), ("namespaceSelector",), ("ipBlock", "except"), ("endPort",)):
                        inner = copy.deepcopy(item)
                        holder = inner
                        for key in looser[:-1]:
                            holder = holder.get(key, {})
                        if looser[-1] in holder and (len(item) > 1 or len(looser) > 1):
                            del holder[looser[-1]]
                            changed = [*rule[part][:number], inner, *rule[part][number + 1 :]]
                            yield f"{place}.{part}[{number}] without {looser[-1]}", with_rule({**rule, part: changed})


def test_each_rule_is_needed(rendered) -> None:
    """Each end guards itself: what is changed is seen though the policies of all other namespaces are away."""
    every: list[tuple[str, list[dict[str, Any]], dict[tuple[str, str, str], bool]]] = []
    for policy in rendered:
        of_namespace = [
            manifest for manifest in rendered if manifest["metadata"]["namespace"] == policy["metadata"]["namespace"]
        ]
        before = verdicts_of(of_namespace, connections(selected(policy), named_ports(policy)))
        others = [item for item in of_namespace if item is not policy]
        every += [(name, [*others, *instead], before) for name, instead in mutations(policy)]
    assert len(every) > 90

    def is_seen(mutant: tuple[str, list[dict[str, Any]], dict[tuple[str, str, str], bool]]) -> bool:
        _, changed, before = mutant
        return verdicts_of(changed, list(before)) != before

    with ThreadPoolExecutor(2) as threads:
        actual = list(threads.map(is_seen, every))
    assert [name for (name, _, _), noticed in zip(every, actual, strict=True) if not noticed] == []


@pytest.mark.usefixtures("sandbox")
def test_an_api_server_accepts_each_policy(rendered, kubectl: Kubectl) -> None:
    def create(policy: Mapping[str, Any], **spec: Any) -> str:
        inside = {**policy, "metadata": {**policy["metadata"], "namespace": TRIAL}, "spec": {**policy["spec"], **spec}}
        result = kubectl.try_run("create", "--dry-run=server", "-f", "-", stdin=json.dumps(inside).encode())
        return result.stderr.decode()

    kubectl.run("create", "namespace", TRIAL)
    try:
        assert [create(policy) for policy in rendered] == [""] * len(rendered)
        assert "must be between 1 and 65535" in create(rendered[0], egress=[{"ports": [{"port": 0}]}])
    finally:
        kubectl.try_run("delete", "namespace", TRIAL, "--wait=false")
