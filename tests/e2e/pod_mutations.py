"""Pods to ask an API server about: a restricted one, changed in every way that a Pod Security profile looks at."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.unit.checks.test_pod_security import GOOD

Pod = dict[str, Any]
Change = Callable[[Pod], None]

_POD_CONTEXT: dict[str, list[Any]] = {
    "runAsNonRoot": [None, True, False],
    "runAsUser": [None, 0, 1000],
    "runAsGroup": [None, 0],
    "fsGroup": [None, 0],
    "supplementalGroups": [[0]],
    "seccompProfile": [
        None,
        {"type": "RuntimeDefault"},
        {"type": "Unconfined"},
        {"type": "Localhost", "localhostProfile": "x"},
    ],
    "appArmorProfile": [{"type": "RuntimeDefault"}, {"type": "Unconfined"}],
    "seLinuxOptions": [
        {},
        {"type": ""},
        {"type": "container_t"},
        {"type": "container_engine_t"},
        {"type": "spc_t"},
        {"user": "u"},
        {"role": "r"},
        {"level": "s0:c1"},
    ],
    "sysctls": [
        [{"name": name, "value": "1"}]
        for name in (
            "kernel.shm_rmid_forced",
            "kernel.msgmax",
            "net.core.somaxconn",
            "net.ipv4.ip_forward",
            "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.tcp_syncookies",
            "net.ipv4.tcp_wmem",
            "net.ipv4.tcp_max_syn_backlog",
        )
    ],
    "windowsOptions": [{"hostProcess": False}, {"runAsUserName": "u"}],
}
_CONTEXT: dict[str, list[Any]] = {
    **{key: _POD_CONTEXT[key] for key in ("runAsNonRoot", "runAsUser", "seccompProfile", "appArmorProfile")},
    "seLinuxOptions": _POD_CONTEXT["seLinuxOptions"],
    "privileged": [False, True],
    "allowPrivilegeEscalation": [None, True, False],
    "readOnlyRootFilesystem": [True],
    "procMount": ["Default"],
    "capabilities": [
        None,
        {},
        {"drop": []},
        {"drop": ["ALL"]},
        {"drop": ["all"]},
        {"drop": ["KILL", "ALL"]},
        {"drop": ["NET_RAW"]},
        *({"drop": ["ALL"], "add": [name]} for name in ("NET_BIND_SERVICE", "CHOWN", "SETUID", "SYS_ADMIN", "ALL")),
        {"add": ["NET_BIND_SERVICE"]},
    ],
}
_VOLUMES: list[dict[str, Any]] = [
    {"emptyDir": {}},
    {"configMap": {"name": "c"}},
    {"secret": {"secretName": "s"}},
    {"downwardAPI": {"items": []}},
    {"projected": {"sources": []}},
    {"persistentVolumeClaim": {"claimName": "c"}},
    {"csi": {"driver": "d"}},
    {
        "ephemeral": {
            "volumeClaimTemplate": {
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
            }
        }
    },
    {"image": {"reference": "x:1"}},
    {"hostPath": {"path": "/"}},
    {"nfs": {"server": "s", "path": "/"}},
    {"iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2001-04.com.example:storage", "lun": 0}},
    {"awsElasticBlockStore": {"volumeID": "v"}},
    {"gitRepo": {"repository": "r"}},
    {"rbd": {"monitors": ["m"], "image": "i"}},
]
_POD: dict[str, list[Any]] = {
    "hostNetwork": [False, True],
    "hostPID": [False, True],
    "hostIPC": [False, True],
    "hostUsers": [True, False],
    "shareProcessNamespace": [True],
    "automountServiceAccountToken": [False],
}
_PROBE_HOST = {"httpGet": {"port": 1, "host": "1.2.3.4"}}
_CONTAINER: dict[str, list[Any]] = {
    "ports": [[{"containerPort": 1}], [{"containerPort": 1, "hostPort": 0}], [{"containerPort": 1, "hostPort": 1}]],
    "livenessProbe": [{"httpGet": {"port": 1}}, _PROBE_HOST, {"tcpSocket": {"port": 1, "host": "1.2.3.4"}}],
    "readinessProbe": [{"tcpSocket": {"port": 1}}, _PROBE_HOST, {"httpGet": {"port": 1, "host": ""}}],
    "startupProbe": [_PROBE_HOST],
    "lifecycle": [{"postStart": _PROBE_HOST}, {"preStop": _PROBE_HOST}, {"preStop": {"exec": {"command": ["x"]}}}],
}


def _put(holder: dict[str, Any], key: str, value: Any) -> None:
    """Sets a copy of the value; None takes the key away."""
    if value is None:
        holder.pop(key, None)
    else:
        holder[key] = copy.deepcopy(value)


def _side(group: str) -> Change:
    def change(pod: Pod) -> None:
        pod.setdefault(group, []).append({**copy.deepcopy(GOOD["containers"][0]), "name": f"side-{group.lower()}"})

    return change


def _changes() -> Iterator[Change]:
    for key, values in _POD.items():
        for value in values:
            yield lambda pod, key=key, value=value: _put(pod, key, value)
    for key, values in _POD_CONTEXT.items():
        for value in values:
            yield lambda pod, key=key, value=value: _put(pod["securityContext"], key, value)
    for group in ("containers", "initContainers"):
        yield _side(group)
        for key, values in _CONTEXT.items():
            for value in values:
                yield lambda pod, group=group, key=key, value=value: [
                    _put(item.setdefault("securityContext", {}), key, value) for item in pod.get(group, [])[-1:]
                ]
        for key, values in _CONTAINER.items():
            for value in values:
                yield lambda pod, group=group, key=key, value=value: [
                    _put(item, key, value) for item in pod.get(group, [])[-1:]
                ]
    for volume in _VOLUMES:
        yield lambda pod, volume=volume: pod.setdefault("volumes", []).append(
            {"name": f"v{len(pod.get('volumes', []))}", **copy.deepcopy(volume)}
        )
    for place in ("securityContext", "containers"):
        yield lambda pod, place=place: pod["containers"][0].pop(place, None)
    yield lambda pod: _put(pod, "securityContext", {})


def _both() -> Iterator[list[Change]]:
    """Combinations of a setting of the pod and the same setting of its container."""
    for key in _POD_CONTEXT.keys() & _CONTEXT.keys():
        for whole, own in itertools.product(_POD_CONTEXT[key], _CONTEXT[key]):
            yield [
                lambda pod, key=key, whole=whole: _put(pod["securityContext"], key, whole),
                lambda pod, key=key, own=own: _put(pod["containers"][0]["securityContext"], key, own),
            ]


def pods(several: int, seed: int = 8) -> list[Pod]:
    """Pods' specs: each change alone, on a pod with one container and on one with an init container; settings of pod
    and container together; then several changes together.

    Args:
        several: how many pods get two to four changes drawn at random.
        seed: of the drawing.
    """
    changes = list(_changes())
    drawn = random.Random(seed)
    chosen = [[change] for change in changes] + [[_side("initContainers"), change] for change in changes]
    chosen += _both()
    chosen += [drawn.sample(changes, drawn.randint(2, 4)) for _ in range(several)]
    messages: list[Pod] = []
    for together in chosen:
        pod = copy.deepcopy(GOOD)
        for change in together:
            change(pod)
        messages.append(pod)
    return messages
