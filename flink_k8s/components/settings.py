"""The arguments of `FlinkPlatform` and `FlinkJob`; generated from the models of the stack config by `make schema`.

A value of the type `pulumi.Input` can be an output; all others must be known when the program starts. This module does
not postpone the evaluation of annotations: Pulumi derives the schema of the component package from them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict

import pulumi


class Quota(TypedDict, total=False):
    """Bounds of all requests in a namespace together: a ResourceQuota. A field that is not set has no bound."""

    cpu: str
    """CPUs that all pods may request together: 8, 500m."""
    memory: str
    """Memory that all pods may request together: 32Gi."""
    pods: int
    """Number of pods that have not terminated."""
    storage: str
    """Storage that all claims may request together: 100Gi."""
    claims: int
    """Number of PersistentVolumeClaims."""
    deployments: int
    """Number of FlinkDeployments."""
    sessionJobs: int
    """Number of FlinkSessionJobs."""
    snapshots: int
    """Number of FlinkStateSnapshots, including periodic ones of the operator."""
    blueGreenDeployments: int
    """Number of FlinkBlueGreenDeployments; each creates up to two FlinkDeployments."""
    hard: Mapping[str, str]
    """Further bounds by their Kubernetes names, such as limits.memory or count/secrets."""


class Amounts(TypedDict, total=False):
    """CPU and memory of one container."""

    cpu: str
    """CPUs: 2, 500m."""
    memory: str
    """Memory: 4Gi, 512Mi."""


class Limits(TypedDict, total=False):
    """Bounds of single containers and claims, and defaults of containers: a LimitRange."""

    min: Amounts
    """Minimum request of a container."""
    defaultRequest: Amounts
    """Default request of a container."""
    default: Amounts
    """Default limit of a container."""
    max: Amounts
    """Maximum limit of a container."""
    claim: str
    """Maximum size of a PersistentVolumeClaim: 50Gi."""


Endpoint = TypedDict(
    "Endpoint",
    {
        "cidr": str,
        "except": Sequence[str],
        "namespace": str,
        "pods": Mapping[str, str],
        "ports": Sequence[str],
    },
    total=False,
)


class Access(TypedDict, total=False):
    """Who may do what in the namespace; each level includes the previous one. Subjects: docs/security.md."""

    view: Sequence[str]
    """Subjects that read jobs, pods, logs and events; no Secrets."""
    operate: Sequence[str]
    """Subjects that also take savepoints, restart pods and open the web UI."""
    deploy: Sequence[str]
    """Subjects that also deploy a team's stack; they can read the namespace's Secrets."""


class RemoteKey(TypedDict, total=False):
    """One value in another store."""

    key: Required[str]
    """Name of the entry in the store, such as its path."""
    property: str
    """Name of a value in the entry; not set: the whole text of the entry."""
    version: str
    """Version of the entry; not set: the newest."""


class ExternalSecret(TypedDict, total=False):
    """A Secret that the External Secrets operator creates from another store: an ExternalSecret, version v1."""

    store: Required[str]
    """Name of an existing SecretStore."""
    storeKind: str
    """Kind of the store: SecretStore (in this namespace) or ClusterSecretStore."""
    refresh: str
    """Interval of synchronization: 1h, 15m; 0: only once."""
    keys: Mapping[str, RemoteKey]
    """Key of the Secret to its value in the store."""
    allOf: Sequence[str]
    """Entries of the store from which all values become keys."""


class NamespaceSettings(TypedDict, total=False):
    """A namespace for jobs; Kubernetes enforces its profile, quota and limits."""

    create: bool
    """Whether the stack creates and owns the namespace. false: it exists, and gets neither labels nor a default-
    deny policy. Not set: true, except for default and kube-*, which exist in every cluster.
    """
    createAccount: bool
    """Whether the stack creates the ServiceAccount `flink` and its Role; false: the accounts exist."""
    labels: Mapping[str, str]
    """Further labels of the namespace."""
    alertLabels: Mapping[str, str]
    """Labels of all alerts about the namespace and its jobs, in place of those of `prometheus.alerts.labels`:
    {team: orders}.
    """
    podSecurity: str
    """Pod Security profile of the namespace."""
    podSecurityVersion: str
    """Kubernetes version of the profile: v1.34, or latest, which changes with the cluster."""
    quota: Quota
    """Bounds of all requests in the namespace together."""
    limits: Limits
    """Bounds and defaults of single containers and claims."""
    egress: Sequence[Endpoint]
    """Allowed egress of all pods in the namespace: sources and sinks of all jobs."""
    imagePullSecrets: Sequence[str]
    """Secrets in the namespace for pulling the jobs' images; create them yourself."""
    access: Access
    """Rights of people and CI in the namespace."""
    externalSecrets: Mapping[str, ExternalSecret]
    """Secrets in the namespace that are synchronized from another store, by name: docs/security.md."""


class CertManagerSettings(TypedDict, total=False):
    """cert-manager, which issues the certificate of the operator's webhook."""

    enabled: bool
    """Install it; false: use the installation in the cluster."""
    version: str
    """Version of the chart."""
    namespace: str
    """Namespace of cert-manager, owned by the stack."""
    values: Mapping[str, pulumi.Input[Any]]
    """Values of the chart, merged over those of the platform."""


class PrometheusStorage(TypedDict, total=False):
    """A volume for the data of Prometheus. Without a volume, the data is lost with the pod."""

    size: Required[str]
    """Size of the volume as a Kubernetes quantity: 50Gi."""
    storageClass: str
    """StorageClass; not set: the cluster's default."""


class Alerts(TypedDict, total=False):
    """Thresholds of alerts. Each alert has a page in docs/runbooks."""

    enabled: bool
    """Create alert rules."""
    off: Sequence[str]
    """Alerts that are disabled in this environment."""
    labels: Mapping[str, str]
    """Labels of all alerts, by which Alertmanager routes them: {team: data}."""
    runbooks: str
    """URL of the runbooks: that of docs/runbooks on your Git server."""
    failedFor: str
    """Time that a job is FAILED before FlinkJobFailed fires."""
    notStableFor: str
    """Time that a job is not stable or not running before FlinkJobNotStable fires."""
    missingFor: str
    """Time that declared resources are missing in the cluster before FlinkJobMissing fires."""
    restarts: int
    """Number of restarts of a job within `restartsWithin` at which FlinkJobRestarts fires."""
    restartsWithin: str
    """Window in which restarts are counted."""
    failedCheckpoints: int
    """Number of failed checkpoints of a job within `failedCheckpointsWithin` at which FlinkCheckpointsFailing
    fires.
    """
    failedCheckpointsWithin: str
    """Window in which checkpoints are counted."""
    checkpointAge: str
    """Age of a job's last completed checkpoint at which FlinkCheckpointStale fires; longer than the checkpoint
    interval.
    """
    checkpointGrowth: float
    """Ratio of the size of a job's last checkpoint to its size `checkpointGrowthWithin` ago at which
    FlinkCheckpointGrows fires.
    """
    checkpointGrowthWithin: str
    """Time between the two sizes of FlinkCheckpointGrows; shorter than `retention`."""
    checkpointGrowthFrom: str
    """Size of a checkpoint from which FlinkCheckpointGrows fires."""
    savepointAge: str
    """Age of a job's last savepoint at which FlinkSavepointOld fires; longer than its
    `kubernetes.operator.periodic.savepoint.interval`. Not set: the alert does not exist.
    """
    backPressure: float
    """Share of time that a task is back-pressured at which FlinkBackPressure fires: 0.5 is half."""
    backPressureFor: str
    """Time above `backPressure` before FlinkBackPressure fires."""
    sourceLag: int
    """Number of records that a job's sources have not read yet from which a growing lag is an alert:
    FlinkSourceLag.
    """
    sourceLagFor: str
    """Time that the lag grows before FlinkSourceLag fires."""
    heap: float
    """Share of the maximum heap at which FlinkHeapFull fires."""
    heapFor: str
    """Uninterrupted time above `heap` before FlinkHeapFull fires."""
    memory: float
    """Resident memory of a Flink container as a share of its limit at which FlinkMemoryNearLimit fires."""
    memoryFor: str
    """Time above `memory` before FlinkMemoryNearLimit fires."""
    outOfMemoryWithin: str
    """Time for which FlinkOutOfMemory fires after a container was killed."""
    certificateAge: str
    """Uptime of a process with `internalTls` at which FlinkInternalCertificateOld fires; shorter than
    `renewBefore` of all jobs.
    """
    autoscalerBlockedFor: str
    """Time that the autoscaler recommends a larger parallelism, or fails, before FlinkAutoscalerBlocked fires."""
    autoscalerLimitFor: str
    """Time that a vertex is slower than its input and the autoscaler cannot scale it up before
    FlinkAutoscalerLimit fires.
    """
    autoscalerScalings: int
    """Number of scalings of a job within `autoscalerScalingsWithin` at which FlinkAutoscalerFlaps fires."""
    autoscalerScalingsWithin: str
    """Window in which scalings are counted."""
    certificateOverdue: str
    """Time after the planned renewal of a certificate at which FlinkCertificateNotRenewed fires."""
    targetsMissingFor: str
    """Time that Prometheus scrapes fewer pods than exist before FlinkTargetsMissing fires."""
    operatorAbsentFor: str
    """Time that Prometheus cannot scrape the operator before FlinkOperatorAbsent fires."""
    reconcileErrors: int
    """Number of failed reconciliations of a resource within `reconcileErrorsWithin` at which FlinkReconcileErrors
    fires.
    """
    reconcileErrorsWithin: str
    """Window in which reconciliations are counted."""
    reconcileLag: str
    """Mean time between two reconciliations of a resource above which FlinkReconcileLag fires; longer than
    `kubernetes.operator.reconcile.interval`, 15 s by default.
    """
    reconcileLagFor: str
    """Time of the lag before FlinkReconcileLag fires."""


class PrometheusSettings(TypedDict, total=False):
    """kube-prometheus-stack: Prometheus, Alertmanager, Grafana and the Prometheus operator."""

    enabled: bool
    """Install it; false: use the installation in the cluster."""
    monitors: bool
    """Create PodMonitors, alert rules and dashboards; false for a cluster without a Prometheus operator."""
    version: str
    """Version of the chart."""
    namespace: str
    """Namespace of the chart, owned by the stack; with `enabled: false`, that of the existing Prometheus."""
    labels: Mapping[str, str]
    """Labels by which an existing Prometheus selects PodMonitors and rules."""
    controlPlane: bool
    """Scrape etcd, scheduler, controller manager and kube-proxy, and alert if they are missing; false for a
    cluster that does not expose them: EKS, GKE, AKS, kind.
    """
    retention: str
    """Retention of the data of Prometheus: 12h, 10d, 4w."""
    storage: PrometheusStorage
    """Volume of Prometheus; not set: the data is lost with the pod."""
    grafanaSecret: str
    """Secret in `namespace` with admin-user and admin-password of Grafana; not set: the program creates one with a
    random password.
    """
    dashboards: bool
    """Create the Grafana dashboards."""
    flinkUi: str
    """URL of the Flink web UI in links of the dashboards; ${namespace} and ${job} are replaced by those of the
    job. The default is the address of `make ui`.
    """
    alerts: Alerts
    """Alerts and their thresholds."""
    values: Mapping[str, pulumi.Input[Any]]
    """Values of the chart, merged over those of the platform."""


class LogStorage(TypedDict, total=False):
    """The volume of the log store. It exists until the stack is destroyed."""

    size: str
    """Size of the volume as a Kubernetes quantity."""
    storageClass: str
    """StorageClass; not set: the cluster's default."""


class LoggingSettings(TypedDict, total=False):
    """VictoriaLogs and its collector: they store the logs of jobs and the operator."""

    enabled: bool
    """Install the log store and a collector on each node."""
    namespace: str
    """Namespace of both, owned by the stack."""
    version: str
    """Version of the store's chart."""
    collectorVersion: str
    """Version of the collector's chart."""
    retention: str
    """Time that a line is stored: 14d, 4w, 1y."""
    storage: LogStorage
    """Volume of the log store."""
    link: str
    """URL of a job's logs in links of the dashboards; ${namespace} and ${job} are replaced by those of the job.
    Not set: VictoriaLogs at the address of `make monitor` if `enabled`, else no link.
    """
    values: Mapping[str, Any]
    """Values of the store's chart, merged over those of the platform."""
    collectorValues: Mapping[str, Any]
    """Values of the collector's chart, merged over those of the platform."""


class OperatorSettings(TypedDict, total=False):
    """The Flink Kubernetes operator."""

    enabled: bool
    """Install it; false: use the installation in the cluster."""
    version: str
    """Version of chart and operator."""
    namespace: str
    """Namespace of the operator, owned by the stack; with `enabled: false`, that of the existing operator."""
    webhook: bool
    """Enable the admission webhook; requires cert-manager in the cluster."""
    watchAllNamespaces: bool
    """Reconcile the Flink resources of all namespaces, also of those that the stack does not declare, by a
    ClusterRole; review stacks need it: docs/environments.md.
    """
    expectedJobs: int
    """Number of jobs that the operator's CPU and memory are derived for, if the stack has fewer: set it on a
    platform for the jobs of other stacks; docs/teams.md.
    """
    egress: Sequence[Endpoint]
    """Allowed egress of the operator in addition to DNS, the API server, jobs and the jars of session jobs."""
    configuration: Mapping[str, str]
    """Configuration of the operator and defaults of all jobs, merged over those of the platform; flat keys."""
    values: Mapping[str, pulumi.Input[Any]]
    """Values of the chart, merged over those of the platform."""


class ChartSource(TypedDict, total=False):
    """Source of one chart, instead of its official repository."""

    repository: str
    """URL of a Helm repository, or oci:// address of the repository of the chart."""
    path: str
    """Directory or .tgz file of the chart, relative to the project."""


class Charts(TypedDict, total=False):
    """Sources of Helm charts and of their images."""

    mirror: str
    """Source of all charts: a Helm repository, an oci:// address, or a directory with <chart>-<version>.tgz."""
    imageRegistry: str
    """Registry of the images of all charts, instead of the public ones: registry.example.org/mirror. It keeps the
    paths of the images.
    """
    certManager: ChartSource
    """Chart of cert-manager."""
    prometheus: ChartSource
    """Chart kube-prometheus-stack."""
    operator: ChartSource
    """Chart of the Flink operator."""
    logStore: ChartSource
    """Chart victoria-logs-single."""
    logCollector: ChartSource
    """Chart victoria-logs-collector."""


class SecretKey(TypedDict, total=False):
    """One key of a Kubernetes Secret in the job's namespace."""

    secret: Required[pulumi.Input[str]]
    """Name of the Secret."""
    key: Required[pulumi.Input[str]]
    """Key in the Secret."""


class StateCredentials(TypedDict, total=False):
    """Keys of the storage from existing Secrets in each namespace of jobs; none for workload identity."""

    accessKey: SecretKey
    """s3: id of the access key; requires `secretKey`."""
    secretKey: SecretKey
    """s3: secret access key; requires `accessKey`."""
    accountKey: SecretKey
    """azure: key of the storage account."""
    serviceAccountKey: SecretKey
    """gcs: JSON key of a service account, mounted as a file."""


class ManagedIdentity(TypedDict, total=False):
    """azure: the managed identity of the nodes or pods."""

    tenant: Required[pulumi.Input[str]]
    """Id of the tenant."""
    clientId: Required[pulumi.Input[str]]
    """Client id of the identity."""


class CreatedBucket(TypedDict, total=False):
    """s3: the bucket and the role of the jobs, which the stack creates in AWS: docs/state.md."""

    account: Required[str]
    """Account of AWS; another account of the credentials is an error."""
    oidcProvider: Required[str]
    """OpenID Connect provider of the cluster in IAM: the URL of its issuer without https://."""
    role: str
    """Name of the role; not set: the name of the bucket."""
    bucket: bool
    """false: the bucket exists, and the stack creates only the role."""
    namespaces: Sequence[str]
    """Further namespaces whose ServiceAccount `flink` may use the role, such as those of review stacks; * matches
    any text: [staging-pr-*].
    """


class StateVolume(TypedDict, total=False):
    """A claim for state in each namespace, for `type: volume`."""

    size: str
    """Size of the claim."""
    storageClass: str
    """StorageClass of the claim; not set: the cluster's default."""
    accessMode: str
    """Access mode of the claim; not set: ReadWriteOnce, which binds all stateful pods of a namespace to one node."""
    claim: str
    """Name of an existing claim in each namespace, which is used instead of a new one."""


class StateStorage(TypedDict, total=False):
    """Storage of checkpoints, savepoints and high-availability data: docs/state.md."""

    type: str
    """Type of storage."""
    uri: pulumi.Input[str]
    """Bucket or container and a prefix: s3://, s3p:// or s3a://bucket/prefix;
    abfss://container@account.dfs.core.windows.net/prefix; gs://bucket/prefix.
    """
    folder: str
    """First folder in the storage; not set: the stack's name. For a renamed stack, set its old name."""
    endpoint: str
    """s3, gcs: URL of a compatible store, such as MinIO."""
    pathStyle: bool
    """s3: put the bucket into the path instead of the host name; not set: true with `endpoint`."""
    region: pulumi.Input[str]
    """s3: region of the bucket; not set: the AWS client determines it."""
    credentials: StateCredentials
    """Keys of the storage, from Secrets."""
    managedIdentity: ManagedIdentity
    """azure with abfs or abfss: identity to use instead of an account key."""
    serviceAccountAnnotations: Mapping[str, pulumi.Input[str]]
    """Workload identity: annotations of the jobs' ServiceAccount, such as eks.amazonaws.com/role-arn."""
    create: CreatedBucket
    """s3: create the bucket of `uri` and the role of the jobs in AWS; requires the package pulumi-aws."""
    volume: StateVolume
    """Claims of `type: volume`."""
    plugin: Any
    """The file system's plugin: a name (flink-s3-fs-hadoop) or a jar (flink-s3-fs-hadoop-2.2.1.jar) in the image's
    opt/; false: the image already contains it in plugins/. Not set: by the scheme of `uri`.
    """


class ApiServerAddress(TypedDict, total=False):
    """Address of the Kubernetes API server, which is not a pod and whose address is not known in advance."""

    cidrs: Sequence[str]
    """Addresses of the API server (`kubectl get endpointslices -n default`); not set: any address at `ports`."""
    ports: Sequence[str]
    """Ports of the service and of its endpoints."""


Client = TypedDict(
    "Client",
    {
        "cidr": str,
        "except": Sequence[str],
        "namespace": str,
        "pods": Mapping[str, str],
    },
    total=False,
)


class NetworkPolicies(TypedDict, total=False):
    """NetworkPolicies that allow jobs and the operator only the connections that they need: docs/security.md."""

    enabled: bool
    """Create NetworkPolicies; a cluster that does not enforce them allows all connections."""
    apiServer: ApiServerAddress
    """Address of the API server, which Flink and the operator connect to."""
    dns: Sequence[Endpoint]
    """DNS servers; not set: pods `k8s-app: kube-dns` of kube-system and the node-local cache (169.254.0.0/16),
    port 53; with `openshift`, the pods of openshift-dns, port 5353.
    """
    storage: Sequence[Endpoint]
    """Storage of state; not set: derived from `stateStorage` and the directories of each job."""
    restClients: Sequence[Client]
    """Clients of Flink's REST endpoint and web UI, in addition to the operator."""


class IngressTls(TypedDict, total=False):
    """HTTPS of the ingress, from operator 1.8 on. {{name}} and {{namespace}} are replaced by those of the job."""

    secretName: str
    """Secret with the certificate, in the job's namespace."""
    clusterIssuer: str
    """ClusterIssuer of cert-manager for the certificate; not set: create the Secret yourself."""


Peer = TypedDict(
    "Peer",
    {
        "cidr": str,
        "except": Sequence[str],
        "namespace": str,
        "pods": Mapping[str, str],
    },
    total=False,
)


class Ingress(TypedDict, total=False):
    """Ingresses that expose the Flink web UI; the operator creates one for each job."""

    enabled: bool
    """Create an ingress for every job; a job's `ingress.enabled` wins."""
    className: str
    """IngressClass, such as nginx or traefik; not set: the cluster's default."""
    template: str
    """Host and optional path: {{name}}.{{namespace}}.flink.example.org; required if enabled."""
    tls: IngressTls
    """HTTPS; not set: the default of the controller."""
    annotations: Mapping[str, str]
    """Annotations of the ingress, such as the controller's annotations for authentication."""
    authentication: str
    """controller: users are authenticated by the controller or a proxy before it, without annotations."""
    controller: Peer
    """Pods of the controller, for NetworkPolicies: {namespace: ingress-nginx}."""


class Process(TypedDict, total=False):
    """Size of a JobManager or of each TaskManager."""

    memory: str
    """Total memory of the process in Flink's format: 2048m, 4g."""
    cpu: float
    """CPUs of the process."""
    replicas: int
    """Number of processes."""


class SecretFiles(TypedDict, total=False):
    """A Secret in the job's namespace, mounted as a read-only directory."""

    secret: Required[str]
    """Name of the Secret."""
    files: Mapping[str, str]
    """File name to key; not set: each key is a file with its name."""


class JobIngress(TypedDict, total=False):
    """Ingress settings of a job, which override those of the stack."""

    enabled: bool
    """Whether the job has an ingress; not set: as in `ingress`."""
    template: str
    """Host and path."""
    annotations: Mapping[str, str | None]
    """Further annotations; null removes an annotation."""


class InternalTls(TypedDict, total=False):
    """Mutual TLS between the processes of one Flink cluster, with a certificate authority of its own."""

    enabled: bool
    """Issue an authority and a certificate for the cluster with cert-manager; its processes then accept no other
    peers. A change restarts the job.
    """
    duration: str
    """Lifetime of a certificate: 1h at least, 43800h at most."""
    renewBefore: str
    """Time before the expiry of a certificate at which the next one is issued, and so the safe uptime of a
    process: Flink reads its certificate only at startup. Not set: three quarters of `duration`.
    """


class Autoscaling(TypedDict, total=False):
    """The operator's autoscaler for one job: docs/autoscaling.md."""

    profile: str
    """How fast the autoscaler reacts, and how much spare capacity it keeps; `none` disables autoscaling. Options
    in `flinkConfiguration` override those of the profile.
    """
    min: int
    """Smallest parallelism of each vertex of the job graph; not set: 1."""
    max: int
    """Largest parallelism of each vertex, required: quotas are checked with it, and it must not exceed
    `pipeline.max-parallelism`.
    """


class Availability(TypedDict, total=False):
    """Where the pods of a job run, and how many of them may be stopped at the same time: docs/availability.md."""

    maxUnavailable: int
    """Number of TaskManagers that the maintenance of nodes may stop at the same time, by a PodDisruptionBudget.
    One of several JobManagers always keeps running. Not set: no budget.
    """
    priorityClass: str
    """PriorityClass of the pods; it must exist."""
    spread: str
    """Spread the TaskManagers, and several JobManagers, over nodes or zones if there is room."""
    provider: str
    """Whose labels the nodes have; required by `nodePool` and `spot`."""
    nodePool: str
    """Node pool (EKS: node group) of the pods; with `spot`, of the TaskManagers only."""
    spot: bool
    """Run the TaskManagers on spot nodes, which the provider stops at short notice."""


class Drill(TypedDict, total=False):
    """The copy of a job that `make restore-drill` runs: docs/state.md."""

    parameters: Mapping[str, str | None]
    """Arguments of the copy in the form --key value, which win over all others; null removes a key. They must
    redirect every output.
    """
    outputs: str
    """none: the job has no outputs, so no parameter has to redirect them."""
    allowNonRestoredState: bool
    """The copy starts without the state of operators that it does not have, such as a sink that `parameters`
    replaces.
    """


class JobSettings(TypedDict, total=False):
    """Settings of one job (`jobs`), defaults of all jobs (`jobDefaults`), or overrides of all jobs (`enforced`)."""

    enabled: bool
    """Whether the job is deployed in this environment; not set: true, unless its file has the annotation
    `flink-k8s/enabled: "false"`.
    """
    namespace: str
    """Namespace of the job."""
    image: pulumi.Input[str]
    """Container image."""
    flinkVersion: str
    """Flink version in the operator's format: v2_2."""
    parallelism: int
    """Parallelism of the job."""
    parameters: Mapping[str, pulumi.Input[str] | None]
    """Arguments in the form --key value, appended to those of the job file; null removes a key. In `jobDefaults`:
    only keys that the job's arguments lack.
    """
    args: Sequence[pulumi.Input[str]]
    """Arguments of the job, replacing those of the job file; in `jobDefaults`: if the job file has none."""
    upgradeMode: str
    """State from which a changed job starts: empty, a savepoint, the latest checkpoint."""
    state: str
    """Whether the job runs."""
    jobManager: Process
    """Size of the JobManager."""
    taskManager: Process
    """Size of each TaskManager."""
    flinkConfiguration: Mapping[str, pulumi.Input[Any]]
    """Flink configuration; null removes a key."""
    env: Mapping[str, pulumi.Input[str] | None]
    """Environment variables of Flink's container; null removes a variable."""
    secretEnv: Mapping[str, SecretKey]
    """Environment variables from Secrets; a name must not be in `env`, too."""
    secretFiles: Mapping[str, SecretFiles | None]
    """Directories of Flink's container whose files are the keys of a Secret; null removes a directory."""
    ingress: JobIngress
    """Ingress of the Flink web UI."""
    internalTls: InternalTls
    """TLS between the job's processes, with certificates of cert-manager; not set: no TLS."""
    autoscaling: Autoscaling
    """Autoscaling of the job; not set: none. In `jobDefaults` and `enforced` it applies to jobs that the
    autoscaler can scale.
    """
    recovery: str
    """fast: a standby JobManager, a spare TaskManager and other options that shorten the recovery from a failure,
    at a cost: docs/availability.md. Not set: Flink's defaults.
    """
    availability: Availability
    """Disruption budgets, priority, spread and nodes of the job's pods; not set: none of them."""
    restartNonce: int
    """A changed number restarts the job."""
    external: bool
    """true: the cluster of a session job, or the job of a snapshot, is not declared in this stack."""
    after: Sequence[str]
    """Jobs and objects of job files that are ready before the job is deployed: `orders` is a job,
    `KafkaTopic/orders` an object; `kind/namespace/name` for another namespace.
    """
    restoreFrom: str
    """State that the job starts from, at its first deployment and whenever the value changes; later state is lost.
    `latest`, a time (`2026-11-29T14:00Z`), the name of a FlinkStateSnapshot, the path of a savepoint or
    checkpoint, or `none` to override an earlier source. In `jobDefaults` and `enforced` it is `latest` or a
    time, and applies to stateful jobs only.
    """
    drill: Drill
    """Settings of the job's copy in `make restore-drill`, only in `jobs`; not set: no copy is made."""
    savepointOnDeletion: bool
    """Take a savepoint before the job is deleted. In `jobDefaults` and `enforced` it applies to stateful jobs
    only.
    """
    protect: bool
    """Refuse to delete the job; not set: as in `protectJobs`."""
    egress: Sequence[Endpoint]
    """Allowed egress of the job in addition to DNS, API server and storage: its sources and sinks."""
    connectors: Sequence[str]
    """Connectors, formats and catalogs that each pod downloads at its start: names (`kafka`) or Maven coordinates
    (`group:artifact:version`); and plugins of file systems by scheme (`s3a`): docs/jobs.md. Not set: those of
    the image.
    """
    derive: Sequence[str]
    """Parts of the job that the platform derives; not set: all, and none of a job in `adopt`: docs/adopt.md."""
    spec: Mapping[str, pulumi.Input[Any]]
    """Other fields of the resource's spec, merged last."""


class FlinkPlatformArgs(TypedDict, total=False):
    """Arguments of `FlinkPlatform`: the keys of a stack file, and jobs."""

    context: Required[str]
    """kube-context of the cluster; the current context is never used."""
    kubeconfig: str
    """kubeconfig file with the context, relative to the project; not set: the default file."""
    openshift: bool
    """The cluster is OpenShift: pods may run as the user of Flink's images, policies allow its DNS, and
    `prometheus` is OpenShift's own: docs/environments.md.
    """
    teamKinds: Sequence[str]
    """Namespaced kinds that stacks on this platform can have in their job files, in addition to workloads and
    their configuration: `KafkaTopic.kafka.strimzi.io`.
    """
    jobFolders: Sequence[str]
    """Folders with job files, relative to the program's working directory; not set: none."""
    adopt: Sequence[str]
    """Objects in the cluster that the stack takes over unchanged instead of creating them, by kind/namespace/name:
    docs/adopt.md.
    """
    namespaces: Mapping[str, NamespaceSettings]
    """Namespaces for jobs."""
    defaultNamespace: str
    """Namespace of job files without a namespace; not set: the first of `namespaces` by name. Set it if the stack
    has several, so that another namespace does not move jobs.
    """
    certManager: CertManagerSettings
    """cert-manager, required by the operator's webhook."""
    prometheus: PrometheusSettings
    """Prometheus, Alertmanager and Grafana."""
    logging: LoggingSettings
    """Store of the logs of pods: docs/monitoring.md."""
    operator: OperatorSettings
    """The Flink Kubernetes operator."""
    charts: Charts
    """Sources of Helm charts, instead of their official repositories."""
    stateStorage: StateStorage
    """Storage for checkpoints, savepoints and high-availability data."""
    networkPolicies: NetworkPolicies
    """NetworkPolicies of jobs and the operator."""
    ingress: Ingress
    """Ingresses of the Flink web UI."""
    images: Mapping[str, pulumi.Input[str]]
    """Image in job files to the image that is deployed instead; `{code}` is replaced by a hash of the code in
    jobs/pyflink that the job uses: docs/jobs.md.
    """
    mavenRepository: str
    """URL of the Maven repository of connectors and jars, which pods can read without a password; not set: Maven
    Central.
    """
    jobDefaults: JobSettings
    """Defaults of all jobs; a job file overrides them."""
    jobs: Mapping[str, JobSettings]
    """Settings of single jobs, by name or by kind/namespace/name; they override the job files."""
    enforced: JobSettings
    """Settings of all jobs that override every other source."""
    waitForJobs: bool
    """`up` waits until all jobs are ready, and fails if a job is not."""
    protectJobs: bool
    """Refuse to delete jobs, including by `destroy`; override it per job with `protect`."""
    allowStateLoss: Sequence[str]
    """Changes that may lose the state of a job, each as `job@token` from the refusal of the change; an entry
    allows no other change: docs/plan.md.
    """
    jobTimeout: str
    """Maximum time until a job is ready."""
    strict: bool
    """Treat warnings as errors; recommended for production."""
    checks: Mapping[str, str]
    """Severity of single rules, by id: docs/checks.md. It wins over `strict`; rules about objects that cannot be
    deployed are always errors.
    """
    manifests: Mapping[str, pulumi.Input[Any]]
    """Manifests by any name, each an object or a list of a job and its other objects, as in a job file."""
    scripts: Mapping[str, str]
    """SQL jobs by their name: the text of a `.sql` job file."""


class FlinkJobArgs(TypedDict, total=False):
    """Arguments of `FlinkJob`: a manifest or a script, and the settings of the job."""

    platform: Required[Any]
    """The `FlinkPlatform` that the job runs on; in other languages than Python its arguments."""
    manifest: pulumi.Input[Any]
    """Manifest of the job, or a list of the job and its other objects, as in a job file."""
    script: str
    """A SQL job with the component's name, instead of a manifest: the text of a `.sql` job file."""
    settings: JobSettings
    """Settings of the job; they override the manifest."""
    waitForJobs: bool
    """`up` waits until all jobs are ready, and fails if a job is not."""
    allowStateLoss: Sequence[str]
    """Changes that may lose the state of a job, each as `job@token` from the refusal of the change; an entry
    allows no other change: docs/plan.md.
    """
    jobTimeout: str
    """Maximum time until a job is ready."""
    strict: bool
    """Treat warnings as errors; recommended for production."""
    checks: Mapping[str, str]
    """Severity of single rules, by id: docs/checks.md. It wins over `strict`; rules about objects that cannot be
    deployed are always errors.
    """
