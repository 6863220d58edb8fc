"""Hostile and careless input: one problem for one mistake, with its place and remedy, and never a traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from flink_k8s.checks.fields import without
from flink_k8s.cli.main import main
from tests.unit.project import JOB, Project


def check(project: Project, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Exit code of `check` and its lines on standard error."""
    code = main(["check", "x", "--root", str(project.root)])
    lines = capsys.readouterr().err.splitlines()
    assert all(len(line.encode()) <= 2_000 and line.isprintable() for line in lines)
    return code, lines


def with_container(**container: object) -> dict[str, object]:
    """Config that lays a container over the job's."""
    main_container = {"name": "flink-main-container", **container}
    return {"jobs": {"word-count": {"spec": {"podTemplate": {"spec": {"containers": [main_container]}}}}}}


def test_a_metrics_port_that_is_not_a_number_is_one_problem(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case sec-04."""
    project.stack(with_container(ports=[{"name": "metrics", "containerPort": "abc"}]))
    code, lines = check(project, capsys)
    assert (code, lines[-1]) == (1, "x: 1 problem; nothing was touched")
    assert 'containerPort: is "abc", which is not a valid value; write a whole number, without quotes' in lines[0]


@pytest.mark.parametrize("operator", ["1.16.1", "1.99.0"], ids=["known operator", "unknown operator"])
@pytest.mark.parametrize("name", [{"a": 1}, ["a"], 7])
def test_a_mount_name_of_a_wrong_type_is_one_problem(
    project: Project, capsys: pytest.CaptureFixture[str], operator: str, name: object
) -> None:
    """Case sec-05."""
    config = with_container(volumeMounts=[{"name": name, "mountPath": "/v"}])
    project.stack({**config, "stateStorage": {"type": "volume"}, "operator": {"version": operator}})
    project.job(JOB.replace("upgradeMode: stateless", "upgradeMode: savepoint"))
    code, lines = check(project, capsys)
    assert code == 1
    assert [line for line in lines if "volumeMounts[0].name: is " in line]


@pytest.mark.parametrize("content", ["resources: [orders.yaml]", "[a]", "a text", "7"])
def test_a_file_that_is_not_an_object_is_one_problem(project: Project, content: str) -> None:
    project.job(content, "kustomization.yaml")
    [problem] = project.problems()
    assert problem.startswith("jobs/kustomization.yaml:1: is not a Kubernetes object; set apiVersion")


def test_settings_of_a_job_in_a_file_that_cannot_be_read_are_no_second_problem(project: Project) -> None:
    project.job("kind: [\n", "orders.yaml")
    project.stack({"jobs": {"orders": {"parallelism": 2}}, "adopt": ["FlinkDeployment/flink/orders"]})
    [problem] = project.problems()
    assert problem.startswith("jobs/orders.yaml:2: is not valid YAML")


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"jobTimeout": 5}, 'jobTimeout: is not a duration; write a duration such as "90s"'),
        ({"prometheus": {"alerts": {"restartsWithin": 15}}}, "alerts.restartsWithin: is not a duration; write"),
        ({"logging": {"retention": 14}}, "logging.retention: is not a number of days, weeks or years; write"),
    ],
)
def test_a_number_instead_of_a_duration_is_one_problem(
    project: Project, config: dict[str, object], problem: str
) -> None:
    project.stack(config)
    [found] = project.problems()
    assert problem in found


@pytest.mark.parametrize("mode", ["STATELESS", "Stateless"])
def test_a_value_in_the_wrong_case_is_one_problem(project: Project, mode: str) -> None:
    project.job(JOB.replace("stateless", mode))
    [problem] = project.problems()
    assert problem.endswith(f'is "{mode}", which is not a valid value; did you mean "stateless"?')


def test_memory_without_a_unit_is_one_problem(project: Project) -> None:
    project.job(JOB.replace("memory: 1g", "memory: 2048"))
    assert [line.partition("memory: ")[2] for line in project.problems()] == [
        'is 2048, which is not a valid value; write it with a unit, such as "2048m"'
    ] * 2


@pytest.mark.parametrize(
    ("key", "setting", "message"),
    [
        ("taskManager", {"cpu": "inf"}, 'cpu: is "inf", which is not a valid value; it must be a finite number'),
        ("taskManager", {"cpu": "nan"}, 'cpu: is "nan", which is not a valid value; it must be'),
        (
            "taskManager",
            {"replicas": 2**31},
            "replicas: is 2147483648, which is not a valid value; it must be less than or",
        ),
        ("parallelism", "9" * 300, "parallelism: is "),
        ("parallelism", 2**31, "parallelism: is 2147483648, which is not a valid value; it must be less than or"),
        (
            "restartNonce",
            2**63,
            "restartNonce: is 9223372036854775808, which is not a valid value; it must be less than or",
        ),
    ],
)
def test_a_number_that_no_field_can_hold_is_a_problem(
    project: Project, key: str, setting: object, message: str
) -> None:
    project.stack({"jobs": {"word-count": {key: setting}}})
    [problem] = project.problems()
    assert message in problem


@pytest.mark.parametrize("number", [2**31, 2**63])
def test_a_number_in_a_job_file_that_no_field_can_hold_is_a_problem(project: Project, number: int) -> None:
    project.job(JOB.replace("parallelism: 1", f"parallelism: {number}"))
    [problem] = project.problems()
    assert "which is too large; write a smaller number" in problem


@pytest.mark.parametrize("empty", [{}, "", None])
def test_an_unknown_key_without_a_value_is_a_problem(project: Project, empty: object) -> None:
    project.stack({"enforcd": empty})
    assert project.problems() == ['Pulumi.x.yaml:3: enforcd: unknown field; did you mean "enforced"?']


def test_a_schedule_of_the_autoscaler_is_a_problem_with_the_alternative(project: Project) -> None:
    autoscaling = {"max": 8, "scheduled": [{"cron": "0 8 * * *", "min": 4}]}
    project.stack({"jobs": {"word-count": {"autoscaling": autoscaling}}})
    [problem] = project.problems()
    assert problem.endswith(
        "jobs.word-count.autoscaling.scheduled: unknown field; "
        "apply other bounds with a scheduled run of up (docs/autoscaling.md)"
    )


def test_a_key_with_line_breaks_stays_on_its_line(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Case sec-08."""
    project.stack({"x`\n\n## all checks passed\n@octocat\x1b[2J": {"a": 1}})
    code, lines = check(project, capsys)
    assert (code, lines[-1]) == (1, "x: 1 problem; nothing was touched")
    assert lines[0].startswith("Pulumi.x.yaml:")
    assert "x`\\n\\n## all checks passed\\n@octocat\\x1b[2J: unknown field; use one of: " in lines[0]


def test_a_template_that_is_not_rendered_is_named(project: Project) -> None:
    project.job(JOB.replace("image: pyflink:dev", "image: {{ image }}"))
    assert project.problems() == [
        "jobs/word_count.yaml:6: spec.image: is an unrendered template expression {{ … }}; "
        "render the template and keep its output, or quote the text"
    ]


def test_integers_reach_flink_as_integers(project: Project) -> None:
    """Case corpus-08."""
    text = (
        "{taskmanager.numberOfTaskSlots: 2.0, execution.checkpointing.timeout: 1.8e+06, pipeline.max-parallelism: 1e3}"
    )
    project.job(JOB.replace("flinkVersion: v2_2", f"flinkVersion: v2_2\n  flinkConfiguration: {text}"))
    configuration = project.spec()["flinkConfiguration"]
    assert configuration["taskmanager.numberOfTaskSlots"] == "2"
    assert configuration["execution.checkpointing.timeout"] == "1800000"
    assert configuration["pipeline.max-parallelism"] == "1000"


@pytest.mark.parametrize("slots", [0, -1])
def test_a_task_manager_has_at_least_one_slot(project: Project, slots: int) -> None:
    """Flink divides the memory of a TaskManager by the number of its slots."""
    text = f"flinkVersion: v2_2\n  flinkConfiguration: {{taskmanager.numberOfTaskSlots: {slots}}}"
    project.job(JOB.replace("flinkVersion: v2_2", text))
    (problem,) = project.problems()
    assert problem.endswith(f'["taskmanager.numberOfTaskSlots"]: is "{slots}"; write 1 or more')


@pytest.mark.parametrize(
    "image",
    [
        "flink:2.2.1@sha256:abc",
        "flink:2.2.1@sha256:" + "A" * 64,
        "Flink:2.2.1",
        "registry.example.org/Team/flink:2.2.1",
        "flink: 2.2.1",
        "flink:",
        "https://registry.example.org/flink:2.2.1",
        "flink:2.2.1/",
        "flink:-1",
    ],
)
def test_an_image_that_no_runtime_accepts_is_one_problem(project: Project, image: str) -> None:
    project.job(JOB.replace("image: pyflink:dev", f"image: {json.dumps(image)}"))
    (problem,) = project.problems()
    assert f"spec.image: is {json.dumps(image)}, which is not an image; write " in problem


@pytest.mark.parametrize(
    "image",
    [
        "flink",
        "flink:2.2.1-scala_2.12-java17",
        "localhost:5000/a/b__c:1",
        "Registry.example.org/flink@sha256:" + "0" * 64,
        "[2001:db8::1]:5000/flink:1",
        "registry/team/flink--x:1@sha512:" + "0" * 128,
    ],
)
def test_an_image_that_runtimes_accept_is_accepted(
    project: Project, capsys: pytest.CaptureFixture[str], image: str
) -> None:
    project.job(JOB.replace("image: pyflink:dev", f"image: {json.dumps(image)}"))
    _, lines = check(project, capsys)
    assert not any("which is not an image" in line for line in lines), lines


@pytest.mark.parametrize(
    ("parallelism", "limit", "is_reported"), [(4, 2, True), (4, "2", True), (4, 4, False), (1, 128, False)]
)
def test_a_parallelism_above_its_maximum_is_a_warning(
    project: Project, capsys: pytest.CaptureFixture[str], parallelism: int, limit: object, is_reported: bool
) -> None:
    text = f"flinkVersion: v2_2\n  flinkConfiguration: {{pipeline.max-parallelism: {json.dumps(limit)}}}"
    project.stack({"context": "c", "jobs": {"word-count": {"parallelism": parallelism}}})
    project.job(JOB.replace("flinkVersion: v2_2", text))
    code, lines = check(project, capsys)
    assert code == 0
    assert is_reported == any(line.endswith("raise it, at most 32768 [max-parallelism]") for line in lines)


def test_removed_values_keep_the_indexes_of_other_items() -> None:
    value = yaml.safe_load("{a: [1, {b: 2, c: 3}, 4], d: {e: 5}, f: 6}")
    paths = [("a", 0), ("a", 1, "b"), ("d",), ("gone", "deeper")]
    assert without(value, paths) == {"a": [None, {"c": 3}, 4], "f": 6}


FOUR_MISTAKES = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: orders, namespace: team-a}
spec:
  image: flink:latest
  flinkVersion: v1_20
  servicAccount: flink
  flinkConfiguration: {taskmanger.numberOfTaskSlots: "2"}
  jobManager: {resource: {memory: 1600m, cpu: 1}}
  taskManager: {resource: {memory: 1600m, cpu: 1}}
  job: {jarURI: "local:///opt/flink/usrlib/orders.jar", paralelism: 1, upgradeMode: stateless}
"""


def test_an_unknown_namespace_hides_no_other_problem_and_an_error_hides_no_warning(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.job(FOUR_MISTAKES)
    code, lines = check(project, capsys)
    assert code == 1
    where = "jobs/word_count.yaml"
    assert lines == [
        f'{where}:3: metadata.namespace: is "team-a", which is not a namespace of this stack; '
        "add it to namespaces in Pulumi.x.yaml, or set jobs.orders.namespace [job-file]",
        f'{where}:7: spec.servicAccount: unknown field; did you mean "serviceAccount"? [unknown-field]',
        f'{where}:11: spec.job.paralelism: unknown field; did you mean "parallelism"? [unknown-field]',
        f'warning: {where}:5: spec.image: "flink:latest" uses the mutable tag latest; '
        "pin a version and its digest [mutable-tag]",
        f'warning: {where}:8: spec.flinkConfiguration["taskmanger.numberOfTaskSlots"]: unknown option of Flink 1.20; '
        'did you mean "taskmanager.numberOfTaskSlots"? [unknown-option]',
        "x: 3 problems; nothing was touched",
    ]


def test_an_unknown_namespace_of_many_objects_is_one_problem(project: Project) -> None:
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: flinkk}\n"
    project.job(claim + "---\n" + JOB.replace("name: word-count", "name: word-count\n  namespace: flinkk"))
    [problem] = project.problems()
    assert problem.endswith(
        'is "flinkk", which is not a namespace of this stack (it has 2 objects); did you mean "flink"? '
        "Otherwise add it to namespaces in Pulumi.x.yaml"
    )


INGRESS_CLASS = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx, namespace: b}\n"
WIDGETS = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec: {group: example.org, scope: Cluster, names: {kind: Widget}}
---
apiVersion: example.org/v1
kind: Widget
metadata: {name: w, namespace: b}
"""


def test_an_object_of_a_cluster_scoped_kind_has_no_namespace(project: Project) -> None:
    """Case corpus-10."""
    project.job(INGRESS_CLASS, "class.yaml")
    project.job(WIDGETS, "widgets.yaml")
    for attachment in project.load().attachments:
        assert "namespace" not in attachment.manifest["metadata"]  # type: ignore[operator]


def test_duplicate_cluster_scoped_object_is_an_error(project: Project) -> None:
    project.stack({"namespaces": {"a": {}, "b": {}}})
    project.job(INGRESS_CLASS, "a.yaml")
    project.job(INGRESS_CLASS.replace("namespace: b", "namespace: a"), "b.yaml")
    [problem] = project.problems()
    assert problem == 'jobs/b.yaml:3: metadata.name: "nginx" is also declared in jobs/a.yaml:3; rename one of them'


def test_a_directory_for_high_availability_that_is_not_on_is_a_warning(project: Project) -> None:
    configuration = "\n  flinkConfiguration: {high-availability.storageDir: s3://bucket/ha}"
    project.job(JOB.replace("flinkVersion: v2_2", f"flinkVersion: v2_2{configuration}"))
    assert [line for line in project.remarks() if line.startswith("warning: ") and "storageDir" in line]


def test_json_and_names_in_any_case_are_job_files(project: Project) -> None:
    """Case corpus-11."""
    project.job(json.dumps(yaml.safe_load(JOB.replace("word-count", "clicks"))), "clicks.json")
    project.job("\t" + json.dumps(yaml.safe_load(JOB.replace("word-count", "late")), indent="\t"), "late.JSON")
    project.job(JOB.replace("word-count", "shop"), "shop.YAML")
    project.job("not: [yaml", ".hidden.yaml")
    assert [job.name for job in project.load().jobs] == ["clicks", "late", "shop", "word-count"]


def test_flink_resources_that_are_not_read_are_named(project: Project) -> None:
    """Case corpus-11."""
    (project.root / "jobs" / "team").mkdir()
    (project.root / "jobs" / "own").mkdir()
    (project.root / "jobs" / "code").mkdir()
    project.job(JOB.replace("word-count", "shop"), "team/shop.yaml")
    project.job(JOB.replace("word-count", "own"), "own/own.yaml")
    project.job("a: 1\n", "code/settings.yaml")
    project.job(JOB.replace("word-count", "late"), "late.yaml.tpl")
    project.stack({"jobFolders": ["jobs", "jobs/own"], "strict": False})
    assert [line for line in project.remarks() if line.startswith("notice: jobs/")] == [
        "notice: jobs/late.yaml.tpl: contains a Flink resource but is not read; rename it to late.yaml to deploy it",
        "notice: jobs/team: contains Flink resources (shop.yaml) but is not read; add jobs/team to jobFolders",
    ]
    assert [job.name for job in project.load().jobs] == ["word-count", "own"]


MOUNTS = """\
  podTemplate:
    spec:
      containers:
      - name: flink-main-container
        env: [{name: A, value: "1"}]
        volumeMounts:
        - {name: conf, mountPath: /etc/app/a.conf, subPath: a.conf}
        - {name: conf, mountPath: /etc/app/b.conf, subPath: b.conf}
      volumes:
      - {name: conf, configMap: {name: app-conf}}
"""
OWN_MOUNTS = """\
    podTemplate:
      spec:
        containers:
        - name: flink-main-container
          volumeMounts:
          - {name: conf, mountPath: /etc/app/a.conf, subPath: a.conf}
          - {name: scratch, mountPath: /scratch}
        volumes:
        - {name: scratch, emptyDir: {}}
"""


def merged_by_name(spec: dict[str, Any], process: str) -> dict[str, Any]:
    """The main container of a process as the operator merges its templates: arrays by name, one item for each."""
    common = spec["podTemplate"]["spec"]["containers"][0]
    own = spec[process].get("podTemplate", {"spec": {"containers": [{}]}})["spec"]["containers"][0]
    merged = {**common, **own}
    if "volumeMounts" in common and "volumeMounts" in own:
        mounts = {mount["name"]: mount for mount in [*common["volumeMounts"], *own["volumeMounts"]]}
        merged["volumeMounts"] = list(mounts.values())
    return merged


def test_no_mount_is_lost_where_both_templates_have_mounts(project: Project) -> None:
    """Case corpus-06."""
    job = JOB.replace("  jobManager:", MOUNTS + "  jobManager:")
    own = "  taskManager:\n    resource: {memory: 1g, cpu: 1}\n" + OWN_MOUNTS
    project.job(job.replace("  taskManager: {resource: {memory: 1g, cpu: 1}}\n", own))
    spec = project.spec()
    files = ["/etc/app/a.conf", "/etc/app/b.conf"]
    for process, expected in (("jobManager", files), ("taskManager", [*files, "/scratch"])):
        container = merged_by_name(spec, process)
        assert sorted(mount["mountPath"] for mount in container["volumeMounts"]) == expected
        assert container["env"] == [{"name": "A", "value": "1"}]


def test_a_template_without_mounts_of_its_own_stays_as_it_is_written(project: Project) -> None:
    project.job(JOB.replace("  jobManager:", MOUNTS + "  jobManager:"))
    assert "podTemplate" not in project.spec()["taskManager"]


@pytest.mark.parametrize("name", ["a\nb", "x" * 254, "a/b", "..", "a`b", "X y"])
def test_a_name_that_kubernetes_refuses_is_one_problem(project: Project, name: str) -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": {}}
    project.job(yaml.safe_dump(claim), "claim.yaml")
    [problem] = project.problems()
    assert problem.startswith("jobs/claim.yaml:")
    assert "metadata.name: " in problem


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (
            {"namespaces": {"default": {"create": True}}},
            "namespaces.default.create: is true, but default exists in every cluster",
        ),
        (
            {"namespaces": {"kube-system": {"labels": {"a": "b"}}}},
            "labels: requires a namespace that the stack creates",
        ),
        (
            {"namespaces": {"a": {"create": False, "egress": [{"cidr": "10.0.0.0/8"}]}}},
            "egress: requires a namespace that",
        ),
        ({"operator": {"namespace": "default"}}, 'operator.namespace: is "default", which exists in every cluster'),
        (
            {"certManager": {"namespace": "kube-system"}},
            'certManager.namespace: is "kube-system", which exists in every',
        ),
    ],
)
def test_a_namespace_that_every_cluster_has_is_not_owned(
    project: Project, config: dict[str, object], problem: str
) -> None:
    """Case corpus-03."""
    project.stack(config)
    [line] = project.problems()
    assert problem in line


PLATFORM_OBJECTS = """\
apiVersion: v1
kind: Namespace
metadata: {name: flink}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: flink, namespace: flink, annotations: {role: x}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: flink, namespace: flink}
rules: [{apiGroups: [""], resources: [pods, configmaps], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: flink, namespace: flink}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: flink}
subjects: [{kind: ServiceAccount, name: flink, namespace: flink}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: other}
"""


def test_objects_that_the_platform_creates_are_left_out(project: Project) -> None:
    """Case corpus-02."""
    project.job(PLATFORM_OBJECTS, "accounts.yaml")
    platform = project.load()
    assert [(attachment.source.kind, attachment.source.name) for attachment in platform.attachments] == [
        ("ServiceAccount", "other")
    ]
    findings = [line for line in project.remarks() if "jobs/accounts.yaml" in line]
    assert findings == [
        'warning: jobs/accounts.yaml:6: kind: the platform creates ServiceAccount "flink" itself and discards '
        "annotations; set stateStorage.serviceAccountAnnotations",
        'notice: jobs/accounts.yaml:2: kind: the platform creates Namespace "flink" itself and discards this object; '
        "remove it from the file",
        'notice: jobs/accounts.yaml:10: kind: the platform creates Role "flink" itself and discards this object; '
        "remove it from the file",
        'notice: jobs/accounts.yaml:15: kind: the platform creates RoleBinding "flink" itself and discards this '
        "object; remove it from the file",
    ]


def test_a_role_with_rights_beyond_the_platforms_is_a_warning(project: Project) -> None:
    project.job(PLATFORM_OBJECTS.replace("[pods, configmaps]", "[pods, secrets]"), "accounts.yaml")
    [line] = [line for line in project.remarks() if "Role " in line]
    assert line.endswith("and discards rules for secrets; give the Role another name")


UNCHECKED = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: word-count, lables: {team: a}, labels: {version: 1.2}, annotations: {prometheus.io/port: 9249}}
extra: 1
"""
DATA = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: orders, labels: {on: "x", b: yes}}
data: {port: 9092, debug: true, api-password: 84736251}
"""


def test_metadata_and_data_are_checked_as_kubernetes_does(project: Project) -> None:
    """Case corpus-07."""
    project.job(UNCHECKED + JOB.partition("  name: word-count\n")[2])
    project.job(DATA.replace('on: "x", ', ""), "data.yaml")
    assert project.problems() == [
        'jobs/data.yaml:3: metadata.labels.b: is yes, which YAML reads as true; quote it: "yes"',
        "jobs/data.yaml:4: data.api-password: is a number or a boolean, which is not a valid value; quote it",
        "jobs/data.yaml:4: data.debug: is a number or a boolean, which is not a valid value; quote it",
        "jobs/data.yaml:4: data.port: is a number or a boolean, which is not a valid value; quote it",
        'jobs/word_count.yaml:3: metadata.annotations["prometheus.io/port"]: is 9249, which is not a valid value; '
        'quote it: "9249"',
        'jobs/word_count.yaml:3: metadata.labels.version: is 1.2, which is not a valid value; quote it: "1.2"',
        'jobs/word_count.yaml:3: metadata.lables: unknown field; did you mean "labels"?',
        "jobs/word_count.yaml:4: extra: unknown field; use one of: apiVersion, kind, metadata, spec, status",
    ]


def test_thousands_of_mistakes_in_a_job_are_counted(project: Project) -> None:
    fields = "".join(f"  parallelism{number}: 1\n" for number in range(1_000))
    project.job(JOB.replace("  jobManager:", fields + "  jobManager:"))
    problems = project.problems()
    assert len(problems) == 201
    assert any(" more problems; fix the printed ones first" in problem for problem in problems)
