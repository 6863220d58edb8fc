"""The image name with the hash of the code: it changes only if something changes that the job uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flink_k8s.resolve import code_hash as module
from flink_k8s.resolve.code_hash import hash_of_code
from flink_k8s.resolve.explain import explain
from tests.unit.project import JOB, Project

ARGS = ("-pyclientexec", "python3", "-py", "/opt/flink/usrlib/src/orders.py", "--input", "/in")
FILES = {
    "Dockerfile": "FROM flink",
    "input/text.txt": "a b",
    "src/orders.py": "import json\nfrom shared import totals\nfrom shared.deep.words import split\n",
    "src/shared/__init__.py": "",
    "src/shared/totals.py": "import clock\n",
    "src/shared/deep/words.py": "from . import letters\n",
    "src/shared/deep/letters.py": "A = 1\n",
    "src/shared/unused.py": "",
    "src/clock.py": "",
    "src/visits.py": "import clock\n",
    "src/table.json": "{}",
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], None]:
    def put(name: str, text: str) -> None:
        path = tmp_path / "jobs" / "pyflink" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        module._hash.cache_clear()  # pyright: ignore[reportPrivateUsage] - one run of the program sees no change
        module._used.cache_clear()  # pyright: ignore[reportPrivateUsage]

    for name, text in FILES.items():
        put(name, text)
    return put


@pytest.mark.parametrize(
    "name",
    [
        "src/orders.py",
        "src/shared/__init__.py",
        "src/shared/totals.py",
        "src/clock.py",  # by way of shared.totals
        "src/shared/deep/words.py",
        "src/shared/deep/letters.py",  # relative
        "src/table.json",
        "src/new.txt",
        "input/text.txt",
        "Dockerfile",
        "requirements.txt",
    ],
)
def test_change_of_used_code_changes_the_hash(tmp_path: Path, write: Callable[[str, str], None], name: str):
    before = hash_of_code(tmp_path, ARGS)
    write(name, "X = 'changed'\n")
    assert hash_of_code(tmp_path, ARGS) != before


@pytest.mark.parametrize("name", ["src/visits.py", "src/shared/unused.py", "src/new.py", "src/__pycache__/orders.pyc"])
def test_change_of_unused_code_does_not_change_the_hash(tmp_path: Path, write: Callable[[str, str], None], name: str):
    before = hash_of_code(tmp_path, ARGS)
    write(name, "X = 'changed'\n")
    assert hash_of_code(tmp_path, ARGS) == before


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (ARGS, "import importlib\n"),
        (ARGS, "from importlib import import_module\n"),
        (ARGS, "__import__('visits')\n"),
        (ARGS, "def broken(:\n"),
        ((*ARGS, "-pyfs", "/opt/flink/usrlib/src/visits.py"), ""),
        (("--input", "/in"), ""),
        (("-py", "/elsewhere/orders.py"), ""),
        (("-py", "/opt/flink/usrlib/src/missing.py"), ""),
    ],
)
def test_hash_covers_the_whole_folder_if_imports_are_unknown(
    tmp_path: Path, write: Callable[[str, str], None], args: tuple[str, ...], text: str
):
    write("src/orders.py", text)
    before = hash_of_code(tmp_path, args)
    write("src/visits.py", "X = 'changed'\n")
    assert hash_of_code(tmp_path, args) != before


def test_image_tag_has_the_hash_and_explain_shows_it(project: Project, write: Callable[[str, str], None]):
    project.job(JOB.replace("[--input, /in, --verbose]", f"[{', '.join(ARGS)}]"))
    project.stack({"images": {"pyflink:dev": "registry.example.org/pyflink:{code}", "other:1": "other:2"}})
    text = f"registry.example.org/pyflink:{hash_of_code(project.root, ARGS)}"
    platform = project.load()
    assert platform.jobs[0].spec["image"] == text
    assert platform.jobs[0].built_as == "pyflink:dev"
    assert not [remark for remark in project.remarks() if "digest" in remark]
    [line] = [line for line in explain(platform.jobs[0]) if line.startswith("spec.image")]
    assert line.endswith('# images (Pulumi.x.yaml:4), instead of "pyflink:dev", by its code hash')


def test_images_setting_replaces_an_image_of_all_jobs(project: Project):
    project.stack({"images": {"pyflink:dev": "pyflink:1"}, "enforced": {"image": "pyflink:dev"}})
    [job] = project.load().jobs
    assert (job.spec["image"], job.built_as, job.declared_image) == ("pyflink:1", None, "pyflink:dev")


def test_images_without_a_replacement_are_unchanged(project: Project):
    project.stack({"images": {"other:1": "other:{code}"}})
    [job] = project.load().jobs
    assert (job.spec["image"], job.built_as) == ("pyflink:dev", None)
