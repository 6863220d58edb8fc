"""All rules, by id: description, rationale and remedy. docs/checks.md is generated from this table.

A rule is reported by a check (`checks.registry`). To add a rule: add it here, report its id in a check, and add an
object that breaks it and one that does not to the tests of that check.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flink_k8s.config.findings import Severity
from flink_k8s.config.problems import JOB_FILE, STACK_CONFIG, YAML


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: in kebab case; printed with each finding.
        severity: of a finding, unless the stack changes it.
        description: the problem that the rule finds.
        rationale: why this is a problem.
        remedy: how to fix the problem.
        is_of_one_object: whether one object of Kubernetes is enough to evaluate the rule, as the policy pack does.
    """

    id: str
    severity: Severity
    description: str
    rationale: str
    remedy: str
    is_of_one_object: bool = True

    @property
    def is_fixed(self) -> bool:
        """Whether no stack can change the severity: objects with errors cannot be deployed, or would not work."""
        return self.severity is Severity.ERROR


def _stack(rule: str, severity: Severity, description: str, rationale: str, remedy: str) -> Rule:
    return Rule(rule, severity, description, rationale, remedy, is_of_one_object=False)


_ERROR, _WARNING, _NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

_ALL: Iterable[Rule] = (
    # Reported by the readers of files.
    _stack(
        YAML,
        _ERROR,
        "a file that is not valid YAML, or whose keys or values YAML reads differently than they look",
        "The engine and Kubernetes use other YAML readers: what is checked would not be what is deployed.",
        "Correct the file at the printed line; quote values such as `no`, `1e3` and `2026-01-01`.",
    ),
    _stack(
        STACK_CONFIG,
        _ERROR,
        "an unknown key, a missing key or an invalid value in a stack file",
        "A misspelt setting would have no effect.",
        "Use the keys of [configuration.md](configuration.md).",
    ),
    _stack(
        JOB_FILE,
        _ERROR,
        "a job file, or an object in it, that is not a Kubernetes object, or is declared twice",
        "Kubernetes identifies an object by apiVersion, kind, namespace and name.",
        "Correct the object at the printed line.",
    ),
    # Errors: the operator, Flink or Kubernetes refuses the object.
    _stack(
        "sql-script",
        _ERROR,
        "a SQL script that Flink cannot run as one job: a text or a statement set without an end, an unknown "
        "statement, a query without INSERT, several jobs, an INSERT into an unknown table",
        "The operator gives a FlinkDeployment one job id: Flink ignores each further job of the script without an "
        "error. At other faults the JobManager fails, and `up` fails minutes later.",
        "Correct the statement at the printed line and column.",
    ),
    _stack(
        "sql-planner",
        _ERROR,
        "a statement of a SQL script that Flink's planner refuses; a notice if it cannot plan the statement on this "
        "machine. Reported by `make check PLANNER=1` only",
        "The JobManager fails with the same error, and `up` fails minutes later. The planner needs Java and its jars, "
        "so `check` runs it on request only.",
        "Correct the statement at the printed line and column.",
    ),
    _stack(
        "sql-variable",
        _ERROR,
        "a variable `${name}` of a SQL script without a value, or with a value that its position does not allow",
        "A value must not end the text around it, so outside of quotes only numbers, `true` and `false` are "
        "substituted.",
        "Set the value in `parameters`, or write the variable in quotes.",
    ),
    _stack(
        "drill-transactions",
        _ERROR,
        "a SQL job whose copy in a restore drill has an exactly-once sink",
        "The restored copy takes over the transactions of the running job, which cannot commit them: their records are "
        "missing in its output.",
        "Write a variable as `sink.delivery-guarantee`, and set it to `at-least-once` in `drill.parameters`.",
    ),
    _stack(
        "connector",
        _ERROR,
        "an entry of `connectors` that cannot be used: not published for the job's Flink version, the same jar in two "
        "versions, a session job",
        "The pods would not start, or Flink would load classes of both versions.",
        "Correct `connectors`; for another version of a jar, write its Maven coordinates.",
    ),
    Rule(
        "operator-validation",
        _ERROR,
        "a resource or a setting that the operator refuses",
        "The operator's validator rejects the resource, and the job does not start or keeps its old spec.",
        "Change the field that the finding names.",
    ),
    Rule(
        "unknown-field",
        _ERROR,
        "a field that the kind does not have",
        "Kubernetes drops an unknown field, so the setting has no effect.",
        "Correct the spelling, or remove the field.",
    ),
    _stack(
        "unknown-kind",
        _ERROR,
        "an object of Kubernetes' own API groups with an unknown kind, or a version that Kubernetes no longer serves",
        "The API server does not find the kind, and `up` fails at the object.",
        "Write the `apiVersion` or `kind` that the finding names: every supported version of Kubernetes serves it.",
    ),
    Rule(
        "wrong-type",
        _ERROR,
        "a value of the wrong type, or a required field that is missing",
        "The API server refuses the object.",
        "Write a value of the type that the finding names.",
    ),
    Rule(
        "object-name",
        _ERROR,
        "an object without a name, or with a name that Kubernetes refuses",
        "The API server refuses the object; an object with a generated name would be created again by each deployment.",
        "Use lower-case letters, digits, `-` and `.`.",
    ),
    _stack(
        "duplicate-object",
        _ERROR,
        "an object in a job file with the name of an object that the program creates",
        "Both would overwrite each other.",
        "Rename the object in the job file.",
    ),
    Rule(
        "flink-memory",
        _ERROR,
        "a memory size, or a factor for a limit, with which Flink does not start although the operator accepts it",
        "The JobManager or the TaskManagers exit at startup, and `up` fails minutes later.",
        "Raise the size of the process, or lower its parts.",
    ),
    Rule(
        "flink-startup",
        _ERROR,
        "a setting with which Flink or the job does not start although the operator accepts it",
        "The JobManager exits at startup, and `up` fails minutes later.",
        "Change the setting that the finding names.",
    ),
    Rule(
        "image-reference",
        _ERROR,
        "an image whose name, tag or digest does not have the form of an image reference",
        "The pods stay in `InvalidImageName`, and `up` fails minutes later.",
        "Write `[registry/]name[:tag][@sha256:<64 hexadecimal digits>]`; the name is in lower case.",
    ),
    Rule(
        "option-value",
        _ERROR,
        "a value of an option that is not of the option's type",
        "The operator or Flink fails when it reads the option.",
        "Write a value of the type that the finding names.",
    ),
    Rule(
        "pod-template",
        _ERROR,
        "a pod template from which Kubernetes cannot create pods",
        "The operator accepts the template, and Kubernetes refuses the pods.",
        "Correct the container, the volume or the mount that the finding names.",
    ),
    _stack(
        "unwatched-namespace",
        _ERROR,
        "a job in a namespace that the operator in the cluster does not watch",
        "The operator never starts the job, and `up` waits for it without success.",
        "Add the namespace to `watchNamespaces` of the operator's chart, or move the job.",
    ),
    _stack(
        "misspelt-reference",
        _ERROR,
        "a session job whose cluster, or a snapshot whose job, is not declared, but a resource with a similar name is",
        "The operator waits for the missing resource.",
        "Correct the name, or set `external: true` for the job if the cluster has the resource.",
    ),
    _stack(
        "job-order",
        _ERROR,
        "an entry of `after` that names no job or object of the stack, or jobs that wait for each other",
        "The order that the stack declares does not exist.",
        "Correct or remove the entry. A job that is disabled is not a job of the stack.",
    ),
    _stack(
        "sql-parameter",
        _WARNING,
        "a parameter of a SQL job that its script does not contain as `${name}`",
        "The value has no effect; often the name is misspelt.",
        "Remove the parameter, or correct its name.",
    ),
    _stack(
        "sql-connector",
        _WARNING,
        "a table, format or catalog of a SQL script whose jar is neither in `connectors` nor part of Flink",
        "Flink cannot find its factory, and the JobManager fails at startup. Without `connectors`, only scripts in "
        "Flink's own images are checked: another image can contain any connector.",
        "Add it to `connectors` of the job.",
    ),
    _stack(
        "missing-reference",
        _WARNING,
        "a session job whose cluster, or a snapshot whose job, is not declared",
        "The operator waits for the resource if the cluster does not have it, and so does `up`.",
        "Declare it, or set `external: true` for the job if the cluster has it.",
    ),
    Rule(
        "state-storage",
        _ERROR,
        "a state configuration that is incomplete or keeps no state",
        "Jobs would fail at their first checkpoint, or lose their state at the next upgrade.",
        "Set `stateStorage` in the stack file.",
    ),
    _stack(
        "shared-state",
        _ERROR,
        "a job that another stack of the project also runs, with its state in the same directories",
        "Each job deletes checkpoints that the other restores, and both write the same output.",
        "Set `enabled: false` for the job in one of the stacks, or another `stateStorage.folder`.",
    ),
    _stack(
        "restore-from",
        _ERROR,
        "a `restoreFrom` that is of no known form, or that starts several jobs from the state of one",
        "The job would not start, or would continue from the state of another job.",
        "Set `restoreFrom` to `latest` or to a time; set a path or a name in `jobs.<name>` only.",
    ),
    _stack(
        "quota-exceeded",
        _ERROR,
        "a job, a claim or a container that exceeds the quota or the limits of its namespace",
        "Kubernetes creates no pods beyond the quota, so the job never starts.",
        "Lower the request, or raise `namespaces.<name>.quota` or `limits`.",
    ),
    Rule(
        "pod-security",
        _ERROR,
        "pods that the Pod Security profile of their namespace refuses",
        "The namespace refuses the pods, so the job never starts.",
        "Change the field, or set `podSecurity` of the namespace.",
    ),
    _stack(
        "platform-config",
        _ERROR,
        "an object or a setting that belongs to the platform's stack, or a kind that teams cannot create, in a "
        "stack on that platform",
        "Teams deploy jobs; namespaces, accounts, rights and policies are the platform's.",
        "Move it to the platform's stack, or add the namespaced kind to its `teamKinds`.",
    ),
    _stack(
        "enforced-egress",
        _ERROR,
        "a store or a jar of a job that opens more egress than `enforced.egress`",
        "NetworkPolicies allow the stores and the jar of a job, so the job would leave the enforced limits.",
        "Remove the endpoint, the path or the remote jar, or add the destination to `enforced.egress`.",
    ),
    _stack(
        "internal-tls",
        _ERROR,
        "an `internalTls` that cert-manager refuses, that the job overrides, or of a kind without pods",
        "The processes of the job could not connect to each other.",
        "Change the setting that the finding names, or set `internalTls: {enabled: false}`.",
    ),
    _stack(
        "autoscaling",
        _ERROR,
        "an `autoscaling` without a limit, or of a job that the autoscaler cannot scale",
        "The parallelism would grow beyond the quota that the jobs are checked with, or would never change.",
        "Set `autoscaling.max`, or `autoscaling: {profile: none}`.",
    ),
    _stack(
        "availability",
        _ERROR,
        "an `availability` that names nodes without a provider, or of a kind without pods",
        "The pods would run on any node.",
        "Set `availability.provider`; set `availability` of the session cluster instead of its jobs.",
    ),
    _stack(
        "ignore-annotation",
        _ERROR,
        "an annotation `flink-k8s/ignore` that has no reason, or names a rule that cannot be ignored",
        "A finding that is ignored without a reason cannot be reviewed.",
        'Write `flink-k8s/ignore: "<rule>: <reason>"`, one rule a line.',
    ),
    # Warnings: deployable, but not fit for production.
    Rule(
        "plaintext-secret",
        _WARNING,
        "a password, key or token as plaintext",
        "Everyone who can read the repository or the resource can read the secret.",
        "Store it in a Kubernetes Secret and refer to it: `secretEnv`, or `env` with `valueFrom.secretKeyRef`.",
    ),
    Rule(
        "max-parallelism",
        _WARNING,
        "a job whose parallelism, or whose limit of the autoscaler, is larger than `pipeline.max-parallelism`",
        "Flink refuses an operator whose parallelism exceeds its maximum. The job starts only if its code sets one of"
        " them for each operator. The autoscaler stops at the maximum.",
        "Set `pipeline.max-parallelism` above the largest parallelism that the job will have. A job with another value"
        " cannot restore existing state.",
    ),
    Rule(
        "image-digest",
        _WARNING,
        "an image without a digest",
        "A tag can be moved to another image, and a restarted pod would run other code.",
        "Append `@sha256:…` to the image, or name the image by `images` and its code hash.",
    ),
    Rule(
        "mutable-tag",
        _WARNING,
        "an image with the tag `latest`, or without a tag; a job without an image",
        "The tag is moved with each release.",
        "Pin a version and its digest.",
    ),
    Rule(
        "host-path",
        _WARNING,
        "a directory of the node as a volume, in a pod or a PersistentVolume",
        "The data is lost when the pod moves to another node, and the pod can read the node's files.",
        "Use a claim or an `emptyDir`.",
    ),
    Rule(
        "privileged-pod",
        _WARNING,
        "a pod with access to the node: host namespaces or privileged containers",
        "A process that breaks out of the container controls the node.",
        "Remove the field.",
    ),
    Rule(
        "container-resources",
        _WARNING,
        "a container other than Flink's own without requests, or without a memory limit",
        "The scheduler cannot place the pod, and the container can use all memory of the node.",
        "Set `resources.requests` and `resources.limits.memory`.",
    ),
    Rule(
        "job-recovery",
        _WARNING,
        "a job that keeps state without high availability or checkpoints",
        "A process that dies loses its state.",
        "Set `stateStorage`, which sets both.",
    ),
    Rule(
        "recommended-labels",
        _WARNING,
        "an object without the recommended labels",
        "Tools and people select objects by `app.kubernetes.io/*`.",
        "Set the labels that the finding names.",
    ),
    Rule(
        "restricted-profile",
        _WARNING,
        "pods that the restricted Pod Security profile would refuse, in a namespace that does not enforce it",
        "The pods have rights that Flink does not need.",
        "Change the field that the finding names.",
    ),
    _stack(
        "quota-shared",
        _WARNING,
        "jobs that together exceed the quota of their namespace; a blue/green deployment that exceeds it during the "
        "switch; a job that exceeds it at its largest parallelism with autoscaling",
        "Some of the jobs wait until others have ended; a switch never ends; the autoscaler cannot scale up.",
        "Raise the quota, or lower the requests of the jobs.",
    ),
    Rule(
        "unknown-option",
        _WARNING,
        "an option in `flinkConfiguration` that is similar to a known one, or belongs to another version",
        "Flink ignores options that it does not know.",
        "Use the name that the finding suggests.",
    ),
    Rule(
        "duration-unit",
        _WARNING,
        "a duration without a unit, which is a number of milliseconds",
        "An interval of `6` is 6 milliseconds, not hours.",
        "Write the unit: `6 h`, or `6000 ms`.",
    ),
    Rule(
        "unexpanded-variable",
        _WARNING,
        "a variable such as `${NAME}` or `$(NAME)` in an option or an argument, which Flink does not expand",
        "Flink uses the text as it is written.",
        "Set the value, or provide it by `secretEnv` or `stateStorage.credentials`.",
    ),
    _stack(
        "unmonitored-job",
        _WARNING,
        "a job whose metrics Prometheus does not read, because of its reporters or their port",
        "The job has no metrics, and no alert about it fires.",
        "Add the reporter `prom` to `metrics.reporters`, and leave its port.",
    ),
    Rule(
        "flink-version",
        _WARNING,
        "a Flink version that the operator has deprecated, or an image of another version than `flinkVersion`",
        "The next operator refuses the job, or the operator manages a Flink of another version than it expects.",
        "Move to a newer Flink; keep image and `flinkVersion` equal.",
    ),
    _stack(
        "operator-version",
        _WARNING,
        "an operator version of which the project has no tables: a newer release, or the build of a vendor",
        "Unknown fields, kinds and Flink versions are not reported; the plan assumes another version.",
        "Use a release that is known, or ignore the finding and read the preview with care.",
    ),
    _stack(
        "existing-operator",
        _WARNING,
        "a setting that differs from the operator in the cluster, which the stack uses with `enabled: false`",
        "Jobs are checked, derived and planned for another operator than the one that reconciles them.",
        "Write the value of the cluster, or change the operator in the cluster.",
    ),
    Rule(
        "file-system-plugin",
        _WARNING,
        "a file system whose plugin is missing or is of another Flink version",
        "Flink cannot write state to that file system.",
        "Set `ENABLE_BUILT_IN_PLUGINS` to the plugin's jar of the same version.",
    ),
    _stack(
        "state-in-pod",
        _WARNING,
        "a directory for state, or for the output of a SQL job, inside of a pod",
        "The directory is lost with the pod.",
        "Mount a claim there, or set `stateStorage`; write the output of a SQL job to a store.",
    ),
    _stack(
        "upgrade-mode",
        _WARNING,
        "a job without an `upgradeMode` although there is storage for its state",
        "The operator's default is `stateless`: each change starts the job from empty state.",
        "Set `upgradeMode: savepoint`, `last-state` or `stateless`.",
    ),
    Rule(
        "unused-setting",
        _WARNING,
        "a setting that has no effect",
        "The setting misleads its readers.",
        "Remove the setting, or add the setting that it requires.",
    ),
    _stack(
        "discarded-part",
        _WARNING,
        "an object in a job file that the platform creates itself, with parts that the platform does not deploy",
        "The parts are not deployed.",
        "Set the key that the finding names, or rename the object.",
    ),
    Rule(
        "unauthenticated-ingress",
        _WARNING,
        "an Ingress that exposes the unauthenticated Flink web UI",
        "Everyone who reaches the Ingress can cancel jobs and upload code.",
        "Add the controller's annotations for authentication, or set `ingress.authentication: controller`.",
    ),
    Rule(
        "ingress-path",
        _WARNING,
        "an Ingress with a path that the controller does not remove",
        "Flink serves its web UI at /, so the controller's requests result in 404 or an empty page.",
        "Set the controller's annotation that rewrites the path, or use a host for each job.",
    ),
    Rule(
        "exposed-rest",
        _WARNING,
        "a Service that exposes the unauthenticated REST endpoint of Flink, or an endpoint that accepts code",
        "Everyone who reaches the endpoint can cancel jobs and upload code.",
        "Use an authenticated Ingress, and leave `web.submit.enable` and `web.cancel.enable` off.",
    ),
    _stack(
        "job-account",
        _WARNING,
        "a job under a ServiceAccount that the stack does not create, or that has no rights",
        "Flink cannot create pods and ConfigMaps, and the account lacks the annotations for the state storage.",
        "Use the account `flink`, or declare the ServiceAccount and its RoleBinding in a job file.",
    ),
    _stack(
        "no-network-policies",
        _WARNING,
        "a platform without NetworkPolicies",
        "Every pod of the cluster can reach Flink's REST endpoints, and jobs can reach everything.",
        "Leave `networkPolicies.enabled` on.",
    ),
    Rule(
        "open-network-policy",
        _WARNING,
        "a NetworkPolicy, or an `egress` entry, that allows everything",
        "It has the same effect as no policy.",
        "Name peers or ports.",
    ),
    _stack(
        "certificate-lifetime",
        _WARNING,
        "a certificate that can expire before the alert about old certificates fires",
        "No alert fires before the processes of the job can no longer connect to each other.",
        "Lower `prometheus.alerts.certificateAge`, or set a longer `duration`.",
    ),
    # For information.
    _stack(
        "restore-at-deployment",
        _NOTICE,
        "a `restoreFrom` that `preview` and `up` resolve in the cluster",
        "`check` and `render` do not know the path.",
        "Read the path in the preview. To render the stack, set the path.",
    ),
    _stack(
        "assumed-operator",
        _NOTICE,
        "an operator of the cluster whose version neither the stack sets nor a preview has read",
        "The jobs are checked for the default version.",
        "Set `operator.version` to the version in the cluster.",
    ),
    _stack(
        "unread-environment",
        _NOTICE,
        "a stack file with a Pulumi ESC environment, which only the engine opens",
        "`check`, `render` and the commands of `make` do not know the config that the environment sets.",
        "Read the findings of a preview. To check the values without the engine, write them into an overlay.",
    ),
    _stack(
        "unread-file",
        _NOTICE,
        "a file or a folder with Flink resources in a job folder that is not read",
        "The resources are not deployed.",
        "Rename the file, or add the folder to `jobFolders`.",
    ),
    _stack(
        "live-fields",
        _NOTICE,
        "a job file with fields that the cluster has set, as `kubectl get -o yaml` prints them",
        "The fields identify the object in one cluster, so they are not deployed.",
        "Remove the fields that the finding names from the file.",
    ),
    _stack(
        "platform-object",
        _NOTICE,
        "an object in a job file that the platform creates itself",
        "The platform's object is deployed in its place.",
        "Remove the object from the file.",
    ),
    _stack(
        "unreachable-host",
        _NOTICE,
        "a host that a job names and no NetworkPolicy allows, or an Ingress whose controller no policy allows",
        "The connection times out.",
        "Add the host to `jobs.<name>.egress`; set `ingress.controller`.",
    ),
    _stack(
        "unused-ignore",
        _NOTICE,
        "an annotation `flink-k8s/ignore` of a rule that finds nothing in the object",
        "The annotation would hide a later finding.",
        "Remove the line from the annotation.",
    ),
)

RULES: dict[str, Rule] = {rule.id: rule for rule in _ALL}
"""Every rule by its id, in the order of docs/checks.md."""
