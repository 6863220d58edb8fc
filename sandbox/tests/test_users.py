from pathlib import Path

import pytest

from sandbox import teardown, users
from sandbox.home import PROJECT, Home
from sandbox.node import Node
from sandbox.report import Failure


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_register_is_idempotent_and_deleted_clones_are_ignored(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    users.register(home)
    users.register(home, other)
    since = {user.path: user.since for user in users.read(home)}
    users.register(home, other)
    assert {user.path: user.since for user in users.read(home)} == since
    assert [user.path for user in users.others(home)] == [other]
    other.rmdir()
    assert [user.path for user in users.read(home)] == [PROJECT]
    users.unregister(home)
    assert users.read(home) == []


def test_an_incomplete_file_is_ignored(home: Home) -> None:
    users.register(home)
    (home.sandbox / "users.json").write_text("{")
    assert users.read(home) == []


def test_work_contains_the_namespaces_of_users() -> None:
    names = ["default", "flink", "kube-node-lease", "kube-system", "local-path-storage", "a"]
    assert users.work(names) == ["a", "flink"]


NODE = Node(1, Path("/nowhere"))


@pytest.mark.parametrize(
    ("others", "work", "node", "purge", "force", "refused"),
    [
        (True, ["flink"], NODE, False, False, True),
        (True, ["flink"], NODE, False, True, False),
        (True, [], NODE, False, False, False),
        (False, ["flink"], NODE, True, False, False),
        # A stopped cluster has its data on disk: only a purge would delete it.
        (True, ["flink"], None, False, False, False),
        (True, ["flink"], None, True, False, True),
    ],
)
def test_down_refuses_when_another_clone_has_work(
    home: Home,
    tmp_path: Path,
    others: bool,
    work: list[str],
    node: Node | None,
    purge: bool,
    force: bool,
    refused: bool,
) -> None:
    users.register(home)
    if others:
        users.register(home, tmp_path)
    if not refused:
        teardown.refuse(home, node, work, purge=purge, force=force)
        return
    with pytest.raises(Failure, match=rf"other clones \({tmp_path}\) and contains the namespaces flink; .*--force"):
        teardown.refuse(home, node, work, purge=purge, force=force)


def test_namespaces_of_a_stopped_cluster_are_recorded(home: Home) -> None:
    home.sandbox.mkdir(parents=True)
    assert users.held(home) == []
    users.hold(home, ["flink", "default"])
    assert users.held(home) == ["flink"]
    users.release(home)
    assert users.held(home) == []
