"""Delete the local cluster and the files that tools have written into this folder.

What was built (`$FLINK_K8S_HOME`) is kept: the next demo starts from it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from flink_k8s.operations.cluster import Cluster
from flink_k8s.support.paths import ROOT

LEFT_BY_TOOLS = (".venv", ".pytest_cache", ".ruff_cache", ".hypothesis", "out")


def clean(cluster: Cluster, root: Path = ROOT) -> None:
    """Delete the cluster, then the folders that only tools have written.

    Args:
        cluster: the local cluster.
        root: the project.

    Raises:
        CommandError: if the cluster cannot be deleted.
    """
    cluster.down()
    for name in LEFT_BY_TOOLS:
        shutil.rmtree(root / name, ignore_errors=True)
    for cache in root.rglob("__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)
