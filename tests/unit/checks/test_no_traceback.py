"""Any content of a job file or stack file is valid or results in problems; no other error is raised."""

# ruff: noqa: E501, PT017 - data in lines; most examples are good, which is fine too
from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flink_k8s.checks.load import load
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.config.yaml_file import parse
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve.explain import explain
from flink_k8s.resolve.resolution import resolve
from tests.e2e.validator import corpus
from tests.unit.project import JOB, Project

odd = st.sampled_from(
    [None, "", "x", 0, -1, 1.5, True, [], [None], ["x"], [[]], {}, {"x": None}, {"name": 1}, [{"name": "x"}], "2g"]
).map(copy.deepcopy)
NAMES = sorted(StackSettings.model_fields[name].alias or name for name in StackSettings.model_fields)


def _places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = [
        (*path, key)
        for key in (value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0))
    ]
    return [*inner, *(deeper for place in inner for deeper in _places(value[place[-1]], place))]  # type: ignore[index]


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    """A manifest with many parts, some of which are something else."""
    manifest = copy.deepcopy(draw(st.sampled_from([corpus.deployment(), corpus.session_job(), corpus.snapshot()])))
    if manifest["kind"] == "FlinkDeployment":
        container = {
            "name": "flink-main-container",
            "env": [{"name": "A", "value": "1"}],
            "ports": [{"name": "p", "containerPort": 1}],
        }
        pod = {"spec": {"containers": [container], "volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}}
        manifest["spec"] |= {
            "podTemplate": pod, "ingress": {"template": "a"}, "logConfiguration": {"x": "y"},
            "flinkConfiguration": {"a": {"b": 1}, "high-availability.type": "x", "job.autoscaler.enabled": "true"},
        }  # fmt: skip
        manifest["spec"]["taskManager"]["resources"] = {"requests": {"memory": "1Gi", "cpu": 1}, "limits": {"cpu": 2}}
        manifest["spec"]["job"]["args"] = ["--a", "b", "--c=d"]
    for _ in range(draw(st.integers(1, 4))):
        places = _places(manifest)
        place = draw(st.sampled_from(places))
        holder: Any = manifest
        for part in place[:-1]:
            holder = holder[part]
        holder[place[-1]] = draw(odd)
        if not places or not isinstance(manifest.get("spec"), dict):
            break
    if draw(st.booleans()):
        manifest["kind"] = draw(st.sampled_from(FlinkKind))
    return manifest


overrides = st.fixed_dictionaries(
    {},
    optional={
        "image": st.just("x:1"), "parallelism": st.just(2), "parameters": st.just({"a": "z", "q": None}), "env": st.just({"A": 1}),
        "jobManager": st.just({"memory": "1g", "cpu": 1, "replicas": 2}), "flinkConfiguration": st.just({"a": {"b": 3}, "n": None}),
        "spec": st.dictionaries(st.sampled_from(["job", "podTemplate", "flinkConfiguration", "image"]), odd, max_size=3),
        "args": st.just(["x"]), "upgradeMode": st.just("savepoint"), "external": st.just(True), "namespace": st.just("flink"),
    },
)  # fmt: skip


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(manifest=manifests(), defaults=overrides, own=overrides, enforced=overrides)
def test_any_manifest_under_any_settings(
    manifest: dict[str, Any],
    defaults: dict[str, Any],
    own: dict[str, Any],
    enforced: dict[str, Any],
    tmp_path_factory: Any,
) -> None:
    root = tmp_path_factory.mktemp("project", numbered=True)
    project = Project(root)
    project.job(json.dumps(manifest))
    name = str(manifest["metadata"].get("name")) if isinstance(manifest.get("metadata"), dict) else "a"
    project.stack({"jobDefaults": defaults, "jobs": {name: own}, "enforced": enforced})
    try:
        platform = project.load()
    except ProblemsError as error:
        assert error.problems
        assert all(problem.file in ("Pulumi.x.yaml", "jobs/word_count.yaml") for problem in error.problems)
        return
    for job in platform.jobs:
        assert list(explain(job))


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(
    config=st.dictionaries(
        st.sampled_from(NAMES),
        odd | st.dictionaries(st.sampled_from(["enabled", "version", "spec", "a b"]), odd),
        max_size=3,
    )
)
def test_any_config(config: dict[str, Any], tmp_path_factory: Any) -> None:
    project = Project(tmp_path_factory.mktemp("project", numbered=True))
    try:
        load(project.root, StackConfig("Pulumi.x.yaml", {"context": "c", **config}))
    except ProblemsError as error:
        assert error.problems


def test_resolving_changes_no_input() -> None:
    [document], _ = parse(JOB, "f.yaml")
    before = copy.deepcopy(document.value)
    values = {"context": "c", "enforced": {"spec": {"job": {"parallelism": 7}}, "parameters": {"a": "b"}}}
    source = FileObject(document, document.value)  # type: ignore[arg-type]
    copies = copy.deepcopy(values)
    first = resolve(StackSettings.model_validate(values), StackConfig("s", values), [source])
    second = resolve(StackSettings.model_validate(values), StackConfig("s", values), [source])
    assert first.jobs[0].manifest == second.jobs[0].manifest
    assert (document.value, values) == (before, copies)
