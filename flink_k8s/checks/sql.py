"""SQL jobs: whether Flink can run the script as one job, and whether its variables have values.

The columns and types of a query are checked by Flink's planner: `make check PLANNER=1`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from flink_k8s.checks.configuration import unknown_option
from flink_k8s.checks.option_values import value_problems
from flink_k8s.checks.subject import StackSubject
from flink_k8s.config import sql_text
from flink_k8s.config.problems import JOB_FILE as JOB_FILE_PROBLEM
from flink_k8s.config.problems import KeyPath, nearest
from flink_k8s.config.secret_text import is_secret
from flink_k8s.config.sql_file import SqlFile, is_header
from flink_k8s.config.sql_text import Fault, Kind, Statement, Token
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.versions import short_version
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.sources import JOB_FILE
from flink_k8s.resolve.sql import DRIVER_SINCE, parameters, texts

_GUARANTEE: Final = "sink.delivery-guarantee"

_OBJECTS: Final = ("TABLE", "VIEW", "FUNCTION", "CATALOG", "DATABASE", "MODEL", "CONNECTION")
_MODIFIERS: Final = frozenset({"OR", "REPLACE", "TEMPORARY", "SYSTEM"})
"""Words between CREATE and the kind of the object."""

_SETUP: Final = frozenset(
    {"ADD", "ALTER", "CREATE", "DESC", "DESCRIBE", "DROP", "EXPLAIN", "LOAD", "REMOVE", "SET", "SHOW", "UNLOAD", "USE"}
)
_JOBS: Final = frozenset({"INSERT", "DELETE", "UPDATE"})
_QUERIES: Final = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("})
_FOREIGN: Final = frozenset(
    {"ANALYZE", "CALL", "CLEAR", "COMPILE", "EXIT", "HELP", "QUIT", "RESET", "SOURCE", "STOP", "TRUNCATE"}
)
"""Statements of Flink's SQL client and gateway, or that change a job's objects in other systems."""

_BEGINNINGS: Final = frozenset({("INSERT", "INTO"), ("INSERT", "OVERWRITE"), ("CREATE", "TABLE"), ("CREATE", "VIEW")})
"""Words that a statement contains only at its beginning."""


def check(stack: StackSubject) -> None:
    """Check the scripts of all SQL jobs."""
    for job in stack.jobs:
        sql = job.source.sql
        if sql is None:
            continue
        for fault in _faults(sql, mapping(job.spec.get("flinkConfiguration"))):
            stack.report("sql-script", (), fault.message, sql.at(fault.offset))
        _check_parameters(stack, job, sql)
        _check_secrets(stack, job, sql)
        _check_options(stack, job, sql)
        _check_drill(stack, job, sql)
        _check_session(stack, job, sql)
        origin = job.sources.origin(("job", "args"), job.spec)
        if sql.settings.args is not None or (origin is not None and origin.source.name != JOB_FILE):
            stack.report("sql-script", ("spec", "job", "args"), "are not passed to a SQL script; use parameters", job)


def _check_parameters(stack: StackSubject, job: Job, sql: SqlFile) -> None:
    _, faults, used = sql_text.substitute(sql.script, parameters(job.settings))
    for fault in faults:
        stack.report("sql-variable", (), fault.message, sql.at(fault.offset))
    for source, path, settings in (
        (sql.config, sql.settings_path, sql.settings),
        (stack.config, _own_path(job), job.own),
    ):
        for name, value in (settings.parameters or {}).items():
            if value is not None and name not in used:
                message = f"the script has no variable ${{{name}}}; remove the parameter, or correct its name"
                stack.report("sql-parameter", (*path, "parameters", name), message, source)

    drill = job.own.drill.parameters if job.own.drill is not None else {}
    for name in drill.keys() - used:
        message = f"the script has no variable ${{{name}}}, so the copy would write to the job's own outputs; use one"
        stack.report("sql-variable", (*_own_path(job), "drill", "parameters", name), message, stack.config)
    if sql.settings.drill is not None:
        message = f"is not read in a job file; set jobs.{sql.name}.drill in the stack file"
        stack.report(JOB_FILE_PROBLEM, (*sql.settings_path, "drill"), message, sql.config)


def _check_secrets(stack: StackSubject, job: Job, sql: SqlFile) -> None:
    """Report passwords and keys in options, other texts and comments, except for the header."""
    found = [offset for offset, option, text in texts(sql, job.settings) if is_secret(option, text)]
    for token in sql_text.tokens(sql.script):
        if token.kind is Kind.COMMENT and not is_header(token.text) and is_secret("", token.text):
            found.append(token.offset)
    for offset in found:
        message = "contains a secret as plaintext; store it in a Kubernetes Secret, and write '${secret:name/key}'"
        stack.report("plaintext-secret", (), message, sql.at(offset))


def _check_options(stack: StackSubject, job: Job, sql: SqlFile) -> None:
    """Report unknown options of SET, and values that they cannot have."""
    version = _flink_version(stack, job)
    for statement in sql_text.split(sql.script)[0]:
        if statement.words[:1] != ("SET",) or len(statement.tokens) != 4:
            continue
        key, value = statement.tokens[1], statement.tokens[3]
        message = unknown_option(key.value, version)
        if message is not None:
            stack.report("unknown-option", (), f'"{key.value}" is an {message}', sql.at(key.offset))
        if "${" not in value.value:
            for rule, problem in value_problems(key.value, value.value, stack.settings.operator.version):
                stack.report(rule, (), problem, sql.at(value.offset))


def _flink_version(stack: StackSubject, job: Job) -> str | None:
    """The Flink version of a job, or of its session cluster; None if it is not known."""
    specs = [job.spec] if job.kind.has_pods else [other.spec for other in stack.jobs if other.key == job.target]
    return short_version(specs[0].get("flinkVersion")) if specs else None


def _check_drill(stack: StackSubject, job: Job, sql: SqlFile) -> None:
    """Report sinks whose transactions a copy of the job would take over from the job."""
    drill = job.own.drill
    if drill is None:
        return
    merged = {**(job.settings.parameters or {}), **drill.parameters}
    for offset, option, value in texts(sql, job.settings.model_copy(update={"parameters": merged})):
        if option == _GUARANTEE and value.lower() == "exactly-once":
            message = (
                "is exactly-once in the copy of the job, too, which aborts transactions of the job: their records are "
                f"lost; write a variable, and set it to at-least-once in jobs.{job.name}.drill.parameters"
            )
            stack.report("drill-transactions", (), message, sql.at(offset))


def _check_session(stack: StackSubject, job: Job, sql: SqlFile) -> None:
    """Report a script that its session cluster cannot run."""
    if job.kind.has_pods:
        return
    path, remedy = (*sql.settings_path, "spec", "deploymentName"), "remove it: the script then has its own cluster"
    if sql_text.secrets(sql.script):
        message = f"names a session cluster, in which a script cannot refer to Secrets; {remedy}"
        stack.report("sql-script", path, message, sql.config)
    header = sql.settings
    for key, value in (
        ("image", header.image),
        ("flinkVersion", header.flink_version),
        ("jobManager", header.job_manager),
        ("taskManager", header.task_manager),
    ):
        if value is not None:
            message = f"has no effect on the session cluster {job.session_cluster}; set it there, or remove it"
            stack.report("unused-setting", (*sql.settings_path, key), message, sql.config)
    version = _flink_version(stack, job)
    if version is not None and tuple(map(int, version.split("."))) < DRIVER_SINCE:
        message = f"names a session cluster with Flink {version}, which has no driver for SQL; use Flink 2, or {remedy}"
        stack.report("sql-script", path, message, sql.config)


def _own_path(job: Job) -> KeyPath:
    """The path of the job's settings in the stack config."""
    paths = [source.config_path for source in job.sources.ordered if source.config is None]
    return next((path for path in paths if path is not None and path[:1] == ("jobs",)), ("jobs",))


def _faults(sql: SqlFile, options: Mapping[str, object]) -> Iterator[Fault]:
    statements, faults = sql_text.split(sql.script)
    faults += _templates(sql.script)
    if faults:
        yield from faults
        return
    is_refused = False
    jobs: list[Statement] = []
    tables: list[str] | None = [] if "table.catalog-store.kind" not in options else None
    for statement in statements:
        problem = _problem(statement)
        if problem is not None:
            yield Fault(statement.offset, problem)
            is_refused = True
            continue
        for joined in filter(None, map(_joined, (statement, *(statement.inserts or ())))):
            yield Fault(joined.offset, f"{joined.word} starts a second statement; add ; before it")
            is_refused, tables = True, None  # the second statement can create a table
        first = statement.tokens[0].word
        if first == "USE" or created_kind(statement) == "CATALOG":
            tables = None  # a catalog contains tables that the script does not create
        elif tables is not None and created_kind(statement) == "TABLE" and (name := name_after(statement, "TABLE")):
            tables.append(dotted(name))
        for insert in statement.inserts if statement.inserts is not None else [statement]:
            if insert.words[:1] != ("INSERT",):
                if statement.inserts is not None:
                    yield Fault(insert.offset, "is not an INSERT; a statement set contains INSERT statements only")
                continue
            yield from _target_faults(insert, tables)
        if starts_job(statement):
            jobs.append(statement)
    if not jobs and not is_refused:
        message = "has no INSERT, so it runs no job; add INSERT INTO <table> SELECT …"
        yield Fault(statements[-1].offset if statements else 0, message)
    for statement in jobs[1:]:
        line = sql_text.place(sql.script, jobs[0].offset)[0]
        remedy = "put all INSERT statements into one BEGIN STATEMENT SET; … END;"
        yield Fault(statement.offset, f"starts a second job (the first one is in line {line}); {remedy}")


def _templates(script: str) -> Iterator[Fault]:
    """Expressions of Jinja and similar templates, outside of texts."""
    for token, following in pairwise(sql_text.tokens(script)):
        is_begin = token.text == "{" and following.text in ("{", "%") and following.offset == token.offset + 1
        if is_begin:
            message = "is an unrendered template expression; write ${name}, and set it in parameters of the job"
            yield Fault(token.offset, message)


def _joined(statement: Statement) -> Token | None:
    """The token that starts a second statement, if a semicolon is missing before it."""
    if statement.words[0] in ("COMPILE", "EXECUTE", "EXPLAIN", "SHOW"):
        return None
    pairs = list(_pairs(statement.tokens))[1:]
    beginnings = (
        token for (token, depth), (following, _) in pairs if depth == 0 and (token.word, following.word) in _BEGINNINGS
    )
    return next(beginnings, None)


def _problem(statement: Statement) -> str | None:
    """Why an application cannot run a statement; None if it can."""
    if statement.inserts is not None:
        return None if statement.inserts else "is an empty statement set; add INSERT statements"
    words = statement.words
    first = words[0] or statement.tokens[0].text
    second = words[1] if len(words) > 1 else ""
    if first in _QUERIES or (first, second) in (("EXECUTE", "SELECT"), ("EXECUTE", "WITH")):
        return "is a query whose result is not written to a table; write INSERT INTO <table> before it"
    if first in _FOREIGN or (first, second) == ("SHOW", "JOBS"):
        return f"{first} is not a statement of a job; remove it, or run it with Flink's SQL client"
    if first == "SET":
        kinds = [token.kind for token in statement.tokens[1:]]
        is_option = kinds == [Kind.TEXT, Kind.SYMBOL, Kind.TEXT] and statement.tokens[2].text == "="
        return None if is_option or not kinds else "is not an option with a value; write SET 'key' = 'value'"
    if first == "CREATE" and created_kind(statement) not in _OBJECTS:
        created = created_kind(statement) or second
        return f"CREATE {created} is not supported in a job; create one of: {', '.join(_OBJECTS)}"
    if first in _SETUP or first in _JOBS or (first, second) in (("EXECUTE", "PLAN"), ("EXECUTE", "INSERT")):
        return None
    known = sorted({*_SETUP, *_JOBS, "EXECUTE STATEMENT SET", "BEGIN STATEMENT SET"})
    return f'unknown statement "{first}"; {nearest(first, known)}'


def created_kind(statement: Statement) -> str:
    """The kind of the object that a statement creates; empty for another statement."""
    if statement.words[:1] != ("CREATE",):
        return ""
    return next((word for word in statement.words[1:] if word not in _MODIFIERS), "")


def starts_job(statement: Statement) -> bool:
    """Whether a statement starts a job of Flink."""
    first = statement.tokens[0].word
    if statement.inserts is not None or first in _JOBS or first == "EXECUTE":
        return True
    return created_kind(statement) == "TABLE" and any(
        token.word == "AS" and following.word in ("SELECT", "WITH", "VALUES", "TABLE") and depth == 0
        for (token, depth), (following, _) in _pairs(statement.tokens)
    )


def _pairs(tokens: Sequence[Token]) -> Iterator[tuple[tuple[Token, int], tuple[Token, int]]]:
    """Each token and the next one, each with the number of open parentheses before it."""
    depth = 0
    nested: list[tuple[Token, int]] = []
    for token in tokens:
        depth -= token.text == ")"
        nested.append((token, depth))
        depth += token.text == "("
    yield from pairwise(nested)


def written_tables(statements: Sequence[Statement]) -> set[str]:
    """The names of the tables that statements write to."""
    created = {dotted(name_after(statement, "TABLE")) for statement in statements if starts_job(statement)}
    inserts = [insert for statement in statements for insert in statement.inserts or (statement,)]
    return created.union(dotted(_target(insert)) for insert in inserts if insert.words[:1] == ("INSERT",))


def _target(insert: Statement) -> list[Token]:
    return name_after(insert, "INTO") or name_after(insert, "OVERWRITE")


def _target_faults(insert: Statement, tables: list[str] | None) -> Iterator[Fault]:
    name = _target(insert)
    if not name:
        yield Fault(insert.offset, "names no table; write INSERT INTO <table>")
    elif tables is not None and dotted(name) not in tables:
        message = f'writes to the table "{dotted(name)}", which the script does not create before; '
        yield Fault(name[0].offset, message + (nearest(dotted(name), tables) if tables else "add CREATE TABLE"))


def name_after(statement: Statement, keyword: str) -> list[Token]:
    """The tokens of the name after a keyword, for example `catalog`.`database`.`table`, without its dots."""
    words = statement.words
    if keyword not in words:
        return []
    rest = list(statement.tokens[words.index(keyword) + 1 :])
    for optional in (("TABLE",), ("IF", "NOT", "EXISTS")):
        if tuple(token.word for token in rest[: len(optional)]) == optional:
            rest = rest[len(optional) :]
    name: list[Token] = []
    while rest and rest[0].kind in (Kind.WORD, Kind.NAME):
        name.append(rest.pop(0))
        if not rest or rest.pop(0).text != ".":
            break
    return name


def dotted(name: Sequence[Token]) -> str:
    """A name as a text."""
    return ".".join(token.value for token in name)
