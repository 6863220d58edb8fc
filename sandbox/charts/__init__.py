"""The sandbox's Helm charts, with the official charts' value names, packed to `$FLINK_K8S_HOME/sandbox/charts`.

Their sources are in the folders here, without the CRDs: packing takes them from the operator's API jar, cert-manager's
Go module and the Prometheus operator. Packages are reproducible.
"""

import gzip
import io
import re
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sandbox.home import Home, home
from sandbox.images import build_images, cert_manager, prometheus, victoria_logs
from sandbox.images.layers import files
from sandbox.images.operator import Operator
from sandbox.report import say

SOURCES = Path(__file__).parent
PROMETHEUS = "kube-prometheus-stack"
LOGGING = ("victoria-logs-single", "victoria-logs-collector")


def build_chart(operator: Operator, *, where: Home | None = None) -> Path:
    """Pack the chart of an operator, `<name>-<version>.tgz`, and print a line if the package changed.

    Downloads the sources of the CRDs if they are missing. The caller must hold the build lock.
    """
    where = where or home()
    contents = sources("flink-kubernetes-operator")
    for name, text in operator.definitions(where).items():
        contents[f"crds/{name}"] = complete(text.decode()).encode()
    return _write(where, "flink-kubernetes-operator", contents, operator.version)


def build_cert_manager(*, where: Home | None = None) -> Path:
    """Build cert-manager's images and pack its chart if they are missing; returns the package.

    The caller must hold the build lock. The first build takes minutes.
    """
    where = where or home()
    build_images([image.name for image in cert_manager.IMAGES], where=where)
    contents = sources("cert-manager")
    for name, text in cert_manager.definitions(where).items():
        contents[f"definitions/{name}"] = text
    return _write(where, "cert-manager", contents, cert_manager.MODULE.version)


def build_prometheus(*, where: Home | None = None) -> Path:
    """Build the images of Prometheus and its operator and pack their chart if they are missing.

    Returns the package, whose version is the official chart's. The caller must hold the build lock. The first build
    takes minutes.
    """
    where = where or home()
    build_images([image.name for image in prometheus.IMAGES], where=where)
    contents = prometheus_sources()
    for name, text in prometheus.definitions(where).items():
        contents[f"crds/{name}"] = text
    version = re.findall(r"^version: (\S+)$", contents["Chart.yaml"].decode(), re.M)[0]
    return _write(where, PROMETHEUS, contents, version, prometheus.OPERATOR_MODULE.version)


def build_logging(*, where: Home | None = None) -> list[Path]:
    """Build the images of the log store and its collector and pack their charts if they are missing.

    Returns the packages, whose versions are the official charts'. The caller must hold the build lock. The first build
    takes minutes.
    """
    where = where or home()
    build_images([image.name for image in victoria_logs.IMAGES], where=where)
    packages: list[Path] = []
    for name in LOGGING:
        contents = sources(name)
        version = re.findall(r"^version: (\S+)$", contents["Chart.yaml"].decode(), re.M)[0]
        packages.append(_write(where, name, contents, version, victoria_logs.MODULE.version))
    return packages


def prometheus_sources() -> dict[str, bytes]:
    """The files of Prometheus' chart by path, without CRDs, with the tag of the image that is built here."""
    contents = sources(PROMETHEUS)
    tag = prometheus.MODULE.release
    contents["Chart.yaml"] = re.sub(
        rb"^  prometheus: .*$", f"  prometheus: v{tag}".encode(), contents["Chart.yaml"], flags=re.M
    )
    return contents


def sources(name: str) -> dict[str, bytes]:
    """The files of a chart by path."""
    return {str(path.relative_to(SOURCES / name)): path.read_bytes() for path in files(SOURCES / name)}


def complete(definition: str) -> str:
    """A CustomResourceDefinition (YAML text) that an API server accepts.

    Removes a `scale` subresource without the required `statusReplicasPath`: the CRD of FlinkBlueGreenDeployment in the
    API jar has one.
    """
    block = re.compile(r"^(?P<indent> +)scale:\n(?:(?P=indent) +.*\n)+", re.M)
    return block.sub(lambda match: match[0] if "statusReplicasPath" in match[0] else "", definition)


def pack(name: str, contents: Mapping[str, bytes], version: str, application: str | None = None) -> bytes:
    """The package (a gzipped tar file) of a chart's files, with a version."""
    chart = versioned(contents["Chart.yaml"].decode(), version, application)
    versioned_contents = {**contents, "Chart.yaml": chart.encode()}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(versioned_contents, key=lambda path: (path != "Chart.yaml", path)):
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(versioned_contents[path])
            tar.addfile(member, io.BytesIO(versioned_contents[path]))
    return gzip.compress(plain.getvalue(), mtime=0)


def versioned(chart: str, version: str, application: str | None = None) -> str:
    """The text of a Chart.yaml with a chart version and an application version, by default the same."""
    chart = re.sub(r"^version: .*$", f"version: {version}", chart, flags=re.M)
    return re.sub(r"^appVersion: .*$", f"appVersion: {application or version}", chart, flags=re.M)


def _write(where: Home, name: str, contents: Mapping[str, bytes], version: str, application: str | None = None) -> Path:
    package = where.charts / f"{name}-{version}.tgz"
    content = pack(name, contents, version, application)
    if package.exists() and package.read_bytes() == content:
        return package
    package.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=package.parent, prefix=".part-", delete=False) as part:
        part.write(content)
    Path(part.name).chmod(0o644)
    Path(part.name).replace(package)
    say(f"chart {package.name}: {len(content) / 1e3:.0f} kB")
    return package
