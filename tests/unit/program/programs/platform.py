"""A small platform: a team's namespace, a chart, a secret, a job that is watched."""

import asyncio

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.helm.v3 import Release, ReleaseArgs, RepositoryOptsArgs

config = pulumi.Config()
provider = k8s.Provider("cluster", context=config.require("context"), cluster_identifier="x")


def on_cluster(**options):
    return pulumi.ResourceOptions(provider=provider, **options)


class Team(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("flink-k8s:index:Team", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        self.namespace = k8s.core.v1.Namespace(f"{name}-namespace", metadata={"name": name}, opts=inside)
        self.account = k8s.core.v1.ServiceAccount(
            f"{name}-account", metadata={"name": "flink", "namespace": self.namespace.metadata.name}, opts=inside
        )
        self.register_outputs({})


team = Team("flink", opts=pulumi.ResourceOptions(providers=[provider]))
password = k8s.core.v1.Secret(
    "password",
    metadata={"name": "password", "namespace": "flink"},
    string_data={"password": pulumi.Output.secret(config.get("password") or "hunter2")},
    opts=on_cluster(depends_on=[team], ignore_changes=["stringData"]),
)
crds = pulumi.ResourceHook("crds", lambda _arguments: None)
local_chart = config.get("chart")
operator = Release(
    "operator",
    ReleaseArgs(
        name="operator",
        chart=local_chart or "operator",
        version=None if local_chart else "1.0.0",
        repository_opts=None if local_chart else RepositoryOptsArgs(repo="https://charts.example.org/stable"),
        namespace="flink",
        values={"image": {"tag": "1", "digest": None}, "key": pulumi.Output.secret("hunter2")},
        timeout=600,
        atomic=True,
    ),
    opts=on_cluster(
        depends_on=[team], hooks=pulumi.ResourceHookBinding(before_update=[crds]), delete_before_replace=True
    ),
)
jobs = {}
for name in config.require_object("jobs"):
    jobs[name] = CustomResource(
        name,
        api_version="flink.apache.org/v1beta1",
        kind="FlinkDeployment",
        metadata={
            "name": name,
            "namespace": "flink",
            "annotations": {"pulumi.com/deletionPropagationPolicy": "background", "team": "a"},
        },
        spec={
            "parallelism": config.get_int("parallelism") or 2,
            "image": "pyflink:dev",
            "cpu": 0.5,
            "args": ["--on", "yes", "line\nline\n"],
        },
        opts=on_cluster(
            depends_on=[operator],
            protect=config.get_bool("protect"),
            aliases=[pulumi.Alias(name=f"old-{name}")],
            custom_timeouts=pulumi.CustomTimeouts(create="5m", delete="2s"),
            ignore_changes=["spec.parallelism"],
        ),
    )


def watched(name):
    async def watch(_id):
        if pulumi.runtime.is_dry_run():
            return "unknown"
        pulumi.log.info("RUNNING", resource=jobs[name])
        await asyncio.sleep(0.01)
        if name == config.get("broken"):
            raise pulumi.RunError(f"job flink/{name} FAILED: no such file")
        return "STABLE"

    return watch


pulumi.export("jobs", {name: job.id.apply(watched(name)) for name, job in jobs.items()})
pulumi.export("password", password.string_data["password"])
