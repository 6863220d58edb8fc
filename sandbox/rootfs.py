"""The node's file system: runs once, as the first process in the node's namespaces, and becomes its init.

    python -m sandbox.rootfs HOME

Only `sandbox.node` starts it, in a mount namespace whose mounts do not propagate to the machine's. It creates a root
file system and changes to it, so that daemons and pods (also hostPath volumes) see only the programs and libraries of
the machine, read-only. All of it is deleted with the last process of the namespaces.

    /usr /etc/alternatives /etc/ssl/certs …   the machine's, read-only
    /etc/kubernetes /opt/flink-k8s/bin        home/sandbox/etc, home/bin, read-only
    /var/lib/{etcd,containerd,kubelet}        home/sandbox/{etcd,containerd,kubelet}
    /var/log /opt/local-path-provisioner      home/sandbox/{log,volumes}
    /proc /sys /dev /run /tmp                 of its own; in /sys/fs/cgroup the machine's control groups
"""

import os
import socket
import stat
import subprocess
import sys
import uuid
from pathlib import Path

from sandbox.home import Home

INIT = "flink-k8s-sandbox"
"""The init's argv[0], by which it is found."""
NODE = "sandbox"
"""The node's name and host name."""
BOOT_ID = "kernel/random/boot_id"
"""The file below /proc/sys with the ID of this run of the node."""
BIN = "/opt/flink-k8s/bin"
"""The path of `home.bin` in the node."""

_WRITABLE = {
    "/var/lib/etcd": "etcd",
    "/var/lib/containerd": "containerd",
    "/var/lib/kubelet": "kubelet",
    "/var/log": "log",
    "/opt/local-path-provisioner": "volumes",
}
_ETC = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "protocols", "services", "ssl/certs", "localtime")
_DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "kmsg": (1, 11),
    "tty": (5, 0),
}
# The kubelet changes these kernel settings if they differ. They belong to the machine, not to the namespace, so the
# node sees files with the expected values, and the kernel's settings are not changed.
_SHOWN_SETTINGS: dict[str, object] = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}


def state_folders(home: Home) -> list[Path]:
    """The folders of the home that the node uses; they must exist before it starts."""
    return [outside for _, outside in mounted(Path("/"), home)]


def mounted(root: Path, home: Home) -> list[tuple[Path, Path]]:
    """Pairs of a folder below the node's root and the folder of the home that is mounted there."""
    pairs = [(root / path.lstrip("/"), home.sandbox / name) for path, name in _WRITABLE.items()]
    return [*pairs, (root / "etc/kubernetes", home.etc), (root / BIN.lstrip("/"), home.bin)]


def main() -> None:
    """Create the root file system, change to it, and become the init."""
    home = Home(Path(sys.argv[1]))
    init = sys.argv[2]
    socket.sethostname(NODE)
    root = home.sandbox / "root"
    root.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", "mode=755", INIT, root)
    _system(root)
    _kernel(root)
    _devices(root / "dev")
    _configuration(root / "etc")
    for inside, outside in mounted(root, home):
        _bind(outside, inside, read_only=outside in (home.etc, home.bin))
    os.chdir(root)
    _run("pivot_root", ".", ".")  # the old root is now mounted over the new one …
    _run("umount", "--lazy", ".")  # … until it is taken off
    _run("mount", "--make-rshared", "/")  # pods' volumes: what the kubelet mounts is to be seen in containers
    os.chdir("/")
    os.execv(init, [INIT, str(home.root)])


def _system(root: Path) -> None:
    for name in ("run", "tmp", "root", "var/tmp", "mnt", "opt"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "var/tmp").chmod(0o1777)
    (root / "var/run").symlink_to("../run")
    for name in ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        source = Path("/", name)
        if source.is_symlink():
            (root / name).symlink_to(source.readlink())
        elif source.is_dir():
            _bind(source, root / name, read_only=True)


def _kernel(root: Path) -> None:
    for name, kind in (("proc", "proc"), ("sys", "sysfs")):
        (root / name).mkdir()
        _mount("-t", kind, kind, root / name)
    _run("mount", "--rbind", "/sys/fs/cgroup", str(root / "sys/fs/cgroup"))
    settings_folder = root / "run" / "shown-settings"
    settings_folder.mkdir()
    # Also a separate boot ID: it identifies data in the API server that is from this run of the node.
    for name, value in (_SHOWN_SETTINGS | {BOOT_ID: uuid.uuid4()}).items():
        if (root / "proc/sys" / name).exists():
            file = settings_folder / name.replace("/", ".")
            file.write_text(f"{value}\n")
            _bind(file, root / "proc/sys" / name)


def _devices(dev: Path) -> None:
    dev.mkdir()
    _mount("-t", "tmpfs", "-o", "mode=755", "dev", dev)
    for name, (major, minor) in _DEVICES.items():
        os.mknod(dev / name, 0o600 | stat.S_IFCHR, os.makedev(major, minor))
        (dev / name).chmod(0o600 if name == "kmsg" else 0o666)
    for name, options in (("pts", "newinstance,ptmxmode=0666,mode=620"), ("shm", "mode=1777"), ("mqueue", "")):
        (dev / name).mkdir()
        kind = {"pts": "devpts", "shm": "tmpfs", "mqueue": "mqueue"}[name]
        _mount("-t", kind, *(["-o", options] if options else []), kind, dev / name)
    (dev / "ptmx").symlink_to("pts/ptmx")
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        (dev / name).symlink_to(f"/proc/self/fd{target}")


def _configuration(etc: Path) -> None:
    etc.mkdir()
    (etc / "hostname").write_text(f"{NODE}\n")
    (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.0.1 {NODE}\n")
    (etc / "resolv.conf").write_text(
        ""
    )  # no name server: the cluster has its own, and other networks are not reachable
    (etc / "nsswitch.conf").write_text("hosts: files dns\n")
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    (etc / "group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (etc / "os-release").write_text('NAME="flink-k8s sandbox"\nID=sandbox\nPRETTY_NAME="flink-k8s sandbox"\n')
    for name in _ETC:
        source = Path("/etc", name)
        if source.exists():
            _bind(source.resolve(), etc / name, read_only=True)


def _bind(source: Path, target: Path, *, read_only: bool = False) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount("--rbind", source, target)
    if read_only:
        _mount("-o", "remount,bind,ro", target)


def _mount(*arguments: str | Path) -> None:
    _run("mount", *map(str, arguments))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
