"""From job files and stack config to manifests: the order of layers, parameters, namespaces, kinds."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import copy
import json
import re
from itertools import permutations
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flink_k8s.config.merge import merge_mappings
from flink_k8s.facts import tables, versions
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve.explain import explain
from flink_k8s.resolve.job_spec import apply_parameters, arguments_of, flat_configuration, with_parameters
from flink_k8s.resolve.state_storage import inner_spec
from flink_k8s.support.paths import ROOT
from tests.unit.project import JOB, Project


def test_the_platform_adds_account_and_metrics(project: Project) -> None:
    spec = project.spec()
    assert spec["serviceAccount"] == "flink"
    assert spec["flinkConfiguration"]["metrics.reporter.prom.port"] == "9249"
    [container] = spec["podTemplate"]["spec"]["containers"]
    assert container["ports"] == [{"name": "metrics", "containerPort": 9249}]


def test_precedence_of_sources(project: Project) -> None:
    project.job(JOB + "  flinkConfiguration: {b: file, c: file, d: file}\n")
    project.stack(
        {
            "jobDefaults": {"flinkConfiguration": dict.fromkeys("abcd", "defaults"), "image": "default:1"},
            "jobs": {"word-count": {"flinkConfiguration": {"c": "jobs", "d": "jobs"}, "parallelism": 3}},
            "enforced": {"flinkConfiguration": {"d": "enforced"}, "parallelism": 4},
        }
    )
    spec = project.spec()
    assert [spec["flinkConfiguration"][key] for key in "abcd"] == ["defaults", "file", "jobs", "enforced"]
    assert spec["image"] == "pyflink:dev"
    assert spec["job"]["parallelism"] == 4


def test_spec_is_merged_last_in_its_source(project: Project) -> None:
    project.stack({"jobs": {"word-count": {"image": "a:1", "spec": {"image": "b:1", "restartNonce": 3}}}})
    spec = project.spec()
    assert (spec["image"], spec["restartNonce"]) == ("b:1", 3)


def test_null_removes_the_value_of_an_earlier_source(project: Project) -> None:
    project.stack(
        {
            "jobDefaults": {"flinkConfiguration": {"a": "1"}},
            "jobs": {"word-count": {"flinkConfiguration": {"a": None}, "spec": {"image": None}}},
        }
    )
    spec = project.spec()
    assert "a" not in spec["flinkConfiguration"]
    assert "image" not in spec


def test_configuration_can_be_nested_with_plain_values(project: Project) -> None:
    project.stack({"jobDefaults": {"flinkConfiguration": {"a": {"b": True, "c": [1, 2]}, "d.e": 7}}})
    configuration = project.spec()["flinkConfiguration"]
    assert {key: configuration[key] for key in ("a.b", "a.c", "d.e")} == {"a.b": "true", "a.c": "1;2", "d.e": "7"}


TODAY, OLDER, OLDEST = (
    "execution.checkpointing.savepoint-dir",
    "state.savepoints.dir",
    "savepoints.state.backend.fs.dir",
)
"""The names of one option; Flink 2.2 reads all of them, and uses the first that is set."""


@pytest.mark.parametrize("kind", ["FlinkDeployment", "FlinkBlueGreenDeployment"])
@pytest.mark.parametrize(("before", "after"), [*permutations((TODAY, OLDER, OLDEST), 2)])
def test_later_source_wins_under_any_name_of_an_option(project: Project, kind: str, before: str, after: str) -> None:
    """With two names of one option deployed, Flink would read the current name, from any source."""

    def directories() -> dict[str, object]:
        [job] = project.load().jobs
        configuration = inner_spec(kind, job.spec)["flinkConfiguration"]
        return {key: value for key, value in configuration.items() if key in (TODAY, OLDER, OLDEST)}  # type: ignore[attr-defined]

    def option(key: str, value: str | None) -> dict[str, object]:
        return {"flinkConfiguration": {key: value}}

    file = job_of_kind(kind)
    project.job(file)
    project.stack({"jobDefaults": option(before, "s3://defaults"), "enforced": option(after, "s3://enforced")})
    assert directories() == {after: "s3://enforced"}
    project.stack({"jobs": {"word-count": option(before, "s3://own")}, "enforced": option(after, None)})
    assert directories() == {}
    project.stack({"jobs": {"word-count": {"flinkConfiguration": nested(after, "s3://own")}}})
    project.job(with_configuration(file, nested(before, "s3://file")))
    assert directories() == {after: "s3://own"}
    project.stack({"jobDefaults": option(before, "s3://defaults")})
    project.job(with_configuration(file, {after: "s3://file"}))
    assert directories() == {after: "s3://file"}
    project.job(with_configuration(file, {after: "s3://file", before: "s3://too"}))
    assert directories() == {after: "s3://file", before: "s3://too"}, "a job file is deployed as it is"


def job_of_kind(kind: str) -> str:
    """A job file with one job of that kind."""
    manifest = yaml.safe_load(JOB)
    spec = manifest["spec"] if kind == "FlinkDeployment" else {"template": {"spec": manifest["spec"]}}
    return yaml.safe_dump({**manifest, "kind": kind, "spec": spec})


def with_configuration(file: str, configuration: dict[str, Any]) -> str:
    """That job file with a flinkConfiguration."""
    manifest = yaml.safe_load(file)
    inner_spec(manifest["kind"], manifest["spec"])["flinkConfiguration"] = configuration  # type: ignore[index]
    return yaml.safe_dump(manifest)


def nested(key: str, value: str) -> dict[str, Any]:
    """`{a: {b.c: value}}` for the key `a.b.c`."""
    first, _, rest = key.partition(".")
    return {first: {rest: value}}


def test_operator_options_have_aliases(project: Project) -> None:
    today = "job.autoscaler.enabled"
    older = f"kubernetes.operator.{today}"
    project.job(JOB + f"  flinkConfiguration: {{{today}: 'true'}}\n")
    project.stack({"enforced": {"flinkConfiguration": {older: "false"}}})
    configuration = project.spec()["flinkConfiguration"]
    assert (configuration.get(today), configuration[older]) == (None, "false")


@pytest.mark.parametrize("operator", versions.OPERATORS)
@pytest.mark.parametrize("flink", [*tables.FLINK_VERSIONS, None])
def test_a_name_is_of_one_option(operator: str, flink: str | None) -> None:
    names = tables.option_names(operator, flink)
    groups = set(names.values())
    assert len(groups) > 100
    assert sum(map(len, groups)) == len({name for group in groups for name in group})
    assert all(name in group for name, group in names.items())
    assert names["restart-strategy"] == names["restart-strategy.type"] == ("restart-strategy.type", "restart-strategy")
    assert names["high-availability.type"] == ("high-availability.type", "high-availability", "recovery.mode")
    autoscaler = "job.autoscaler.enabled"
    assert names[autoscaler] == (autoscaler, f"kubernetes.operator.{autoscaler}")


@pytest.mark.parametrize(("flink", "is_known"), [("v1_19", False), ("v1_20", True), ("v1_16", False), ("v2_4", True)])
def test_unknown_option_name_removes_no_other(project: Project, flink: str, is_known: bool) -> None:
    """Flink 1.19 has this option by its older name alone: without that the job would have no place for its savepoints."""
    project.job(JOB.replace("v2_2", flink) + f"  flinkConfiguration: {{{OLDER}: s3://file}}\n")
    project.stack({"enforced": {"flinkConfiguration": {TODAY: "s3://enforced"}}})
    assert (OLDER not in project.spec()["flinkConfiguration"]) is is_known
    project.job(f"{SESSION_CLUSTER.replace('v2_2', flink)}---\n{SESSION}  flinkConfiguration: {{{OLDER}: s3://file}}\n")
    assert (OLDER not in project.spec("session-job")["flinkConfiguration"]) is is_known


def test_explain_shows_enforced_replacements_under_other_names(project: Project) -> None:
    project.job(JOB + f"  flinkConfiguration: {{{OLDER}: s3://older, {TODAY}: s3://file, restart-strategy: none}}\n")
    enforced = {"flinkConfiguration": {OLDEST: "s3://enforced", "restart-strategy.type": "none"}}
    project.stack({"enforced": enforced})
    platform = project.load()
    lines = [line for line in explain(platform.jobs[0]) if "enforced" in line]
    matches = [re.sub(" +", " ", line).removeprefix("spec.flinkConfiguration") for line in lines]
    assert matches == [
        f'["{OLDEST}"] = "s3://enforced" # enforced (Pulumi.x.yaml:5), instead of "s3://file"',
        '["restart-strategy.type"] = "none" # enforced (Pulumi.x.yaml:6)',
    ]


def test_parameters_change_their_pair_in_place_and_are_added_once(project: Project) -> None:
    project.stack(
        {
            "jobDefaults": {"parameters": {"input": "default", "rate": 5}},
            "jobs": {"word-count": {"parameters": {"output": "/out", "verbose": None}}},
            "enforced": {"parameters": {"output": "/enforced"}},
        }
    )
    assert project.spec()["job"]["args"] == ["--input", "/in", "--rate", "5", "--output", "/enforced"]


def test_null_in_defaults_removes_no_value_of_later_sources(project: Project) -> None:
    """`jobDefaults` precedes the job file, `jobs` and `enforced`, so its null removes nothing."""
    project.stack(
        {
            "jobDefaults": {"parameters": {"input": None, "rate": None, "audit": None, "unsaid": None}},
            "jobs": {"word-count": {"parameters": {"rate": 3}}},
            "enforced": {"parameters": {"audit": "on"}},
        }
    )
    args = project.spec()["job"]["args"]
    assert args == ["--input", "/in", "--verbose", "--rate", "3", "--audit", "on"]


def test_null_in_jobs_removes_a_default_parameter(project: Project) -> None:
    project.stack({"jobDefaults": {"parameters": {"rate": 5}}, "jobs": {"word-count": {"parameters": {"rate": None}}}})
    assert project.spec()["job"]["args"] == ["--input", "/in", "--verbose"]


NO_ARGUMENTS = JOB.replace("    args: [--input, /in, --verbose]\n", "")


def test_default_arguments_apply_to_jobs_without_arguments(project: Project) -> None:
    """Whatever parameters are laid over it, by which layer ever."""
    project.stack(
        {
            "jobDefaults": {"args": ["--mode", "fast"], "parameters": {"rate": 5}},
            "jobs": {"word-count": {"parameters": {"limit": 5}}},
        }
    )
    added = ["--rate", "5", "--limit", "5"]
    assert project.spec()["job"]["args"] == ["--input", "/in", "--verbose", *added]
    project.job(NO_ARGUMENTS)
    assert project.spec()["job"]["args"] == ["--mode", "fast", *added]


def test_jobs_cannot_change_an_enforced_list(project: Project) -> None:
    own = {"args": ["--fast"], "parameters": {"mode": "own"}, "spec": {"job": {"args": ["--faster"]}}}
    for enforced in ({"args": ["--mode", "safe"]}, {"spec": {"job": {"args": ["--mode", "safe"]}}}):
        project.stack({"jobs": {"word-count": own}, "enforced": enforced})
        assert project.spec()["job"]["args"] == ["--mode", "safe"]


def test_default_parameters_are_added_to_any_list_without_them(project: Project) -> None:
    project.stack({"jobDefaults": {"parameters": {"a": 1, "b": 2}}, "jobs": {"word-count": {"args": ["--a=0"]}}})
    assert project.spec()["job"]["args"] == ["--a=0", "--b", "2"]


def test_argument_has_the_source_that_sets_it(project: Project) -> None:
    project.stack(
        {
            "jobDefaults": {"args": ["x"], "parameters": {"mode": 1, "rate": 2}},
            "jobs": {"word-count": {"args": ["y", "--mode=3"], "parameters": {"limit": 4}}},
        }
    )
    [job] = project.load().jobs
    assert job.spec["job"]["args"] == ["y", "--mode=3", "--rate", "2", "--limit", "4"]  # type: ignore[index]
    layers = [job.origin(("job", "args", index)).partition(" ")[0] for index in range(6)]
    assert layers == [*["jobs.word-count"] * 2, *["jobDefaults"] * 2, *["jobs.word-count"] * 2]


def test_args_replace_the_files(project: Project) -> None:
    project.stack({"jobs": {"word-count": {"args": ["a", 1], "parameters": {"b": True}}}})
    assert project.spec()["job"]["args"] == ["a", "1", "--b", "true"]


def test_environment_plain_and_from_secrets(project: Project) -> None:
    project.stack({"jobs": {"word-count": {"env": {"A": 1}, "secretEnv": {"B": {"secret": "s", "key": "k"}}}}})
    [container] = project.spec()["podTemplate"]["spec"]["containers"]
    assert container["env"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]


KEY = {"secret": "s", "key": "k"}


@pytest.mark.parametrize("layer", ["jobDefaults", "jobs", "enforced"])
@pytest.mark.parametrize("value", ["plain", None])
def test_variable_that_a_source_sets_twice_is_an_error(project: Project, layer: str, value: str | None) -> None:
    """Two items of one name would take the place of all that earlier layers say of the environment."""
    settings = {"env": {"A": 1, "B": value}, "secretEnv": {"C": KEY, "B": KEY}}
    project.stack({layer: {"word-count": settings} if layer == "jobs" else settings})
    place = "jobs.word-count" if layer == "jobs" else layer
    [problem] = project.problems()
    assert problem.endswith(f": {place}.secretEnv.B: is in both env and secretEnv; remove one of them")


def test_duplicate_variable_hides_no_other_problem(project: Project) -> None:
    twice = {"env": {"B": "b"}, "secretEnv": {"B": KEY, "C": {"secret": "s"}}}
    project.stack({"jobs": {"word-count": twice}, "enforced": {"env": {"B": []}, "secretEnv": {"B": KEY}}})
    assert [problem.split(": ")[1] for problem in project.problems()] == [
        "jobs.word-count.secretEnv.C.key",
        "enforced.env.B",
    ]
    project.stack({"jobs": {"word-count": {"env": {"B": "b"}, "secretEnv": {"B": KEY}}}, "enforced": {"x": 1}})
    assert [problem.split(": ")[1] for problem in project.problems()] == ["jobs.word-count.secretEnv.B", "enforced.x"]


def test_later_source_sets_the_kind_of_a_variable(project: Project) -> None:
    """One source can set it as plaintext and a later one by a Secret; other variables remain."""
    environment = [{"name": "OWN", "value": "file"}, {"name": "A", "value": "file"}]
    container = {"name": "flink-main-container", "env": environment}
    project.job(JOB + f"  podTemplate: {{spec: {{containers: [{json.dumps(container)}]}}}}\n")
    reference = {"secretKeyRef": {"name": "s", "key": "k"}}
    plain, secret = {"env": {"A": "plain"}}, {"secretEnv": {"A": KEY}}
    for before, after, chosen in (
        (plain, secret, {"valueFrom": reference}),
        (secret, plain, {"value": "plain"}),
        (secret, {"env": {"A": None}}, None),
    ):
        project.stack({"jobDefaults": before, "enforced": after})
        [job] = project.load().jobs
        [container] = job.spec["podTemplate"]["spec"]["containers"]  # type: ignore[index]
        actual = {item.pop("name"): item for item in copy.deepcopy(container["env"])}
        assert actual == {"OWN": {"value": "file"}} | ({"A": chosen} if chosen else {})
        assert ("A" in (job.settings.env or {}), "A" in (job.settings.secret_env or {})) == (
            chosen == {"value": "plain"},
            chosen == {"valueFrom": reference},
        )


def test_environment_variable_can_be_removed(project: Project) -> None:
    project.stack({"jobDefaults": {"env": {"A": 1, "B": 2}}, "jobs": {"word-count": {"env": {"A": None}}}})
    [container] = project.spec()["podTemplate"]["spec"]["containers"]
    assert container["env"] == [{"name": "B", "value": "2"}]


def test_disabled_jobs_are_left_out(project: Project) -> None:
    project.stack({"jobs": {"word-count": {"enabled": False}}})
    assert project.load().jobs == ()


def test_file_without_namespace_gets_the_default_one(project: Project) -> None:
    """The engine does not keep the order of the file."""
    namespaces: dict[str, object] = {"team-b": {}, "team-a": {}}
    project.stack({"namespaces": namespaces})
    assert [job.namespace for job in project.load().jobs] == ["team-a"]
    project.stack({"namespaces": namespaces, "defaultNamespace": "team-b"})
    assert [job.namespace for job in project.load().jobs] == ["team-b"]
    project.stack({"namespaces": namespaces, "defaultNamespace": "team"})
    [problem] = project.problems()
    assert 'defaultNamespace: is "team", which is not in namespaces; did you mean "team-' in problem


def test_an_unknown_namespace_is_an_error(project: Project) -> None:
    project.stack({"namespaces": {"team-a": {}, "team-b": {}}})
    project.job(JOB.replace("name: word-count", "name: word-count\n  namespace: team-c"))
    assert project.problems() == [
        'jobs/word_count.yaml:5: metadata.namespace: is "team-c", which is not a namespace of this stack; '
        'did you mean "team-b"? Otherwise add it to namespaces in Pulumi.x.yaml, or set jobs.word-count.namespace'
    ]


def test_two_jobs_of_one_name_are_an_error_with_both_places(project: Project) -> None:
    project.job(JOB, "copy.yaml")
    assert project.problems() == [
        'jobs/word_count.yaml:4: metadata.name: "word-count" is also declared in jobs/copy.yaml:4; rename one of them'
    ]


def test_a_list_and_several_documents_and_other_kinds(project: Project) -> None:
    claim = (
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce]}\n"
    )
    listed = "apiVersion: v1\nkind: List\nitems:\n- " + claim.replace("\n", "\n  ").rstrip() + "\n"
    project.job(f"{JOB}---\n{listed}---\n{claim.replace('name: data', 'name: more')}")
    platform = project.load()
    assert [job.name for job in platform.jobs] == ["word-count"]
    assert [attachment.source.name for attachment in platform.attachments] == ["data", "more"]
    assert all(attachment.manifest["metadata"]["namespace"] == "flink" for attachment in platform.attachments)  # type: ignore[index]


def test_a_bare_name_must_be_unique(project: Project) -> None:
    blue = JOB.replace("kind: FlinkDeployment", "kind: FlinkBlueGreenDeployment")
    head, _, spec = blue.partition("spec:\n")
    project.job(
        head + "spec:\n  template:\n    spec:\n" + "".join(f"    {line}\n" for line in spec.splitlines()), "b.yaml"
    )
    project.stack({"jobs": {"word-count": {"parallelism": 2}}})
    [finding] = project.problems()
    assert "matches several jobs; write one of:" in finding
    project.stack({"jobs": {"FlinkBlueGreenDeployment/flink/word-count": {"parallelism": 2, "image": "c:1"}}})
    by_kind = {job.kind: job for job in project.load().jobs}
    inner = by_kind["FlinkBlueGreenDeployment"].spec["template"]["spec"]  # type: ignore[index]
    assert (inner["job"]["parallelism"], inner["image"], inner["serviceAccount"]) == (2, "c:1", "flink")
    assert by_kind["FlinkDeployment"].spec["job"]["parallelism"] == 1  # type: ignore[index]


SESSION = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: session-job}
spec:
  deploymentName: cluster
  job: {jarURI: "https://198.51.100.7/job.jar", parallelism: 1, upgradeMode: stateless}
"""

SESSION_CLUSTER = JOB.partition("  job:\n")[0].replace("word-count", "cluster")


def test_session_job_gets_no_pod_settings(project: Project) -> None:
    project.job(SESSION, "a.yaml")
    project.job(SESSION_CLUSTER)
    project.stack(
        {"jobDefaults": {"image": "x:1", "parallelism": 7, "env": {"A": "1"}, "spec": {"imagePullPolicy": "Never"}}}
    )
    assert project.spec("session-job") == {
        "deploymentName": "cluster",
        "job": {"jarURI": "https://198.51.100.7/job.jar", "parallelism": 1, "upgradeMode": "stateless"},
    }
    assert "job" not in project.spec("cluster")


def test_session_job_without_a_declared_cluster_is_a_warning(project: Project) -> None:
    project.job(SESSION, "a.yaml")
    project.stack({"strict": True})
    [finding] = [text for text in project.problems() if "unknown FlinkDeployment" in text]
    assert finding.startswith(
        'jobs/a.yaml:5: spec.deploymentName: unknown FlinkDeployment "cluster" in namespace flink; '
    )
    assert finding.endswith("or set external: true in jobs.session-job if the cluster has it")
    project.stack({"jobs": {"session-job": {"external": True}}})
    assert len(project.load().jobs) == 2


def test_a_session_job_on_an_application_cluster(project: Project) -> None:
    project.job(SESSION.replace("deploymentName: cluster", "deploymentName: word-count"), "a.yaml")
    assert project.problems() == [
        'jobs/a.yaml:5: spec.deploymentName: "word-count" is not a session cluster, because its spec contains a job; name a session cluster'
    ]


def test_a_snapshot_needs_its_job(project: Project) -> None:
    snapshot = (
        "apiVersion: flink.apache.org/v1beta1\nkind: FlinkStateSnapshot\nmetadata: {name: s}\n"
        "spec:\n  savepoint: {}\n  jobReference: {kind: FlinkDeployment, name: word-cuont}\n"
    )
    project.job(snapshot, "s.yaml")
    [finding] = project.problems()
    assert finding.startswith(
        'jobs/s.yaml:6: spec.jobReference.name: unknown FlinkDeployment "word-cuont" in namespace flink'
    )
    assert 'did you mean "word-count"?' in finding
    project.job(snapshot.replace("cuont", "count"), "s.yaml")
    assert {job.kind for job in project.load().jobs} == {"FlinkDeployment", "FlinkStateSnapshot"}


words = st.text("abc-=", max_size=4)


@given(st.lists(words), st.text("abc", min_size=1, max_size=2), words)
def test_setting_a_parameter_is_idempotent(args: list[str], key: str, value: str) -> None:
    flag = f"--{key}"
    once = with_parameters(args, {flag: value})
    assert with_parameters(once, {flag: value}) == once or value.startswith("--")
    assert flag in once
    removed = with_parameters(once, {flag: None})
    assert flag not in [arg.partition("=")[0] for arg in removed] or value.startswith("--")


@given(st.lists(words), st.dictionaries(st.text("abc", min_size=1, max_size=2), words | st.none()))
def test_parameters_can_be_set_together_or_one_by_one(args: list[str], parameters: dict[str, str | None]) -> None:
    flags = {f"--{key}": value for key, value in parameters.items() if not (value or "").startswith("--")}
    expected = args
    for flag, value in flags.items():
        expected = with_parameters(expected, {flag: value})
    assert with_parameters(args, flags) == expected


@given(st.lists(words), st.text("abc", min_size=1, max_size=2), st.none() | words)
def test_default_parameter_does_not_change_an_existing_one(args: list[str], key: str, value: str | None) -> None:
    spec: dict[str, object] = {"job": {"args": args}}
    changed = apply_parameters(spec, {key: value}, only_missing=True)
    has = f"--{key}" in [arg.partition("=")[0] for arg in args]
    assert arguments_of(spec) == (args if has or value is None else [*args, f"--{key}", value])
    assert changed == ([] if has or value is None else [f"--{key}"])


def test_manifests_of_every_feature_are_job_files_unchanged(project: Project) -> None:
    text = (ROOT / "tests/data/manifests/features.yaml").read_text()
    project.job(text)
    platform = project.load()
    content = {d["metadata"]["name"]: d for d in yaml.safe_load_all(text) if d["kind"].startswith("Flink")}
    assert {job.kind for job in platform.jobs} == set(FlinkKind)
    assert {job.name for job in platform.jobs} == content.keys() - {"canary"}
    assert {attachment.source.name for attachment in platform.attachments} == {"reactive", "canary"}
    for job in platform.jobs:
        actual = flat_configuration(content[job.name]["spec"])
        assert merge_mappings(job.spec, actual) == job.spec  # nothing of it is lost or changed
    others = [
        str(remark)
        for remark in platform.remarks
        if not remark.problem.path.endswith(("image", "resources", "ingress"))
    ]
    assert len(others) == 3
    assert all("pod and is lost with the pod" in remark for remark in others)


OFF = JOB.replace("  name: word-count\n", '  name: word-count\n  annotations: {flink-k8s/enabled: "false"}\n')


def test_disabled_job_file_can_be_enabled_by_a_stack(project: Project) -> None:
    project.job(OFF)
    assert not project.load().jobs
    for stack, is_there in (
        ({"jobDefaults": {"enabled": True}}, False),
        ({"jobs": {"word-count": {"parallelism": 2}}}, False),
        ({"jobs": {"word-count": {"enabled": True}}}, True),
        ({"enforced": {"enabled": True}}, True),
        ({"jobs": {"word-count": {"enabled": True}}, "enforced": {"enabled": False}}, False),
    ):
        project.stack(stack)
        assert bool(project.load().jobs) is is_there, stack


def test_enabled_annotation_must_be_a_boolean(project: Project) -> None:
    for word in ("no", "false", '"off"', "1"):
        project.job(OFF.replace('"false"', word))
        [problem] = project.problems()
        assert problem.startswith(
            "jobs/word_count.yaml:5: metadata.annotations.flink-k8s/enabled: is not a valid value"
        )
    project.job(OFF.replace('"false"', '"true"'))
    assert project.load().jobs


def test_only_session_clusters_take_jobs_by_rest(project: Project) -> None:
    assert project.spec()["flinkConfiguration"]["web.submit.enable"] == "false"
    session = JOB.partition("  job:")[0]
    project.job(session)
    assert "web.submit.enable" not in project.spec()["flinkConfiguration"]
    project.job(JOB + "  flinkConfiguration: {web.submit.enable: 'true'}\n")
    assert project.spec()["flinkConfiguration"]["web.submit.enable"] == "true"
