"""Reads YAML strictly, and records the line of every value."""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml
from yaml.reader import ReaderError

from flink_k8s.config.problems import YAML, KeyPath, Problem, dotted, shortened

MAX_BYTES = 1_000_000
"""Maximum size of a job file or stack file: a larger file is data by mistake, and the parser is slow."""

MAX_NODES = 200_000
"""Maximum number of values in one file with aliases expanded; a few nested aliases can expand to billions."""

MAX_DEPTH = 100
"""Maximum nesting of a document; the C parser is recursive, and a deeper document would crash the process."""

_TAGS = "tag:yaml.org,2002:"

_LARGEST = 2**64 - 1
"""The largest integer that Kubernetes' tools do not round."""

_BOOLEANS = {"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False}

_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES = {"0x": 16, "0o": 8, "0b": 2}

_Loader: type[Any] = type("_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {"yaml_implicit_resolvers": {}})
"""PyYAML's loader, which resolves plain values as Kubernetes' tools do, whose reader is written in Go."""

for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", list("yYnNtTfFoO")),
    ("int", r"[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*)", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"{_TAGS}{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)


@dataclass(frozen=True)
class Document:
    """One document of a YAML file as plain Python (dict, list, str, int, float, bool, None).

    Attributes:
        file: the file as problems name it.
        value: the document.
        lines: 1-based line of every key path.
        written: by key path, the text of plain values that look different than YAML reads them: `no` for false, `1.10`
            for the number 1.1.
    """

    file: str
    value: object
    lines: Mapping[KeyPath, int] = field(repr=False)
    written: Mapping[KeyPath, str] = field(repr=False, default_factory=dict[KeyPath, str])

    def line(self, path: KeyPath) -> int:
        """The line of the path, or of the nearest parent with a line; 0 if no parent has one.

        A key with dots is also found as nested keys: `state.backend` as `backend` in `state`.
        """
        if path in self.lines:
            return self.lines[path]
        place: KeyPath = ()
        for part in path:
            inner = self._nested(place, part)
            if inner is None:
                break
            place = inner
        return self.lines.get(place, 0)

    def _nested(self, place: KeyPath, key: str | int) -> KeyPath | None:
        if (*place, key) in self.lines:
            return (*place, key)
        text = str(key)
        for dot in (index for index, letter in enumerate(text) if letter == "."):
            outer = (*place, text[:dot])
            if outer in self.lines and (inner := self._nested(outer, text[dot + 1 :])) is not None:
                return inner
        return None

    def problem(self, path: KeyPath, message: str, rule: str = YAML) -> Problem:
        """A problem at the path of this document."""
        return Problem(self.file, self.line(path), dotted(path), message, rule)


def read(path: Path, shown: str) -> tuple[list[Document], list[Problem]]:
    """All documents of the file that are not empty, and the problems of the file.

    Args:
        path: the file.
        shown: name of the file in problems.
    """
    text, problems = read_text(path, shown)
    if text is None:
        return [], problems
    if path.suffix.lower() == ".json":
        text = text.replace("\t", " ")  # JSON allows tabs for indentation, but not in strings
    return parse(text, shown)


def read_text(path: Path, shown: str, rule: str = YAML) -> tuple[str | None, list[Problem]]:
    """The text of a file, or None and the problem why it cannot be read.

    Args:
        path: the file.
        shown: name of the file in problems.
        rule: of the problems.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return None, [Problem(shown, 0, "", "is not a file; name a YAML file", rule)]
        size = status.st_size
        if size > MAX_BYTES:
            message = f"has {size:,} bytes, which exceeds {MAX_BYTES:,}; move data to another file"
            return None, [Problem(shown, 0, "", message, rule)]
        data = path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror}; check the file and its permissions"
        return None, [Problem(shown, 0, "", message, rule)]
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return None, [Problem(shown, line, "", "is not UTF-8; save it as UTF-8", rule)]


def parse(text: str, shown: str) -> tuple[list[Document], list[Problem]]:
    """`read` for a text."""
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
        builder.problems.append(
            Problem(shown, line, "", f"is not valid YAML: {_syntax_problem(text, line, error)}", YAML)
        )
    except ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1  # libyaml counts bytes
        message = f"contains the character U+{error.character:04X}, which YAML does not allow; remove it"
        builder.problems.append(Problem(shown, line, "", message, YAML))
    except _TooManyError:
        builder.problems.append(
            Problem(
                shown,
                0,
                "",
                f"expands to more than {MAX_NODES:,} values; replace nested aliases, or split the file",
                YAML,
            )
        )
    except _TooDeepError as error:
        builder.problems.append(
            Problem(shown, error.line, "", f"is nested deeper than {MAX_DEPTH} levels; reduce the nesting", YAML)
        )
    except RecursionError:  # nested merge keys
        builder.problems.append(Problem(shown, 0, "", "is nested too deeply; replace nested aliases", YAML))
    finally:
        if loader is not None:
            loader.dispose()
    return documents, builder.problems


def _refuse_depth(text: str) -> None:
    """Raise _TooDeepError for a deep document, from its events, which are read without recursion.

    Texts with too few characters that can begin a collection are skipped.
    """
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


def _syntax_problem(text: str, line: int, error: yaml.MarkedYAMLError) -> str:
    lines = text.splitlines()
    if _TEMPLATE.search(text):
        return f"the file contains the template expression {_template(text)}; render the template and keep its output"
    if 0 < line <= len(lines) and "\t" in lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]:
        return "a tab in the indentation; indent with spaces"
    message = " ".join(filter(None, [error.context, error.problem]))
    return f"{message}; fix the syntax"


_TEMPLATE = re.compile(r"(?m)\{\{.*?\}\}|^\s*\{%.*?%\}")
"""Expressions of Helm, Jinja and similar templates: `{{ .Values.image }}`, `{% if x %}`."""


def _template(text: str) -> str:
    match = _TEMPLATE.search(text)
    return shortened(match.group().strip(), 60) if match else "{{ … }}"


def _is_template(node: yaml.MappingNode) -> bool:
    """Whether the node is `{{ name }}`, which YAML reads as a mapping whose only key is a mapping."""
    pairs = cast(list[tuple[yaml.Node, yaml.Node]], node.value)
    return len(pairs) == 1 and isinstance(pairs[0][0], yaml.MappingNode) and cast(Any, node).flow_style is True


def _plain_value(kind: str, text: str) -> object:
    """The value that Kubernetes' tools read: `2.0` is 2, `1e3` is 1000, `0o644` is 420.

    Raises:
        ValueError: if the text is not of that kind.
    """
    if kind in ("str", "timestamp", "value", "merge"):
        return text
    if kind == "null" and text.lower() in ("", "~", "null"):
        return None
    if kind == "bool" and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if kind == "float" and text.lower().lstrip("+-") in (".inf", ".nan"):
        return float(text.replace(".", "", 1))
    if kind in ("int", "float"):
        return _number(text.replace("_", ""), is_whole=kind == "int")
    raise ValueError(text)


def _number(text: str, *, is_whole: bool) -> object:
    digits = text.lstrip("+-")
    base = _BASES.get(digits[:2].lower(), 10)
    if base == 10 and len(digits) > 1 and digits[0] == "0" and set(digits) <= set("01234567"):
        base = 8
    if base != 10 or digits.isdecimal():
        return int(text, base)
    if is_whole or not _FLOAT.fullmatch(text):
        raise ValueError(text)
    value = float(text)
    if math.isinf(value):
        return text  # out of range, which Go reads as text
    return int(value) if value.is_integer() else value


class _TooManyError(Exception):
    """The document exceeds MAX_NODES when its aliases are expanded."""


class _TooDeepError(Exception):
    """The document is nested deeper than MAX_DEPTH."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(line)


class _Builder:
    """Converts nodes to plain values, and reports duplicate keys and keys that are not text."""

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
            return self._scalar(node, path, line)
        if isinstance(node, yaml.MappingNode) and _is_template(node):
            remedy = "render the template and keep its output, or quote the text"
            self._add(line, path, f"is an unrendered template expression {{{{ … }}}}; {remedy}")
            return None
        if node.tag != _TAGS + ("seq" if isinstance(node, yaml.SequenceNode) else "map"):
            self._add(line, path, f"has the tag {node.tag}, which is not supported; remove it")
        if id(node) in self.open:
            self._add(line, path, "contains itself through an alias; remove the alias")
            return None
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                items = cast(list[yaml.Node], node.value)
                return [self.build(loader, item, (*path, index)) for index, item in enumerate(items)]
            return self._mapping(loader, cast(yaml.MappingNode, node), path)
        finally:
            self.open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath, line: int) -> object:
        text = cast(str, node.value)
        kind = str(node.tag).removeprefix(_TAGS)
        if kind == "binary":
            self._add(line, path, "is binary data; write text")
            return None
        try:
            value = _plain_value(kind, text)
        except ValueError:
            self._add(line, path, f"is not a plain value (tag {node.tag}); quote the text")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self._add(line, path, f'is {text}, which is not a number in Kubernetes; quote it: "{text}"')
            return None
        if isinstance(value, int) and abs(value) > _LARGEST:
            self._add(line, path, "is a number of more than 64 bits, which Kubernetes rounds; quote it")
            return None
        if not isinstance(value, str) and value is not None and text.lower() != str(value).lower():
            self.written[path] = text
        return value

    def _mapping(self, loader: Any, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        mapping: dict[str, object] = {}
        own_keys = {id(key_node) for key_node, _ in cast(list[tuple[yaml.Node, yaml.Node]], node.value)}
        merges = [key for key, _ in cast(list[tuple[yaml.Node, yaml.Node]], node.value) if key.tag == f"{_TAGS}merge"]
        for merge in merges[1:]:
            line = cast(int, merge.start_mark.line) + 1
            self._add(line, (*path, "<<"), "is a duplicate key; write one with a list: <<: [*a, *b]")
        loader.flatten_mapping(node)  # merged keys (<<) come first and can be overridden
        own: set[str] = set()
        for key_node, value_node in cast(list[tuple[yaml.Node, yaml.Node]], node.value):
            line = cast(int, key_node.start_mark.line) + 1
            key = self._key(key_node, path, line)
            if key is None:
                continue
            key_path = (*path, key)
            if key in own:
                self._add(
                    line, key_path, f"is a duplicate key (first in line {self.lines[key_path]}); remove one of them"
                )
                continue
            if id(key_node) in own_keys:
                own.add(key)
            self.lines[key_path] = line
            mapping[key] = self.build(loader, value_node, key_path)
        return mapping

    def _key(self, node: yaml.Node, path: KeyPath, line: int) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._add(line, path, "contains a key that is not plain text; use text as keys")
            return None
        text = cast(str, node.value)
        kind = str(node.tag).removeprefix(_TAGS)
        try:
            value = _plain_value(kind, text)
        except ValueError:
            self._add(
                line, path, f"contains the key {text}, which is not a plain value (tag {node.tag}); quote the key"
            )
            return None
        if isinstance(value, bool):
            self._add(line, path, f'contains the key {text}, which YAML reads as {str(value).lower()}; write "{text}"')
            return None
        return text

    def _add(self, line: int, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self.shown, line, dotted(path), message, YAML))
