"""Every Python package is locked by version and hash, and the locks are those of the lists that people write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dev.lock import LISTS
from flink_k8s.support.paths import ROOT


def declared_requirements(path: Path) -> list[Requirement]:
    lines = path.read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def locked(path: Path) -> dict[str, str]:
    """Package to version, and a failure for one without a hash."""
    settings: dict[str, str] = {}
    entries = re.split(r"\n(?=\S)", "\n".join(line for line in path.read_text().splitlines() if line[:1] != "#"))
    for entry in filter(None, entries):
        pinned = re.match(r"([A-Za-z0-9._-]+)==(\S+)", entry)
        assert pinned, entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
        settings[canonicalize_name(pinned[1])] = pinned[2]
    return settings


@pytest.mark.parametrize("path", LISTS, ids=str)
def test_lock_file_contains_the_requirements(path: Path) -> None:
    versions = locked((ROOT / path).with_suffix(".txt"))
    actual = declared_requirements(ROOT / path)
    assert actual
    assert [str(item) for item in actual if versions[canonicalize_name(item.name)] not in item.specifier] == []
    assert len(versions) > len(actual)  # what comes along is locked, too


@pytest.mark.parametrize("path", LISTS, ids=str)
def test_a_lock_begins_with_the_command_that_renovate_runs_again(path: Path) -> None:
    second = (ROOT / path).with_suffix(".txt").read_text().splitlines()[1]
    assert (
        second.split()
        == (
            f"# uv pip compile --universal --python-version 3.11 --generate-hashes {path} -o {path.with_suffix('.txt')}"
        ).split()
    )


def test_every_list_of_the_repository_is_locked() -> None:
    matches = {path.relative_to(ROOT) for path in ROOT.rglob("requirements*.in") if ".venv" not in path.parts}
    assert matches == set(LISTS)


def test_development_has_the_programs_versions() -> None:
    program, development = locked(ROOT / "requirements.txt"), locked(ROOT / "requirements-dev.txt")
    assert program.items() <= development.items()


def test_the_policy_pack_has_the_programs_versions() -> None:
    """With two versions of the models, the check would evaluate other code than the program runs."""
    program, pack = locked(ROOT / "requirements.txt"), locked(ROOT / "policy" / "requirements.txt")
    actual = {canonicalize_name(item.name) for item in declared_requirements(ROOT / "policy" / "requirements.in")} - {
        "pulumi-policy"
    }
    assert {name: pack[name] for name in actual} == {name: program[name] for name in actual}
