"""Reads YAML as users write it, strictly, and remembers the line of every value."""

from __future__ import annotations

import math
import stat
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from settings.problems import KeyPath, Problem, dotted

MAX_BYTES = 1_000_000
"""A job file or stack file above this is refused: it is data that got here by mistake, and the parser is slow."""

MAX_NODES = 200_000
"""Values in one file with aliases followed; a handful of nested aliases can stand for billions."""

MAX_DEPTH = 100
"""Nesting of one document; the C parser builds nodes by recursion, and a deep one takes the whole process down."""

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """One document of a YAML file as plain Python (dict, list, str, int, float, bool, None).

    Attributes:
        file: the file as problems name it.
        value: the document.
        lines: 1-based line of every key path in it.
        written: the text of plain values that YAML reads as something that looks otherwise, by key path: `no` for
            false, `1.10` for the number 1.1.
    """

    file: str
    value: object
    lines: Mapping[KeyPath, int] = field(repr=False)
    written: Mapping[KeyPath, str] = field(repr=False, default_factory=dict[KeyPath, str])

    def line(self, path: KeyPath) -> int:
        """The line of the path, or of the nearest parent that has one; 0 when there is none."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 0

    def problem(self, path: KeyPath, message: str) -> Problem:
        """A problem at that path of this document."""
        return Problem(self.file, self.line(path), dotted(path), message)


def read(path: Path, shown: str) -> tuple[list[Document], list[Problem]]:
    """All documents of the file that are not empty, and what is wrong with the file.

    Args:
        path: the file.
        shown: how problems name it.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return [], [Problem(shown, 0, "", "is no file; name one with YAML in it")]
        size = found.st_size
        if size > MAX_BYTES:
            message = f"has {size:,} bytes, more than {MAX_BYTES:,}; data does not belong into a YAML file here"
            return [], [Problem(shown, 0, "", message)]
        data = path.read_bytes()
    except OSError as error:
        return [], [Problem(shown, 0, "", f"cannot be read: {error.strerror}; check the file and its permissions")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return [], [Problem(shown, line, "", "is not UTF-8; save it as UTF-8")]
    return parse(text, shown)


def parse(text: str, shown: str) -> tuple[list[Document], list[Problem]]:
    """`read` for text that is at hand."""
    documents: list[Document] = []
    builder = _Builder(shown)
    loader: Any = None
    try:
        _refuse_depth(text)
        loader = _Loader(text)
        while loader.check_node():
            builder.start()
            node = loader.get_node()
            value = builder.build(loader, node, ())
            if value is not None:
                documents.append(Document(shown, value, builder.lines, builder.written))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        builder.problems.append(Problem(shown, line, "", f"is no YAML: {_cause(text, line, error)}"))
    except yaml.YAMLError as error:
        builder.problems.append(
            Problem(shown, 0, "", f"is no YAML: {' '.join(str(error).split())}; remove what is not text")
        )
    except _TooManyError:
        builder.problems.append(
            Problem(
                shown, 0, "", f"stands for more than {MAX_NODES:,} values; write nested aliases out or split the file"
            )
        )
    except _TooDeepError as error:
        builder.problems.append(
            Problem(shown, error.line, "", f"is nested deeper than {MAX_DEPTH} levels; no resource is as deep as this")
        )
    except RecursionError:  # merge keys in merge keys are deep without looking so
        builder.problems.append(Problem(shown, 0, "", "is nested too deeply; write nested aliases out"))
    finally:
        if loader is not None:
            loader.dispose()
    return documents, builder.problems


def _refuse_depth(text: str) -> None:
    """Looks at the events alone, which need no recursion; and at nothing where too few marks begin a collection."""
    if sum(map(text.count, "[{-?:")) <= MAX_DEPTH:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _TooDeepError(event.start_mark.line + 1 if event.start_mark else 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _cause(text: str, line: int, error: yaml.MarkedYAMLError) -> str:
    lines = text.splitlines()
    if 0 < line <= len(lines) and "\t" in lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]:
        return "a tab stands where YAML wants spaces; indent with spaces"
    said = " ".join(filter(None, [error.context, error.problem]))
    return f"{said}; mend the syntax"


class _TooManyError(Exception):
    """The document grows beyond MAX_NODES when its aliases are followed."""


class _TooDeepError(Exception):
    """The document is nested deeper than MAX_DEPTH."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(line)


class _Builder:
    """Turns nodes into plain values: SafeLoader's own scalars, but duplicate keys and odd keys are problems."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.problems: list[Problem] = []
        self.lines: dict[KeyPath, int] = {}
        self.written: dict[KeyPath, str] = {}
        self.count = 0
        self.open: set[int] = set()

    def start(self) -> None:
        self.lines = {}
        self.written = {}

    def build(self, loader: Any, node: yaml.Node, path: KeyPath) -> object:
        self.count += 1
        if self.count > MAX_NODES:
            raise _TooManyError
        line = cast(int, node.start_mark.line) + 1
        if len(path) > MAX_DEPTH:
            raise _TooDeepError(line)
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(loader, node, path, line)
        if not str(node.tag).startswith("tag:yaml.org,2002:"):
            self._add(line, path, f"has the tag {node.tag}, which means nothing here; remove it")
        if id(node) in self.open:
            self._add(line, path, "contains itself through an alias; write it out")
            return None
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                items = cast(list[yaml.Node], node.value)
                return [self.build(loader, item, (*path, index)) for index, item in enumerate(items)]
            return self._mapping(loader, cast(yaml.MappingNode, node), path)
        finally:
            self.open.discard(id(node))

    def _scalar(self, loader: Any, node: yaml.ScalarNode, path: KeyPath, line: int) -> object:
        text = cast(str, node.value)
        kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
        # Dates, base 60 (1:30) and = are YAML 1.1's own; what reads the files besides us takes them for text.
        if kind in ("timestamp", "value") or (kind in ("int", "float") and ":" in text):
            return text
        if kind == "binary":
            self._add(line, path, "is binary data; no setting takes that, write text")
            return None
        try:
            value = cast(object, loader.construct_object(node))
        except (yaml.YAMLError, ValueError):
            self._add(line, path, f"is no plain value (tag {node.tag}); quote the text")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self._add(line, path, f'is {text}, which is no number in Kubernetes; quote it: "{text}"')
            return None
        if not isinstance(value, str) and value is not None and text.lower() != str(value).lower():
            self.written[path] = text
        return value

    def _mapping(self, loader: Any, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        mapping: dict[str, object] = {}
        written = {id(key_node) for key_node, _ in cast(list[tuple[yaml.Node, yaml.Node]], node.value)}
        loader.flatten_mapping(node)  # the merge key <<: what it brings comes first and is overridden
        own: set[str] = set()
        for key_node, value_node in cast(list[tuple[yaml.Node, yaml.Node]], node.value):
            line = cast(int, key_node.start_mark.line) + 1
            key = self._key(loader, key_node, path, line)
            if key is None:
                continue
            here = (*path, key)
            if key in own:
                self._add(line, here, f"stands twice (first in line {self.lines[here]}); keep one")
                continue
            if id(key_node) in written:
                own.add(key)
            self.lines[here] = line
            mapping[key] = self.build(loader, value_node, here)
        return mapping

    def _key(self, loader: Any, node: yaml.Node, path: KeyPath, line: int) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._add(line, path, "has a key that is no plain text; use text as keys")
            return None
        key: Hashable = loader.construct_object(node)
        if isinstance(key, bool):
            self._add(
                line, path, f'has the key {node.value}, which YAML reads as {str(key).lower()}; write "{node.value}"'
            )
            return None
        return cast(str, node.value)

    def _add(self, line: int, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self.shown, line, dotted(path), message))
