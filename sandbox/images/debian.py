"""The bottom layer of every image that runs Java or Python: Debian bookworm with a Java 17 runtime and Python 3.11."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from sandbox import image
from sandbox.home import Home
from sandbox.images import command
from sandbox.images.layers import layers

PYTHON = "3.11"
"""The version of the layer's python3."""

SUITE = "bookworm"
FLINK_USER = 9999
"""User and group id of `flink`, as in the official images."""

_PACKAGES = ("openjdk-17-jre-headless", "python3", "ca-certificates")
_LEFT_OUT = ("man", "doc", "info", "locale")


def java_home() -> str:
    """Where the layer's Java is; Debian's path has the architecture in it."""
    return f"/usr/lib/jvm/java-17-openjdk-{image.architecture()}"


def layer(home: Home) -> image.Layer:
    """The layer; takes about a minute the first time."""

    def lay(roots: Mapping[str, Path]) -> None:
        command.need({"mmdebstrap": "mmdebstrap"})
        root = roots["debian"]
        command.run(home, "debian", bootstrap(root))
        # Not in a hook of mmdebstrap's: there this machine's own /dev is mounted in the new root.
        for folder in ("dev", "var/cache", "var/log", "var/lib/apt/lists"):
            _empty(root / folder)
        # Jobs name /usr/local/bin/python3, where Python images have it; Flink's workers run `python`.
        for name in ("python3", "python"):
            (root / "usr/local/bin" / name).symlink_to("/usr/bin/python3")

    return layers(home, ["debian"], [Path(__file__), image.architecture()], lay)[0]


def bootstrap(root: Path) -> list[str]:
    """The command that lays Debian out in an empty folder."""
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(_PACKAGES)}",
        *(f"--dpkgopt=path-exclude=/usr/share/{path}/*" for path in _LEFT_OUT),
        # The post-install script of openjdk links into man1 and fails without it.
        '--essential-hook=mkdir -p "$1/usr/share/man/man1"',
        f'--customize-hook=chroot "$1" groupadd --gid {FLINK_USER} flink',
        f'--customize-hook=chroot "$1" useradd --uid {FLINK_USER} --gid flink --home-dir /opt/flink'
        " --no-create-home --shell /bin/bash flink",
        SUITE,
        str(root),
    ]


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
