"""The temporary stack of `make restore-drill`: copies of jobs, and nothing of the platform."""

from __future__ import annotations

from tests.program.conftest import Record
from tests.program.test_stacks import titles

PATH = "s3a://b/sandbox/flink/running-totals/savepoints/savepoint-1-2"


def test_a_drill_deploys_only_copies_in_the_namespace_of_the_drill(resource_graph: Record) -> None:
    graph = titles(
        resource_graph(
            "sandbox",
            operator={"enabled": False},
            stateStorage={"type": "s3", "uri": "s3a://b"},
            namespaces={"flink": {}, "flink-drill": {}},
            jobs={
                "running-totals": {
                    "enabled": True,
                    "after": ["word-count"],  # it is not copied
                    "drill": {"parameters": {"output": "s3a://drill"}},
                }
            },
            restoreDrill={"jobs": {"FlinkDeployment/flink/running-totals": PATH}},
        )
    )
    assert graph.keys() == {
        "FlinkDeployment flink-drill/running-totals",
        "NetworkPolicy flink-drill/flinkdeployment-running-totals",
        # A claim of a job file is empty in the drill: the program does not copy its contents.
        "PersistentVolumeClaim flink-drill/word-count-data",
    }
    job = graph["FlinkDeployment flink-drill/running-totals"].inputs["spec"]["job"]
    assert job["initialSavepointPath"] == PATH
    assert job["args"][-2:] == ["--output", "s3a://drill"]
