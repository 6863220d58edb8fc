"""The images that the cluster itself needs, made of programs that `sandbox.golang` built and of Debian's busybox.

sandbox.local/pause, sandbox.local/coredns, sandbox.local/local-path-provisioner
docker.io/library/busybox:1     for tests and helper pods; a manifest that names it works on any other cluster, too
"""

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from sandbox import debian, golang
from sandbox.home import Home
from sandbox.image import Layer, Store, full_name

BUSYBOX = full_name("busybox:1")


def name(module: golang.Module) -> str:
    """The name of the image that holds a module's program."""
    return f"sandbox.local/{module.name}:{module.version}"


def build(home: Home) -> None:
    """Makes the images that are missing from the store."""
    store = Store(home.images)
    for module in (golang.PAUSE, golang.COREDNS, golang.LOCAL_PATH):
        program = module.program(home, module.name)

        def lay(root: Path, program: Path = program) -> None:
            shutil.copy(program, root)

        layer = _layer(store, f"{module.name}-{module.key}", lay)
        store.write_image(name(module), [layer], entrypoint=[f"/{module.name}"])
    sources = debian.version("busybox") + debian.version("libc6") + Path(__file__).read_text()
    key = "busybox-" + hashlib.sha256(sources.encode()).hexdigest()[:12]
    store.write_image(BUSYBOX, [_layer(store, key, _busybox)], cmd=["sh"])


def _layer(store: Store, key: str, lay: Callable[[Path], None]) -> Layer:
    layer = store.layer(key)
    if layer is None:
        with tempfile.TemporaryDirectory() as root:
            lay(Path(root))
            layer = store.add_layer(key, Path(root), owner=(0, 0))
    return layer


def _busybox(root: Path) -> None:
    """Debian's dynamic busybox with its libraries (the static one's wget crashes) and a link for each applet."""
    for folder in ("bin", "etc", "root", "tmp"):
        (root / folder).mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    (root / "etc" / "group").write_text("root:x:0:\nnogroup:x:65534:\n")
    busybox = Path("/bin/busybox").resolve()
    shutil.copy(busybox, root / "bin" / "busybox")
    for library in re.findall(r"/\S+", _output("ldd", str(busybox))):
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    for applet in _output(str(busybox), "--list").split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
