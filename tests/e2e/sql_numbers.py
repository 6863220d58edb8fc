"""A SQL job that writes each number once with its product, and its published rows."""

from __future__ import annotations

from flink_k8s.resolve.state_storage import MOUNT
from flink_k8s.support.kubectl import Kubectl
from tests.e2e.running_totals import NAMESPACE
from tests.waiting import until

JOB = "sql-numbers"
FILE = "sql_numbers.sql"


def script(header: str) -> str:
    """The job file; the variable `factor` is 10.

    Args:
        header: the settings of the job.
    """
    return f"""\
/* flink-k8s
{header.strip()}
parallelism: 1
upgradeMode: savepoint
parameters: {{rate: 100, factor: 10}}
*/
CREATE TABLE numbers (id BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '${{rate}}',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '1000000'
);
CREATE TABLE products (id BIGINT, product BIGINT) WITH (
  'connector' = 'filesystem', 'format' = 'csv', 'path' = '{MOUNT}/{JOB}',
  'sink.rolling-policy.rollover-interval' = '1 s', 'sink.rolling-policy.check-interval' = '1 s'
);
INSERT INTO products SELECT id, id * ${{factor}} FROM numbers;
"""


def rows(kubectl: Kubectl, deployment: str = JOB) -> list[tuple[int, int]]:
    """The published rows, sorted.

    Args:
        kubectl: of the sandbox.
        deployment: whose pod reads the files.
    """
    command = f"find {MOUNT}/{JOB} -type f -name 'part-*' -exec cat {{}} +"
    result = kubectl.try_run("exec", "-n", NAMESPACE, f"deployment/{deployment}", "--", "sh", "-c", command)
    lines = result.stdout.decode().splitlines()
    return sorted((int(number), int(product)) for number, product in (line.split(",") for line in lines))


def exact_rows(kubectl: Kubectl, deployment: str = JOB, *, beyond: int = 0, factor: int = 10) -> int:
    """The highest number, when all numbers up to it are published once and one beyond has the factor."""

    def highest() -> int | None:
        published = rows(kubectl, deployment)
        if not published or published[-1][0] <= beyond:
            return None
        complete = [number for number, _ in published] == list(range(1, published[-1][0] + 1))
        return published[-1][0] if complete and published[-1][1] == published[-1][0] * factor else None

    return until(f"exact rows beyond {beyond}", highest, state=lambda: rows(kubectl, deployment)[-3:])
