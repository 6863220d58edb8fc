"""Each component: its arguments, its children, what it registers as outputs, and what its children depend on."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from typing import is_typeddict

import pulumi
import pytest

from flink_k8s.checks.team_objects import TEAM_KINDS
from flink_k8s.components.component import Component
from flink_k8s.components.namespace_access import TEAM_RESOURCES
from flink_k8s.program.resource_graph import Resource, ResourceGraph
from flink_k8s.support.paths import ROOT
from tests.unit.components.conftest import Declare

MODULES = sorted(f"flink_k8s.components.{path.stem}" for path in (ROOT / "flink_k8s/components").glob("[a-z]*.py"))
COMPONENTS = [
    (module, name, component)
    for module in MODULES
    for name, component in vars(importlib.import_module(module)).items()
    if inspect.isclass(component) and issubclass(component, pulumi.ComponentResource) and component.__module__ == module
    if component is not Component
]

JOB = """\
from flink_k8s.components.job_resources import JobResources, JobResourcesArgs
from flink_k8s.components.namespace import JobNamespace, JobNamespaceArgs
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.model import JobSettings
from flink_k8s.config.yaml_file import Document
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.traffic import Traffic

def job(name, kind="FlinkDeployment", **spec):
    manifest = {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "flink"},
        "spec": {"flinkVersion": "v2_2", **spec},
    }
    return Job(FileObject(Document("jobs/a.yaml", manifest, {}), manifest), "flink", manifest, JobSettings())
"""


def component(graph: ResourceGraph, kind: str) -> Resource:
    return next(resource for resource in graph.resources if resource.kind == kind and not resource.custom)


def plural(kind: str) -> str:
    return f"{kind.lower()}es" if kind.endswith("s") else f"{kind.lower()}s"


def titles(graph: ResourceGraph, kind: str) -> set[str]:
    """The objects under a component."""
    top = component(graph, kind).urn
    return {resource.title for resource in graph.objects if graph.top(resource.urn) == top}


def test_components_are_found():
    assert len(COMPONENTS) == 16


@pytest.mark.parametrize(("module", "name", "component"), COMPONENTS, ids=[name for _, name, _ in COMPONENTS])
def test_a_component_takes_name_args_opts(module: str, name: str, component: type):
    parameters = inspect.signature(component).parameters
    assert [*parameters] == ["name", "args", "opts"]
    assert parameters["opts"].default is None
    args = getattr(importlib.import_module(module), f"{name}Args")
    if name in ("FlinkPlatform", "FlinkJob"):
        assert parameters["args"].annotation is args
        assert is_typeddict(args)
        return
    assert parameters["args"].annotation == f"{name}Args"
    assert dataclasses.is_dataclass(args)
    assert args.__dataclass_params__.frozen  # pyright: ignore[reportAttributeAccessIssue]
    assert "DeclaredStack" not in str([field.type for field in dataclasses.fields(args)])
    assert "StackSettings" not in str([field.type for field in dataclasses.fields(args)])


def test_the_namespace_of_cert_manager_is_known_in_a_preview(declare: Declare):
    """An attribute that is set before the component is registered becomes an output, which a preview does not know."""
    declare(
        """
        from flink_k8s.components.cert_manager import CertManager, CertManagerArgs
        from flink_k8s.components.cluster_access import ClusterAccess
        manager = CertManager("cert-manager", CertManagerArgs(ClusterAccess("x", None, "10m")), on_cluster)
        assert manager.namespace == "cert-manager", manager.namespace
        """
    )


class TestJobNamespace:
    def test_a_namespace_has_an_account_with_a_role(self, declare: Declare):
        actual = declare(
            """
            from flink_k8s.components.namespace import JobNamespace, JobNamespaceArgs
            JobNamespace("team", JobNamespaceArgs(), on_cluster)
            """
        )
        kinds = ("ServiceAccount", "Role", "RoleBinding")
        assert titles(actual, "JobNamespace") == {"Namespace team", *(f"{kind} team/flink" for kind in kinds)}
        outputs = actual.outputs[component(actual, "JobNamespace").urn]
        assert outputs == {"namespace": "team", "serviceAccount": "flink"}

    def test_access_is_a_role_per_level_that_has_subjects(self, declare: Declare):
        actual = declare(
            """
            from flink_k8s.components.namespace import JobNamespace, JobNamespaceArgs
            from flink_k8s.config.namespace import NamespaceSettings
            access = {"view": ["group:analysts", "user:ann"], "deploy": ["serviceAccount:ci/orders"]}
            JobNamespace("team", JobNamespaceArgs(NamespaceSettings.model_validate({"access": access})), on_cluster)
            """
        )
        roles = {role.object_name: role.inputs["rules"] for role in actual.find_all("Role")}
        assert roles.keys() == {"flink", "flink-view", "flink-deploy"}
        bindings = {item.object_name: item.inputs for item in actual.find_all("RoleBinding")}
        group = "rbac.authorization.k8s.io"
        assert bindings["flink-view"]["subjects"] == [
            {"apiGroup": group, "kind": "Group", "name": "analysts"},
            {"apiGroup": group, "kind": "User", "name": "ann"},
        ]
        assert bindings["flink-deploy"]["roleRef"] == {"apiGroup": group, "kind": "Role", "name": "flink-deploy"}
        assert bindings["flink-deploy"]["subjects"] == [{"kind": "ServiceAccount", "name": "orders", "namespace": "ci"}]
        assert "secrets" not in str(roles["flink-view"])
        assert all(set(rule["verbs"]) == {"get", "list", "watch"} for rule in roles["flink-view"])

    def test_deployers_can_create_what_a_team_can_declare(self):
        rights = {(group, resource) for group, resources in TEAM_RESOURCES.items() for resource in resources}
        kinds = {(group, plural(kind)) for group, kind in TEAM_KINDS}
        assert rights == kinds | {("networking.k8s.io", "networkpolicies")}

    def test_the_state_claim_is_retained(self, declare: Declare):
        actual = declare(
            """
            from flink_k8s.components.namespace import JobNamespace, JobNamespaceArgs
            from flink_k8s.components.state_claim import StateClaimArgs
            JobNamespace("team", JobNamespaceArgs(state_claim=StateClaimArgs(protect=True)), on_cluster)
            """
        )
        claim = actual.find("PersistentVolumeClaim")
        assert (claim.retain_on_delete, claim.protect) == (True, True)
        assert actual.outputs[component(actual, "JobNamespace").urn]["stateClaim"] == "flink-state"

    def test_an_existing_account_is_not_created(self, declare: Declare):
        actual = declare(
            """
            from flink_k8s.components.namespace import JobNamespace, JobNamespaceArgs
            from flink_k8s.config.namespace import NamespaceSettings
            settings = NamespaceSettings.model_validate({"create": False, "createAccount": False})
            JobNamespace("team", JobNamespaceArgs(settings), on_cluster)
            """
        )
        assert titles(actual, "JobNamespace") == set()
        assert actual.outputs[component(actual, "JobNamespace").urn].get("serviceAccount") is None

    def test_an_existing_namespace_is_not_created(self, declare: Declare):
        actual = declare(
            """
            from flink_k8s.components.namespace import JobNamespace, JobNamespaceArgs
            JobNamespace("default", JobNamespaceArgs(), on_cluster)
            """
        )
        assert not actual.find_all("Namespace")
        assert component(actual, "JobNamespace").inputs["created"] is False


class TestFlinkJob:
    def test_objects_of_a_job_are_its_children(self, declare: Declare):
        actual = declare(
            f"""{JOB}
home = JobNamespace("flink", JobNamespaceArgs(), on_cluster)
args = JobResourcesArgs(job("orders"), rest_port="8081", traffic=Traffic(), namespace=home)
JobResources("FlinkDeployment/flink/orders", args, on_cluster)
"""
        )
        assert titles(actual, "FlinkJob") == {
            "FlinkDeployment flink/orders",
            "NetworkPolicy flink/flinkdeployment-orders",
        }
        assert actual.outputs[component(actual, "FlinkJob").urn]["endpoint"] == {
            "kind": "FlinkDeployment",
            "namespace": "flink",
            "restService": "orders-rest.flink.svc:8081",
            "open": "kubectl -n flink port-forward svc/orders-rest 8081",
        }
        flink, policy = actual.find("FlinkDeployment"), actual.find("NetworkPolicy")
        assert actual.depends_on(flink, policy)
        assert actual.depends_on(flink, actual.find("RoleBinding"))

    def test_a_session_job_depends_on_its_cluster(self, declare: Declare):
        actual = declare(
            f"""{JOB}
cluster = JobResources("FlinkDeployment/flink/session", JobResourcesArgs(job("session")), on_cluster)
visits = job("visits", "FlinkSessionJob", deploymentName="session")
JobResources("FlinkSessionJob/flink/visits", JobResourcesArgs(visits, target=cluster), on_cluster)
"""
        )
        assert actual.depends_on(actual.find("FlinkSessionJob"), actual.find("FlinkDeployment"))

    def test_an_adopted_job_is_imported_and_only_annotated(self, declare: Declare):
        actual = declare(
            f"""{JOB}
from dataclasses import replace
adopted = replace(job("orders"), is_adopted=True)
JobResources("FlinkDeployment/flink/orders", JobResourcesArgs(adopted), on_cluster)
JobResources("FlinkDeployment/flink/visits", JobResourcesArgs(job("visits")), on_cluster)
"""
        )
        orders = actual.find("FlinkDeployment", "orders")
        assert orders.import_id == "flink/orders"
        annotations = {"pulumi.com/deletionPropagationPolicy": "background"}
        assert orders.inputs["metadata"] == {"name": "orders", "namespace": "flink", "annotations": annotations}
        assert not actual.find("FlinkDeployment", "visits").import_id

    def test_settled_and_endpoint_wait_for_readiness(self, declare: Declare):
        actual = declare(
            f"""{JOB}
import asyncio
class Readiness:
    async def wait(self, job, resource, applied):
        await asyncio.sleep(0.1)
        pulumi.log.info("ready")
one = JobResources("FlinkDeployment/flink/orders", JobResourcesArgs(job("orders"), readiness=Readiness()), on_cluster)
pulumi.export("endpoint", one.endpoint)
""",
            preview=False,
        )
        assert [message.text for message in actual.messages] == ["ready"]
        assert actual.exports["endpoint"] == {"kind": "FlinkDeployment", "namespace": "flink"}

    def test_a_failed_job_fails_the_run_with_its_reason(self, declare: Declare):
        with pytest.raises(pulumi.RunError, match="no such jar"):
            declare(
                f"""{JOB}
class Readiness:
    async def wait(self, job, resource, applied):
        raise pulumi.RunError("no such jar")
JobResources("FlinkDeployment/flink/orders", JobResourcesArgs(job("orders"), readiness=Readiness()), on_cluster)
""",
                preview=False,
            )


@pytest.mark.parametrize(
    ("kind", "annotations"),
    [
        ("ConfigMap", {"pulumi.com/deletionPropagationPolicy": "background"}),
        (
            "PersistentVolumeClaim",
            {"pulumi.com/deletionPropagationPolicy": "background", "pulumi.com/skipAwait": "true"},
        ),
    ],
)
def test_an_adopted_object_is_imported_and_only_annotated(declare: Declare, kind: str, annotations: dict[str, str]):
    actual = declare(
        f"""
        from flink_k8s.components.job_objects import JobObjects, JobObjectsArgs
        from flink_k8s.config.job_files import FileObject
        from flink_k8s.config.yaml_file import Document
        from flink_k8s.resolve.jobs import Attachment
        manifest = {{"apiVersion": "v1", "kind": "{kind}", "metadata": {{"name": "a", "namespace": "flink"}}}}
        file = FileObject(Document("jobs/a.yaml", manifest, {{}}), manifest)
        JobObjects("job-objects", JobObjectsArgs([Attachment(file, "flink", manifest, is_adopted=True)]), on_cluster)
        """
    )
    resource = actual.find(kind)
    assert resource.import_id == "flink/a"
    assert resource.inputs["metadata"] == {"name": "a", "namespace": "flink", "annotations": annotations}


def test_the_operator_depends_on_its_watched_namespaces(declare: Declare):
    actual = declare(
        """
        from flink_k8s.components.cluster_access import ClusterAccess
        from flink_k8s.components.flink_operator import FlinkOperator, FlinkOperatorArgs
        from flink_k8s.components.namespace import JobNamespace, JobNamespaceArgs
        home = JobNamespace("team", JobNamespaceArgs(), on_cluster)
        FlinkOperator("flink-operator", FlinkOperatorArgs(ClusterAccess("x"), watched=[home]), on_cluster)
        """
    )
    release = actual.find("Release")
    assert release.inputs["values"]["watchNamespaces"] == ["team"]  # type: ignore[index]
    assert actual.depends_on(release, actual.find("Namespace", "team"))
    outputs = actual.outputs[component(actual, "FlinkOperator").urn]
    assert (outputs["namespace"], outputs["watchedNamespaces"]) == ("flink-operator", ["team"])


def test_an_operator_that_watches_all_namespaces_has_no_list_of_them(declare: Declare):
    actual = declare(
        """
        from flink_k8s.components.cluster_access import ClusterAccess
        from flink_k8s.components.flink_operator import FlinkOperator, FlinkOperatorArgs
        from flink_k8s.components.namespace import JobNamespace, JobNamespaceArgs
        from flink_k8s.config.model import OperatorSettings
        home = JobNamespace("team", JobNamespaceArgs(), on_cluster)
        settings = OperatorSettings.model_validate({"watchAllNamespaces": True})
        FlinkOperator("flink-operator", FlinkOperatorArgs(ClusterAccess("x"), settings, watched=[home]), on_cluster)
        """
    )
    release = actual.find("Release")
    assert release.inputs["values"]["watchNamespaces"] == []  # type: ignore[index]
    assert actual.depends_on(release, actual.find("Namespace", "team"))


def test_a_quota_of_flink_resources_depends_on_the_operator(declare: Declare):
    actual = declare(
        """
        from flink_k8s.components.cluster_access import ClusterAccess
        from flink_k8s.components.flink_operator import FlinkOperator, FlinkOperatorArgs
        from flink_k8s.components.flink_quota import FlinkQuota, FlinkQuotaArgs
        from flink_k8s.components.namespace import JobNamespace, JobNamespaceArgs
        from flink_k8s.config.namespace import Quota
        home = JobNamespace("team", JobNamespaceArgs(), on_cluster)
        operator = FlinkOperator("flink-operator", FlinkOperatorArgs(ClusterAccess("x"), watched=[home]), on_cluster)
        FlinkQuota("team", FlinkQuotaArgs(ClusterAccess("x"), home, Quota(deployments=5), operator), on_cluster)
        """
    )
    assert actual.depends_on(actual.find("ResourceQuota"), actual.find("Release"))


def test_default_deny_depends_on_all_allowing_policies(declare: Declare):
    actual = declare(
        f"""{JOB}
from flink_k8s.components.default_deny import DefaultDeny, DefaultDenyArgs
home = JobNamespace("flink", JobNamespaceArgs(), on_cluster)
args = JobResourcesArgs(job("orders"), traffic=Traffic(), namespace=home)
one = JobResources("FlinkDeployment/flink/orders", args, on_cluster)
DefaultDeny("flink", DefaultDenyArgs(home, [one.policy]), on_cluster)
"""
    )
    deny, allow = (actual.find("NetworkPolicy", name) for name in ("flink-default-deny", "flinkdeployment-orders"))
    assert actual.depends_on(deny, allow)


def test_prometheus_outputs_grafanas_address(declare: Declare):
    actual = declare(
        """
        from flink_k8s.components.cluster_access import ClusterAccess
        from flink_k8s.components.prometheus import Prometheus, PrometheusArgs
        Prometheus("prometheus", PrometheusArgs(ClusterAccess("x")), on_cluster)
        """
    )
    grafana = actual.outputs[component(actual, "Prometheus").urn]["grafana"]
    assert grafana["address"] == "http://prometheus-grafana.monitoring.svc"  # type: ignore[index]


def test_monitors_depend_on_prometheus_and_dashboards_on_its_namespace(declare: Declare):
    actual = declare(
        """
        from flink_k8s.components.monitoring import Monitoring, MonitoringArgs
        from flink_k8s.components.namespace import JobNamespace, JobNamespaceArgs
        from flink_k8s.components.cluster_access import ClusterAccess
        from flink_k8s.components.prometheus import Prometheus, PrometheusArgs
        home = JobNamespace("team", JobNamespaceArgs(), on_cluster)
        prometheus = Prometheus("prometheus", PrometheusArgs(ClusterAccess("x")), on_cluster)
        Monitoring("monitoring", MonitoringArgs(prometheus=prometheus, namespaces=[home]), on_cluster)
        """
    )
    release = actual.find("Release")
    for monitor in (*actual.find_all("PodMonitor"), actual.find("PrometheusRule")):
        assert actual.depends_on(monitor, release)
    for dashboard in actual.find_all("ConfigMap"):
        assert not actual.depends_on(dashboard, release)
        assert actual.depends_on(dashboard, actual.find("Namespace", "monitoring"))
