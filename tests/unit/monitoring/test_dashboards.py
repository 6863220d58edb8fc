"""The committed dashboards are what the code makes, and every query of theirs can be filled in and run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev.dashboards import files
from dev.dashboards import main as build
from flink_k8s.monitoring.queries import FOLDER, Query, queries

ROOT = Path(__file__).resolve().parents[3]
UIDS = ["flink-job", "flink-operator", "flink-platform", "flink-resources"]
FILLED = {"namespace": "team-a", "job": "orders", "datasource": "prometheus"}


@pytest.fixture(scope="module")
def dashboards() -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}


def test_committed_dashboards_equal_the_code(capsys: pytest.CaptureFixture[str]):
    assert build(["--check"]) == 0, capsys.readouterr().out
    assert sorted(path.stem for path in files()) == UIDS == sorted(path.stem for path in FOLDER.glob("*.json"))


def test_addresses_are_fixed_and_the_dashboards_link_to_each_other(dashboards: dict[str, dict]):
    for name, dashboard in dashboards.items():
        assert dashboard["uid"] == name
        assert dashboard["tags"] == ["flink"]
        (others,) = [link for link in dashboard["links"] if link["type"] == "dashboards"]
        assert others["tags"] == ["flink"]
        assert others["includeVars"] is True


def test_from_the_platform_to_the_job_to_flinks_own_interface(dashboards: dict[str, dict]):
    text = json.dumps(dashboards["flink-platform"])
    assert text.count("/d/flink-job?var-namespace=${__data.fields.Namespace}&var-job=${__data.fields.Job}") == 2
    assert "http://localhost:8081" in [link.get("url") for link in dashboards["flink-job"]["links"]]
    for table in (panel for panel in dashboards["flink-platform"]["panels"] if "d/flink-job" in json.dumps(panel)):
        headings = next(t for t in table["transformations"] if t["id"] == "organize")["options"]["renameByName"]
        assert {"Namespace", "Job"} <= set(headings.values())  # what the link takes


def test_every_dashboard_can_be_narrowed_to_a_namespace_and_the_jobs_to_a_job(dashboards: dict[str, dict]):
    for name, dashboard in dashboards.items():
        variables = [variable["name"] for variable in dashboard["templating"]["list"]]
        assert variables[:2] == ["datasource", "namespace"]
        assert ("job" in variables) == (name in ("flink-job", "flink-resources"))


def test_panels_have_titles_places_and_numbers_of_their_own(dashboards: dict[str, dict]):
    for dashboard in dashboards.values():
        panels = dashboard["panels"]
        assert len(panels) >= 15
        assert len({panel["id"] for panel in panels}) == len(panels)
        titles = [panel["title"] for panel in panels]
        assert len(set(titles)) == len(titles)
        places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
        assert len(places) == len(panels)
        for panel in panels:
            assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_every_panel_uses_the_selected_data_source(dashboards: dict[str, dict]):
    for dashboard in dashboards.values():
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
                assert target["expr"]


def test_the_listing_has_every_query(dashboards: dict[str, dict], capsys: pytest.CaptureFixture[str]):
    actual = list(queries())
    targets = [t for d in dashboards.values() for panel in d["panels"] for t in panel.get("targets", [])]
    assert len([query for query in actual if not query.label]) == len(targets) >= 80
    assert {query.dashboard for query in actual} == set(UIDS)
    assert {query.panel for query in actual if query.label} == {"$namespace", "$job"}
    build(["--queries"])
    assert len(capsys.readouterr().out.splitlines()) == len(actual)


def test_a_filled_query_has_no_variable_left():
    for query in queries():
        filled = query.filled(FILLED)
        assert not re.search(r"\$[A-Za-z_{]", filled), filled
        assert filled.count("(") == filled.count(")")
        assert filled.count("{") == filled.count("}")
        assert query.needs != "nothing" or filled.endswith("or vector(0)")


def test_variables_of_queries_are_replaced_and_unknown_ones_refused():
    query = Query("d", "p", "A", 'label_replace(up{namespace=~"$namespace"}, "a", "$1", "b", "(.*)")')
    filled = query.filled(FILLED)
    assert filled == 'label_replace(up{namespace=~"team-a"}, "a", "$1", "b", "(.*)")'
    assert Query("d", "p", "A", "rate(x[$__rate_interval])").filled({}, "2m") == "rate(x[2m])"
    with pytest.raises(KeyError):
        Query("d", "p", "A", "x{a='${other}'}").filled(FILLED)


def test_flinks_own_metrics_are_filtered_by_the_label_that_has_the_namespace():
    """The operator's metrics have it in `resourcens`: their `namespace` is the operator's own."""
    for query in queries():
        if "flink_k8soperator_namespace" in query.expr:
            assert 'resourcens=~"$namespace"' in query.expr, query
        elif re.search(r"\bflink_(job|task)manager", query.expr) and query.dashboard != "flink-operator":
            assert 'namespace=~"$namespace"' in query.expr, query


def test_the_program_does_not_load_the_package_that_makes_dashboards():
    loaded = "sys, flink_k8s.components.monitoring, flink_k8s.monitoring.queries"
    code = f"import {loaded}; print('grafana_foundation_sdk' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
