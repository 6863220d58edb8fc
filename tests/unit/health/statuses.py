"""Statuses as the operator writes them."""

from __future__ import annotations

import json
from typing import Any

CONFIGURATION = "org.apache.flink.configuration.IllegalConfigurationException"


def deployment(
    lifecycle: str, *, name: str = "a", generation: int = 2, observed: int | None = 2, **status: Any
) -> dict[str, Any]:
    settings = {"lifecycleState": lifecycle, **status}
    if observed is not None:
        settings["observedGeneration"] = observed
    return {"metadata": {"name": name, "generation": generation, "resourceVersion": "1"}, "status": settings}


def exception(kind: str, message: str, *causes: tuple[str, str]) -> str:
    listed = [{"type": name, "message": text} for name, text in causes]
    return json.dumps({"type": f"org.example.{kind}", "message": message, "throwableList": listed})


def in_error(error: str) -> dict[str, Any]:
    return deployment("DEPLOYED", jobManagerDeploymentStatus="ERROR", error=error)


def blue_green(state: str, job_state: str, *, written: str = "", recorded: str = "") -> dict[str, Any]:
    """One whose newest spec is `written`, and whose operator has taken over `recorded`."""
    status = {"blueGreenState": state, "jobStatus": {"state": job_state}}
    if recorded:
        spec = {"template": {"spec": {"image": recorded, "mode": "native"}}}
        status["lastReconciledSpec"] = json.dumps({"spec": spec})
    settings: dict[str, Any] = {"metadata": {"name": "a"}, "status": status}
    return settings | ({"spec": {"template": {"spec": {"image": written}}}} if written else {})
