"""`python -m dev.dashboards`: write flink_k8s/monitoring/json, which the program reads. `--check` writes nothing.

Only this module needs the package grafana-foundation-sdk.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, cast

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from flink_k8s.monitoring import job, operator, overview, resources
from flink_k8s.monitoring.queries import FOLDER, queries


def files(folder: Path = FOLDER) -> dict[Path, str]:
    """The text of each dashboard's file."""
    texts: dict[Path, str] = {}
    for module in (overview, resources, job, operator):
        plain = cast(dict[str, Any], json.loads(json.dumps(module.build().build(), cls=JSONEncoder)))
        for number, panel in enumerate(plain["panels"], start=1):
            panel["id"] = number
        texts[folder / f"{module.UID}.json"] = json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return texts


def main(arguments: list[str] | None = None) -> int:
    """Write or compare the files; an exit code: 1 if `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="dev.dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file would change")
    parser.add_argument("--queries", action="store_true", help="print every query with its requirements; write nothing")
    options = parser.parse_args(arguments)
    if options.queries:
        for query in queries():
            print(f"{query.dashboard}: {query.panel} {query.ref} (needs {query.needs}): {query.expr}")
        return 0
    stale = [path for path, text in files().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if options.check:
            print(f"{path}: differs from the code; run make dashboards")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files()[path])
            print(f"{path}: written")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
