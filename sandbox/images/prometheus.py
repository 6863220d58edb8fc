"""Prometheus' and its operator's images, built from their Go modules, and the definitions that the operator prints.

Prometheus finds targets through Kubernetes and files alone here (the discovery of clouds is left out: a third of it),
and has no web interface of its own: the pages that its API belongs to are built by npm.
"""

import re
import subprocess

from sandbox import golang
from sandbox.home import Home
from sandbox.images.go_program import GoProgram
from sandbox.report import Failure

_FOLDER = "prometheus-operator"
_VERSION_SHOWN = "github.com/prometheus/common/version.Version"


class _PrometheusModule(golang.Module):
    @property
    def release(self) -> str:
        """Prometheus 3.13.1 is its module's v0.313.1: Go would want another path for a v3."""
        match = re.fullmatch(r"v0\.(\d)(\d\d)\.(\d+)", self.version)
        if match is None:
            raise Failure(f"{self.folder}/go.mod: {self.pin} {self.version} is not a version like v0.313.1")
        return ".".join(str(int(number)) for number in match.groups())


OPERATOR_MODULE = golang.Module(
    _FOLDER,
    "github.com/prometheus-operator/prometheus-operator",
    {
        "prometheus-operator": "github.com/prometheus-operator/prometheus-operator/cmd/operator",
        "prometheus-config-reloader": (
            "github.com/prometheus-operator/prometheus-operator/cmd/prometheus-config-reloader"
        ),
    },
    tags="remove_all_sd,enable_kubernetes_sd",
    variables={_VERSION_SHOWN: "{release}"},
)
MODULE = _PrometheusModule(
    "prometheus",
    "github.com/prometheus/prometheus",
    {
        "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
        "promtool": "github.com/prometheus/prometheus/cmd/promtool",
    },
    tags="remove_all_sd,enable_kubernetes_sd",
    variables={_VERSION_SHOWN: "{release}"},
    shared=_FOLDER,
)
"""promtool is for the tests of rules: `$FLINK_K8S_HOME/bin/promtool`; it is in no image."""


IMAGES = (
    GoProgram(OPERATOR_MODULE, "prometheus-operator"),
    GoProgram(OPERATOR_MODULE, "prometheus-config-reloader"),
    GoProgram(MODULE, "prometheus"),
)


KINDS = ("podmonitors", "probes", "prometheuses", "prometheusrules", "scrapeconfigs", "servicemonitors")
"""What a Prometheus is made of and configured by. The operator does without the other kinds (Alertmanager, Thanos'
ruler, agents): there is nothing here for them, and each costs the API server as much as a hundred small ones."""


def definitions(home: Home) -> dict[str, bytes]:
    """The CustomResourceDefinitions of `KINDS` as the operator prints them, YAML text by file name; it must be built.

    Raises:
        Failure: it prints none, or lacks one.
    """
    command = [str(OPERATOR_MODULE.program(home, "prometheus-operator")), "crds"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure(f"no definitions: {' '.join(command)} failed: {(result.stderr or result.stdout).strip()[-300:]}")
    texts: dict[str, bytes] = {}
    for document in re.split(r"^---\n", result.stdout, flags=re.M):
        name = re.search(r"^  name: (\w+)\.monitoring\.coreos\.com$", document, re.M)
        if name is not None and name[1] in KINDS:
            texts[f"{name[1]}.yaml"] = document.encode()
    missing = sorted(set(KINDS) - {path.removesuffix(".yaml") for path in texts})
    if missing:
        raise Failure(f"{' '.join(command)} printed no definition of {', '.join(missing)}")
    return texts
