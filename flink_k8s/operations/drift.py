"""What was changed by hand in a cluster.

Two comparisons, since neither sees all. The engine's refresh compares its state with the cluster and with Helm's
records, but of a list only as many items as it has put there. A dry run of applying what the state says, done by the
API server, sees those too.
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
from flink_k8s.operations import deploy as engine
from flink_k8s.operations.exported_state import exported
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
"""The key by which the engine marks, in a state, what is no plain value: a secret or an asset."""
_MANAGER = "pulumi-kubernetes"
_OF_THE_SERVER = frozenset({"managedFields", "resourceVersion", "generation", "creationTimestamp", "uid"})
_PULUMI = "pulumi.com/"


@dataclass(frozen=True)
class Declared:
    """A Kubernetes object that the stack made, as its state has it.

    Attributes:
        urn: of its resource.
        manifest: what the program said.
        is_secret: whether its values are not to be shown.
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


def declared(export: Mapping[str, Any]) -> list[Declared]:
    """The objects in a state that is exported with its secrets in clear, without Helm releases."""
    found: list[Declared] = []
    for resource in resources(export):
        kind, inputs = str(resource.get("type")), cast(Manifest, resource.get("inputs") or {})
        if not kind.startswith("kubernetes:") or kind == _RELEASE or resource.get("delete"):
            continue
        marked, inputs = inputs, cast(Manifest, _plain(inputs))
        # What users wrote in clear looks like a secret, and is hidden by itself.
        is_secret = inputs.get("kind") == "Secret" or masked("", inputs) != masked("", _plain(marked, HIDDEN))
        metadata = dict(cast(Manifest, inputs.get("metadata") or {}))
        annotations = cast(Manifest, metadata.pop("annotations", None) or {})
        own = {name: text for name, text in annotations.items() if not name.startswith(_PULUMI)}
        if own:
            metadata["annotations"] = own
        plain = {name: value for name, value in inputs.items() if not name.startswith("__")}
        found.append(Declared(str(resource["urn"]), {**plain, "metadata": metadata}, is_secret))
    return found


def _plain(value: object, instead: str | None = None) -> object:
    """A value of the state without the engine's marks of secrets.

    Args:
        value: of the state.
        instead: stands for each secret; None for the secret itself.
    """
    if isinstance(value, dict):
        mapping = cast(Manifest, value)
        if _SIGNATURE in mapping and "plaintext" in mapping:
            return _plain(json.loads(mapping["plaintext"])) if instead is None else instead
        return {key: _plain(item, instead) for key, item in mapping.items()}
    return [_plain(item, instead) for item in cast(list[object], value)] if isinstance(value, list) else value


def differences(live: object, wanted: object, *, hidden: bool = False) -> Iterator[str]:
    """What the object is, where it would be something else if it were applied again; what looks like a secret is
    not shown.

    Args:
        live: the object as it is.
        wanted: as the API server would make it.
        hidden: whether all values are left out.
    """
    yield from _differences(_Side(live, _hidden(live)), _Side(wanted, _hidden(wanted)), (), hidden)


@dataclass(frozen=True)
class _Side:
    """A part of an object, and the same part as it may be shown."""

    value: object
    shown: object

    def at(self, part: str | int) -> _Side:
        """What is in it there; nothing where it has none."""
        return _Side(_inside(self.value, part), _inside(self.shown, part))

    def size(self) -> int:
        """Of a list."""
        return len(cast(list[object], self.value))


def _inside(value: object, part: str | int) -> object:
    if isinstance(value, dict):
        return cast("dict[str | int, object]", value).get(part)
    items = cast("list[object]", value) if isinstance(value, list) else []
    return items[part] if isinstance(part, int) and part < len(items) else None


def _hidden(manifest: object) -> object:
    shown = masked("", manifest)
    fields = cast(Manifest, shown) if isinstance(shown, dict) else Manifest()
    if fields.get("kind") != "Secret":
        return cast(object, shown)
    return fields | {key: dict.fromkeys(fields[key], HIDDEN) for key in ("data", "stringData") if fields.get(key)}


def _differences(live: _Side, wanted: _Side, path: KeyPath, hidden: bool) -> Iterator[str]:
    if isinstance(live.value, dict) and isinstance(wanted.value, dict):
        for key in sorted({*cast(Manifest, live.value), *cast(Manifest, wanted.value)}):
            if path == ("metadata",) and key in _OF_THE_SERVER:
                continue
            if not path and key == "status":
                continue
            yield from _differences(live.at(key), wanted.at(key), (*path, key), hidden)
    elif isinstance(live.value, list) and isinstance(wanted.value, list):
        for index in range(max(live.size(), wanted.size())):
            yield from _differences(live.at(index), wanted.at(index), (*path, index), hidden)
    elif live.value != wanted.value:
        yield _difference(dotted(path), live.shown, wanted.shown, hidden)


def _difference(place: str, live: object, wanted: object, hidden: bool) -> str:
    if wanted is None:
        return f"{place} was added" if hidden else f"{place} was added: {_shown(live)}"
    if live is None:
        return f"{place} was removed" if hidden else f"{place} was removed; declared: {_shown(wanted)}"
    if hidden:
        return f"{place} was changed"
    return f"{place} is {_shown(live)}; declared: {_shown(wanted)}"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:99]}…"


def engine_changes(digest: Mapping[str, Any]) -> dict[str, list[str]]:
    """URN to what the engine's refresh found, from `pulumi refresh --preview-only --json`."""
    found: dict[str, list[str]] = {}
    for step in cast(list[Mapping[str, Any]], digest.get("steps") or []):
        if step["op"] in ("refresh", "same", "read"):
            continue
        paths = sorted(cast(Mapping[str, Any], step.get("detailedDiff") or {}))
        said = {"delete": ["is gone"]}.get(str(step["op"]), [f"{path} was changed" for path in paths])
        found[str(step["urn"])] = said or ["was changed"]
    return found


def found(stack: Stack, pulumi: Path, env: Mapping[str, str]) -> tuple[dict[str, list[str]], list[Declared]]:
    """What was changed by hand: title to what about it, and what of it can be applied again as it was.

    Those that are gone are brought back by the program, in its order; but not a Secret: it would make another password.

    Raises:
        CommandError: when state or cluster cannot be read.
    """
    export = exported(pulumi, stack, env, secrets=True)
    refresh = [pulumi, "refresh", "--preview-only", "--json", "--non-interactive", *engine.common(stack)]
    changes = engine_changes(_json(refresh, env, "pulumi refresh"))
    objects = declared(export)
    kubectl = Kubectl.of(stack)
    live = _objects(kubectl.run("get", "-f", "-", "--ignore-not-found", "-o", "json", stdin=_list(objects)))
    there = [one for one in objects if one.key in live]
    wanted: dict[tuple[str, str, str], Manifest] = {}
    if there:
        dry = ["--server-side", "--force-conflicts", "--dry-run=server", "--field-manager", _MANAGER]
        wanted = _objects(kubectl.run("apply", *dry, "-o", "json", "-f", "-", stdin=_list(there)))
    titles = {one.urn: one.title for one in objects}
    drifted: dict[str, list[str]] = {}
    for one in objects:
        lines = ["is gone"]
        if one.key in live:
            lines = list(differences(live[one.key], wanted.get(one.key), hidden=one.is_secret))
        if lines:
            drifted[one.title] = lines
    for urn, lines in changes.items():
        drifted.setdefault(titles.get(urn) or _title_of(urn), lines)
    homes = {one.key[2] for one in there if one.key[0] == "Namespace"}
    again = [one for one in objects if one in there or (one.is_secret and one.key[1] in homes)]
    return drifted, [one for one in again if one.title in drifted]


def _title_of(urn: str) -> str:
    """`Release prometheus`, of what has no manifest."""
    kinds, _, name = urn.rpartition("::")
    return f"{kinds.rpartition(':')[2]} {name}"


def _json(command: list[str | Path], env: Mapping[str, str], what: str) -> Mapping[str, Any]:
    text = output(what, command, env=env).decode()
    return cast(Mapping[str, Any], json.loads(text[text.index("{") :]))


def _list(objects: list[Declared]) -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [one.manifest for one in objects]}).encode()


def _objects(text: bytes) -> dict[tuple[str, str, str], Manifest]:
    """kubectl's answer: a list, one object, several after each other, or nothing."""
    decoder, rest, found = json.JSONDecoder(), text.decode().strip(), list[Manifest]()
    while rest:
        value, end = decoder.raw_decode(rest)
        found += value["items"] if value.get("kind") == "List" else [value]
        rest = rest[end:].strip()
    return {key_of(one): one for one in found}


def repair(
    stack: Stack, carrier: engine.Engine, env: Mapping[str, str], before: Mapping[str, Any], changed: list[Declared]
) -> None:
    """Make the cluster what the state declares, then let the engine create again what is gone.

    Raises:
        CommandError: if either fails.
    """
    if changed:
        apply = ["apply", "--server-side", "--force-conflicts", "--field-manager", _MANAGER, "-f", "-"]
        Kubectl.of(stack).run(*apply, stdin=_list(changed))
    carrier.operate("up", stack, env, before, ["--refresh"])


def _markdown(stack: str, drifted: Mapping[str, list[str]]) -> str:
    lines = [f"Changed by hand in the cluster of `{stack}`:", ""]
    for title, about in drifted.items():
        lines += [f"- {title}", *(f"  - `{line}`" for line in about)]
    remedy = f"`make drift STACK={stack} REPAIR=1` makes it what was declared; what is to stay belongs into the files."
    return "\n".join([*lines, "", f"{remedy} See docs/drift.md.", ""])


def drift(stack: Stack, *, repairs: bool = False, out: Path | None = None) -> int:
    """Print how a cluster differs from what its stack declares, and repair it if requested; an exit code.

    Args:
        stack: the stack.
        repairs: whether to make the cluster what the stack declares.
        out: a file for the differences as Markdown; it is removed if there are none.

    Raises:
        CommandError: if state or cluster cannot be read, or the repair fails.
    """
    carrier = engine.find(context=stack.context)
    env, before = engine.ready(carrier.pulumi, stack)
    drifted, changed = found(stack, carrier.pulumi, env)
    for title, lines in drifted.items():
        print(f"{title}:\n" + "\n".join(f"  {line}" for line in lines))
    sys.stdout.flush()
    if out:
        with output_file.writing(out):
            out.unlink(missing_ok=True)
    if not drifted:
        say(f"{stack.name}: nothing was changed by hand")
        return ExitCode.OK
    if out:
        output_file.write(out, _markdown(stack.name, drifted))
    if not repairs:
        remedy = f"make drift STACK={stack.name} REPAIR=1 makes it what was declared"
        print(f"{stack.name}: {len(drifted)} changed by hand; {remedy}, or declare it", file=sys.stderr)
        return ExitCode.LOSS
    repair(stack, carrier, env, before, changed)
    left, _ = found(stack, carrier.pulumi, env)
    if left:
        raise CommandError(f"still not as declared: {', '.join(left)}; something else keeps changing it")
    say(f"{stack.name}: repaired: {', '.join(drifted)}")
    return ExitCode.OK
