"""Pod Security: what the platform gives job pods, and what a namespace's profile refuses, before a cluster is asked."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from flink_k8s.checks.pod_security import violations
from flink_k8s.config.merge import merge_mappings
from tests.unit.project import JOB, Project

GOOD: dict[str, Any] = {
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 9999,
        "runAsGroup": 9999,
        "fsGroup": 9999,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "containers": [
        {
            "name": "flink-main-container",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}


def job(**spec: Any) -> str:
    return yaml.safe_dump(merge_mappings(yaml.safe_load(JOB), {"spec": spec}))


def pod(**spec: Any) -> str:
    return job(podTemplate={"spec": spec})


def contexts(template: dict[str, Any]) -> dict[str, Any]:
    """A pod template's security contexts alone."""
    spec = template["spec"]
    settings = {"pod": spec.get("securityContext")}
    for group in ("containers", "initContainers"):
        settings |= {item["name"]: item.get("securityContext") for item in spec.get(group, [])}
    return settings


def with_main(**context: Any) -> dict[str, Any]:
    """The good pod with another context of its container; None takes a field away."""
    changed = copy.deepcopy(GOOD)
    merged = merge_mappings(changed["containers"][0]["securityContext"], context)
    changed["containers"][0]["securityContext"] = merged
    return changed


def with_pod(**context: Any) -> dict[str, Any]:
    return {**GOOD, "securityContext": merge_mappings(GOOD["securityContext"], context)}


def test_job_pods_are_restricted_by_default(project: Project) -> None:
    template = project.spec()["podTemplate"]
    assert contexts(template) == contexts({"spec": GOOD})
    assert violations(template["spec"]) == []


def test_pods_of_blue_green_deployments_get_a_security_context(project: Project) -> None:
    manifest = yaml.safe_load(JOB)
    manifest |= {"kind": "FlinkBlueGreenDeployment", "spec": {"template": {"spec": manifest["spec"]}}}
    project.job(yaml.safe_dump(manifest))
    assert contexts(project.spec()["template"]["spec"]["podTemplate"]) == contexts({"spec": GOOD})


def test_sidecars_get_a_security_context_in_their_own_template(project: Project) -> None:
    sides = {"containers": [{"name": "side", "image": "side:1"}], "initContainers": [{"name": "first", "image": "f:1"}]}
    own = {"podTemplate": {"spec": {"containers": [{"name": "worker-side", "image": "side:1"}]}}}
    project.job(job(podTemplate={"spec": sides}, taskManager=own))
    spec = project.spec()
    container = GOOD["containers"][0]["securityContext"]
    assert contexts(spec["podTemplate"]) == {
        "pod": GOOD["securityContext"], "flink-main-container": container, "side": container, "first": container
    }  # fmt: skip
    assert contexts(spec["taskManager"]["podTemplate"]) == {"pod": None, "worker-side": container}
    assert "podTemplate" not in spec["jobManager"]


def test_security_context_of_a_job_file_has_precedence(project: Project) -> None:
    main = {"name": "flink-main-container", "securityContext": {"readOnlyRootFilesystem": True}}
    manifest = yaml.safe_load(JOB)
    own = {"runAsUser": 1000, "fsGroup": None}  # null takes the platform's value away
    manifest["spec"]["podTemplate"] = {"spec": {"securityContext": own, "containers": [main]}}
    project.job(yaml.safe_dump(manifest))
    template = project.spec()["podTemplate"]
    assert template["spec"]["securityContext"]["runAsUser"] == 1000
    assert "fsGroup" not in template["spec"]["securityContext"]
    assert contexts(template)["flink-main-container"]["readOnlyRootFilesystem"] is True
    assert violations(template["spec"]) == []


def test_root_user_is_reported_and_deployed_where_allowed(project: Project) -> None:
    """Root together with runAsNonRoot would not start in any namespace."""
    project.job(pod(initContainers=[{"name": "own", "image": "o:1", "securityContext": {"runAsUser": 0}}]))
    assert any(
        "podTemplate.spec.initContainers[0].securityContext.runAsUser: is 0, which is root" in problem
        for problem in project.problems()
    )
    project.stack({"namespaces": {"flink": {"podSecurity": "baseline"}}})
    assert "runAsNonRoot" not in project.spec()["podTemplate"]["spec"]["securityContext"]


def test_pods_in_a_privileged_namespace_are_unchanged(project: Project) -> None:
    project.stack({"namespaces": {"flink": {"podSecurity": "privileged"}}})
    assert contexts(project.spec()["podTemplate"]) == {"pod": None, "flink-main-container": None}
    findings = [remark for remark in project.remarks() if "podTemplate" in remark]
    assert len(findings) == 4  # privilege escalation, capabilities, root, seccomp
    project.stack({"strict": True, "namespaces": {"flink": {"podSecurity": "privileged"}}})
    assert [
        problem
        for problem in project.problems()
        if "is not false, so a process can gain privileges; write false" in problem
    ]


@pytest.mark.parametrize(
    ("level", "outcome"), [("restricted", "refused"), ("baseline", "refused"), ("privileged", "warned")]
)
def test_violations_of_the_baseline_profile_are_errors(project: Project, level: str, outcome: str) -> None:
    project.stack({"namespaces": {"flink": {"podSecurity": level}}})
    project.job(pod(hostNetwork=True))
    findings = project.problems() if outcome == "refused" else project.remarks()
    [match] = [item for item in findings if "hostNetwork" in item]
    assert "gives the pod access to the node; remove it" in match
    assert ("or set podSecurity: privileged for the namespace flink" in match) == (outcome == "refused")


@pytest.mark.parametrize(("level", "outcome"), [("restricted", "refused"), ("baseline", "warned")])
def test_violations_of_the_restricted_profile_are_errors(project: Project, level: str, outcome: str) -> None:
    project.stack({"namespaces": {"flink": {"podSecurity": level}}})
    main = {"name": "flink-main-container", "securityContext": {"capabilities": {"drop": []}}}
    project.job(pod(containers=[main]))
    findings = project.problems() if outcome == "refused" else project.remarks()
    [match] = [item for item in findings if "capabilities" in item]
    assert "does not drop all capabilities; write [ALL]" in match
    assert ("or set podSecurity: baseline for the namespace flink" in match) == (outcome == "refused")


GOOD_PODS: list[dict[str, Any]] = [
        GOOD,
        with_main(runAsUser=1000, capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        with_main(seccompProfile={"type": "Localhost", "localhostProfile": "x"}),
        {**with_main(runAsNonRoot=True, seccompProfile={"type": "RuntimeDefault"}), "securityContext": {}},
        {**GOOD, "containers": [{**GOOD["containers"][0], "readinessProbe": {"httpGet": {"port": 1, "host": ""}}}]},
        {**GOOD, "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "persistentVolumeClaim": {"claimName": "c"}}]},
        with_pod(sysctls=[{"name": "net.ipv4.tcp_keepalive_time", "value": "1"}], seLinuxOptions={"type": "container_t"}),
    ]  # fmt: skip
"""Pods that the restricted profile takes."""

REFUSED: list[tuple[dict[str, Any], tuple[str | int, ...]]] = [
        ({**GOOD, "hostNetwork": True}, ("hostNetwork",)),
        ({**GOOD, "hostPID": True}, ("hostPID",)),
        ({**GOOD, "hostIPC": True}, ("hostIPC",)),
        ({**GOOD, "volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, ("volumes", 0, "hostPath")),
        ({**GOOD, "volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]}, ("volumes", 0, "nfs")),
        (with_pod(sysctls=[{"name": "kernel.msgmax", "value": "1"}]), ("securityContext", "sysctls", 0)),
        (with_pod(runAsUser=0), ("securityContext", "runAsUser")),
        ({**with_main(runAsNonRoot=True), "securityContext": {**GOOD["securityContext"], "runAsNonRoot": False}},
         ("securityContext", "runAsNonRoot")),
        (with_pod(runAsNonRoot=None), ("containers", "flink-main-container", "securityContext", "runAsNonRoot")),
        (with_pod(seccompProfile=None), ("containers", "flink-main-container", "securityContext", "seccompProfile")),
        (with_pod(seccompProfile={"type": "Unconfined"}), ("securityContext", "seccompProfile", "type")),
        (with_pod(appArmorProfile={"type": "Unconfined"}), ("securityContext", "appArmorProfile", "type")),
        (with_pod(seLinuxOptions={"type": "spc_t"}), ("securityContext", "seLinuxOptions")),
        (with_pod(seLinuxOptions={"role": "sysadm_r"}), ("securityContext", "seLinuxOptions")),
        (with_pod(windowsOptions={"hostProcess": True}), ("securityContext", "windowsOptions", "hostProcess")),
        *(
            (with_main(**context), ("containers", "flink-main-container", "securityContext", *path))
            for context, path in (
                ({"privileged": True}, ("privileged",)),
                ({"procMount": "Unmasked"}, ("procMount",)),
                ({"runAsUser": 0}, ("runAsUser",)),
                ({"runAsNonRoot": False}, ("runAsNonRoot",)),
                ({"allowPrivilegeEscalation": None}, ("allowPrivilegeEscalation",)),
                ({"allowPrivilegeEscalation": True}, ("allowPrivilegeEscalation",)),
                ({"capabilities": None}, ("capabilities", "drop")),
                ({"capabilities": {"drop": ["KILL"]}}, ("capabilities", "drop")),
                ({"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}, ("capabilities", "add")),
                ({"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}, ("capabilities", "add")),
                ({"seccompProfile": {"type": "Unconfined"}}, ("seccompProfile", "type")),
            )
        ),
        ({**GOOD, "containers": [*GOOD["containers"], {**GOOD["containers"][0], "name": "b", "ports": [{"containerPort": 1, "hostPort": 1}]}]},
         ("containers", "b", "ports", 0, "hostPort")),
        *(
            ({**GOOD, "containers": [{**GOOD["containers"][0], **handler}]}, ("containers", "flink-main-container", *path))
            for handler, path in (
                ({"livenessProbe": {"httpGet": {"port": 1, "host": "h"}}}, ("livenessProbe", "httpGet", "host")),
                ({"startupProbe": {"tcpSocket": {"port": 1, "host": "h"}}}, ("startupProbe", "tcpSocket", "host")),
                ({"lifecycle": {"preStop": {"httpGet": {"port": 1, "host": "h"}}}}, ("lifecycle", "preStop", "httpGet", "host")),
            )
        ),
        ({**GOOD, "initContainers": [{"name": "i"}]}, ("initContainers", "i", "securityContext", "allowPrivilegeEscalation")),
    ]  # fmt: skip
"""Pods that it refuses, each with the place that is wrong."""

BAD = [bad for bad, _ in REFUSED]


@pytest.mark.parametrize("good", GOOD_PODS)
def test_restricted_profile_accepts_compliant_pods(good: dict[str, Any]) -> None:
    assert violations(good) == []


@pytest.mark.parametrize(("bad", "path"), REFUSED)
def test_restricted_profile_refuses_violations(bad: dict[str, Any], path: tuple[str | int, ...]) -> None:
    assert path in [place for place, _ in violations(bad)]
