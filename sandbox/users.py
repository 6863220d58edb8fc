"""The clones that use the sandbox, and whether `down` would end their work; only `down` reads this."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sandbox.home import PROJECT, Home


@dataclass(frozen=True)
class User:
    """A clone that has run `up`: its folder, and the time of its first `up` in seconds since the epoch."""

    path: Path
    since: float


def read(home: Home) -> list[User]:
    """The registered clones that still exist, by path."""
    try:
        record = cast(dict[str, float], json.loads(_file(home).read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return []
    return [User(Path(path), since) for path, since in sorted(record.items()) if Path(path).exists()]


def register(home: Home, clone: Path = PROJECT) -> None:
    """Add a clone; clones that do not exist any more are removed."""
    users = {user.path: user.since for user in read(home)}
    _write(home, {clone: time.time()} | users)


def unregister(home: Home, clone: Path = PROJECT) -> None:
    """Remove a clone."""
    _write(home, {user.path: user.since for user in read(home) if user.path != clone})


def others(home: Home, clone: Path = PROJECT) -> list[User]:
    """The other registered clones."""
    return [user for user in read(home) if user.path != clone]


def work(namespaces: list[str]) -> list[str]:
    """The namespaces that users have created: not `default`, not those of Kubernetes and the sandbox."""
    own = ("default", "local-path-storage")
    return sorted(name for name in namespaces if name not in own and not name.startswith("kube-"))


def hold(home: Home, namespaces: list[str]) -> None:
    """Record the users' namespaces of a cluster that is being stopped."""
    _held(home).write_text(json.dumps(work(namespaces)) + "\n")


def release(home: Home) -> None:
    """Delete the record: the cluster runs and can be queried."""
    _held(home).unlink(missing_ok=True)


def held(home: Home) -> list[str]:
    """The recorded namespaces of the stopped cluster."""
    try:
        return cast(list[str], json.loads(_held(home).read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return []


def _write(home: Home, users: dict[Path, float]) -> None:
    home.sandbox.mkdir(parents=True, exist_ok=True)
    part = _file(home).with_name(".part-users.json")
    part.write_text(json.dumps({str(path): since for path, since in users.items()}, indent=2) + "\n")
    part.replace(_file(home))


def _file(home: Home) -> Path:
    return home.sandbox / "users.json"


def _held(home: Home) -> Path:
    return home.sandbox / "held.json"
