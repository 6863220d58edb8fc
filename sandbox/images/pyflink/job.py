"""The last layer: the jobs' code and input, and the entry point. It is rebuilt quickly when a job changes."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from sandbox import image
from sandbox.home import PROJECT, Home
from sandbox.images.layers import files, layers
from sandbox.images.pyflink.ownership import FLINK_HOME, own
from sandbox.report import Failure

JOBS = PROJECT / "jobs" / "pyflink"
_ENTRYPOINT = Path(__file__).with_name("docker-entrypoint.sh")
_FOLDERS = ("src", "input")


def job_layer(home: Home) -> image.Layer:
    """The layer of this clone's jobs.

    Raises:
        Failure: the clone has no job code.
    """
    if not (JOBS / "src").is_dir():
        raise Failure(f"{JOBS}/src: the folder contains no job code; restore it from the repository")

    def lay(roots: Mapping[str, Path]) -> None:
        lay_job(roots["pyflink-job"], JOBS)

    folders = [JOBS / folder for folder in _FOLDERS if (JOBS / folder).is_dir()]
    return layers(home, ["pyflink-job"], [Path(__file__), _ENTRYPOINT, *folders], lay)[0]


def lay_job(root: Path, jobs: Path) -> None:
    """Puts the code and input of a jobs folder and the entry point into an image's root folder."""
    shutil.copyfile(_ENTRYPOINT, root / _ENTRYPOINT.name)
    (root / _ENTRYPOINT.name).chmod(0o755)
    for folder in _FOLDERS:
        target = root / FLINK_HOME / "usrlib" / folder
        target.mkdir(parents=True)
        for path in files(jobs / folder):
            copy = target / path.relative_to(jobs / folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            copy.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
    own(root / FLINK_HOME)
