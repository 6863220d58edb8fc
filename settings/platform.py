"""One stack, read and checked whole: what `__main__.py` builds from and what `make check` looks at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import cast, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from settings import job_files, jobs, rules
from settings.model import StackSettings
from settings.problems import KeyPath, Problem, ProblemsError, nearest
from settings.stack_file import PREFIX, StackConfig


@dataclass(frozen=True)
class Platform:
    """What a stack declares.

    Attributes:
        settings: the stack config.
        jobs: its jobs, in the order of their files.
        attachments: what else the job files hold.
    """

    settings: StackSettings
    jobs: tuple[jobs.Job, ...]
    attachments: tuple[jobs.Attachment, ...]


def load(root: Path, config: StackConfig) -> Platform:
    """Reads job files, merges, checks.

    Args:
        root: the project; job files are in `jobs/` below it.
        config: the stack config.

    Raises:
        ProblemsError: with every problem of stack config and job files.
    """
    objects, problems = job_files.read_folder(root)
    try:
        settings = StackSettings.model_validate(dict(config.values))
    except ValidationError as error:
        raise ProblemsError([*problems, *_of_validation(error, config)]) from None
    resolved = jobs.resolve(settings, config, objects)
    problems += resolved.problems
    problems += rules.stack_problems(settings, config)
    for job in resolved.jobs:
        problems += rules.job_problems(job, settings)
    problems += rules.graph_problems(resolved.jobs)
    if problems:
        raise ProblemsError(problems)
    return Platform(settings, resolved.jobs, resolved.attachments)


def engine_config(values: Mapping[str, str], stack: str) -> StackConfig:
    """The stack config as the engine hands it to the program: text, with JSON for what is no string.

    Args:
        values: `project:key` to text, of all projects.
        stack: the stack's name, for problems.
    """
    plain: dict[str, object] = {}
    for key, value in values.items():
        if key.startswith(PREFIX):
            name = key.removeprefix(PREFIX)
            plain[name] = value if _is_text(name) else _parsed(value)
    return StackConfig(f"Pulumi.{stack}.yaml", plain)


def _is_text(name: str) -> bool:
    return name in ("context", "kubeconfig", "jobTimeout")


def _parsed(value: str) -> object:
    try:
        return cast(object, json.loads(value))
    except json.JSONDecodeError:
        return cast(object, yaml.safe_load(value)) if value in ("true", "false") else value


def _of_validation(error: ValidationError, config: StackConfig) -> list[Problem]:
    """Pydantic's errors as problems, with the nearest known name for an unknown key."""
    problems: list[Problem] = []
    for found in error.errors():
        path: KeyPath = tuple(found["loc"])
        if found["type"] == "extra_forbidden":
            known = _known_keys(path[:-1])
            problems.append(config.problem(path, f"is unknown; {nearest(str(path[-1]), known)}"))
        elif found["type"] == "missing":
            problems.append(config.problem(path, f"is missing; {_meaning(path)}"))
        else:
            message = found["msg"].removeprefix("Value error, ")
            if ";" not in message:
                message = f"is {_shown(found['input'])}, which is wrong; {message[0].lower()}{message[1:]}"
            problems.append(config.problem(tuple(part for part in path if part != "[key]"), message))
    return problems


def _shown(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _model_at(path: KeyPath) -> type[BaseModel] | None:
    """The model of the mapping at that path, None where keys are the user's own."""
    annotation: object = StackSettings
    for part in path:
        if get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
            continue
        model = _as_model(annotation)
        inner = next((f for f in model.model_fields.values() if f.alias == part), None) if model else None
        if inner is None:
            return None
        annotation = next((a for a in get_args(inner.annotation) if a is not NoneType), inner.annotation)
        if get_origin(inner.annotation) is dict:
            annotation = inner.annotation
    return _as_model(annotation)


def _as_model(annotation: object) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _known_keys(path: KeyPath) -> list[str]:
    model = _model_at(path)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _meaning(path: KeyPath) -> str:
    model = _model_at(path[:-1])
    for field in model.model_fields.values() if model else ():
        if field.alias == path[-1] and field.description:
            return field.description.rstrip(".")
    return "it is needed"
