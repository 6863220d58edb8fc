"""Names of images in the node's containerd."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox import containerd
from sandbox.node import Node
from sandbox.report import Failure


class FakeNode:
    """A node whose containerd has the images of these names."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)

    def run(self, *command: str, check: bool = True) -> Any:
        if "list" in command:
            return SimpleNamespace(stdout="\n".join(self.names), returncode=0)
        source, name = command[-2:]
        if source not in self.names:
            return SimpleNamespace(stdout="not found", returncode=1)
        self.names.append(name)
        return SimpleNamespace(stdout=name, returncode=0)


def test_an_image_gets_another_name():
    node = FakeNode("docker.io/library/pyflink:dev")
    containerd.tag(cast(Node, node), "pyflink:dev", "pyflink:abc")
    assert node.names == ["docker.io/library/pyflink:dev", "docker.io/library/pyflink:abc"]


def test_an_existing_name_is_kept():
    node = FakeNode("docker.io/library/pyflink:abc")
    containerd.tag(cast(Node, node), "pyflink:dev", "pyflink:abc")
    assert node.names == ["docker.io/library/pyflink:abc"]


def test_a_missing_image_is_an_error():
    with pytest.raises(Failure, match=r"docker.io/library/pyflink:dev cannot be tagged .*: not found"):
        containerd.tag(cast(Node, FakeNode()), "pyflink:dev", "pyflink:abc")
