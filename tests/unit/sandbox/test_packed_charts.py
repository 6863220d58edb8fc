"""Packing of charts: same sources, same package; definitions that an API server takes."""

from __future__ import annotations

import io
import tarfile

import pytest
import yaml

from flink_k8s.facts import versions
from sandbox.charts import LOGGING, SOURCES, complete, pack, prometheus_sources, sources, versioned
from sandbox.images import OPERATORS, prometheus
from sandbox.images.cert_manager import IMAGES, MODULE

FULL = """\
spec:
  versions:
    - name: v1
      subresources:
        scale:
          labelSelectorPath: .status.selector
          specReplicasPath: .spec.replicas
          statusReplicasPath: .status.replicas
        status: {}
"""
HALF = """\
spec:
  versions:
  - name: v1
    subresources:
      scale:
        specReplicasPath: .spec.replicas
      status: {}
"""


def test_incomplete_scale_subresource_is_removed() -> None:
    assert complete(FULL) == FULL
    fixed = yaml.safe_load(complete(HALF))
    assert fixed == {"spec": {"versions": [{"name": "v1", "subresources": {"status": {}}}]}}


def test_versions_are_set_and_the_rest_of_the_file_stays() -> None:
    text = "apiVersion: v2\nname: x\nversion: 0.0.0\nappVersion: 0.0.0\ntype: application\n"
    assert versioned(text, "1.7.0") == "apiVersion: v2\nname: x\nversion: 1.7.0\nappVersion: 1.7.0\ntype: application\n"


def test_a_package_is_the_same_every_time() -> None:
    contents = {"templates/a.yaml": b"a: 1\n", "Chart.yaml": b"version: 0.0.0\n", "crds/crd.yml": b"kind: X\n"}
    package = pack("chart", contents, "1.2.3")
    assert pack("chart", dict(sorted(contents.items())), "1.2.3") == package
    with tarfile.open(fileobj=io.BytesIO(package)) as tar:
        assert tar.getnames() == ["chart/Chart.yaml", "chart/crds/crd.yml", "chart/templates/a.yaml"]
        chart = tar.extractfile("chart/Chart.yaml")
        assert chart is not None
        assert chart.read() == b"version: 1.2.3\n"
        assert {(member.mtime, member.uid, member.mode) for member in tar.getmembers()} == {(0, 0, 0o644)}


def test_no_definition_is_committed() -> None:
    committed = [
        path for path in SOURCES.rglob("*") if path.suffix in {".yaml", ".yml"} and "templates" not in path.parts
    ]
    assert [path for path in committed if "kind: CustomResourceDefinition" in path.read_text()] == []


def test_cert_managers_images_are_those_that_its_chart_names() -> None:
    assert [image.name for image in IMAGES] == [
        f"cert-manager-{role}:{MODULE.version}" for role in ("controller", "webhook", "cainjector", "startupapicheck")
    ]
    assert MODULE.version == versions.CERT_MANAGER.version, "go.mod and settings name the same version"


def test_prometheus_chart_has_the_official_charts_version() -> None:
    chart = yaml.safe_load(prometheus_sources()["Chart.yaml"])
    assert chart["version"] == versions.PROMETHEUS.version, "Chart.yaml and settings name the same version"
    assert chart["annotations"] == {"prometheus": f"v{prometheus.MODULE.release}"}


@pytest.mark.parametrize("chart", [versions.LOG_STORE, versions.LOG_COLLECTOR])
def test_charts_of_the_log_store_have_the_official_charts_versions(chart: versions.Chart) -> None:
    assert yaml.safe_load(sources(chart.name)["Chart.yaml"])["version"] == chart.version
    assert chart.name in LOGGING


def test_the_application_of_a_chart_may_have_a_version_of_its_own() -> None:
    assert versioned("version: 0\nappVersion: 0\n", "92.1.0", "v0.93.1") == "version: 92.1.0\nappVersion: v0.93.1\n"


def test_the_operators_are_those_that_settings_know() -> None:
    built = [operator.version for operator in OPERATORS]
    assert built[0] == versions.OPERATOR.version
    assert set(built) <= set(versions.OPERATORS)
