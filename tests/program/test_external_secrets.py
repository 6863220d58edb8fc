"""Secrets out of other stores: the objects, by the documented fields of external-secrets.io/v1, and their place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flink_k8s.config import stack_file
from flink_k8s.program.resource_graph import Resource, ResourceGraph
from flink_k8s.program.run import run_program
from tests.program.conftest import ROOT

SECRETS = {
    "db": {
        "store": "vault",
        "storeKind": "ClusterSecretStore",
        "refresh": "15m",
        "keys": {"password": {"key": "prod/db", "property": "password"}, "cert": {"key": "prod/cert", "version": "v3"}},
    },
    "kafka": {"store": "vault", "allOf": ["prod/kafka", "prod/registry"]},
}
DB, KAFKA, JOB = "ExternalSecret flink/db", "ExternalSecret flink/kafka", "FlinkDeployment flink/word-count"


@pytest.fixture
def graph(resource_graph) -> ResourceGraph:
    return resource_graph("dev", namespaces={"flink": {"externalSecrets": SECRETS, "quota": {"pods": 9}}})


def resource(graph: ResourceGraph, title: str) -> Resource:
    return next(resource for resource in graph.objects if resource.title == title)


def test_an_external_secret_has_the_fields_that_its_operator_reads(graph):
    inputs = resource(graph, DB).inputs
    assert inputs["apiVersion"] == "external-secrets.io/v1"
    assert inputs["spec"] == {
        "refreshInterval": "15m",
        "secretStoreRef": {"name": "vault", "kind": "ClusterSecretStore"},
        "target": {"name": "db", "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "data": [
            {"secretKey": "password", "remoteRef": {"key": "prod/db", "property": "password"}},
            {"secretKey": "cert", "remoteRef": {"key": "prod/cert", "version": "v3"}},
        ],
    }
    assert resource(graph, KAFKA).inputs["spec"] == {
        "refreshInterval": "1h",
        "secretStoreRef": {"name": "vault", "kind": "SecretStore"},
        "target": {"name": "kafka", "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "dataFrom": [{"extract": {"key": "prod/kafka"}}, {"extract": {"key": "prod/registry"}}],
    }


@pytest.mark.parametrize("secret", [DB, KAFKA])
def test_external_secret_is_ready_before_the_jobs_of_its_namespace(graph, secret):
    assert resource(graph, secret).annotations["pulumi.com/waitFor"] == "condition=Ready"
    assert resource(graph, secret).type == "kubernetes:external-secrets.io/v1:ExternalSecret"
    for before, after in (("Namespace flink", secret), ("ResourceQuota flink/quota", secret), (secret, JOB)):
        assert graph.depends_on(resource(graph, after), resource(graph, before))
        assert not graph.depends_on(resource(graph, before), resource(graph, after))
    # The store can be in a job file, which does not wait for the ExternalSecrets.
    assert not graph.depends_on(resource(graph, "PersistentVolumeClaim flink/word-count-data"), resource(graph, secret))


def test_other_teams_do_not_wait_for_external_secrets(resource_graph):
    both = resource_graph("dev", namespaces={"flink": {}, "loose": {"externalSecrets": SECRETS}})
    assert not both.depends_on(resource(both, JOB), resource(both, "ExternalSecret loose/db"))


IN_JOB_FILE = """
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: beside}
spec: {secretStoreRef: {name: vault}, data: [{secretKey: a, remoteRef: {key: b}}]}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: own, annotations: {pulumi.com/waitFor: "jsonpath={.status.notAfter}"}}
spec: {secretName: own, issuerRef: {name: ca}, dnsNames: [a]}
---
apiVersion: other.example.org/v1
kind: Certificate
metadata: {name: theirs}
spec: {}
"""


def test_jobs_wait_for_the_external_secrets_of_their_file(tmp_path: Path):
    for name in ("__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("flink_k8s", "jobs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "jobs" / "word_count.yaml"
    path.write_text(path.read_text() + IN_JOB_FILE)
    actual = run_program(tmp_path, "dev", stack_file.read(tmp_path, "dev"), preview=True)
    waits = {resource.title: resource.annotations.get("pulumi.com/waitFor") for resource in actual.objects}
    assert waits["ExternalSecret flink/beside"] == "condition=Ready"
    assert waits["Certificate flink/own"] == "jsonpath={.status.notAfter}"
    assert waits["Certificate flink/theirs"] is None
    for title in ("ExternalSecret flink/beside", "Certificate flink/own"):
        assert actual.depends_on(resource(actual, JOB), resource(actual, title))
