"""The stack config as models: every key, its type, its default and its meaning, in this one place."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from flink_k8s.config.base import Duration, Model, Name, SecretKey, Text
from flink_k8s.config.ingress import Ingress, JobIngress
from flink_k8s.config.monitoring import PrometheusSettings
from flink_k8s.config.namespace import NamespaceSettings
from flink_k8s.config.network import Endpoint, NetworkPolicies
from flink_k8s.config.secret_model import Folder, SecretFiles
from flink_k8s.config.state_model import StateStorage
from flink_k8s.config.tls_model import InternalTls
from flink_k8s.facts import versions

DEFAULT_NAMESPACE = "flink"
JOB_ACCOUNT = "flink"
"""The ServiceAccount that the program owns in each namespace and that jobs run under by default."""

JAVA_INT = 2**31 - 1
"""The largest number of the fields that are an int to the operator."""


def _folder(text: str) -> str:
    path = PurePosixPath(text)
    is_name = text.isprintable() and len(text) < 1_000 and all(len(part.encode()) < 256 for part in path.parts)
    if path.is_absolute() or ".." in path.parts or not path.parts or not is_name:
        raise ValueError('is no folder in the project; write it like "jobs/team-a"')
    return str(path)


JobFolder = Annotated[str, AfterValidator(_folder)]


class ChartSource(Model):
    """Where one chart comes from instead of its official repository."""

    repository: str | None = Field(
        default=None, description="URL of a Helm repository, or oci:// address of the chart's folder."
    )
    path: str | None = Field(default=None, description="Folder or .tgz of the chart, relative to the project.")


class Charts(Model):
    """Where charts come from."""

    mirror: str | None = Field(
        default=None,
        description="For all charts: a Helm repository, an oci:// address, or a folder with <chart>-<version>.tgz.",
    )
    cert_manager: ChartSource = Field(default=ChartSource(), description="Chart of cert-manager.")
    prometheus: ChartSource = Field(default=ChartSource(), description="Chart kube-prometheus-stack.")
    operator: ChartSource = Field(default=ChartSource(), description="Chart of the Flink operator.")


class CertManagerSettings(Model):
    """cert-manager: makes the certificate of the operator's webhook."""

    enabled: bool = Field(default=True, description="Install it; false: the cluster has it.")
    version: str = Field(default=versions.CERT_MANAGER.version, description="Version of the chart.")
    namespace: Name = Field(default="cert-manager", description="Its namespace, owned by the stack.")
    values: dict[str, Any] = Field(default={}, description="Values of the chart, merged over the platform's.")


class OperatorSettings(Model):
    """The Flink Kubernetes operator."""

    enabled: bool = Field(default=True, description="Install it; false: the cluster has it.")
    version: str = Field(default=versions.OPERATOR.version, description="Version of chart and operator.")
    namespace: Name = Field(
        default="flink-operator",
        description="Its namespace, owned by the stack; where the cluster has it, the one that it is in.",
    )
    webhook: bool = Field(default=True, description="Its admission webhook; needs cert-manager in the cluster.")
    egress: list[Endpoint] = Field(
        default=[],
        description="What its pods may reach beside names, the API server, jobs and the jars of session jobs.",
    )
    configuration: dict[str, Text] = Field(
        default={},
        description="Its own configuration and defaults of every job, over the platform's; flat keys as documented.",
    )
    values: dict[str, Any] = Field(default={}, description="Values of the chart, merged over the platform's.")


class Process(Model):
    """Size of a JobManager or of each TaskManager."""

    memory: Text | None = Field(default=None, description="Total memory of the process, as Flink writes it: 2048m, 4g.")
    cpu: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="CPUs of the process.")
    replicas: int | None = Field(default=None, ge=1, le=JAVA_INT, description="Number of processes.")


class JobSettings(Model):
    """What a stack says of one job, of all (`jobDefaults`), or in spite of all (`enforced`)."""

    enabled: bool | None = Field(
        default=None,
        description="Whether the job is part of this environment; not set: it is, unless its file is annotated with "
        '`flink-k8s/enabled: "false"`.',
    )
    namespace: Name | None = Field(default=None, description="Namespace of the job.")
    image: str | None = Field(default=None, description="Container image.")
    flink_version: str | None = Field(default=None, description="Flink's version as the operator writes it: v2_2.")
    parallelism: int | None = Field(default=None, ge=1, le=JAVA_INT, description="Parallelism of the job.")
    parameters: dict[str, Text | None] | None = Field(
        default=None,
        description="Handed to the job as --key value, after the job file's own arguments; null takes a key away. In "
        "`jobDefaults`: those that the job's arguments lack.",
    )
    args: list[Text] | None = Field(
        default=None,
        description="The job's arguments, instead of the job file's; in `jobDefaults`: of a job whose file has none.",
    )
    upgrade_mode: Literal["stateless", "savepoint", "last-state"] | None = Field(
        default=None, description="What a changed job starts from: nothing, a savepoint, the latest checkpoint."
    )
    state: Literal["running", "suspended"] | None = Field(default=None, description="Whether the job runs.")
    job_manager: Process | None = Field(default=None, description="Size of the JobManager.")
    task_manager: Process | None = Field(default=None, description="Size of each TaskManager.")
    flink_configuration: dict[str, Any] | None = Field(
        default=None, description="Flink's configuration; null takes a key away."
    )
    env: dict[str, Text | None] | None = Field(
        default=None, description="Environment variables of Flink's container; null takes one away."
    )
    secret_env: dict[str, SecretKey] | None = Field(
        default=None, description="Environment variables out of Secrets; none that is in `env` beside it."
    )
    secret_files: dict[Folder, SecretFiles | None] | None = Field(
        default=None,
        description="Folders of Flink's container whose files are the keys of a Secret; null takes one away.",
    )
    ingress: JobIngress | None = Field(default=None, description="Flink's web interface behind an ingress.")
    internal_tls: InternalTls | None = Field(
        default=None, description="TLS between the job's own processes, by cert-manager; not set: none."
    )
    restart_nonce: int | None = Field(
        default=None, ge=-(2**63), le=2**63 - 1, description="A changed number restarts the job."
    )
    external: bool | None = Field(
        default=None,
        description="true: a session job's cluster, or the job that a snapshot is of, is not declared here.",
    )
    restore_from: str | None = Field(
        default=None,
        description="Path of a savepoint or checkpoint that the job starts from: at its first deployment, and again "
        "whenever the path changes; what the job has done since that savepoint is given up then.",
    )
    savepoint_on_deletion: bool | None = Field(
        default=None,
        description="true: a savepoint is taken before the job is deleted. In `jobDefaults` and `enforced` it speaks "
        "of jobs that keep state.",
    )
    protect: bool | None = Field(
        default=None, description="Whether deleting the job is refused; not set: as `protectJobs` says."
    )
    egress: list[Endpoint] | None = Field(
        default=None,
        description="What the job's pods may reach beside names, API server and storage: its sources and sinks.",
    )
    spec: dict[str, Any] | None = Field(default=None, description="Anything else of the resource's spec, merged last.")

    @field_validator("secret_env")
    @classmethod
    def _not_plain_too(
        cls, variables: dict[str, SecretKey] | None, info: ValidationInfo
    ) -> dict[str, SecretKey] | None:
        plain: dict[str, str | None] = info.data.get("env") or {}
        error = PydanticCustomError("twice", "is in env and secretEnv; keep one")
        twice = [InitErrorDetails(type=error, loc=(name,), input=name) for name in variables or {} if name in plain]
        if twice:
            raise ValidationError.from_exception_data("secretEnv", twice)
        return variables


class Suspension(Model):
    """What `make suspend` and `make resume` hand to a run of the program, and what later runs are handed again."""

    jobs: dict[str, Text] = Field(
        default={}, description="Jobs that are suspended, by kind/namespace/name: since when, and by whom."
    )
    about: list[str] | None = Field(
        default=None, description="Jobs that the run is about: nobody waits for others; not set: for all that run."
    )


class StackSettings(Model):
    """The whole stack config."""

    context: str = Field(description="kube-context of the cluster; the ambient one is never used.")
    kubeconfig: str | None = Field(
        default=None, description="File of that context, relative to the project, when it is not in the usual place."
    )
    platform: str | None = Field(
        default=None,
        description="Stack that holds the platform; this one holds jobs alone then: docs/teams.md. It takes context, "
        "namespaces, operator and storage from there.",
    )
    job_folders: list[JobFolder] = Field(
        default=["jobs"], description="Folders with the stack's job files, relative to the project; [] for no jobs."
    )
    namespaces: dict[Name, NamespaceSettings] = Field(
        default={DEFAULT_NAMESPACE: NamespaceSettings()},
        min_length=1,
        description="Namespaces for jobs; a job file without a namespace goes to the first.",
    )
    cert_manager: CertManagerSettings = Field(
        default=CertManagerSettings(), description="cert-manager, for the operator's webhook."
    )
    prometheus: PrometheusSettings = Field(
        default=PrometheusSettings(), description="Prometheus, Alertmanager and Grafana."
    )
    operator: OperatorSettings = Field(default=OperatorSettings(), description="The Flink Kubernetes operator.")
    charts: Charts = Field(
        default=Charts(), description="Where Helm charts come from instead of their official repositories."
    )
    state_storage: StateStorage = Field(
        default=StateStorage(), description="Where jobs keep checkpoints, savepoints and high-availability data."
    )
    network_policies: NetworkPolicies = Field(
        default=NetworkPolicies(), description="Who may reach whom on the network."
    )
    ingress: Ingress = Field(default=Ingress(), description="Flink's web interface behind an ingress.")
    images: dict[str, Text] = Field(
        default={},
        description="Images as jobs name them, and what is deployed instead; `{code}` in it is a hash of the code in "
        "jobs/pyflink that the job uses: docs/jobs.md.",
    )
    job_defaults: JobSettings = Field(default=JobSettings(), description="Settings of every job, under the job files.")
    jobs: dict[str, JobSettings] = Field(
        default={}, description="Settings of single jobs, by name or by kind/namespace/name."
    )
    enforced: JobSettings = Field(default=JobSettings(), description="Settings of every job that win over everything.")
    wait_for_jobs: bool = Field(
        default=True, description="`up` ends when every job is ready and fails when one is not."
    )
    protect_jobs: bool = Field(
        default=False, description="Deleting a job, by `destroy` too, is refused; a job's `protect` says otherwise."
    )
    job_timeout: Duration = Field(default="10m", description="How long a job may take to get ready.")
    suspension: Suspension = Field(
        default=Suspension(),
        description="Not for stack files: what `make suspend` has stopped; the tools take it from the engine's state.",
    )
    strict: bool = Field(
        default=False, description="What is a warning otherwise is an error; for environments that count."
    )

    checks: dict[str, Literal["error", "warning", "notice", "disabled"]] = Field(
        default={},
        description="Severity of single rules, by id: docs/checks.md. It wins over `strict`; rules that find what "
        "cannot be deployed are always errors.",
    )

    @model_validator(mode="before")
    @classmethod
    def _nothing_said(cls, values: object) -> object:
        """The engine hands an empty text or mapping for a key that the stack file does not have."""
        if not isinstance(values, dict):
            return values
        said = cast(dict[str, object], values)
        known = {field.alias for field in cls.model_fields.values()}
        return {key: value for key, value in said.items() if key not in known or value not in ("", {}, None)}

    @property
    def own_namespaces(self) -> dict[str, NamespaceSettings]:
        """The namespaces that this stack makes: none on another stack's platform."""
        return self.namespaces if self.platform is None else {}

    @property
    def makes_monitors(self) -> bool:
        """Whether this stack makes PodMonitors, alert rules and dashboards. Stacks of jobs make none."""
        return self.prometheus.monitors and self.platform is None

    @property
    def first_namespace(self) -> str:
        """Where jobs go that name no namespace."""
        return next(iter(self.namespaces))
