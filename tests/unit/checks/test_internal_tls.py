"""TLS between a job's processes: what the setting does to a job, for which kinds, and what `make check` refuses."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

from typing import Any

import pytest
import yaml

from flink_k8s.checks import safety
from flink_k8s.checks.subject import Subject
from flink_k8s.config.secret_text import is_secret
from tests.unit.project import JOB, SESSION, Project

ON: dict[str, Any] = {"internalTls": {"enabled": True}}
FOLDER = "/opt/flink-internal-tls"
OPTIONS = {
    "security.ssl.internal.enabled": "true",
    "security.ssl.internal.keystore": f"{FOLDER}/keystore.p12",
    "security.ssl.internal.keystore-password": "changeit",
    "security.ssl.internal.key-password": "changeit",
    "security.ssl.internal.truststore": f"{FOLDER}/truststore.p12",
    "security.ssl.internal.truststore-password": "changeit",
    "security.ssl.algorithms": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
}


def blue_green() -> str:
    manifest = yaml.safe_load(JOB)
    manifest |= {"kind": "FlinkBlueGreenDeployment", "spec": {"template": {"spec": manifest["spec"]}}}
    return yaml.safe_dump(manifest)


def ssl(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (spec.get("flinkConfiguration") or {}).items() if "ssl" in key}


def mounted(spec: dict[str, Any]) -> list[tuple[str, Any]]:
    """Folder and volume source of what Flink's container mounts."""
    pod = spec.get("podTemplate", {}).get("spec", {})
    volumes = {volume["name"]: volume["secret"] for volume in pod.get("volumes", [])}
    [main] = pod.get("containers", [{}])
    return [(item["mountPath"], volumes[item["name"]]) for item in main.get("volumeMounts", [])]


def source(kind: str, name: str = "word-count") -> dict[str, Any]:
    items = [{"key": key, "path": key} for key in ("keystore.p12", "truststore.p12")]
    return {"secretName": f"{kind}-{name}-tls", "items": items}


def test_internal_tls_is_disabled_by_default(project: Project) -> None:
    before = project.spec()
    assert ssl(before) == {}
    assert mounted(before) == []
    project.stack({"jobs": {"word-count": {"internalTls": {"enabled": False, "duration": "100h"}}}})
    assert project.spec() == before


def test_a_job_gets_its_own_certificate(project: Project) -> None:
    project.stack({"jobs": {"word-count": ON}})
    assert ssl(project.spec()) == OPTIONS
    assert mounted(project.spec()) == [(FOLDER, source("flinkdeployment"))]


def test_blue_green_deployments_share_one_certificate(project: Project) -> None:
    project.job(blue_green())
    project.stack({"jobs": {"word-count": ON}})
    spec = project.spec()["template"]["spec"]
    assert ssl(spec) == OPTIONS
    assert mounted(spec) == [(FOLDER, source("flinkbluegreendeployment"))]


def test_a_session_cluster_has_it_and_its_jobs_run_in_it(project: Project) -> None:
    project.job(SESSION)
    project.stack({"jobDefaults": ON})
    assert ssl(project.spec("session")) == OPTIONS
    assert mounted(project.spec("session")) == [(FOLDER, source("flinkdeployment", "session"))]
    assert ssl(project.spec("in-session")) == {}


def test_all_jobs_but_one_and_in_spite_of_all(project: Project) -> None:
    project.stack({"jobDefaults": ON, "jobs": {"word-count": {"internalTls": {"enabled": False}}}})
    assert ssl(project.spec()) == {}
    project.stack({"jobs": {"word-count": {"internalTls": {"enabled": False}}}, "enforced": ON})
    assert ssl(project.spec()) == OPTIONS


def test_internal_tls_keeps_the_mounts_of_a_job(project: Project) -> None:
    files = {"/etc/kafka": {"secret": "kafka"}}
    project.stack({"jobs": {"word-count": {**ON, "secretFiles": files}}})
    assert mounted(project.spec()) == [(FOLDER, source("flinkdeployment")), ("/etc/kafka", {"secretName": "kafka"})]


def test_user_can_set_the_cipher_suites(project: Project) -> None:
    settings = {"security.ssl.algorithms": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}
    project.stack({"jobs": {"word-count": {**ON, "flinkConfiguration": settings}}})
    assert ssl(project.spec()) == OPTIONS | settings


def test_only_the_public_keystore_password_is_not_a_secret(project: Project) -> None:
    project.stack({"strict": True, "jobs": {"word-count": {**ON, "image": "flink@sha256:" + 64 * "a"}}})
    subject = Subject({"kind": "FlinkDeployment", "spec": project.spec()}, "1.16.1")
    safety.check(subject)
    assert subject.findings == []
    assert is_secret("security.ssl.internal.keystore-password", "changeit2")
    assert is_secret("security.ssl.rest.keystore-password", "changeit")
    assert is_secret("DB_PASSWORD", "changeit")


@pytest.mark.parametrize("key", [key for key in OPTIONS if ".internal." in key])
@pytest.mark.parametrize("value", ["other", None], ids=["said", "taken-away"])
def test_options_of_internal_tls_cannot_be_overridden(project: Project, key: str, value: str | None) -> None:
    project.stack({"jobs": {"word-count": {**ON, "flinkConfiguration": {key: value}}}})
    problem = "conflicts with internalTls, which sets it" if value else "is null, but internalTls requires it"
    assert [item for item in project.problems() if key in item and f"{problem}; remove it, or set internalTls" in item]


def test_problem_of_a_job_file_has_its_line(project: Project) -> None:
    manifest = yaml.safe_load(JOB)
    manifest["spec"]["flinkConfiguration"] = {"security.ssl.internal.cert.fingerprint": "00:11"}
    project.job(yaml.safe_dump(manifest))
    project.load()  # fine without it
    project.stack({"jobs": {"word-count": ON}})
    [problem] = project.problems()
    assert problem.startswith("jobs/word_count.yaml:")
    assert '["security.ssl.internal.cert.fingerprint"]: conflicts with internalTls, which sets it' in problem


def test_template_that_replaces_the_certificate_is_an_error(project: Project) -> None:
    volumes = [{"name": "internal-tls", "secret": {"secretName": "other"}}]
    pod = {"taskManager": {"podTemplate": {"spec": {"volumes": volumes}}}}
    project.stack({"jobs": {"word-count": {**ON, "spec": pod}}})
    [problem] = project.problems()
    assert f"replaces the Secret of internalTls at {FOLDER} of the taskManager" in problem


def test_mounts_in_the_keystore_folder_are_errors(project: Project) -> None:
    project.stack({"jobs": {"word-count": {"secretFiles": {FOLDER: {"secret": "own"}}}}})
    assert f"would hide {FOLDER}" in "".join(project.problems())


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"duration": "30m"}, "jobs.word-count.internalTls.duration: is 30m, which is out of range; write 1h"),
        ({"duration": "43801h"}, "jobs.word-count.internalTls.duration: is 43801h, which is out of range; write 1h (minimum of cert-manager) to 43800h"),
        ({"duration": "48h", "renewBefore": "48h"}, "jobs.word-count.internalTls.renewBefore: is 48h, but a certificate is valid for 48h; lower it"),
        ({"renewBefore": "1m"}, "jobs.word-count.internalTls.renewBefore: is 1m, which is less than cert-manager's minimum; write at least 5m"),
        ({"duration": "a year"}, "jobs.word-count.internalTls.duration: is not a duration; write a duration such as"),
        ({"durations": "1h"}, "jobs.word-count.internalTls.durations: unknown field; did you mean \"duration\"?"),
    ],
)  # fmt: skip
def test_invalid_lifetimes_are_errors(project: Project, settings: dict[str, Any], problem: str) -> None:
    project.stack({"jobs": {"word-count": {"internalTls": {"enabled": True, **settings}}}})
    assert len([item for item in project.problems() if problem in item]) == 1


@pytest.mark.parametrize(
    "settings", [{"duration": "1h"}, {"duration": "43800h"}, {"duration": "48h", "renewBefore": "47h"}]
)
def test_times_at_the_edge(project: Project, settings: dict[str, Any]) -> None:
    project.stack({"jobs": {"word-count": {"internalTls": {"enabled": True, **settings}}}})
    assert ssl(project.spec()) == OPTIONS


def test_invalid_duration_is_reported_with_its_line(project: Project) -> None:
    project.stack({"jobDefaults": {"internalTls": {"enabled": True, "duration": "1m"}}})
    [problem] = project.problems()
    assert problem.startswith("Pulumi.x.yaml:6: jobDefaults.internalTls.duration: is 1m")


def test_certificate_that_expires_before_its_alert_is_a_warning(project: Project) -> None:
    short = {"jobs": {"word-count": {"internalTls": {"enabled": True, "duration": "720h", "renewBefore": "480h"}}}}

    def remarks_with(**config: Any) -> list[str]:
        project.stack({**short, **config})
        return [remark for remark in project.remarks() if "FlinkInternalCertificateOld" in remark]

    [remark] = remarks_with()
    assert remark.startswith("warning: Pulumi.x.yaml:")
    assert (
        "jobs.word-count.internalTls.renewBefore: is 480h, but FlinkInternalCertificateOld fires only after 5760h; lower prometheus.alerts.certificateAge"
        in remark
    )
    assert remarks_with(prometheus={"alerts": {"certificateAge": "480h"}}) == [remark.replace("5760h", "480h")]
    assert remarks_with(prometheus={"alerts": {"certificateAge": "479h"}}) == []
    assert remarks_with(prometheus={"alerts": {"off": ["FlinkInternalCertificateOld"]}}) == []
    assert remarks_with(prometheus={"monitors": False}) == []
    project.stack({"jobs": {"word-count": ON}})
    assert [remark for remark in project.remarks() if "internalTls" in remark] == []


@pytest.mark.parametrize(("name", "words"), [
    ("in-session", "has no effect for a FlinkSessionJob, which runs in the pods of session; set it there"),
])  # fmt: skip
def test_internal_tls_of_a_session_job_is_an_error(project: Project, name: str, words: str) -> None:
    project.job(SESSION)
    project.stack({"jobs": {name: ON}})
    [problem] = project.problems()
    assert f"jobs.{name}.internalTls: {words}" in problem


@pytest.mark.parametrize(
    ("version", "good"), [("v1.16.5", False), ("1.9.0", False), ("v1.17.0", True), ("v2.0.0", True)]
)
def test_too_old_cert_manager_is_an_error(project: Project, version: str, good: bool) -> None:
    project.stack({"certManager": {"version": version}, "jobs": {"word-count": ON}})
    if good:
        project.load()
        return
    [problem] = project.problems()
    assert (
        f"requires cert-manager 1.17, but the stack has {version}; set certManager.version to v1.17 or newer" in problem
    )
    project.stack({"certManager": {"version": version, "enabled": False}, "jobs": {"word-count": ON}})
    project.load()  # the version in the cluster is unknown


@pytest.mark.parametrize(("kind", "name", "refused"), [
    ("Secret", "flinkdeployment-word-count-tls", True),
    ("Secret", "flinkdeployment-word-count-tls-ca", True),
    ("Issuer", "flinkdeployment-word-count-tls-ca", True),
    ("Issuer", "flinkdeployment-word-count-tls-self-signed", True),
    ("Certificate", "flinkdeployment-word-count-tls", True),
    ("Certificate", "other", False),
    ("ConfigMap", "flinkdeployment-word-count-tls", False),
])  # fmt: skip
def test_object_names_of_internal_tls_are_reserved(project: Project, kind: str, name: str, refused: bool) -> None:
    group = "v1" if kind in ("Secret", "ConfigMap") else "cert-manager.io/v1"
    spec = "spec: {selfSigned: {}}\n" if kind == "Issuer" else ""
    project.job(f"{JOB}---\napiVersion: {group}\nkind: {kind}\nmetadata: {{name: {name}}}\n{spec}")
    project.load()
    project.stack({"jobs": {"word-count": ON}})
    if not refused:
        project.load()
        return
    [problem] = project.problems()
    assert (
        "metadata.name: is the name of an object that internalTls of word-count creates; choose another name" in problem
    )
