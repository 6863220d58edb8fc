"""`make clean`: away with all that this clone has put onto this machine's cluster, and the cluster itself.

What was built (`$FLINK_K8S_HOME`) stays: the next demo starts from it.
"""

from __future__ import annotations

import shutil

from flink_k8s.operations.cluster import here
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import finish, say

LEFT_BY_TOOLS = (".venv", ".pytest_cache", ".ruff_cache", ".hypothesis", "out")


def main() -> int:
    """Takes the cluster down, then the folders that only tools have written; an exit code."""
    cluster = here()
    say(f"cluster: {cluster.title}")
    cluster.down()
    for name in LEFT_BY_TOOLS:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for cache in ROOT.rglob("__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)
    return 0


if __name__ == "__main__":
    finish(main)
