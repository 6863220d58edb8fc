"""Kubernetes' Pod Security profiles: pods that a namespace would refuse.

After https://kubernetes.io/docs/concepts/security/pod-security-standards/ (Kubernetes 1.34), for the fields that a pod
template can have. tests/e2e/test_teams.py compares these rules with an API server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from flink_k8s.checks import safety
from flink_k8s.checks.subject import Subject
from flink_k8s.config.findings import Finding
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.pod_templates import GROUPS, templates

Violation = tuple[KeyPath, str]
"""Path in the pod's spec, and `problem; remedy`."""

_CAPABILITIES: Final = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    }
)
_SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        *(
            f"net.ipv4.{name}"
            for name in ("ip_local_port_range", "ip_local_reserved_ports", "ip_unprivileged_port_start")
        ),
        *(f"net.ipv4.{name}" for name in ("ping_group_range", "tcp_fin_timeout", "tcp_syncookies")),
        *(f"net.ipv4.tcp_keepalive_{name}" for name in ("intvl", "probes", "time")),
        *("net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
    }
)
_VOLUMES: Final = frozenset(
    {
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
        *("image", "persistentVolumeClaim", "projected", "secret"),
    }
)
_SELINUX_TYPES: Final = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")


def check(subject: Subject) -> None:
    """Check the pods of a Flink cluster against the profile of its namespace."""
    spec, at, level = subject.cluster_spec, subject.cluster_place, subject.pod_security
    if not spec:
        return
    host_network = subject.effective_job.host_network
    if host_network is not None:
        refused = level != "privileged"
        remedy = f", or set podSecurity: privileged for the namespace {subject.namespace}" if refused else ""
        rule = "pod-security" if refused else "restricted-profile"
        subject.report_spec(rule, host_network.path, f"{safety.HOST_NETWORK}{remedy}")
    reported: set[Finding] = set()  # both processes share the common template
    for template in templates(spec):

        def in_template(path: KeyPath, places: Mapping[tuple[str, str], KeyPath] = template.places) -> KeyPath:
            if path[0] not in GROUPS:
                return ("podTemplate", "spec", *path)
            return (*places[str(path[0]), str(path[1])], *path[2:])

        for violated, pod_violations in (
            ("baseline", _baseline(template.pod)),
            ("restricted", _restricted(template.pod)),
        ):
            refused = level == "restricted" or level == violated
            looser = "privileged" if violated == "baseline" else "baseline"
            remedy = f", or set podSecurity: {looser} for the namespace {subject.namespace}" if refused else ""
            for path, message in pod_violations:
                rule = "pod-security" if refused else "restricted-profile"
                finding = Finding(rule, (*at, *in_template(path)), f"{message}{remedy}")
                if finding not in reported:
                    reported.add(finding)
                    subject.findings.append(finding)


def violations(pod: Mapping[str, object]) -> list[Violation]:
    """Violations of the restricted profile in a pod's spec; paths contain the names of containers."""
    return [*_baseline(pod), *_restricted(pod)]


def _containers(pod: Mapping[str, object]) -> Iterator[tuple[KeyPath, Mapping[str, object]]]:
    for group in GROUPS:
        for item in listed(pod.get(group)):
            yield (group, str(mapping(item).get("name"))), mapping(item)


def _contexts(pod: Mapping[str, object]) -> Iterator[tuple[KeyPath, Mapping[str, object]]]:
    yield ("securityContext",), mapping(pod.get("securityContext"))
    for path, container in _containers(pod):
        yield (*path, "securityContext"), mapping(container.get("securityContext"))


def _baseline(pod: Mapping[str, object]) -> Iterator[Violation]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key) is True:
            yield (key,), "gives the pod access to the node; remove it"
    for index, volume in enumerate(listed(pod.get("volumes"))):
        if mapping(volume).get("hostPath") is not None:
            yield ("volumes", index, "hostPath"), "mounts a directory of the node; use a claim or an emptyDir"
    for index, sysctl in enumerate(listed(mapping(pod.get("securityContext")).get("sysctls"))):
        if mapping(sysctl).get("name") not in _SYSCTLS:
            yield ("securityContext", "sysctls", index), f"sets {mapping(sysctl).get('name')} of the node; remove it"
    for path, context in _contexts(pod):
        yield from _baseline_context(path, context)
    for path, container in _containers(pod):
        for index, port in enumerate(listed(container.get("ports"))):
            if mapping(port).get("hostPort"):
                yield (*path, "ports", index, "hostPort"), "binds a port of the node; remove it"
        for place, handler in _handlers(container):
            for action in ("httpGet", "tcpSocket"):
                if mapping(handler.get(action)).get("host"):
                    yield (*path, *place, action, "host"), "makes the kubelet call another host than the pod; remove it"


def _handlers(container: Mapping[str, object]) -> Iterator[tuple[KeyPath, Mapping[str, object]]]:
    """Probes and hooks of a container, which the kubelet calls from the node."""
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield (name,), mapping(container.get(name))
    for name in ("postStart", "preStop"):
        yield ("lifecycle", name), mapping(mapping(container.get("lifecycle")).get(name))


def _baseline_context(path: KeyPath, context: Mapping[str, object]) -> Iterator[Violation]:
    if context.get("privileged") is True:
        yield (*path, "privileged"), "gives the container root access to the node; remove it"
    if mapping(context.get("windowsOptions")).get("hostProcess") is True:
        yield (*path, "windowsOptions", "hostProcess"), "gives the pod access to the node; remove it"
    if context.get("procMount") not in (None, "Default"):
        yield (*path, "procMount"), "exposes all of /proc; remove it"
    for key in ("seccompProfile", "appArmorProfile"):
        if mapping(context.get(key)).get("type") == "Unconfined":
            yield (*path, key, "type"), "is Unconfined; write RuntimeDefault"
    selinux = mapping(context.get("seLinuxOptions"))
    if selinux.get("type", "") not in _SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield (*path, "seLinuxOptions"), "sets an SELinux type, user or role outside of the container types; remove it"
    added = [str(name) for name in listed(mapping(context.get("capabilities")).get("add"))]
    if extra := sorted(set(added) - _CAPABILITIES):
        yield (*path, "capabilities", "add"), f"adds {', '.join(extra)}; remove it"


def _restricted(pod: Mapping[str, object]) -> Iterator[Violation]:
    for index, volume in enumerate(listed(pod.get("volumes"))):
        others = sorted(mapping(volume).keys() - _VOLUMES - {"name", "hostPath"})
        if others:
            yield (
                ("volumes", index, others[0]),
                "is a volume type that the restricted profile does not allow; use a claim",
            )
    pod_context = mapping(pod.get("securityContext"))
    if pod_context.get("runAsUser") == 0:
        yield ("securityContext", "runAsUser"), "is 0, which is root; write the id of another user, such as 9999"
    if pod_context.get("runAsNonRoot") is False:  # refused even if every container sets true
        yield ("securityContext", "runAsNonRoot"), "allows containers to run as root; write true"
    for path, container in _containers(pod):
        yield from _restricted_container(
            (*path, "securityContext"), mapping(container.get("securityContext")), pod_context
        )


def _restricted_container(
    path: KeyPath, context: Mapping[str, object], pod_context: Mapping[str, object]
) -> Iterator[Violation]:
    if context.get("allowPrivilegeEscalation") is not False:
        yield (*path, "allowPrivilegeEscalation"), "is not false, so a process can gain privileges; write false"
    capabilities = mapping(context.get("capabilities"))
    if "ALL" not in listed(capabilities.get("drop")):
        yield (*path, "capabilities", "drop"), "does not drop all capabilities; write [ALL]"
    added = sorted({str(name) for name in listed(capabilities.get("add"))} & (_CAPABILITIES - {"NET_BIND_SERVICE"}))
    if added:
        yield (*path, "capabilities", "add"), f"adds {', '.join(added)}; remove it"
    if context.get("runAsUser") == 0:
        yield (*path, "runAsUser"), "is 0, which is root; write the id of another user, such as 9999"
    non_root = context.get("runAsNonRoot")
    if non_root is False or (non_root is None and pod_context.get("runAsNonRoot") is None):
        yield (*path, "runAsNonRoot"), "is not true, so the container may run as root; write true"
    profile = _first(context.get("seccompProfile"), pod_context.get("seccompProfile"))
    if mapping(profile).get("type") not in ("RuntimeDefault", "Localhost", "Unconfined"):
        yield (*path, "seccompProfile"), "is not set; write {type: RuntimeDefault}"


def _first(*values: object) -> object:
    return next((value for value in values if value is not None), None)


def without_repeats(findings: Sequence[Finding]) -> list[Finding]:
    """The findings without warnings at places that a Pod Security rule reports, too."""
    refused = {finding.path for finding in findings if finding.rule in ("pod-security", "restricted-profile")}
    return [
        finding
        for finding in findings
        if finding.rule not in ("privileged-pod", "host-path") or finding.path not in refused
    ]
