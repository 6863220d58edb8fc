"""The pods of a Flink cluster with `connectors`: an init container downloads the jars, and variables enable plugins.

The jars are in a folder below Flink's `lib`, whose subfolders Flink's start scripts add to the class path of every
process: docs/adr/0014.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from flink_k8s.config.merge import merge_mappings
from flink_k8s.facts.artifacts import CONNECTORS, FILE_SYSTEM_PLUGINS, Artifact, artifacts_of
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.versions import short_version
from flink_k8s.resolve.file_system import PLUGIN_VARIABLE, plugin_file
from flink_k8s.resolve.job_spec import MAIN_CONTAINER
from flink_k8s.resolve.pod_templates import templates

FOLDER: Final = "/opt/flink/lib/connectors"
CONTAINER: Final = "fetch-connectors"
"""The init container."""

FETCH_JARS: Final = Path(__file__).with_name("FetchJars.class")
"""The class that downloads jars; its arguments are a folder and URLs."""

_VOLUME: Final = "connectors"
_SCRIPT: Final = f"""\
set -e
echo "$FLINK_K8S_CLASS" | base64 -d > "$1/{FETCH_JARS.name}"
exec java -Xmx48m -XX:+UseSerialGC -cp "$1" {FETCH_JARS.stem} "$@"
"""
_RESOURCES: Final = {
    "requests": {"cpu": "100m", "memory": "160Mi"},
    "limits": {"cpu": "1", "memory": "160Mi"},
}


def jars(connectors: Iterable[str], flink: str | None) -> tuple[Artifact, ...]:
    """The artifacts of `connectors`, each once; nothing for a file system, and for an artifact that is not published.

    Args:
        connectors: names and coordinates.
        flink: Flink version of the job, `2.2`; None if it is not a version.
    """
    artifacts: dict[str, Artifact] = {}
    for connector in connectors:
        own = Artifact.parse(connector)
        for artifact in (own,) if own else artifacts_of(connector, flink or ""):
            artifacts.setdefault(artifact.file, artifact)
    return tuple(artifacts.values())


def derived_connectors(
    connectors: Sequence[str], spec: Mapping[str, object], repository: str, derived: Mapping[str, object]
) -> dict[str, object]:
    """The derived part of a spec of pods; empty without connectors.

    Args:
        connectors: names and coordinates.
        spec: merged from all later sources, without a blue/green deployment's template.
        repository: URL of the Maven repository.
        derived: the derived spec without connectors, which can enable other plugins.
    """
    image, flink = str(spec.get("image") or ""), short_version(spec.get("flinkVersion"))
    pods: dict[str, object] = {}
    if artifacts := jars(connectors, flink):
        mount = {"mountPath": FOLDER, "name": _VOLUME}
        init_container: dict[str, object] = {
            "name": CONTAINER,
            "image": image,
            "command": ["sh", "-c", _SCRIPT, "sh"],
            "args": [FOLDER, *(with_digest(artifact, repository) for artifact in artifacts)],
            "env": [{"name": "FLINK_K8S_CLASS", "value": base64.b64encode(FETCH_JARS.read_bytes()).decode()}],
            "volumeMounts": [mount],
            "resources": _RESOURCES,
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            "terminationMessagePolicy": "FallbackToLogsOnError",
        }
        if policy := spec.get("imagePullPolicy"):
            init_container["imagePullPolicy"] = policy
        pods = _pod(
            initContainers=[init_container],
            containers=[{"name": MAIN_CONTAINER, "volumeMounts": [{**mount, "readOnly": True}]}],
            volumes=[{"name": _VOLUME, "emptyDir": {}}],
        )
    if plugins := [plugin_file(FILE_SYSTEM_PLUGINS[name], image, flink) for name in file_systems(connectors)]:
        enabled = [*_plugins(derived), *(plugin for plugin in plugins if plugin)]
        variable = {"name": PLUGIN_VARIABLE, "value": ";".join(dict.fromkeys(enabled))}
        pods = merge_mappings(pods, _pod(containers=[{"name": MAIN_CONTAINER, "env": [variable]}]))
    return pods


def with_image(spec: Mapping[str, object], image: str) -> dict[str, object]:
    """The part of a spec that sets another image for the init container; empty if the spec has none."""
    return _pod(initContainers=[{"name": CONTAINER, "image": image}]) if urls(spec) else {}


def file_systems(connectors: Iterable[str]) -> list[str]:
    """The schemes in `connectors`."""
    return [name for name in connectors if name in FILE_SYSTEM_PLUGINS]


def urls(spec: Mapping[str, object]) -> Sequence[str]:
    """The jars that the init container of a spec downloads."""
    for template in templates(spec)[:1]:
        for container in map(mapping, listed(template.pod.get("initContainers"))):
            if container.get("name") == CONTAINER:
                return [str(argument) for argument in listed(container.get("args"))[1:]]
    return ()


def file_of(url: str) -> str:
    """Name of a downloaded jar."""
    return url.partition("#")[0].rpartition("/")[2]


def unpublished(connectors: Iterable[str], flink: str) -> Iterator[str]:
    """The named connectors without artifacts for a Flink version."""
    return (name for name in connectors if name in CONNECTORS and not artifacts_of(name, flink))


def with_digest(artifact: Artifact, repository: str) -> str:
    """The URL of a jar in a repository, with `#<sha256>` if its digest is known."""
    return f"{artifact.url(repository)}{f'#{artifact.sha256}' if artifact.sha256 else ''}"


def _pod(**groups: list[dict[str, object]]) -> dict[str, object]:
    return {"podTemplate": {"spec": dict(groups)}}


def _plugins(spec: Mapping[str, object]) -> list[str]:
    """The plugins that the variable of Flink's container enables."""
    pod = mapping(mapping(spec.get("podTemplate")).get("spec"))
    for container in map(mapping, listed(pod.get("containers"))):
        for variable in map(mapping, listed(container.get("env"))):
            if container.get("name") == MAIN_CONTAINER and variable.get("name") == PLUGIN_VARIABLE:
                return str(variable.get("value")).split(";")
    return []
