"""What was applied to the cluster, written down in the cluster itself before each step.

One ConfigMap holds an entry for each object and release, under a key made of its identity; a further one begins
where that is full. An entry is written before its object is touched, so whatever a crash leaves behind is listed.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from local.cluster import Cluster
from local.dependencies import Edges
from local.failure import CommandError
from local.recording import Resource
from settings.job_spec import SUSPENDED

_NAMESPACE: Final = "kube-system"
_STACK_LABEL: Final = "flink-k8s/stack"
_EXPORTS: Final = "flink-k8s/exports"
# An entry takes well under a kilobyte, and a ConfigMap holds one megabyte.
_ENTRIES: Final = 1000


@dataclass(frozen=True)
class Entry:
    """One object or release that was, or was about to be, applied.

    Attributes:
        resource: what kubectl calls its kind, for example `flinkdeployment.v1beta1.flink.apache.org`; `Release` for
            a Helm release.
        namespace: empty for a cluster-wide object.
        needs: keys of the entries that it depends on.
        propagation: how its deletion goes down to its own children: `background`, `foreground` or `orphan`.
        protect: the program said that it must not be deleted.
        retain: the program said that it stays when it is no longer declared.
        timeout: seconds that its deletion may take.
        suspended: of a job that `make suspend` has stopped: since when, and by whom.
    """

    resource: str
    namespace: str
    name: str
    title: str
    needs: tuple[str, ...] = ()
    propagation: str = "foreground"
    protect: bool = False
    retain: bool = False
    timeout: int = 300
    suspended: str = ""

    @property
    def is_release(self) -> bool:
        """Whether Helm takes it down."""
        return self.resource == "Release"

    @property
    def key(self) -> str:
        """The entry's key: the same as long as kind, group, namespace and name are, whatever the version is."""
        kind, _, version_and_group = self.resource.partition(".")
        group = version_and_group.partition(".")[2]
        return hashlib.sha256(f"{kind}.{group} {self.namespace} {self.name}".encode()).hexdigest()[:16]


def entry_of(resource: Resource, keys: Mapping[str, str]) -> Entry:
    """The entry of a registered object or release.

    Args:
        resource: the object or release.
        keys: the keys of everything registered before it, by URN.
    """
    needs = {keys[urn] for urn in (*resource.dependencies, resource.parent) if urn in keys}
    return Entry(
        resource="Release" if resource.is_release else _kubectl_name(resource),
        namespace=resource.namespace,
        name=resource.object_name,
        title=resource.title,
        needs=tuple(sorted(needs)),
        propagation=resource.annotations.get("pulumi.com/deletionPropagationPolicy", "foreground").lower(),
        protect=resource.protect is True,
        retain=resource.retain_on_delete is True,
        timeout=duration(resource.timeouts.get("delete", "")) or _release_timeout(resource) or Entry.timeout,
        suspended=resource.annotations.get(SUSPENDED, ""),
    )


def duration(text: str) -> int:
    """Whole seconds of a duration such as `1h5m30s`; 0 when it is none."""
    seconds = {"h": 3600, "m": 60, "s": 1}
    total, number = 0.0, ""
    for character in text:
        if character in seconds:
            total += float(number or 0) * seconds[character]
            number = ""
        else:
            number += character
    return int(total)


class Ledger:
    """The entries of one stack. Safe to use from many threads; changes that come together are written together."""

    def __init__(self, cluster: Cluster, stack: str) -> None:
        self._cluster = cluster
        self._stack = stack
        self._lock = threading.Lock()
        self._pending: dict[str, Entry | None] = {}
        self._pending_lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._place: dict[str, int] = {}
        self._maps: set[int] = set()
        self._exports: dict[str, object] = {}
        for found in cluster.items("configmaps", _NAMESPACE, f"--selector={_STACK_LABEL}={stack}"):
            number = int(found["metadata"]["labels"]["flink-k8s/part"])
            self._maps.add(number)
            annotations = cast("Mapping[str, str]", found["metadata"].get("annotations") or {})
            self._exports |= cast("dict[str, object]", json.loads(annotations.get(_EXPORTS, "{}")))
            for key, text in cast("Mapping[str, str]", found.get("data") or {}).items():
                self._entries[key] = _read(text)
                self._place[key] = number

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All entries by key."""
        with self._lock:
            return dict(self._entries)

    def put(self, entry: Entry) -> None:
        """Write an entry, or the new state of one; it is in the cluster when this returns.

        Raises:
            CommandError: when the cluster does not take it.
        """
        self._change({entry.key: entry})

    def drop(self, key: str) -> None:
        """Take an entry out: its object is gone.

        Raises:
            CommandError: when the cluster does not take it.
        """
        self._change({key: None})

    @property
    def exports(self) -> Mapping[str, object]:
        """What the stack has exported, secrets hidden."""
        return dict(self._exports)

    def export(self, exports: Mapping[str, object]) -> None:
        """Write down what the stack exports, for the stacks that refer to it.

        Raises:
            CommandError: when the cluster does not take it.
        """
        with self._lock:
            if 0 not in self._maps or exports == self._exports:
                return
            patch = {"metadata": {"annotations": {_EXPORTS: json.dumps(exports, separators=(",", ":"))}}}
            self._merge(0, patch)
            self._exports = dict(exports)

    def clear(self) -> None:
        """Delete the ConfigMaps, once no entry is left."""
        for number in sorted(self._maps):
            self._kubectl("delete", "configmap", self._name(number), "--ignore-not-found")
        self._maps.clear()

    def _change(self, change: Mapping[str, Entry | None]) -> None:
        with self._pending_lock:
            self._pending.update(change)
        # While one thread writes, others queue here; the next one in writes for all of them.
        with self._lock:
            with self._pending_lock:
                pending = {key: entry for key, entry in self._pending.items() if entry != self._entries.get(key)}
                self._pending.clear()
            try:
                self._write(pending)
            except BaseException:
                with self._pending_lock:
                    self._pending = {**pending, **self._pending}
                raise

    def _write(self, change: Mapping[str, Entry | None]) -> None:
        parts: dict[int, dict[str, str | None]] = {}
        for key, entry in change.items():
            number = self._place[key] if key in self._place else self._part_with_room()
            self._place[key] = number
            parts.setdefault(number, {})[key] = None if entry is None else _written(entry)
        for number, data in sorted(parts.items()):
            self._patch(number, data)
        for key, entry in change.items():
            if entry is None:
                self._entries.pop(key, None)
                self._place.pop(key, None)
            else:
                self._entries[key] = entry

    def _part_with_room(self) -> int:
        number = 0
        counts = list(self._place.values())
        while counts.count(number) >= _ENTRIES:
            number += 1
        return number

    def _patch(self, number: int, data: Mapping[str, str | None]) -> None:
        if number not in self._maps:
            labels = {
                "app.kubernetes.io/managed-by": "flink-k8s",
                _STACK_LABEL: self._stack,
                "flink-k8s/part": str(number),
            }
            config_map = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": self._name(number), "namespace": _NAMESPACE, "labels": labels},
            }
            self._kubectl("create", "--filename=-", text=json.dumps(config_map))
            self._maps.add(number)
        self._merge(number, {"data": data})

    def _merge(self, number: int, patch: Mapping[str, object]) -> None:
        text = json.dumps(patch)
        self._kubectl("patch", "configmap", self._name(number), "--type=merge", "--patch-file=/dev/stdin", text=text)

    def _kubectl(self, *arguments: str, text: str | None = None) -> None:
        done = self._cluster.kubectl_patiently(*arguments, f"--namespace={_NAMESPACE}", text=text)
        if done.code != 0:
            raise CommandError(f"cannot write down what is applied in the ConfigMap of {self._stack}: {done.reason}")

    def _name(self, number: int) -> str:
        return f"flink-k8s-{self._stack}" + (f"-{number}" if number else "")


def edges_among(entries: Iterable[Entry]) -> Edges:
    """Key to the keys that it depends on, among those entries."""
    known = {entry.key: entry for entry in entries}
    return {key: frozenset(entry.needs) & known.keys() - {key} for key, entry in known.items()}


def _kubectl_name(resource: Resource) -> str:
    """`kind.version.group`, or the kind alone for the core group: kubectl takes these without a guess."""
    group, _, version = str(resource.inputs.get("apiVersion", "")).rpartition("/")
    kind = str(resource.inputs.get("kind", "")).lower()
    return f"{kind}.{version}.{group}" if group else kind


def _release_timeout(resource: Resource) -> int:
    timeout = resource.inputs.get("timeout")
    return int(timeout) if isinstance(timeout, (int, float)) and resource.is_release else 0


def _written(entry: Entry) -> str:
    fields = asdict(entry)
    if not entry.suspended:  # an older clone on this machine knows no such field
        del fields["suspended"]
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def _read(text: str) -> Entry:
    fields: dict[str, Any] = json.loads(text)
    fields["needs"] = tuple(fields["needs"])
    return Entry(**fields)
