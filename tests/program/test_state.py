"""The claim that jobs keep their state on: when there is one, its edges, and that it outlives what used it."""

from __future__ import annotations

import pytest

from flink_k8s.program.render import documents
from flink_k8s.resolve.state_storage import CLAIM, MOUNT
from flink_k8s.support.errors import CommandError
from tests.program.test_stacks import JOB, NAMESPACE, titles

STATE = f"PersistentVolumeClaim flink/{CLAIM}"
STATEFUL = {"word-count": {"upgradeMode": "savepoint"}}


def test_state_claim_does_not_depend_on_jobs(resource_graph):
    """One that is retained and declared again is refused by the engine: it is there already."""
    for jobs in ({"word-count": {"upgradeMode": "stateless"}}, {"word-count": {"enabled": False}}, STATEFUL):
        assert STATE in titles(resource_graph("dev", jobs=jobs))
    assert STATE not in titles(resource_graph("dev", stateStorage={"type": "none"}))


@pytest.mark.parametrize("stack", ["dev", "sandbox"])
def test_claim_is_created_after_its_namespace_and_before_the_job(resource_graph, stack):
    graph = resource_graph(stack, jobs=STATEFUL)
    named = {urn: resource.title for urn, resource in graph.by_urn.items()}
    edges = {named[urn]: {named[need] for need in needs} for urn, needs in graph.edges.items()}
    assert edges[STATE] == {NAMESPACE}
    assert STATE in edges[JOB]
    down = [resource.title for resource in graph.deletion_order]
    assert down.index(JOB) < down.index(STATE) < down.index(NAMESPACE)


def test_state_claim_has_the_settings_of_the_stack_and_is_not_awaited(resource_graph):
    volume = {"size": "7Gi", "storageClass": "fast", "accessMode": "ReadWriteMany"}
    claim = titles(resource_graph("dev", jobs=STATEFUL, stateStorage={"type": "volume", "volume": volume}))[STATE]
    assert claim.inputs["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "7Gi"}},
        "storageClassName": "fast",
    }
    assert claim.annotations["pulumi.com/skipAwait"] == "true"


def test_the_claim_stays_when_the_storage_changes_and_is_protected_with_the_jobs(resource_graph):
    claim = titles(resource_graph("dev", jobs=STATEFUL))[STATE]
    assert (claim.retain_on_delete, claim.protect) == (True, None)
    assert titles(resource_graph("dev", jobs=STATEFUL, protectJobs=True))[STATE].protect is True
    settings = {"word-count": {"upgradeMode": "savepoint", "protect": False}}
    assert titles(resource_graph("dev", jobs=settings, protectJobs=True))[STATE].protect is None


def test_existing_claim_is_mounted_and_not_created(resource_graph):
    graph = titles(resource_graph("dev", jobs=STATEFUL, stateStorage={"type": "volume", "volume": {"claim": "theirs"}}))
    assert STATE not in graph
    pod = graph[JOB].inputs["spec"]["podTemplate"]["spec"]
    assert {"name": CLAIM, "persistentVolumeClaim": {"claimName": "theirs"}} in pod["volumes"]


def test_the_job_keeps_its_state_on_the_claim(resource_graph):
    spec = titles(resource_graph("dev", jobs=STATEFUL))[JOB].inputs["spec"]
    home = f"file://{MOUNT}/dev/flink/word-count"
    assert spec["flinkConfiguration"]["execution.checkpointing.dir"] == f"{home}/checkpoints"
    assert {"name": CLAIM, "persistentVolumeClaim": {"claimName": CLAIM}} in spec["podTemplate"]["spec"]["volumes"]


def test_two_namespaces_two_claims(resource_graph):
    jobs = {"word-count": {"upgradeMode": "savepoint", "namespace": "b"}}
    graph = titles(resource_graph("dev", namespaces={"a": {}, "b": {}}, jobs=jobs))
    claims = [title for title in graph if title.endswith(f"/{CLAIM}")]
    assert claims == [f"PersistentVolumeClaim {name}/{CLAIM}" for name in "ab"]


def test_account_has_the_annotations_of_the_cloud_identity(resource_graph):
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/flink"}
    storage = {"type": "s3", "uri": "s3://bucket", "serviceAccountAnnotations": annotations}
    graph = titles(resource_graph("dev", jobs=STATEFUL, stateStorage=storage))
    assert graph["ServiceAccount flink/flink"].annotations == annotations
    assert STATE not in graph
    assert "annotations" not in titles(resource_graph("dev"))["ServiceAccount flink/flink"].inputs["metadata"]


def test_a_run_without_the_cluster_keeps_a_request_and_render_refuses_it(resource_graph):
    jobs = {"word-count": {"upgradeMode": "savepoint", "restoreFrom": "latest"}}
    graph = resource_graph("dev", jobs=jobs)
    job = titles(graph)[JOB]
    assert job.inputs["spec"]["job"]["initialSavepointPath"] == "latest"
    assert job.annotations["flink-k8s/restored-from"] == "latest"
    with pytest.raises(CommandError, match=f'{JOB}: restoreFrom is "latest", which only preview and up resolve'):
        documents(graph)
