"""The queries of the committed dashboards, for tests; run as a module it prints them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

FOLDER = Path(__file__).resolve().parent / "json"

_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
"""Does not match `$1`, which is a group in label_replace."""

_LABEL_VALUES = re.compile(r"label_values\((.*), *(\w+)\)")

_NEEDS = (
    (re.compile(r"\bflink_resource_"), "kube-state-metrics' custom-resource state"),
    (re.compile(r"\bkube_"), "kube-state-metrics"),
    (re.compile(r"\bnode_"), "node-exporter"),
    (re.compile(r"\bcontainer_"), "the kubelet's cAdvisor"),
    (re.compile(r"_pendingRecords\b"), "a source that reports its lag"),
    (re.compile(r"_currentInputWatermark\b"), "a job with event time"),
    (re.compile(r"_Reconciliation_(failed|retries)_Count\b"), "a reconciliation that has failed"),
    (re.compile(r"\bALERTS\b(?!.*vector)"), "an alert"),
    (re.compile(r"\bflink_k8soperator_"), "the operator"),
    (re.compile(r"_job_(last|numberOf\w*)Checkpoint|_checkpoint"), "a job with checkpoints"),
    (re.compile(r"\bflink_"), "a job"),
    (re.compile(r"\bup\b"), "a target"),
)


@dataclass(frozen=True)
class Query:
    """One query.

    Attributes:
        dashboard: address of the dashboard.
        panel: title of the panel, or `$name` for the query of a variable.
        ref: letter of the query in its panel.
        expr: PromQL with variables; for a variable, the series with its label.
        instant: whether it is an instant query.
        label: for a variable, the label with its values.
    """

    dashboard: str
    panel: str
    ref: str
    expr: str
    instant: bool = False
    label: str = ""

    @property
    def needs(self) -> str:
        """The rarest requirement for a non-empty result."""
        return next((requirement for pattern, requirement in _NEEDS if pattern.search(self.expr)), "nothing")

    def filled(self, variables: Mapping[str, str], interval: str = "5m") -> str:
        """PromQL as Grafana sends it.

        Args:
            variables: values by name, for all variables in the query.
            interval: for `$__rate_interval`; at least four scrapes.

        Raises:
            KeyError: if a variable has no value.
        """
        values = {**variables, "__rate_interval": interval, "__interval": interval, "__range": "1h"}
        return _VARIABLE.sub(lambda match: values[match.group(1)], self.expr)


def queries(folder: Path = FOLDER) -> Iterator[Query]:
    """The queries of variables and panels, in the order of the dashboard files."""
    for path in sorted(folder.glob("*.json")):
        dashboard = cast(dict[str, Any], json.loads(path.read_text()))
        uid = str(dashboard["uid"])
        for variable in dashboard["templating"]["list"]:
            match = _LABEL_VALUES.fullmatch(str(variable.get("query", "")))
            if match:
                yield Query(uid, f"${variable['name']}", "A", match.group(1), instant=True, label=match.group(2))
        for panel in _panels(dashboard["panels"]):
            for target in panel.get("targets", []):
                yield Query(uid, panel["title"], target["refId"], target["expr"], instant=bool(target.get("instant")))


def _panels(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", []))
