"""A Flink platform with its jobs, as a component of any Pulumi program."""

# Not `from __future__ import annotations`: Pulumi derives the schema of the component package from the annotations.

from collections.abc import Mapping
from typing import Any

import pulumi

from flink_k8s.components.component import Component, prefix_of
from flink_k8s.components.declared import Objects, declared_by_program, of_manifest, of_script, platform_config
from flink_k8s.components.outputs import Outputs
from flink_k8s.components.platform import Platform
from flink_k8s.components.settings import FlinkPlatformArgs
from flink_k8s.config.model import JOB_ACCOUNT

_JOBS = ("manifests", "scripts")
"""Arguments that are not keys of a stack file."""


class FlinkPlatform(Component):
    """Namespaces, cert-manager, the Prometheus stack, the Flink operator, monitors and jobs in a Kubernetes cluster.

    The arguments are the keys of a stack file, and jobs. They are merged, completed and checked like a stack file and
    job files: every problem is reported before the component registers a resource.
    """

    namespaces: pulumi.Output[list[str]]
    """Names of the namespaces of jobs."""
    service_accounts: pulumi.Output[dict[str, str]]
    """ServiceAccount of the jobs by namespace, where the platform creates it."""
    operator_version: pulumi.Output[str]
    """Version of the Flink operator; known once its webhook answers."""
    grafana: pulumi.Output[dict[str, str]] | None
    """Address of Grafana in the cluster, and the Secret of its administrator; not set if there is none."""
    jobs: pulumi.Output[dict[str, dict[str, str]]]
    """Access to each job by kind/namespace/name; known once the job is ready."""

    def __init__(self, name: str, args: FlinkPlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component; the names of its resources begin with it.
            args: the settings and the jobs.
            opts: parent, dependencies, and a provider for the same cluster instead of an own one.

        Raises:
            pulumi.RunError: contains every problem of the arguments.
        """
        self._full_name = f"{prefix_of(opts)}{name}"
        self._settings: dict[str, Any] = {key: value for key, value in args.items() if key not in _JOBS}
        outputs = Outputs(self.title)
        config = platform_config(self.title, self.folder, self._settings, outputs)
        declared = declared_by_program(config, _objects(self.title, args, outputs), outputs)
        settings = declared.settings
        super().__init__("flink-k8s:index:FlinkPlatform", name, {"context": settings.context}, opts)
        self.prefix = f"{self._full_name}-"
        platform = self.platform = Platform(declared, outputs.inside(self))
        accounts = (namespace for namespace, item in settings.own_namespaces.items() if item.create_account)
        self.namespaces = pulumi.Output.from_input([*settings.namespaces])
        self.service_accounts = pulumi.Output.from_input(dict.fromkeys(accounts, JOB_ACCOUNT))
        serving = platform.operator.serving if platform.operator else None
        self.operator_version = pulumi.Output.from_input(serving).apply(lambda _: settings.operator.version)
        self.grafana = pulumi.Output.from_input(platform.prometheus.grafana.export()) if platform.prometheus else None
        self.jobs = pulumi.Output.all(**{key: job.endpoint for key, job in platform.jobs.items()})
        self.register_outputs(
            {
                "namespaces": self.namespaces,
                "serviceAccounts": self.service_accounts,
                "operatorVersion": self.operator_version,
                "grafana": self.grafana,
                "jobs": self.jobs,
            }
        )

    @property
    def title(self) -> str:
        """The component in problems."""
        return f"FlinkPlatform {self._full_name}"

    @property
    def folder(self) -> str:
        """The folder of the jobs' state, if `stateStorage` sets none."""
        return f"{pulumi.get_stack()}-{self._full_name}"

    @property
    def settings(self) -> Mapping[str, Any]:
        """The arguments that are keys of a stack file."""
        return self._settings


def _objects(title: str, args: FlinkPlatformArgs, outputs: Outputs) -> Objects:
    """The objects of manifests and scripts in the order of names: other languages do not keep another one."""
    manifests, scripts = args.get("manifests") or {}, args.get("scripts") or {}
    parts = [
        of_manifest(f"{title}: manifests.{name}", manifest, ("manifests", name), outputs)
        for name, manifest in sorted(manifests.items())
    ]
    parts += [of_script(f"{title}: scripts.{name}", name, script) for name, script in sorted(scripts.items())]
    return [item for objects, _ in parts for item in objects], [item for _, problems in parts for item in problems]
