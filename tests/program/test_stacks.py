"""Each shipped stack as a whole: every resource, its options, every edge of the design's graph, and a count."""

from __future__ import annotations

from itertools import pairwise

import pytest

from flink_k8s.program.resource_graph import Resource, ResourceGraph

NAMESPACE, OPERATOR_NAMESPACE = "Namespace flink", "Namespace flink-operator"
CERT_NAMESPACE, MONITORING = "Namespace cert-manager", "Namespace monitoring"
CERT_MANAGER, PROMETHEUS = "Release cert-manager/cert-manager", "Release monitoring/prometheus"
OPERATOR = "Release flink-operator/flink-kubernetes-operator"
MONITOR = "PodMonitor flink-operator/flink-kubernetes-operator"
JOBS_MONITOR = "PodMonitor flink/flink-jobs"
CERTIFICATES_MONITOR = "PodMonitor cert-manager/cert-manager"
KEYSTORE_SECRET = "Secret flink-operator/operator-webhook-keystore"
GRAFANA_SECRET, RULES = "Secret monitoring/grafana-admin", "PrometheusRule monitoring/flink-alerts"
DASHBOARDS = {
    f"ConfigMap monitoring/dashboard-flink-{subject}" for subject in ("job", "operator", "platform", "resources")
}
ACCOUNT, ROLE, BINDING = "ServiceAccount flink/flink", "Role flink/flink", "RoleBinding flink/flink"
CLAIM, JOB = "PersistentVolumeClaim flink/word-count-data", "FlinkDeployment flink/word-count"
STATE = "PersistentVolumeClaim flink/flink-state"
POLICY, DENY = "NetworkPolicy flink/flinkdeployment-word-count", "NetworkPolicy flink/default-deny"
OPERATOR_POLICY, OPERATOR_DENY = "NetworkPolicy flink-operator/operator", "NetworkPolicy flink-operator/default-deny"

# What comes directly after what. The table is complete: an edge that is missing or new fails the test.
SANDBOX = {
    NAMESPACE: set(),
    OPERATOR_NAMESPACE: set(),
    ACCOUNT: {NAMESPACE},
    ROLE: {NAMESPACE},
    BINDING: {ACCOUNT, ROLE},
    CLAIM: {NAMESPACE},
    STATE: {NAMESPACE},
    POLICY: {NAMESPACE},
    # What no policy allows is denied after all policies exist.
    DENY: {POLICY, ACCOUNT, ROLE, BINDING},
    OPERATOR_POLICY: {OPERATOR_NAMESPACE},
    OPERATOR_DENY: {OPERATOR_POLICY},
    OPERATOR: {NAMESPACE, OPERATOR_NAMESPACE, OPERATOR_POLICY, OPERATOR_DENY},
    JOB: {
        OPERATOR,
        OPERATOR_NAMESPACE,
        OPERATOR_POLICY,
        OPERATOR_DENY,
        ACCOUNT,
        ROLE,
        BINDING,
        POLICY,
        CLAIM,
    },
}
DEV = {
    **SANDBOX,
    CERT_NAMESPACE: set(),
    MONITORING: set(),
    CERT_MANAGER: {CERT_NAMESPACE},
    GRAFANA_SECRET: {MONITORING},
    PROMETHEUS: {MONITORING, GRAFANA_SECRET},
    KEYSTORE_SECRET: {OPERATOR_NAMESPACE},
    OPERATOR: {*SANDBOX[OPERATOR], CERT_NAMESPACE, CERT_MANAGER, KEYSTORE_SECRET},
    JOB: {*SANDBOX[JOB], KEYSTORE_SECRET},
    # A dependency on a component is one on all of its children.
    MONITOR: {OPERATOR_NAMESPACE, MONITORING, GRAFANA_SECRET, PROMETHEUS},
    JOBS_MONITOR: {NAMESPACE, MONITORING, GRAFANA_SECRET, PROMETHEUS},
    CERTIFICATES_MONITOR: {CERT_NAMESPACE, CERT_MANAGER, MONITORING, GRAFANA_SECRET, PROMETHEUS},
    RULES: {MONITORING, GRAFANA_SECRET, PROMETHEUS},
    **{dashboard: {MONITORING} for dashboard in DASHBOARDS},
}
STACKS = {"dev": DEV, "sandbox": SANDBOX}
COMPONENTS = {"dev": 13, "sandbox": 5}


def titles(resource_graph: ResourceGraph) -> dict[str, Resource]:
    return {resource.title: resource for resource in resource_graph.objects}


@pytest.fixture(params=sorted(STACKS))
def stack(request: pytest.FixtureRequest) -> str:
    return request.param


def test_stack_has_exactly_the_listed_resources(resource_graph, stack):
    graph = resource_graph(stack)
    assert set(titles(graph)) == set(STACKS[stack])
    assert len(graph.objects) == len(STACKS[stack]) >= 8
    components = [resource for resource in graph.resources if not resource.custom]
    assert len(components) == COMPONENTS[stack]
    assert len(graph.resources) == len(graph.objects) + len(components) + 1  # and the provider


def test_direct_edges_are_exactly_the_designs(resource_graph, stack):
    graph = resource_graph(stack)
    named = {urn: resource.title for urn, resource in graph.by_urn.items()}
    edges = {named[urn]: {named[need] for need in needs} for urn, needs in graph.edges.items()}
    assert edges == STACKS[stack]
    assert sum(map(len, edges.values())) >= 13


def test_creation_and_deletion_order_follow_each_edge(resource_graph, stack):
    graph = resource_graph(stack)
    up = [resource.title for resource in graph.creation_order]
    down = [resource.title for resource in graph.deletion_order]
    walked = 0
    for after, befores in STACKS[stack].items():
        for before in befores:
            assert up.index(before) < up.index(after)
            assert down.index(after) < down.index(before)
            walked += 1
    assert walked >= 13


@pytest.mark.parametrize(
    "chain",
    [
        [CERT_NAMESPACE, CERT_MANAGER, OPERATOR, JOB],
        [NAMESPACE, OPERATOR, JOB],
        [NAMESPACE, ACCOUNT, BINDING, JOB],
        [NAMESPACE, POLICY, DENY],
        [NAMESPACE, POLICY, JOB],
        [OPERATOR_NAMESPACE, OPERATOR_POLICY, OPERATOR_DENY, OPERATOR],
        [MONITORING, PROMETHEUS, MONITOR],
        [MONITORING, GRAFANA_SECRET, PROMETHEUS],
        [NAMESPACE, JOBS_MONITOR],
        [PROMETHEUS, JOBS_MONITOR],
        [PROMETHEUS, RULES],
        *([MONITORING, dashboard] for dashboard in sorted(DASHBOARDS)),
        [OPERATOR_NAMESPACE, MONITOR],
    ],
    ids=lambda chain: " < ".join(chain),
)
def test_indirect_dependencies_exist(resource_graph, chain):
    graph = resource_graph("dev")
    for before, after in pairwise(titles(graph)[title] for title in chain):
        assert graph.depends_on(after, before)
        assert not graph.depends_on(before, after)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (PROMETHEUS, OPERATOR),
        (PROMETHEUS, CERT_MANAGER),
        (PROMETHEUS, JOB),
        (CERT_MANAGER, NAMESPACE),
        (MONITOR, JOB),
        (JOBS_MONITOR, JOB),
        (RULES, OPERATOR),
        (MONITOR, OPERATOR),
        *((PROMETHEUS, dashboard) for dashboard in sorted(DASHBOARDS)),
        (POLICY, OPERATOR),
        (DENY, OPERATOR_DENY),
        # The policy of a job's pods denies what it does not allow, so a job need not wait for those of other jobs.
        (DENY, JOB),
    ],
    ids=lambda title: title.split()[-1],
)
def test_independent_resources_do_not_depend_on_each_other(resource_graph, first, second):
    graph = resource_graph("dev")
    objects = titles(graph)
    assert not graph.depends_on(objects[first], objects[second])
    assert not graph.depends_on(objects[second], objects[first])


def test_changed_config_map_is_updated_in_place(resource_graph):
    provider = next(resource for resource in resource_graph("dev").resources if resource.is_provider)
    assert provider.inputs["enableConfigMapMutable"] == "true"


def test_every_thing_uses_the_stacks_own_provider_and_context(resource_graph, stack):
    graph = resource_graph(stack)
    provider = next(resource for resource in graph.resources if resource.is_provider)
    assert provider.inputs["context"] == {"dev": "kind-flink", "sandbox": "flink-k8s-sandbox"}[stack]
    assert provider.inputs["clusterIdentifier"] == provider.inputs["context"]
    assert {resource.provider for resource in graph.objects} == {provider.urn}


def test_releases_are_pinned_named_and_atomic(resource_graph):
    releases = [resource for resource in resource_graph("dev").objects if resource.is_release]
    assert len(releases) == 3
    for release in releases:
        inputs = release.inputs
        assert inputs["name"]
        assert inputs["version"]
        assert inputs["version"][-1].isdigit()
        assert (inputs["timeout"], inputs["maxHistory"]) == (600, 10)
        assert inputs["atomic"] is inputs["cleanupOnFail"] is True
        assert inputs["repositoryOpts"]["repo"].startswith("https://")
        assert release.delete_before_replace is True
        assert "disableWebhooks" not in inputs  # it would switch off every hook of the chart


def test_folder_of_charts_replaces_the_repositories(resource_graph):
    release = resource_graph("sandbox").find("Release")
    assert release.inputs["chart"] == ".sandbox/charts/flink-kubernetes-operator-1.16.1.tgz"
    assert "repositoryOpts" not in release.inputs


def test_hooks_of_releases_check_kubernetes_apply_crds_and_report_pods(resource_graph, stack):
    hooks = {
        resource.title: resource.hooks
        for resource in resource_graph(stack).objects
        if "before_create" in resource.hooks
    }
    operator = ("flink-kubernetes-operator-kubernetes", "operator-watched-namespaces", "operator-crds")
    expected = {OPERATOR: (*operator, "flink-kubernetes-operator-pods")}
    if stack != "sandbox":
        expected = {
            OPERATOR: (*operator, "operator-keystore", "flink-kubernetes-operator-pods"),
            "Release cert-manager/cert-manager": ("cert-manager-kubernetes", "cert-manager-pods"),
            "Release monitoring/prometheus": ("prometheus-kubernetes", "prometheus-crds", "prometheus-pods"),
        }
    assert hooks == {title: {"before_create": names, "before_update": names} for title, names in expected.items()}


def test_changes_of_jobs_and_deletions_of_state_are_guarded(resource_graph, stack):
    def hooks(**config) -> dict[str, dict[str, tuple[str, ...]]]:
        objects = resource_graph(stack, **config).objects
        return {resource.title: resource.hooks for resource in objects if "before_create" not in resource.hooks}

    update, delete = {"before_update": ("state-guard-update",)}, {"before_delete": ("state-guard-delete",)}
    assert {title: hook for title, hook in hooks().items() if hook} == {JOB: update}
    stateful = hooks(jobs={"word-count": {"upgradeMode": "savepoint"}})
    claim = "PersistentVolumeClaim flink/word-count-data"
    assert {title: hook for title, hook in stateful.items() if hook} == {
        JOB: update | delete,
        claim: delete,
        "Namespace flink": delete,
    }


def test_jobs_are_protected_by_stack_or_job(resource_graph, stack):
    def protected(**config) -> set[str]:
        return {resource.title for resource in resource_graph(stack, **config).objects if resource.protect}

    assert protected() == set()
    assert JOB in protected(protectJobs=True)
    assert protected(protectJobs=True, jobs={"word-count": {"protect": False}}) == set()
    assert JOB in protected(jobs={"word-count": {"protect": True}})
    assert OPERATOR not in protected(protectJobs=True)


def test_every_object_has_the_recommended_labels(resource_graph, stack):
    objects = [resource for resource in resource_graph(stack).objects if resource.is_object]
    assert len(objects) >= 7
    for resource in objects:
        labels = resource.inputs["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"]
        assert labels["app.kubernetes.io/part-of"] == "flink-k8s"
        assert labels["app.kubernetes.io/managed-by"] == "pulumi"


def test_the_job_is_deleted_in_the_background_and_runs_under_the_programs_account(resource_graph, stack):
    job = titles(resource_graph(stack))[JOB]
    assert job.annotations["pulumi.com/deletionPropagationPolicy"] == "background"
    assert "pulumi.com/waitFor" not in job.annotations  # the program watches its jobs
    assert job.inputs["spec"]["serviceAccount"] == "flink"


def test_job_declares_its_metrics_port(resource_graph, stack):
    spec = titles(resource_graph(stack))[JOB].inputs["spec"]
    configuration = spec["flinkConfiguration"]
    assert configuration["metrics.reporter.prom.port"] == "9249"
    assert configuration["metrics.reporter.prom.factory.class"].endswith(".PrometheusReporterFactory")
    main = next(c for c in spec["podTemplate"]["spec"]["containers"] if c["name"] == "flink-main-container")
    assert {"name": "metrics", "containerPort": 9249} in main["ports"]


def test_account_has_exactly_the_rights_that_flink_needs(resource_graph, stack):
    role = titles(resource_graph(stack))[ROLE]
    granted = {
        (group, resource, verb)
        for rule in role.inputs["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert ("", "pods", "create") in granted
    assert ("", "configmaps", "update") in granted
    assert not [entry for entry in granted if "*" in entry or entry[1] == "secrets"]


@pytest.mark.parametrize(
    ("key", "missing", "remaining"),
    [
        ("certManager", {CERT_MANAGER, CERT_NAMESPACE, CERTIFICATES_MONITOR}, {OPERATOR, JOB}),
        ("prometheus", {PROMETHEUS, MONITORING, GRAFANA_SECRET}, {MONITOR, JOBS_MONITOR, JOB}),
        (
            "operator",
            {OPERATOR, OPERATOR_NAMESPACE, OPERATOR_POLICY, OPERATOR_DENY, KEYSTORE_SECRET},
            {MONITOR, JOB, POLICY, DENY},
        ),
    ],
)
def test_disabled_component_is_omitted_and_its_dependents_remain(resource_graph, key, missing, remaining):
    graph = set(titles(resource_graph("dev", **{key: {"enabled": False}})))
    assert not graph & missing
    assert remaining <= graph
    assert len(graph) == len(DEV) - len(missing)  # rules and dashboards go to another namespace, see test_monitoring.py


def test_operator_without_webhook_does_not_depend_on_cert_manager(resource_graph):
    graph = resource_graph("dev", operator={"webhook": False})
    assert not graph.depends_on(titles(graph)[OPERATOR], titles(graph)[CERT_MANAGER])
    assert titles(graph)[OPERATOR].inputs["values"]["webhook"] == {"create": False}


def test_probes_are_frequent_with_the_total_time_of_the_charts(resource_graph):
    objects = titles(resource_graph("dev"))
    startup = objects[OPERATOR].inputs["values"]["operatorHealth"]["startupProbe"]
    readiness = objects[CERT_MANAGER].inputs["values"]["webhook"]["readinessProbe"]
    for probe, seconds in ((startup, 30 * 10), (readiness, 3 * 5)):
        assert probe["periodSeconds"] <= 2
        assert probe["periodSeconds"] * probe["failureThreshold"] == seconds


def test_exports_contain_addresses(resource_graph):
    exports = resource_graph("dev").exports
    assert exports["jobs"]["FlinkDeployment/flink/word-count"] == {
        "kind": "FlinkDeployment",
        "namespace": "flink",
        "restService": "word-count-rest.flink.svc:8081",
        "open": "kubectl -n flink port-forward svc/word-count-rest 8081",
    }
    elsewhere = {"jobs": {"word-count": {"flinkConfiguration": {"rest.port": 9081, "rest.bind-port": 9191}}}}
    actual = resource_graph("dev", **elsewhere).exports["jobs"]["FlinkDeployment/flink/word-count"]
    assert actual["restService"] == "word-count-rest.flink.svc:9081"
    assert actual["open"] == "kubectl -n flink port-forward svc/word-count-rest 9081"
    assert exports["grafana"]["address"] == "http://prometheus-grafana.monitoring.svc"
    assert exports["grafana"]["secret"] == "grafana-admin"


def test_a_renamed_stack_declares_the_same_objects(resource_graph):
    """Nothing in the cluster may hang on the stack's name, or a rename would replace it."""
    for resource in resource_graph("dev").objects:
        assert "dev" not in (resource.name, resource.object_name, resource.namespace)
