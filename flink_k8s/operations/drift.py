"""Find and revert manual changes in the cluster.

Two comparisons are combined, because each has gaps. The engine's refresh compares its state with the cluster and with
Helm's records, but in lists only the items that the engine has written. A server-side dry run that applies the state
detects additional items too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from flink_k8s.config.problems import KeyPath, dotted
from flink_k8s.config.secret_text import HIDDEN, masked
from flink_k8s.operations import deploy
from flink_k8s.operations.exported_state import export_state
from flink_k8s.operations.stack import Stack
from flink_k8s.program.engine_state import resources
from flink_k8s.support import output_file
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError, ExitCode
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.processes import output

Manifest = dict[str, Any]

_RELEASE = "kubernetes:helm.sh/v3:Release"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks a value in the state as a secret or an asset."""
_MANAGER = "pulumi-kubernetes"
_SERVER_FIELDS = frozenset({"managedFields", "resourceVersion", "generation", "creationTimestamp", "uid"})
_PULUMI = "pulumi.com/"


@dataclass(frozen=True)
class DeclaredObject:
    """A Kubernetes object of the stack, as its state declares it.

    Attributes:
        urn: of its resource.
        manifest: as the program declared it.
        is_secret: whether its values must not be shown.
    """

    urn: str
    manifest: Manifest
    is_secret: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, namespace and name."""
        return key_of(self.manifest)

    @property
    def title(self) -> str:
        """`Role flink/flink`."""
        kind, namespace, name = self.key
        return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def key_of(manifest: Mapping[str, Any]) -> tuple[str, str, str]:
    """Kind, namespace and name of an object."""
    metadata = cast(Mapping[str, Any], manifest.get("metadata") or {})
    return str(manifest.get("kind")), str(metadata.get("namespace", "")), str(metadata.get("name"))


def declared(export: Mapping[str, Any]) -> list[DeclaredObject]:
    """The objects in a state that was exported with plaintext secrets, without Helm releases."""
    objects: list[DeclaredObject] = []
    for resource in resources(export):
        kind, inputs = str(resource.get("type")), cast(Manifest, resource.get("inputs") or {})
        if not kind.startswith("kubernetes:") or kind == _RELEASE or resource.get("delete"):
            continue
        marked, inputs = inputs, cast(Manifest, _plain(inputs))
        # A plaintext secret of a user is recognized by its look and hidden where it is printed.
        is_secret = inputs.get("kind") == "Secret" or masked("", inputs) != masked("", _plain(marked, HIDDEN))
        metadata = dict(cast(Manifest, inputs.get("metadata") or {}))
        annotations = cast(Manifest, metadata.pop("annotations", None) or {})
        own = {name: text for name, text in annotations.items() if not name.startswith(_PULUMI)}
        if own:
            metadata["annotations"] = own
        plain = {name: value for name, value in inputs.items() if not name.startswith("__")}
        objects.append(DeclaredObject(str(resource["urn"]), {**plain, "metadata": metadata}, is_secret))
    return objects


def _plain(value: object, replacement: str | None = None) -> object:
    """A value of the state without the engine's secret markers.

    Args:
        value: of the state.
        replacement: of each secret; None keeps the secret in plaintext.
    """
    if isinstance(value, dict):
        mapping = cast(Manifest, value)
        if _SIGNATURE in mapping and "plaintext" in mapping:
            return _plain(json.loads(mapping["plaintext"])) if replacement is None else replacement
        return {key: _plain(item, replacement) for key, item in mapping.items()}
    return [_plain(item, replacement) for item in cast(list[object], value)] if isinstance(value, list) else value


def differences(live: object, applied: object, *, hidden: bool = False) -> Iterator[str]:
    """The differences between an object and the result of applying its declaration again, without secret values.

    Args:
        live: the object in the cluster.
        applied: the result of the server-side dry run.
        hidden: whether to leave out all values.
    """
    yield from _differences(_Side(live, _hidden(live)), _Side(applied, _hidden(applied)), (), hidden)


@dataclass(frozen=True)
class _Side:
    """A part of an object, and the same part without secrets."""

    value: object
    shown: object

    def at(self, part: str | int) -> _Side:
        """The item with this key or index; its value is None if there is none."""
        return _Side(_inside(self.value, part), _inside(self.shown, part))

    def size(self) -> int:
        """The length of the list."""
        return len(cast(list[object], self.value))


def _inside(value: object, part: str | int) -> object:
    if isinstance(value, dict):
        return cast("dict[str | int, object]", value).get(part)
    items = cast("list[object]", value) if isinstance(value, list) else []
    return items[part] if isinstance(part, int) and part < len(items) else None


def _hidden(manifest: object) -> object:
    masked_manifest = masked("", manifest)
    fields = cast(Manifest, masked_manifest) if isinstance(masked_manifest, dict) else Manifest()
    if fields.get("kind") != "Secret":
        return cast(object, masked_manifest)
    return fields | {key: dict.fromkeys(fields[key], HIDDEN) for key in ("data", "stringData") if fields.get(key)}


def _differences(live: _Side, applied: _Side, path: KeyPath, hidden: bool) -> Iterator[str]:
    if isinstance(live.value, dict) and isinstance(applied.value, dict):
        for key in sorted({*cast(Manifest, live.value), *cast(Manifest, applied.value)}):
            if path == ("metadata",) and key in _SERVER_FIELDS:
                continue
            if not path and key == "status":
                continue
            yield from _differences(live.at(key), applied.at(key), (*path, key), hidden)
    elif isinstance(live.value, list) and isinstance(applied.value, list):
        for index in range(max(live.size(), applied.size())):
            yield from _differences(live.at(index), applied.at(index), (*path, index), hidden)
    elif live.value != applied.value:
        yield _difference(dotted(path), live.shown, applied.shown, hidden)


def _difference(field: str, live: object, applied: object, hidden: bool) -> str:
    if applied is None:
        return f"{field} was added" if hidden else f"{field} was added: {_shown(live)}"
    if live is None:
        return f"{field} was removed" if hidden else f"{field} was removed; declared: {_shown(applied)}"
    if hidden:
        return f"{field} was changed"
    return f"{field} is {_shown(live)}; declared: {_shown(applied)}"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:99]}…"


def engine_changes(digest: Mapping[str, Any]) -> dict[str, list[str]]:
    """URN to the differences that the engine's refresh found, from `pulumi refresh --preview-only --json`."""
    changes: dict[str, list[str]] = {}
    for step in cast(list[Mapping[str, Any]], digest.get("steps") or []):
        if step["op"] in ("refresh", "same", "read"):
            continue
        paths = sorted(cast(Mapping[str, Any], step.get("detailedDiff") or {}))
        lines = ["was deleted"] if step["op"] == "delete" else [f"{path} was changed" for path in paths]
        changes[str(step["urn"])] = lines or ["was changed"]
    return changes


def find_drift(stack: Stack, pulumi: Path, env: Mapping[str, str]) -> tuple[dict[str, list[str]], list[DeclaredObject]]:
    """The manual changes: title to its differences, and the objects that can be applied again as declared.

    The program creates deleted objects again, in the order of dependencies; but a Secret would get another password.

    Raises:
        CommandError: if the state or the cluster cannot be read.
    """
    export = export_state(pulumi, stack, env, secrets=True)
    refresh = [pulumi, "refresh", "--preview-only", "--json", "--non-interactive", *deploy.common(stack)]
    changes = engine_changes(_json(refresh, env, "pulumi refresh"))
    objects = declared(export)
    kubectl = Kubectl.of(stack)
    live = _objects(kubectl.run("get", "-f", "-", "--ignore-not-found", "-o", "json", stdin=_list(objects)))
    existing = [item for item in objects if item.key in live]
    applied: dict[tuple[str, str, str], Manifest] = {}
    if existing:
        options = ["--server-side", "--force-conflicts", "--dry-run=server", "--field-manager", _MANAGER]
        applied = _objects(kubectl.run("apply", *options, "-o", "json", "-f", "-", stdin=_list(existing)))
    titles = {item.urn: item.title for item in objects}
    drifted: dict[str, list[str]] = {}
    for item in objects:
        lines = ["was deleted"]
        if item.key in live:
            lines = list(differences(live[item.key], applied.get(item.key), hidden=item.is_secret))
        if lines:
            drifted[item.title] = lines
    for urn, lines in changes.items():
        drifted.setdefault(titles.get(urn) or _title_of(urn), lines)
    namespaces = {item.key[2] for item in existing if item.key[0] == "Namespace"}
    applicable = [item for item in objects if item in existing or (item.is_secret and item.key[1] in namespaces)]
    return drifted, [item for item in applicable if item.title in drifted]


def _title_of(urn: str) -> str:
    """`Release prometheus`: the title of a resource without a manifest."""
    kinds, _, name = urn.rpartition("::")
    return f"{kinds.rpartition(':')[2]} {name}"


def _json(command: list[str | Path], env: Mapping[str, str], title: str) -> Mapping[str, Any]:
    text = output(title, command, env=env).decode()
    return cast(Mapping[str, Any], json.loads(text[text.index("{") :]))


def _list(objects: list[DeclaredObject]) -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [item.manifest for item in objects]}).encode()


def _objects(text: bytes) -> dict[tuple[str, str, str], Manifest]:
    """kubectl's output: a list, one object, several objects in sequence, or nothing."""
    decoder, rest, objects = json.JSONDecoder(), text.decode().strip(), list[Manifest]()
    while rest:
        value, end = decoder.raw_decode(rest)
        objects += value["items"] if value.get("kind") == "List" else [value]
        rest = rest[end:].strip()
    return {key_of(item): item for item in objects}


def repair(
    stack: Stack,
    engine: deploy.Engine,
    env: Mapping[str, str],
    before: Mapping[str, Any],
    changed: list[DeclaredObject],
) -> None:
    """Apply the changed objects as declared, then let the engine create deleted objects again.

    Raises:
        CommandError: if either fails.
    """
    if changed:
        apply = ["apply", "--server-side", "--force-conflicts", "--field-manager", _MANAGER, "-f", "-"]
        Kubectl.of(stack).run(*apply, stdin=_list(changed))
    engine.operate("up", stack, env, before, ["--refresh"])


def _markdown(stack: str, drifted: Mapping[str, list[str]]) -> str:
    lines = [f"Manual changes in the cluster of `{stack}`:", ""]
    for title, differences_ in drifted.items():
        lines += [f"- {title}", *(f"  - `{line}`" for line in differences_)]
    remedy = f"`make drift STACK={stack} REPAIR=1` reverts them. To keep a change, set it in the files."
    return "\n".join([*lines, "", f"{remedy} See docs/drift.md.", ""])


def drift(stack: Stack, *, repairs: bool = False, out: Path | None = None) -> int:
    """Print how a cluster differs from what its stack declares, and repair it if requested; an exit code.

    Args:
        stack: the stack.
        repairs: whether to revert the manual changes.
        out: a file for the differences as Markdown; it is deleted if there are none.

    Raises:
        CommandError: if the state or the cluster cannot be read, or the repair fails.
    """
    engine = deploy.find(context=stack.context)
    env, before = deploy.prepare_run(engine.pulumi, stack)
    drifted, changed = find_drift(stack, engine.pulumi, env)
    for title, lines in drifted.items():
        print(f"{title}:\n" + "\n".join(f"  {line}" for line in lines))
    sys.stdout.flush()
    if out:
        with output_file.writing(out):
            out.unlink(missing_ok=True)
    if not drifted:
        say(f"{stack.name}: no manual changes")
        return ExitCode.OK
    if out:
        output_file.write(out, _markdown(stack.name, drifted))
    if not repairs:
        remedy = f"revert with make drift STACK={stack.name} REPAIR=1, or set the changes in the files"
        print(f"{stack.name}: objects with manual changes: {len(drifted)}; {remedy}", file=sys.stderr)
        return ExitCode.LOSS
    repair(stack, engine, env, before, changed)
    remaining, _ = find_drift(stack, engine.pulumi, env)
    if remaining:
        raise CommandError(f"still changed after the repair: {', '.join(remaining)}; another controller writes them")
    say(f"{stack.name}: repaired: {', '.join(drifted)}")
    return ExitCode.OK
