"""Splits a SQL script into the statements that Flink runs, and substitutes its variables.

The tokens are those of Flink's own parser, as far as they decide where a statement ends and where a value may be
substituted: texts in `'…'`, names in backticks, comments, hints. The grammar of a statement is Flink's part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, cast


class Kind(Enum):
    """The kind of a token; the value is its name in error messages."""

    WORD = "word"
    TEXT = "text"
    NAME = "name in backticks"
    QUOTED = "text in double quotes"
    VARIABLE = "variable"
    NUMBER = "number"
    COMMENT = "comment"
    END = "semicolon"
    SYMBOL = "symbol"


@dataclass(frozen=True)
class Token:
    """A token of a script.

    Attributes:
        kind: of the token.
        text: as in the script.
        offset: of its first character in the script.
    """

    kind: Kind
    text: str
    offset: int

    @property
    def word(self) -> str:
        """A keyword in upper case; empty for another kind of token."""
        return self.text.upper() if self.kind is Kind.WORD else ""

    @property
    def value(self) -> str:
        """A text or name without its quotes."""
        if self.kind in (Kind.TEXT, Kind.NAME, Kind.QUOTED):
            quote = self.text[0]
            return self.text[1:-1].replace(2 * quote, quote)
        return self.text


@dataclass(frozen=True)
class Statement:
    """A statement of a script, or a statement set.

    Attributes:
        tokens: without comments; of a set, those before its first statement.
        text: as in the script, without the semicolon at its end; of a set, with all its statements and `END`.
        offset: of its first token in the script.
        inserts: the statements of a statement set; None for another statement.
    """

    tokens: tuple[Token, ...]
    text: str
    offset: int
    inserts: tuple[Statement, ...] | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The keywords in upper case; an empty text for each token that is not a word."""
        return tuple(token.word for token in self.tokens)


@dataclass(frozen=True)
class Fault:
    """A fault of a script.

    Attributes:
        offset: in the script.
        message: `problem; remedy`.
    """

    offset: int
    message: str


_VARIABLE: Final = re.compile(r"\$\{([^{}]*)\}|\$\{")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_PLAIN_VALUE: Final = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?|true|false", re.IGNORECASE | re.ASCII)
"""Values that are one token without quotes."""

SECRET: Final = re.compile(r"\$\{secret:([a-z0-9]([-a-z0-9.]*[a-z0-9])?)/([-._a-zA-Z0-9]+)\}")
"""A reference to a key of a Kubernetes Secret: `${secret:name/key}`. It is resolved in the job's own pod."""

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
    | (?P<comment>--[^\n]*|/\*(?!\+).*?\*/)
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>`(?:[^`]|``)*`)
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<variable>\$\{[^{}\n]*\})
    | (?P<word>[^\W\d](?:\w|\$(?!\{))*)
    | (?P<number>\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)
    | (?P<end>;)
    | (?P<symbol>/\*\+|/\*|\*/|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_UNFINISHED: Final = {
    "'": "starts a text that has no end; add '",
    "`": "starts a name that has no end; add `",
    '"': 'starts a text that has no end; add "',
    "/*": "starts a comment that has no end; add */",
}


def tokens(script: str) -> Iterator[Token]:
    """The tokens of a script, with comments; the two parts of a hint, `/*+` and `*/`, are symbols."""
    for match in _TOKEN.finditer(script):
        if match.lastgroup != "space":
            yield Token(Kind[cast(str, match.lastgroup).upper()], match.group(), match.start())


def place(script: str, offset: int) -> tuple[int, int]:
    """Line and column of a character, both from 1."""
    start = script.rfind("\n", 0, offset) + 1
    return script.count("\n", 0, offset) + 1, offset - start + 1


def offset_of(script: str, line: int, column: int) -> int:
    """The offset of a character, from its line and column."""
    lines = script.split("\n")
    return sum(len(text) + 1 for text in lines[: line - 1]) + column - 1


def split(script: str) -> tuple[list[Statement], list[Fault]]:
    """The statements of a script, and the faults because of which their ends are unknown."""
    statements: list[Statement] = []
    faults: list[Fault] = []
    first: Statement | None = None
    inserts: list[Statement] = []
    for part in _parts(script, faults):
        if first is None and (begin := _begin_of_set(part)):
            first, inserts = part, []
            rest = part.tokens[begin:]
            if rest:
                inserts.append(_statement(script, rest))
                first = _statement(script, part.tokens[:begin])
        elif first is None and part.words == ("END",):
            faults.append(Fault(part.offset, "is the end of no statement set; remove it, or add BEGIN STATEMENT SET"))
        elif first is None:
            statements.append(part)
        elif part.words == ("END",):
            text = script[first.offset : part.offset + len(part.text)]
            statements.append(Statement(first.tokens, text, first.offset, tuple(inserts)))
            first = None
        else:
            inserts.append(part)
    if first is not None:
        faults.append(Fault(first.offset, "starts a statement set that has no end; add END;"))
    return statements, faults


def _parts(script: str, faults: list[Fault]) -> Iterator[Statement]:
    """The parts between semicolons that are not empty."""
    part: list[Token] = []
    for token in tokens(script):
        if token.kind is Kind.SYMBOL and token.text in _UNFINISHED:
            faults.append(Fault(token.offset, _UNFINISHED[token.text]))
            return
        if token.kind is Kind.END:
            if part:
                yield _statement(script, part)
            part = []
        elif token.kind is not Kind.COMMENT:
            part.append(token)
    if part:
        yield _statement(script, part)


def _statement(script: str, part: list[Token] | tuple[Token, ...]) -> Statement:
    end = part[-1].offset + len(part[-1].text)
    return Statement(tuple(part), script[part[0].offset : end], part[0].offset)


def _begin_of_set(part: Statement) -> int:
    """Number of the tokens with which a part starts a statement set; 0 if it does not."""
    for start in (("BEGIN", "STATEMENT", "SET"), ("EXECUTE", "STATEMENT", "SET", "BEGIN")):
        if part.words[: len(start)] == start:
            return len(start)
    return 0


def fingerprint(script: str) -> str:
    """The script without comments and with single spaces: equal for scripts that Flink runs in the same way."""
    return " ".join(token.text for token in tokens(script) if token.kind is not Kind.COMMENT)


def substitute(script: str, parameters: Mapping[str, str]) -> tuple[str, list[Fault], set[str]]:
    """The script with the values of its variables, the faults of variables, and the names of the used parameters.

    In a text `'…'` and in a name in backticks, a value is any text: its quotes are doubled, so it cannot end the text
    or the name. Elsewhere, a value is a number, `true` or `false`. Comments have no variables. `${secret:name/key}`
    and other references with a colon, which connectors resolve, remain.
    """
    faults: list[Fault] = []
    used: set[str] = set()
    parts: list[str] = []
    end = 0
    for token, text in _replacements(script, parameters, faults, used):
        parts += [script[end : token.offset], text]
        end = token.offset + len(token.text)
    return "".join([*parts, script[end:]]), faults, used


def origin(script: str, parameters: Mapping[str, str], offset: int) -> int:
    """The offset in the script of a character of the script with the values of its variables."""
    shift = 0
    for token, text in _replacements(script, parameters, [], set()):
        start = token.offset + shift
        if offset < start:
            break
        if offset < start + len(text):
            return token.offset
        shift += len(text) - len(token.text)
    return offset - shift


def _replacements(
    script: str, parameters: Mapping[str, str], faults: list[Fault], used: set[str]
) -> Iterator[tuple[Token, str]]:
    """Each token with variables, and its text with their values."""
    previous: Token | None = None
    for token in tokens(script):
        if "${" in token.text and token.kind is not Kind.COMMENT:
            yield token, _substituted(token, previous, parameters, faults, used)
        if (
            previous is not None
            and Kind.VARIABLE in (token.kind, previous.kind)
            and previous.offset + len(previous.text) == token.offset
            and {token.kind, previous.kind} <= {Kind.VARIABLE, Kind.WORD, Kind.NUMBER}
        ):
            faults.append(Fault(token.offset, "is joined to a variable; separate them by a space"))
        previous = token


def _substituted(
    token: Token, previous: Token | None, parameters: Mapping[str, str], faults: list[Fault], used: set[str]
) -> str:
    """The token with the values of its variables."""
    if token.kind is Kind.QUOTED:
        faults.append(Fault(token.offset, "has a variable in double quotes; write the text in '…'"))
        return token.text
    if token.kind is Kind.VARIABLE:
        is_after_sign = previous is not None and previous.text in ("-", "+")
        return _each_variable(token, parameters, faults, used, lambda value: _plain(value, is_after_sign=is_after_sign))
    quote = token.text[0]
    return _each_variable(token, parameters, faults, used, lambda value: value.replace(quote, 2 * quote))


def _plain(value: str, *, is_after_sign: bool) -> str | None:
    """A value without quotes; None if it is not a single token. Two minus signs would start a comment."""
    if not _PLAIN_VALUE.fullmatch(value):
        return None
    return f" {value}" if is_after_sign and value.startswith("-") else value


def _each_variable(
    token: Token,
    parameters: Mapping[str, str],
    faults: list[Fault],
    used: set[str],
    quoted: Callable[[str], str | None],
) -> str:
    def value_of(match: re.Match[str]) -> str:
        offset, name = token.offset + match.start(), match.group(1)
        if name is None:
            faults.append(Fault(offset, "starts a variable that has no end; add }"))
        elif name.startswith("secret:"):
            if token.kind is not Kind.TEXT:
                faults.append(Fault(offset, "is a secret outside of a text; write '${secret:name/key}'"))
            elif not SECRET.fullmatch(match.group()):
                faults.append(Fault(offset, "is not a key of a Secret; write ${secret:name/key}"))
        elif ":" in name and token.kind is Kind.TEXT:
            pass  # a connector resolves it: Kafka's `${file:path:key}`
        elif not _VARIABLE_NAME.fullmatch(name):
            faults.append(Fault(offset, f'"{name}" is not the name of a variable; use letters, digits, _, - and .'))
        elif name not in parameters:
            faults.append(Fault(offset, f'unknown variable "{name}"; set it in parameters of the job'))
        else:
            used.add(name)
            value = quoted(parameters[name])
            if value is not None:
                return value
            remedy = "write it in '…' for a text, or in backticks for a name"
            faults.append(Fault(offset, f'the value of "{name}" is not a number, true or false; {remedy}'))
        return match.group()

    return _VARIABLE.sub(value_of, token.text)


def without_comments(text: str) -> str:
    """The text with a space instead of each comment."""
    return _replaced(text, Kind.COMMENT, lambda _: " ")


def one_per_line(script: str) -> str:
    """The script with one statement per line: comments and line breaks of the file do not change it."""
    parts: list[str] = []
    end, last = 0, Kind.END
    for token in tokens(script):
        if token.kind is Kind.COMMENT:
            continue
        if parts:
            parts.append("\n" if last is Kind.END else " " if token.offset > end else "")
        parts.append(token.text)
        end, last = token.offset + len(token.text), token.kind
    return "".join(parts)


def with_texts(script: str, changed: Callable[[str], str]) -> str:
    """The script with other texts `'…'`.

    Args:
        script: of statements.
        changed: a text without its quotes to the text that replaces it.
    """
    return _replaced(script, Kind.TEXT, lambda token: "'" + changed(token.value).replace("'", "''") + "'")


def _replaced(script: str, kind: Kind, replacement: Callable[[Token], str]) -> str:
    """The script with a replacement for each token of a kind."""
    parts: list[str] = []
    end = 0
    for token in tokens(script):
        if token.kind is kind:
            parts += [script[end : token.offset], replacement(token)]
            end = token.offset + len(token.text)
    return "".join([*parts, script[end:]])


def secrets(script: str) -> list[tuple[str, str]]:
    """Name and key of each Secret that a text of the script refers to, sorted."""
    texts = (token.text for token in tokens(script) if token.kind is Kind.TEXT)
    return sorted({(match[1], match[3]) for text in texts for match in SECRET.finditer(text)})


def uses_python(script: str) -> bool:
    """Whether the script creates a function in Python, whose module is unknown here."""
    return any(
        words[index : index + 2] == ("LANGUAGE", "PYTHON")
        for statement in split(script)[0]
        for words in [statement.words]
        for index in range(len(words))
    )
