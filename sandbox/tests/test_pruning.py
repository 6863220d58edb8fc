import os
import time
from pathlib import Path

import pytest

from sandbox import golang, node, pruning
from sandbox.home import Home
from sandbox.image import Store
from sandbox.node import Node, Process


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(node, "find", lambda: None)
    return Home(tmp_path)


def folder(path: Path, *, days: float) -> Path:
    """A folder with a file of 7 bytes, last used so many days ago."""
    path.mkdir(parents=True)
    (path / "program").write_text("program")
    then = time.time() - days * 86400
    os.utime(path, (then, then))
    return path


def names(path: Path) -> set[str]:
    return {entry.name for entry in path.iterdir()}


def test_builds_without_use_for_two_weeks_are_deleted(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    folder(home.bin / "etcd-old", days=15)
    folder(home.bin / "etcd-new", days=13)
    folder(home.bin / ".part-killed", days=15)
    folder(home.root / "operator" / "1.7.0-old", days=15)
    (home.bin / "etcd").symlink_to("etcd-new/program")
    (home.bin / "coredns").symlink_to("etcd-old/program")
    assert pruning.prune(home) == 3 * 7
    assert names(home.bin) == {"etcd-new", "etcd"}
    assert names(home.root / "operator") == set()
    assert "deleted builds that were not used for 14 days" in capsys.readouterr().err
    assert pruning.prune(home) == 0
    assert capsys.readouterr().err == ""


def test_a_build_records_the_time_of_use(home: Home) -> None:
    used = folder(golang.PAUSE.programs(home), days=100)
    golang.build(home, (golang.PAUSE,))
    assert pruning.prune(home) == 0
    assert used.is_dir()


def test_programs_of_a_running_node_are_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("etcd-old", "kubernetes-old"):
        folder(home.bin / name, days=100)
    running = Process(1, ("/opt/flink-k8s/bin/etcd-old/etcd", "--x"), "")
    monkeypatch.setattr(node, "find", lambda: Node(os.getpid(), home.root))
    monkeypatch.setattr(Node, "processes", lambda _: [running])
    pruning.prune(home)
    assert names(home.bin) == {"etcd-old"}


def test_images_with_a_name_are_kept(home: Home, tmp_path: Path) -> None:
    store = Store(home.images)
    layer = store.add_layer("old", folder(tmp_path / "root", days=0))
    image = store.write_image("box:1", [layer])
    for path in home.images.rglob("*"):
        os.utime(path, (1000, 1000))
    pruning.prune(home)
    assert all(store.blob(part.digest).exists() for part in store.parts(image))
    assert store.layer("old") == layer


def test_an_empty_home_is_not_an_error(home: Home) -> None:
    assert pruning.prune(home) == 0
