"""jobs/pyflink/Dockerfile, really built, for both architectures, on a stand-in for Flink's official image.

The stand-in has the official image's layout: /opt/flink, Java under /opt/java/openjdk and named in JAVA_HOME, the user
flink (9999), /docker-entrypoint.sh; its parts are those of the sandbox's own image. This machine has one architecture:
the stand-in of the other has its name in the image configuration and in the name of Java's folder, and runs programs of
this one. PyFlink is published as a wheel for amd64 only, so for arm64 it is built from source, as it will be there.

The sources of apt and pip are those of this machine: its configuration is mounted for the build, and is in no
image. Layers are kept in `$FLINK_K8S_HOME/dockerfile`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import debian, image
from sandbox.home import home
from sandbox.images import build_images
from sandbox.lock import locked
from tests.word_reference import reference_words

pytestmark = pytest.mark.full

JOBS = Path(__file__).resolve().parents[2] / "jobs/pyflink"
JAVA_HOME = "/opt/java/openjdk"
JVM = "/usr/lib/jvm/java-17-openjdk-{}"
CACHE = home().root / "dockerfile"
# What of the sandbox's image the official one does not have.
NOT_IN_BASE = ("./usr/local/*", "usr/local/*", "./opt/flink/usrlib/*", "opt/flink/usrlib/*")
LAYOUT = "1"
"""Raise it when `stand_in` changes: the stand-in is kept under a name that is made from it and from its layers."""
BUILD_SECONDS = 1500


@dataclass(frozen=True)
class Built:
    """An image that was built, and the architecture that it was built for."""

    name: str
    architecture: str


def buildah(*arguments: str | Path, seconds: float = 300) -> str:
    """Runs buildah on a storage of the tests' own; what it printed.

    Raises:
        AssertionError: with the last lines, when it fails.
    """
    options = ["--root", CACHE / "storage", "--runroot", CACHE / "run", "--storage-driver", "overlay"]
    command = [str(part) for part in ("buildah", *options, *arguments)]
    result = subprocess.run(command, text=True, capture_output=True, timeout=seconds, check=False)
    last = "\n".join((result.stdout + result.stderr).splitlines()[-30:])
    assert result.returncode == 0, f"buildah {arguments[0]} failed:\n{last}"
    return result.stdout.strip()


@pytest.fixture(scope="module", autouse=True)
def lock() -> Generator[None]:
    """One build at a time on a machine, and buildah to do it with."""
    if shutil.which("buildah") is None:
        debian.install(["buildah"])
    with locked(CACHE / "lock", "build the Dockerfile"):
        yield


@pytest.fixture(scope="module", params=["amd64", "arm64"])
def built(request: pytest.FixtureRequest) -> Built:
    """The image of one architecture."""
    architecture: str = request.param
    base = stand_in(architecture)
    name = f"localhost/pyflink:{architecture}"
    mounts = [f"--volume={path}:{path}:ro" for path in ("/etc/apt", "/etc/ssl/certs", "/etc/resolv.conf")]
    mounts.append(f"--volume={pip_configuration(architecture)}:/etc/pip.conf:ro")
    buildah(
        "build",
        f"--arch={architecture}",
        "--isolation=chroot",
        "--network=host",
        "--pull-never",
        "--layers",
        *mounts,
        f"--build-arg=BASE_IMAGE={base}",
        f"--tag={name}",
        JOBS,
        seconds=BUILD_SECONDS,
    )
    return Built(name, architecture)


@pytest.fixture(scope="module")
def container(built: Built) -> Generator[str]:
    """A container of the image, in which `run` runs commands as the image's user."""
    name = buildah("from", "--pull-never", built.name)
    yield name
    buildah("rm", name)


def stand_in(architecture: str) -> str:
    """The name of the base image, which is made when it is not there or its parts have changed."""
    with locked(home().lock, "build the base of the Dockerfile's test"):
        (actual,) = build_images(["pyflink:dev"])
    store = image.Store(home().images)
    layers = [store.blob(part.digest) for part in store.parts(actual)[2:]]
    key = hashlib.sha256("\n".join([LAYOUT, *(layer.name for layer in layers[:-1])]).encode()).hexdigest()[:12]
    name = f"localhost/flink-stand-in:{key}-{architecture}"
    if name in buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
        return name
    container = buildah("from", "scratch")
    root = Path(buildah("mount", container))
    for layer in layers:
        excluded = [f"--exclude={pattern}" for pattern in NOT_IN_BASE]
        subprocess.run(["tar", "-x", "--numeric-owner", *excluded, "-f", layer, "-C", root], check=True)
    java = JVM.format(architecture)
    if architecture != image.architecture():
        (root / JVM.format(image.architecture()).lstrip("/")).rename(root / java.lstrip("/"))
    (root / JAVA_HOME.lstrip("/")).parent.mkdir(parents=True)
    (root / JAVA_HOME.lstrip("/")).symlink_to(java)
    buildah("umount", container)
    path = f"/opt/flink/bin:{JAVA_HOME}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    environment = {"JAVA_HOME": JAVA_HOME, "FLINK_HOME": "/opt/flink", "PATH": path, "LANG": "C.UTF-8"}
    options = [f"--env={key}={value}" for key, value in environment.items()]
    options += [f"--arch={architecture}", "--user=flink", "--workingdir=/opt/flink", "--cmd=help"]
    buildah("config", *options, '--entrypoint=["/docker-entrypoint.sh"]', container)
    buildah("commit", "--quiet", "--rm", container, name)
    return name


def pip_configuration(architecture: str) -> Path:
    """A pip.conf with the package indexes of this machine, without a wheel of PyFlink for arm64."""
    output = subprocess.run(
        ["python3", "-m", "pip", "config", "list"], text=True, capture_output=True, check=True
    ).stdout
    lines = ["[global]"]
    for name, value in re.findall(r"^\S*\.([a-z-]+)='(.*)'$", output, re.MULTILINE):
        if name in ("index-url", "extra-index-url", "trusted-host", "proxy", "cert"):
            lines.append(f"{name} = {value}")
    lines = list(dict.fromkeys(lines))
    if architecture == "arm64":
        lines.append("no-binary = apache-flink")
    path = CACHE / f"pip-{architecture}.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(container: str, script: str) -> str:
    # Flink looks its host's name up, which only localhost has here.
    return buildah("run", "--isolation=chroot", "--hostname=localhost", container, "--", "sh", "-euc", script)


def test_java_home_contains_java(built: Built, container: str) -> None:
    assert run(container, 'echo "$JAVA_HOME"') == JAVA_HOME
    assert run(container, 'readlink -f "$JAVA_HOME"') == JVM.format(built.architecture)
    assert run(container, '"$JAVA_HOME/bin/java" -version && which java') == f"{JAVA_HOME}/bin/java"
    output = run(container, "find /usr/lib/jvm -mindepth 1 -maxdepth 1 -type d -name 'java-*'")
    assert output.split() == [JVM.format(built.architecture)], "a second Java"


def test_configuration_equals_that_of_the_base_image(built: Built) -> None:
    inspected: dict[str, Any] = json.loads(buildah("inspect", "--type=image", built.name))["OCIv1"]
    assert inspected["architecture"] == built.architecture
    config = inspected["config"]
    # By number, or a pod that must not run as root is refused.
    assert config["User"] == "9999:9999"
    assert config["Entrypoint"] == ["/docker-entrypoint.sh"]
    assert "FLINK_HOME=/opt/flink" in config["Env"]


def test_files_of_job_files_exist(container: str) -> None:
    assert run(container, "id -u; id -g; pwd").split() == ["9999", "9999", "/opt/flink"]
    assert run(container, "which python3 python").split() == ["/usr/local/bin/python3", "/usr/local/bin/python"]
    run(container, "python -c 'import pyflink.datastream, pyflink.fn_execution.coder_impl_fast, apache_beam, pemja'")
    listed = run(container, "cd /opt/flink/usrlib && find src input -type f").split()
    ours = [path for folder in ("src", "input") for path in (JOBS / folder).rglob("*") if path.is_file()]
    assert sorted(listed) == sorted(str(path.relative_to(JOBS)) for path in ours if "__pycache__" not in path.parts)


def test_no_build_files_remain(container: str) -> None:
    assert run(container, "which gcc cc g++ c++ make || true") == ""
    assert run(container, "ls -A /var/lib/apt/lists /root 2>/dev/null | grep -v '^$\\|:$' || true") == ""
    assert run(container, "find /usr/local -name 'flink-dist*.jar'") == "", "Flink's distribution is there twice"
    assert "no-binary" not in run(container, "cat /etc/pip.conf 2>/dev/null || true")


def test_the_word_count_runs_in_the_image(container: str) -> None:
    script = "python3 /opt/flink/usrlib/src/word_count.py --input /opt/flink/usrlib/input --output /tmp/counts 1>&2"
    lines = run(container, f"{script} && cat /tmp/counts/*").splitlines()
    expected: Counter[str] = Counter()
    for path in (JOBS / "input").iterdir():
        for line in path.read_text("utf-8").splitlines():
            expected.update(reference_words(line))
    assert sorted(lines) == sorted(f"{word}\t{count}" for word, count in expected.items())
