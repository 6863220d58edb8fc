"""Splitting of SQL scripts into statements, and the substitution of their variables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_k8s.config.sql_text import (
    Kind,
    fingerprint,
    one_per_line,
    place,
    secrets,
    split,
    substitute,
    tokens,
    uses_python,
    without_comments,
)


def texts(script: str) -> list[str]:
    statements, faults = split(script)
    assert faults == []
    return [statement.text for statement in statements]


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("", []),
        (" ;; -- nothing\n; /* ; */", []),
        ("USE a; USE b", ["USE a", "USE b"]),
        ("SET 'a' = 'x;y'; USE b;", ["SET 'a' = 'x;y'", "USE b"]),
        ("SET 'a' = 'it''s; fine'; USE b;", ["SET 'a' = 'it''s; fine'", "USE b"]),
        ("CREATE TABLE `a;``b` (x INT); USE b;", ["CREATE TABLE `a;``b` (x INT)", "USE b"]),
        ("USE a -- ; it's\n; USE b", ["USE a", "USE b"]),
        ("USE /* ; ' ` */ a; USE b", ["USE /* ; ' ` */ a", "USE b"]),
        ("SELECT '--'; USE b", ["SELECT '--'", "USE b"]),
        ("SELECT '/*'; USE b; SELECT '*/'", ["SELECT '/*'", "USE b", "SELECT '*/'"]),
        ("SELECT 1 /*+ OPTIONS('a;b'='c') */; USE b", ["SELECT 1 /*+ OPTIONS('a;b'='c') */", "USE b"]),
        ("SELECT CASE WHEN a THEN 1 END; USE b", ["SELECT CASE WHEN a THEN 1 END", "USE b"]),
        ("USE ä; USE 名前;", ["USE ä", "USE 名前"]),
    ],
)
def test_statements_end_at_semicolons_outside_of_quotes_and_comments(script: str, statements: list[str]) -> None:
    assert texts(script) == statements


@pytest.mark.parametrize(
    "script",
    [
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT CASE WHEN x THEN 1 END; END;",
        "begin statement set; INSERT INTO a SELECT 1; INSERT INTO b SELECT CASE WHEN x THEN 1 END; end",
    ],
)
def test_a_statement_set_is_one_statement(script: str) -> None:
    [statement, other], faults = split(f"{script.rstrip(';')}; USE b;")
    assert (faults, other.text, statement.text) == ([], "USE b", script.rstrip(";"))
    assert statement.inserts is not None
    inserts = ["INSERT INTO a SELECT 1", "INSERT INTO b SELECT CASE WHEN x THEN 1 END"]
    assert [insert.text for insert in statement.inserts] == inserts


@pytest.mark.parametrize(
    ("script", "line", "column", "problem"),
    [
        ("USE a;\nSET 'x' = 'y;", 2, 11, "starts a text that has no end"),
        ("USE `a;", 1, 5, "starts a name that has no end"),
        ('USE "a;', 1, 5, "starts a text that has no end"),
        ("USE a;\n  /* open", 2, 3, "starts a comment that has no end"),
        ("USE a;\n BEGIN STATEMENT SET; INSERT INTO a SELECT 1;", 2, 2, "starts a statement set that has no end"),
        ("USE a; END;", 1, 8, "is the end of no statement set"),
    ],
)
def test_a_fault_has_line_and_column(script: str, line: int, column: int, problem: str) -> None:
    _, [fault] = split(script)
    assert place(script, fault.offset) == (line, column)
    assert fault.message.startswith(problem)


_TEXT = st.text(alphabet="ab'`\";-/*+$ \n(){}é", max_size=12)
_PIECES = st.one_of(
    _TEXT.map(lambda text: "'" + text.replace("'", "''") + "'"),
    _TEXT.map(lambda text: "`" + text.replace("`", "``") + "`"),
    _TEXT.map(lambda text: "/* " + text.replace("*", "").replace("/", "") + "*/"),
    _TEXT.map(lambda text: "-- " + text.replace("\n", "") + "\n"),
    st.sampled_from(["a", "CASE", "(", ")", "1.5", ".", "=", "/*+ X('a') */"]),
)


@given(st.lists(st.lists(_PIECES, min_size=1, max_size=6), max_size=6))
def test_joined_statements_are_split_again(pieces: list[list[str]]) -> None:
    statements = ["USE " + " ".join(parts) for parts in pieces]
    found, faults = split("".join(f"{statement}\n;" for statement in statements))
    assert faults == []
    assert [fingerprint(statement.text) for statement in found] == [fingerprint(text) for text in statements]


def test_comments_and_spaces_do_not_change_the_fingerprint() -> None:
    assert fingerprint("USE a; -- x\n\n /* y */ USE 'b c';") == fingerprint("USE  a;\nUSE 'b c';")
    assert fingerprint("USE 'b  c'") != fingerprint("USE 'b c'")
    assert fingerprint("SELECT 1 /*+ A('1') */") != fingerprint("SELECT 1 /*+ A('2') */")


def test_variables_are_substituted_by_their_position() -> None:
    script = "SET 'x' = 'a-${v}'; USE `${v}`; SELECT ${n}, -${n}, ${yes} /*+ O('k'='${v}') */ -- ${unknown}\n"
    text, faults, used = substitute(script, {"v": "o'n`e", "n": "-5", "yes": "true"})
    assert faults == []
    assert text == "SET 'x' = 'a-o''n`e'; USE `o'n``e`; SELECT -5, - -5, true /*+ O('k'='o''n`e') */ -- ${unknown}\n"
    assert used == {"v", "n", "yes"}


@given(_TEXT, st.sampled_from(["'", "`"]))
def test_a_value_cannot_end_the_text_around_it(value: str, quote: str) -> None:
    script = f"SET {quote}a ${{v}} b{quote} = 1; USE c"
    text, faults, _ = substitute(script, {"v": value})
    assert faults == []
    before, after = list(tokens(script)), list(tokens(text))
    assert [token.kind for token in after] == [token.kind for token in before]
    assert after[1].value == f"a {value} b"


@given(st.text(max_size=8))
def test_a_value_without_quotes_is_one_token_or_a_fault(value: str) -> None:
    text, faults, _ = substitute("SELECT - ${v} ;", {"v": value})
    if faults:
        assert text == "SELECT - ${v} ;"
    else:
        kinds = [token.kind for token in tokens(text)]
        assert kinds in (
            [Kind.WORD, Kind.SYMBOL, Kind.NUMBER, Kind.END],
            [Kind.WORD, Kind.SYMBOL, Kind.SYMBOL, Kind.NUMBER, Kind.END],
            [Kind.WORD, Kind.SYMBOL, Kind.WORD, Kind.END],
        )


@pytest.mark.parametrize(
    ("script", "column", "problem"),
    [
        ("USE '${b}'", 6, 'unknown variable "b"'),
        ("USE ${a}", 5, 'the value of "a" is not a number, true or false'),
        ('USE "${a}"', 5, "has a variable in double quotes"),
        ("USE '${a'", 6, "starts a variable that has no end"),
        ("USE '${a b}'", 6, '"a b" is not the name of a variable'),
        ("SELECT t${n}", 9, "is joined to a variable"),
        ("SELECT ${n}${n}", 12, "is joined to a variable"),
        ("USE `${secret:a/b}`", 6, "is a secret outside of a text"),
        ("USE '${secret:a}'", 6, "is not a key of a Secret"),
    ],
)
def test_faults_of_variables(script: str, column: int, problem: str) -> None:
    text, [fault], _ = substitute(script, {"a": "x y", "n": "1"})
    assert fault.offset == column - 1
    assert fault.message.startswith(problem)
    assert "x y" not in text


def test_references_of_connectors_and_secrets_remain() -> None:
    script = "SET 'a' = '${file:/s/kafka.properties:password} ${secret:kafka/password}'"
    assert substitute(script, {}) == (script, [], set())
    assert secrets(f"{script} -- '${{secret:other/key}}'") == [("kafka", "password")]


def test_comments_are_removed_outside_of_texts() -> None:
    assert without_comments("USE '--' -- x\n/* y */ a /*+ h */") == "USE '--'  \n  a /*+ h */"


def test_functions_in_python_are_found() -> None:
    assert uses_python("CREATE FUNCTION f AS 'm.f' LANGUAGE Python;")
    assert not uses_python("-- LANGUAGE PYTHON\nCREATE FUNCTION f AS 'm.F' LANGUAGE JAVA;")


def test_script_with_one_statement_per_line_depends_on_statements_only() -> None:
    script = "-- a\nUSE a;  /* b */ INSERT INTO b\n  SELECT x'AB', c.d /*+ h */ , ' -- '\nFROM c WHERE e<>1 ;\n"
    lines = "USE a;\nINSERT INTO b SELECT x'AB', c.d /*+ h */ , ' -- ' FROM c WHERE e<>1 ;"
    assert one_per_line(script) == lines
    assert one_per_line(script.replace("INSERT", "-- other\nINSERT").replace("\nFROM", "\n\n  FROM")) == lines
    assert one_per_line("") == ""
