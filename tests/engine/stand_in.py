"""Operator charts without an operator: CRDs and accounts, and no pod to wait for.

What the engine does with jobs and CRDs can be asked of them in seconds.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def stand_in_charts(folder: Path) -> Path:
    """Makes them from the sandbox's charts; returns the folder, to be named as mirror."""
    folder.mkdir(parents=True, exist_ok=True)
    charts = sorted((ROOT / ".sandbox" / "charts").glob("flink-kubernetes-operator-*.tgz"))
    assert len(charts) >= 2
    for chart in charts:
        with tarfile.open(chart) as full, tarfile.open(folder / chart.name, "w:gz") as rest:
            for member in full.getmembers():
                if member.isfile() and not member.name.endswith("/templates/operator.yaml"):
                    rest.addfile(member, full.extractfile(member))
    return folder
