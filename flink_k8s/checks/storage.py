"""Rules for `stateStorage`: each kind of storage with all that it needs and nothing that it does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.model import StackSettings
from flink_k8s.config.state_model import StateStorage
from flink_k8s.facts.units import quantity
from flink_k8s.resolve import file_system
from flink_k8s.resolve.state_storage import CLAIM

_Problem = tuple[tuple[str, ...], str]
"""Path below `stateStorage`, and message."""

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
    "access_key": ("s3",),
    "secret_key": ("s3",),
    "account_key": ("azure",),
    "service_account_key": ("gcs",),
}
"""Which key speaks of which type."""

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
    """`stateStorage` of the stack config."""
    for path, message in _problems(stack.settings):
        stack.report("state-storage", ("stateStorage", *path), message)


def _problems(settings: StackSettings) -> Iterator[_Problem]:
    storage = settings.state_storage
    yield from _of_other_types(storage)
    if storage.type in _SHAPES:
        yield from _uri(storage)
        yield from _credentials(storage)
        yield from _endpoint(storage)
        yield from _plugin(storage)
    if storage.type == "volume":
        yield from _volume(storage, is_strict=settings.strict)
    if storage.folder is not None and not re.fullmatch(r"[\w.\-]+(/[\w.\-]+)*", storage.folder, re.ASCII):
        yield (("folder",), f'is "{storage.folder}"; write letters, digits, . _ - and / between them')


def check_names(stack: StackSubject) -> None:
    """Claims in job files with the name of the claim that the program creates."""
    for one in stack.attachments:
        if stack.settings.state_storage.makes_claims and (one.source.kind, one.source.name) == (_CLAIM_KIND, CLAIM):
            cure = f"name it otherwise, or set stateStorage.volume.claim: {CLAIM}"
            message = f'"{CLAIM}" is the claim that the program makes; {cure}'
            stack.report("duplicate-object", ("metadata", "name"), message, one.source)


def _of_other_types(storage: StateStorage) -> Iterator[_Problem]:
    for model, place in ((storage, ()), (storage.credentials, ("credentials",))):
        fields: Any = type(model).model_fields
        for name in sorted(model.model_fields_set):
            types = _OF_TYPE.get(name)
            value = getattr(model, name)
            if types is None or storage.type in types or value is None or value == fields[name].default:
                continue
            alias = str(fields[name].alias)
            if place and storage.type not in _OF_TYPE["credentials"]:
                continue  # said of `credentials` already
            yield ((*place, alias), f"is for type {' and '.join(types)}, not {storage.type}; remove it")


def _uri(storage: StateStorage) -> Iterator[_Problem]:
    shape = _SHAPES[storage.type]
    if storage.uri is None:
        yield ((), f"has no uri, which type {storage.type} needs; write uri: {shape}")
    elif not _URIS[storage.type].fullmatch(storage.uri):
        yield (("uri",), f'is "{storage.uri}", which is no place of type {storage.type}; write it like {shape}')


def _credentials(storage: StateStorage) -> Iterator[_Problem]:
    keys = storage.credentials
    for name, said, other, theirs in (
        ("accessKey", keys.access_key, "secretKey", keys.secret_key),
        ("secretKey", keys.secret_key, "accessKey", keys.access_key),
    ):
        if said is not None and theirs is None and storage.type == "s3":
            yield (("credentials", name), f"is set without {other}; set both or none")
    if keys.access_key and keys.secret_key and file_system.ROLE_ARN in storage.service_account_annotations:
        path = ("serviceAccountAnnotations", file_system.ROLE_ARN)
        yield (path, "is not looked at where there are credentials; keep one of them")
    if storage.type != "azure":
        return
    is_wasb = (storage.uri or "").startswith("wasb")
    if keys.account_key is not None and storage.managed_identity is not None:
        yield (("managedIdentity",), "is not looked at where there is an accountKey; keep one of them")
    elif storage.managed_identity is not None and is_wasb:
        yield (("managedIdentity",), "is nothing that wasb knows; write an abfss:// uri")
    elif is_wasb and keys.account_key is None:
        yield (("uri",), "is wasb, which needs a key; set credentials.accountKey, or write an abfss:// uri")


def _endpoint(storage: StateStorage) -> Iterator[_Problem]:
    if storage.endpoint is None or storage.type not in _OF_TYPE["endpoint"]:
        return
    try:
        parts = urlsplit(storage.endpoint)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, fine = None, False
    if not fine:
        yield (("endpoint",), f'is "{storage.endpoint}", which is no URL; write it like http://minio.minio:9000')
    elif parts is not None and (parts.username or parts.password):
        yield (("endpoint",), "holds a password; take it out and set credentials")


def _plugin(storage: StateStorage) -> Iterator[_Problem]:
    plugin = storage.plugin
    if isinstance(plugin, str) and not re.fullmatch(r"flink-[a-z0-9\-]+(-\d[\w.\-]*\.jar)?", plugin):
        cure = "write its name (flink-s3-fs-hadoop), its jar (flink-s3-fs-hadoop-2.2.1.jar), or false"
        yield (("plugin",), f'is "{plugin}", which is no plugin of Flink\'s; {cure}')


def _volume(storage: StateStorage, *, is_strict: bool) -> Iterator[_Problem]:
    volume = storage.volume
    try:
        fine = quantity(volume.size) > 0
    except ValueError:
        fine = False
    if not fine:
        yield (("volume", "size"), f'is "{volume.size}", which is no size; write it like 5Gi')
    if volume.claim is not None:
        for name in sorted(volume.model_fields_set - {"claim"}):
            alias = str(type(volume).model_fields[name].alias)
            yield (("volume", alias), f"is a new claim's, and {volume.claim} is there already; remove one of them")
    elif is_strict and volume.access_mode is None:
        why = "is not said, and ReadWriteOnce keeps all pods of a namespace that keep state on one node"
        yield (("volume", "accessMode"), f"{why}; write ReadWriteMany, or ReadWriteOnce where that is meant")
