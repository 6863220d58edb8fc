"""Secrets by reference: files, External Secrets, and what the stack config must not hold."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import json
from typing import Any

import pytest

from flink_k8s.checks.load import load
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import engine_config
from tests.unit.project import JOB, Project

BOTH = ("flink-k8s:jobs", "flink-k8s:context")


def pod(project: Project) -> dict[str, Any]:
    return project.spec()["podTemplate"]["spec"]


def mounts(project: Project) -> dict[str, Any]:
    """Folder to volume source of Flink's container, for the mounts that are secrets."""
    [main] = [container for container in pod(project)["containers"] if container["name"] == "flink-main-container"]
    volumes = {volume["name"]: volume for volume in pod(project).get("volumes", [])}
    actual = {
        item["mountPath"]: volumes[item["name"]]["secret"]
        for item in main.get("volumeMounts", [])
        if item["readOnly"] is True
    }
    assert len(actual) == len(volumes) == len(main.get("volumeMounts", []))
    return actual


def test_a_secret_becomes_files_that_cannot_be_written_in_both_processes(project: Project) -> None:
    project.stack(
        {
            "jobs": {
                "word-count": {
                    "secretFiles": {
                        "/etc/kafka": {"secret": "kafka"},
                        "/etc/db": {"secret": "db", "files": {"pw.txt": "password"}},
                    }
                }
            }
        }
    )
    assert mounts(project) == {
        "/etc/kafka": {"secretName": "kafka"},
        "/etc/db": {"secretName": "db", "items": [{"key": "password", "path": "pw.txt"}]},
    }
    assert "podTemplate" not in project.spec()["jobManager"]  # the common template: both have it


def test_later_source_changes_and_removes_secret_files(project: Project) -> None:
    project.stack({
        "jobDefaults": {"secretFiles": {"/etc/a": {"secret": "one", "files": {"f": "k"}}, "/etc/b": {"secret": "one"}}},
        "jobs": {"word-count": {"secretFiles": {"/etc/a": {"secret": "two"}, "/etc/b": None}}},
    })  # fmt: skip
    assert mounts(project) == {"/etc/a": {"secretName": "two"}}


def test_secrets_of_a_blue_green_deployment_are_in_its_template(project: Project) -> None:
    project.stack({"jobDefaults": {"secretFiles": {"/etc/a": {"secret": "one"}}}})
    lines = JOB.replace("FlinkDeployment", "FlinkBlueGreenDeployment").split("spec:\n")
    inner = "".join(f"    {line}\n" for line in lines[1].splitlines())
    project.job(f"{lines[0]}spec:\n  template:\n    spec:\n{inner}")
    assert project.spec()["template"]["spec"]["podTemplate"]["spec"]["volumes"][0]["secret"] == {"secretName": "one"}


def test_folders_with_similar_names_have_different_volumes(project: Project) -> None:
    project.stack({"jobDefaults": {"secretFiles": {"/etc/a-b": {"secret": "one"}, "/etc/a/b": {"secret": "two"}}}})
    assert {folder: item["secretName"] for folder, item in mounts(project).items()} == {
        "/etc/a-b": "one",
        "/etc/a/b": "two",
    }


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"etc/a": {"secret": "s"}}, "is not a directory of a container; write an absolute path such as /etc/orders"),
        ({"/etc/../a": {"secret": "s"}}, "is not a directory of a container; write an absolute path such as /etc/orders"),
        ({"/etc/a/": {"secret": "s"}}, "is not a directory of a container; write an absolute path such as /etc/orders"),
        ({"/opt/flink/conf": {"secret": "s"}}, "would hide /opt/flink/conf, which Flink or the platform requires; write another directory"),
        ({"/opt": {"secret": "s"}}, "would hide /opt/flink, which Flink or the platform requires; write another directory"),
        ({"/": {"secret": "s"}}, "would hide /opt/flink, which Flink or the platform requires; write another directory"),
        ({"/flink-state": {"secret": "s"}}, "would hide /flink-state, which Flink or the platform requires; write another directory"),
        ({"/etc/a": {"secret": "No"}}, "is not a name of a Secret; use lower-case letters, digits, - and ."),
        ({"/etc/a": {"secret": "s", "files": {"a/b": "k"}}}, "is not a key of a Secret; use letters, digits, -, _ and ."),
        ({"/etc/a": {"secret": "s", "files": {}}}, "should have at least 1 item"),
        ({"/etc/a": {"secret": "s", "key": "k"}}, "key: unknown field; "),
        ({"/etc/a": {}}, "secret: is missing; set it (Name of the Secret)"),
    ],
)  # fmt: skip
def test_files_that_cannot_be(project: Project, files: dict[str, Any], message: str) -> None:
    project.stack({"jobs": {"word-count": {"secretFiles": files}}})
    assert any(message in problem and "jobs.word-count.secretFiles" in problem for problem in project.problems())


def test_a_folder_below_flinks_own_is_fine(project: Project) -> None:
    project.stack({"jobDefaults": {"secretFiles": {"/opt/flink/tls": {"secret": "s"}}}})
    assert list(mounts(project)) == ["/opt/flink/tls"]


def test_problem_of_a_secret_mount_has_the_line_of_its_setting(project: Project) -> None:
    project.stack({"jobDefaults": {"secretFiles": {"/etc/a": {"secret": "s"}}}})
    [job] = project.load().jobs
    index = next(place for place, item in enumerate(pod(project)["volumes"]) if "secret" in item)
    for path in (("volumes", index, "secret"), ("containers", 0, "volumeMounts", 0, "mountPath")):
        assert job.problem(("spec", "podTemplate", "spec", *path), "").path == "jobDefaults.secretFiles./etc/a"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"store": "vault"}, "would create an empty Secret; set keys or allOf"),
        ({"keys": {"a": {"key": "x"}}}, "store: is missing; set it (Name of an existing SecretStore)"),
        ({"store": "vault", "storeKind": "Store", "allOf": ["x"]}, "storeKind: is \"Store\", which is not a valid value"),
        ({"store": "vault", "allOf": ["x"], "refresh": "1 h"}, 'is not a duration; write a duration such as "1h" or "15m", or "0" for once'),
        ({"store": "vault", "keys": {"a b": {"key": "x"}}}, "is not a key of a Secret; use letters, digits, -, _ and ."),
        ({"store": "vault", "keys": {"a": {"property": "x"}}}, "keys.a.key: is missing; set it (Name of the entry in the store"),
        ({"store": "vault", "keys": {"a": {"key": ""}}}, "keys.a.key: is"),
    ],
)  # fmt: skip
def test_external_secrets_that_cannot_be(project: Project, settings: dict[str, Any], message: str) -> None:
    project.stack({"namespaces": {"flink": {"externalSecrets": {"db": settings}}}})
    assert any(
        message in problem and "namespaces.flink.externalSecrets.db" in problem for problem in project.problems()
    )


def test_encrypted_value_in_a_stack_file_is_refused_with_its_line(project: Project) -> None:
    project.stack({
        "jobs": {"word-count": {"env": {"A": {"secure": "v1:abc"}, "B": "b"}}},
        "operator": {"values": {"x": [{"url": {"secure": "v1:def"}}]}},
    })  # fmt: skip
    findings = project.problems()
    assert [item.split(": ")[1] for item in findings] == ["jobs.word-count.env.A", "operator.values.x[0].url"]
    assert all("store it in a Kubernetes Secret and refer to it: secretEnv or secretFiles" in item for item in findings)


@pytest.mark.parametrize("key", BOTH)
def test_decrypted_value_is_refused_by_its_key_without_printing_it(project: Project, key: str) -> None:
    values = {"flink-k8s:context": "c", "flink-k8s:jobs": json.dumps({"word-count": {"parallelism": ["hunter2"]}})}
    values[key] = values[key].replace("c", "hunter2", 1) if key == BOTH[1] else values[key]
    with pytest.raises(ProblemsError) as raised:
        load(project.root, engine_config(values, "x", [key]))
    matches = [str(problem) for problem in raised.value.problems if problem.path == key.partition(":")[2]]
    assert len(matches) == 1
    assert "contains an encrypted value" in matches[0]
    if key == BOTH[0]:
        assert "hunter2" not in str(raised.value)


def test_a_secret_of_another_program_is_none_of_ours(project: Project) -> None:
    load(project.root, engine_config({"flink-k8s:context": "c", "other:key": "x"}, "x", ["other:key"]))


def test_plaintext_secrets_are_detected_everywhere_in_a_job(project: Project) -> None:
    key = "q3Zt9XbL0kP2mW/7vYcR4nH8sDfJ6gT1aUeK5oQi"
    project.job(JOB + f"""\
  logConfiguration: {{log4j-console.properties: "appender.x.key = {key}"}}
  flinkConfiguration: {{my.own.option: {key}, kubernetes.secrets: "tls:/opt/tls"}}
  podTemplate:
    metadata: {{annotations: {{example.org/note: {key}}}}}
    spec: {{initContainers: [{{name: a, image: "a:1", command: [sh, -c, "curl -H {key}"]}}]}}
""")  # fmt: skip
    findings = [remark.split(": ")[2] for remark in project.remarks() if "secret as plaintext" in remark]
    assert sorted(findings) == [
        'spec.flinkConfiguration["my.own.option"]',
        'spec.logConfiguration["log4j-console.properties"]',
        'spec.podTemplate.metadata.annotations["example.org/note"]',
        "spec.podTemplate.spec.initContainers[0].command[2]",
    ]
    assert not any(key in remark for remark in project.remarks())
    project.stack({"strict": True})
    assert sum("secret as plaintext" in problem for problem in project.problems()) == 4
