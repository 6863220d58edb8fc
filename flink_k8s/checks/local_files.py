"""Files of a job that are inside of its pods: below the mount of a claim that is not mounted, and outputs of SQL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from flink_k8s.checks.sql import created_kind, dotted, name_after, written_tables
from flink_k8s.checks.subject import StackSubject
from flink_k8s.config import sql_text
from flink_k8s.config.sql_file import SqlFile
from flink_k8s.config.sql_text import Kind, Statement
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.locations import Location, is_mounted, local_path, locate, qualified
from flink_k8s.resolve.pod_templates import templates
from flink_k8s.resolve.sql import texts
from flink_k8s.resolve.state_storage import MOUNT, inner_spec

_STORE: Final = "mount a claim there, or write the URI of a store"


def check(stack: StackSubject) -> None:
    """Check the paths in arguments and SQL scripts of all jobs."""
    for job in stack.jobs:
        pods = next((other for other in stack.jobs if other.key == job.target), None) if job.target else job
        if pods is None or job.kind is FlinkKind.SNAPSHOT:
            continue  # the pods of a session cluster that the stack does not declare are unknown
        if job.source.sql is not None:
            _check_script(stack, job, job.source.sql, pods)
            continue
        inner = mapping(inner_spec(job.kind, job.spec).get("job"))
        for index, path in _last_values([str(argument) for argument in listed(inner.get("args"))]):
            if _is_missing_claim(pods, path):
                place = (*job.kind.spec_path, "job", "args", index)
                stack.report("flink-startup", place, _missing_claim(stack, path), job)


def _check_script(stack: StackSubject, job: Job, sql: SqlFile, pods: Job) -> None:
    missing: set[int] = set()
    for offset, option, text in texts(sql, job.settings):
        if option and _is_missing_claim(pods, text):
            missing.add(offset)
            stack.report("flink-startup", (), _missing_claim(stack, text), sql.at(offset))
    for offset, path in _outputs(sql, job):
        processes = [process for process, location in _locations(pods, path) if not location.lasts]
        if processes and offset not in missing:
            process = processes[-1][:1].upper() + processes[-1][1:]
            message = f"is {path}, which is inside of the {process}'s pod: the output is lost with the pod; {_STORE}"
            stack.report("state-in-pod", (), message, sql.at(offset))


def _is_missing_claim(pods: Job, path: str) -> bool:
    """Whether the path is below the mount of the claim, and Flink can neither read nor create it in the pods."""
    local = local_path(_qualified(pods, path)) if path.startswith(("/", "file:")) else ""
    if local != MOUNT and not local.startswith(f"{MOUNT}/"):
        return False
    pod_specs = [template.pod for template in templates(inner_spec(pods.kind, pods.spec))]
    return any(not is_mounted(pod, local) and not locate(pod, local).is_writable for pod in pod_specs)


def _missing_claim(stack: StackSubject, path: str) -> str:
    problem = f"is {path}, but the pods of the job mount no claim at {MOUNT}"
    if stack.settings.state_storage.type == "volume":
        return f"{problem}; set upgradeMode: savepoint, which mounts it, or {_STORE}"
    return f"{problem}; {_STORE}"


def _locations(pods: Job, path: str) -> Iterator[tuple[str, Location]]:
    for template in templates(inner_spec(pods.kind, pods.spec)):
        yield template.process, locate(template.pod, _qualified(pods, path))


def _qualified(pods: Job, path: str) -> str:
    configuration = mapping(inner_spec(pods.kind, pods.spec).get("flinkConfiguration"))
    return qualified(path, str(configuration.get("fs.default-scheme") or ""))


def _last_values(arguments: list[str]) -> Iterator[tuple[int, str]]:
    """The arguments with their values: of a repeated `--key value`, the last one applies."""
    values: dict[str, tuple[int, str]] = {}
    for index, argument in enumerate(arguments):
        before = arguments[index - 1] if index else ""
        key, equals, value = argument.partition("=")
        if argument.startswith("-"):
            values[key.lstrip("-")] = (index, value if equals else "")
        elif before.startswith("-") and "=" not in before:
            values[before.lstrip("-")] = (index, argument)
        else:
            values[f"={index}"] = (index, argument)
    yield from values.values()


def _outputs(sql: SqlFile, job: Job) -> Iterator[tuple[int, str]]:
    """Offset and path of each table of files that the script writes to."""
    values = {offset: text for offset, _, text in texts(sql, job.settings)}
    statements = sql_text.split(sql.script)[0]
    written = written_tables(statements)
    for statement in statements:
        options = dict(_options(statement))
        name = dotted(name_after(statement, "TABLE"))
        if created_kind(statement) != "TABLE" or name not in written or not {"connector", "path"} <= options.keys():
            continue
        offset = options["path"]
        if values.get(options["connector"]) == "filesystem" and "${" not in values.get(offset, "${"):
            yield offset, values[offset]


def _options(statement: Statement) -> Iterator[tuple[str, int]]:
    """The names of the options of a statement, and the offsets of their values."""
    for (key, equals), (_, value) in pairwise(pairwise(statement.tokens)):
        if key.kind is value.kind is Kind.TEXT and equals.text == "=":
            yield key.value, value.offset
