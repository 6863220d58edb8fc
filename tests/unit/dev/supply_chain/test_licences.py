"""Licences in the metadata of packages, and licences that are not permitted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dev.supply_chain import licences
from dev.supply_chain.__main__ import unusual
from flink_k8s.support.errors import CommandError


@pytest.mark.parametrize(
    "licence", ["MIT", "Apache-2.0 OR BSD-2-Clause", "GPL-3.0-only OR MIT", "MPL-2.0 AND MIT", "(MIT AND ISC) OR Zlib"]
)
def test_permissive_licence_is_permitted(licence: str) -> None:
    assert licences.permitted(licence)


@pytest.mark.parametrize(
    "licence", ["", "AGPL-3.0-only", "GPL-3.0-only AND MIT", "LGPL-3.0-or-later", "Proprietary", "see LICENSE"]
)
def test_other_licences_are_not_permitted(licence: str) -> None:
    assert not licences.permitted(licence)


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ({"license_expression": "MIT", "license": "x"}, "MIT"),
        ({"license": "BSD-3-Clause", "classifier": ["License :: OSI Approved :: BSD License"]}, "BSD-3-Clause"),
        ({"license": "Apache 2.0"}, "Apache-2.0"),
        ({"classifier": ["License :: OSI Approved :: MIT License"]}, "MIT"),
        (
            {
                "classifier": [
                    "License :: OSI Approved :: MIT License",
                    "License :: OSI Approved :: Apache Software License",
                ]
            },
            "Apache-2.0 OR MIT",
        ),
        ({"license": "All rights reserved"}, "All rights reserved"),
        ({}, ""),
    ],
)
def test_licence_is_read_from_metadata(metadata: dict[str, object], licence: str) -> None:
    assert licences.licence_of(metadata) == licence


def test_licences_are_kept_by_the_locks_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLINK_K8S_HOME", str(tmp_path))
    lock = tmp_path / "requirements.txt"
    lock.write_text("nothing-of-this-name==1 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(CommandError, match="nothing-of-this-name"):
        licences.of_lock(lock)
    lock.write_text("# nothing\n")
    assert licences.of_lock(lock) == {}
    [iterdir] = (tmp_path / "licences").iterdir()
    iterdir.write_text(json.dumps({"x": "MIT"}))
    assert licences.of_lock(lock) == {"x": "MIT"}  # not asked again


def test_unusual_licence_is_reported_with_its_remedy() -> None:
    lines = unusual({"pkg:pypi/good@1": "MIT", "pkg:pypi/odd@2": "AGPL-3.0-only", "pkg:pypi/silent@3": ""})
    assert [line.split(":")[0] for line in lines] == ["odd 2", "silent 3"]
    assert "AGPL-3.0-only" in lines[0]
    assert "unknown" in lines[1]
