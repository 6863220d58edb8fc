"""Keys of layers, and layers by recipe."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox import image
from sandbox.home import Home
from sandbox.images.layers import key, layers


def test_a_key_depends_on_names_modes_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "a").write_text("1")
    first = key("job", [folder, "3.11"])
    assert first.startswith("job-")
    assert key("job", [folder, "3.11"]) == first

    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("whatever")
    assert key("job", [folder, "3.11"]) == first, "Python's cache is not part of the key"

    different = {key("job", [folder, "3.12"])}
    (folder / "a").chmod(0o755)
    different.add(key("job", [folder, "3.11"]))
    (folder / "a").write_text("2")
    different.add(key("job", [folder, "3.11"]))
    (folder / "a").rename(folder / "b")
    different.add(key("job", [folder, "3.11"]))
    assert len(different | {first}) == 5


def test_inputs_are_separated_in_the_key() -> None:
    assert key("x", ["ab", "c"]) != key("x", ["a", "bc"])


def test_layers_are_built_once(where: Home) -> None:
    calls: list[int] = []

    def lay(roots: Mapping[str, Path]) -> None:
        calls.append(1)
        for name, root in roots.items():
            (root / name).write_text(name)

    first = layers(where, ["one", "two"], ["input"], lay)
    assert layers(where, ["one", "two"], ["input"], lay) == first
    assert len(calls) == 1
    tar = image.Store(where.images).blob(first[1].digest).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        assert archive.getnames() == ["two"]

    layers(where, ["one", "two"], ["another input"], lay)
    assert len(calls) == 2


def test_failed_layer_leaves_no_files(where: Home) -> None:
    def lay(roots: Mapping[str, Path]) -> None:
        (roots["one"] / "half").write_text("done")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        layers(where, ["one"], ["input"], lay)
    assert list((where.root / "work").iterdir()) == []
    assert not (where.images / "layers").exists()
