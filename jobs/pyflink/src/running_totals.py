"""Counts and sums a sequence of numbers by key, for as long as it is left to: a stateful DataStream job for Flink 1.19
to 2.x whose output shows whether a record was lost or doubled.

    running_totals.py --output FOLDER [--count N] [--keys K] [--rate R]

The numbers are 1, 2, 3 … N, R of them a second; a number's key is the rest of its division by K. For each number there
is a line

    key<TAB>number<TAB>count<TAB>sum

with count and sum of that key's numbers up to this one. All of it is determined: whatever was killed, upgraded or
scaled in between, the lines of a key are those of `lines`, each once. A gap in the counts is a lost record, a count
that is there twice a doubled one, and a count that begins again lost state.

Output: files `running-totals-<id>-<n>.tsv`, in no order. A file appears whole, as the checkpoint completes that has all
its lines in it (exactly once); names that begin with `.` are not part of the output. FOLDER is a path of any file
system that Flink can write such files to (`/data/output`, `s3a://bucket/totals`; not `s3p://`).

Rate, parallelism and FOLDER may change from one run to the next that goes on from a savepoint or checkpoint. N is kept
with the state and stays what it was at the first start; with another K the counts are no longer those of `lines`.

Pure functions first; PyFlink is imported where a job is built, so that the functions can be tested without it.
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
"""How many numbers of a key there were, and their sum."""


class RunningTotalsError(Exception):
    """The job cannot run; the text says why and what to do."""


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        output: folder for the lines, as Flink writes paths.
        count: the last number.
        keys: how many keys there are.
        rate: numbers a second.
    """

    output: str
    count: int = 10**15
    keys: int = 10
    rate: int = 100


def parse(arguments: Sequence[str]) -> Options:
    """The options of a command line without the program's name; ends the process with a usage message on bad ones."""
    parser = argparse.ArgumentParser(
        prog="running_totals.py", description="Counts and sums numbers by key.", allow_abbrev=False
    )
    parser.add_argument("--output", required=True, metavar="FOLDER", help="where the lines go")
    parser.add_argument("--count", type=positive, default=Options.count, metavar="N", help="the last number")
    parser.add_argument("--keys", type=positive, default=Options.keys, metavar="K", help="number of keys")
    parser.add_argument("--rate", type=positive, default=Options.rate, metavar="R", help="numbers a second")
    options = parser.parse_args(arguments)
    return Options(options.output, options.count, options.keys, options.rate)


def positive(text: str) -> int:
    """A whole number from 1 on.

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return number


def key_of(number: int, keys: int) -> int:
    """The key of a number, 0 to keys - 1."""
    return number % keys


def add(totals: Totals | None, number: int) -> Totals:
    """A key's totals with one more number."""
    count, total = totals or (0, 0)
    return count + 1, total + number


def as_line(key: int, number: int, totals: Totals) -> str:
    """A line of the output, without its end."""
    return f"{key}\t{number}\t{totals[0]}\t{totals[1]}"


def lines(count: int, keys: int) -> Iterator[str]:
    """The whole output for the numbers 1 to count, in the numbers' order."""
    totals: dict[int, Totals] = {}
    for number in range(1, count + 1):
        key = key_of(number, keys)
        totals[key] = add(totals.get(key), number)
        yield as_line(key, number, totals[key])


def bundle_size(rate: int) -> int:
    """How many records travel to Python at a time: no more than a tenth of a second's, from 1 to 1000.

    A checkpoint waits for the records that are on their way; Flink's own 1000 would be 10 s at 100 a second.
    """
    return min(max(rate // 10, 1), 1000)


class Pace:
    """So many a second, evenly; what a pause has cost is made up for by no more than a second's worth."""

    def __init__(self, rate: int) -> None:
        self._gap = 1 / rate
        self._due = float("-inf")

    def wait(self, now: float) -> float:
        """How long to wait, in seconds, before the next one, at the moment `now` (in seconds of a steady clock)."""
        due = max(self._due, now - 1) if self._due > float("-inf") else now
        self._due = due + self._gap
        return max(due - now, 0)


def build(options: Options) -> Any:
    """The environment with the job in it, ready to execute.

    Raises:
        RunningTotalsError: without checkpoints, nothing would ever be in the output.
    """
    from pyflink.common import Configuration, Encoder, Types, WatermarkStrategy
    from pyflink.datastream import KeyedProcessFunction, MapFunction, StreamExecutionEnvironment
    from pyflink.datastream.connectors.file_system import BucketAssigner, FileSink, OutputFileConfig, RollingPolicy
    from pyflink.datastream.connectors.number_seq import NumberSequenceSource
    from pyflink.datastream.state import ValueStateDescriptor

    class Throttle(MapFunction):
        """Lets so many numbers a second through. Flink's sources that have a rate are not in its Python API."""

        def open(self, runtime_context: Any) -> None:
            self.pace = Pace(options.rate)

        def map(self, value: int) -> int:
            time.sleep(self.pace.wait(time.monotonic()))
            return value

    class KeepTotals(KeyedProcessFunction):
        """Keeps each key's totals in Flink's state, and gives a line for each number."""

        def open(self, runtime_context: Any) -> None:
            # Pickled, because a sum outgrows Flink's own 64 bits.
            self.totals = runtime_context.get_state(ValueStateDescriptor("totals", Types.PICKLED_BYTE_ARRAY()))

        def process_element(self, value: int, ctx: Any) -> Iterator[str]:
            totals = add(self.totals.value(), value)
            self.totals.update(totals)
            yield as_line(ctx.get_current_key(), value, totals)

    environment = StreamExecutionEnvironment.get_execution_environment()
    if environment.get_checkpoint_config().get_checkpoint_interval() <= 0:
        raise RunningTotalsError("checkpoints are off, and lines come with them; set execution.checkpointing.interval")
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
    # State is found again by these uids: they must never change. The sequence is one, so is its subtask, whatever the
    # job's parallelism; totals and files are spread.
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
        .uid("totals-files")
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
