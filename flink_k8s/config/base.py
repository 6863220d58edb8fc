"""What every model of the stack config is made of: the base class, and the types of names, durations and text."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from flink_k8s.facts.units import seconds

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _dns_label(name: str) -> str:
    if not _DNS_LABEL.fullmatch(name):
        raise ValueError("is no Kubernetes name; use lower-case letters, digits and -, 63 at most")
    return name


def _duration(value: str) -> str:
    if seconds(value) == 0:
        raise ValueError('is no time at all; write it like "10m"')
    return value


def scalar_text(value: object) -> object:
    """Numbers and booleans as the text that Kubernetes and Flink want."""
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
    """Base of all: camelCase in files, no unknown keys, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, defer_build=True)


class SecretKey(Model):
    """One key of a Kubernetes Secret in the job's namespace."""

    secret: str = Field(description="Name of the Secret.")
    key: str = Field(description="Key in it.")
