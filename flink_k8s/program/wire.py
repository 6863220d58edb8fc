"""Property values on the wire: conversion between protobuf and plain Python.

An unknown value is a fixed string. A secret, an asset or a reference to another resource is an object with a fixed
signature key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from google.protobuf import struct_pb2

from flink_k8s.program.values import UNKNOWN, Secret, Unknown

# Constants of the engine's protocol, which have no public names in the SDK.
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
_RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

# A double cannot represent every integer above this value.
_EXACT_INTEGERS: Final = 2**53


def decode(value: struct_pb2.Value) -> object:
    """Plain Python for a property value: dict, list, str, int, float, bool, None, `Secret` or `UNKNOWN`.

    A reference to another resource becomes its id, or its URN if it has none. Whole numbers become int.
    """
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _decode_object(value.struct_value)
    if kind == "list_value":
        return [decode(item) for item in value.list_value.values]
    if kind == "string_value":
        return UNKNOWN if value.string_value == _UNKNOWN else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < _EXACT_INTEGERS else number
    if kind == "bool_value":
        return value.bool_value
    return None


def decode_properties(properties: struct_pb2.Struct) -> dict[str, object]:
    """The properties of a resource as plain Python; see `decode`."""
    return {name: decode(value) for name, value in sorted(properties.fields.items())}


def _decode_object(struct: struct_pb2.Struct) -> object:
    signature = struct.fields.get(_SIGNATURE)
    if signature is None:
        return decode_properties(struct)
    if signature.string_value == _SECRET:
        return Secret(decode(struct.fields["value"]))
    if signature.string_value == _RESOURCE:
        reference = struct.fields["id"] if "id" in struct.fields else struct.fields["urn"]
        return UNKNOWN if reference.string_value == "" else decode(reference)
    # An asset or an archive, with its path, text, URI or parts.
    return {name: decode(value) for name, value in sorted(struct.fields.items()) if name != _SIGNATURE}


def encode(value: object) -> struct_pb2.Value:
    """The wire form of plain Python; the inverse of `decode`."""
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=_UNKNOWN)
    if isinstance(value, Secret):
        return secret(encode(value.value))
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, object]", value)
        fields = {str(name): encode(item) for name, item in mapping.items()}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    if isinstance(value, Sequence):
        items = [encode(item) for item in cast("Sequence[object]", value)]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    raise TypeError(f"a property cannot contain a {type(value).__name__}")


def secret(value: struct_pb2.Value) -> struct_pb2.Value:
    """The value marked as a secret; an existing mark is kept."""
    signature = value.struct_value.fields.get(_SIGNATURE) if value.HasField("struct_value") else None
    if signature is not None and signature.string_value == _SECRET:
        return value
    fields = {_SIGNATURE: struct_pb2.Value(string_value=_SECRET), "value": value}
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
