"""Statuses as the operator writes them."""

from __future__ import annotations

import json
from typing import Any

CONFIGURATION = "org.apache.flink.configuration.IllegalConfigurationException"


def deployment(
    lifecycle: str, *, name: str = "a", generation: int = 2, observed: int | None = 2, **status: Any
) -> dict[str, Any]:
    said = {"lifecycleState": lifecycle, **status}
    if observed is not None:
        said["observedGeneration"] = observed
    return {"metadata": {"name": name, "generation": generation, "resourceVersion": "1"}, "status": said}


def exception(kind: str, message: str, *causes: tuple[str, str]) -> str:
    listed = [{"type": name, "message": said} for name, said in causes]
    return json.dumps({"type": f"org.example.{kind}", "message": message, "throwableList": listed})


def in_error(error: str) -> dict[str, Any]:
    return deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error=error)


def blue_green(state: str, job_state: str, *, written: str = "", recorded: str = "") -> dict[str, Any]:
    fields = [{"time": "2026-01-01T00:00:09Z", "subresource": "status"}]
    fields += [{"time": f"2026-01-01T00:00:0{written}Z"}] if written else []
    status = {"blueGreenState": state, "jobStatus": {"state": job_state}}
    status |= {"lastReconciledTimestamp": f"2026-01-01T00:00:0{recorded}.123456789Z"} if recorded else {}
    return {"metadata": {"name": "a", "managedFields": fields}, "status": status}
