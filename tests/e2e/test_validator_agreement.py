"""Our checks and the operator's own DefaultValidator say the same of the same manifests.

The validator runs out of the operator's published jars, offline, one JVM for the whole corpus. "Refused" is strict decoding
plus the validator. The autoscaler's rules are compared with 1.7.0 alone: 1.16.1's are not published, and the sandbox's
stand-in for them proves nothing.
"""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import copy
import json
import time
from collections import Counter
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flink_k8s.facts import tables as known
from tests.e2e.validator import corpus, java, tables, verdicts
from tests.e2e.validator.corpus import Case

DIFFERENCES = {
    (
        "decoding: a misspelt field of a pod",
        "1.7.0",
    ): "the operator's Java model of pods takes any property; an API server"
    " with strict validation, as kubectl asks for, does not",
    ("decoding: a misspelt field of a pod", "1.16.1"): "as in 1.7.0",
    ("session: jarURI: a host that does not resolve", "1.16.1"): "who a name resolves to is known in the cluster only",
    (
        "autoscaler: on in 1.16.1",
        "1.16.1",
    ): "the sandbox's stand-in for the autoscaler, which is not published, refuses it",
}
"""Cases of the corpus on which the verdicts differ, and why that is right."""

MUTATIONS = 1000

pytestmark = pytest.mark.full

OPERATORS = ("1.7.0", "1.16.1")


def judged(cases: list[Case], operator: str) -> list[verdicts.Verdict]:
    return verdicts.of(cases, operator)


@cache
def corpus_verdicts(operator: str) -> tuple[list[verdicts.Verdict], float]:
    """Both verdicts on every case that is meant for the operator, and the seconds that it took."""
    start = time.monotonic()
    results = judged([case for case in corpus.cases() if operator in case.operators], operator)
    return results, time.monotonic() - start


@pytest.mark.parametrize("operator", OPERATORS)
def test_verdicts_on_the_corpus_agree_with_the_operator(operator: str, capsys: pytest.CaptureFixture[str]) -> None:
    results, seconds = corpus_verdicts(operator)
    differing = {result.case.title: result for result in results if not result.agree}
    listed = {title for title, version in DIFFERENCES if version == operator}
    with capsys.disabled():
        _report(operator, results, seconds)
    unexpected = [str(differing[title]) for title in sorted(differing.keys() - listed)]
    assert not unexpected, "\n".join(unexpected)
    assert not listed - differing.keys(), "these no longer differ: take them off the list"
    assert len(results) >= 150
    assert verdicts.letters(results) == verdicts.recorded()[operator], "run python -m tests.e2e.validator.verdicts"


def _report(operator: str, results: list[verdicts.Verdict], seconds: float) -> None:
    refused = Counter(result.case.rule for result in results if result.theirs)
    actual = Counter(result.case.rule for result in results if not result.theirs)
    print(f"\noperator {operator}: {len(results)} manifests, {sum(refused.values())} refused, in {seconds:.1f} s")
    for rule in sorted(refused | actual):
        print(f"  {rule:<32} {refused[rule]:>4} refused {actual[rule]:>4} taken")


def test_cases_with_known_differences_have_unique_titles() -> None:
    for operator in OPERATORS:
        titles = Counter(case.title for case in corpus.cases() if operator in case.operators)
        assert not [title for title, count in titles.items() if count > 1 and (title, operator) in DIFFERENCES]


def test_every_message_of_the_validator_is_in_the_corpus() -> None:
    """Each message that the validator's source can give was given for some manifest, but those about an older spec."""
    given_messages = " ".join(result.theirs for operator in OPERATORS for result in corpus_verdicts(operator)[0])
    for message in MESSAGES:
        assert message in given_messages, message


MESSAGES = (
    "is invalid, must consist of lower case alphanumeric",
    "Flink Version must be defined",
    "is not supported by this operator version",
    "Forbidden Flink config key: kubernetes.namespace",
    "Forbidden Flink config key: kubernetes.cluster-id",
    "Forbidden Flink config key: high-availability.cluster-id",
    "HA must be enabled for rollback support",
    "must be enabled for job health check",
    "Ingress template must be defined",
    "Unable to process the Ingress template",
    "Invalid log config key",
    "must be defined for last-state and savepoint upgrade modes",
    "Job could not be upgraded with last-state while HA disabled",
    "Job could not be upgraded with savepoint while config key",
    "Savepoint could not be manually triggered",
    "Periodic savepoints cannot be enabled",
    "In order to use max-checkpoint age functionality",
    "TaskManager replicas must be larger than 0",
    "TaskManager replicas should not be configured less than one",
    "Job parallelism must be larger than 0",
    "JobManager resource memory must be defined",
    "TaskManager resource memory must be defined",
    "JobManager resource memory parse error",
    "TaskManager resource memory parse error",
    "resource ephemeral storage parse error",
    "JobManager replicas should not be configured less than one",
    "High availability should be enabled when starting standby JobManagers",
    "cpu request (1) must not exceed its limit (500m)",
    "memory request (2Gi) must not exceed its limit (1Gi)",
    "requests memory must be positive",
    "requests cpu must be positive",
    "requests ephemeral-storage must not be negative",
    "requests memory parse error",
    "requests cpu parse error",
    "spec.serviceAccount must be defined",
    "is invalid, it should be a value within the range",
    "Invalid value in the autoscaler config",
    "The job spec should not be empty",
    "Can not submit session job to application cluster",
    "upgrade mode is not supported in session job now",
    "jarURI is not a valid URI",
    "jarURI must include a scheme",
    "is not in the allowlist",
    "jarURI must include a host",
    "cannot be resolved",
    "resolves to a restricted address",
    "Exactly one of checkpoint or savepoint",
    "Job reference must be supplied",
)
"""Beginnings of the validator's messages. Left out: what compares with the spec that runs already (switching between session
and application, native and standalone, a changed deploymentName or savepointRedeployNonce, flinkVersion after a suspend):
a check before `up` has no such spec. "The session job's cluster id is not match" cannot be: the cluster is found by
that name. "Target for snapshot … was not found" is the graph's rule, tested in unit tests."""

_TEXTS = st.sampled_from(
    ["", "0", "1", "-1", "2g", "2048m", "1.5Gi", "true", "false", "TRUE", "x", "kubernetes", "NONE", "file:///x", "savepoint",
     "last-state", "stateless", "v1_17", "v1_20", "v2_2", "v1_13", "10 min", "https://198.51.100.7/j.jar", "local:///j.jar", "a b"]
)  # fmt: skip
_VALUES = _TEXTS | st.integers(-2, 3) | st.booleans() | st.just([]) | st.just({}) | st.floats(-1, 2, allow_nan=False)
_KEYS = st.sampled_from(
    ["high-availability.type", "high-availability", "high-availability.storageDir", "state.checkpoints.dir", "state.savepoints.dir",
     "execution.checkpointing.dir", "execution.checkpointing.savepoint-dir", "kubernetes.operator.periodic.savepoint.interval",
     "kubernetes.operator.deployment.rollback.enabled", "kubernetes.operator.cluster.health-check.enabled",
     "kubernetes.operator.jm-deployment-recovery.enabled", "kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age",
     "jobmanager.memory.process.size", "taskmanager.memory.process.size", "taskmanager.memory.flink.size", "kubernetes.namespace",
     "jobmanager.memory.heap.size", "taskmanager.memory.managed.size", "taskmanager.memory.task.heap.size"]
)  # fmt: skip


def _places(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [path]
    inner = [place for key, item in value.items() for place in _places(item, (*path, key))]
    return [path, *inner] if path else inner


@st.composite
def _mutated(draw: st.DrawFn) -> Case:
    """A good resource with up to four fields taken away, changed, or configuration added."""
    kind = draw(st.sampled_from(["deployment", "deployment", "deployment", "session", "session job"]))
    bases = {"deployment": corpus.deployment, "session": corpus.session_cluster, "session job": corpus.session_job}
    manifest: dict[str, Any] = copy.deepcopy(bases[kind]())
    if kind != "session job":  # so that its replicas and nonces are there to be changed
        manifest["spec"]["jobManager"]["replicas"] = 1
        manifest["spec"]["taskManager"]["replicas"] = 1
    for _ in range(draw(st.integers(1, 4))):
        operation = draw(st.sampled_from(["change", "remove", "configure"]))
        if operation == "configure":
            configuration = manifest["spec"].setdefault("flinkConfiguration", {})
            if isinstance(configuration, dict):
                configuration[draw(_KEYS)] = draw(_TEXTS)
            continue
        places = [place for place in _places(manifest["spec"]) if place and place[:1] != ("flinkConfiguration",)]
        if not places:
            break
        place = draw(st.sampled_from(places))
        holder = manifest["spec"]
        for part in place[:-1]:
            holder = holder[part]
        if operation == "remove":
            holder.pop(place[-1], None)
        else:
            holder[place[-1]] = draw(_VALUES)
    related = corpus.session_cluster() if kind == "session job" and draw(st.booleans()) else None
    return Case("mutation", json.dumps(manifest["spec"]), manifest, related)


def _generated() -> list[Case]:
    content: dict[str, Case] = {}

    @settings(
        max_examples=MUTATIONS, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(_mutated())
    def collect(case: Case) -> None:
        content[case.name + str(case.related is None)] = case

    collect()
    return list(content.values())


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_tables_equal_those_of_the_jars(operator: str) -> None:
    """Field names and operator options equal those of its jars; Flink options equal those of its libraries."""
    folder = java.operator_jars(operator)
    table = known.fields(operator)
    fields = tables.fields(tables.published_crds(operator))
    assert (fields["kinds"], fields["types"]) == (table.kinds, table.types)
    published = {option.key for option in tables.operator_options(folder)}
    if operator == "1.16.1":  # its autoscaler is not published
        published -= {key for key in published if key.startswith("job.autoscaler.")}
        assert published == {key for key in known.operator_options(operator) if not key.startswith("job.autoscaler.")}
    else:
        assert published == set(known.operator_options(operator))
    [core] = folder.glob("flink-core-[0-9]*.jar")
    version = ".".join(core.stem.removeprefix("flink-core-").split(".")[:2])
    keys = known.flink_keys()
    lacking = [option.key for option in tables.flink_options(folder, [core]) if version not in keys[option.key][0]]
    assert not lacking


@pytest.mark.parametrize("operator", OPERATORS)
def test_verdicts_on_random_mutations_agree_with_the_operator(
    operator: str, capsys: pytest.CaptureFixture[str]
) -> None:
    results = judged(_generated(), operator)
    refused = sum(bool(result.theirs) for result in results)
    with capsys.disabled():
        print(f"\noperator {operator}: {len(results)} random mutations, {refused} refused")
    differing = [str(result) for result in results if not result.agree]
    assert not differing, "\n".join(differing)
