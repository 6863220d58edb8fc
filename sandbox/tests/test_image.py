import io
import json
import os
import tarfile
import time
from pathlib import Path

import pytest

from sandbox.image import Image, Store, full_name, write_archive


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "images")


def folder(path: Path, *, reverse: bool = False) -> Path:
    names = ["b", "a", "sub/c"]
    for name in reversed(names) if reverse else names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name)
    (path / "link").symlink_to("a")
    (path / "a").chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("pyflink:dev", "docker.io/library/pyflink:dev"),
        ("busybox", "docker.io/library/busybox:latest"),
        ("apache/flink:2.2", "docker.io/apache/flink:2.2"),
        ("sandbox.local/pause:v1", "sandbox.local/pause:v1"),
        ("localhost/x", "localhost/x:latest"),
        ("registry:5000/x", "registry:5000/x:latest"),
    ],
)
def test_full_name(short: str, full: str) -> None:
    assert full_name(short) == full


def test_same_folder_same_layer(store: Store, tmp_path: Path) -> None:
    folder_a, second = folder(tmp_path / "one"), folder(tmp_path / "two", reverse=True)
    os.utime(second / "a", (1, 1))
    first = store.add_layer("one", folder_a, owner=(0, 0))
    assert store.add_layer("two", second, owner=(0, 0)) == first
    assert store.layer("one") == store.layer("two") == first
    assert store.blob(first.digest).stat().st_size == first.size


def test_a_layer_contains_the_folder(store: Store, tmp_path: Path) -> None:
    layer = store.add_layer("key", folder(tmp_path / "root"), owner=(1, 2))
    with tarfile.open(store.blob(layer.digest)) as tar:
        assert tar.getnames() == ["a", "b", "link", "sub", "sub/c"]
        member = tar.getmember("a")
        assert (member.mode, member.uid, member.gid, member.mtime) == (0o755, 1, 2, 0)
        assert tar.getmember("link").linkname == "a"


def test_a_layer_without_key_or_blob_is_none(store: Store, tmp_path: Path) -> None:
    assert store.layer("key") is None
    layer = store.add_layer("key", folder(tmp_path / "root"))
    store.blob(layer.digest).unlink()
    assert store.layer("key") is None


def test_a_killed_write_leaves_no_layer(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tarfile.TarFile, "add", fail)
    with pytest.raises(KeyboardInterrupt):
        store.add_layer("key", folder(tmp_path / "root"))
    assert store.layer("key") is None
    assert list(store.folder.rglob("*.part*")) == []


def test_image_names_its_parts(store: Store, tmp_path: Path) -> None:
    layer = store.add_layer("key", folder(tmp_path / "root"))
    image = store.write_image("box:1", [layer], cmd=["sh"], env={"A": "b"}, user="9999:9999")
    assert store.images() == [image] == [Image("docker.io/library/box:1", image.digest)]
    manifest, config, *layers = store.parts(image)
    assert manifest.digest == image.digest
    assert layers == [layer]
    content = json.loads(store.blob(config.digest).read_bytes())
    assert content["config"]["Cmd"] == ["sh"]
    assert content["config"]["User"] == "9999:9999"
    assert content["config"]["Env"][1:] == ["A=b"]
    assert content["config"]["Env"][0].startswith("PATH=/usr/local/sbin:")
    assert "Entrypoint" not in content["config"]


def test_second_image_of_a_name_replaces_the_first_and_prune_clears(store: Store, tmp_path: Path) -> None:
    old = store.add_layer("layer", folder(tmp_path / "old"))
    store.write_image("box:1", [old])
    (tmp_path / "old" / "new").touch()
    new = store.add_layer("layer", tmp_path / "old")
    image = store.write_image("box:1", [new])
    assert store.images() == [image]
    assert store.prune(before=time.time() - 60) == 0
    assert store.blob(old.digest).exists()
    assert store.prune(before=time.time() + 60) > old.size
    assert not store.blob(old.digest).exists()
    assert all(store.blob(part.digest).exists() for part in store.parts(image))


def test_prune_keeps_recently_used_layers(store: Store, tmp_path: Path) -> None:
    layers = {name: store.add_layer(name, folder(tmp_path / name)) for name in ("used", "forgotten")}
    (tmp_path / "forgotten" / "more").touch()
    layers["forgotten"] = store.add_layer("forgotten", tmp_path / "forgotten")
    for path in (*store.folder.glob("layers/*"), *store.folder.glob("blobs/sha256/*")):
        os.utime(path, (1000, 1000))
    assert store.layer("used") == layers["used"]
    assert store.prune(before=2000) == layers["forgotten"].size
    assert store.layer("used") == layers["used"]
    assert store.layer("forgotten") is None


def test_archive_is_an_oci_layout(store: Store, tmp_path: Path) -> None:
    layer = store.add_layer("key", folder(tmp_path / "root"))
    image = store.write_image("box:1", [layer])
    whole, part = io.BytesIO(), io.BytesIO()
    write_archive(store, image, whole)
    write_archive(store, image, part, without=[layer.digest])
    with tarfile.open(fileobj=io.BytesIO(whole.getvalue())) as tar:
        names = set(tar.getnames())
        index = json.load(tar.extractfile("index.json") or io.BytesIO())
    assert names == {f"blobs/sha256/{blob.digest[7:]}" for blob in store.parts(image)} | {"oci-layout", "index.json"}
    assert index["manifests"][0]["annotations"]["io.containerd.image.name"] == image.name
    with tarfile.open(fileobj=io.BytesIO(part.getvalue())) as tar:
        assert names - set(tar.getnames()) == {f"blobs/sha256/{layer.digest[7:]}"}


def test_a_missing_manifest_is_an_error(store: Store) -> None:
    with pytest.raises(FileNotFoundError, match="image box: its manifest sha256:00 is not in"):
        store.parts(Image("box", "sha256:00"))
