"""Rules for `stateStorage`: each type of storage with its required keys, and without keys of other types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.state_model import ROLE_ARN, StateStorage
from flink_k8s.facts.units import quantity
from flink_k8s.resolve.state_storage import CLAIM

_Problem = tuple[tuple[str, ...], str]
"""Path in `stateStorage`, and message."""

_OF_TYPE: dict[str, tuple[str, ...]] = {
    "uri": ("s3", "azure", "gcs"),
    "folder": ("s3", "azure", "gcs", "volume"),
    "endpoint": ("s3", "gcs"),
    "path_style": ("s3",),
    "region": ("s3",),
    "credentials": ("s3", "azure", "gcs"),
    "managed_identity": ("azure",),
    "service_account_annotations": ("s3", "azure", "gcs"),
    "volume": ("volume",),
    "plugin": ("s3", "azure", "gcs"),
    "create": ("s3",),
    "access_key": ("s3",),
    "secret_key": ("s3",),
    "account_key": ("azure",),
    "service_account_key": ("gcs",),
}
"""Types of storage that a key applies to."""

_CLAIM_KIND = "PersistentVolumeClaim"

_SHAPES = {
    "s3": "s3://bucket/prefix",
    "azure": "abfss://container@account.dfs.core.windows.net/prefix",
    "gcs": "gs://bucket/prefix",
}
_URIS = {
    "s3": re.compile(r"(s3|s3p|s3a)://[a-z0-9][a-z0-9.\-]*(/[\w.\-/=]*)?"),
    "azure": re.compile(r"(abfss?|wasbs?)://[a-z0-9$][a-z0-9-]*@[a-z0-9]+(\.[a-z0-9-]+)+(/[\w.\-/=]*)?"),
    "gcs": re.compile(r"gs://[a-z0-9][a-z0-9._\-]*(/[\w.\-/=]*)?"),
}


def check(stack: StackSubject) -> None:
    """Check `stateStorage` of the stack config."""
    for path, message in _problems(stack.settings):
        stack.report("state-storage", ("stateStorage", *path), message)
    if stack.config.is_of_program and stack.settings.state_storage.create is not None:
        message = "applies to stack files; create the bucket and the role in your program, and pass their outputs"
        stack.report("state-storage", ("stateStorage", "create"), message)


def _problems(settings: StackSettings) -> Iterator[_Problem]:
    storage = settings.state_storage
    yield from _of_other_types(storage)
    if storage.type in _SHAPES:
        yield from _uri(storage)
        yield from _credentials(storage)
        yield from _endpoint(storage)
        yield from _created(storage)
        yield from _plugin(storage)
    if storage.type == "volume":
        yield from _volume(storage, is_strict=settings.strict)
    if storage.folder is not None and not re.fullmatch(r"[\w.\-]+(/[\w.\-]+)*", storage.folder, re.ASCII):
        yield (("folder",), f'is "{storage.folder}"; write names of letters, digits, . _ and -, separated by /')


def check_names(stack: StackSubject) -> None:
    """Report claims in job files with the name of the claim that the program creates."""
    for attachment in stack.attachments:
        if stack.settings.state_storage.makes_claims and (attachment.source.kind, attachment.source.name) == (
            _CLAIM_KIND,
            CLAIM,
        ):
            remedy = f"choose another name, or set stateStorage.volume.claim: {CLAIM}"
            message = f'"{CLAIM}" is the name of the claim that the program creates; {remedy}'
            stack.report("duplicate-object", ("metadata", "name"), message, attachment.source)


def _of_other_types(storage: StateStorage) -> Iterator[_Problem]:
    for model, prefix in ((storage, ()), (storage.credentials, ("credentials",))):
        fields: Any = type(model).model_fields
        for name in sorted(model.model_fields_set):
            types = _OF_TYPE.get(name)
            value = getattr(model, name)
            if types is None or storage.type in types or value is None or value == fields[name].default:
                continue
            alias = str(fields[name].alias)
            if prefix and storage.type not in _OF_TYPE["credentials"]:
                continue  # reported for `credentials`
            yield ((*prefix, alias), f"applies to type {' and '.join(types)}, not to {storage.type}; remove it")


def _uri(storage: StateStorage) -> Iterator[_Problem]:
    shape = _SHAPES[storage.type]
    if storage.uri is None:
        yield ((), f"lacks uri, which type {storage.type} requires; set uri: {shape}")
    elif not _URIS[storage.type].fullmatch(storage.uri):
        yield (("uri",), f'is "{storage.uri}", which is not a URI of type {storage.type}; write {shape}')


def _credentials(storage: StateStorage) -> Iterator[_Problem]:
    keys = storage.credentials
    for name, value, other, other_value in (
        ("accessKey", keys.access_key, "secretKey", keys.secret_key),
        ("secretKey", keys.secret_key, "accessKey", keys.access_key),
    ):
        if value is not None and other_value is None and storage.type == "s3":
            yield (("credentials", name), f"is set without {other}; set both or none")
    if keys.access_key and keys.secret_key and ROLE_ARN in storage.service_account_annotations:
        path = ("serviceAccountAnnotations", ROLE_ARN)
        yield (path, "has no effect with credentials; remove one of them")
    if storage.type != "azure":
        return
    is_wasb = (storage.uri or "").startswith("wasb")
    if keys.account_key is not None and storage.managed_identity is not None:
        yield (("managedIdentity",), "has no effect with credentials.accountKey; remove one of them")
    elif storage.managed_identity is not None and is_wasb:
        yield (("managedIdentity",), "is not supported by wasb; write an abfss:// uri")
    elif is_wasb and keys.account_key is None:
        yield (("uri",), "is a wasb uri, which requires a key; set credentials.accountKey, or write an abfss:// uri")


def _created(storage: StateStorage) -> Iterator[_Problem]:
    """What contradicts a bucket and a role that the stack creates in AWS."""
    if storage.create is None or storage.type not in _OF_TYPE["create"]:
        return
    if storage.region is None:
        yield (("create",), "requires stateStorage.region, where the bucket is created; set it")
    if storage.endpoint is not None:
        yield (("create",), "creates a bucket of AWS, but endpoint names another store; remove one of them")
    if storage.credentials.access_key is not None:
        yield (("create",), "creates a role for the jobs, which has no effect with credentials; remove one of them")
    if ROLE_ARN in storage.service_account_annotations:
        path = ("serviceAccountAnnotations", ROLE_ARN)
        yield (path, "names another role than the one that create makes; remove it, or remove create")


def _endpoint(storage: StateStorage) -> Iterator[_Problem]:
    if storage.endpoint is None or storage.type not in _OF_TYPE["endpoint"]:
        return
    try:
        parts = urlsplit(storage.endpoint)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, is_valid = None, False
    if not is_valid:
        yield (
            ("endpoint",),
            f'is "{storage.endpoint}", which is not a URL; write a URL such as http://minio.minio:9000',
        )
    elif parts is not None and (parts.username or parts.password):
        yield (("endpoint",), "contains a password; remove it and set credentials")


def _plugin(storage: StateStorage) -> Iterator[_Problem]:
    plugin = storage.plugin
    if isinstance(plugin, str) and not re.fullmatch(r"flink-[a-z0-9\-]+(-\d[\w.\-]*\.jar)?", plugin):
        remedy = "write a name (flink-s3-fs-hadoop), a jar (flink-s3-fs-hadoop-2.2.1.jar), or false"
        yield (("plugin",), f'is "{plugin}", which is not a plugin of Flink; {remedy}')


def _volume(storage: StateStorage, *, is_strict: bool) -> Iterator[_Problem]:
    volume = storage.volume
    try:
        is_valid = quantity(volume.size) > 0
    except ValueError:
        is_valid = False
    if not is_valid:
        yield (("volume", "size"), f'is "{volume.size}", which is not a size; write a size such as 5Gi')
    if volume.claim is not None:
        for name in sorted(volume.model_fields_set - {"claim"}):
            alias = str(type(volume).model_fields[name].alias)
            yield (
                ("volume", alias),
                f"applies to a new claim, but claim names the existing claim {volume.claim}; remove one of them",
            )
    elif is_strict and volume.access_mode is None:
        problem = "is not set, and the default ReadWriteOnce binds all stateful pods of a namespace to one node"
        yield (("volume", "accessMode"), f"{problem}; write ReadWriteMany, or ReadWriteOnce if one node is intended")
