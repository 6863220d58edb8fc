"""Runs our Java on the operator's own jars, which the sandbox fetches with Maven and keeps in `$FLINK_K8S_HOME`."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.home import home
from sandbox.images.operator import Operator, class_path
from sandbox.report import Failure

HERE = Path(__file__).parent


class MissingError(Exception):
    """Java, Maven or a jar is not available; the message contains the remedy."""


def operator_jars(version: str) -> Path:
    """The folder with the operator's class path.

    Raises:
        MissingError: if Java is missing, or the jars neither exist nor can be fetched.
    """
    for program, package in (("javac", "openjdk-17-jdk-headless"), ("mvn", "maven")):
        if shutil.which(program) is None:
            raise MissingError(f"needs {program}; apt-get install {package}")
    try:
        return Operator(version).jars(home()) / "lib"
    except (Failure, OSError) as error:
        raise MissingError(f"needs the jars of operator {version}: {error}") from None


def run(program: str, folder: Path, arguments: Sequence[str], *, options: Mapping[str, str] | None = None) -> str:
    """Compiles `<program>.java` of this folder against the jars of a folder and runs it in one JVM.

    Args:
        program: name of the class.
        folder: with *.jar, the class path in the operator's own order.
        arguments: of the program.
        options: system properties.

    Raises:
        RuntimeError: if it does not compile or fails; with its output.
    """
    order = ":".join(str(folder / name) for name in class_path([path.name for path in folder.glob("*.jar")]))
    with tempfile.TemporaryDirectory() as classes:
        _call(["javac", "-nowarn", "-d", classes, "-cp", order, str(HERE / f"{program}.java")])
        properties = [f"-D{key}={value}" for key, value in (options or {}).items()]
        return _call(["java", "-XX:+UseSerialGC", *properties, "-cp", f"{classes}:{order}", program, *arguments])


def _call(command: Sequence[str]) -> str:
    result = subprocess.run(list(command), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        last = "\n".join((result.stdout + result.stderr).splitlines()[-15:])
        raise RuntimeError(f"{command[0]} failed ({result.returncode}):\n{last}")
    return result.stdout
