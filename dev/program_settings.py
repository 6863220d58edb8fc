"""The arguments of `FlinkPlatform` and `FlinkJob` as classes, from the models of the stack config: `make schema`."""

from __future__ import annotations

import textwrap
from keyword import iskeyword
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flink_k8s.config.model import JobSettings, StackSettings
from flink_k8s.config.outputs import accepts_output
from flink_k8s.config.problems import KeyPath

_HEADER = '''\
"""The arguments of `FlinkPlatform` and `FlinkJob`; generated from the models of the stack config by `make schema`.

A value of the type `pulumi.Input` can be an output; all others must be known when the program starts. This module does
not postpone the evaluation of annotations: Pulumi derives the schema of the component package from them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict

import pulumi
'''

_OMITTED = ("platform", "suspension", "restoreDrill")
"""Keys of a stack file that a component has no argument for."""

_FOLDERS = "Folders with job files, relative to the program's working directory; not set: none."

_PLATFORM = """\
    manifests: Mapping[str, pulumi.Input[Any]]
    \"\"\"Manifests by any name, each an object or a list of a job and its other objects, as in a job file.\"\"\"
    scripts: Mapping[str, str]
    \"\"\"SQL jobs by their name: the text of a `.sql` job file.\"\"\"
"""

_JOB = '''\
class FlinkJobArgs(TypedDict, total=False):
    """Arguments of `FlinkJob`: a manifest or a script, and the settings of the job."""

    platform: Required[Any]
    """The `FlinkPlatform` that the job runs on; in other languages than Python its arguments."""
    manifest: pulumi.Input[Any]
    """Manifest of the job, or a list of the job and its other objects, as in a job file."""
    script: str
    """A SQL job with the component's name, instead of a manifest: the text of a `.sql` job file."""
    settings: JobSettings
    """Settings of the job; they override the manifest."""
'''

_OF_JOB = ("waitForJobs", "allowStateLoss", "jobTimeout", "strict", "checks")
"""Keys of a stack file that are arguments of `FlinkJob`, too."""


def module() -> str:
    """The text of flink_k8s/components/settings.py."""
    classes: dict[str, str] = {}
    platform = _class("FlinkPlatformArgs", StackSettings, (), classes)
    job = _JOB + "".join(_field(field, (), classes) for field in _fields(StackSettings) if field.alias in _OF_JOB)
    return "\n\n".join([_HEADER, *classes.values(), platform + _PLATFORM, job])


def _fields(model: type[BaseModel]) -> list[FieldInfo]:
    return [field for field in model.model_fields.values() if model is not StackSettings or field.alias not in _OMITTED]


def _class(name: str, model: type[BaseModel], path: KeyPath, classes: dict[str, str]) -> str:
    """A class for a model; the classes of its fields are added to `classes`."""
    summary = "Arguments of `FlinkPlatform`: the keys of a stack file, and jobs." if model is StackSettings else ""
    docstring = summary or (model.__doc__ or "").partition("\n")[0]
    if any(iskeyword(str(field.alias)) for field in _fields(model)):
        types = "".join(f'        "{field.alias}": {_kind(field, path, classes)},\n' for field in _fields(model))
        return f'{name} = TypedDict(\n    "{name}",\n    {{\n{types}    }},\n    total=False,\n)\n'
    fields = "".join(_field(field, path, classes) for field in _fields(model))
    return f'class {name}(TypedDict, total=False):\n    """{docstring}"""\n\n{fields}'


def _field(field: FieldInfo, path: KeyPath, classes: dict[str, str]) -> str:
    description = _FOLDERS if field.alias == "jobFolders" else str(field.description)
    return f"    {field.alias}: {_kind(field, path, classes)}\n{_docstring(description)}"


def _kind(field: FieldInfo, path: KeyPath, classes: dict[str, str]) -> str:
    kind = _type(field.annotation, (*path, str(field.alias)), classes)
    return f"Required[{kind}]" if field.is_required() else kind


def _docstring(text: str) -> str:
    lines = textwrap.wrap(text.replace("\\", "\\\\"), 108)
    if len(lines) == 1:
        return f'    """{lines[0]}"""\n'
    return textwrap.indent('"""' + "\n".join(lines) + '\n"""\n', "    ")


def _type(annotation: Any, path: KeyPath, classes: dict[str, str]) -> str:
    """The annotation of a value; of a leaf that can be an output, an input."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _type(arguments[0], path, classes)
    if origin in (Union, UnionType):
        others = [argument for argument in arguments if argument is not NoneType]
        return _type(others[0], path, classes) if len(others) == 1 else _leaf("Any", path)
    if origin is dict:
        return f"Mapping[str, {_optional(arguments[1], (*path, '*'), classes)}]"
    if origin is list:
        return f"Sequence[{_type(arguments[0], (*path, '*'), classes)}]"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        name = annotation.__name__
        if name not in classes:
            text = _class(name, annotation, ("jobDefaults",) if annotation is JobSettings else path, classes)
            classes[name] = text
        return name
    if origin is Literal:
        return "str"
    return _leaf("Any" if annotation is Any else str(annotation.__name__), path)


def _optional(annotation: Any, path: KeyPath, classes: dict[str, str]) -> str:
    """The annotation of a value of a mapping, which can be null to remove a key of an earlier source."""
    kind = _type(annotation, path, classes)
    can_be_null = NoneType in get_args(annotation)
    return f"{kind} | None" if can_be_null else kind


def _leaf(kind: str, path: KeyPath) -> str:
    return f"pulumi.Input[{kind}]" if accepts_output(path) else kind
