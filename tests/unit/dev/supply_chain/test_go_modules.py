"""Licences of linked Go modules: what the audit makes of go-licenses' answer. Both programs are stand-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.supply_chain import go_modules
from flink_k8s.support.errors import CommandError

GO = """#!/bin/sh
case "$*" in
*GOROOT) echo /go ;;
*-json) echo '{"Module": {"Path": "own/module"}, "Replace": [
    {"Old": {"Path": "a/stand-in"}, "New": {"Path": "./stand-in"}},
    {"Old": {"Path": "another/version"}, "New": {"Path": "another/version", "Version": "v1"}}]}' ;;
*) echo example.org/program; exit $(cat {folder}/listed) ;;
esac
"""
CHECK = '#!/bin/sh\necho "$@" >> {folder}/asked\ncat {folder}/answer >&2\nexit $(cat {folder}/code)\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("go", GO), ("go-licenses", CHECK)):
        program = tmp_path / name
        program.write_text(text.replace("{folder}", str(tmp_path)))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("FLINK_K8S_HOME", str(tmp_path / "home"))
    (tmp_path / "modules" / "etcd").mkdir(parents=True)
    (tmp_path / "modules" / "etcd" / "go.mod").write_text("module own/module\n")
    answer(tmp_path, 0, "")
    return tmp_path


def answer(folder: Path, code: int, output: str) -> None:
    (folder / "listed").write_text("0")
    (folder / "code").write_text(str(code))
    (folder / "answer").write_text(output)


def test_permitted_modules_are_checked_once(folder: Path) -> None:
    assert go_modules.unusual(folder / "modules") == []
    assert go_modules.unusual(folder / "modules") == []
    [requests] = (folder / "asked").read_text().splitlines()
    assert "--allowed_licenses=0BSD,Apache-2.0," in requests
    assert requests.endswith("--ignore=own/module --ignore=a/stand-in example.org/program")


def test_changed_pin_is_checked_again(folder: Path) -> None:
    go_modules.unusual(folder / "modules")
    (folder / "modules" / "etcd" / "go.sum").write_text("example.org/x v1 h1:x=\n")
    go_modules.unusual(folder / "modules")
    assert len((folder / "asked").read_text().splitlines()) == 2


def test_unusual_licence_is_reported_with_module_and_remedy(folder: Path) -> None:
    answer(
        folder,
        1,
        "W1123 library.go:101] x has non-Go code\n"
        "Not allowed license GPL-3.0 found for library example.org/odd\n"
        "Not allowed license  found for library example.org/silent\n",
    )
    odd, silent = go_modules.unusual(folder / "modules")
    assert odd.startswith(
        "example.org/odd, linked into programs of sandbox/modules/etcd: its licence, GPL-3.0, is not in"
    )
    assert silent.startswith("example.org/silent, ")
    assert "unknown" in silent
    assert go_modules.unusual(folder / "modules") == [odd, silent]  # kept, too


def test_reviewed_licence_text_is_permitted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(folder, 1, "Not allowed license  found for library example.org/silent\n")
    monkeypatch.setattr(go_modules, "READ", {"example.org/silent": "CC0-1.0"})
    assert go_modules.unusual(folder / "modules") == []
    monkeypatch.setattr(go_modules, "READ", {"example.org/silent": "AGPL-3.0-only"})
    assert len(go_modules.unusual(folder / "modules")) == 1


def test_unreadable_output_fails_the_audit_and_is_not_cached(folder: Path) -> None:
    answer(folder, 1, "F1123 cannot load packages\n")
    for _ in range(2):
        with pytest.raises(CommandError, match="cannot load packages"):
            go_modules.unusual(folder / "modules")


def test_packages_that_go_cannot_list_fail_the_audit(folder: Path) -> None:
    (folder / "listed").write_text("1")
    with pytest.raises(CommandError, match=r"etcd: go list"):
        go_modules.unusual(folder / "modules")


def test_without_go_the_audit_fails(folder: Path) -> None:
    (folder / "go").unlink()
    with pytest.raises(CommandError, match="install Go"):
        go_modules.unusual(folder / "modules")


def test_each_of_the_sandbox_modules_is_read() -> None:
    assert len(list(go_modules.MODULES.glob("*/go.mod"))) == 6
