"""Flink's web interface behind an ingress: off unless asked for, what the operator gets, and who is asked who he is."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.unit.project import JOB, Project

HOST = "{{name}}.{{namespace}}.flink.example.org"
AUTHENTICATION = {"nginx.ingress.kubernetes.io/auth-url": "https://auth.example.org/verify"}
STACK = {
    "enabled": True,
    "className": "nginx",
    "template": HOST,
    "annotations": AUTHENTICATION,
    "controller": {"namespace": "ingress-nginx"},
}
INGRESS = {"className": "nginx", "template": HOST, "annotations": AUTHENTICATION}


def job(**spec: Any) -> str:
    manifest = yaml.safe_load(JOB)
    manifest["spec"] |= spec
    return yaml.safe_dump(manifest)


def test_ingress_is_disabled_by_default(project: Project) -> None:
    assert "ingress" not in project.spec()
    project.stack({"ingress": {**STACK, "enabled": False}})
    assert "ingress" not in project.spec()


def test_a_stacks_ingress_is_the_operators_for_every_job(project: Project) -> None:
    project.stack({"ingress": STACK})
    assert project.spec()["ingress"] == INGRESS


def test_job_enables_its_ingress_and_sets_its_template(project: Project) -> None:
    project.stack({"ingress": STACK, "jobs": {"word-count": {"ingress": {"enabled": False}}}})
    assert "ingress" not in project.spec()
    project.stack(
        {
            "ingress": {**STACK, "enabled": False},
            "jobs": {
                "word-count": {
                    "ingress": {"enabled": True, "template": "x.example.org/{{name}}", "annotations": {"a": "b"}}
                }
            },
        }
    )
    assert project.spec()["ingress"] == {
        **INGRESS,
        "template": "x.example.org/{{name}}",
        "annotations": {**AUTHENTICATION, "a": "b"},
    }


def test_disabled_ingress_overrides_the_job_file_and_enforced_overrides_it(project: Project) -> None:
    project.job(job(ingress={"template": "file.example.org"}))
    project.stack({"ingress": STACK})
    assert project.spec()["ingress"] == {**INGRESS, "template": "file.example.org"}
    project.stack({"ingress": STACK, "jobs": {"word-count": {"ingress": {"enabled": False}}}})
    assert "ingress" not in project.spec()
    project.stack(
        {
            "ingress": STACK,
            "jobs": {"word-count": {"ingress": {"enabled": False}}},
            "enforced": {"ingress": {"enabled": True}},
        }
    )
    assert project.spec()["ingress"]["className"] == "nginx"


@pytest.mark.parametrize(
    ("template", "hosts"),
    [(HOST, ["word-count.flink.flink.example.org"]), ("https://example.org:8443/{{namespace}}/{{Name}}", ["example.org"]), ("/{{namespace}}/{{name}}(/|$)(.*)", None)],
)  # fmt: skip
def test_https_names_the_jobs_host_and_secret(project: Project, template: str, hosts: list[str] | None) -> None:
    project.stack({"ingress": {**STACK, "template": template, "tls": {"clusterIssuer": "letsencrypt"}}})
    ingress = project.spec()["ingress"]
    assert ingress["tls"] == [({"hosts": hosts} if hosts else {}) | {"secretName": "word-count-ingress-tls"}]
    assert ingress["annotations"] == {**AUTHENTICATION, "cert-manager.io/cluster-issuer": "letsencrypt"}


def test_ingress_of_a_blue_green_deployment_is_outside_of_its_template(project: Project) -> None:
    spec = yaml.safe_load(JOB)["spec"]
    manifests = [
        {"kind": "FlinkBlueGreenDeployment", "metadata": {"name": "both"}, "spec": {"template": {"spec": spec}}},
        {
            "kind": "FlinkSessionJob",
            "metadata": {"name": "one"},
            "spec": {"deploymentName": "elsewhere", "job": {**spec["job"], "jarURI": "https://a/b.jar"}},
        },
    ]
    project.job(
        yaml.safe_dump_all([{"apiVersion": "flink.apache.org/v1beta1", **manifest} for manifest in manifests]),
        "more.yaml",
    )
    project.stack(
        {"ingress": STACK, "jobDefaults": {"ingress": {"annotations": {"a": "b"}}}, "jobs": {"one": {"external": True}}}
    )
    actual = project.spec("both")
    assert actual["ingress"] == {**INGRESS, "annotations": {**AUTHENTICATION, "a": "b"}}
    assert "ingress" not in actual["template"]["spec"]
    assert "ingress" not in project.spec("one")


@pytest.mark.parametrize("annotations", [
    {}, {"nginx.ingress.kubernetes.io/rewrite-target": "/"}, {"nginx.ingress.kubernetes.io/auth-url": ""}, {"nginx.ingress.kubernetes.io/auth-realm": "x"},
    {"alb.ingress.kubernetes.io/auth-type": "none"}, {"cert-manager.io/cluster-issuer": "x"},
])  # fmt: skip
def test_unauthenticated_ingress_is_a_warning_and_an_error_if_strict(
    project: Project, annotations: dict[str, str]
) -> None:
    project.stack({"ingress": {**STACK, "annotations": annotations}})
    [finding] = [remark for remark in project.remarks() if "unauthenticated Flink web UI" in remark]
    assert "spec.ingress: exposes the unauthenticated Flink web UI" in finding
    project.stack({"strict": True, "ingress": {**STACK, "annotations": annotations}})
    assert any("unauthenticated Flink web UI" in problem for problem in project.problems())


@pytest.mark.parametrize("ingress", [
    {"annotations": AUTHENTICATION}, {"annotations": {"nginx.ingress.kubernetes.io/auth-secret": "users"}}, {"annotations": {"traefik.ingress.kubernetes.io/router.middlewares": "auth@crd"}},
    {"annotations": {"alb.ingress.kubernetes.io/auth-type": "oidc"}}, {"annotations": {"konghq.com/plugins": "oidc"}}, {"annotations": {}, "authentication": "controller"},
])  # fmt: skip
def test_authenticated_ingress_has_no_finding(project: Project, ingress: dict[str, Any]) -> None:
    project.stack({"ingress": {**STACK, **ingress}})
    assert not any("ingress" in remark for remark in project.remarks())


def test_unauthenticated_ingress_of_a_job_file_is_a_warning(project: Project) -> None:
    project.job(job(ingress={"template": "file.example.org"}))
    findings = project.remarks()
    assert any(
        "unauthenticated Flink web UI" in item and item.startswith("warning: jobs/word_count.yaml") for item in findings
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"ingress": {"enabled": True}}, "ingress.template: is missing, but ingress.enabled is true; set a host"),
        ({"jobDefaults": {"ingress": {"enabled": True}}}, "ingress.template: is missing; set a host"),
        ({"ingress": {**STACK, "template": "http://[x"}}, "does not result in a URL; write a host"),
        ({"ingress": {**STACK, "tls": {}}, "operator": {"version": "1.7.0"}}, "ingress.tls: is not supported by operator 1.7.0"),
        ({"ingress": {**STACK, "controller": {"host": "x"}}}, "a NetworkPolicy supports addresses and pods, but no host names"),
        ({"ingress": {**STACK, "authentication": "none"}}, "ingress.authentication: is \"none\", which is not a valid value"),
        ({"jobDefaults": {"ingress": {"className": "x"}}}, "jobDefaults.ingress.className: unknown field"),
    ],
)  # fmt: skip
def test_invalid_ingress_is_an_error(project: Project, config: dict[str, Any], message: str) -> None:
    project.stack(config)
    findings = [problem for problem in project.problems() if message in problem]
    assert len(findings) == 1


def test_operator_1_7_gets_only_fields_that_it_supports(project: Project) -> None:
    project.job(job(flinkVersion="v1_18", image="flink:1.18"))
    project.stack({"ingress": STACK, "operator": {"version": "1.7.0"}})
    assert project.spec()["ingress"] == INGRESS
