"""The stack config as models: every key with type, default and description."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self, cast, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from flink_k8s.config.autoscaling_model import Autoscaling
from flink_k8s.config.availability_model import Availability
from flink_k8s.config.base import Duration, Model, Name, SecretKey, Text, matching
from flink_k8s.config.ingress import Ingress, JobIngress
from flink_k8s.config.logging_model import LoggingSettings
from flink_k8s.config.monitoring import PrometheusSettings
from flink_k8s.config.namespace import NamespaceSettings
from flink_k8s.config.network import Endpoint, NetworkPolicies
from flink_k8s.config.problems import nearest
from flink_k8s.config.secret_model import Folder, SecretFiles
from flink_k8s.config.state_model import StateStorage
from flink_k8s.config.tls_model import InternalTls
from flink_k8s.facts import versions
from flink_k8s.facts.artifacts import CONNECTORS, FILE_SYSTEM_PLUGINS, MAVEN_CENTRAL, Artifact

DEFAULT_NAMESPACE = "flink"
OPENSHIFT_PROMETHEUS: Mapping[str, object] = {"enabled": False, "namespace": "openshift-user-workload-monitoring"}
"""Defaults of `prometheus` on OpenShift: its Prometheus for the metrics of users."""

JOB_ACCOUNT = "flink"
"""The ServiceAccount that the program owns in each namespace and that jobs run under by default."""

JAVA_INT = 2**31 - 1
"""Maximum of the fields that are an int in the operator."""


def _folder(text: str) -> str:
    path = PurePosixPath(text)
    is_name = text.isprintable() and len(text) < 1_000 and all(len(part.encode()) < 256 for part in path.parts)
    if path.is_absolute() or ".." in path.parts or not path.parts or not is_name:
        raise ValueError('is not a folder in the project; write a relative path such as "jobs/team-a"')
    return str(path)


JobFolder = Annotated[str, AfterValidator(_folder)]


KindAndGroup = Annotated[
    str,
    matching(
        r"[A-Z][A-Za-z0-9]{0,62}(\.[a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?)?",
        'is not a kind with its API group; write a kind such as "KafkaTopic.kafka.strimzi.io"',
    ),
]


StateLoss = Annotated[
    str,
    matching(r"[^@\s]+@[a-p]{8}", 'is not a job and a token; write "job@token" as the refusal of the change prints it'),
]


Registry = Annotated[
    str,
    matching(
        r"[^\s/]+(/[^\s/]+)*",
        'is not a registry; write host and path without scheme, such as "registry.example.org/mirror"',
    ),
]


ObjectKey = Annotated[
    str,
    matching(
        r"[A-Z][A-Za-z0-9]{0,62}/[a-z0-9][-a-z0-9]{0,62}/[^/\s]{1,253}",
        'is not an object; write kind/namespace/name such as "FlinkDeployment/team-a/orders"',
    ),
]

Predecessor = Annotated[
    str,
    matching(
        r"([A-Z][A-Za-z0-9]{0,62}/([a-z0-9][-a-z0-9]{0,62}/)?)?[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?",
        'is not a job or object; write the name of a job, or kind/name of an object such as "KafkaTopic/orders"',
    ),
]


def _connector(text: str) -> str:
    names = [*CONNECTORS, *FILE_SYSTEM_PLUGINS]
    if text in names:
        return text
    if ":" not in text:
        raise ValueError(f'unknown connector "{text}"; {nearest(text, names)}, or write group:artifact:version')
    if Artifact.parse(text) is None:
        raise ValueError(
            f'"{text}" are not Maven coordinates; write group:artifact:version, or group:artifact:version@<SHA-256>'
        )
    return text


Connector = Annotated[str, AfterValidator(_connector)]


Derivation = Literal["account", "labels", "metrics", "policy", "security", "state", "submission"]
"""A part of a job that the platform derives: docs/adopt.md."""

DERIVATIONS: frozenset[Derivation] = frozenset(get_args(Derivation))


class ChartSource(Model):
    """Source of one chart, instead of its official repository."""

    repository: str | None = Field(
        default=None, description="URL of a Helm repository, or oci:// address of the repository of the chart."
    )
    path: str | None = Field(default=None, description="Directory or .tgz file of the chart, relative to the project.")


class Charts(Model):
    """Sources of Helm charts and of their images."""

    mirror: str | None = Field(
        default=None,
        description="Source of all charts: a Helm repository, an oci:// address, or a directory with "
        "<chart>-<version>.tgz.",
    )
    image_registry: Registry | None = Field(
        default=None,
        description="Registry of the images of all charts, instead of the public ones: registry.example.org/mirror. "
        "It keeps the paths of the images.",
    )
    cert_manager: ChartSource = Field(default=ChartSource(), description="Chart of cert-manager.")
    prometheus: ChartSource = Field(default=ChartSource(), description="Chart kube-prometheus-stack.")
    operator: ChartSource = Field(default=ChartSource(), description="Chart of the Flink operator.")
    log_store: ChartSource = Field(default=ChartSource(), description="Chart victoria-logs-single.")
    log_collector: ChartSource = Field(default=ChartSource(), description="Chart victoria-logs-collector.")


class CertManagerSettings(Model):
    """cert-manager, which issues the certificate of the operator's webhook."""

    enabled: bool = Field(default=True, description="Install it; false: use the installation in the cluster.")
    version: str = Field(default=versions.CERT_MANAGER.version, description="Version of the chart.")
    namespace: Name = Field(default="cert-manager", description="Namespace of cert-manager, owned by the stack.")
    values: dict[str, Any] = Field(default={}, description="Values of the chart, merged over those of the platform.")


class OperatorSettings(Model):
    """The Flink Kubernetes operator."""

    enabled: bool = Field(default=True, description="Install it; false: use the installation in the cluster.")
    version: str = Field(default=versions.OPERATOR.version, description="Version of chart and operator.")
    namespace: Name = Field(
        default="flink-operator",
        description="Namespace of the operator, owned by the stack; with `enabled: false`, that of the existing "
        "operator.",
    )
    webhook: bool = Field(
        default=True, description="Enable the admission webhook; requires cert-manager in the cluster."
    )
    watch_all_namespaces: bool = Field(
        default=False,
        description="Reconcile the Flink resources of all namespaces, also of those that the stack does not declare, by"
        " a ClusterRole; review stacks need it: docs/environments.md.",
    )
    expected_jobs: int = Field(
        default=0,
        ge=0,
        description="Number of jobs that the operator's CPU and memory are derived for, if the stack has fewer: set it "
        "on a platform for the jobs of other stacks; docs/teams.md.",
    )
    egress: list[Endpoint] = Field(
        default=[],
        description="Allowed egress of the operator in addition to DNS, the API server, jobs and the jars of session "
        "jobs.",
    )
    configuration: dict[str, Text] = Field(
        default={},
        description="Configuration of the operator and defaults of all jobs, merged over those of the platform; flat "
        "keys.",
    )
    values: dict[str, Any] = Field(default={}, description="Values of the chart, merged over those of the platform.")


class Process(Model):
    """Size of a JobManager or of each TaskManager."""

    memory: Text | None = Field(default=None, description="Total memory of the process in Flink's format: 2048m, 4g.")
    cpu: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="CPUs of the process.")
    replicas: int | None = Field(default=None, ge=1, le=JAVA_INT, description="Number of processes.")


class Drill(Model):
    """The copy of a job that `make restore-drill` runs: docs/state.md."""

    parameters: dict[str, Text | None] = Field(
        default={},
        description="Arguments of the copy in the form --key value, which win over all others; null removes a key. "
        "They must redirect every output.",
    )
    outputs: Literal["none"] | None = Field(
        default=None, description="none: the job has no outputs, so no parameter has to redirect them."
    )
    allow_non_restored_state: bool = Field(
        default=False,
        description="The copy starts without the state of operators that it does not have, such as a sink that "
        "`parameters` replaces.",
    )

    @model_validator(mode="after")
    def _redirects_outputs(self) -> Self:
        if not self.parameters and self.outputs is None:
            raise ValueError("redirects no output; set parameters, or outputs: none if the job has no outputs")
        return self


class JobSettings(Model):
    """Settings of one job (`jobs`), defaults of all jobs (`jobDefaults`), or overrides of all jobs (`enforced`)."""

    enabled: bool | None = Field(
        default=None,
        description="Whether the job is deployed in this environment; not set: true, unless its file has the "
        "annotation "
        '`flink-k8s/enabled: "false"`.',
    )
    namespace: Name | None = Field(default=None, description="Namespace of the job.")
    image: str | None = Field(default=None, description="Container image.")
    flink_version: str | None = Field(default=None, description="Flink version in the operator's format: v2_2.")
    parallelism: int | None = Field(default=None, ge=1, le=JAVA_INT, description="Parallelism of the job.")
    parameters: dict[str, Text | None] | None = Field(
        default=None,
        description="Arguments in the form --key value, appended to those of the job file; null removes a key. In "
        "`jobDefaults`: only keys that the job's arguments lack.",
    )
    args: list[Text] | None = Field(
        default=None,
        description="Arguments of the job, replacing those of the job file; in `jobDefaults`: if the job file has "
        "none.",
    )
    upgrade_mode: Literal["stateless", "savepoint", "last-state"] | None = Field(
        default=None, description="State from which a changed job starts: empty, a savepoint, the latest checkpoint."
    )
    state: Literal["running", "suspended"] | None = Field(default=None, description="Whether the job runs.")
    job_manager: Process | None = Field(default=None, description="Size of the JobManager.")
    task_manager: Process | None = Field(default=None, description="Size of each TaskManager.")
    flink_configuration: dict[str, Any] | None = Field(
        default=None, description="Flink configuration; null removes a key."
    )
    env: dict[str, Text | None] | None = Field(
        default=None, description="Environment variables of Flink's container; null removes a variable."
    )
    secret_env: dict[str, SecretKey] | None = Field(
        default=None, description="Environment variables from Secrets; a name must not be in `env`, too."
    )
    secret_files: dict[Folder, SecretFiles | None] | None = Field(
        default=None,
        description="Directories of Flink's container whose files are the keys of a Secret; null removes a directory.",
    )
    ingress: JobIngress | None = Field(default=None, description="Ingress of the Flink web UI.")
    internal_tls: InternalTls | None = Field(
        default=None, description="TLS between the job's processes, with certificates of cert-manager; not set: no TLS."
    )
    autoscaling: Autoscaling | None = Field(
        default=None,
        description="Autoscaling of the job; not set: none. In `jobDefaults` and `enforced` it applies to jobs that the"
        " autoscaler can scale.",
    )
    recovery: Literal["default", "fast"] | None = Field(
        default=None,
        description="fast: a standby JobManager, a spare TaskManager and other options that shorten the recovery from a"
        " failure, at a cost: docs/availability.md. Not set: Flink's defaults.",
    )
    availability: Availability | None = Field(
        default=None,
        description="Disruption budgets, priority, spread and nodes of the job's pods; not set: none of them.",
    )
    restart_nonce: int | None = Field(
        default=None, ge=-(2**63), le=2**63 - 1, description="A changed number restarts the job."
    )
    external: bool | None = Field(
        default=None,
        description="true: the cluster of a session job, or the job of a snapshot, is not declared in this stack.",
    )
    after: list[Predecessor] | None = Field(
        default=None,
        description="Jobs and objects of job files that are ready before the job is deployed: `orders` is a job, "
        "`KafkaTopic/orders` an object; `kind/namespace/name` for another namespace.",
    )
    restore_from: str | None = Field(
        default=None,
        description="State that the job starts from, at its first deployment and whenever the value changes; later "
        "state is lost. `latest`, a time (`2026-11-29T14:00Z`), the name of a FlinkStateSnapshot, the path of a "
        "savepoint or checkpoint, or `none` to override an earlier source. In `jobDefaults` and `enforced` it is "
        "`latest` or a time, and applies to stateful jobs only.",
    )
    drill: Drill | None = Field(
        default=None,
        description="Settings of the job's copy in `make restore-drill`, only in `jobs`; not set: no copy is made.",
    )
    savepoint_on_deletion: bool | None = Field(
        default=None,
        description="Take a savepoint before the job is deleted. In `jobDefaults` and `enforced` it applies to "
        "stateful "
        "jobs only.",
    )
    protect: bool | None = Field(default=None, description="Refuse to delete the job; not set: as in `protectJobs`.")
    egress: list[Endpoint] | None = Field(
        default=None,
        description="Allowed egress of the job in addition to DNS, API server and storage: its sources and sinks.",
    )
    connectors: list[Connector] | None = Field(
        default=None,
        description="Connectors, formats and catalogs that each pod downloads at its start: names (`kafka`) or Maven "
        "coordinates (`group:artifact:version`); and plugins of file systems by scheme (`s3a`): docs/jobs.md. Not set: "
        "those of the image.",
    )
    derive: list[Derivation] | None = Field(
        default=None,
        description="Parts of the job that the platform derives; not set: all, and none of a job in `adopt`: "
        "docs/adopt.md.",
    )
    spec: dict[str, Any] | None = Field(default=None, description="Other fields of the resource's spec, merged last.")

    @field_validator("secret_env")
    @classmethod
    def _not_in_env(cls, variables: dict[str, SecretKey] | None, info: ValidationInfo) -> dict[str, SecretKey] | None:
        plain: dict[str, str | None] = info.data.get("env") or {}
        error = PydanticCustomError("twice", "is in both env and secretEnv; remove one of them")
        duplicates = [
            InitErrorDetails(type=error, loc=(name,), input=name) for name in variables or {} if name in plain
        ]
        if duplicates:
            raise ValidationError.from_exception_data("secretEnv", duplicates)
        return variables


class Suspension(Model):
    """Suspended jobs: `make suspend` and `make resume` pass it to the program, and later runs receive it again."""

    jobs: dict[str, Text] = Field(default={}, description="Suspended jobs by kind/namespace/name, with time and user.")
    about: list[str] | None = Field(default=None, description="Jobs that the run waits for; not set: all running jobs.")


class RestoreDrill(Model):
    """The jobs that a run of `make restore-drill` copies."""

    jobs: dict[str, str] = Field(
        default={},
        description="Copied jobs by kind/namespace/name, with the path that the copy restores; empty for a session "
        "cluster.",
    )


class StackSettings(Model):
    """The whole stack config."""

    context: str = Field(description="kube-context of the cluster; the current context is never used.")
    kubeconfig: str | None = Field(
        default=None,
        description="kubeconfig file with the context, relative to the project; not set: the default file.",
    )
    openshift: bool = Field(
        default=False,
        description="The cluster is OpenShift: pods may run as the user of Flink's images, policies allow its DNS, and "
        "`prometheus` is OpenShift's own: docs/environments.md.",
    )
    platform: str | None = Field(
        default=None,
        description="Stack with the platform, for a stack that contains only jobs: docs/teams.md. Context, namespaces, "
        "operator and storage are those of the platform's stack.",
    )
    team_kinds: list[KindAndGroup] = Field(
        default=[],
        description="Namespaced kinds that stacks on this platform can have in their job files, in addition to "
        "workloads and their configuration: `KafkaTopic.kafka.strimzi.io`.",
    )
    job_folders: list[JobFolder] = Field(
        default=["jobs"], description="Folders with the stack's job files, relative to the project; [] for no jobs."
    )
    adopt: list[ObjectKey] = Field(
        default=[],
        description="Objects in the cluster that the stack takes over unchanged instead of creating them, by "
        "kind/namespace/name: docs/adopt.md.",
    )
    namespaces: dict[Name, NamespaceSettings] = Field(
        default={DEFAULT_NAMESPACE: NamespaceSettings()},
        min_length=1,
        description="Namespaces for jobs.",
    )
    default_namespace: str | None = Field(
        default=None,
        description="Namespace of job files without a namespace; not set: the first of `namespaces` by name. Set it if"
        " the stack has several, so that another namespace does not move jobs.",
    )
    cert_manager: CertManagerSettings = Field(
        default=CertManagerSettings(), description="cert-manager, required by the operator's webhook."
    )
    prometheus: PrometheusSettings = Field(
        default=PrometheusSettings(), description="Prometheus, Alertmanager and Grafana."
    )
    logging: LoggingSettings = Field(
        default=LoggingSettings(), description="Store of the logs of pods: docs/monitoring.md."
    )
    operator: OperatorSettings = Field(default=OperatorSettings(), description="The Flink Kubernetes operator.")
    charts: Charts = Field(
        default=Charts(), description="Sources of Helm charts, instead of their official repositories."
    )
    state_storage: StateStorage = Field(
        default=StateStorage(), description="Storage for checkpoints, savepoints and high-availability data."
    )
    network_policies: NetworkPolicies = Field(
        default=NetworkPolicies(), description="NetworkPolicies of jobs and the operator."
    )
    ingress: Ingress = Field(default=Ingress(), description="Ingresses of the Flink web UI.")
    images: dict[str, Text] = Field(
        default={},
        description="Image in job files to the image that is deployed instead; `{code}` is replaced by a hash of the "
        "code "
        "in jobs/pyflink that the job uses: docs/jobs.md.",
    )
    maven_repository: str | None = Field(
        default=None,
        description="URL of the Maven repository of connectors and jars, which pods can read without a password; not "
        "set: Maven Central.",
    )
    job_defaults: JobSettings = Field(
        default=JobSettings(), description="Defaults of all jobs; a job file overrides them."
    )
    jobs: dict[str, JobSettings] = Field(
        default={},
        description="Settings of single jobs, by name or by kind/namespace/name; they override the job files.",
    )
    enforced: JobSettings = Field(
        default=JobSettings(), description="Settings of all jobs that override every other source."
    )
    wait_for_jobs: bool = Field(
        default=True, description="`up` waits until all jobs are ready, and fails if a job is not."
    )
    protect_jobs: bool = Field(
        default=False, description="Refuse to delete jobs, including by `destroy`; override it per job with `protect`."
    )
    allow_state_loss: list[StateLoss] = Field(
        default=[],
        description="Changes that may lose the state of a job, each as `job@token` from the refusal of the change; an "
        "entry allows no other change: docs/plan.md.",
    )
    job_timeout: Duration = Field(default="10m", description="Maximum time until a job is ready.")
    suspension: Suspension = Field(
        default=Suspension(),
        description="Not allowed in stack files: jobs suspended by `make suspend`, from the engine's state.",
    )
    restore_drill: RestoreDrill = Field(
        default=RestoreDrill(),
        description="Not allowed in stack files: the jobs that a run of `make restore-drill` copies.",
    )
    strict: bool = Field(default=False, description="Treat warnings as errors; recommended for production.")

    checks: dict[str, Literal["error", "warning", "notice", "disabled"]] = Field(
        default={},
        description="Severity of single rules, by id: docs/checks.md. It wins over `strict`; rules about objects that "
        "cannot be deployed are always errors.",
    )

    @field_validator("default_namespace")
    @classmethod
    def _declared(cls, name: str | None, info: ValidationInfo) -> str | None:
        namespaces = info.data.get("namespaces")
        if name is not None and namespaces is not None and name not in namespaces:
            raise ValueError(f'is "{name}", which is not in namespaces; {nearest(name, list(namespaces))}')
        return name

    @field_validator("maven_repository")
    @classmethod
    def _without_password(cls, url: str | None) -> str | None:
        parts = urlsplit(url or MAVEN_CENTRAL)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("is not the URL of a repository; write a URL such as https://maven.example.org/maven2")
        if parts.username or parts.password:
            raise ValueError("contains a password; use a repository that can be read without one")
        return url

    @model_validator(mode="before")
    @classmethod
    def _without_empty_values(cls, values: object) -> object:
        """Remove empty values: the engine passes an empty text or mapping for a key that is not in the stack file.

        The default of `prometheus` depends on `openshift`, which has a Prometheus stack of its own.
        """
        if not isinstance(values, dict):
            return values
        config = cast(dict[str, object], values)
        prometheus: object = config.get("prometheus") or dict[str, object]()
        if config.get("openshift") is True and isinstance(prometheus, dict):
            config = {**config, "prometheus": {**OPENSHIFT_PROMETHEUS, **cast(dict[str, object], prometheus)}}
        known = {field.alias for field in cls.model_fields.values()}
        return {key: value for key, value in config.items() if key not in known or value not in ("", {}, None)}

    @property
    def own_namespaces(self) -> dict[str, NamespaceSettings]:
        """The namespaces that belong to this stack: none if it is on another stack's platform, or a drill."""
        return self.namespaces if self.platform is None and not self.is_drill else {}

    @property
    def is_drill(self) -> bool:
        """Whether the stack consists of the copies of a restore drill."""
        return bool(self.restore_drill.jobs)

    @property
    def parts(self) -> dict[str, CertManagerSettings | PrometheusSettings | LoggingSettings | OperatorSettings]:
        """The components that Helm charts install, by their key."""
        return {
            "certManager": self.cert_manager,
            "prometheus": self.prometheus,
            "logging": self.logging,
            "operator": self.operator,
        }

    @property
    def makes_monitors(self) -> bool:
        """Whether this stack makes PodMonitors, alert rules and dashboards. Stacks of jobs make none."""
        return self.prometheus.monitors and self.platform is None and not self.is_drill

    @property
    def repository(self) -> str:
        """URL of the Maven repository."""
        return self.maven_repository or MAVEN_CENTRAL

    @property
    def fallback_namespace(self) -> str:
        """The namespace of jobs that set none. The engine does not keep the order of a stack file."""
        return self.default_namespace or min(self.namespaces)
