"""From plain config to the models, with every problem of it in the user's words."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from types import NoneType
from typing import cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from flink_k8s.config.model import StackSettings
from flink_k8s.config.problems import KeyPath, Problem, nearest
from flink_k8s.config.secret_text import shown_at
from flink_k8s.config.stack_file import OF_ALL_JOBS, PREFIX, StackConfig


def read_settings(config: StackConfig) -> tuple[StackSettings | None, list[Problem]]:
    """The settings and what is wrong with them.

    What is wrong is left out and the rest read, so that the problems of jobs can be found in the same run; None when
    nothing can be read without it.
    """
    settings, problems = _validated(config)
    return settings, [*_odd_texts(config), *problems]


def read_of_all_jobs(config: StackConfig) -> tuple[StackSettings | None, list[Problem]]:
    """What the platform's stack says of all jobs (`OF_ALL_JOBS`), as settings with nothing else in them, and what is
    wrong with it; None for a stack that holds its platform itself.
    """
    if config.below is None:
        return None, []
    values = {key: value for key, value in config.below.values.items() if key in OF_ALL_JOBS}
    return _validated(replace(config.below, values={"context": "none", **values}))


def _validated(config: StackConfig) -> tuple[StackSettings | None, list[Problem]]:
    values = copy.deepcopy(dict(config.values))
    problems = _take_encrypted(values, config)
    for attempt in range(3):
        try:
            return StackSettings.model_validate(values), problems
        except ValidationError as error:
            if attempt == 0:
                problems += _of_validation(error, config)
            for found in error.errors():
                _leave_out(values, tuple(found["loc"]), missing=found["type"] == "missing")
    return None, problems


_ENCRYPTED = (
    "is encrypted, and would stand in clear in what Kubernetes gets; put it into a Kubernetes Secret and name that: "
    "secretEnv or secretFiles of a job, externalSecrets of a namespace, existingSecret or secretRef of a chart"
)


def _take_encrypted(values: dict[str, object], config: StackConfig) -> list[Problem]:
    """What `pulumi config set --secret` wrote, which no key of this program takes; it is taken out of the values.

    The engine decrypts it before it hands a key over and says of the key as a whole that something in it is secret.
    """
    problems: list[Problem] = []
    for key in sorted(config.encrypted & values.keys()):
        values.pop(key)
        problems.append(config.problem((key,), f"holds something that {_ENCRYPTED}"))
        if key == "context":
            values[key] = "none"
    for path in list(_encrypted_paths(values, ())):
        _leave_out(values, path, missing=False)
        problems.append(config.problem(path, _ENCRYPTED))
    return problems


def _encrypted_paths(value: object, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        fields = cast(dict[str, object], value)
        if path and fields.keys() == {"secure"}:
            yield path
            return
        for key, inner in fields.items():
            yield from _encrypted_paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(cast(list[object], value)):
            yield from _encrypted_paths(inner, (*path, index))


def _leave_out(values: dict[str, object], path: KeyPath, *, missing: bool) -> None:
    if path == ("context",):
        values["context"] = "none"
        return
    keys = [part for part in path if part != "[key]"]
    if missing:  # of an object that is of no use without it
        keys = keys[:-1]
    holder: object = values
    for part in keys[:-1]:
        if isinstance(holder, dict) and part in holder:
            holder = cast(dict[str | int, object], holder)[part]
        else:
            return
    if isinstance(holder, dict) and keys:
        cast(dict[str | int, object], holder).pop(keys[-1], None)
    elif isinstance(holder, list):
        values.pop(str(keys[0]), None)


_PLAIN: tuple[object, ...] = (bool, int, float)


def _odd_texts(config: StackConfig) -> list[Problem]:
    """Values that YAML reads otherwise than they look, where no such value is wanted.

    The engine has another YAML reader, for which `no` is text: what is checked would not be what is deployed.
    """
    if config.document is None:
        return []
    problems: list[Problem] = []
    for place, text in config.document.written.items():
        path = (*(str(part).removeprefix(PREFIX) for part in place[1:2]), *place[2:])
        if place[:1] != ("config",) or _type_at(path) in _PLAIN:
            continue
        is_boolean = not any(letter.isdigit() for letter in text)
        if is_boolean:
            problems.append(
                config.problem(path, f'is {text}, which YAML reads as a boolean; write "{text}", true or false')
            )
        elif not _is_free(path):
            problems.append(config.problem(path, f'is {text}, which YAML reads as another number; quote it: "{text}"'))
    return problems


def _is_free(path: KeyPath) -> bool:
    """Whether a number at that path may be a number: in a chart's values and in a spec's fields."""
    return "values" in path or ("spec" in path and "flinkConfiguration" not in path)


def _type_at(path: KeyPath) -> object:
    """The plain type that the models want at that path, None for anything else."""
    model = _model_at(path[:-1])
    for field in model.model_fields.values() if model else ():
        if field.alias == path[-1]:
            return next((a for a in get_args(field.annotation) if a is not NoneType), field.annotation)
    return None


def _of_validation(error: ValidationError, config: StackConfig) -> list[Problem]:
    """Pydantic's errors as problems, with the nearest known name for an unknown key."""
    problems: list[Problem] = []
    for found in error.errors():
        path: KeyPath = tuple(found["loc"])
        if found["type"] == "extra_forbidden":
            known = _known_keys(path[:-1])
            problems.append(config.problem(path, f"unknown field; {nearest(str(path[-1]), known)}"))
        elif found["type"] == "missing":
            problems.append(config.problem(path, f"is missing; {_meaning(path)}"))
        else:
            message = found["msg"].removeprefix("Value error, ")
            if ";" not in message:
                message = (
                    f"is {_shown(path, found['input'])}, which is not a valid value; {message[0].lower()}{message[1:]}"
                )
            problems.append(config.problem(tuple(part for part in path if part != "[key]"), message))
    return problems


def _shown(path: KeyPath, value: object) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = json.dumps(shown_at(path, value), default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _model_at(path: KeyPath) -> type[BaseModel] | None:
    """The model of the mapping at that path, None where keys are the user's own."""
    annotation: object = StackSettings
    for part in path:
        if get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
            if NoneType in get_args(annotation):  # a null takes the entry away
                annotation = next(a for a in get_args(annotation) if a is not NoneType)
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
