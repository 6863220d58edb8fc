"""Counts and sums a sequence of numbers by key: a stateful DataStream job for Flink 1.19 to 2.x, whose output shows
whether a record was lost or duplicated.

    running_totals.py --output FOLDER [--count N] [--keys K] [--rate R] [--sink UID]

The numbers are 1, 2, 3 … N, R per second; the key of a number is the remainder of its division by K. Each number
produces a line

    key<TAB>number<TAB>count<TAB>sum

with the count and sum of that key's numbers up to this one. The output is deterministic: after any kill, upgrade or
change of parallelism, the lines of a key are those of `lines`, each once. A gap in the counts is a lost record, a
repeated count a duplicated record, and a count that restarts at 1 lost state.

Output: files `running-totals-<id>-<n>.tsv`, not sorted. A file appears complete when the checkpoint with its lines
completes (exactly once). Names that begin with `.` are not part of the output. FOLDER is a path of any file system
that Flink can write such files to (`/data/output`, `s3a://bucket/totals`; not `s3p://`).

Rate and parallelism can differ between runs that continue from a savepoint or checkpoint. N is stored in the state and
keeps the value of the first start. With another K, the counts differ from those of `lines`. The state of Flink's file
sink contains FOLDER, so a run with another FOLDER must also have another UID, and be allowed to start without the state
of the former sink (`allowNonRestoredState`). Otherwise it writes to the former FOLDER.

The functions without PyFlink come first. PyFlink is imported in `build`, so the functions can be tested without it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

PART_PREFIX = "running-totals"
PART_SUFFIX = ".tsv"

Totals = tuple[int, int]
"""Number of the numbers of a key, and their sum."""


class RunningTotalsError(Exception):
    """The job cannot run. The message contains the reason and the remedy."""


@dataclass(frozen=True)
class Options:
    """The options of the command line.

    Attributes:
        output: folder for the lines, in Flink's syntax.
        count: the last number.
        keys: number of keys.
        rate: numbers per second.
        sink: uid of the sink.
    """

    output: str
    count: int = 10**15
    keys: int = 10
    rate: int = 100
    sink: str = "totals-files"


def parse(arguments: Sequence[str]) -> Options:
    """The options of a command line, without the program's name. Invalid options end the process with a message."""
    parser = argparse.ArgumentParser(
        prog="running_totals.py", description="Counts and sums numbers by key.", allow_abbrev=False
    )
    parser.add_argument("--output", required=True, metavar="FOLDER", help="where the lines go")
    parser.add_argument("--count", type=positive, default=Options.count, metavar="N", help="the last number")
    parser.add_argument("--keys", type=positive, default=Options.keys, metavar="K", help="number of keys")
    parser.add_argument("--rate", type=positive, default=Options.rate, metavar="R", help="numbers per second")
    parser.add_argument("--sink", default=Options.sink, metavar="UID", help="identifies the sink's state")
    options = parser.parse_args(arguments)
    return Options(options.output, options.count, options.keys, options.rate, options.sink)


def positive(text: str) -> int:
    """A positive integer.

    Raises:
        ArgumentTypeError: if the text is not one.
    """
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return number


def key_of(number: int, keys: int) -> int:
    """The key of a number, 0 to keys - 1."""
    return number % keys


def add(totals: Totals | None, number: int) -> Totals:
    """A key's totals with one more number."""
    count, total = totals or (0, 0)
    return count + 1, total + number


def as_line(key: int, number: int, totals: Totals) -> str:
    """A line of the output, without a line end."""
    return f"{key}\t{number}\t{totals[0]}\t{totals[1]}"


def lines(count: int, keys: int) -> Iterator[str]:
    """The complete output for the numbers 1 to count, in their order."""
    totals: dict[int, Totals] = {}
    for number in range(1, count + 1):
        key = key_of(number, keys)
        totals[key] = add(totals.get(key), number)
        yield as_line(key, number, totals[key])


def bundle_size(rate: int) -> int:
    """Number of records that are sent to Python together: those of a tenth of a second, from 1 to 1000.

    A checkpoint waits for records that are being processed; Flink's default of 1000 takes 10 s at 100 per second.
    """
    return min(max(rate // 10, 1), 1000)


class Pace:
    """An even rate per second. After a pause, at most one second of it is made up for."""

    def __init__(self, rate: int) -> None:
        self._gap = 1 / rate
        self._due = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds to wait before the next item, at the time `now` (seconds of a monotonic clock)."""
        due = max(self._due, now - 1) if self._due > float("-inf") else now
        self._due = due + self._gap
        return max(due - now, 0)


def build(options: Options) -> Any:
    """The environment with the job, ready to execute.

    Raises:
        RunningTotalsError: if checkpoints are disabled, because the output would stay empty.
    """
    from pyflink.common import Configuration, Encoder, Types, WatermarkStrategy
    from pyflink.datastream import KeyedProcessFunction, MapFunction, StreamExecutionEnvironment
    from pyflink.datastream.connectors.file_system import BucketAssigner, FileSink, OutputFileConfig, RollingPolicy
    from pyflink.datastream.connectors.number_seq import NumberSequenceSource
    from pyflink.datastream.state import ValueStateDescriptor

    class Throttle(MapFunction):
        """Limits the rate. Flink's sources with a rate are not in its Python API."""

        def open(self, runtime_context: Any) -> None:
            self.pace = Pace(options.rate)

        def map(self, value: int) -> int:
            time.sleep(self.pace.wait(time.monotonic()))
            return value

    class KeepTotals(KeyedProcessFunction):
        """Keeps the totals of each key in Flink's state, and emits a line for each number."""

        def open(self, runtime_context: Any) -> None:
            # Pickled, because a sum can exceed 64 bits.
            self.totals = runtime_context.get_state(ValueStateDescriptor("totals", Types.PICKLED_BYTE_ARRAY()))

        def process_element(self, value: int, ctx: Any) -> Iterator[str]:
            totals = add(self.totals.value(), value)
            self.totals.update(totals)
            yield as_line(ctx.get_current_key(), value, totals)

    environment = StreamExecutionEnvironment.get_execution_environment()
    if environment.get_checkpoint_config().get_checkpoint_interval() <= 0:
        raise RunningTotalsError(
            "checkpoints are disabled, and only a checkpoint publishes lines; set execution.checkpointing.interval"
        )
    configuration = Configuration()
    configuration.set_integer("python.fn-execution.bundle.size", bundle_size(options.rate))
    environment.configure(configuration)
    keys = options.keys
    sink = (
        FileSink.for_row_format(options.output, Encoder.simple_string_encoder("UTF-8"))
        .with_bucket_assigner(BucketAssigner.base_path_bucket_assigner())
        .with_output_file_config(
            OutputFileConfig.builder().with_part_prefix(PART_PREFIX).with_part_suffix(PART_SUFFIX).build()
        )
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .build()
    )
    # The uids identify the state: they must never change. The sequence has one subtask, whatever the job's parallelism;
    # totals and files have as many as the parallelism.
    (
        environment.from_source(NumberSequenceSource(1, options.count), WatermarkStrategy.no_watermarks(), "numbers")
        .uid("numbers")
        .set_parallelism(1)
        .map(Throttle(), Types.LONG())
        .uid("throttle")
        .name("throttle")
        .set_parallelism(1)
        .key_by(lambda number: key_of(number, keys), Types.LONG())
        .process(KeepTotals(), Types.STRING())
        .uid("totals")
        .name("totals")
        .sink_to(sink)
        .uid(options.sink)
        .name("totals files")
    )
    return environment


def main(arguments: Sequence[str]) -> int:
    """Runs the job; an exit code."""
    try:
        build(parse(arguments)).execute("running-totals")
    except RunningTotalsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
