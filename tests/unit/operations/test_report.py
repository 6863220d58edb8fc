"""`python -m flink_k8s report`: what the page contains, with and without a cluster."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.config.problems import ProblemsError
from flink_k8s.operations.live_jobs import jobs_of, read_jobs
from flink_k8s.operations.report.command import report
from flink_k8s.operations.report.content import Content, content_of
from flink_k8s.operations.report.page import page
from flink_k8s.operations.report.prices import Prices, read_prices
from flink_k8s.operations.stack import Stack
from tests.unit.project import JOB, Project
from tests.unit.snapshots.cluster import Cluster, state_snapshot

PRICES = "currency: EUR\ncpu: 0.1\nmemory: 0.01\nstorage: 0.001\n"
NAMES = ("word-count", "broken", "gone", "paused")


def deployment(name: str, **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "generation": 2}
    return {"metadata": metadata, "spec": {}, "status": {"observedGeneration": 2, **status}}


CLUSTER = Cluster(
    {
        "flinkdeployments/word-count": deployment(
            "word-count", lifecycleState="STABLE", jobManagerDeploymentStatus="READY", jobStatus={"state": "RUNNING"}
        ),
        "flinkdeployments/broken": deployment(
            "broken", lifecycleState="FAILED", jobStatus={"state": "FAILED"}, error="<b>no</b> class; password=hunter2"
        ),
        "flinkdeployments/paused": deployment("paused", lifecycleState="SUSPENDED"),
    },
    [
        state_snapshot("older", "s3://b/savepoint-1", "2026-11-28T14:00:00Z"),
        state_snapshot("newer", "s3://b/savepoint-2", "2026-11-29T14:00:00Z"),
    ],
)
"""Four jobs: a healthy one, a failed one, one that is missing, and a suspended one."""


@pytest.fixture
def stack(project: Project) -> Stack:
    for name in NAMES[1:]:
        project.job(JOB.replace("word-count", name), f"{name}.yaml")
    project.stack({"jobs": {"paused": {"state": "suspended"}}})
    return Stack("x", project.root / "Pulumi.x.yaml", project.load())


def collected(stack: Stack, project: Project) -> Content:
    """The content of the report, with the cluster above."""

    async def read() -> Content:
        async with CLUSTER.serving(project.root) as api_server:
            live_jobs, notes = await read_jobs(api_server, jobs_of(stack))
            return content_of(stack, live_jobs, notes=notes)

    return asyncio.run(read())


def test_each_job_has_its_health_and_its_last_state(stack: Stack, project: Project) -> None:
    content = collected(stack, project)
    health = {entry.job.name: entry.live.health for entry in content.jobs}
    assert health == {"word-count": "healthy", "broken": "failed", "gone": "missing", "paused": "suspended"}
    [healthy] = [entry for entry in content.jobs if entry.job.name == "word-count"]
    assert healthy.live.snapshot is not None
    assert (healthy.live.snapshot.path, healthy.live.snapshot.shown_time) == (
        "s3://b/savepoint-2",
        "2026-11-29T14:00:00Z",
    )
    assert content.notes == []


def test_the_report_changes_nothing_in_the_cluster(stack: Stack, project: Project) -> None:
    collected(stack, project)
    assert (CLUSTER.pods, CLUSTER.policies, CLUSTER.deleted) == ([], [], [])


def test_errors_are_escaped_and_without_secrets(stack: Stack, project: Project) -> None:
    text = page(collected(stack, project))
    assert "&lt;b&gt;no&lt;/b&gt; class" in text
    assert "hunter2" not in text


def test_the_page_is_complete_without_other_files(stack: Stack) -> None:
    text = page(content_of(stack, {}, drift={"Role flink/flink": ['rules is "<x>"; declared: []']}))
    assert not re.search(r"<(script|link|img|iframe)|url\(|@import|https?://", text)
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    for heading in ("Jobs", "Resources", "Manual changes", "Findings"):
        assert f"<h2>{heading}</h2>" in text
    assert "&lt;x&gt;" in text
    assert all(f"flink/{name}" in text for name in NAMES)
    assert "has no digest" in text


def test_without_a_cluster_the_page_has_what_is_declared(stack: Stack) -> None:
    content = content_of(stack, {})
    assert {entry.live.health for entry in content.jobs} == {"unknown", "suspended"}
    assert content.jobs[0].requests == ("2", "2", "2 GiB", "0")
    assert "Not compared" in page(content)


def test_an_unreachable_cluster_is_a_note_and_exit_code_1(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    out = tmp_path / "new" / "x.html"
    assert report(stack, out) == 1
    assert "Health and savepoints are unknown" in out.read_text()
    assert "Health and savepoints are unknown" in capsys.readouterr().out
    assert report(stack, out, offline=True) == 0


def test_costs_are_those_of_a_month(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(PRICES)
    content = content_of(stack, {}, prices=read_prices(file))
    # 2 CPUs and 2 GiB for 730 hours.
    assert content.jobs[0].cost == "160.60 EUR"
    assert content.teams[-1] == ("stack x", ("6", "6", "6 GiB", "0"), "481.80 EUR")
    assert "Monthly cost" in page(content)
    assert "Monthly cost" not in page(content_of(stack, {}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PRICES + "cpus: 1\n", ":5: cpus: unknown field; did you mean"),
        ("cpu: 1\n", ": currency: is missing or not text; write a currency such as EUR"),
        (PRICES.replace("0.01", "-1"), ":3: memory: is not a price; write the price for an hour"),
        (PRICES.replace("0.1", "true"), ":2: cpu: is not a price; write the price for an hour"),
        ("[]\n", "is not a mapping"),
    ],
)
def test_invalid_prices_are_errors(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    with pytest.raises(ProblemsError) as raised:
        read_prices(file)
    assert message in str(raised.value)


def test_prices_are_optional_except_the_currency(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("currency: USD\n")
    assert read_prices(file) == Prices("USD")
