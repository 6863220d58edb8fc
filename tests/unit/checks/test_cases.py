"""Cases from public bug reports, real manifests and hostile input: each represents a kind of mistake.

The id of a case is its prefix: `bugs` (public reports), `corpus` (real manifests), `sec` (hostile and careless input).
"""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import PREFIX, read_config

IMAGE = "registry.example.org/job@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
JAR = "local:///opt/flink/usrlib/job.jar"
S3 = {"type": "s3", "uri": "s3://bucket/state"}
STRICT: dict[str, Any] = {"strict": True, "stateStorage": S3}
CONF = "spec.flinkConfiguration"
MAIN = "flink-main-container"
PASSWORD = "Sommer2024x"
STATELESS = {"job": {"upgradeMode": "stateless"}}


def job(spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    """A job; null in the spec removes a field."""
    complete: dict[str, Any] = {
        "image": IMAGE,
        "flinkVersion": "v2_2",
        "jobManager": {"resource": {"memory": "1600m", "cpu": 1}},
        "taskManager": {"resource": {"memory": "1600m", "cpu": 1}},
        "job": {"jarURI": JAR, "parallelism": 1, "upgradeMode": "savepoint"},
    }
    return {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": "j", **metadata},
        "spec": merge_mappings(complete, spec or {}),
    }


def conf(**options: str) -> dict[str, Any]:
    """A job with options, with `_` for a dot and `__` for a hyphen in their names."""
    named = {key.replace("__", "-").replace("_", "."): value for key, value in options.items()}
    return job({**STATELESS, "flinkConfiguration": named})


def pod(spec: dict[str, Any]) -> dict[str, Any]:
    return job({"podTemplate": {"spec": spec}})


def option(key: str) -> str:
    return f'{CONF}["{key}"]'


@dataclass(frozen=True)
class Case:
    """One input, and the rules and paths of its findings.

    Attributes:
        id: of the case.
        files: job files: objects, or texts.
        found: rule and path of each finding.
        stack: stack config.
        messages: texts that a finding contains.
    """

    id: str
    files: Any
    found: set[tuple[str, str]]
    stack: dict[str, Any] = field(default_factory=dict[str, Any])
    messages: tuple[str, ...] = ()


SIDE = {
    "name": "side",
    "image": IMAGE,
    "resources": {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
}
CASES = [
    Case("bugs-01", job({"image": None}), {("mutable-tag", "spec.image")}, STRICT),
    Case(
        "bugs-01",
        job({"image": None, "flinkConfiguration": {"kubernetes.container.image.ref": "flink:latest"}}),
        {("mutable-tag", option("kubernetes.container.image.ref"))},
        STRICT,
    ),
    Case(
        "bugs-02, sec-48",
        conf(kubernetes_hostnetwork_enabled="true"),
        {("pod-security", option("kubernetes.hostnetwork.enabled"))},
        STRICT,
    ),
    Case(
        "bugs-03, sec-47",
        conf(kubernetes_rest__service_exposed_type="LoadBalancer", web_submit_enable="true", web_cancel_enable="true"),
        {
            ("exposed-rest", option("kubernetes.rest-service.exposed.type")),
            ("exposed-rest", option("web.submit.enable")),
            ("exposed-rest", option("web.cancel.enable")),
        },
        STRICT,
    ),
    Case(
        "bugs-05",
        conf(metrics_reporters="jmx"),
        {("unmonitored-job", option("metrics.reporters"))},
        STRICT,
        ("the job has no metrics and no alerts; add prom",),
    ),
    Case(
        "bugs-06",
        pod({"initContainers": [{**SIDE, "image": None}], "containers": [{**SIDE, "name": "flink", "image": None}]}),
        {
            ("pod-template", "spec.podTemplate.spec.initContainers[0].image"),
            ("pod-template", "spec.podTemplate.spec.containers[0].image"),
        },
        STRICT,
        ("or name it flink-main-container if it is Flink's own",),
    ),
    Case(
        "bugs-06",
        pod(
            {
                "containers": [
                    {"name": MAIN, "volumeMounts": [{"name": "jar", "mountPath": "/a"}, {"name": "jars", "mountPath": "/opt/flink/conf"}]}
                ],
                "volumes": [{"name": "jars", "emptyDir": {}}],
            }
        ),
        {
            ("pod-template", "spec.podTemplate.spec.containers[0].volumeMounts[0].name"),
            ("pod-template", "spec.podTemplate.spec.containers[0].volumeMounts[1].mountPath"),
        },
        STRICT,
        ('did you mean "jars"?', "where Flink mounts its configuration"),
    ),
    Case(
        "bugs-07",
        pod({"containers": [{"name": MAIN, "resources": SIDE["resources"]}]}),
        {("unused-setting", "spec.podTemplate.spec.containers[0].resources")},
        STRICT,
    ),
    Case("bugs-08", job({"serviceAccount": "my-irsa"}), {("job-account", "spec.serviceAccount")}, STRICT),
    Case(
        "bugs-08",
        conf(kubernetes_taskmanager_service__account="admin"),
        {("job-account", option("kubernetes.taskmanager.service-account"))},
        STRICT,
    ),
    Case(
        "bugs-09",
        job(
            {
                "flinkConfiguration": {
                    "kubernetes.operator.periodic.savepoint.interval": "6",
                    "kubernetes.operator.savepoint.history.max.count": "twelve",
                    "kubernetes.operator.job.restart.failed": "yes please",
                }
            }
        ),
        {
            ("duration-unit", option("kubernetes.operator.periodic.savepoint.interval")),
            ("option-value", option("kubernetes.operator.savepoint.history.max.count")),
            ("option-value", option("kubernetes.operator.job.restart.failed")),
        },
        STRICT,
        ("which is 6 milliseconds",),
    ),
    Case(
        "bugs-10",
        job({"flinkConfiguration": {"my.key": "$(REGION)"}, "job": {"args": ["--bucket", "s3://${BUCKET}/in"]}}),
        {("unexpanded-variable", option("my.key")), ("unexpanded-variable", "spec.job.args[1]")},
        STRICT,
    ),
    Case(
        "bugs-11",
        job({"flinkVersion": "v1_18", "job": {"jarURI": "https://artifacts.example.org/orders.jar"}}),
        {("flink-startup", "spec.job.jarURI"), ("flink-version", "spec.flinkVersion")},
        {"stateStorage": S3},
        ("Flink 1.18 starts applications from local:// only",),
    ),
    Case(
        "bugs-12",
        job({"image": "flink:2.2.1-java17", "job": {"entryClass": "org.apache.flink.client.python.PythonDriver", "jarURI": None, "args": ["-py", "/a.py"]}}),
        {("flink-startup", "spec.image")},
        {"stateStorage": S3},
        ("which has no Python",),
    ),
    Case(
        "bugs-14",
        job(),
        {("ingress-path", "ingress.template")},
        {
            **STRICT,
            "ingress": {
                "enabled": True,
                "template": "flink.example.org/{{namespace}}/{{name}}(/|$)(.*)",
                "annotations": {"nginx.ingress.kubernetes.io/auth-url": "https://auth.example.org/verify"},
                "controller": {"namespace": "ingress-nginx"},
            },
        },
    ),
    Case("bugs-15", conf(scheduler__mode="reactive"), {("flink-startup", f"{CONF}.scheduler-mode")}, STRICT),
    Case("bugs-23", job(), set(), {**STRICT, "namespaces": {"kube-system": {}}}),
    Case(
        "bugs-24",
        job({"nodeSelector": {"a": "b"}, "imagePullSecrets": [], "taskManager": {"env": []}}),
        {
            ("unknown-field", "spec.nodeSelector"),
            ("unknown-field", "spec.imagePullSecrets"),
            ("unknown-field", "spec.taskManager.env"),
        },
        STRICT,
        ("write podTemplate.spec.nodeSelector", "in taskManager.podTemplate.spec.containers"),
    ),
    Case(
        "bugs-25, sec-70",
        job({"image": "flink:latest", "flinkConfiguration": {"taskmanger.numberOfTaskSlots": "2"}, "foo": 1}),
        {("unknown-field", "spec.foo"), ("mutable-tag", "spec.image"), ("unknown-option", option("taskmanger.numberOfTaskSlots"))},
        {"stateStorage": S3},
    ),
    Case(
        "corpus-01",
        "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: j}\nspec:\n  image: x:1\n"
        "  flinkVersion: v2_2\n  jobManager: {resource: {memory: 1g, cpu: 1}}\n  taskManager: {resource: {memory: 1g, cpu: 1}}\n"
        f"  job: {{jarURI: '{JAR}', parallelism: 1, upgradeMode: stateless}}\n  podTemplate: {{spec: {{containers: [\n"
        "    {name: flink-main-container, volumeMounts: [{name: {{ volume }}, mountPath: /a}]}]}}\n",
        {("yaml", "spec.podTemplate.spec.containers[0].volumeMounts[0].name")},
        {},
        ("is an unrendered template expression",),
    ),
    Case(
        "corpus-03",
        job(STATELESS, namespace="default"),
        set(),
        {"namespaces": {"default": {}}},
    ),
    Case(
        "corpus-12",
        job({**STATELESS, "servicAccount": "flink"}, namespace="team-a"),
        {("job-file", "metadata.namespace"), ("unknown-field", "spec.servicAccount")},
        {},
        ("add it to namespaces in Pulumi.x.yaml, or set jobs.j.namespace",),
    ),
    Case(
        "corpus-13",
        job({**STATELESS, "flinkConfiguration": {"high-availability.storageDir": "s3://bucket/ha"}}),
        {("unused-setting", option("high-availability.storageDir"))},
    ),
    Case(
        "corpus-15",
        job({"jobManager": {"resource": {"memory": 2048}}, "job": {"upgradeMode": "STATELESS"}}),
        {("wrong-type", "spec.jobManager.resource.memory"), ("wrong-type", "spec.job.upgradeMode")},
        {},
        ('such as "2048m"', 'did you mean "stateless"?'),
    ),
    Case("sec-01", job(STATELESS), {("stack-config", "2020-13-45")}, {"2020-13-45": {}}),
    Case(
        "sec-05",
        pod({"containers": [{"name": MAIN, "volumeMounts": [{"name": {"a": 1}, "mountPath": "/a"}]}]}),
        {("wrong-type", "spec.podTemplate.spec.containers[0].volumeMounts[0].name")},
        STRICT,
    ),
    Case("sec-10", job(STATELESS), {("stack-config", "enforcd"), ("stack-config", "namespace")}, {"enforcd": {}, "namespace": {}}),
    Case("sec-12", job(STATELESS), {("stack-config", "jobs.j.taskManager.cpu")}, {"jobs": {"j": {"taskManager": {"cpu": "inf"}}}}),
    Case("sec-30", job(STATELESS), {("stack-config", "jobs.j.env.DB_PASSWORD")}, {"jobs": {"j": {"env": {"DB_PASSWORD": {"v": PASSWORD}}}}}),
    Case(
        "sec-32",
        pod({"containers": [{**SIDE, "args": ["--password", PASSWORD]}]}),
        {("plaintext-secret", "spec.podTemplate.spec.containers[0].args[1]")},
        STRICT,
    ),
    Case(
        "sec-34",
        job(STATELESS),
        {("plaintext-secret", f"jobs.j.env.{name}") for name in ("DB_PASS", "dbPwd", "REDIS", "SIGNING_KEY")},
        {"jobs": {"j": {"env": {"DB_PASS": PASSWORD, "dbPwd": PASSWORD, "REDIS": f"redis://:{PASSWORD}@redis:6379/0", "SIGNING_KEY": PASSWORD}}}},
    ),
    Case(
        "sec-37",
        job(STATELESS),
        set(),
        {"jobs": {"j": {"env": {"TOKENIZER": "bert-base-uncased", "PASSWORD_POLICY": "strict", "TOKEN_TTL": "1h", "API_KEY_HEADER": "X-Api-Key",
                                "SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbC12x"}}}},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(tmp_path: Path, case: Case) -> None:
    lines = _check(tmp_path, case.stack, case.files)
    matches = {(rule, path) for rule, path, _ in lines if rule != "image-digest"}
    assert matches == case.found
    text = "\n".join(line for _, _, line in lines)
    assert all(message in text for message in case.messages)
    assert PASSWORD not in text


def _check(
    root: Path, stack: dict[str, Any], files: Any, platform: dict[str, Any] | None = None
) -> list[tuple[str, str, str]]:
    """Rule, path and text of each finding."""
    (root / "jobs").mkdir()
    text = files if isinstance(files, str) else yaml.safe_dump(files)
    (root / "jobs" / "j.yaml").write_text(text)
    stacks = {"x": {"platform": "p", **stack} if platform is not None else {"context": "c", **stack}}
    if platform is not None:
        stacks["p"] = {"context": "c", "jobFolders": [], **platform}
    for name, config in stacks.items():
        keys = {f"{PREFIX}{key}": value for key, value in config.items()}
        (root / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": keys}))
    try:
        remarks = load(root, read_config(root, "x")).remarks
        problems = [remark.problem for remark in remarks]
        return [(problem.rule, problem.path, str(problem)) for problem in problems]
    except ProblemsError as error:
        lines = str(error).splitlines()
        return [_parsed(line) for line in lines]


def _parsed(line: str) -> tuple[str, str, str]:
    location, _, rest = line.removeprefix("warning: ").removeprefix("notice: ").partition(": ")
    assert location
    return line.rpartition("[")[2].rstrip("]"), rest.partition(": ")[0], line


TEAMS = [
    Case(
        "sec-43",
        conf(s3_endpoint="http://db.example.org.:5432", x_y="s3://a/b"),
        {("enforced-egress", option("s3.endpoint"))},
        {"enforced": {"egress": []}},
    ),
    Case(
        "sec-45",
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "root"},
            "spec": {"hostPath": {"path": "/"}},
        },
        {("platform-config", "kind"), ("host-path", "spec.hostPath")},
    ),
    Case(
        "sec-47",
        conf(kubernetes_rest__service_exposed_type="LoadBalancer"),
        {("exposed-rest", option("kubernetes.rest-service.exposed.type"))},
    ),
    Case(
        "sec-48",
        conf(kubernetes_hostnetwork_enabled="true"),
        {("pod-security", option("kubernetes.hostnetwork.enabled"))},
    ),
]


@pytest.mark.parametrize("case", TEAMS, ids=lambda case: case.id)
def test_case_of_a_team(tmp_path: Path, case: Case) -> None:
    platform = {"strict": True, "namespaces": {"team-a": {}}, **case.stack}
    matches = {(rule, path) for rule, path, _ in _check(tmp_path, {}, case.files, platform)}
    assert {
        finding for finding in matches if finding[0] not in ("image-digest", "job-recovery", "state-storage")
    } == case.found


def test_enforced_variable_wins_over_the_template_of_a_process(tmp_path: Path) -> None:
    """Case sec-40."""
    own = [{"name": MAIN, "env": [{"name": "HTTP_PROXY", "value": "none"}]}]
    text = yaml.safe_dump(job({**STATELESS, "taskManager": {"podTemplate": {"spec": {"containers": own}}}}))
    _check(tmp_path, {}, text, {"namespaces": {"team-a": {}}, "enforced": {"env": {"HTTP_PROXY": "http://proxy:3128"}}})
    [deployed] = load(tmp_path, read_config(tmp_path, "x")).jobs
    assert "none" not in yaml.safe_dump(deployed.manifest["spec"])
    assert "http://proxy:3128" in yaml.safe_dump(deployed.manifest["spec"])
