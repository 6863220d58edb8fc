"""Each shipped stack as a whole: every resource, its options, every edge of the design's graph, and a count."""

from __future__ import annotations

from itertools import pairwise

import pytest

from flink_k8s.program.recording import Recording, Resource

NAMESPACE, OPERATOR_NAMESPACE = "Namespace flink", "Namespace flink-operator"
CERT_NAMESPACE, MONITORING = "Namespace cert-manager", "Namespace monitoring"
CERT_MANAGER, PROMETHEUS = "Release cert-manager/cert-manager", "Release monitoring/prometheus"
OPERATOR = "Release flink-operator/flink-kubernetes-operator"
MONITOR = "PodMonitor flink-operator/flink-kubernetes-operator"
JOBS_MONITOR = "PodMonitor flink/flink-jobs"
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
    # A component stands for all of its children.
    MONITOR: {OPERATOR_NAMESPACE, MONITORING, GRAFANA_SECRET, PROMETHEUS},
    JOBS_MONITOR: {NAMESPACE, MONITORING, GRAFANA_SECRET, PROMETHEUS},
    RULES: {MONITORING, GRAFANA_SECRET, PROMETHEUS},
    **{dashboard: {MONITORING} for dashboard in DASHBOARDS},
}
STACKS = {"dev": DEV, "sandbox": SANDBOX}
COMPONENTS = {"dev": 12, "sandbox": 5}


def titles(recording: Recording) -> dict[str, Resource]:
    return {thing.title: thing for thing in recording.things}


@pytest.fixture(params=sorted(STACKS))
def stack(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_resource_is_there_and_no_other(recording, stack):
    seen = recording(stack)
    assert set(titles(seen)) == set(STACKS[stack])
    assert len(seen.things) == len(STACKS[stack]) >= 8
    components = [resource for resource in seen.resources if not resource.custom]
    assert len(components) == COMPONENTS[stack]
    assert len(seen.resources) == len(seen.things) + len(components) + 1  # and the provider


def test_direct_edges_are_exactly_the_designs(recording, stack):
    seen = recording(stack)
    named = {urn: resource.title for urn, resource in seen.by_urn.items()}
    edges = {named[urn]: {named[need] for need in needs} for urn, needs in seen.edges.items()}
    assert edges == STACKS[stack]
    assert sum(map(len, edges.values())) >= 13


def test_up_and_destroy_walk_each_edge_in_its_direction(recording, stack):
    seen = recording(stack)
    up = [resource.title for resource in seen.order]
    down = [resource.title for resource in seen.reverse_order]
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
def test_what_must_wait_waits(recording, chain):
    seen = recording("dev")
    for before, after in pairwise(titles(seen)[title] for title in chain):
        assert seen.depends_on(after, before)
        assert not seen.depends_on(before, after)


@pytest.mark.parametrize(
    ("one", "other"),
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
def test_what_can_start_together_does(recording, one, other):
    seen = recording("dev")
    things = titles(seen)
    assert not seen.depends_on(things[one], things[other])
    assert not seen.depends_on(things[other], things[one])


def test_a_changed_config_map_is_not_made_anew(recording):
    provider = next(resource for resource in recording("dev").resources if resource.is_provider)
    assert provider.inputs["enableConfigMapMutable"] == "true"


def test_every_thing_uses_the_stacks_own_provider_and_context(recording, stack):
    seen = recording(stack)
    provider = next(resource for resource in seen.resources if resource.is_provider)
    assert provider.inputs["context"] == {"dev": "kind-flink", "sandbox": "flink-k8s-sandbox"}[stack]
    assert provider.inputs["clusterIdentifier"] == provider.inputs["context"]
    assert {thing.provider for thing in seen.things} == {provider.urn}


def test_releases_are_pinned_named_and_undone_when_they_fail(recording):
    releases = [thing for thing in recording("dev").things if thing.is_release]
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


def test_a_folder_of_charts_stands_for_the_repositories(recording):
    release = recording("sandbox").find("Release")
    assert release.inputs["chart"] == ".sandbox/charts/flink-kubernetes-operator-1.16.1.tgz"
    assert "repositoryOpts" not in release.inputs


def test_crds_follow_the_operators_release_and_no_other(recording, stack):
    hooks = {thing.title: thing.hooks for thing in recording(stack).things if "before_create" in thing.hooks}
    wanted = ("operator-crds",) if stack == "sandbox" else ("operator-crds", "operator-keystore")
    assert hooks == {OPERATOR: {"before_create": wanted, "before_update": wanted}}


def test_changes_of_jobs_and_deletions_of_state_are_guarded(recording, stack):
    def hooks(**config) -> dict[str, dict[str, tuple[str, ...]]]:
        return {thing.title: thing.hooks for thing in recording(stack, **config).things if thing.title != OPERATOR}

    update, delete = {"before_update": ("state-guard-update",)}, {"before_delete": ("state-guard-delete",)}
    assert {title: hook for title, hook in hooks().items() if hook} == {JOB: update}
    stateful = hooks(jobs={"word-count": {"upgradeMode": "savepoint"}})
    claim = "PersistentVolumeClaim flink/word-count-data"
    assert {title: hook for title, hook in stateful.items() if hook} == {
        JOB: update | delete,
        claim: delete,
        "Namespace flink": delete,
    }


def test_jobs_are_protected_where_the_stack_or_the_job_says_so(recording, stack):
    def protected(**config) -> set[str]:
        return {thing.title for thing in recording(stack, **config).things if thing.protect}

    assert protected() == set()
    assert JOB in protected(protectJobs=True)
    assert protected(protectJobs=True, jobs={"word-count": {"protect": False}}) == set()
    assert JOB in protected(jobs={"word-count": {"protect": True}})
    assert OPERATOR not in protected(protectJobs=True)


def test_every_object_has_the_recommended_labels(recording, stack):
    objects = [thing for thing in recording(stack).things if thing.is_object]
    assert len(objects) >= 7
    for thing in objects:
        labels = thing.inputs["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"]
        assert labels["app.kubernetes.io/part-of"] == "flink-k8s"
        assert labels["app.kubernetes.io/managed-by"] == "pulumi"


def test_the_job_is_deleted_in_the_background_and_runs_under_the_programs_account(recording, stack):
    job = titles(recording(stack))[JOB]
    assert job.annotations["pulumi.com/deletionPropagationPolicy"] == "background"
    assert "pulumi.com/waitFor" not in job.annotations  # the program watches by itself
    assert job.inputs["spec"]["serviceAccount"] == "flink"


def test_the_job_answers_prometheus_on_a_port_that_it_declares(recording, stack):
    spec = titles(recording(stack))[JOB].inputs["spec"]
    configuration = spec["flinkConfiguration"]
    assert configuration["metrics.reporter.prom.port"] == "9249"
    assert configuration["metrics.reporter.prom.factory.class"].endswith(".PrometheusReporterFactory")
    main = next(c for c in spec["podTemplate"]["spec"]["containers"] if c["name"] == "flink-main-container")
    assert {"name": "metrics", "containerPort": 9249} in main["ports"]


def test_the_account_may_do_what_flink_needs_and_no_more(recording, stack):
    role = titles(recording(stack))[ROLE]
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
    ("key", "gone", "left"),
    [
        ("certManager", {CERT_MANAGER, CERT_NAMESPACE}, {OPERATOR, JOB}),
        ("prometheus", {PROMETHEUS, MONITORING, GRAFANA_SECRET}, {MONITOR, JOBS_MONITOR, JOB}),
        (
            "operator",
            {OPERATOR, OPERATOR_NAMESPACE, OPERATOR_POLICY, OPERATOR_DENY, KEYSTORE_SECRET},
            {MONITOR, JOB, POLICY, DENY},
        ),
    ],
)
def test_a_part_that_the_cluster_has_is_left_out_and_what_needs_it_stays(recording, key, gone, left):
    seen = set(titles(recording("dev", **{key: {"enabled": False}})))
    assert not seen & gone
    assert left <= seen
    assert len(seen) == len(DEV) - len(gone)  # rules and dashboards go to another namespace, see test_monitoring.py


def test_no_webhook_no_edge_to_cert_manager(recording):
    seen = recording("dev", operator={"webhook": False})
    assert not seen.depends_on(titles(seen)[OPERATOR], titles(seen)[CERT_MANAGER])
    assert titles(seen)[OPERATOR].inputs["values"]["webhook"] == {"create": False}


def test_pods_that_others_wait_for_are_looked_at_often_and_given_up_as_late_as_by_their_charts(recording):
    things = titles(recording("dev"))
    startup = things[OPERATOR].inputs["values"]["operatorHealth"]["startupProbe"]
    readiness = things[CERT_MANAGER].inputs["values"]["webhook"]["readinessProbe"]
    for probe, seconds in ((startup, 30 * 10), (readiness, 3 * 5)):
        assert probe["periodSeconds"] <= 2
        assert probe["periodSeconds"] * probe["failureThreshold"] == seconds


def test_exports_say_where_things_are(recording):
    exports = recording("dev").exports
    assert exports["jobs"]["FlinkDeployment/flink/word-count"] == {
        "kind": "FlinkDeployment",
        "namespace": "flink",
        "restService": "word-count-rest.flink.svc:8081",
        "open": "kubectl -n flink port-forward svc/word-count-rest 8081",
    }
    elsewhere = {"jobs": {"word-count": {"flinkConfiguration": {"rest.port": 9081, "rest.bind-port": 9191}}}}
    said = recording("dev", **elsewhere).exports["jobs"]["FlinkDeployment/flink/word-count"]
    assert said["restService"] == "word-count-rest.flink.svc:9081"
    assert said["open"] == "kubectl -n flink port-forward svc/word-count-rest 9081"
    assert exports["grafana"]["address"] == "http://prometheus-grafana.monitoring.svc"
    assert exports["grafana"]["secret"] == "grafana-admin"


def test_a_renamed_stack_declares_the_same_objects(recording):
    """Nothing in the cluster may hang on the stack's name, or a rename would replace it."""
    for thing in recording("dev").things:
        assert "dev" not in (thing.name, thing.object_name, thing.namespace)
