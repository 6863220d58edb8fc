"""Certificates for TLS inside of a Flink cluster: the objects, by cert-manager's documented fields, and their order."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from flink_k8s.program.resource_graph import Resource, ResourceGraph
from policy.evaluate import POLICIES, Evaluator, settings_of

ON = {"word-count": {"internalTls": {"enabled": True}}}
NAME = "flinkdeployment-word-count-tls"
ROOT_ISSUER, AUTHORITY = f"Issuer flink/{NAME}-self-signed", f"Certificate flink/{NAME}-ca"
SIGNER, CERTIFICATE = f"Issuer flink/{NAME}-ca", f"Certificate flink/{NAME}"
JOB, RELEASE = "FlinkDeployment flink/word-count", "Release cert-manager/cert-manager"


@pytest.fixture
def graph(resource_graph) -> ResourceGraph:
    return resource_graph("dev", jobs=ON)


def resource(graph: ResourceGraph, title: str) -> Resource:
    return next(resource for resource in graph.objects if resource.title == title)


def spec(graph: ResourceGraph, title: str) -> dict[str, Any]:
    return dict(resource(graph, title).inputs["spec"])


def test_no_certificates_without_internal_tls(resource_graph):
    assert {resource.kind for resource in resource_graph("dev").objects}.isdisjoint({"Issuer", "Certificate"})


def test_internal_tls_adds_exactly_four_objects_per_job(resource_graph, graph):
    before = {resource.title for resource in resource_graph("dev").objects}
    assert {resource.title for resource in graph.objects} - before == {ROOT_ISSUER, AUTHORITY, SIGNER, CERTIFICATE}


def test_each_job_has_its_own_authority_with_a_constant_key(graph):
    assert spec(graph, ROOT_ISSUER) == {"selfSigned": {}}
    assert spec(graph, SIGNER) == {"ca": {"secretName": f"{NAME}-ca"}}
    authority = spec(graph, AUTHORITY)
    assert authority["isCA"] is True
    assert authority["issuerRef"] == {
        "group": "cert-manager.io",
        "kind": "Issuer",
        "name": f"{NAME}-self-signed",
    }
    assert authority["privateKey"]["rotationPolicy"] == "Never"
    # What it signs may be valid for 43800 hours, and so much is always left of it.
    assert (authority["duration"], authority["renewBefore"]) == ("87600h", "43800h")
    assert "keystores" not in authority


def test_certificate_is_signed_by_the_authority_and_has_keystores(graph):
    certificate = spec(graph, CERTIFICATE)
    assert certificate["issuerRef"]["name"] == f"{NAME}-ca"
    assert certificate["secretName"] == NAME
    assert certificate["privateKey"]["rotationPolicy"] == "Always"
    assert certificate["keystores"] == {"pkcs12": {"create": True, "profile": "Modern2023", "password": "changeit"}}
    assert certificate["usages"] == ["digital signature", "key encipherment", "server auth", "client auth"]
    assert (certificate["duration"], certificate["renewBefore"]) == ("8760h", "23652000s")
    assert "isCA" not in certificate


def test_stack_sets_the_certificate_lifetime(resource_graph):
    settings = {"enabled": True, "duration": "720h", "renewBefore": "240h"}
    certificate = spec(resource_graph("dev", jobs={"word-count": {"internalTls": settings}}), CERTIFICATE)
    assert (certificate["duration"], certificate["renewBefore"]) == ("720h", "240h")


def test_certificate_objects_wait_for_their_predecessor_and_are_deleted_before_it(graph):
    chain = ["Namespace flink", ROOT_ISSUER, AUTHORITY, SIGNER, CERTIFICATE, JOB]
    for before, after in [*pairwise(chain), (RELEASE, ROOT_ISSUER)]:
        assert graph.depends_on(resource(graph, after), resource(graph, before))
        assert not graph.depends_on(resource(graph, before), resource(graph, after))
    for title in chain[1:5]:
        assert resource(graph, title).annotations["pulumi.com/waitFor"] == "condition=Ready"


def test_certificates_depend_neither_on_the_operator_nor_on_other_jobs(graph):
    assert not graph.depends_on(
        resource(graph, CERTIFICATE), resource(graph, "Release flink-operator/flink-kubernetes-operator")
    )
    assert not graph.depends_on(
        resource(graph, "PersistentVolumeClaim flink/word-count-data"), resource(graph, CERTIFICATE)
    )


def test_certificate_objects_violate_no_policy(graph):
    evaluator = Evaluator(settings_of({}))
    objects = [resource(graph, title) for title in (ROOT_ISSUER, AUTHORITY, SIGNER, CERTIFICATE, JOB)]
    lines = [
        line
        for resource in objects
        for rule in POLICIES
        for line in evaluator.lines(rule, resource.urn, resource.type, resource.inputs)
    ]
    assert [line for line in lines if "pyflink:" not in line] == []
