"""Every query of the committed dashboards, for tests that run them; run as a module it lists them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

FOLDER = Path(__file__).resolve().parent / "json"

_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
"""Not `$1`, which is label_replace's."""

_LABEL_VALUES = re.compile(r"label_values\((.*), *(\w+)\)")

_NEEDS = (
    (re.compile(r"\bflink_resource_"), "kube-state-metrics' custom-resource state"),
    (re.compile(r"\bkube_"), "kube-state-metrics"),
    (re.compile(r"\bnode_"), "node-exporter"),
    (re.compile(r"\bcontainer_"), "the kubelet's cAdvisor"),
    (re.compile(r"_pendingRecords\b"), "a source that says how much it still has to read"),
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
        panel: title of the panel, or `$name` for a variable's.
        ref: letter of the query in its panel.
        expr: PromQL with variables; for a variable the series whose label it takes.
        instant: whether it asks for now alone.
        label: for a variable, the label that it takes.
    """

    dashboard: str
    panel: str
    ref: str
    expr: str
    instant: bool = False
    label: str = ""

    @property
    def needs(self) -> str:
        """What must be there for it to return anything, the rarest thing first."""
        return next((what for pattern, what in _NEEDS if pattern.search(self.expr)), "nothing")

    def filled(self, variables: Mapping[str, str], interval: str = "5m") -> str:
        """PromQL as Grafana would send it.

        Args:
            variables: values by name; each one that the query has must be there.
            interval: for `$__rate_interval`; four scrapes at least.

        Raises:
            KeyError: for a variable without a value.
        """
        values = {**variables, "__rate_interval": interval, "__interval": interval, "__range": "1h"}
        return _VARIABLE.sub(lambda found: values[found.group(1)], self.expr)


def queries(folder: Path = FOLDER) -> Iterator[Query]:
    """Queries of variables and panels, in the order of the dashboards' files."""
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
