"""The rules: the operator's recorded verdicts, then what only we say."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_k8s.checks.registry import check_object
from flink_k8s.checks.rules import RULES
from flink_k8s.checks.subject import Subject
from flink_k8s.config.findings import Severity
from flink_k8s.config.secret_text import is_secret
from flink_k8s.facts import tables, versions
from flink_k8s.facts.units import boolean, duration, memory, quantity, resource_memory
from flink_k8s.resolve.operator_configuration import effective
from tests.e2e.test_validator_agreement import DIFFERENCES
from tests.e2e.validator import corpus, verdicts
from tests.unit.project import JOB, Project


@pytest.mark.parametrize("operator", corpus.BOTH)
def test_our_verdict_is_the_operators_on_every_case_of_the_corpus(operator: str) -> None:
    """The agreement test asks the operator itself; here its answers are read from a file."""
    cases = [case for case in corpus.cases() if operator in case.operators]
    recorded = verdicts.recorded()[operator]
    assert len(recorded) == len(cases)
    differing = {
        case.title
        for case, letter in zip(cases, recorded, strict=True)
        if bool(verdicts.ours(case, operator)) != (letter == "R")
    }
    assert differing == {title for title, version in DIFFERENCES if version == operator}


def findings_of(patch: dict[str, object], operator: str = "1.16.1", base: str = "v2_2") -> list[str]:
    manifest = corpus.patched(
        corpus.deployment(), {"spec.flinkVersion": base, "spec.image": "x@sha256:" + "0" * 64, **patch}
    )
    return [
        f"{item.rule}: {'.'.join(map(str, item.path))}: {item.message}"
        for item in check_object(Subject(manifest, operator), practices=False)
    ]


def test_a_good_deployment_has_no_finding() -> None:
    assert findings_of({}) == []


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"conf:high-availability.type": "kubernetes"}, "state-storage: spec.flinkConfiguration.high-availability.type: enables high"
         " availability without a directory for its data; set high-availability.storageDir"),
        ({"conf:high-availability.storageDir": "s3://b/ha"}, "unused-setting: spec.flinkConfiguration.high-availability.storageDir:"
         " has no effect, because high availability is not enabled; set high-availability.type: kubernetes, or remove it"),
        ({"conf:s3.endpoint": "http://minio:9000", "conf:s3.access-key": "${KEY}"},
         "state-storage: spec.flinkConfiguration.s3.access-key: is set without s3.secret-key; set both or none"),
        ({"spec.image": "flink:1.20"}, "flink-version: spec.image: contains Flink 1.20, but flinkVersion is v2_2; use the same version"),
        ({"spec.podTemplate.spec.hostNetwork": True, "spec.podTemplate.spec.containers": []},
         "privileged-pod: spec.podTemplate.spec.hostNetwork: gives the pod access to the node; remove it"),
        ({"conf:state.checkpoint.dir": "x"}, "unknown-option: spec.flinkConfiguration.state.checkpoint.dir: unknown option of Flink 2.2;"
         ' did you mean "state.checkpoints.dir"?'),
        ({"conf:job.autoscaler.enabld": "true"}, "unknown-option: spec.flinkConfiguration.job.autoscaler.enabld: unknown option of operator"
         ' 1.16.1; did you mean "job.autoscaler.enabled"?'),
    ],
)  # fmt: skip
def test_rule_reports_its_message(patch: dict[str, object], message: str) -> None:
    assert message in findings_of(patch)


SIZES = [
    ({"taskManager": {"memory": "4"}}, "taskManager.resource.memory: is 4 bytes, with which Flink does not start (taskmanager.memory.process.size"
     " is too small for metaspace and overhead); write a unit, such as \"4g\""),
    ({"taskManager": {"memory": "64m"}}, 'taskManager.resource.memory: is "64m", with which'),
    ({"taskManager": {"memory": "981m"}}, "(the sum of the parts exceeds the TaskManager's total Flink memory)"),
    ({"jobManager": {"memory": "300m"}}, 'jobManager.resource.memory: is "300m", with which'),
    ({"jobManager": {"memory": "576m"}}, "(jobmanager.memory.process.size is too small for its parts)"),
    ({"jobManager": {"resources": {"limits": {"memory": "512Mi"}}}}, 'jobManager.resources.limits.memory: is "512Mi", with which'),
    ({"taskManager": {"resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "4Gi"}}}}, 'resources.requests.memory: is "64Mi"'),
    ({"taskManager": {"resource": {"memory": "2g"}, "resources": {"requests": {"cpu": 1}}}},
     "taskManager.resource.memory: has no effect if resources is set; set resources.requests.memory or resources.limits.memory"),
    ({"flinkConfiguration": {"taskmanager.memory.network.min": "2g"}}, "total Flink memory); raise it, or lower the parts of the memory"),
    ({"flinkConfiguration": {"kubernetes.jobmanager.cpu.limit-factor": "NaN"}},
     'limit-factor: is "NaN"; write a number of at least 1, such as "4"'),
    ({"flinkConfiguration": {"kubernetes.taskmanager.memory.limit-factor": "0.5"}}, 'is "0.5"; write a number of at least 1'),
]  # fmt: skip
LARGE_ENOUGH: list[dict[str, object]] = [
    {"taskManager": {"memory": "982m"}}, {"jobManager": {"memory": "577m"}}, {"taskManager": {"memory": "900g"}},
    {"taskManager": {"memory": "400m"}, "flinkConfiguration": {"taskmanager.memory.jvm-metaspace.size": "64m", "taskmanager.memory.jvm-overhead.min": "64m",
     "taskmanager.memory.framework.heap.size": "64m", "taskmanager.memory.framework.off-heap.size": "32m"}},
    {"taskManager": {"resources": {"limits": {"memory": "2Gi"}}}},
    {"flinkConfiguration": {"kubernetes.jobmanager.cpu.limit-factor": "1.5", "kubernetes.taskmanager.memory.limit-factor": "2"}},
]  # fmt: skip


def sized(sizes: dict[str, object]) -> dict[str, object]:
    """A patch of the spec: `memory` of a process is that of its `resource`, and replaces existing values."""
    patch: dict[str, object] = {}
    for process in ("jobManager", "taskManager"):
        fields = sizes.get(process)
        if isinstance(fields, dict):
            patch[f"spec.{process}"] = {"resource": fields} if "memory" in fields else fields
    options = sizes.get("flinkConfiguration")
    return patch | {f"conf:{key}": value for key, value in (options if isinstance(options, dict) else {}).items()}


@pytest.mark.parametrize(("sizes", "problem"), SIZES)
def test_memory_size_with_which_flink_does_not_start_is_an_error(sizes: dict[str, object], problem: str) -> None:
    """The operator's validator takes them, and `up` would fail with Flink's words; the numbers are Flink 2.2.1's."""
    assert RULES["flink-memory"].severity is Severity.ERROR
    [line] = [finding for finding in findings_of(sized(sizes)) if finding.startswith("flink-memory: ")]
    assert problem in line


@pytest.mark.parametrize("sizes", LARGE_ENOUGH)
def test_valid_memory_size_is_accepted(sizes: dict[str, object]) -> None:
    assert findings_of(sized(sizes)) == []


def test_a_size_in_a_stack_file_is_refused_at_its_place(project: Project) -> None:
    project.stack({"jobs": {"word-count": {"taskManager": {"memory": 4}}}})
    [problem] = project.problems()
    assert problem.startswith("Pulumi.x.yaml:")
    assert "jobs.word-count.taskManager.memory: is 4 bytes, with which Flink does not start" in problem


def test_keys_of_other_flink_versions() -> None:
    new = {"conf:execution.checkpointing.savepoint-dir": "file:///s"}
    assert findings_of(new) == []
    [match] = [finding for finding in findings_of(new, base="v1_19") if finding.startswith("unknown-option: ")]
    assert match.endswith("unknown option of Flink 1.19; it exists from Flink 1.20 on")
    assert not [
        finding for finding in findings_of({"conf:state.savepoints.dir": "x"}) if finding.startswith("unknown-option: ")
    ]  # still read


def test_options_of_users_are_not_reported() -> None:
    own = ("my.own.key", "s3.endpoint", "metrics.reporter.prom.port", "env.java.opts.all", "containerized.master.env.X")
    assert [
        finding
        for key in own
        for finding in findings_of({f"conf:{key}": "1"})
        if finding.startswith("unknown-option: ")
    ] == []


def test_kinds_that_the_operator_lacks_are_errors() -> None:
    patch = {"spec.taskManager": {"resources": {"requests": {"memory": "2Gi"}}}, "spec.flinkVersion": "v1_17"}
    assert any(
        "operators have it from 1.16 on, and the stack has 1.7.0; write resource: {memory, cpu}" in finding
        for finding in findings_of(patch, "1.7.0")
    )
    assert not any(
        finding.startswith(("unknown-field", "wrong-type", "operator-validation")) for finding in findings_of(patch)
    )


def test_plugins_of_another_flink_version_and_none_at_all() -> None:
    def with_plugin(version: str) -> dict[str, object]:
        env = [{"name": "ENABLE_BUILT_IN_PLUGINS", "value": f"flink-s3-fs-hadoop-{version}.jar"}]
        return {"spec.podTemplate.spec.containers": [{"name": "flink-main-container", "env": env}]}

    assert not findings_of(with_plugin("2.2.1"))
    [actual] = findings_of(with_plugin("1.20.0"))
    assert actual.startswith("file-system-plugin: ")
    assert "loads flink-s3-fs-hadoop-1.20.0.jar, but flinkVersion is v2_2" in actual
    official = {"spec.image": f"flink:2.2@sha256:{'0' * 64}", "conf:state.checkpoints.dir": "s3://bucket/c"}
    assert any(finding.startswith("file-system-plugin: ") for finding in findings_of(official))
    assert not any(
        finding.startswith("file-system-plugin: ") for finding in findings_of({**official, **with_plugin("2.2.1")})
    )


SECRETS = [
    ("s3.secret-key", "abc123xyz"), ("DB_PASSWORD", "hunter2"), ("fs.azure.account.key.x", "AccountKey=" + "a" * 30),
    ("anything", "AKIAABCDEFGHIJKLMNOP"), ("url", "jdbc:postgresql://user:pass@db/x"), ("security.ssl.rest.key-password", "x1y2"),
]  # fmt: skip
HARMLESS = [
    ("security.ssl.internal.keystore", "/opt/tls/keystore.jks"), ("DB_PASSWORD_FILE", "/run/secret"), ("s3.secret-key", "${SECRET}"),
    ("kubernetes.secrets", "tls:/opt/tls"), ("security.delegation.tokens.enabled", "true"), ("password", ""), ("token.count", "3"),
    ("state.checkpoints.dir", "s3://bucket/secret-project"), ("image", "pyflink:dev"), ("existingSecret", "grafana"),
    ("passwordKey", "admin-password"),
]  # fmt: skip


def test_plaintext_secrets_are_seen_and_harmless_names_are_not() -> None:
    assert [name for name, value in SECRETS if not is_secret(name, value)] == []
    assert [name for name, value in HARMLESS if is_secret(name, value)] == []


def test_secrets_in_all_places_of_a_job_and_a_stack(project: Project) -> None:
    project.job(JOB.replace("--verbose]", '--verbose, --db-password, "s3cr3t"]'))
    project.stack(
        {
            "operator": {"values": {"webhook": {"keystore": {"password": "s3cr3t"}}}},
            "jobDefaults": {
                "env": {"API_TOKEN": "s3cr3t"},
                "flinkConfiguration": {"s3.access-key": "a1", "s3.secret-key": "b2"},
            },
        }
    )
    findings = [remark for remark in project.remarks() if "secret as plaintext" in remark]
    assert {item.split(": ")[2] for item in findings} == {
        "operator.values.webhook.keystore.password",
        "jobDefaults.env.API_TOKEN",
        'jobDefaults.flinkConfiguration["s3.access-key"]',
        'jobDefaults.flinkConfiguration["s3.secret-key"]',
        "spec.job.args[4]",
    }
    assert not any("s3cr3t" in item for item in findings)


def test_a_password_without_quotes_is_refused_and_not_shown(project: Project) -> None:
    """The name of the value is in the variable, or in the argument before."""
    project.job(
        JOB.replace("--verbose]", "--password, 99887766]")
        + "  podTemplate: {spec: {containers: [{name: flink-main-container, env: [{name: PASSWORD, value: 84736251}]}]}}\n"
    )
    assert [problem.partition(": ")[2] for problem in project.problems()] == [
        "spec.job.args[3]: is a number, which is not a valid value; quote it",
        "spec.podTemplate.spec.containers[0].env[0].value: is a number, which is not a valid value; quote it",
    ]


def test_a_folder_of_the_node(project: Project) -> None:
    project.job(JOB + "  podTemplate: {spec: {containers: [], volumes: [{name: v, hostPath: {path: /x}}]}}\n")
    text = "spec.podTemplate.spec.volumes[0].hostPath: mounts a directory of the node; use a claim or an emptyDir"
    [refused] = project.problems()
    assert refused.endswith(f"{text}, or set podSecurity: privileged for the namespace flink")
    project.stack({"namespaces": {"flink": {"podSecurity": "privileged"}}})
    assert [remark.partition(": ")[2].partition(": ")[2] for remark in project.remarks() if "hostPath" in remark] == [
        text
    ]


def test_the_operators_configuration_is_seen_by_namespace_and_version() -> None:
    prefix = "kubernetes.operator.default-configuration."
    defaults = {
        "a": "all", f"{prefix}namespace.flink.a": "flink", f"{prefix}namespace.other.a": "other",
        f"{prefix}flink-version.v1_18+.b": "new", f"{prefix}flink-version.v1_20+.b": "newer", f"{prefix}flink-version.v2_2.c": "this",
    }  # fmt: skip
    actual = effective({"d": "own", "e": None}, defaults, "flink", "v2_2")
    assert [actual.get(key) for key in "abcde"] == ["flink", "newer", "this", "own", None]
    assert effective({}, defaults, "flink", "v1_19")["b"] == "new"


def test_every_operator_version_has_its_tables() -> None:
    for version, operator in versions.OPERATORS.items():
        table = tables.fields(version)
        spec = table.types[table.kinds["FlinkDeployment"]["ref"]]
        known = spec["fields"]["flinkVersion"]["enum"]
        assert [item for item in known if item not in operator.flink] in ([], ["v1_13", "v1_14"])  # known, and refused
        assert set(operator.deprecated) <= set(operator.flink) <= set(known)
        assert "kubernetes.operator.reconcile.interval" in tables.operator_options(version)


def test_every_reported_rule_is_registered() -> None:
    matches = {item.rule for operator in corpus.BOTH for case in corpus.cases()
            for item in check_object(Subject(case.manifest, operator, session_cluster=case.related), practices=False)}  # fmt: skip
    assert matches <= RULES.keys()


@pytest.mark.parametrize("reader", [memory, quantity, resource_memory, boolean, duration])
@given(text=st.text(max_size=12) | st.text("0123456789.eE+-KMGikmgbnuPT hHsS", max_size=10))
def test_any_text_is_a_value_or_a_cure(reader: object, text: str) -> None:
    try:
        reader(text)  # type: ignore[operator]
    except ValueError as error:
        assert str(error).startswith("write ")  # noqa: PT017 - most texts are invalid values


@pytest.mark.parametrize("operator", ["1.16.1", "1.7.0"])
@pytest.mark.parametrize("version", ["v2_9", "2.2", 2.2, "latest"])
def test_unsupported_flink_version_has_one_finding(operator: str, version: object) -> None:
    matches = [
        finding for finding in findings_of({"spec.flinkVersion": version}, operator) if "flinkVersion" in finding
    ]
    assert len(matches) == 1
    assert f"which operator {operator} does not support" in matches[0]


def test_an_operator_of_another_patch_release_has_the_tables_of_its_minor_version():
    assert versions.known_operator("1.12.0") == "1.12.1"
    assert versions.known_operator("1.16.0") == "1.16.1"


@pytest.mark.parametrize(
    ("version", "nearest"),
    [
        ("1.17.0", "1.16.1"),
        ("2.0.0", "1.16.1"),
        ("1.13.0-vendor.2", "1.13.0"),
        ("1.120.1", "1.16.1"),
        ("1.3.1", "1.7.0"),
    ],
)
def test_an_operator_without_tables_behaves_as_the_nearest_older_one(version: str, nearest: str):
    assert versions.known_operator(version) is None
    assert versions.nearest_operator(version) == nearest
    assert tables.operator_options(version) == tables.operator_options(nearest)


@pytest.mark.parametrize(
    ("version", "rule"),
    [
        ("1.16.0", None),
        ("1.17.0", "operator-version"),
        ("1.13.0-vendor.2", "operator-version"),
        ("1.6.1", "operator-validation"),
        ("latest", "operator-validation"),
    ],
)
def test_only_older_operators_and_texts_that_are_no_version_are_errors(
    project: Project, version: str, rule: str | None
):
    project.stack({"operator": {"version": version}})
    if rule == "operator-validation":
        assert project.broken_rules() == {rule}
    else:
        remarks = [remark.problem for remark in project.load().remarks]
        assert [problem.rule for problem in remarks if "operator.version" in str(problem)] == ([rule] if rule else [])


def test_unknown_operator_accepts_unknown_fields_kinds_and_flink_versions():
    changed = {"spec.flinkVersion": "v9_9", "spec.job.newField": 1}
    assert findings_of(changed, "1.16.1")
    assert findings_of(changed, "1.17.0") == []
    assert any("parallelism" in finding for finding in findings_of({"spec.job.parallelism": "many"}, "1.17.0"))


def test_names_of_directories_are_those_of_the_operators_own_flink():
    assert versions.key_of("execution.checkpointing.dir", "1.17.0", "1.20") == "execution.checkpointing.dir"
    assert versions.key_of("execution.checkpointing.dir", "1.11.0", "1.20") == "execution.checkpointing.dir"
    assert versions.key_of("execution.checkpointing.dir", "1.10.0", "1.20") == "state.checkpoints.dir"
    assert versions.key_of("execution.checkpointing.dir", "1.16.1", "1.19") == "state.checkpoints.dir"


@pytest.mark.parametrize(
    "key",
    [
        "job.autoscaler.utilization.target",
        "kubernetes.operator.plugins.listeners.audit.class",
        "job.autoscaler.metrics.custom-evaluator.lag.threshold.high",
    ],
)
def test_an_option_that_the_operator_has_is_known_with_any_name_in_it(key: str):
    assert findings_of({f"conf:{key}": "0.5"}) == []
