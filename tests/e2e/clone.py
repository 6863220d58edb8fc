"""A copy of the project as a user has it, with job files of the test's own."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.e2e.conftest import PAIRS, make
from tests.working_copy import working_copy


@dataclass(frozen=True)
class Done:
    """What a `make` ended with.

    Attributes:
        code: 0 when all went well.
        said: all that it printed.
        seconds: how long it took.
    """

    code: int
    said: str
    seconds: float


@dataclass(frozen=True)
class Clone:
    """The project in a folder of its own.

    Attributes:
        root: the folder.
        pair: the operator's version, with the Flink that goes with it.
    """

    root: Path
    pair: str

    @classmethod
    def of(cls, folder: Path, files: Mapping[str, str], pair: str = sorted(PAIRS)[0]) -> Clone:
        """A copy of what git knows or would know, with these job files instead of the shipped ones.

        Args:
            folder: becomes the copy; must not be there.
            files: content by name, for `jobs/`.
            pair: see above.
        """
        working_copy(folder, files)
        return cls(folder, pair)

    def write(self, name: str, content: str) -> None:
        """A job file, new or in the place of the one of that name."""
        (self.root / "jobs" / name).write_text(content)

    def remove(self, name: str) -> None:
        """A job file is there no more."""
        (self.root / "jobs" / name).unlink()

    def make(self, target: str, *more: str, timeout: float = 400, **config: object) -> Done:
        """Runs a Make target on the stack `sandbox`, with keys of config laid over it."""
        operator = yaml.safe_load(PAIRS[self.pair].read_text())["operator"]
        layer = self.root / "layer.yaml"
        layer.write_text(json.dumps({"operator": operator, **config}))
        start = time.monotonic()
        done = make(target, "STACK=sandbox", f"LAYER={layer}", *more, timeout=timeout, cwd=self.root)
        seconds = time.monotonic() - start
        print(f"make {target}: {seconds:.1f} s")
        return Done(done.returncode, done.stdout + done.stderr, seconds)
