"""State of the cluster for the report of a failed test: statuses, pods, events, logs."""

from __future__ import annotations

import json

from flink_k8s.operations.stack import prepare
from flink_k8s.support.kubectl import Kubectl

FLINK_KINDS = ("flinkdeployments", "flinksessionjobs", "flinkbluegreendeployments", "flinkstatesnapshots")
REPEATED = ("reconciliationStatus", "lastReconciledSpec", "lastStableSpec")
"""Keys of a status that repeat its other keys or the spec."""

TERMINATING = 'jsonpath={range .items[?(@.status.phase!="Active")]}{.metadata.name} {.status}{"\\n"}{end}'
"""Namespaces that are being deleted, with what remains in them."""


def cluster_state() -> str:
    """Output of the commands that explain most failures. CI can truncate it, so short and important output is first."""
    try:
        kubectl = Kubectl.of(prepare("sandbox"))
    except Exception as error:
        return f"no kubectl: {error}"
    text = statuses(kubectl)
    operators = logs(kubectl, "app.kubernetes.io/name=flink-kubernetes-operator")
    for arguments in (
        ("get", "namespaces", "-o", TERMINATING),
        ("get", "pods", "-A", "-o", "wide"),
        ("get", "events", "-A", "--field-selector=type=Warning", "--sort-by=.lastTimestamp"),
        *((*operator, "--tail=40") for operator in operators),
        ("get", "events", "-A", "--sort-by=.lastTimestamp"),
        *((*operator, "--tail=300") for operator in operators),
        *((*restarted, "--previous", "--tail=80") for restarted in restarted_pods(kubectl)),
        *((*jobs, "--tail=150", "--prefix") for jobs in logs(kubectl, "type=flink-native-kubernetes")),
        ("logs", "-n", "cert-manager", "-l", "app.kubernetes.io/instance=cert-manager", "--tail=50", "--prefix"),
        ("logs", "-n", "monitoring", "-l", "app.kubernetes.io/part-of=kube-prometheus-stack", "--tail=100", "--prefix"),
        ("logs", "-n", "monitoring", "-l", "app.kubernetes.io/name=prometheus", "--all-containers", "--tail=100"),
        ("get", "--raw", "/api/v1/namespaces/monitoring/services/prometheus-operated:9090/proxy/api/v1/targets"),
        ("get", ",".join(FLINK_KINDS), "-A", "-o", "yaml"),
    ):
        result = kubectl.try_run(*arguments, "--request-timeout=10s")
        output = (result.stdout + result.stderr).decode(errors="replace")
        text += f"\n$ kubectl {' '.join(arguments)}\n{output[-20_000:]}"
    return text


def logs(kubectl: Kubectl, selector: str) -> list[tuple[str, ...]]:
    """The arguments of `kubectl logs` for the pods of a label, in each namespace that has such pods."""
    names = 'jsonpath={range .items[*]}{.metadata.namespace}{"\\n"}{end}'
    output = kubectl.try_run("get", "pods", "-A", "-l", selector, "-o", names, "--request-timeout=10s").stdout.decode()
    return [("logs", "-n", namespace, "-l", selector) for namespace in sorted(set(output.split()))]


def restarted_pods(kubectl: Kubectl) -> list[tuple[str, ...]]:
    """The arguments of `kubectl logs` for each pod whose containers have restarted."""
    result = kubectl.try_run("get", "pods", "-A", "-o", "json", "--request-timeout=10s")
    pods = json.loads(result.stdout)["items"] if result.returncode == 0 else []
    restarted = [
        pod["metadata"]
        for pod in pods
        if any(container["restartCount"] for container in pod["status"].get("containerStatuses", []))
    ]
    return [("logs", "-n", pod["namespace"], pod["name"]) for pod in restarted]


def statuses(kubectl: Kubectl) -> str:
    """One line per Flink resource: its status without copies of the spec."""
    lines = ["statuses:"]
    for kind in FLINK_KINDS:
        result = kubectl.try_run("get", kind, "-A", "-o", "json", "--request-timeout=10s")
        if result.returncode != 0:
            lines.append(result.stderr.decode(errors="replace").strip())
            continue
        for item in json.loads(result.stdout)["items"]:
            metadata, status = item["metadata"], item.get("status") or {}
            status = {**status, **(status.get("reconciliationStatus") or {})}
            brief = {key: value for key, value in status.items() if key not in REPEATED}
            name = f"{metadata['namespace']}/{metadata['name']} generation {metadata.get('generation')}"
            lines.append(f"{kind} {name}: {json.dumps(brief)}")
    return "\n".join(lines) + "\n"
