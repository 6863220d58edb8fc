"""Alerts, their runbooks and their tests go together; what a user may say of thresholds is checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import ValidationError

from flink_k8s.config.monitoring import AlertName, Alerts
from flink_k8s.monitoring.alerts import alerts, groups

ROOT = Path(__file__).resolve().parents[3]
NAMES = set(get_args(AlertName))
DECLARED = {("flink", "FlinkDeployment"): 2, ("team-a", "FlinkSessionJob"): 1, ("team-a", "FlinkStateSnapshot"): 5}
LABELS = {"flink": {}, "team-a": {}}
OPTIONAL = {"savepointAge": "25h"}
"""Thresholds without a default, whose alerts do not exist without them."""


def alert_rules(**thresholds: object) -> list[dict]:
    (group,) = groups(Alerts.model_validate({**OPTIONAL, **thresholds}), "flink-operator", DECLARED, LABELS)
    return group["rules"]


def test_every_alert_that_is_named_exists_and_no_other():
    assert {rule["alert"] for rule in alert_rules()} == NAMES
    assert len(NAMES) == 22


def test_an_alert_whose_threshold_has_no_default_does_not_exist_without_it():
    assert {alert.name for alert in alerts(Alerts(), "flink-operator", DECLARED, ["flink"])} == NAMES - {
        "FlinkSavepointOld"
    }


def test_each_alert_has_a_runbook_and_each_runbook_an_alert():
    pages = {page.stem: page.read_text() for page in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert set(pages) == NAMES
    severities = {rule["alert"]: rule["labels"]["severity"] for rule in alert_rules()}
    keys = {field.alias for field in Alerts.model_fields.values()}
    for name, page in pages.items():
        assert page.startswith(f"# {name}\n\nSeverity: {severities[name]}. ")
        head = page.partition("## What it means")[0]
        named = set(re.findall(r"`(\w+)`", head))
        assert named  # the thresholds that it names are there
        assert named <= keys
        for heading in ("## What it means", "## Where to look", "## What to do"):
            assert page.count(heading) == 1


def test_each_threshold_is_on_some_alerts_page():
    text = "".join(page.read_text() for page in (ROOT / "docs" / "runbooks").glob("*.md"))
    others = {"enabled", "off", "labels", "runbooks"}
    for field in Alerts.model_fields.values():
        assert field.alias in others or f"`{field.alias}`" in text


def test_each_alert_has_cases_in_which_it_fires_and_in_which_it_does_not():
    cases = {
        file.stem: yaml.safe_load(file.read_text()) for file in (ROOT / "tests" / "rules" / "cases").glob("*.yaml")
    }
    assert set(cases) == NAMES
    for name, case in cases.items():
        checks = [check for test in case["tests"] for check in test["alert_rule_test"]]
        assert {check["alertname"] for check in checks} == {name}
        assert any(check["exp_alerts"] for check in checks)
        assert any(not check["exp_alerts"] for check in checks)
        quiet = [test for test in case["tests"] if not any(check["exp_alerts"] for check in test["alert_rule_test"])]
        assert quiet  # not only before it fires


def test_alerts_have_a_description_and_a_runbook():
    for rule in alert_rules(runbooks="https://git.example.org/docs/runbooks"):
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert all(rule["annotations"].values())
        assert rule["annotations"]["runbook_url"] == f"https://git.example.org/docs/runbooks/{rule['alert']}.md"
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_every_threshold_changes_a_rule():
    """A setting that no rule reads would be a promise."""
    usual = alert_rules()
    other = {"int": 17, "float": 0.31, "checkpointGrowth": 3.5, "checkpointGrowthFrom": "5Gi"}
    for name, field in Alerts.model_fields.items():
        if field.alias in ("enabled", "off", "labels", "runbooks"):
            continue
        value = other.get(str(field.alias)) or other.get(type(field.default).__name__, "47m")
        changed = alert_rules(**{str(field.alias): value})
        assert changed != usual, name


def test_snapshots_are_not_missed():
    """They come and go; the operator has no count of them as declared."""
    missing = [rule for rule in alert_rules() if rule["alert"] == "FlinkJobMissing"]
    assert [(rule["labels"]["namespace"], rule["labels"]["kind"]) for rule in missing] == [
        ("flink", "FlinkDeployment"),
        ("team-a", "FlinkSessionJob"),
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("heap", 1.5),
        ("heap", 0),
        ("backPressure", 1),
        ("checkpointGrowth", 1),
        ("checkpointGrowthFrom", "1"),
        ("savepointAge", "1d"),
        ("restarts", 0),
        ("restartsWithin", "30s"),
        ("checkpointAge", "1d"),
        ("failedFor", "0s"),
        ("off", ["FlinkJobFaild"]),
        ("restartWithin", "15m"),
    ],
)
def test_invalid_thresholds_are_errors(key: str, value: object):
    with pytest.raises(ValidationError):
        Alerts.model_validate({key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [("heap", 0.99), ("restarts", 1), ("restartsWithin", "2m"), ("failedFor", "1s"), ("off", ["FlinkJobFailed"])],
)
def test_similar_valid_thresholds_are_accepted(key: str, value: object):
    assert Alerts.model_validate({key: value})
