"""The images of the Flink Kubernetes operator, out of the jars that its project publishes.

`<version>/pom.xml` lists the jars, `<version>/jars.sha256` their checksums, `<version>/stand-ins` has our own classes
for what is published in no version. 1.7.0 is whole but for its webhook; 1.16.1 lacks modules, see its pom.xml.
"""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import image
from sandbox.home import Home
from sandbox.images import command, debian
from sandbox.images.layers import files, key, layers
from sandbox.images.maven import fetch_jars
from sandbox.report import step

_HERE = Path(__file__).parent
_ENTRYPOINT = _HERE / "docker-entrypoint.sh"
_HOME = "flink-kubernetes-operator"
_STAND_INS = "stand-ins.jar"


@dataclass(frozen=True)
class Operator:
    """An image `flink-kubernetes-operator:<version>`."""

    version: str

    @property
    def name(self) -> str:
        """The image's short name."""
        return f"flink-kubernetes-operator:{self.version}"

    @property
    def sources(self) -> Path:
        """The folder with the definition of the image."""
        return _HERE / self.version

    def jars(self, home: Home) -> Path:
        """A folder with lib/*.jar (the class path) and plugins/<name>/*.jar (metrics reporters), fetched when missing.

        Raises:
            Failure: a jar cannot be had, is not the one of jars.sha256, or a stand-in does not compile.
        """
        jars = home.root / "operator" / key(self.version, [Path(__file__), self.sources])
        if jars.is_dir():
            return jars
        command.need({"mvn": "maven", "javac": "openjdk-17-jdk-headless"})
        jars.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=jars.parent, prefix=".part-"))
        try:
            with step(f"jars of the operator {self.version}"):
                fetch_jars(home, f"operator-{self.version}", self.sources, work)
                self._compile_stand_ins(home, work)
            work.chmod(0o755)
            work.replace(jars)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return jars

    def build(self, home: Home) -> image.Image:
        """Builds what is missing of it and gives it its name."""
        jars = self.jars(home)

        def lay(roots: Mapping[str, Path]) -> None:
            lay_operator(roots[f"operator-{self.version}"], jars)

        layer = layers(home, [f"operator-{self.version}"], [jars.name, Path(__file__), _ENTRYPOINT], lay)[0]
        return image.Store(home.images).write_image(
            self.name,
            [debian.layer(home), layer],
            entrypoint=["/docker-entrypoint.sh"],
            cmd=["help"],
            env={
                "FLINK_HOME": "/opt/flink",
                "FLINK_PLUGINS_DIR": "/opt/flink/plugins",
                "OPERATOR_LIB": "/opt/flink/operator-lib",
                "JAVA_HOME": debian.java_home(),
                "LANG": "C.UTF-8",
            },
            workdir=f"/{_HOME}",
            user=f"{debian.FLINK_USER}:{debian.FLINK_USER}",
        )

    def definitions(self, home: Home) -> dict[str, bytes]:
        """The operator's CustomResourceDefinitions as its API jar has them, YAML text by file name."""
        [api] = (self.jars(home) / "lib").glob("flink-kubernetes-operator-api-*.jar")
        with zipfile.ZipFile(api) as jar:
            names = [
                name for name in jar.namelist() if name.startswith("META-INF/fabric8/") and name.endswith("-v1.yml")
            ]
            return {name.rsplit("/", 1)[1]: jar.read(name) for name in sorted(names)}

    def _compile_stand_ins(self, home: Home, folder: Path) -> None:
        sources = files(self.sources / "stand-ins")
        if not sources:
            return
        with tempfile.TemporaryDirectory() as classes:
            compiler = ["javac", "-nowarn", "--release", "17", "-cp", f"{folder}/lib/*", "-d", classes]
            command.run(home, f"operator-{self.version}-stand-ins", [*compiler, *map(str, sources)])
            # A jar of our own making: no times, so that the same classes are the same layer.
            with zipfile.ZipFile(folder / "lib" / _STAND_INS, "w") as jar:
                for path in files(Path(classes)):
                    jar.writestr(zipfile.ZipInfo(str(path.relative_to(classes))), path.read_bytes())


def class_path(jars: list[str]) -> list[str]:
    """The jars in the order in which Java is to look for classes.

    Stand-ins replace classes of the autoscaler; the standalone module and the operator replace classes of Flink's, in
    the official image's order.
    """
    first = ("stand-ins", "flink-kubernetes-standalone-", "flink-kubernetes-operator-", "flink-autoscaler-")
    ranks = {
        jar: next((rank for rank, prefix in enumerate(first) if jar.startswith(prefix)), len(first)) for jar in jars
    }
    return sorted(jars, key=lambda jar: (ranks[jar], jar))


def lay_operator(root: Path, jars: Path) -> None:
    """Puts the operator into an image's root folder: its jars, their order, its reporters and the entry point."""
    shutil.copyfile(_ENTRYPOINT, root / _ENTRYPOINT.name)
    (root / _ENTRYPOINT.name).chmod(0o755)
    home = root / _HOME
    shutil.copytree(jars / "lib", home / "lib")
    names = class_path([path.name for path in (home / "lib").iterdir()])
    (home / "classpath").write_text(":".join(f"/{_HOME}/lib/{name}" for name in names))
    flink = root / "opt" / "flink"
    shutil.copytree(jars / "plugins", flink / "plugins")
    for folder in ("artifacts", "operator-lib", "conf"):
        (flink / folder).mkdir()
    for path in [flink, *flink.rglob("*")]:
        os.chown(path, debian.FLINK_USER, debian.FLINK_USER)
