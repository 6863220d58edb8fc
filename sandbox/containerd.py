"""Import images of the store (`sandbox.image`) into the node's containerd."""

import contextlib
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from sandbox.image import Image, Layer, Store, full_name, write_archive
from sandbox.node import Node
from sandbox.report import Failure, say

_CTR = ("ctr", "--namespace", "k8s.io")
_CONTENT = Path("containerd", "io.containerd.content.v1.content", "blobs", "sha256")  # in `home.sandbox`
_LARGE = 100  # megabytes; larger imports are announced


def present(node: Node) -> set[Image]:
    """The images in containerd.

    Raises:
        Failure: containerd does not answer.
    """
    lines = node.run(*_CTR, "images", "list").stdout.splitlines()[1:]
    return {Image(fields[0], fields[2]) for fields in map(str.split, lines) if len(fields) > 2}


def why_not(node: Node) -> str | None:
    """Why containerd does not answer; None if it does."""
    result = node.run(*_CTR, "version", check=False)
    return None if result.returncode == 0 else result.stdout.strip().splitlines()[-1]


def import_images(node: Node, store: Store, images: Sequence[Image]) -> list[Image]:
    """Import the images that are missing or different in containerd; returns them.

    Layers are not copied: containerd's content store contains hard links to the blobs of the image store.

    Raises:
        Failure: containerd refuses an image.
    """
    existing = present(node)
    missing = [image for image in images if image not in existing]
    for image in missing:
        begun = time.monotonic()
        parts = store.parts(image)
        megabytes = sum(part.size for part in parts) / 1e6
        if megabytes > _LARGE:
            say(f"importing image {image.name} ({megabytes:.0f} MB) …")
        layers = parts[2:]
        for layer in layers:
            if layer.digest not in _content(node):
                _link(node, store, layer)
        try:
            _import(node, store, image, without={layer.digest for layer in layers} & _content(node))
            complete = {part.digest for part in parts} <= _content(node)
        except Failure:
            complete = False
        if not complete:  # an unreferenced layer was garbage-collected in between
            _import(node, store, image, without=set())
        say(f"image {image.name} ({megabytes:.0f} MB) imported in {time.monotonic() - begun:.1f} s")
    return missing


def tag(node: Node, source: str, name: str) -> None:
    """Add a name to an image of the running node; an existing name is kept.

    Args:
        node: the running node.
        source: the image, for example `pyflink:dev`.
        name: the new name.

    Raises:
        Failure: if the node does not have the image.
    """
    source, name = full_name(source), full_name(name)
    if name in node.run(*_CTR, "images", "list", "--quiet").stdout.split():
        return
    result = node.run(*_CTR, "images", "tag", source, name, check=False)
    if result.returncode != 0:
        raise Failure(f"image {source} cannot be tagged {name}: {result.stdout.strip()}")


def _content(node: Node) -> set[str]:
    return set(node.run(*_CTR, "content", "list", "--quiet").stdout.split())


def _link(node: Node, store: Store, blob: Layer) -> None:
    """Hard-link a blob into containerd's content store; if that fails, the import copies it."""
    target = node.home / "sandbox" / _CONTENT / blob.digest.removeprefix("sha256:")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(store.blob(blob.digest))
    except FileExistsError:
        pass
    except OSError:  # the image store is on another file system
        return
    # The file is complete, so containerd only registers it; it reads the input anyway.
    command = [*_CTR, "content", "ingest", "--expected-digest", blob.digest, "--expected-size", str(blob.size)]
    with store.blob(blob.digest).open("rb") as file:
        subprocess.run(
            node.command(*command, f"link-{blob.digest}"),
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )


def _import(node: Node, store: Store, image: Image, without: set[str]) -> None:
    command = node.command(*_CTR, "images", "import", "-")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        with contextlib.suppress(BrokenPipeError):
            write_archive(store, image, cast(BinaryIO, process.stdin), without=without)
            cast(BinaryIO, process.stdin).close()
        output = cast(BinaryIO, process.stdout).read()
    if process.returncode != 0:
        raise Failure(f"containerd refuses image {image.name}: {output.decode(errors='replace').strip()}")
