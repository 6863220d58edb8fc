"""Flink's Python package, taken apart: Python packages, and Flink's distribution, which comes inside of one of them."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from sandbox import image
from sandbox.home import Home
from sandbox.images import command, debian
from sandbox.images.layers import layers
from sandbox.images.pyflink.ownership import FLINK_HOME, own
from sandbox.report import Failure

_PARTS = ("lib", "opt", "plugins", "conf", "licenses")


def distribution(home: Home, flink: str, requirements: Path) -> list[image.Layer]:
    """Two layers, Python packages and Flink's distribution; about a minute the first time.

    Args:
        home: where images are built.
        flink: Flink's version.
        requirements: a file of pinned packages, apache-flink in that version among them.
    """
    python, distributed = f"python-{flink}", f"flink-{flink}"

    def lay(roots: Mapping[str, Path]) -> None:
        interpreter = command.python(debian.PYTHON)
        site = roots[python] / "usr/local/lib" / f"python{debian.PYTHON}" / "dist-packages"
        install = [interpreter, "-m", "pip", "install", "--no-compile", "--root-user-action=ignore"]
        install += ["--ignore-installed", "--disable-pip-version-check"]
        command.run(home, python, [*install, "--target", str(site), "--requirement", str(requirements)])
        split(site, roots[distributed] / FLINK_HOME)
        _compile(home, interpreter, roots[python])
        own(roots[distributed] / FLINK_HOME)

    inputs = [Path(__file__), requirements, debian.PYTHON, image.architecture()]
    return layers(home, [python, distributed], inputs, lay)


def split(site: Path, flink_home: Path) -> None:
    """Moves Flink's distribution out of the Python package to where Flink's own images have it."""
    package = site / "pyflink"
    flink_home.mkdir(parents=True)
    for part in _PARTS:
        shutil.move(package / part, flink_home / part)
    # Both need bin: Python workers look for pyflink-udf-runner.sh next to their package.
    shutil.copytree(package / "bin", flink_home / "bin")
    for scripts in (package / "bin", flink_home / "bin"):
        for path in scripts.iterdir():
            if path.is_file():
                path.chmod(0o755)
    for folder in ("log", "usrlib"):
        (flink_home / folder).mkdir(exist_ok=True)
    shutil.rmtree(site / "bin", ignore_errors=True)  # scripts that name this machine's Python
    for tests in [path for path in site.rglob("tests") if path.is_dir()]:
        shutil.rmtree(tests, ignore_errors=True)


def _compile(home: Home, interpreter: str, root: Path) -> None:
    """Compiles all modules: a worker cannot write there. Checked by nothing, since files of layers have no times."""
    compileall = [interpreter, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    try:
        command.run(home, "compileall", [*compileall, "-s", str(root), "-p", "/", str(root)])
    except Failure:
        # Some packages carry files for other versions of Python; whatever else does not compile fails when it is run.
        return
