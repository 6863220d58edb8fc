"""cert-manager's images, built from its Go module, and the definitions of its resources, which the module brings along.

One program (sandbox/modules/cert-manager) is all four; each image calls it in its own role. It has the issuers that
need no service outside of the cluster (self-signed, CA), not ACME, Vault and Venafi.
"""

import json
import os
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
            # Its TLS clients require a file of authorities; the cluster connects to no external server.
            (roots["cert-manager"] / "tmp").mkdir(mode=0o1777)

        layer = layers(home, ["cert-manager"], [MODULE.key, Path(__file__)], lay)[0]
        return image.Store(home.images).write_image(
            self.name, [layer], entrypoint=["/cert-manager", self.role], user=_NOBODY
        )


IMAGES = tuple(CertManager(role) for role in ("controller", "webhook", "cainjector", "startupapicheck"))


def definitions(home: Home) -> dict[str, bytes]:
    """cert-manager's CustomResourceDefinitions as its Go module has them, YAML text by file name.

    Raises:
        Failure: the module cannot be had.
    """
    command = [golang.toolchain(home), "mod", "download", "-json", MODULE.pin]
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": ""}
    result = subprocess.run(command, cwd=MODULE.folder, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure(f"cert-manager's module cannot be had: {' '.join(command)}: {result.stderr.strip()[-300:]}")
    folder = Path(str(json.loads(result.stdout)["Dir"])) / "deploy" / "crds"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.yaml"))}
