"""Job files that are the output of `kubectl get -o yaml`."""

from __future__ import annotations

import yaml

from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve.jobs import Attachment
from tests.unit.project import JOB, Project

DUMP = """\
apiVersion: v1
kind: List
metadata: {resourceVersion: ""}
items:
  - apiVersion: flink.apache.org/v1beta1
    kind: FlinkDeployment
    metadata:
      annotations:
        kubectl.kubernetes.io/last-applied-configuration: |
          {"apiVersion":"flink.apache.org/v1beta1","kind":"FlinkDeployment","spec":{}}
      creationTimestamp: "2026-11-01T00:00:00Z"
      finalizers: [flinkdeployments.flink.apache.org/finalizer]
      generation: 3
      managedFields: [{manager: kubectl, operation: Apply}]
      name: orders
      resourceVersion: "4711"
      uid: 0c5b8a53-0000-0000-0000-000000000000
    spec: %s
    status: {lifecycleState: STABLE, jobStatus: {state: RUNNING}, error: null}
  - apiVersion: v1
    kind: Service
    metadata: {name: orders-web, resourceVersion: "4712", uid: 1c5b8a53-0000-0000-0000-000000000000}
    spec: {clusterIP: 10.96.1.7, clusterIPs: [10.96.1.7], selector: {app: orders}, ports: [{port: 80}]}
    status: {loadBalancer: {}}
"""
SPEC = yaml.safe_dump(yaml.safe_load(JOB)["spec"], default_flow_style=True, width=10_000)


def test_a_dump_of_live_objects_is_deployed_without_fields_of_the_cluster(project: Project) -> None:
    project.job(DUMP % SPEC, "dump.yaml")
    stack = project.load()
    job = next(job for job in stack.jobs if job.name == "orders").manifest
    assert set(job) == {"apiVersion", "kind", "metadata", "spec"}
    service: Attachment = next(item for item in stack.attachments if item.source.name == "orders-web")
    assert service.manifest["spec"] == {"selector": {"app": "orders"}, "ports": [{"port": 80}]}
    for manifest in (job, service.manifest):
        assert set(mapping(manifest["metadata"])) - {"annotations"} == {"labels", "name", "namespace"}
    assert [line for line in project.remarks() if "the cluster has set" in line] == [
        "notice: jobs/dump.yaml:1: contains fields that the cluster has set: metadata.annotations."
        "kubectl.kubernetes.io/last-applied-configuration, metadata.creationTimestamp, metadata.finalizers,"
        " metadata.generation, metadata.managedFields, metadata.resourceVersion, metadata.uid, spec.clusterIP,"
        " spec.clusterIPs, status; remove them, they have no effect"
    ]


def test_empty_fields_of_a_dry_run_need_no_notice(project: Project) -> None:
    project.job(JOB.replace("  name: word-count\n", "  name: word-count\n  creationTimestamp: null\n") + "status: {}\n")
    assert not any("the cluster has set" in line for line in project.remarks())
    assert set(project.load().jobs[0].manifest) == {"apiVersion", "kind", "metadata", "spec"}


def test_a_finalizer_that_the_file_sets_is_kept(project: Project) -> None:
    project.job(JOB.replace("  name: word-count\n", "  name: word-count\n  finalizers: [example.org/guard]\n"))
    metadata = mapping(project.load().jobs[0].manifest["metadata"])
    assert metadata["finalizers"] == ["example.org/guard"]


def test_a_finding_in_nested_configuration_has_the_line_of_its_key(project: Project) -> None:
    nested = """\
  flinkConfiguration:
    state.backend:
      rocksdb:
        memory.managed: "true"
    execution:
      checkpointing:
        interval: often
  jobManager"""
    project.job(JOB.replace("  jobManager", nested))
    [problem] = project.problems()
    assert problem.startswith('jobs/word_count.yaml:14: spec.flinkConfiguration["execution.checkpointing.interval"]: ')
