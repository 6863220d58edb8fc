"""Counts the words of text files: a DataStream job in BATCH mode, for Flink 1.19 to 2.x.

    word_count.py --input PATH --output FOLDER

Both are paths of any file system that Flink knows (`/data/in.txt`, `file:///data/in`, `s3a://bucket/in`).
The last value of a repeated option applies, so arguments that are appended to those of a job file override them.

Input: a file, or a folder with all files below it. As in all Flink file sources, names that begin with `.` or `_` are
skipped, and `.gz`, `.bz2`, `.xz` and `.zst` are unpacked. The text is UTF-8. Invalid bytes become U+FFFD, which
separates words.

A word is a letter or digit and all letters, marks and digits that follow it, by Unicode's categories (L, M, N):

- An apostrophe between two letters belongs to the word, also if the letter before it has a mark. U+2019 (the
  typographic apostrophe) counts as `'`. U+02BC is a letter.
- A zero-width joiner or non-joiner (U+200D, U+200C) inside a word belongs to it: Persian and Hindi use them.
- Words are lower-cased and in Unicode's form NFC: `Caf\u00e9` and `cafe\u0301` are one word. Soft hyphens are removed.
- Everything else separates words: blanks, `_`, `-`, punctuation, symbols, emoji, and marks on these. In a script
  without blanks between words (Thai, Chinese, Japanese), each run of letters and marks is one word.

Output: one file, `word-counts-<id>-0.tsv`, with lines `word<TAB>count`, not sorted; no file if there are no words. The
file appears complete at the end of the job. The file of the previous run is deleted at the start, so a reader sees the
file of one run or none. Other files in the folder are not changed.

The functions without PyFlink come first. PyFlink is imported in `build`, so the functions can be tested without it.
"""

from __future__ import annotations

import argparse
import re
import sys
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


def character_class(codes: Iterable[int], categories: tuple[str, ...]) -> str:
    """The inside of a regular expression's `[...]` for the characters whose category begins with one of these.

    Letters, marks and numbers need no escape there.
    """
    ranges: list[list[int]] = []
    for code in codes:
        if unicodedata.category(chr(code)).startswith(categories):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


def word_pattern() -> re.Pattern[str]:
    r"""The pattern of a word in a line that `words` has prepared.

    `re` has no classes for Unicode's categories, and `\w` contains letters and numbers, but no marks. The pattern is
    built for speed. `re` compares a character below U+10000 with a set in one step, and a character above with one
    range after the other. Therefore the characters above have a separate alternative, after one comparison. The first
    look-ahead ends most words before any alternative is tried.
    """
    supplementary = (*range(0x10000, 0x20000), *range(0xE0000, 0xE1000))  # no other plane above U+10000 has marks
    low = f"[{character_class(range(0x10000), ('L', 'M', 'N'))}]"
    high = rf"(?=[\U00010000-\U0010ffff])(?:[^\W_]|[{character_class(supplementary, ('M',))}])"
    number = character_class(range(0x20000), ("N",))
    apostrophe = rf"(?<![{number}])'(?=[^\W_{number}])"
    joiner = rf"[\u200c\u200d]+(?={low}|{high})"
    return re.compile(rf"[^\W_]{low}*(?:(?=['\u0080-\U0010ffff])(?:{high}|{apostrophe}|{joiner}){low}*)*")


WORD = word_pattern()

PART_PREFIX = "word-counts"
PART_SUFFIX = ".tsv"
# An unfinished file is named `.<name>.inprogress.<id>`; an interrupted run leaves such files behind.
PART_NAME = re.compile(rf"\.?{PART_PREFIX}-[0-9a-f-]+-\d+{re.escape(PART_SUFFIX)}(?:\.inprogress\..+)?")

END_OF_INPUT = 0x7FFFFFFFFFFFFFFF
"""The time of Flink's last watermark: a timer for it runs when a key has no more records."""


class WordCountError(Exception):
    """The job cannot run. The message contains the reason and the remedy."""


@dataclass(frozen=True)
class Options:
    """The options of the command line: two paths in Flink's syntax."""

    input: str
    output: str


def parse(arguments: Sequence[str]) -> Options:
    """The options of a command line, without the program's name. Invalid options end the process with a message."""
    parser = argparse.ArgumentParser(
        prog="word_count.py", description="Counts words of text files.", allow_abbrev=False
    )
    parser.add_argument("--input", required=True, metavar="PATH", help="a file, or a folder of files")
    parser.add_argument("--output", required=True, metavar="FOLDER", help="where the counts go")
    options = parser.parse_args(arguments)
    return Options(options.input, options.output)


def words(line: str) -> list[str]:
    """The words of a line, lower-cased and in form NFC, each as often as it occurs."""
    text = line.lower().replace("\u00ad", "")
    return WORD.findall(unicodedata.normalize("NFC", text).replace("\u2019", "'"))


def bucket_of(word: str, buckets: int) -> int:
    """The bucket that counts a word, 0 to buckets - 1. Unlike with `hash`, it is the same in every process."""
    return zlib.crc32(word.encode()) % buckets


def shares(line: str, buckets: int) -> list[tuple[int, str]]:
    """The words of a line as (bucket, words joined by blanks), one pair per bucket.

    The transfer of a record from Java to Python is more expensive than a word in it, so a line becomes few records.
    """
    words_of: dict[int, list[str]] = {}
    for word in words(line):
        words_of.setdefault(bucket_of(word, buckets), []).append(word)
    return [(bucket, " ".join(share)) for bucket, share in words_of.items()]


def add_share(counts: Counter[str], share: str) -> None:
    """Counts the words of one share."""
    counts.update(share.split(" "))


def as_lines(counts: Counter[str]) -> Iterator[str]:
    """The output's lines, without line ends."""
    return (f"{word}\t{count}" for word, count in counts.items())


def is_hidden(name: str) -> bool:
    """Whether Flink's file source skips a file or folder with that name."""
    return name.startswith((".", "_"))


def is_inside(path: str, folder: str) -> bool:
    """Whether an absolute path is the folder or is inside of it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def make_ready(options: Options) -> None:
    """Checks the paths with Flink's own file systems, and deletes the output of the previous run.

    Flink's source reports missing input: its error appears in the status of the resource, and an error of this program
    would appear there only as `Python process exits with code: 1`.

    Raises:
        WordCountError: if the input would never be read, or the output cannot be written.
    """
    from py4j.protocol import Py4JJavaError
    from pyflink.java_gateway import get_gateway

    java_path = get_gateway().jvm.org.apache.flink.core.fs.Path
    at = f"--input {options.input}"
    try:
        source = java_path(options.input)
        source_system = source.getFileSystem()
        source = source.makeQualified(source_system)
        if not source_system.exists(source):
            return
        if is_hidden(source.getName()):
            raise WordCountError(f"{at}: Flink skips names that begin with '.' or '_'; rename it")
        at = f"--output {options.output}"
        target = java_path(options.output)
        target_system = target.getFileSystem()
        target = target.makeQualified(target_system)
        if is_inside(target.toString(), source.toString()):
            raise WordCountError(
                f"{at}: the folder is inside of the input, so its files would be counted; use another folder"
            )
        if not target_system.mkdirs(target):
            raise WordCountError(f"{at}: the folder cannot be created")
        for status in target_system.listStatus(target) or []:
            name = status.getPath().getName()
            if PART_NAME.fullmatch(name) and not target_system.delete(status.getPath(), False):
                raise WordCountError(f"{at}: {name} of an earlier run cannot be deleted")
    except Py4JJavaError as error:
        raise WordCountError(f"{at}: {error.java_exception.toString()}") from None


def build(options: Options) -> Any:
    """The environment with the job, ready to execute."""
    from pyflink.common import Encoder, Types, WatermarkStrategy
    from pyflink.datastream import KeyedProcessFunction, RuntimeExecutionMode, StreamExecutionEnvironment
    from pyflink.datastream.connectors.file_system import (
        BucketAssigner,
        FileSink,
        FileSource,
        OutputFileConfig,
        RollingPolicy,
        StreamFormat,
    )

    class CountBuckets(KeyedProcessFunction):
        """Counts the words of each bucket, and emits the counts after its last record.

        In BATCH mode, keys are processed one after the other. However, a timer arrives later than records: the first
        records of the next bucket arrive before the timer of this one, so each bucket has its own Counter. Flink's
        keyed state and `reduce` would need a call to Java for each word: two minutes for 5 MB of text.
        """

        def __init__(self) -> None:
            self.counts: dict[int, Counter[str]] = {}

        def process_element(self, value: tuple[int, str], ctx: Any) -> None:
            bucket, share = value
            if bucket not in self.counts:
                self.counts[bucket] = Counter()
                ctx.timer_service().register_event_time_timer(END_OF_INPUT)
            add_share(self.counts[bucket], share)

        def on_timer(self, timestamp: int, ctx: Any) -> Iterator[str]:
            yield from as_lines(self.counts.pop(ctx.get_current_key()))

    environment = StreamExecutionEnvironment.get_execution_environment()
    environment.set_runtime_mode(RuntimeExecutionMode.BATCH)
    # Several buckets per subtask: Flink assigns keys to subtasks by hash, so some subtasks get none and some get two.
    parallelism = environment.get_parallelism()
    buckets = 1 if parallelism == 1 else 4 * parallelism

    source = FileSource.for_record_stream_format(StreamFormat.text_line_format("UTF-8"), options.input).build()
    never = 1 << 60
    sink = (
        FileSink.for_row_format(options.output, Encoder.simple_string_encoder("UTF-8"))
        .with_bucket_assigner(BucketAssigner.base_path_bucket_assigner())
        .with_output_file_config(
            OutputFileConfig.builder().with_part_prefix(PART_PREFIX).with_part_suffix(PART_SUFFIX).build()
        )
        # One file per run, which appears complete.
        .with_rolling_policy(RollingPolicy.default_rolling_policy(never, never, never))
        .build()
    )
    (
        environment.from_source(source, WatermarkStrategy.no_watermarks(), "lines")
        .flat_map(lambda line: shares(line, buckets), Types.TUPLE([Types.INT(), Types.STRING()]))
        .name("words")
        .key_by(lambda share: share[0], Types.INT())
        .process(CountBuckets(), Types.STRING())
        .name("counts")
        .sink_to(sink)
        .set_parallelism(1)
        .name("counts file")
    )
    return environment


def run(options: Options) -> None:
    """Runs the job to its end.

    Raises:
        WordCountError: with the root cause.
    """
    from py4j.protocol import Py4JJavaError

    try:
        build(options).execute("word-count")
    except Py4JJavaError as error:
        cause = error.java_exception
        while cause.getCause() is not None:
            cause = cause.getCause()
        raise WordCountError(f"the job failed: {cause.toString()}") from None


def main(arguments: Sequence[str]) -> int:
    """Runs the job; an exit code."""
    options = parse(arguments)
    try:
        make_ready(options)
        run(options)
    except WordCountError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
