"""All pinned parts, read from the files that pin them: Python packages, charts, images, actions, Go modules, jars."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from packageurl import PackageURL

from dev.lock import LISTS
from flink_k8s.facts.kinds import FLINK_GROUP
from flink_k8s.program.gitops import ChartPlace
from flink_k8s.program.manifest import Manifest
from flink_k8s.program.resource_graph import ResourceGraph
from flink_k8s.support.paths import ROOT

User = Literal["program", "platform", "jobs", "policy", "development", "sandbox"]
"""The user of a part: the program, the platform in the cluster, the jobs' pods; the others are not deployed."""

CHART_LICENCES = {
    "cert-manager": "Apache-2.0",
    # The chart's own licence; Grafana, which it installs, is AGPL-3.0-only.
    "kube-prometheus-stack": "Apache-2.0",
    "victoria-logs-single": "Apache-2.0",
    "victoria-logs-collector": "Apache-2.0",
    "flink-kubernetes-operator": "Apache-2.0",
}
"""From each chart's repository."""


_IMAGE_ARGUMENT = re.compile(
    r"--(?:prometheus-config-reloader|thanos-default-base-image|acme-http01-solver-image)=(\S+)"
)
"""Arguments with images of pods that the Prometheus operator and cert-manager create."""


@dataclass(frozen=True, order=True)
class Part:
    """A part in one version.

    Attributes:
        purl: package URL, by which scanners find it.
        kind: `library`, `container`, `application` (charts, actions, programs) or `file` (a jar).
        user: of the part.
        sha256: of the file, in hex; empty if there is none or there are several.
        licence: SPDX identifier, if it is known here; see `licences` for Python packages.
    """

    purl: str
    kind: Literal["library", "container", "application", "file"]
    user: User
    sha256: str = ""
    licence: str = ""

    @property
    def name(self) -> str:
        """The name with its namespace: `actions/checkout`."""
        url = PackageURL.from_string(self.purl)
        return f"{url.namespace}/{url.name}" if url.namespace else url.name

    @property
    def version(self) -> str:
        """The version, tag or digest."""
        return PackageURL.from_string(self.purl).version or ""


def of_stack(graph: ResourceGraph, manifests: Iterable[Manifest]) -> list[Part]:
    """All parts of a stack and of this project, sorted, each once per user.

    Args:
        graph: the stack.
        manifests: the rendered objects, whose images are parts.
    """
    return sorted(
        {*python(), *charts(graph), *images(manifests), *programs(), *actions(), *go_modules(), *jars()},
        key=lambda part: (part.user, part.purl),
    )


def python() -> Iterator[Part]:
    """Python packages of every lock file. A package of the program is not repeated for development."""
    program = set(_locked(ROOT / "requirements.txt"))
    for path in LISTS:
        user = _user(path)
        for name, version in _locked((ROOT / path).with_suffix(".txt")):
            if user != "development" or (name, version) not in program:
                yield Part(PackageURL("pypi", None, name, version).to_string(), "library", user)


def _user(path: Path) -> User:
    """The user of the packages of a list."""
    if path.parts[0] in ("policy", "sandbox"):
        return cast(User, path.parts[0])
    return "development" if "dev" in path.stem else "program"


def _locked(path: Path) -> list[tuple[str, str]]:
    return re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", path.read_text(), re.MULTILINE)


def charts(graph: ResourceGraph) -> Iterator[Part]:
    """The Helm charts of a stack's releases."""
    for release in graph.resources:
        if release.is_release:
            chart_place = ChartPlace.of(release)
            qualifiers = {"repository_url": chart_place.repository} if chart_place.repository else {}
            name, version = Path(chart_place.chart).name, chart_place.version
            if name.endswith(".tgz"):  # as `helm package` names a file
                name, _, version = name.removesuffix(".tgz").rpartition("-")
            purl = PackageURL("helm", None, name, version or None, qualifiers).to_string()
            yield Part(purl, "application", "platform", licence=CHART_LICENCES.get(name, ""))


def images(manifests: Iterable[Manifest]) -> Iterator[Part]:
    """Container images in manifests: of containers and of Flink resources."""
    for manifest in manifests:
        user: User = "jobs" if str(manifest.get("apiVersion", "")).startswith(f"{FLINK_GROUP}/") else "platform"
        for image in _images(manifest.get("spec")):
            yield Part(image_url(image), "container", user)


def _images(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in cast(Mapping[str, object], value).items():
            if key == "image" and isinstance(item, str):
                yield item
            else:
                yield from _images(item)
    elif isinstance(value, list):
        for item in cast(list[object], value):
            yield from _images(item)
    elif isinstance(value, str) and (match := _IMAGE_ARGUMENT.fullmatch(value)):
        yield match[1]


def image_url(image: str) -> str:
    """The package URL of an image: by digest if it has one, else by tag."""
    rest, _, digest = image.partition("@")
    head, _, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    first = head.split("/")[0]
    # As in Docker: a first part with a dot or a port is a registry, else the name is a path of Docker Hub.
    registry = first if "." in first or ":" in first or first == "localhost" else ""
    namespace = head.removeprefix(registry).strip("/")
    qualifiers = {"repository_url": registry} if registry else {}
    if digest and tag:
        qualifiers["tag"] = tag
    return PackageURL("docker", namespace or None, name, digest or tag or "latest", qualifiers).to_string()


def programs() -> Iterator[Part]:
    """The pulumi command, and the base of the jobs' image."""
    version = (ROOT / ".pulumi.version").read_text().strip()
    pulumi = PackageURL("github", "pulumi", "pulumi", f"v{version}").to_string()
    yield Part(pulumi, "application", "program", licence="Apache-2.0")
    dockerfile = (ROOT / "jobs" / "pyflink" / "Dockerfile").read_text()
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", dockerfile, re.MULTILINE))
    base = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], arguments["BASE_IMAGE"])
    yield Part(image_url(base), "container", "jobs", licence="Apache-2.0")


def actions() -> Iterator[Part]:
    """GitHub's actions that the workflows use."""
    for path in sorted((ROOT / ".github").rglob("*.yml")):
        for owner, name, version in re.findall(r"uses: ([\w-]+)/([\w./-]+)@(\S+)", path.read_text()):
            yield Part(PackageURL("github", owner, name, version).to_string(), "application", "development")


def go_modules() -> Iterator[Part]:
    """The Go modules of the sandbox's programs: all requirements of each go.mod."""
    for path in sorted((ROOT / "sandbox" / "modules").glob("*/go.mod")):
        for name, version in re.findall(r"^\s*(?:require )?(\S+\.\S+/\S+) (v\S+)", path.read_text(), re.MULTILINE):
            namespace, _, last = name.rpartition("/")
            yield Part(PackageURL("golang", namespace, last, version).to_string(), "library", "sandbox")


def jars() -> Iterator[Part]:
    """The jars of the sandbox's images, by checksum."""
    for path in sorted((ROOT / "sandbox" / "images").rglob("*.sha256")):
        for sha256, name in re.findall(r"^([0-9a-f]{64})\s+(\S+)$", path.read_text(), re.MULTILINE):
            stem, _, version = Path(name).stem.rpartition("-")
            purl = PackageURL("generic", None, stem or version, version if stem else None, {"checksum": sha256})
            yield Part(purl.to_string(), "file", "sandbox", sha256=sha256)
