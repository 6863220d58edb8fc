"""A SQL job as the program deploys it: the ConfigMap with its script first, then the job that mounts it."""

from __future__ import annotations

import pytest

from flink_k8s.program.resource_graph import ResourceGraph
from tests.program.conftest import ROOT

SCRIPT = ROOT / "tests" / "data" / "sql" / "order_totals.sql"


@pytest.fixture
def graph(resource_graph) -> ResourceGraph:
    return resource_graph("sandbox", jobFolders=["tests/data/sql"])


def test_script_is_deployed_before_the_job_that_mounts_it(graph: ResourceGraph) -> None:
    job = graph.find("FlinkDeployment")
    [script] = [found for found in graph.find_all("ConfigMap") if "order-totals" in found.title]
    pod = job.inputs["spec"]["jobManager"]["podTemplate"]["spec"]
    assert pod["volumes"] == [{"name": "sql", "configMap": {"name": script.inputs["metadata"]["name"]}}]
    assert graph.depends_on(job, script)


def test_deployed_script_has_the_lines_of_the_file(graph: ResourceGraph) -> None:
    [script] = [found for found in graph.find_all("ConfigMap") if "order-totals" in found.title]
    text = SCRIPT.read_text().replace("'${rate}'", "'100'").replace("${sink}", "totals")
    assert script.inputs["data"] == {"order-totals.sql": text}


def test_job_with_state_uses_the_storage_of_the_stack(graph: ResourceGraph) -> None:
    job = graph.find("FlinkDeployment")
    spec = job.inputs["spec"]
    assert spec["job"] == {
        "jarURI": "local:///opt/flink/bin/bash-java-utils.jar",
        "entryClass": "org.apache.flink.table.runtime.application.SqlDriver",
        "args": ["--scriptUri", "file:///opt/flink/sql/order-totals.sql"],
        "parallelism": 2,
        "upgradeMode": "savepoint",
    }
    assert spec["flinkConfiguration"]["execution.checkpointing.dir"].startswith("file:///flink-state/")
