"""Evaluates the change of one resource before it happens: its effect on each job, and whether the user allows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from flink_k8s.config.secret_text import HIDDEN, masked, side_by_side
from flink_k8s.facts.kinds import FLINK_GROUP, FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.plan.effects import Effect
from flink_k8s.plan.plan import JobPlan, plan
from flink_k8s.plan.reasons import reasons_of
from flink_k8s.plan.state import DeclaredJob, Operator
from flink_k8s.plan.steps import Hidden, Operation, Preview, Step

VARIABLE = "FLINK_K8S_ALLOW"
"""Environment variable with the jobs that may lose their state in one run of the command."""

_TOKEN_LETTERS = "abcdefghijklmnop"
"""A token has letters only: YAML reads some texts with digits as numbers."""

_TOKEN_LENGTH = 8

_FIELDS_IN_LINE = 3
"""Number of changed fields of a job in the line of its effect."""

Manifest = Mapping[str, object]


@dataclass(frozen=True)
class Allowance:
    """The state losses that the user allows.

    Attributes:
        jobs: that may lose their state in this run: by name, `namespace/name` or `kind/namespace/name`.
        changes: `job@token` of single changes.
    """

    jobs: Collection[str] = ()
    changes: Collection[str] = ()

    @classmethod
    def of(cls, variable: str, changes: Collection[str]) -> Allowance:
        """The allowance of a run.

        Args:
            variable: value of the environment variable: names, separated by spaces or commas.
            changes: `allowStateLoss` of the stack config.
        """
        return cls(frozenset(variable.replace(",", " ").split()), changes)

    def allows(self, job: JobPlan, token: str) -> bool:
        """Whether the job may lose its state by the change with that token."""
        changes = (change.rpartition("@") for change in self.changes)
        by_change = any(allowed == token and job.is_named(name) for name, _, allowed in changes)
        return by_change or any(map(job.is_named, self.jobs))


@dataclass(frozen=True)
class Evaluation:
    """The effect of a change.

    Attributes:
        effects: a line for each affected job.
        allowed: the jobs that lose their state and are allowed to, by `kind/namespace/name`.
        refused: the jobs that lose their state and are not.
        refusal: why the change is refused, and how to allow it; empty if it is not refused.
    """

    effects: Sequence[str]
    allowed: Collection[str]
    refused: Collection[str]
    refusal: str


class Guard:
    """Evaluates the changes of one run, each before it happens.

    The inputs of a changed resource are those of the engine. Other jobs count as deployed with their declared inputs,
    or with those before their own change in the same run. The engine changes a session cluster before its session
    jobs, and deletes jobs before their claims and namespaces.
    """

    def __init__(self, declared: Iterable[Manifest], operator: Operator, allowance: Allowance) -> None:
        """
        Args:
            declared: the Flink resources of the program.
            operator: as declared.
            allowance: of the user.
        """
        self._operator = operator
        self._allowance = allowance
        self._declared = {_key(manifest): manifest for manifest in declared if _runs_job(manifest)}
        self._before = dict(self._declared)
        self._session_jobs: dict[str, list[str]] = {}
        for key, manifest in self._declared.items():
            self._session_jobs.setdefault(_cluster_key(manifest), []).append(key)

    def keeps_state(self, manifest: Manifest) -> bool:
        """Whether the deletion of an object can lose state: of a job, a session cluster, a claim or a namespace."""
        key = _key(manifest)
        if key in self._declared:
            return self._has_state(key) or any(map(self._has_state, self._session_jobs.get(key, ())))
        return any(self._stores(manifest, job) and self._has_state(job) for job in self._declared)

    def declared(self, manifest: Manifest) -> Manifest | None:
        """The declared job of the same kind, namespace and name; None if there is none."""
        return self._declared.get(_key(manifest))

    def evaluate(self, step: Step) -> Evaluation:
        """The effect of a resource's change: an update, a deletion or a replacement."""
        inputs = step.old or step.new or {}
        key = _key(inputs)
        if _runs_job(inputs):
            related = [self._cluster_of(step), *self._session_jobs.get(key, ())]
        else:
            related = [job for job in self._before if self._stores(inputs, job)]
        context = [self._unchanged(job) for job in related if job in self._before]
        result = plan(Preview((step, *context)), self._operator)
        if step.operation is Operation.DELETE:
            self._before.pop(key, None)
        elif key in self._before:
            self._before[key] = inputs
        affected = [job for job in result.jobs if job.outcome.loss or job.outcome.effect is not Effect.NOTHING]
        tokens = {_job_key(job): _token(_job_key(job), step) for job in affected if job.outcome.loss}
        refused = [
            job for job in affected if job.outcome.loss and not self._allowance.allows(job, tokens[_job_key(job)])
        ]
        names = {_job_key(job) for job in refused}
        effects = [_effect(job, is_own=_job_key(job) == key) for job in affected]
        return Evaluation(effects, tokens.keys() - names, names, _refusal(refused, tokens))

    def _has_state(self, key: str) -> bool:
        """Whether a declared job has state. The options of a session job include those of its cluster."""
        job = self._job(key)
        if job.kind == FlinkKind.SESSION_JOB:
            cluster = self._declared.get(_cluster_key(self._declared[key]))
            job = replace(job, cluster=DeclaredJob.of(cluster, self._operator) if cluster else None)
        return job.has_state

    def _cluster_of(self, step: Step) -> str:
        return _cluster_key(step.new or step.old or {})

    def _job(self, key: str) -> DeclaredJob:
        return DeclaredJob.of(self._before[key], self._operator)

    def _stores(self, manifest: Manifest, key: str) -> bool:
        """Whether the object is the namespace of a job, or a claim that the job mounts."""
        metadata = mapping(manifest.get("metadata"))
        namespace = key.split("/")[1]
        if manifest.get("kind") == "Namespace":
            return metadata.get("name") == namespace
        is_claim = manifest.get("kind") == "PersistentVolumeClaim" and metadata.get("namespace") == namespace
        return is_claim and metadata.get("name") in self._job(key).claims

    def _unchanged(self, key: str) -> Step:
        manifest = self._before[key]
        kind, namespace, name = key.split("/")
        urn = f"urn:pulumi:stack::flink-k8s::kubernetes:{FLINK_GROUP}/v1beta1:{kind}::{namespace}/{name}"
        return Step(Operation.SAME, urn, manifest, self._declared[key])


def _runs_job(manifest: Manifest) -> bool:
    return str(manifest.get("kind")) in _KINDS


_KINDS = frozenset(kind.value for kind in FlinkKind if kind.runs_job)


def _key(manifest: Manifest) -> str:
    metadata = mapping(manifest.get("metadata"))
    return f"{manifest.get('kind')}/{metadata.get('namespace', 'default')}/{metadata.get('name')}"


def _cluster_key(manifest: Manifest) -> str:
    """The key of a session job's cluster; empty for another kind."""
    if manifest.get("kind") != FlinkKind.SESSION_JOB:
        return ""
    namespace = mapping(manifest.get("metadata")).get("namespace", "default")
    return f"{FlinkKind.DEPLOYMENT}/{namespace}/{mapping(manifest.get('spec')).get('deploymentName')}"


def _job_key(job: JobPlan) -> str:
    return f"{job.kind}/{job.title}"


def _effect(job: JobPlan, *, is_own: bool) -> str:
    """The effect in one line; on another row than the job's own with the job's name instead of the reasons."""
    outcome = job.outcome
    effect = f"STATE LOSS: {outcome.effect.value}" if outcome.loss else outcome.effect.value
    if not is_own:
        return f"{job.title}: {effect}"
    return f"{effect}: {reasons}" if (reasons := "; ".join(reasons_of(outcome, most=_FIELDS_IN_LINE))) else effect


def _indented(reason: str) -> str:
    return f"    {reason}"


def _refusal(refused: Sequence[JobPlan], tokens: Mapping[str, str]) -> str:
    if not refused:
        return ""
    lines = [line for job in refused for line in (_effect(job, is_own=False), *map(_indented, reasons_of(job.outcome)))]
    names = " ".join(job.title for job in refused)
    changes = ", ".join(f'"{job.title}@{tokens[_job_key(job)]}"' for job in refused)
    in_one_run = f'to allow it in one run: set {VARIABLE}="{names}"'
    by_change = f"to allow only this change: flink-k8s:allowStateLoss: [{changes}] in the stack file"
    return "\n".join((*lines, f"{in_one_run}; {by_change}"))


def _token(job: str, step: Step) -> str:
    """Identifies the change for one job, so that an allowance in the stack file allows nothing else.

    It contains the revision of the deployed object, so it does not allow the same change of a later object. Secrets are
    left out: a preview in JSON does not contain them.
    """
    urn = step.urn.partition("::")[2]
    content = [job, step.operation.value, urn, step.revision, _without_secrets(step.old), _without_secrets(step.new)]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).digest()
    return "".join(_TOKEN_LETTERS[byte % len(_TOKEN_LETTERS)] for byte in digest[:_TOKEN_LENGTH])


def _without_secrets(inputs: object) -> object:
    def shown(value: object, masked_value: object) -> object:
        return value if value == masked_value and not isinstance(value, Hidden) else HIDDEN

    return side_by_side(inputs, masked("", inputs), shown)


def allowed_by_change(preview: Preview, operator: Operator, changes: Collection[str]) -> set[str]:
    """The jobs that may lose their state by a whole preview, by `kind/namespace/name`.

    Args:
        preview: of the stack.
        operator: as declared.
        changes: `allowStateLoss` of the stack config.
    """
    guard = Guard((step.new for step in preview.steps if step.new), operator, Allowance(changes=changes))
    unchanged = (Operation.SAME, Operation.CREATE)
    evaluations = [guard.evaluate(step) for step in preview.steps if step.operation not in unchanged]
    allowed = {job for evaluation in evaluations for job in evaluation.allowed}
    return allowed - {job for evaluation in evaluations for job in evaluation.refused}
