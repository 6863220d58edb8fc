"""Images of one program that is built from its Go module."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import golang, image
from sandbox.home import Home
from sandbox.images.layers import layers


@dataclass(frozen=True)
class GoProgram:
    """An image of one program, in /bin, and an empty /tmp.

    Attributes:
        module: with the program.
        program: its name, and the image's.
        user: `uid:gid` of its process.
    """

    module: golang.Module
    program: str
    user: str = "65534:65534"

    @property
    def name(self) -> str:
        """The image's short name, which is the official one without registry and account."""
        return f"{self.program}:v{self.module.release}"

    def build(self, home: Home) -> image.Image:
        """Build the missing layers of the image, and write it with its name. The first build takes minutes."""
        golang.build(home, (self.module,))

        def lay(roots: Mapping[str, Path]) -> None:
            root = roots[self.program]
            (root / "bin").mkdir(mode=0o755)
            shutil.copy(self.module.program(home, self.program), root / "bin")
            (root / "tmp").mkdir()
            (root / "tmp").chmod(0o1777)

        layer = layers(home, [self.program], [self.module.key, Path(__file__)], lay)[0]
        return image.Store(home.images).write_image(
            self.name, [layer], entrypoint=[f"/bin/{self.program}"], user=self.user
        )
