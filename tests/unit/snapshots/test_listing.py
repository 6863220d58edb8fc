"""The pod that lists a job's files: it has what the job's pods have, and its output is read."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.jobs import Job
from flink_k8s.snapshots.directories import state_directories
from flink_k8s.snapshots.listing import LISTING, Listing, list_directories, read_listing
from flink_k8s.store.pod import StorePodError, store_pod
from flink_k8s.store.run import rows_of
from tests.unit.project import JOB, SESSION, Project
from tests.unit.snapshots.cluster import Cluster, listed, snapshot_row

STATEFUL = JOB.replace("upgradeMode: stateless", "upgradeMode: savepoint")
BUCKET = {
    "type": "s3",
    "uri": "s3p://b/flink",
    "endpoint": "http://minio:9000",
    "credentials": {"accessKey": {"secret": "k", "key": "a"}, "secretKey": {"secret": "k", "key": "s"}},
}
HOME = "s3p://b/flink/x/flink/word-count"
DIRECTORIES = [f"{HOME}/checkpoints", f"{HOME}/savepoints"]


def declared(project: Project, name: str = "word-count") -> tuple[Job, DeclaredStack]:
    stack = project.load()
    [job] = [job for job in stack.jobs if job.name == name]
    return job, stack


def in_bucket(project: Project, **job: Any) -> tuple[Job, DeclaredStack]:
    project.job(STATEFUL)
    project.stack({"stateStorage": BUCKET, "jobs": {"word-count": job}})
    return declared(project)


def pod_of(job: Job, stack: DeclaredStack) -> dict[str, Any]:
    return cast(dict[str, Any], store_pod(LISTING, job, stack, state_directories(job, stack)))


def test_directories_are_those_of_the_merged_job(project: Project) -> None:
    assert state_directories(*in_bucket(project)) == DIRECTORIES


def test_directories_under_an_older_name_of_their_option(project: Project) -> None:
    own = {"state.savepoints.dir": "s3p://own/sp", "fs.default-scheme": "s3p://own", "state.checkpoints.dir": "/cp"}
    assert state_directories(*in_bucket(project, flinkConfiguration=own)) == ["s3p://own/cp", "s3p://own/sp"]


def test_the_pod_has_the_image_account_environment_and_labels_of_the_job(project: Project) -> None:
    pod = pod_of(*in_bucket(project))
    [container] = pod["spec"]["containers"]
    assert container["image"] == "pyflink:dev"
    assert container["args"] == ["ListSnapshots", *DIRECTORIES]
    assert pod["spec"]["serviceAccountName"] == "flink"
    assert pod["spec"]["restartPolicy"] == "Never"
    variables = {variable["name"]: variable for variable in container["env"]}
    assert variables["AWS_ACCESS_KEY_ID"]["valueFrom"]["secretKeyRef"] == {"name": "k", "key": "a"}
    assert variables["ENABLE_BUILT_IN_PLUGINS"]["value"].startswith("flink-s3-fs-presto-")
    assert "s3.endpoint=http://minio:9000" in variables["FLINK_K8S_CONFIGURATION"]["value"].splitlines()
    # NetworkPolicies select these labels; Flink and the operator also select by `component`.
    assert pod["metadata"]["labels"] == {
        "app": "word-count",
        "type": "flink-native-kubernetes",
        "flink-k8s/list-state": "word-count",
    }


def test_the_pod_fulfils_the_restricted_pod_security_of_its_namespace(project: Project) -> None:
    pod = pod_of(*in_bucket(project))["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False


def test_the_pod_mounts_the_volume_with_the_state(project: Project) -> None:
    project.job(STATEFUL)
    project.stack({"stateStorage": {"type": "volume"}})
    pod = pod_of(*declared(project))["spec"]
    assert {"name": "flink-state", "mountPath": "/flink-state"} in pod["containers"][0]["volumeMounts"]
    assert "flink-state" in [volume["name"] for volume in pod["volumes"]]


def test_the_pod_starts_no_sidecar_and_no_port_of_the_job(project: Project) -> None:
    sidecar = {"name": "sidecar", "image": "busybox@sha256:" + "0" * 64}
    job, stack = in_bucket(project, spec={"podTemplate": {"spec": {"containers": [sidecar]}}})
    [container] = pod_of(job, stack)["spec"]["containers"]
    assert container["name"] == "flink-main-container"
    assert "ports" not in container


def test_variables_of_flinks_own_options_are_in_the_environment(project: Project) -> None:
    own = {"containerized.master.env.A": "$(B) ${C}"}
    [container] = pod_of(*in_bucket(project, flinkConfiguration=own))["spec"]["containers"]
    # The kubelet reads $$ as $.
    assert {"name": "A", "value": "$$(B) $${C}"} in container["env"]


def test_a_session_job_uses_the_pods_of_its_cluster(project: Project) -> None:
    project.job(SESSION.replace("upgradeMode: stateless", "upgradeMode: savepoint"), "session.yaml")
    project.stack({"stateStorage": BUCKET})
    job, stack = declared(project, "in-session")
    pod = pod_of(job, stack)
    assert pod["metadata"]["labels"]["app"] == "session"
    assert pod["spec"]["containers"][0]["args"][1:] == [
        f"s3p://b/flink/x/flink/in-session/{folder}" for folder in ("checkpoints", "savepoints")
    ]


def test_a_session_job_of_an_undeclared_cluster_is_not_listed(project: Project) -> None:
    text = SESSION.partition("---\n")[2].replace("upgradeMode: stateless", "upgradeMode: savepoint")
    project.job(text, "session.yaml")
    project.stack({"stateStorage": BUCKET, "jobs": {"in-session": {"external": True}}})
    with pytest.raises(StorePodError, match="session cluster session is not declared"):
        state_directories(*declared(project, "in-session"))


def test_output_is_read_between_lines_of_other_programs() -> None:
    log = listed(snapshot_row(7, "s3p://b/sp/1", 42), "listed\ts3p://b/sp", "failed\ts3p://b/cp\tno bucket")
    listing = read_listing(rows_of(log, LISTING))
    assert [(item.path, item.size) for item in listing.snapshots] == [("s3p://b/sp/1", 42)]
    assert listing.directories == ("s3p://b/sp",)
    assert listing.problems == ("s3p://b/cp: no bucket",)


def test_output_without_a_listing_is_an_error_with_its_cause() -> None:
    log = 'Exception in thread "main" a.B: x\n\tat C.d\nCaused by: java.io.IOException: no jar\n\tat E.f\n'
    with pytest.raises(StorePodError, match=r"failed: java\.io\.IOException: no jar$"):
        rows_of(log, LISTING)


def listing_of(cluster: Cluster, folder: Path, job: Job, stack: DeclaredStack) -> Listing:
    async def run() -> Listing:
        async with cluster.serving(folder) as server, server.asked("failed") as client:
            return await list_directories(client, job, stack, state_directories(job, stack))

    return asyncio.run(run())


def test_the_pod_is_deleted_after_its_output_is_read(project: Project, tmp_path: Path) -> None:
    cluster = Cluster(log=listed(*(f"listed\t{directory}" for directory in DIRECTORIES)))
    assert listing_of(cluster, tmp_path, *in_bucket(project)).directories == tuple(DIRECTORIES)
    assert cluster.deleted == ["word-count-list-state-0", "policy"]


def test_a_pod_that_fails_is_deleted(project: Project, tmp_path: Path) -> None:
    cluster = Cluster(log="sh: 1: java: not found\n")
    with pytest.raises(StorePodError, match="java: not found"):
        listing_of(cluster, tmp_path, *in_bucket(project))
    assert cluster.deleted == ["word-count-list-state-0", "policy"]


def test_the_pod_may_connect_to_what_the_job_may_connect_to(project: Project, tmp_path: Path) -> None:
    """The policy of a job that is not deployed does not exist, and its namespace denies all other traffic."""
    own = [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"], "ports": ["443", "8000-8100/UDP"]}]
    job, stack = in_bucket(project, egress=own)
    cluster = Cluster(log=listed(*(f"listed\t{directory}" for directory in DIRECTORIES)))
    listing_of(cluster, tmp_path, job, stack)
    [policy] = cluster.policies
    [pod] = cluster.pods
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert policy["spec"]["policyTypes"] == ["Egress"]
    assert policy["spec"]["egress"][-1] == {
        "to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
        "ports": [
            {"port": 443, "endPort": 443, "protocol": "TCP"},
            {"port": 8000, "endPort": 8100, "protocol": "UDP"},
        ],
    }
    ports = [port["port"] for rule in policy["spec"]["egress"] for port in rule.get("ports", [])]
    assert {53, 9000} <= set(ports)  # DNS, and the store of stateStorage


def test_a_stack_without_policies_creates_none(project: Project, tmp_path: Path) -> None:
    project.job(STATEFUL)
    project.stack({"stateStorage": BUCKET, "networkPolicies": {"enabled": False}})
    cluster = Cluster(log=listed(*(f"listed\t{directory}" for directory in DIRECTORIES)))
    listing_of(cluster, tmp_path, *declared(project))
    assert (len(cluster.pods), cluster.policies) == (1, [])


def test_a_refused_pod_is_an_error_with_the_message_of_the_api_server(project: Project, tmp_path: Path) -> None:
    cluster = Cluster(refusal='pods "x" is forbidden: exceeded quota')
    with pytest.raises(StorePodError, match=r"no pod can be created that lists the files: .*exceeded quota"):
        listing_of(cluster, tmp_path, *in_bucket(project))


def test_the_script_links_the_plugins_and_runs_the_class(project: Project, tmp_path: Path) -> None:
    """The script of the pod in a folder of this machine, with a program that prints its arguments instead of Java."""
    home, work, programs = tmp_path / "flink", tmp_path / "work", tmp_path / "bin"
    for folder in (home / "plugins" / "metrics", home / "opt", work, programs):
        folder.mkdir(parents=True)
    (home / "opt" / "s3.jar").touch()
    (programs / "java").write_text('#!/bin/sh\necho "$FLINK_PLUGINS_DIR" "$@"\n')
    (programs / "java").chmod(0o755)
    [container] = pod_of(*in_bucket(project))["spec"]["containers"]
    variables = {item["name"]: item["value"] for item in container["env"] if "value" in item}
    command = [part.replace("/flink-k8s", str(work)) for part in (*container["command"], *container["args"][:1])]
    environment = {**os.environ, **variables, "FLINK_HOME": str(home), "ENABLE_BUILT_IN_PLUGINS": "s3.jar"}
    environment["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run([*command, "dir"], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.split()[0] == str(work / "plugins")
    assert result.stdout.split()[-2:] == ["ListSnapshots", "dir"]
    assert (work / "plugins" / "metrics").is_dir()
    assert (work / "plugins" / "s3" / "s3.jar").exists()
    compiled = LISTING.program.read_bytes()
    assert (work / "classes" / "ListSnapshots.class").read_bytes() == compiled
    assert base64.b64decode(variables["FLINK_K8S_CLASS"]) == compiled
