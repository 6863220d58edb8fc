"""What `make audit` makes of the answer of the scanner: a stand-in that ends as osv-scanner does."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.supply_chain.__main__ import vulnerable
from flink_k8s.support.errors import CommandError


def scanner(folder: Path, code: int) -> Path:
    program = folder / "osv-scanner"
    program.write_text(f'#!/bin/sh\necho "$@" > {folder}/said\nexit {code}\n')
    program.chmod(0o755)
    return folder / "said"


@pytest.fixture(autouse=True)
def _nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLINK_K8S_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize(("code", "has_findings"), [(0, False), (1, True)])
def test_the_scanner_reads_the_bill_and_answers(tmp_path: Path, code: int, has_findings: bool) -> None:
    actual = scanner(tmp_path, code)
    assert vulnerable(tmp_path / "a.cdx.json") is has_findings
    assert actual.read_text().split()[-2:] == ["--lockfile", str(tmp_path / "a.cdx.json")]


def test_a_scanner_that_could_not_ask_is_no_clean_answer(tmp_path: Path) -> None:
    scanner(tmp_path, 127)
    with pytest.raises(CommandError, match=r"could not look up .*127"):
        vulnerable(tmp_path / "a.cdx.json")


def test_without_a_scanner_the_audit_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="install osv-scanner or Go"):
        vulnerable(tmp_path / "a.cdx.json")
    assert "Go is not installed" in capsys.readouterr().out
