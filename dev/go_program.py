"""Go programs that a target uses: from PATH, or built once with Go, which GitHub's runners have."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from flink_k8s.support.console import say
from flink_k8s.support.paths import home
from flink_k8s.support.processes import capture, errors


@dataclass(frozen=True)
class GoProgram:
    """A Go program.

    Attributes:
        package: import path of its main package; its last part is the program's name.
        version: `v1.2.3`.
    """

    package: str
    version: str

    @property
    def name(self) -> str:
        """The program's name."""
        return self.package.rpartition("/")[2]

    def find(self) -> str | None:
        """The program's path; None if it is not available, after a line with the reason."""
        path = shutil.which(self.name)
        folder = home() / "bin" / f"{self.name}-{self.version}"
        built = folder / self.name
        if path or built.exists():
            return path or str(built)
        go = shutil.which("go")
        if go is None:
            say(f"{self.name} is not on PATH and cannot be built, because Go is not installed")
            return None
        say(f"-- building {self.name} {self.version} (once)")
        module = f"{self.package}@{self.version}"
        result = capture([go, "install", module], env={**os.environ, "GOBIN": str(folder), "GOFLAGS": ""})
        if result.returncode != 0:
            say(f"{self.name} is not on PATH; go install {module}: {errors(result)}")
            return None
        return str(built)
