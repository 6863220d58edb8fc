"""Each alert fires when it should and not when it should not: `promtool test rules` over `cases/<alert>.yaml`.

A case is promtool's own format over the rules of the default thresholds, an operator in `flink-operator` and two
FlinkDeployments declared in `flink`. Annotations but the summary are left out there; a unit test looks at them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import pytest
import yaml

from flink_k8s.config.monitoring import AlertName, Alerts
from flink_k8s.monitoring.alerts import groups
from flink_k8s.support.paths import find_tool
from sandbox.home import home

CASES = Path(__file__).parent / "cases"
ALERTS = sorted(get_args(AlertName))


@pytest.fixture(scope="module")
def tool() -> str:
    """promtool, which is built with the sandbox's Prometheus where there is none."""
    if shutil.which("promtool") is None and not (home().bin / "promtool").exists():
        subprocess.run([sys.executable, "-m", "sandbox", "build", "--prometheus"], check=True)
    return find_tool("promtool")


LABELS = {"flink": {}, "team-a": {}, "team-b": {"team": "b"}, "team-c": {"team": 'the "c" team'}}
"""Labels of alerts by namespace."""

Verdicts = dict[str, subprocess.CompletedProcess[str]]


def rules(**thresholds: object) -> list[dict[str, object]]:
    return groups(
        Alerts.model_validate({"savepointAge": "25h", **thresholds}),
        "flink-operator",
        {("flink", "FlinkDeployment"): 2},
        LABELS,
    )


def run(*command: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )


def verdicts(tool: str, folder: Path, *, dead: bool) -> Verdicts:
    """The result of promtool for the cases of each alert.

    Args:
        tool: promtool.
        folder: an empty folder.
        dead: whether no rule ever fires.
    """
    actual = rules()
    for rule in actual[0]["rules"]:
        rule["annotations"] = {"summary": rule["annotations"]["summary"]}
        if dead:
            rule["expr"] = f"({rule['expr']}) and on () vector(0) > 0"
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": actual}))
    for alert in ALERTS:
        shutil.copy(CASES / f"{alert}.yaml", folder)

    def judge(alert: str) -> subprocess.CompletedProcess[str]:
        return run(tool, "test", "rules", f"{alert}.yaml", folder=folder)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(ALERTS, pool.map(judge, ALERTS), strict=True))


@pytest.fixture(scope="module")
def living(tool: str, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    return verdicts(tool, tmp_path_factory.mktemp("living"), dead=False)


@pytest.fixture(scope="module")
def dead(tool: str, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    return verdicts(tool, tmp_path_factory.mktemp("dead"), dead=True)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_in_its_cases_only(living: Verdicts, alert: str):
    assert living[alert].returncode == 0, living[alert].stdout


@pytest.mark.parametrize("alert", ALERTS)
def test_the_cases_of_an_alert_fail_if_it_never_fires(dead: Verdicts, alert: str):
    assert dead[alert].returncode != 0, dead[alert].stdout


@pytest.mark.parametrize(
    "thresholds",
    [{}, {"restartsWithin": "1h30m", "checkpointAge": "2m", "backPressure": 0.05, "labels": {"team": "data"}}],
    ids=["default", "others"],
)
def test_prometheus_accepts_all_rules(tool: str, tmp_path: Path, thresholds: dict[str, object]):
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": rules(**thresholds)}))
    result = run(tool, "check", "rules", "rules.yaml", folder=tmp_path)
    assert result.returncode == 0, result.stdout
    assert f"{len(ALERTS)} rules found" in result.stdout
