"""Validates plain config with the models, and reports every problem at its position."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import NoneType
from typing import Final, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from flink_k8s.config.misplaced import place_of
from flink_k8s.config.model import JobSettings, Process, StackSettings
from flink_k8s.config.problems import KeyPath, Problem, nearest
from flink_k8s.config.secret_text import shown_at
from flink_k8s.config.stack_file import KEYS_FOR_ALL_JOBS, PREFIX, StackConfig


def read_settings(config: StackConfig) -> tuple[StackSettings | None, list[Problem]]:
    """The settings and their problems.

    Invalid values are omitted, so that the problems of jobs are reported in the same run; None if the rest is invalid.
    """
    settings, problems = _validated(config)
    return settings, [*_ambiguous_texts(config), *problems]


def read_platform_settings(config: StackConfig) -> tuple[StackSettings | None, list[Problem]]:
    """The settings of the platform's stack for all jobs (`KEYS_FOR_ALL_JOBS`), without others, and their problems.

    None if the stack is not on another stack's platform.
    """
    if config.platform_config is None:
        return None, []
    values = {key: value for key, value in config.platform_config.values.items() if key in KEYS_FOR_ALL_JOBS}
    return _validated(replace(config.platform_config, values={"context": "none", **values}))


def _validated(config: StackConfig) -> tuple[StackSettings | None, list[Problem]]:
    values = copy.deepcopy(dict(config.values))
    problems = _remove_encrypted(values, config)
    for attempt in range(3):
        try:
            return StackSettings.model_validate(values), problems
        except ValidationError as error:
            if attempt == 0:
                problems += _validation_problems(error, config)
            for error_details in error.errors():
                _leave_out(values, tuple(error_details["loc"]), missing=error_details["type"] == "missing")
    return None, problems


_ENCRYPTED = (
    "an encrypted value, which would be deployed as plaintext; store it in a Kubernetes Secret and refer to it: "
    "secretEnv or secretFiles of a job, externalSecrets of a namespace, existingSecret or secretRef of a chart"
)


def _remove_encrypted(values: dict[str, object], config: StackConfig) -> list[Problem]:
    """Remove values of `pulumi config set --secret`, which no key accepts, and report them.

    The engine passes them decrypted, and marks the whole key as secret.
    """
    problems: list[Problem] = []
    for key in sorted(config.encrypted & values.keys()):
        values.pop(key)
        problems.append(config.problem((key,), f"contains {_ENCRYPTED}"))
        if key == "context":
            values[key] = "none"
    for path in list(_encrypted_paths(values, ())):
        _leave_out(values, path, missing=False)
        problems.append(config.problem(path, f"is {_ENCRYPTED}"))
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
    """Remove the value at the path, or the list that contains it."""
    if path == ("context",):
        values["context"] = "none"
        return
    keys = [part for part in path if part != "[key]"]
    if missing:  # remove the object that lacks the key
        keys = keys[:-1]
    container = cast(dict[str | int, object], values)
    for end, key in enumerate(keys, 1):
        inner = container.get(key)
        if end == len(keys) or isinstance(inner, list):
            container.pop(key, None)
            return
        if not isinstance(inner, dict):
            return
        container = cast(dict[str | int, object], inner)


_PLAIN: tuple[object, ...] = (bool, int, float)


def _ambiguous_texts(config: StackConfig) -> list[Problem]:
    """Report values that look different than YAML reads them, where the models require text.

    The engine has another YAML reader, for which `no` is text: the deployed value would differ from the checked one.
    """
    if config.document is None:
        return []
    problems: list[Problem] = []
    for position, text in config.document.written.items():
        path = (*(str(part).removeprefix(PREFIX) for part in position[1:2]), *position[2:])
        if position[:1] != ("config",) or _type_at(path) in _PLAIN:
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
    """Whether the path allows a number: in a chart's values and in the fields of a spec."""
    return "values" in path or ("spec" in path and "flinkConfiguration" not in path)


def _type_at(path: KeyPath) -> object:
    """The plain type that the models define at the path; None for any other type."""
    model = _model_at(path[:-1])
    for field in model.model_fields.values() if model else ():
        if field.alias == path[-1]:
            return next((a for a in get_args(field.annotation) if a is not NoneType), field.annotation)
    return None


def _validation_problems(error: ValidationError, config: StackConfig) -> list[Problem]:
    """Pydantic's errors as problems, with the most similar known name for an unknown key."""
    problems: list[Problem] = []
    for error_details in error.errors():
        path: KeyPath = tuple(error_details["loc"])
        if error_details["type"] == "extra_forbidden":
            remedy = _instead(path) or nearest(str(path[-1]), _known_keys(path[:-1]))
            problems.append(config.problem(path, f"unknown field; {remedy}"))
        elif error_details["type"] == "missing":
            problems.append(config.problem(path, f"is missing; set it{_description(path)}"))
        else:
            message = error_details["msg"].removeprefix("Value error, ")
            if ";" not in message:
                message = f"is {_shown(path, error_details['input'])}, which is not a valid value; " + _remedy(
                    error_details["type"], error_details["input"], message, shown_at(path, error_details["input"]), path
                )
            problems.append(config.problem(tuple(part for part in path if part != "[key]"), message))
    return problems


def _instead(path: KeyPath) -> str | None:
    """What to write instead of a key that the project does not have; None if that is not known."""
    key = str(path[-1])
    parent = path[:-1]
    if not parent and key.startswith(PREFIX):
        return f"write {key.removeprefix(PREFIX)}, without the prefix"
    if not parent and key == "config":
        return f"write its keys at the top of the file, without the prefix {PREFIX}"
    model = _model_at(parent)
    if model is JobSettings:
        return _OF_PROCESSES.get(path[-1]) or place_of(path[-1], prefix="spec.")
    if model is Process:
        return place_of(path[-1], path[-2], "spec.")
    return _NOT_SETTINGS.get(path[-2:])


_OF_PROCESSES: Final[Mapping[str | int, str]] = {
    "replicas": "write jobManager.replicas and taskManager.replicas",
    **dict.fromkeys(
        ("cpu", "memory", "resource", "resources"), "write jobManager: {memory, cpu} and taskManager: {memory, cpu}"
    ),
}
"""What to write instead of the size of a job's processes."""

_NOT_SETTINGS: Final[Mapping[KeyPath, str]] = {
    ("autoscaling", "scheduled"): "apply other bounds with a scheduled run of up (docs/autoscaling.md)",
    ("stateStorage", "size"): "write stateStorage.volume.size",
    ("stateStorage", "storageClass"): "write stateStorage.volume.storageClass",
    **{
        ("quota", f"{bound}.{name}"): f"write hard: {{{bound}.{name}: …}}"
        for bound in ("requests", "limits")
        for name in ("cpu", "memory")
    },
}
"""By the last two keys of a path: what to do instead of a setting that the project does not have."""

_REMEDIES: Final = {
    "list_type": "write a list",
    "dict_type": "write a mapping",
    "model_type": "write a mapping",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "int_type": "write a whole number, without quotes",
    "int_parsing": "write a whole number, without quotes",
    "int_from_float": "write a whole number",
    "float_type": "write a number, without quotes",
    "float_parsing": "write a number, without quotes",
}
"""By type of Pydantic's error; the words are those of `checks/fields.py`. Others have Pydantic's message."""


def _remedy(error_type: str, value: object, message: str, shown: object, path: KeyPath) -> str:
    model = _model_at(path) if error_type == "model_type" else None
    fields = model.model_fields.items() if model else ()
    if required := [field.alias or name for name, field in fields if field.is_required()]:
        return f"write a mapping with {' and '.join(required)}"
    if error_type == "string_type":
        return f'quote it: "{shown}"' if isinstance(value, int | float) else "write text"
    message = message.replace("Input should be", "it must be")
    return _REMEDIES.get(error_type, f"{message[0].lower()}{message[1:]}")


def _shown(path: KeyPath, value: object) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = json.dumps(shown_at(path, value), default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _model_at(path: KeyPath) -> type[BaseModel] | None:
    """The model of the mapping at the path; None if its keys are free."""
    annotation: object = StackSettings
    for part in path:
        if get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
            if NoneType in get_args(annotation):  # null removes the entry
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


def _description(path: KeyPath) -> str:
    model = _model_at(path[:-1])
    for field in model.model_fields.values() if model else ():
        if field.alias == path[-1] and field.description:
            return f" ({field.description.rstrip('.')})"
    return ""
