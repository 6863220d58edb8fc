"""The shape of jobs/word_count.yaml, kind-cluster.yaml and the shipped input: what the walk-through's had wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = "/opt/flink/usrlib/src/word_count.py"


@pytest.fixture(scope="session")
def objects() -> dict[str, dict[str, Any]]:
    documents = yaml.safe_load_all((ROOT / "jobs/word_count.yaml").read_text())
    return {document["kind"]: document for document in documents}


@pytest.fixture(scope="session")
def spec(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return objects["FlinkDeployment"]["spec"]


def test_word_count_file_has_one_job_and_its_claim(objects: dict[str, dict[str, Any]]) -> None:
    assert {kind: document["metadata"] for kind, document in objects.items()} == {
        "FlinkDeployment": {"name": "word-count"},
        "PersistentVolumeClaim": {"name": "word-count-data"},
    }
    # No storageClassName: the cluster's default class.
    assert objects["PersistentVolumeClaim"]["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }


def test_arguments_run_the_program_of_the_image(spec: dict[str, Any], word_count: ModuleType) -> None:
    arguments = spec["job"]["args"]
    assert arguments[:4] == ["-pyclientexec", "/usr/local/bin/python3", "-py", SCRIPT]
    assert (ROOT / "jobs/pyflink/src" / Path(SCRIPT).name).is_file()
    assert spec["job"]["entryClass"] == "org.apache.flink.client.python.PythonDriver"
    assert word_count.parse(arguments[4:]) == word_count.Options("/opt/flink/usrlib/input", "/data/output")


def test_parameters_appended_by_the_stack_win(spec: dict[str, Any], word_count: ModuleType) -> None:
    appended = [*spec["job"]["args"][4:], "--input", "/data/input/text"]
    assert word_count.parse(appended) == word_count.Options("/data/input/text", "/data/output")


def test_word_count_complies_with_the_restricted_profile(spec: dict[str, Any]) -> None:
    pod = spec["podTemplate"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert {pod["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {9999}
    (container,) = pod["containers"]
    assert container["name"] == "flink-main-container"
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_word_count_mounts_the_claim_in_both_processes_on_one_node(spec: dict[str, Any]) -> None:
    pod = spec["podTemplate"]["spec"]
    assert pod["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "word-count-data"}}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "data", "mountPath": "/data"}]
    affinity = spec["taskManager"]["podTemplate"]["spec"]["affinity"]["podAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["labelSelector"]["matchLabels"] == {"app": "word-count", "component": "jobmanager"}


def test_word_count_file_sets_no_values_of_node_or_platform(objects: dict[str, dict[str, Any]]) -> None:
    actual = set(keys(objects["FlinkDeployment"]))
    assert "hostPath" not in actual
    assert not {key for key in actual if key.startswith(("metrics.", "log4j", "kubernetes.operator"))}
    assert "logConfiguration" not in actual
    assert "ports" not in actual


def test_word_count_fits_two_cores_and_is_stateless(spec: dict[str, Any]) -> None:
    for process in ("jobManager", "taskManager"):
        assert spec[process]["resource"] == {"memory": "1600m", "cpu": 0.5}
    assert (spec["job"]["parallelism"], spec["job"]["upgradeMode"]) == (1, "stateless")
    assert (spec["image"], spec["imagePullPolicy"], spec["flinkVersion"], spec["serviceAccount"]) == (
        "pyflink:dev",
        "IfNotPresent",
        "v2_2",
        "flink",
    )


def test_image_and_job_file_have_the_same_flink_version(spec: dict[str, Any]) -> None:
    dockerfile = (ROOT / "jobs/pyflink/Dockerfile").read_text()
    version = re.search(r"^ARG FLINK_VERSION=(\d+)\.(\d+)\.\d+$", dockerfile, re.MULTILINE)
    assert version is not None
    assert spec["flinkVersion"] == f"v{version[1]}_{version[2]}"


def test_shipped_input_has_words_of_many_scripts(word_count: ModuleType) -> None:
    counts: Counter[str] = Counter()
    for path in sorted((ROOT / "jobs/pyflink/input").iterdir()):
        assert not word_count.is_hidden(path.name), "Flink would not read it"
        for line in path.read_text("utf-8").split("\n"):
            counts.update(word_count.words(line))
    assert sum(counts.values()) > 300
    scripts = {"ποταμός", "река", "הנהר", "النهر", "女孩", "소녀는", "धीरे", "गिनती"}
    assert {*scripts, "doesn't", "qu'elle", "fängt"} <= counts.keys()
    assert counts["clerk"] > 5


def test_kind_cluster_is_pinned_and_its_mount_is_one() -> None:
    cluster = yaml.safe_load((ROOT / "kind-cluster.yaml").read_text())
    control_plane, worker = cluster["nodes"]
    assert (control_plane["role"], worker["role"]) == ("control-plane", "worker")
    assert control_plane["image"] == worker["image"]
    assert re.fullmatch(r"kindest/node:v1\.34\.\d+@sha256:[0-9a-f]{64}", worker["image"])
    assert worker["labels"] == {"node": "worker_1"}
    # The walk-through had it inside of a kubeadm patch, where kind does not look for mounts.
    (mount,) = worker["extraMounts"]
    assert mount.keys() == {"hostPath", "containerPath"}
    assert "kubeadmConfigPatches" not in worker


def keys(value: object) -> Iterator[str]:
    """Every key of nested mappings."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)
