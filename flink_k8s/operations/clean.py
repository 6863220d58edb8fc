"""Delete the local cluster and the generated files in this folder.

Built programs and images (`$FLINK_K8S_HOME`) are kept: the next demo uses them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from flink_k8s.operations.cluster import Cluster
from flink_k8s.support.paths import ROOT

GENERATED = (".venv", ".pytest_cache", ".ruff_cache", ".hypothesis", "out")


def clean(cluster: Cluster, root: Path = ROOT) -> None:
    """Delete the cluster, then the generated folders.

    Args:
        cluster: the local cluster.
        root: the project.

    Raises:
        CommandError: if the cluster cannot be deleted.
    """
    cluster.down()
    for name in GENERATED:
        shutil.rmtree(root / name, ignore_errors=True)
    for cache in root.rglob("__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)
