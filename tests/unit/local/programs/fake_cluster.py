"""Stands in for kubectl and helm: objects and releases live in a folder, and each call leaves a line in a log.

As a command it takes the folder from `FAKE_CLUSTER`; a test may also call `answer` without a process.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

# No type hints where kubectl's own output is made up: this runs alone, as a command.


class RefusalError(Exception):
    """The cluster says no."""


class Call:
    """One command line."""

    def __init__(self, folder: Path, tool: str, arguments: list[str], text: str) -> None:
        self.folder = folder
        self.tool = tool
        self.text = text
        self.flags = dict(a.removeprefix("--").partition("=")[::2] for a in arguments if a.startswith("--"))
        self.words = [a for a in arguments if not a.startswith("--")]
        self.lines: list[str] = []

    def print(self, value: object) -> None:
        self.lines.append(value if isinstance(value, str) else json.dumps(value))

    def note(self, text: str) -> None:
        with (self.folder / "log").open("a") as log:
            log.write(f"{text}\n")

    def planned(self, verb: str, name: str) -> None:
        """A behaviour that a test asked for: text of an error, `slow`, or `once:` and an error."""
        plan = self.folder / f"plan-{verb}-{name}"
        if not plan.exists():
            return
        text = plan.read_text()
        if text == "slow":
            time.sleep(60)
        elif text.startswith("once:"):
            plan.unlink()
            raise RefusalError("Error from server " + text.removeprefix("once:"))
        else:
            raise RefusalError("Error from server " + text)

    def kubectl(self, state: Any) -> None:
        verb, *rest = self.words
        objects = state["objects"]
        namespace = self.flags.get("namespace", "")
        if verb == "get" and len(rest) == 1:
            self.print({"items": self.listed(objects, rest[0].removesuffix("s"), namespace)})
        elif verb == "get":
            found = objects.get(key_of(rest[0], namespace, rest[1]))
            if found:
                self.print(found)
            elif "ignore-not-found" not in self.flags:
                raise RefusalError(f"Error from server (NotFound): {rest[0]} {rest[1]} not found")
        elif verb in ("create", "apply"):
            self.applied(objects, verb, json.loads(self.text))
        elif verb == "patch":
            body, patch = objects[key_of(rest[0], namespace, rest[1])], json.loads(self.text)
            body["metadata"].setdefault("annotations", {}).update(patch.get("metadata", {}).get("annotations", {}))
            data = body.setdefault("data", {})
            for name, text in patch.get("data", {}).items():
                self.note(f"forget {name}" if text is None else f"record {json.loads(text)['name']}")
                data[name] = text
            for name in [name for name in data if data[name] is None]:
                del data[name]
        elif verb == "delete":
            self.deleted(objects, rest[0], namespace, rest[1])
        elif verb == "wait":
            if key_of(rest[0], namespace, rest[1]) in objects:
                time.sleep(0.2)
                raise RefusalError("error: timed out waiting for the condition")
        else:
            raise RefusalError(f"fake kubectl: {verb}?")

    def listed(self, objects: Any, kind: str, namespace: str) -> Any:
        if kind == "node":
            return json.loads((self.folder / "nodes.json").read_text())
        label, _, value = self.flags.get("selector", "").partition("=")
        found = [body for key, body in objects.items() if key.startswith(f"{kind}/{namespace}/")]
        return [body for body in found if not label or body["metadata"].get("labels", {}).get(label) == value]

    def applied(self, objects: Any, verb: str, body: Any) -> None:
        name = body["metadata"]["name"]
        self.note(f"{verb} {body['kind']} {name}")
        self.planned(verb, name)
        key = key_of(body["kind"], body["metadata"].get("namespace", ""), name)
        objects[key] = {**body, "metadata": {**body["metadata"], "uid": f"uid-{name}", "managedFields": []}}
        self.print(objects[key])

    def deleted(self, objects: Any, resource: str, namespace: str, name: str) -> None:
        key = key_of(resource, namespace, name)
        self.note(f"delete {resource.partition('.')[0]} {name} {self.flags.get('cascade', '')}".rstrip())
        self.planned("delete", name)
        if key not in objects:
            if "ignore-not-found" not in self.flags:
                raise RefusalError(f"Error from server (NotFound): {name} not found")
        elif objects[key]["metadata"].get("finalizers"):
            objects[key]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        else:
            del objects[key]

    def helm(self, state: Any) -> None:
        verb, *rest = self.words
        releases = state["releases"]
        if verb == "version":
            self.print("v3.19.5")
            return
        name = rest[1] if verb == "get" else rest[0]
        release = releases.get(name)
        if verb in ("history", "get", "uninstall", "rollback") and release is None:
            raise RefusalError("Error: release: not found")
        if verb == "history":
            self.print([{key: release[key] for key in ("status", "description")}])
        elif verb == "get":
            self.print(release["values"])
        elif verb == "upgrade":
            self.note(f"upgrade {name} {rest[1]}")
            values = json.loads(Path(self.flags["values"]).read_text())
            releases[name] = {"status": "pending-install", "description": "", "values": values}
            save(self.folder, state)
            self.planned("upgrade", name)
            releases[name] |= {"status": "deployed", "description": self.flags["description"]}
        elif verb == "uninstall":
            self.note(f"uninstall {name}")
            self.planned("uninstall", name)
            del releases[name]
        else:
            raise RefusalError(f"fake helm: {verb}?")


def key_of(resource: str, namespace: str, name: str) -> str:
    return f"{resource.partition('.')[0].lower().removesuffix('s')}/{namespace}/{name}"


def load(folder: Path) -> Any:
    file = folder / "state.json"
    return json.loads(file.read_text()) if file.exists() else {"objects": {}, "releases": {}}


def save(folder: Path, state: Any) -> None:
    (folder / "state.json").write_text(json.dumps(state))


def answer(folder: Path, command: list[str], text: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line."""
    tool = Path(command[0]).name
    call = Call(folder, tool, command[1:], text)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        call.note(f"call {tool} {' '.join(command[1:])}")
        state = load(folder)
        try:
            (call.kubectl if tool == "kubectl" else call.helm)(state)
        except RefusalError as error:
            return 1, "", f"{error}\n"
        finally:
            save(folder, state)
    return 0, "\n".join(call.lines), ""


if __name__ == "__main__":
    code, out, error = answer(Path(os.environ["FAKE_CLUSTER"]), sys.argv, sys.stdin.read())
    print(out, end="")
    print(error, end="", file=sys.stderr)
    sys.exit(code)
