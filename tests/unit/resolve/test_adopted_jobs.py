"""Adopted objects: deployed as they are, with the derived parts that the stack config selects."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_k8s.config.job_files import read_folders
from flink_k8s.config.stack_file import read_config
from flink_k8s.config.validation import read_settings
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.resolution import resolve
from tests.data.public_manifests import Manifest, manifests
from tests.unit.project import JOB, Project

KEY = "FlinkDeployment/flink/word-count"
ADOPTED: dict[str, Any] = {"adopt": [KEY]}

SETTINGS = """\
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: flink}
data: {a: b}
"""


def stack(project: Project) -> DeclaredStack:
    """The stack without the checks: an adopted job runs already."""
    config = read_config(project.root, "x")
    settings, problems = read_settings(config)
    assert settings
    objects, _ = read_folders(project.root, settings.job_folders)
    resolved = resolve(settings, config, objects, project.root)
    assert not [*problems, *resolved.problems]
    return DeclaredStack(resolved.settings, resolved.jobs, resolved.attachments)


def job(project: Project) -> Job:
    [declared] = stack(project).jobs
    return declared


def test_an_adopted_job_is_deployed_as_its_file(project: Project):
    project.stack({**ADOPTED, "stateStorage": {"type": "volume"}})
    declared, file = job(project), yaml.safe_load(JOB)
    assert declared.is_adopted
    assert declared.manifest == {**file, "metadata": {"name": "word-count", "namespace": "flink"}}
    assert declared.deployed_spec == file["spec"]


def test_another_job_of_the_stack_gets_all_derived_parts(project: Project):
    project.stack(ADOPTED)
    project.job(JOB.replace("name: word-count", "name: other"), "other.yaml")
    declared = {item.name: item for item in stack(project).jobs}
    assert not declared["other"].is_adopted
    assert declared["other"].spec["serviceAccount"] == "flink"
    assert "serviceAccount" not in declared["word-count"].spec


PARTS = {
    "account": ("serviceAccount",),
    "metrics": ("flinkConfiguration", "metrics.reporter.prom.port"),
    "security": ("podTemplate", "spec", "securityContext"),
    "state": ("flinkConfiguration", "state.checkpoints.dir"),
    "submission": ("flinkConfiguration", "web.submit.enable"),
}
"""Part to a field that it sets."""


def has(value: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if key not in value:
            return False
        value = value[key]
    return True


@pytest.mark.parametrize("part", PARTS)
def test_derive_selects_parts_of_an_adopted_job(project: Project, part: str):
    project.job(JOB.replace("v2_2", "v1_20").replace("stateless", "savepoint"))
    project.stack({**ADOPTED, "stateStorage": {"type": "s3", "uri": "s3://a/b"}, "jobDefaults": {"derive": [part]}})
    spec: dict[str, Any] = job(project).spec
    names = {name for name, path in PARTS.items() if has(spec, path)}
    if part == "state":
        assert spec["flinkConfiguration"]["high-availability.type"] == "kubernetes"
        names.add("state")
    assert names == {part}


def test_a_pod_template_that_is_derived_is_merged_by_name(project: Project):
    option = "kubernetes.operator.pod-template.merge-arrays-by-name"
    project.stack({**ADOPTED, "jobs": {"word-count": {"derive": ["account"]}}})
    assert "flinkConfiguration" not in job(project).spec
    project.stack({**ADOPTED, "jobs": {"word-count": {"derive": ["security"]}}})
    assert job(project).spec["flinkConfiguration"] == {option: "true"}


def test_labels_are_a_part(project: Project):
    project.stack({**ADOPTED, "jobs": {"word-count": {"derive": ["labels"]}}})
    assert job(project).manifest["metadata"] == {
        "name": "word-count",
        "namespace": "flink",
        "labels": {
            "app.kubernetes.io/name": "word-count",
            "app.kubernetes.io/part-of": "flink-k8s",
            "app.kubernetes.io/managed-by": "pulumi",
        },
    }


def test_the_policy_is_a_part(project: Project):
    project.stack(ADOPTED)
    assert stack(project).traffic(job(project)) is None
    project.stack({**ADOPTED, "jobs": {"word-count": {"derive": ["policy"]}}})
    assert stack(project).traffic(job(project)) is not None


def test_settings_of_the_stack_change_an_adopted_job(project: Project):
    project.stack({**ADOPTED, "jobs": {"word-count": {"parallelism": 4}}})
    spec: dict[str, Any] = job(project).deployed_spec
    assert spec == {**yaml.safe_load(JOB)["spec"], "job": {**yaml.safe_load(JOB)["spec"]["job"], "parallelism": 4}}


def test_a_nested_configuration_is_not_flattened_in_the_cluster(project: Project):
    project.job(JOB + "  flinkConfiguration: {taskmanager: {numberOfTaskSlots: 2}}\n")
    project.stack(ADOPTED)
    declared = job(project)
    assert declared.spec["flinkConfiguration"] == {"taskmanager.numberOfTaskSlots": "2"}
    assert declared.deployed_spec["flinkConfiguration"] == {"taskmanager": {"numberOfTaskSlots": 2}}


@pytest.mark.parametrize("manifest", [*manifests()], ids=lambda manifest: manifest.name)
def test_no_public_manifest_is_changed(project: Project, manifest: Manifest):
    """The spec of every Flink resource in the corpus is deployed as it is written."""
    project.job(manifest.text)
    objects = [item for item in read_folders(project.root, ["jobs"])[0] if item.is_job]
    keys = [f"{item.kind}/{item.namespace or 'flink'}/{item.name}" for item in objects]
    namespaces = {"flink": {}, **{item.namespace: {} for item in objects if item.namespace}}
    kept = {key: value for key, value in manifest.stack.items() if key not in ("jobs", "jobDefaults")}
    project.stack({**kept, "namespaces": {**namespaces, **kept.get("namespaces", {})}, "adopt": keys})
    declared = {item.key: item.deployed_spec for item in stack(project).jobs}
    assert declared == {key: item.manifest["spec"] for key, item in zip(keys, objects, strict=True)}


def test_an_adopted_object_gets_no_labels(project: Project):
    project.job(JOB + SETTINGS)
    project.stack({"adopt": ["ConfigMap/flink/settings"]})
    [attachment] = stack(project).attachments
    assert attachment.is_adopted
    assert attachment.manifest["metadata"] == {"name": "settings", "namespace": "flink"}


def test_an_object_that_no_file_contains_is_a_problem(project: Project):
    project.stack({"adopt": ["FlinkDeployment/flink/word-cuont"]})
    message = (
        'adopt[0]: is "FlinkDeployment/flink/word-cuont", which is not an object in jobs/; did you mean '
        '"FlinkDeployment/flink/word-count"?'
    )
    assert project.problems() == [f"Pulumi.x.yaml:4: {message}"]


@pytest.mark.parametrize("key", ["word-count", "flink/word-count", "FlinkDeployment/flink/a/b"])
def test_a_key_has_kind_namespace_and_name(project: Project, key: str):
    project.stack({"adopt": [key]})
    [problem] = project.problems()
    assert problem.startswith("Pulumi.x.yaml:4: adopt[0]: is not an object; write kind/namespace/name")


def test_an_account_in_a_file_is_deployed_if_the_stack_creates_none(project: Project):
    account = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: flink}\n"
    project.job(JOB + account)
    assert stack(project).attachments == ()
    project.stack({"namespaces": {"flink": {"createAccount": False}}})
    [attachment] = stack(project).attachments
    assert attachment.source.kind == "ServiceAccount"
