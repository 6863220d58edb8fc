"""The job as it runs: image, host network, service and accounts, from the spec and from options by any name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from flink_k8s.config.problems import KeyPath
from flink_k8s.facts import tables
from flink_k8s.resolve.operator_configuration import Options
from flink_k8s.resolve.pod_templates import PROCESSES


@dataclass(frozen=True)
class Setting:
    """A value, and its path in the spec of the Flink cluster.

    Attributes:
        text: the value.
        path: of a field of the spec, or of an option in its `flinkConfiguration`.
    """

    text: str
    path: KeyPath

    @property
    def is_true(self) -> bool:
        """Whether it is `true`, in any case."""
        return self.text.strip().lower() == "true"


@dataclass(frozen=True)
class EffectiveJob:
    """A Flink cluster as the operator and Flink run it.

    Attributes:
        spec: of a FlinkDeployment, merged.
        options: its configuration as the operator merges it.
    """

    spec: Mapping[str, object]
    options: Options

    def option(self, key: str) -> Setting | None:
        """An option of Flink by its current name, however it is set."""
        names = tables.option_names(self.options.operator).get(key, (key,))
        for name in names:
            if name in self.options.configuration:
                return Setting(self.options.configuration[name], ("flinkConfiguration", name))
        return None

    @cached_property
    def image(self) -> Setting | None:
        """The image of Flink's container; None if the operator chooses it."""
        image = self.spec.get("image")
        if isinstance(image, str) and image.strip():
            return Setting(image, ("image",))
        option = self.option("kubernetes.container.image.ref")
        return option if option and option.text.strip() else None

    @cached_property
    def host_network(self) -> Setting | None:
        """The option by which the pods use the network of the node."""
        option = self.option("kubernetes.hostnetwork.enabled")
        return option if option is not None and option.is_true else None

    @cached_property
    def rest_service(self) -> Setting | None:
        """The type of the Service of the REST endpoint, if it is set."""
        return self.option("kubernetes.rest-service.exposed.type")

    @cached_property
    def accounts(self) -> dict[str, Setting]:
        """The ServiceAccount of each process: an option of the process wins over the spec."""
        accounts: dict[str, Setting] = {}
        shared = self.spec.get("serviceAccount")
        for process in PROCESSES:
            key = f"kubernetes.{process.lower()}.service-account"
            own = self.options.configuration.get(key)
            if own is not None:
                accounts[process] = Setting(own, ("flinkConfiguration", key))
            elif isinstance(shared, str):
                accounts[process] = Setting(shared, ("serviceAccount",))
        return accounts

    @property
    def is_standalone(self) -> bool:
        """Whether the operator creates the TaskManagers, instead of Flink."""
        return self.spec.get("mode") == "standalone"
