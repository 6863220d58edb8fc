"""The base class of all models of the stack config, and the types of names, durations and text."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from flink_k8s.facts.units import seconds

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def dns_label(name: str) -> str:
    """The name, if Kubernetes accepts it as the name of a namespace.

    Raises:
        ValueError: with the reason and the remedy.
    """
    if not _DNS_LABEL.fullmatch(name):
        raise ValueError("is not a Kubernetes name; use lower-case letters, digits and -, 63 characters at most")
    return name


def _duration(value: str) -> str:
    if seconds(value) == 0:
        raise ValueError('must be greater than zero; write a duration such as "10m"')
    return value


def matching(pattern: str, problem: str) -> AfterValidator:
    """A validator of text that must match a pattern completely.

    Args:
        pattern: regular expression.
        problem: message with the remedy.
    """
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(problem)
        return text

    return AfterValidator(check)


def scalar_text(value: object) -> object:
    """Numbers and booleans as text, which Kubernetes and Flink require."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return value


Name = Annotated[str, AfterValidator(dns_label)]
Duration = Annotated[str, BeforeValidator(scalar_text), AfterValidator(_duration)]
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
