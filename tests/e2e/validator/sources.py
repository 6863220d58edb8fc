"""The classes of operator releases whose jars are not published, compiled from a clone of the operator's repository.

Compiled are the API module, the autoscaler, the operator's options and its comparison of specs: what the tables need.
The libraries are those of the newest operator; older releases need older versions of some of them.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import subprocess
import tarfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.validator import java

MAVEN = "https://repo1.maven.org/maven2"
LIBRARIES_OF = "1.16.1"
"""The operator whose libraries are used."""

LOMBOK = (
    "org/projectlombok/lombok/1.18.34/lombok-1.18.34.jar",
    "c27d6b2aff56241d1b07fcbcc6b183709e6b432c80f7374eeb1d823e86d4b81a",
)
LIBRARIES = (
    LOMBOK,
    (
        "org/quartz-scheduler/quartz/2.4.0/quartz-2.4.0.jar",
        "a19ca5ac2e0fdbe3d9463ead76735ad18123c2077814b9d1cd1a715ef779d37a",
    ),
    (
        "io/fabric8/generator-annotations/7.3.1/generator-annotations-7.3.1.jar",
        "9d4241c4813a8b27c3fd9aa28cb6bc2bb1a01fac381499d3a45c0868180a9bd8",
    ),
)
OLDER_LIBRARIES = {
    (1, 12): (
        (
            "io/javaoperatorsdk/operator-framework-core/4.9.7/operator-framework-core-4.9.7.jar",
            "67de2700e388e7cb2569b5f2403dbc8ec160e9c537d2b9dd84029b62b03a7c75",
        ),
        (
            "io/fabric8/kubernetes-model-common/6.8.1/kubernetes-model-common-6.8.1.jar",
            "49f4409b8c52fe629a57e0d71b3038a1701919041bbcefeb5f57aec7dd2d7f78",
        ),
    ),
    (1, 9): (
        (
            "org/apache/flink/flink-runtime/1.18.1/flink-runtime-1.18.1.jar",
            "f6eeb3149e842c3d7276305f766d6381764fe4e678f7b5e733b917951ce5d270",
        ),
    ),
}
"""Libraries before the newer ones in the class path, by the last minor version of the operator that needs them."""

NOT_USED = ("flink-kubernetes-operator-", "flink-autoscaler-", "stand-ins")
"""Jars of the newest operator that the compiled classes replace."""

CRDS = "helm/flink-kubernetes-operator/crds"
SOURCES = ("flink-kubernetes-operator-api/src/main/java", "flink-autoscaler/src/main/java")
OPERATOR = "flink-kubernetes-operator/src/main/java"
COMPILED = (
    "config/KubernetesOperatorConfigOptions.java",
    "metrics/KubernetesOperatorMetricOptions.java",
    "reconciler/diff",
)
"""What is compiled of the operator's own module, with what it imports."""


def crds(release: str, clone: Path) -> list[str]:
    """The CRDs in the chart of a release, as YAML."""
    names = _git(clone, "ls-tree", "--name-only", f"release-{release}", f"{CRDS}/").decode().split()
    return [_git(clone, "show", f"release-{release}:{name}").decode() for name in names]


def compile_tag(tag: str, clone: Path, folder: Path) -> Path:
    """Compile the classes of a release.

    Args:
        tag: of the release, such as release-1.12.1; or a newer commit.
        clone: of github.com/apache/flink-kubernetes-operator.
        folder: an empty folder to work in.

    Returns:
        A folder with the class path, for `java.run`: `flink-kubernetes-operator-<tag>.jar` and its libraries.

    Raises:
        RuntimeError: if a library has another content, or the compiler fails.
    """
    archive = _git(clone, "archive", tag, *SOURCES, OPERATOR)
    with tarfile.open(fileobj=io.BytesIO(archive)) as sources:
        sources.extractall(folder / "sources", filter="data")
    libraries = folder / "lib"
    libraries.mkdir()
    for jar in java.operator_jars(LIBRARIES_OF).glob("*.jar"):
        if not jar.name.startswith(NOT_USED):
            (libraries / jar.name).symlink_to(jar)
    release = re.fullmatch(r"release-(\d+)\.(\d+)\.\d+", tag)
    minor = (int(release[1]), int(release[2])) if release else (math.inf, 0)
    older = [library for last, group in OLDER_LIBRARIES.items() if minor <= last for library in group]
    for path, digest in (*LIBRARIES, *older):
        _fetch(path, digest, libraries)

    api = [source for root in SOURCES for source in (folder / "sources" / root).rglob("*.java")]
    own = folder / "sources" / OPERATOR / "org/apache/flink/kubernetes/operator"
    chosen = [
        source
        for part in COMPILED
        for source in ((own / part).rglob("*.java") if (own / part).is_dir() else [own / part])
    ]
    classes = folder / "classes"
    class_path = ":".join(map(str, sorted(libraries.glob("*.jar"))))
    lombok = libraries / Path(LOMBOK[0]).name
    options = ["-nowarn", "-processorpath", str(lombok), "-cp", class_path, "-d", str(classes)]
    _run(["javac", *options, "-sourcepath", str(folder / "sources" / OPERATOR), *map(str, [*api, *chosen])])
    _run(["jar", "cf", str(libraries / f"flink-kubernetes-operator-{tag}.jar"), "-C", str(classes), "."])
    return libraries


def _fetch(path: str, digest: str, folder: Path) -> None:
    with urllib.request.urlopen(f"{MAVEN}/{path}") as response:
        content = response.read()
    if hashlib.sha256(content).hexdigest() != digest:
        raise RuntimeError(f"{path} has another content than expected")
    (folder / Path(path).name).write_bytes(content)


def _git(clone: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(clone), *arguments], capture_output=True, check=True).stdout


def _run(command: Sequence[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(
            f"{command[0]} failed ({result.returncode}):\n{result.stdout[-2000:]}{result.stderr[-2000:]}"
        )
