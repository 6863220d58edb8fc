"""Runs the statements of a SQL job file, for Flink versions without a driver for SQL and for scripts with secrets.

    sql_job.py STEPS [--wait]

STEPS is a JSON file with a list of steps. A step is `{"set": [option, value]}`, `{"inserts": [statement, …]}` for the
statements that run as one job, or `{"sql": statement}`. A reference `${secret:name/key}` in a statement is replaced by
the content of the file `name/key` in the folder of SQL_SECRETS, by default `/opt/flink/sql-secrets`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SECRETS = "/opt/flink/sql-secrets"

_SECRET = re.compile(r"\$\{secret:([^{}/]+)/([^{}/]+)\}")
_PRINTED = ("SHOW", "DESCRIBE", "DESC", "EXPLAIN")


def with_secrets(statement: str, folder: Path) -> str:
    """The statement with the secrets that its texts refer to; a quote in a secret does not end the text.

    Raises:
        FileNotFoundError: if a secret has no file.
    """

    def content(match: re.Match[str]) -> str:
        text = (folder / match.group(1) / match.group(2)).read_text(encoding="utf-8")
        return text.removesuffix("\n").replace("'", "''")

    return _SECRET.sub(content, statement)


def table_environment(options: Sequence[tuple[str, str]]) -> Any:
    """A table environment with the options that a script sets before its other statements."""
    from pyflink.common import Configuration
    from pyflink.table import EnvironmentSettings, TableEnvironment

    configuration = Configuration()
    for option, value in options:
        configuration.set_string(option, value)
    return TableEnvironment.create(EnvironmentSettings.new_instance().with_configuration(configuration).build())


def run(steps: Sequence[dict[str, Any]], folder: Path, *, wait: bool) -> None:
    """Run the steps in their order.

    Args:
        steps: of the script.
        folder: with a folder per secret.
        wait: wait until each job ends: a local Flink stops with this program.
    """
    first = next((index for index, step in enumerate(steps) if "set" not in step), len(steps))
    environment = table_environment([tuple(step["set"]) for step in steps[:first]])
    for step in steps[first:]:
        if "set" in step:
            environment.get_config().set(*step["set"])
            continue
        if "sql" in step:
            result = environment.execute_sql(with_secrets(step["sql"], folder))
            if step["sql"].split(None, 1)[0].upper() in _PRINTED:
                result.print()
        else:
            statements = environment.create_statement_set()
            for insert in step["inserts"]:
                statements.add_insert_sql(with_secrets(insert, folder))
            result = statements.execute()
        if wait and result.get_job_client() is not None:
            result.wait()


def main(arguments: Sequence[str]) -> int:
    """Runs the script; an exit code."""
    parser = argparse.ArgumentParser(prog="sql_job.py", description="Runs the statements of a SQL job file.")
    parser.add_argument("steps", type=Path, metavar="STEPS", help="JSON file with the steps")
    parser.add_argument("--wait", action="store_true", help="wait until the job ends")
    options = parser.parse_args(arguments)
    steps = json.loads(options.steps.read_text(encoding="utf-8"))
    run(steps, Path(os.environ.get("SQL_SECRETS", SECRETS)), wait=options.wait)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
