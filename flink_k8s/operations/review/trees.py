"""The two trees that are compared, and what each stack declares in them."""

from __future__ import annotations

import io
import json
import shutil
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from flink_k8s.config import stack_file
from flink_k8s.config.secret_text import masked
from flink_k8s.support.block_yaml import dump
from flink_k8s.support.errors import CommandError
from flink_k8s.support.processes import capture, errors, output

_YAML = (".yaml", ".yml")
DECLARE = Path(__file__).with_name("declare.py")


@dataclass(frozen=True)
class Declared:
    """What a stack declares in one tree.

    Attributes:
        problems: lines; with any of them nothing else is known.
        files: the files that they are in.
        remarks: warnings and notices, as lines.
        manifests: YAML by file name.
        resources: urn, inputs, protect, retainOnDelete.
        operator: version and configuration of the operator.
        limits: of its namespaces, by name.
        failure: why the tree could not be asked at all; empty where it could.
        is_there: whether the tree has the stack; one that it has not declares nothing.
    """

    problems: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    manifests: Mapping[str, str] = field(default_factory=dict[str, str])
    resources: tuple[Mapping[str, Any], ...] = ()
    operator: Mapping[str, Any] = field(default_factory=dict[str, Any])
    limits: Mapping[str, Any] = field(default_factory=dict[str, Any])
    failure: str = ""
    is_there: bool = True

    @property
    def is_known(self) -> bool:
        """Whether it is known what the stack declares."""
        return not self.problems and not self.failure


def stacks(tree: Path) -> list[str]:
    """The stacks of a tree that are for a cluster of somebody's: all but the sandbox's."""
    return [stack for stack in stack_file.stacks(tree) if stack != "sandbox"]


def declare(tree: Path, stack: str) -> Declared:
    """Asks a tree, in a process of its own, with the tree's own modules. A stack that is not in it declares nothing."""
    if stack not in stack_file.stacks(tree):
        return Declared(is_there=False)
    done = capture([sys.executable, DECLARE, stack], cwd=tree)
    if done.returncode != 0:
        return Declared(failure=errors(done).splitlines()[-1])
    found = cast(dict[str, Any], json.loads(done.stdout))
    return Declared(
        tuple(found["problems"]),
        tuple(found["files"]),
        tuple(found["remarks"]),
        {name: shown(text) for name, text in found["manifests"].items()},
        tuple(found["resources"]),
        found.get("operator", {}),
        found.get("limits", {}),
    )


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where it is there: the other one takes ten times as long."""


def shown(text: str) -> str:
    """A manifest as others may read it: what looks like a secret in clear is hidden."""
    manifest: object = yaml.load(text, _LOADER)
    hidden = masked("", manifest)
    return text if hidden == manifest else dump(hidden)


def merge_base(root: Path, base: str) -> str:
    """The commit that the branch started from.

    Raises:
        CommandError: when git does not know it.
    """
    done = capture(["git", "-C", root, "merge-base", base, "HEAD"])
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip() or f"{base} and HEAD have nothing in common"
        raise CommandError(f"git merge-base {base} HEAD: {said}; fetch it with all its history")
    return done.stdout.decode().strip()


def extract(root: Path, commit: str, into: Path) -> None:
    """Writes the files of a commit.

    Raises:
        CommandError: when git does not have it.
    """
    files = output(f"git archive {commit}", ["git", "-C", root, "archive", "--format=tar", commit])
    with tarfile.open(fileobj=io.BytesIO(files)) as archive:
        archive.extractall(into, filter="data")


def copy_work(root: Path, into: Path) -> None:
    """Writes the files of the working tree, those that are not committed yet among them.

    Raises:
        CommandError: when git cannot list them.
    """
    listing = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in output("git ls-files", listing).decode().split("\0"):
        source = root / name
        if name and source.is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, into / name)


def without_broken(head: Path, base: Path, files: tuple[str, ...], into: Path) -> bool:
    """The head's tree with each broken job file as it was in the base, so that the rest can be shown.

    Returns:
        False when something else than job files is broken.
    """
    if not files or any(Path(name).name.startswith("Pulumi.") or Path(name).suffix not in _YAML for name in files):
        return False
    shutil.copytree(head, into)
    for name in files:
        (into / name).unlink(missing_ok=True)
        if (base / name).exists():
            shutil.copy2(base / name, into / name)
    return True
