"""Which clones use the sandbox, and whether their work would suffer if it went away.

Nothing is enforced beyond `down`: the file only lets it say whose work it would end.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sandbox.home import PROJECT, Home


@dataclass(frozen=True)
class User:
    """A clone that ran `up`: its folder, and when it did so first (seconds since the epoch)."""

    path: Path
    since: float


def read(home: Home) -> list[User]:
    """The clones that are registered and still exist, by path."""
    try:
        record = cast(dict[str, float], json.loads(_file(home).read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return []
    return [User(Path(path), since) for path, since in sorted(record.items()) if Path(path).exists()]


def register(home: Home, clone: Path = PROJECT) -> None:
    """Adds a clone; forgets those that are gone."""
    users = {user.path: user.since for user in read(home)}
    _write(home, {clone: time.time()} | users)


def unregister(home: Home, clone: Path = PROJECT) -> None:
    """Removes a clone."""
    _write(home, {user.path: user.since for user in read(home) if user.path != clone})


def others(home: Home, clone: Path = PROJECT) -> list[User]:
    """The registered clones but this one."""
    return [user for user in read(home) if user.path != clone]


def work(namespaces: list[str]) -> list[str]:
    """Those of the namespaces that somebody made: not `default`, not Kubernetes' own, not the sandbox's."""
    own = ("default", "local-path-storage")
    return sorted(name for name in namespaces if name not in own and not name.startswith("kube-"))


def hold(home: Home, namespaces: list[str]) -> None:
    """Notes which namespaces the stopped cluster still has on disk."""
    _held(home).write_text(json.dumps(work(namespaces)) + "\n")


def release(home: Home) -> None:
    """Forgets the note: the cluster runs and can be asked."""
    _held(home).unlink(missing_ok=True)


def held(home: Home) -> list[str]:
    """The namespaces that somebody made in the cluster that is stopped."""
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
