"""The effects of an apply: each object and release brought into the sandbox as it is registered."""

from __future__ import annotations

import calendar
import json
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import pulumi

from local.cluster import FIELD_MANAGER, Cluster, Object
from local.failure import CommandError
from local.helm import Helm
from local.hooks import Hooks
from local.ledger import Entry, Ledger, duration, entry_of
from local.manifest import manifest
from local.monitor import release_status
from local.process import Done, Interrupted
from local.progress import Progress
from local.recording import Resource
from local.timeline import Stopwatch
from local.values import Secret
from local.waiting import READY, FailedError, pending_reason, trouble

_READY_SECONDS: Final = 600
_POLL_SECONDS: Final = 1.0
_TIMEOUT: Final = "pulumi.com/timeoutSeconds"


class Install:
    """Applies what the program registers, and knows what it has applied."""

    def __init__(
        self, cluster: Cluster, root: Path, ledger: Ledger, progress: Progress, hooks: Hooks, watch: Stopwatch
    ) -> None:
        self._cluster = cluster
        self._watch = watch
        self._hooks = hooks
        self._helm = Helm(cluster, root)
        self._ledger = ledger
        self._progress = progress
        self._lock = threading.Lock()
        self._keys: dict[str, str] = {}

    @property
    def keys(self) -> frozenset[str]:
        """The ledger's keys of all that the program registered in this run."""
        with self._lock:
            return frozenset(self._keys.values())

    def apply(self, resource: Resource) -> Mapping[str, object]:
        """Write the resource down, bring it into the cluster, and wait until it is ready.

        Returns:
            The live object, or the release's status.

        Raises:
            pulumi.RunError: when it cannot be applied or does not become ready in time.
        """
        if not resource.provider:
            raise pulumi.RunError(f"{resource.title} has no provider: the ambient kube-context is never used")
        with self._lock:
            entry = entry_of(resource, self._keys)
            if entry.key in self._keys.values():
                raise pulumi.RunError(f"{resource.title} is declared twice")
            self._keys[resource.urn] = entry.key
        start = time.monotonic()
        self._watch.begun(resource.urn)
        try:
            body = {} if resource.is_release else manifest(resource)
            self._ledger.put(entry)
            if resource.is_release:
                outputs, what = self._release(resource)
            else:
                outputs, what = self._object(resource, entry, body)
        except CommandError as error:
            raise pulumi.RunError(str(error)) from None
        self._watch.ended(resource.urn)
        self._progress.line(resource.title, f"{what} ({time.monotonic() - start:.1f} s)")
        return outputs

    def _release(self, release: Resource) -> tuple[Mapping[str, object], str]:
        seen: list[str] = []

        def waiting() -> None:
            # Kept for the error: when Helm gives up, it takes the pods that could say why with it.
            seen[:] = trouble(self._cluster, release.namespace) or seen
            self._progress.waiting(release.title, seen)

        def before(moment: str) -> None:
            self._hooks.run(moment, release, self._cluster.stopping)

        try:
            changed = self._helm.upgrade(release, before, waiting)
        except Interrupted:
            raise
        except pulumi.RunError as error:
            raise pulumi.RunError("; last seen: ".join([str(error), *seen])) from None
        what = "deployed" if changed else "is deployed as declared"
        return {"status": release_status(release)}, what

    def _object(self, resource: Resource, entry: Entry, body: Mapping[str, object]) -> tuple[Mapping[str, object], str]:
        began = time.time()
        text = json.dumps(self._kept(resource, entry, body))
        deadline = time.monotonic() + _seconds(resource)
        while True:
            found = self._applied(resource, text)
            if not found["metadata"].get("deletionTimestamp"):
                break
            # An earlier run's deletion is still under way, and would take this object with it.
            self._progress.waiting(resource.title, ["its former self is still being deleted"])
            if time.monotonic() > deadline:
                raise pulumi.RunError(f"{resource.title}: its former self is still being deleted")
            self._cluster.kubectl("wait", "--for=delete", entry.resource, entry.name, *_where(entry), "--timeout=10s")
        found = self._ready(resource, entry, found, deadline)
        created = _epoch(str(found["metadata"].get("creationTimestamp", ""))) >= int(began)
        return _outputs(resource, found), "created" if created else "applied"

    def _kept(self, resource: Resource, entry: Entry, body: Mapping[str, object]) -> Mapping[str, object]:
        """The body with what the program says not to change as it is in the cluster: there is no other state here."""
        if not resource.ignore_changes:
            return body
        live = self._cluster.get(entry.resource, entry.name, entry.namespace)
        if live is None or live["metadata"].get("deletionTimestamp"):
            return body
        kept = cast("dict[str, object]", json.loads(json.dumps(body)))
        for path in resource.ignore_changes:
            _keep(kept, live, path.split("."))
        return kept

    def _applied(self, resource: Resource, text: str) -> Object:
        done = self._cluster.kubectl_patiently(
            "apply",
            "--server-side",
            "--force-conflicts",
            f"--field-manager={FIELD_MANAGER}",
            "--output=json",
            "--filename=-",
            text=text,
            retry=lambda reason: self._progress.waiting(resource.title, [reason]),
        )
        if done.code != 0:
            raise pulumi.RunError(f"{resource.title}: {_advice(done)}")
        return cast("Object", json.loads(done.out))

    def _ready(self, resource: Resource, entry: Entry, found: Object, deadline: float) -> Object:
        while True:
            try:
                reason = pending_reason(found, resource.annotations)
            except FailedError as error:
                raise pulumi.RunError(f"{resource.title}: {error}") from None
            if reason == READY:
                return found
            if time.monotonic() > deadline:
                why = "; ".join([reason, *trouble(self._cluster, entry.namespace)])
                raise pulumi.RunError(f"{resource.title} is not ready after {_seconds(resource)} s: {why}")
            self._progress.waiting(resource.title, [reason, *trouble(self._cluster, entry.namespace)])
            self._cluster.stopping.wait(_POLL_SECONDS)
            now = self._cluster.get(entry.resource, entry.name, entry.namespace)
            if now is None:
                raise pulumi.RunError(f"{resource.title} was deleted by somebody else while it was waited for")
            found = now


def _keep(body: dict[str, object], live: Mapping[str, object], path: Sequence[str]) -> None:
    """Puts the live value at that path into the body; a path that the cluster does not have is taken away."""
    name, *rest = path
    inner, live_inner = body.get(name), live.get(name)
    if rest and isinstance(inner, dict) and isinstance(live_inner, dict):
        _keep(cast("dict[str, object]", inner), cast("Mapping[str, object]", live_inner), rest)
    elif not rest and name in live:
        body[name] = live_inner
    elif not rest:
        body.pop(name, None)


def _where(entry: Entry) -> list[str]:
    return [f"--namespace={entry.namespace}"] if entry.namespace else []


def _seconds(resource: Resource) -> int:
    annotated = resource.annotations.get(_TIMEOUT, "")
    if annotated.isdigit():
        return int(annotated)
    return duration(resource.timeouts.get("create", "")) or _READY_SECONDS


def _advice(done: Done) -> str:
    if "immutable" in done.error:
        return f"{done.reason}; only a new object can have that: python -m local.apply destroy --stack sandbox"
    return done.reason


def _outputs(resource: Resource, found: Object) -> Mapping[str, object]:
    metadata = {name: value for name, value in found["metadata"].items() if name != "managedFields"}
    outputs: dict[str, Any] = {**found, "metadata": metadata}
    for name in resource.additional_secret_outputs:
        if name in outputs:
            outputs[name] = Secret(outputs[name])
    return outputs


def _epoch(timestamp: str) -> int:
    try:
        return calendar.timegm(time.strptime(timestamp, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return 0
