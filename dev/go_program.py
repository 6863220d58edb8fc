"""Programs in Go that a target uses: from PATH, else built once where Go is (GitHub's runners have it)."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from flink_k8s.support.console import say
from flink_k8s.support.paths import home
from flink_k8s.support.processes import capture, errors


@dataclass(frozen=True)
class GoProgram:
    """A program, by the Go package that it is built from.

    Attributes:
        package: import path of its main package; the last part is its name.
        version: `v1.2.3`.
    """

    package: str
    version: str

    @property
    def name(self) -> str:
        """The program's name."""
        return self.package.rpartition("/")[2]

    def find(self) -> str | None:
        """The program's path; None, after a line that says why, where it cannot be had."""
        found = shutil.which(self.name)
        folder = home() / "bin" / f"{self.name}-{self.version}"
        own = folder / self.name
        if found or own.exists():
            return found or str(own)
        go = shutil.which("go")
        if go is None:
            say(f"{self.name} is not on PATH, and there is no Go to build it with")
            return None
        say(f"-- {self.name} {self.version}, once")
        what = f"{self.package}@{self.version}"
        done = capture([go, "install", what], env={**os.environ, "GOBIN": str(folder), "GOFLAGS": ""})
        if done.returncode != 0:
            say(f"{self.name} is not on PATH; go install {what}: {errors(done)}")
            return None
        return str(own)
