"""Pod templates: pods that Kubernetes refuses, and fields that Flink replaces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from flink_k8s.checks.subject import Subject
from flink_k8s.config.problems import KeyPath, similar
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.units import quantity
from flink_k8s.resolve.job_spec import MAIN_CONTAINER, MERGE_BY_NAME
from flink_k8s.resolve.pod_templates import GROUPS, PROCESSES, Template, templates

_FLINK_VOLUMES = frozenset(
    {
        "flink-config-volume",
        "hadoop-config-volume",
        "hadoop-conf-volume",
        "kerberos-keytab-volume",
        "kerberos-krb5conf-volume",
        "pod-template-volume",
        "user-artifacts-volume",
    }
)
"""Volumes that Flink adds to the pods."""

_FLINK_PORTS = frozenset({"blobserver", "jobmanager-rpc", "rest", "taskmanager-rpc"})
"""Names of the ports that Flink adds to its container."""

_PORT_NAME = re.compile(r"(?=.{1,15}$)[a-z0-9]+(-[a-z0-9]+)*")

_VARIABLE_NAME = re.compile(r"[ -<>-~]+")
"""Printable ASCII without `=`."""

_FIELD = re.compile(
    r"metadata\.(name|namespace|uid)|spec\.(nodeName|serviceAccountName)|status\.(hostIPs?|podIPs?)"
    r"|metadata\.(labels|annotations)\['[^']+'\]"
)
"""Fields of a pod that a variable can contain."""

_REPLACED_IN_POD = {
    "serviceAccountName": "write serviceAccount in the spec",
    "serviceAccount": "write serviceAccount in the spec",
    "restartPolicy": "remove it",
}
_REPLACED_IN_CONTAINER = {
    "image": "write image in the spec",
    "imagePullPolicy": "write imagePullPolicy in the spec",
    "command": "remove it",
    "args": "remove it, and write job.args for the arguments of the job",
    "resources": "write jobManager.resource and taskManager.resource, and kubernetes.*.limit-factor for limits",
}
"""Fields of Flink's container that Flink overwrites, and the remedy."""


def check(subject: Subject) -> None:
    """Check the pod templates of a Flink cluster."""
    if not subject.spec:
        return
    _replaced_fields(subject)
    merges_by_name = subject.options.configuration.get(MERGE_BY_NAME, "").strip().lower() == "true"
    own = [mapping(mapping(subject.spec.get(process)).get("podTemplate")).get("spec") for process in PROCESSES]
    if any(own) and not merges_by_name:
        return  # the operator merges the lists by position
    reported: set[tuple[KeyPath, str]] = set()
    for template in templates(subject.spec):
        for path, message in _refused(template, subject):
            if (path, message) not in reported:
                reported.add((path, message))
                subject.report_spec("pod-template", path, message)


def _replaced_fields(subject: Subject) -> None:
    for holder, path in ((subject.spec, ()), *((mapping(subject.spec.get(name)), (name,)) for name in PROCESSES)):
        pod = mapping(mapping(holder.get("podTemplate")).get("spec"))
        place = (*path, "podTemplate", "spec")
        for field, remedy in _REPLACED_IN_POD.items():
            if pod.get(field) is not None:
                subject.report_spec(
                    "unused-setting", (*place, field), f"has no effect, because Flink sets it; {remedy}"
                )
        for index, container in enumerate(listed(pod.get("containers"))):
            for field, remedy in _REPLACED_IN_CONTAINER.items() if _name(container) == MAIN_CONTAINER else ():
                if mapping(container).get(field):
                    message = f"has no effect, because Flink sets it; {remedy}"
                    subject.report_spec("unused-setting", (*place, "containers", index, field), message)


def _name(item: object) -> object:
    return mapping(item).get("name")


def _refused(template: Template, subject: Subject) -> Iterator[tuple[KeyPath, str]]:
    pod = template.pod
    volumes = [str(_name(volume)) for volume in listed(pod.get("volumes"))]
    for name, number in Counter(volumes).items():
        if number > 1:
            yield (*template.at, "volumes"), f'contains the volume "{name}" twice; remove one of them'
        if name == "flink-config-volume":
            yield (*template.at, "volumes"), f'contains the volume "{name}" of Flink itself; choose another name'
    if pod.get("ephemeralContainers"):
        message = "can only be added to running pods; write containers, or initContainers with restartPolicy: Always"
        yield (*template.at, "ephemeralContainers"), message
    for index, volume in enumerate(listed(pod.get("volumes"))):
        types = [key for key, source in mapping(volume).items() if key != "name" and source is not None]
        if len(types) > 1:
            yield (*template.at, "volumes", index), f"has the types {' and '.join(types)}; write one volume for each"
    known = {*volumes, *_FLINK_VOLUMES, *_secret_volumes(subject)}
    for group in GROUPS:
        for index, item in enumerate(listed(pod.get(group))):
            container, name = mapping(item), _name(item)
            path = template.places.get((group, str(name)), (*template.at, group, index))
            if not isinstance(name, str) or not name:
                yield (*path, "name"), "is missing; set the name of the container"
                continue
            if not container.get("image") and (group, name) != ("containers", MAIN_CONTAINER):
                hint = "set the image of the container"
                if group == "containers":
                    hint += f", or name it {MAIN_CONTAINER} if it is Flink's own"
                yield (*path, "image"), f"of container {name} is missing; {hint}"
            yield from _variables(container, path)
            if (group, name) != ("containers", MAIN_CONTAINER):
                yield from _limits(container, path)
            yield from _mounts(container, path, known, subject)
            yield from _ports(container, path, subject)
    yield from _host_ports(template)


def _variables(container: Mapping[str, object], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    for index, item in enumerate(listed(container.get("env"))):
        variable, place = mapping(item), (*path, "env", index)
        name, source = str(variable.get("name")), mapping(variable.get("valueFrom"))
        if not _VARIABLE_NAME.fullmatch(name):
            shown = f"{name.partition('=')[0]}=…" if "=" in name else name
            yield (*place, "name"), f'"{shown}" is not a name of a variable; use letters, digits and _'
        if variable.get("value") and source:
            yield (*place, "valueFrom"), f"of {name} is set next to value; remove one of them"
        field = mapping(source.get("fieldRef")).get("fieldPath")
        if isinstance(field, str) and not _FIELD.fullmatch(field):
            remedy = "write, for example, metadata.name, metadata.labels['app'] or status.podIP"
            yield (*place, "valueFrom", "fieldRef", "fieldPath"), f"is {field}, which no variable can contain; {remedy}"


def _limits(container: Mapping[str, object], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    resources = mapping(container.get("resources"))
    limits = mapping(resources.get("limits"))
    for resource, request in mapping(resources.get("requests")).items():
        try:
            is_above = resource in limits and quantity(str(request)) > quantity(str(limits[resource]))
        except ValueError:
            continue  # reported as a wrong value
        if is_above:
            message = (
                f"is {request}, which is above the limit {limits[resource]}; raise the limit, or lower the request"
            )
            yield (*path, "resources", "requests", resource), message


def _mounts(
    container: Mapping[str, object], path: KeyPath, volumes: set[str], subject: Subject
) -> Iterator[tuple[KeyPath, str]]:
    folder = subject.options.configuration.get("kubernetes.flink.conf.dir", "/opt/flink/conf").rstrip("/")
    is_main = container.get("name") == MAIN_CONTAINER
    used: set[str] = set()
    for index, item in enumerate(listed(container.get("volumeMounts"))):
        mount, place = mapping(item), (*path, "volumeMounts", index)
        name, target = mount.get("name"), mount.get("mountPath")
        if isinstance(name, str) and name not in volumes:
            near = similar(name, sorted(volumes - _FLINK_VOLUMES))
            hint = f'did you mean "{near}"?' if near else "add it to volumes"
            yield (*place, "name"), f'"{name}" is not a volume of this pod template; {hint}'
        if not isinstance(target, str) or not target:
            yield (*place, "mountPath"), "is missing; set the directory in the container"
        elif is_main and target.rstrip("/") == folder:
            remedy = "use logConfiguration, flinkConfiguration or another directory"
            yield (*place, "mountPath"), f"is {folder}, where Flink mounts its configuration; {remedy}"
        elif target in used:
            yield (*place, "mountPath"), f"is {target}, where another volume is mounted; choose another directory"
        used.add(str(target))


def _ports(container: Mapping[str, object], path: KeyPath, subject: Subject) -> Iterator[tuple[KeyPath, str]]:
    """Names of ports that Kubernetes refuses: a second port of the same name in a container."""
    is_main = container.get("name") == MAIN_CONTAINER and subject.effective_job.host_network is None
    used: set[str] = set()
    for index, port in enumerate(listed(container.get("ports"))):
        name, place = _name(port), (*path, "ports", index, "name")
        if not isinstance(name, str):
            continue
        if name in used:
            yield place, f'"{name}" is the name of two ports of the container; choose another name'
        elif is_main and name in _FLINK_PORTS:
            yield place, f'"{name}" is the name of a port that Flink adds to its container; remove the port'
        elif not _PORT_NAME.fullmatch(name) or not re.search("[a-z]", name):
            yield place, f'"{name}" is not a name of a port; use at most 15 lower-case letters, digits and single -'
        used.add(name)


def _host_ports(template: Template) -> Iterator[tuple[KeyPath, str]]:
    """Ports of the node that two containers of a pod request."""
    used: set[tuple[object, ...]] = set()
    for index, item in enumerate(listed(template.pod.get("containers"))):
        container = mapping(item)
        path = template.places.get(("containers", str(_name(container))), (*template.at, "containers", index))
        for number, entry in enumerate(listed(container.get("ports"))):
            port = mapping(entry)
            key = (port.get("hostPort"), port.get("protocol") or "TCP", port.get("hostIP") or "")
            if not key[0]:
                continue
            if key in used:
                message = f"is {key[0]}, a port of the node that this pod already uses; choose another port"
                yield (*path, "ports", number, "hostPort"), message
            used.add(key)


def _secret_volumes(subject: Subject) -> set[str]:
    secrets = subject.options.configuration.get("kubernetes.secrets", "")
    return {f"{entry.partition(':')[0].strip()}-volume" for entry in secrets.split(",") if entry.strip()}
