"""How Flink's Python package and the jobs are laid out in an image."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.images import PYFLINKS
from sandbox.images.pyflink import PyFlink
from sandbox.images.pyflink.distribution import split
from sandbox.images.pyflink.job import lay_job


@pytest.mark.parametrize("pyflink", PYFLINKS, ids=lambda pyflink: pyflink.name)
def test_the_packages_have_the_images_flink_version(pyflink: PyFlink) -> None:
    pinned = re.findall(r"^(apache-flink\S*==\S+)", pyflink.requirements.read_text(), re.MULTILINE)
    assert pinned == [f"apache-flink=={pyflink.flink}", f"apache-flink-libraries=={pyflink.flink}"]


def test_the_distribution_is_in_the_folder_of_flinks_images(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in ("lib/flink-dist.jar", "opt/flink-python.jar", "plugins/x/x.jar", "conf/config.yaml", "licenses/L"):
        (site / "pyflink" / name).parent.mkdir(parents=True, exist_ok=True)
        (site / "pyflink" / name).write_text(name)
    for name in ("pyflink/bin/flink", "bin/f2py", "numpy/tests/test_a.py", "numpy/testing/a.py", "pyflink/job.py"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(name)

    home = tmp_path / "flink"
    split(site, home)

    matches = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    assert matches == {
        "lib/flink-dist.jar",
        "opt/flink-python.jar",
        "plugins/x/x.jar",
        "conf/config.yaml",
        "licenses/L",
        "bin/flink",
    }
    remaining = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    assert remaining == {"pyflink/bin/flink", "numpy/testing/a.py", "pyflink/job.py"}, "bin stays with the package, too"
    assert (home / "log").is_dir()
    assert (home / "bin" / "flink").stat().st_mode & 0o111


def test_a_job_layer_is_owned_by_flink(tmp_path: Path, owners: dict[Path, tuple[int, int]]) -> None:
    jobs, root = tmp_path / "jobs", tmp_path / "root"
    for name in ("src/word_count.py", "src/sub/more.py", "src/__pycache__/word_count.pyc", "input/a.txt", "Dockerfile"):
        (jobs / name).parent.mkdir(parents=True, exist_ok=True)
        (jobs / name).write_text(name)
    root.mkdir()

    lay_job(root, jobs)

    usrlib = root / "opt/flink/usrlib"
    laid = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert laid == {
        "docker-entrypoint.sh",
        "opt/flink/usrlib/src/word_count.py",
        "opt/flink/usrlib/src/sub/more.py",
        "opt/flink/usrlib/input/a.txt",
    }
    assert (root / "docker-entrypoint.sh").stat().st_mode & 0o777 == 0o755
    assert owners[usrlib / "src/word_count.py"] == (9999, 9999)
    assert owners[root / "opt/flink"] == (9999, 9999), (
        "a layer's folders replace those below: Flink writes into its own"
    )
    assert root not in owners


def test_a_clone_without_input_has_an_empty_folder(tmp_path: Path, owners: dict[Path, tuple[int, int]]) -> None:
    (tmp_path / "jobs/src").mkdir(parents=True)
    (tmp_path / "root").mkdir()
    lay_job(tmp_path / "root", tmp_path / "jobs")
    assert (tmp_path / "root/opt/flink/usrlib/input").is_dir()
