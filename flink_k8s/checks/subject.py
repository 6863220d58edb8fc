"""What the rules look at: one Flink resource, merged, with the configuration that the operator would see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flink_k8s.config.findings import Say
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts import tables, versions
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.versions import short_version


@dataclass(frozen=True)
class Subject:
    """One spec with pods and configuration of its own: a deployment, or what a blue/green one is made from.

    Attributes:
        name: of the FlinkDeployment that comes of it.
        namespace: of the resource.
        spec: the merged spec, configuration flat.
        at: where the spec begins in the manifest.
        operator: version of the operator.
        configuration: flinkConfiguration over the operator's own configuration.
        say: takes what is found.
    """

    name: str
    namespace: str
    spec: Mapping[str, object]
    at: KeyPath
    operator: str
    configuration: Mapping[str, str]
    say: Say

    def found(self, rule: str, path: KeyPath, message: str) -> None:
        """Something is wrong at that path of the spec."""
        self.say(rule, (*self.at, *path), message)

    def key_found(self, key: str, message: str) -> None:
        """Something is wrong with that key of the configuration."""
        self.say("operator", (*self.at, "flinkConfiguration", key), message)

    @property
    def job(self) -> Mapping[str, object] | None:
        """The job, None for a session cluster."""
        return mapping(self.spec.get("job")) if isinstance(self.spec.get("job"), dict) else None

    @property
    def flink_version(self) -> str | None:
        """`2.2` for v2_2; None where it says something else."""
        return short_version(self.spec.get("flinkVersion"))

    def value(self, key: str) -> tuple[str, str] | None:
        """The configuration's value of an option by its name today, and the key that said it: that or an older name."""
        option = tables.operator_options(self.operator).get(key)
        for name in (key, *option.older) if option else versions.names(key, self.operator):
            if name in self.configuration:
                return name, self.configuration[name]
        return None

    def text(self, key: str) -> str:
        """The value of an option, stripped, empty when nobody said it."""
        said = self.value(key)
        return said[1].strip() if said else ""
