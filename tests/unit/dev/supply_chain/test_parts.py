"""Every pin of the repository is a part of the bill of materials, with the name by which scanners know it."""

from __future__ import annotations

import json

import pytest
from cyclonedx.model.bom import Bom

from dev.supply_chain import parts
from dev.supply_chain.bom import bill
from dev.supply_chain.parts import Part
from flink_k8s.facts import versions
from flink_k8s.program.command import declared_graph
from flink_k8s.program.render import documents
from flink_k8s.support.paths import ROOT


@pytest.fixture(scope="module")
def prod() -> list[Part]:
    resource_graph = declared_graph("prod")
    rendered, _ = documents(resource_graph)
    return parts.of_stack(resource_graph, [finding.manifest for finding in rendered])


def urls(of: list[Part], user: str) -> set[str]:
    return {part.purl for part in of if part.user == user}


def test_charts_have_the_versions_and_places_of_the_stack(prod: list[Part]) -> None:
    charts = {part.name: part for part in prod if part.purl.startswith("pkg:helm/")}
    actual = {chart.name: chart.version for chart in (versions.CERT_MANAGER, versions.PROMETHEUS, versions.OPERATOR)}
    assert {name: part.version for name, part in charts.items()} == actual
    assert {part.user for part in charts.values()} == {"platform"}
    assert all("repository_url=https" in part.purl and part.licence for part in charts.values())


def test_a_chart_in_a_file_has_its_name_and_version() -> None:
    [operator] = parts.charts(declared_graph("sandbox"))
    assert (operator.name, operator.version) == ("flink-kubernetes-operator", versions.OPERATOR.version)


def test_a_jobs_image_is_a_part_by_its_digest(prod: list[Part]) -> None:
    digest = "sha256:" + "0123456789abcdef" * 4
    assert f"pkg:docker/pyflink@{digest}?repository_url=registry.example.org" in urls(prod, "jobs")
    assert "pkg:docker/flink@2.2.1-java17" in urls(prod, "jobs")  # what that image is built on


def test_deployed_and_development_components_have_different_users(prod: list[Part]) -> None:
    pulumi = f"@{(ROOT / '.pulumi.version').read_text().strip()}"
    assert f"pkg:pypi/pulumi{pulumi}" in urls(prod, "program")
    assert any(url.startswith("pkg:pypi/pydantic-core@") for url in urls(prod, "program"))  # comes along
    assert any(url.startswith("pkg:pypi/pytest@") for url in urls(prod, "development"))
    assert not {url for url in urls(prod, "development") if url in urls(prod, "program")}
    assert any(url.startswith("pkg:pypi/pulumi-policy@") for url in urls(prod, "policy"))


def test_actions_go_modules_and_jars_are_parts(prod: list[Part]) -> None:
    assert any(url.startswith("pkg:github/actions/checkout@v") for url in urls(prod, "development"))
    modules = {url for url in urls(prod, "sandbox") if url.startswith("pkg:golang/")}
    assert any(url.startswith("pkg:golang/k8s.io/kubernetes@v1.") for url in modules)
    assert len(modules) > 300
    jars = [part for part in prod if part.kind == "file"]
    assert len(jars) > 100
    assert all(len(jar.sha256) == 64 for jar in jars)


@pytest.mark.parametrize(
    ("image", "url"),
    [
        ("flink", "pkg:docker/flink@latest"),
        ("flink:2.2.1", "pkg:docker/flink@2.2.1"),
        ("apache/flink:2.2.1", "pkg:docker/apache/flink@2.2.1"),
        ("localhost:5000/a/b:1", "pkg:docker/a/b@1?repository_url=localhost:5000"),
        ("registry.example.org/x@sha256:ab", "pkg:docker/x@sha256:ab?repository_url=registry.example.org"),
        ("quay.io/x/y:1@sha256:ab", "pkg:docker/x/y@sha256:ab?repository_url=quay.io&tag=1"),
    ],
)
def test_an_image_is_read_as_docker_reads_it(image: str, url: str) -> None:
    assert parts.image_url(image) == url


def test_images_are_found_in_containers_and_flink_resources() -> None:
    deployment = {"kind": "Deployment", "spec": {"template": {"spec": {"initContainers": [{"image": "i:1"}]}}}}
    flink = {"apiVersion": "flink.apache.org/v1beta1", "spec": {"image": "f:1", "podTemplate": {"image": "s:1"}}}
    arguments = ["--log-level=info", "--prometheus-config-reloader=quay.io/prometheus-operator/reloader:v1"]
    operator = {"kind": "Deployment", "spec": {"containers": [{"image": "o:1", "args": arguments}]}}
    matches = {(part.name, part.user) for part in parts.images([deployment, flink, operator])}
    reloader = ("prometheus-operator/reloader", "platform")
    assert matches == {("i", "platform"), ("f", "jobs"), ("s", "jobs"), ("o", "platform"), reloader}


def test_bill_is_reproducible_and_marks_deployed_components(prod: list[Part]) -> None:
    licences = {part.purl: "MIT" for part in prod if part.name == "pydantic"}
    first, second = bill("prod", prod, licences), bill("prod", list(reversed(prod)), licences)
    assert first == second
    document = json.loads(first)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    components = {
        component["purl"] + component["properties"][0]["value"]: component for component in document["components"]
    }
    assert len(components) == len(prod)
    assert {item["scope"] for key, item in components.items() if key.endswith("sandbox")} == {"excluded"}
    [pydantic] = [
        component
        for component in document["components"]
        if component["name"] == "pydantic" and component["scope"] == "required"
    ]
    assert pydantic["licenses"] == [{"license": {"id": "MIT"}}]


def test_the_bill_can_be_read_again(prod: list[Part]) -> None:
    read = Bom.from_json(json.loads(bill("prod", prod, {})))
    assert {component.purl.to_string() for component in read.components} == {part.purl for part in prod}
