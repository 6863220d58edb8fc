"""Keeps the lines of text files that contain a word.

    new_job.py --input PATH --output FOLDER --word WORD

The functions without PyFlink come first. PyFlink is imported in `build`, so the functions can be tested without it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Options:
    """The options of the command line: two paths in Flink's syntax, and the word."""

    input: str
    output: str
    word: str


def parse(arguments: Sequence[str]) -> Options:
    """The options of a command line. The last value of a repeated option applies, so a stack's `parameters` win."""
    parser = argparse.ArgumentParser(prog="new_job.py", description="Keeps lines that contain a word.")
    parser.add_argument("--input", required=True, metavar="PATH", help="a file, or a folder of files")
    parser.add_argument("--output", required=True, metavar="FOLDER", help="where the lines go")
    parser.add_argument("--word", required=True, help="word that a line must contain, in any case")
    options = parser.parse_args(arguments)
    return Options(options.input, options.output, options.word)


def contains(line: str, word: str) -> bool:
    """Whether a line contains the word."""
    return word.lower() in line.lower().split()


def build(options: Options) -> Any:
    """The environment with the job, ready to execute."""
    from pyflink.common import Encoder, Types, WatermarkStrategy
    from pyflink.datastream import RuntimeExecutionMode, StreamExecutionEnvironment
    from pyflink.datastream.connectors.file_system import FileSink, FileSource, StreamFormat

    environment = StreamExecutionEnvironment.get_execution_environment()
    environment.set_runtime_mode(RuntimeExecutionMode.BATCH)
    source = FileSource.for_record_stream_format(StreamFormat.text_line_format("UTF-8"), options.input).build()
    sink = FileSink.for_row_format(options.output, Encoder.simple_string_encoder("UTF-8")).build()
    word = options.word
    (
        environment.from_source(source, WatermarkStrategy.no_watermarks(), "lines")
        .filter(lambda line: contains(line, word))
        .name("kept")
        .map(lambda line: line, Types.STRING())
        .sink_to(sink)
        .name("files")
    )
    return environment


def main(arguments: Sequence[str]) -> int:
    """Runs the job; an exit code."""
    build(parse(arguments)).execute("new-job")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
