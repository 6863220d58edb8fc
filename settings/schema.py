"""What other files say of the stack config, derived from the models so that nothing is said twice."""

from __future__ import annotations

from typing import get_args, get_origin

from pydantic_core import PydanticUndefined

from settings.model import StackSettings


def project_config() -> dict[str, dict[str, object]]:
    """The section `config` of Pulumi.yaml: type, description and default of each key.

    The engine takes a key without default for required, and knows no shape of objects: an empty default says that
    nothing was said, and the models fill in theirs.
    """
    section: dict[str, dict[str, object]] = {}
    for name, field in StackSettings.model_fields.items():
        kind = _engine_type(field.annotation)
        entry: dict[str, object] = {"type": kind}
        if field.description:
            entry["description"] = field.description
        if not field.is_required():
            default = field.default if field.default is not PydanticUndefined else None
            entry["default"] = {} if kind == "object" else ("" if default is None else default)
        section[field.alias or name] = entry
    return section


def _engine_type(annotation: object) -> str:
    candidates = (annotation, *get_args(annotation))
    if any(get_origin(candidate) is dict for candidate in candidates):
        return "object"
    for python, engine in ((bool, "boolean"), (str, "string"), (int, "integer"), (list, "array")):
        if any(candidate is python for candidate in candidates):
            return engine
    return "object"
