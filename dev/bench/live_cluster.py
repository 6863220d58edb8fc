"""What the measures of part c share: the commands of a copy of this project, and waiting for an event."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from dev.bench.measure import Run, run
from flink_k8s.support.kubectl import Kubectl
from tests.waiting import until

PART = "c"
STACK = "sandbox"
NAMESPACE = "flink"
BY_CODE = {"pyflink:dev": "pyflink:{code}"}
"""`images` of a stack in which changed code is another image."""

T = TypeVar("T")
Config = dict[str, Any]
"""Keys of a stack file without prefix."""


@dataclass(frozen=True)
class Live:
    """A copy of the project that is deployed to the sandbox.

    Attributes:
        folder: of the copy.
        kubectl: of the sandbox.
    """

    folder: Path
    kubectl: Kubectl

    def run(self, *words: str | Path, config: Config | None = None, accepted: Sequence[int] = (0,)) -> Run:
        """Run `python -m flink_k8s`.

        Args:
            words: the command and its options.
            config: merged over the stack's config.
            accepted: exit codes of success.

        Raises:
            CommandError: if it exits with another code.
        """
        options: list[str | Path] = []
        if config:
            overlay = self.folder.with_name("overlay.yaml")
            overlay.write_text(json.dumps(config), encoding="utf-8")
            options = ["--overlay", overlay]
        return run([sys.executable, "-m", "flink_k8s", *words, *options], self.folder, accepted=accepted)

    def rendered(self, kinds: Sequence[str], config: Config) -> str:
        """The objects of some kinds of the stack, as one YAML file.

        Args:
            kinds: in lower case.
            config: merged over the stack's config.
        """
        with TemporaryDirectory() as out:
            self.run("render", STACK, out, config=config)
            # Files are named `LL-kind-namespace-name.yaml`.
            files = [path for path in sorted(Path(out).glob("*-*.yaml")) if path.name.split("-")[1] in kinds]
            return "---\n".join(path.read_text(encoding="utf-8") for path in files)

    def kubectl_run(self, *words: str) -> Run:
        """Run kubectl, and measure it."""
        return run(self.kubectl.command(*words), self.folder)


def seconds_until(title: str, event: Callable[[], bool], commands: Callable[[], T]) -> tuple[float, T]:
    """Run commands and wait for an event, during the commands or after them; its seconds and their result.

    Args:
        title: of the event, for the error.
        event: whether it has occurred.
        commands: run in a thread.

    Raises:
        AssertionError: if the event does not occur.
        CommandError: if a command fails.
    """
    start = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(commands)
        until(title, lambda: event() or (result.done() and result.exception()), 400)
        seconds = time.monotonic() - start
        return seconds, result.result()


def replaced(path: Path, before: str, after: str) -> None:
    """Replace a text that a file contains once.

    Raises:
        AssertionError: if the file does not contain it once.
    """
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{path} does not contain {before} once"
    path.write_text(text.replace(before, after), encoding="utf-8")
