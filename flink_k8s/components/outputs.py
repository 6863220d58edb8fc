"""Outputs in the arguments of a component: the checks get texts in their place, and the engine gets the outputs."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import pulumi

from flink_k8s.config import outputs
from flink_k8s.config.problems import STACK_CONFIG, KeyPath, Problem, dotted

Accepts = Callable[[KeyPath], bool]
"""Whether the value at a path can be an output."""


class Outputs:
    """The outputs of one component.

    Attributes:
        problems: about outputs where a plain value is required, and about values that are no configuration.
    """

    def __init__(self, title: str) -> None:
        """
        Args:
            title: of the component in problems.
        """
        self._title = title
        self._by_text: dict[str, pulumi.Output[Any]] = {}
        self.problems: list[Problem] = []

    def plain(self, value: object, path: KeyPath, accepts: Accepts) -> object:
        """The value with a text in place of each output, as a YAML reader would return it.

        Args:
            value: an argument, or a part of it.
            path: of the value in the arguments.
            accepts: whether the value at a path can be an output.
        """
        if isinstance(value, pulumi.Output | Awaitable):
            output = pulumi.Output.from_input(cast("pulumi.Input[Any]", value))
            return self._placeholder(output, path, accepts)
        if isinstance(value, Mapping):
            items = cast("Mapping[object, object]", value).items()
            return {str(key): self.plain(item, (*path, str(key)), accepts) for key, item in items}
        if isinstance(value, list | tuple):
            sequence = cast("Sequence[object]", value)
            return [self.plain(item, (*path, index), accepts) for index, item in enumerate(sequence)]
        if isinstance(value, float) and value.is_integer():
            return int(value)  # the engine's protocol has floating-point numbers only
        if value is None or isinstance(value, str | int | float):
            return value
        message = f"is of the class {type(value).__name__}; write a mapping, a list, text, a number or a boolean"
        self.problems.append(Problem(self._title, 0, dotted(path), message, STACK_CONFIG))
        return None

    def storage(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """The settings with a URI of its type in place of an output for the state storage."""
        storage = values.get("stateStorage")
        uri = cast("Mapping[str, object]", storage).get("uri") if isinstance(storage, Mapping) else None
        if not isinstance(uri, str) or uri not in self._by_text:
            return values
        settings = cast("Mapping[str, object]", storage)
        text = outputs.storage_uri(uri, settings.get("type"))
        scheme = text.partition("://")[0]

        def checked(value: object) -> str:
            if not str(value).startswith(f"{scheme}://"):
                message = f'is "{value}"; an output for this type of storage must begin with {scheme}://'
                raise pulumi.RunError(f"{self._title}: stateStorage.uri: {message}")
            return str(value).rstrip("/")

        self._by_text[text] = self._by_text.pop(uri).apply(checked)
        return {**values, "stateStorage": {**settings, "uri": text}}

    def inside(self, component: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of everything in the component: with its outputs, and the provider that the user gives it."""
        provider = component.get_provider("kubernetes:core/v1:Namespace")
        return pulumi.ResourceOptions(parent=component, provider=provider, transformations=[self._bind])

    def _bind(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """The transformation that puts the outputs into the inputs of resources; children inherit it."""
        if not self._by_text:
            return None
        props: dict[str, Any] = {key: self._with_outputs(value) for key, value in args.props.items()}
        return pulumi.ResourceTransformationResult(props, args.opts)

    def _placeholder(self, output: pulumi.Output[Any], path: KeyPath, accepts: Accepts) -> str:
        text = outputs.placeholder(self._title, path)
        if accepts(path):
            self._by_text[text] = output
        else:
            self.problems.append(outputs.misplaced(self._title, dotted(path), STACK_CONFIG))
        return text

    def _with_outputs(self, value: object) -> object:
        if isinstance(value, Mapping):
            return {key: self._with_outputs(item) for key, item in cast("Mapping[str, object]", value).items()}
        if isinstance(value, list | tuple):
            return [self._with_outputs(item) for item in cast("Sequence[object]", value)]
        if isinstance(value, pulumi.Output):  # a text that looks like a secret
            return cast("pulumi.Output[object]", value).apply(self._with_outputs)
        return self._text_with_outputs(value) if isinstance(value, str) else value

    def _text_with_outputs(self, text: str) -> object:
        # The longest first: the URI of a storage contains the text of its output.
        pattern = "|".join(map(re.escape, sorted(self._by_text, key=len, reverse=True)))
        parts = re.split(f"({pattern})", text)
        if len(parts) == 1:
            return text
        if parts[0] == parts[2] == "" and len(parts) == 3:
            return self._by_text[parts[1]]
        return pulumi.Output.concat(*(self._by_text.get(part, part) for part in parts))
