"""The base class of all models of the stack config, and the types of names, durations and text."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def _dns_label(name: str) -> str:
    if not _DNS_LABEL.fullmatch(name):
        raise ValueError("is not a Kubernetes name; use lower-case letters, digits and -, 63 characters at most")
    return name


def seconds(duration: str) -> int:
    """Seconds of a duration such as `90s`, `10m`, `1h30m`.

    Raises:
        ValueError: if the text is not a duration.
    """
    match = _DURATION.fullmatch(duration)
    if not duration or match is None:
        raise ValueError('is not a duration; write a duration such as "90s", "10m" or "1h30m"')
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def _duration(value: str) -> str:
    if seconds(value) == 0:
        raise ValueError('must be greater than zero; write a duration such as "10m"')
    return value


def scalar_text(value: object) -> object:
    """Numbers and booleans as text, which Kubernetes and Flink require."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return value


Name = Annotated[str, AfterValidator(_dns_label)]
Duration = Annotated[str, AfterValidator(_duration)]
Text = Annotated[
    str, BeforeValidator(scalar_text), WithJsonSchema({"type": ["string", "number", "boolean"]}, mode="validation")
]


class Model(BaseModel):
    """Base class of the models: camelCase in files, no unknown keys, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, defer_build=True)


class SecretKey(Model):
    """One key of a Kubernetes Secret in the job's namespace."""

    secret: str = Field(description="Name of the Secret.")
    key: str = Field(description="Key in the Secret.")
