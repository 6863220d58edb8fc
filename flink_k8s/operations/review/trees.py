"""The two trees that are compared, and the declarations of their stacks."""

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
    """The declaration of a stack in a tree.

    Attributes:
        problems: lines; if there are any, the declaration is unknown.
        files: the files with problems.
        remarks: warnings and notices, as lines.
        manifests: YAML by file name.
        resources: urn, inputs, protect, retainOnDelete.
        operator: version and configuration of the operator.
        limits: of its namespaces, by name.
        failure: why the stack could not be evaluated; empty if it could.
        exists: whether the tree contains the stack.
    """

    problems: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    manifests: Mapping[str, str] = field(default_factory=dict[str, str])
    resources: tuple[Mapping[str, Any], ...] = ()
    operator: Mapping[str, Any] = field(default_factory=dict[str, Any])
    limits: Mapping[str, Any] = field(default_factory=dict[str, Any])
    failure: str = ""
    exists: bool = True

    @property
    def is_known(self) -> bool:
        """Whether the declaration is known."""
        return not self.problems and not self.failure


def stacks(tree: Path) -> list[str]:
    """The stacks of a tree, without the sandbox's."""
    return [stack for stack in stack_file.stacks(tree) if stack != "sandbox"]


def declare(tree: Path, stack: str) -> Declared:
    """Evaluate a stack in a separate process, with the tree's own modules. An unknown stack declares nothing."""
    if stack not in stack_file.stacks(tree):
        return Declared(exists=False)
    result = capture([sys.executable, DECLARE, stack], cwd=tree)
    if result.returncode != 0:
        return Declared(failure=errors(result).splitlines()[-1])
    content = cast(dict[str, Any], json.loads(result.stdout))
    return Declared(
        tuple(content["problems"]),
        tuple(content["files"]),
        tuple(content["remarks"]),
        {name: shown(text) for name, text in content["manifests"].items()},
        tuple(content["resources"]),
        content.get("operator", {}),
        content.get("limits", {}),
    )


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader if it is available: the other one takes ten times as long."""


def shown(text: str) -> str:
    """A manifest without its plaintext secrets."""
    manifest: object = yaml.load(text, _LOADER)
    hidden = masked("", manifest)
    return text if hidden == manifest else dump(hidden)


def merge_base(root: Path, base: str) -> str:
    """The merge base of the branch.

    Raises:
        CommandError: if git does not know the base.
    """
    result = capture(["git", "-C", root, "merge-base", base, "HEAD"])
    if result.returncode != 0:
        reason = result.stderr.decode(errors="replace").strip() or f"{base} and HEAD have no common commit"
        raise CommandError(f"git merge-base {base} HEAD: {reason}; fetch the base with its complete history")
    return result.stdout.decode().strip()


def extract(root: Path, commit: str, into: Path) -> None:
    """Write the files of a commit.

    Raises:
        CommandError: if git does not have the commit.
    """
    files = output(f"git archive {commit}", ["git", "-C", root, "archive", "--format=tar", commit])
    with tarfile.open(fileobj=io.BytesIO(files)) as archive:
        archive.extractall(into, filter="data")


def copy_work(root: Path, into: Path) -> None:
    """Write the files of the working tree, including files that are not committed.

    Raises:
        CommandError: if git cannot list the files.
    """
    command = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in output("git ls-files", command).decode().split("\0"):
        source = root / name
        if name and source.is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, into / name)


def with_base_job_files(head: Path, base: Path, files: tuple[str, ...], into: Path) -> bool:
    """Copy the head's tree with each invalid job file as in the base, so that the rest can be shown.

    Returns:
        False if other files than job files have problems.
    """
    if not files or any(Path(name).name.startswith("Pulumi.") or Path(name).suffix not in _YAML for name in files):
        return False
    shutil.copytree(head, into)
    for name in files:
        (into / name).unlink(missing_ok=True)
        if (base / name).exists():
            shutil.copy2(base / name, into / name)
    return True
