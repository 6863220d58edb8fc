"""Panels, variables and links that all dashboards share, for a uniform look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from flink_k8s.monitoring.metrics import FLINK_UI, LOGS

TAG = "flink"
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")

NAMESPACE = 'namespace=~"$namespace"'
RESOURCE_NAMESPACE = 'resourcens=~"$namespace"'
JOB = 'namespace=~"$namespace", app=~"$job"'
"""Matchers of Flink's metrics; the operator's metrics have the namespace in `resourcens`."""


PROCESSES = ("jobmanager", "taskmanager")
"""Names of the processes in Flink's metrics."""


@dataclass(frozen=True)
class Query:
    """One query of a panel.

    Attributes:
        expr: PromQL, with the dashboard's variables.
        legend: of the series; `{{label}}` is replaced by a label.
    """

    expr: str
    legend: str = ""


def heap() -> list[Query]:
    """The used share of the maximum heap, of a job's JVMs."""
    used, maximum = (f"Status_JVM_Memory_Heap_{part}{{{JOB}}}" for part in ("Used", "Max"))
    return [Query(f"flink_{process}_{used} / flink_{process}_{maximum}", "{{pod}}") for process in PROCESSES]


def cpu_load() -> list[Query]:
    """The used share of the node's CPUs, of a job's JVMs."""
    return [Query(f"flink_{process}_Status_JVM_CPU_Load{{{JOB}}}", "{{pod}}") for process in PROCESSES]


def new(uid: str, title: str, description: str) -> dashboard.Dashboard:
    """A dashboard of the platform, with a fixed address and links to the other dashboards."""
    others = (
        dashboard.DashboardLink("Flink")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(others)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )


def flink_ui() -> dashboard.DashboardLink:
    """A link to the Flink web UI of the selected job."""
    tooltip = "The job in Flink's own web interface; `make ui JOB=…` opens the way to it"
    return _link("Flink UI", tooltip, FLINK_UI)


def logs() -> dashboard.DashboardLink:
    """A link to the stored logs of the selected job."""
    return _link("Logs", "The stored logs of the job's pods, also of deleted pods", LOGS)


def _link(title: str, tooltip: str, url: str) -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink(title)
        .type(models.DashboardLinkType.LINK)
        .icon("external link")
        .tooltip(tooltip)
        .url(url)
        .target_blank(True)
    )


def choice(name: str, label: str, metric: str, of: str, *, several: bool) -> dashboard.QueryVariable:
    """A variable with the values of a label.

    Args:
        name: of the variable.
        label: the displayed name.
        metric: the series, with matchers.
        of: the label.
        several: whether several values, and all, can be selected.
    """
    variable = (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(f"label_values({metric}, {of})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )
    return variable.multi(True).include_all(True).all_value(".+") if several else variable


def number(
    title: str, query: Query, *, unit: str = "short", bad_from: float | None = None, meaning: str = ""
) -> stat.Panel:
    """A number: red from `bad_from` on, else green; without colour if `bad_from` is not set."""
    panel = (
        stat.Panel()
        .title(title)
        .description(meaning)
        .datasource(SOURCE)
        .with_target(_target(query, instant=True))
        .unit(unit)
        .height(4)
        .span(4)
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.NONE)
    )
    if bad_from is None:
        return panel.thresholds(_steps(("text", None)))
    return panel.thresholds(_steps(("green", None), ("red", bad_from)))


def graph(
    title: str,
    *queries: Query,
    unit: str = "short",
    meaning: str = "",
    share: bool = False,
    stacked: bool = False,
    width: int = 12,
) -> timeseries.Panel:
    """A graph over time; `share` is for values from 0 to 1."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(meaning)
        .datasource(SOURCE)
        .targets([_target(query, ref) for query, ref in zip(queries, "ABCDEFGH", strict=False)])
        .unit("percentunit" if share else unit)
        .min(0)
        .height(8)
        .span(width)
        .fill_opacity(30 if stacked else 5)
        .show_points(common_models.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(common_models.LegendDisplayMode.LIST)
            .placement(common_models.LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
    return panel.max(1) if share else panel


def rows(
    title: str, query: Query, columns: Sequence[tuple[str, str]], *, link: str = "", meaning: str = "", width: int = 24
) -> table.Panel:
    """A table of the series of an instant query.

    Args:
        title: of the panel.
        query: each series is a row.
        columns: label (or `Value`) and heading, in order; other labels are hidden.
        link: address that the cells of a row link to.
        meaning: description of the panel.
        width: in 24ths of the page.
    """
    positions = {label: index for index, (label, _) in enumerate(columns)}
    panel = (
        table.Panel()
        .title(title)
        .description(meaning)
        .datasource(SOURCE)
        .with_target(_target(query, instant=True).format(PromQueryFormat.TABLE))
        .height(8)
        .span(width)
        .with_transformation(
            models.DataTransformerConfig(
                id_val="filterFieldsByName", options={"include": {"names": [label for label, _ in columns]}}
            )
        )
        .with_transformation(
            models.DataTransformerConfig(
                id_val="organize", options={"indexByName": positions, "renameByName": dict(columns)}
            )
        )
    )
    return panel.data_links([dashboard.DashboardLink("Open").url(link)]) if link else panel


def row(title: str) -> dashboard.Row:
    """A heading between panels."""
    return dashboard.Row(title)


def _target(query: Query, ref: str = "A", *, instant: bool = False) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).ref_id(ref).datasource(SOURCE).legend_format(query.legend)
    return target.instant() if instant else target.range()


def _steps(*steps: tuple[str, float | None]) -> dashboard.ThresholdsConfig:
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(color=color, value=value) for color, value in steps])
    )
