"""Files where users want them, and places where none can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from flink_k8s.cli.main import main
from flink_k8s.support.errors import CommandError
from flink_k8s.support.output_file import write


def test_the_folder_is_created(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "plan.md"
    write(file, "ä\n")
    assert file.read_bytes() == "ä\n".encode()


@pytest.fixture
def inside_a_file(tmp_path: Path) -> Path:
    """A place where even root can write nothing."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "out"


def test_a_path_that_cannot_be_written_is_named(inside_a_file: Path) -> None:
    with pytest.raises(CommandError, match=r"file/out cannot be written: /.*/file: File exists; choose another path"):
        write(inside_a_file, "")


def test_a_folder_instead_of_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: Is a directory"):
        write(tmp_path, "")


def test_render_reports_the_error_in_one_line(
    tmp_path: Path, inside_a_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = tmp_path / "small.yaml"
    layer.write_text("prometheus: {enabled: false}\n")
    assert main(["render", "dev", str(inside_a_file), "--overlay", str(layer)]) == 1
    assert (
        capsys.readouterr().err == f"error: {inside_a_file} cannot be written: Not a directory; choose another path\n"
    )
