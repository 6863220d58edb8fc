"""The count of skips, and the failure of suites that did not run, in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PASSES = "def test_passes():\n    pass\n"
SKIPPED = "import pytest\n\n@pytest.mark.parametrize('n', range(3))\ndef test_it(n):\n    pytest.skip('no tool')\n"
SKIPPED_WHOLE = "import pytest\npytest.skip('not on this machine', allow_module_level=True)\n"
FAILS = "def test_fails():\n    assert 0\n"


@pytest.fixture
def run(tmp_path: Path):
    """Runs pytest on files, by path; its exit code and the lines of its output."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = full: variants\n")
    (tmp_path / "conftest.py").write_text(
        "from tests.suites import Suites\n"
        "def pytest_configure(config):\n    config.pluginmanager.register(Suites(), 'suites')\n"
    )

    def call(files: dict[str, str], *arguments: str) -> tuple[int, list[str]]:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(content)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        result = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout.splitlines()

    return call


def test_skips_are_counted_by_reason(run):
    files = {"a/test_a.py": PASSES + SKIPPED, "a/test_b.py": SKIPPED_WHOLE}
    code, lines = run(files, "a")
    assert code == 0
    assert lines[-4:-1] == ["skipped: 4", "    3  no tool", "    1  not on this machine"]
    assert lines[-1].startswith("1 passed, 4 skipped in ")


def test_without_skips_there_is_no_count(run):
    code, lines = run({"a/test_a.py": PASSES}, "a")
    assert code == 0
    assert "skipped" not in "\n".join(lines)


@pytest.mark.parametrize("skipped", [SKIPPED, SKIPPED_WHOLE, "", "import pytest\n@pytest.mark.full\n" + PASSES])
def test_a_suite_that_did_not_run_fails(run, skipped: str):
    files = {"a/test_a.py": PASSES, "b/test_b.py": skipped}
    code, lines = run(files, "-m", "not full", "a", "b")
    assert code == 1
    assert "error: no test of b ran" in lines
    assert "error: no test of a ran" not in lines


def test_a_folder_without_tests_fails(run):
    code, lines = run({"a/conftest.py": ""}, "a")
    assert code == 1
    assert "error: no test of a ran" in lines


@pytest.mark.parametrize("content", [FAILS, "import nothing_of_this_name\n"])
def test_a_suite_that_failed_ran(run, content: str):
    code, lines = run({"a/test_a.py": content}, "a")
    assert code != 0
    assert "error: no test of a ran" not in lines


@pytest.mark.parametrize("arguments", [["a/test_a.py"], ["-k", "passes", "a", "b"]])
def test_a_file_and_a_selection_by_name_may_run_nothing_of_a_suite(run, arguments: list[str]):
    code, _ = run({"a/test_a.py": SKIPPED + PASSES, "b/test_b.py": SKIPPED}, *arguments)
    assert code == 0
