"""Build OCI images from folders, and export them for containerd. Standard library only.

A store is a folder, `$FLINK_K8S_HOME/images`, that contains each blob (a layer, a configuration, a manifest) once, for
all images that use it:

    blobs/sha256/<hex>     the content, layers as plain (not compressed) tar files
    layers/<key>.json      the layer that `add_layer` created for the key: {"digest", "size"}; its mtime is the last use
    <name>.json            one image: {"name", "digest" of its manifest}; `/` and `:` of the name are `_` here

Build an image:

    store = image.Store(home.images)
    base = store.layer(key) or store.add_layer(key, lay_out_a_root_folder())
    store.write_image("pyflink:dev", [base, job], entrypoint=["/docker-entrypoint.sh"], env={"LANG": "C.UTF-8"})

Builds are reproducible: entries are sorted, times are 0. `python -m sandbox up` imports every image of the store that
is not in the cluster yet (`sandbox.containerd.import_images`). A second `write_image` of a name replaces the first.
Every write is atomic, so a killed build leaves nothing incomplete; concurrent builds need the build lock
(`sandbox.lock`).
"""

import hashlib
import json
import os
import platform
import stat
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

_OCI = "application/vnd.oci.image."
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Layer:
    """A layer in the store: `digest` as `sha256:<hex>` of the tar file, `size` in bytes."""

    digest: str
    size: int


@dataclass(frozen=True)
class Image:
    """An image in the store: its full name (`docker.io/library/pyflink:dev`) and its manifest's digest."""

    name: str
    digest: str


def full_name(name: str) -> str:
    """The complete name, as in Kubernetes: `pyflink:dev` is `docker.io/library/pyflink:dev`."""
    first, _, rest = name.partition("/")
    if not rest:
        name = "docker.io/library/" + name
    elif not ("." in first or ":" in first or first == "localhost"):
        name = "docker.io/" + name
    return name if ":" in name.rsplit("/", 1)[-1] else name + ":latest"


def architecture() -> str:
    """This machine's architecture in OCI's notation, `amd64` or `arm64`."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


class Store:
    """The images of a folder; see the module for its layout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blobs = folder / "blobs" / "sha256"

    def blob(self, digest: str) -> Path:
        """The path of the blob with a digest (`sha256:<hex>`)."""
        return self._blobs / digest.removeprefix("sha256:")

    def layer(self, key: str) -> Layer | None:
        """The layer that was added with the key; None if there is none."""
        path = self.folder / "layers" / f"{key}.json"
        record = _read_json(path)
        if record is None:
            return None
        os.utime(path)
        layer = Layer(str(record["digest"]), int(str(record["size"])))
        return layer if self.blob(layer.digest).exists() else None

    def add_layer(self, key: str, root: Path, *, owner: tuple[int, int] | None = None) -> Layer:
        """Add the contents of a folder as a layer.

        `key` identifies the sources of the layer (a name and a hash, valid in a file name). `owner` is the user and
        group ID of every file; by default they are those on disk. Sockets are left out.
        """
        self._blobs.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._blobs, prefix=".part-", delete=False) as part:
            hashed = _Hashed(cast(BinaryIO, part))
            try:
                _write_tar(root, hashed, owner)
            except BaseException:
                Path(part.name).unlink()
                raise
        layer = Layer("sha256:" + hashed.digest.hexdigest(), hashed.size)
        _put(Path(part.name), self.blob(layer.digest))
        _write_json(self.folder / "layers" / f"{key}.json", {"digest": layer.digest, "size": layer.size})
        return layer

    def write_image(
        self,
        name: str,
        layers: Sequence[Layer],
        *,
        entrypoint: Sequence[str] = (),
        cmd: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        workdir: str = "",
        user: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> Image:
        """Create an image with a short or full name from layers, the lowest first.

        The other arguments are the configuration as in a Dockerfile; `env` gets a default PATH; `user` is
        `uid:gid` or a name.
        """
        variables = {"PATH": _PATH} | dict(env or {})
        config = {
            "Env": [f"{key}={value}" for key, value in variables.items()],
            "Entrypoint": list(entrypoint),
            "Cmd": list(cmd),
            "WorkingDir": workdir,
            "User": user,
            "Labels": dict(labels or {}),
        }
        config_blob = self._add_json(
            {
                "architecture": architecture(),
                "os": "linux",
                "config": {key: value for key, value in config.items() if value},
                "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            }
        )
        manifest = self._add_json(
            {
                "schemaVersion": 2,
                "mediaType": _OCI + "manifest.v1+json",
                "config": _descriptor("config.v1+json", config_blob),
                "layers": [_descriptor("layer.v1.tar", layer) for layer in layers],
            }
        )
        image = Image(full_name(name), manifest.digest)
        file_name = image.name.replace("/", "_").replace(":", "_") + ".json"
        _write_json(self.folder / file_name, {"name": image.name, "digest": image.digest})
        return image

    def images(self) -> list[Image]:
        """Every image of the store, by name."""
        records = (_read_json(path) for path in self.folder.glob("*.json"))
        images = (Image(str(record["name"]), str(record["digest"])) for record in records if record is not None)
        return sorted(images, key=lambda image: image.name)

    def parts(self, image: Image) -> list[Layer]:
        """The blobs of an image: manifest, configuration and layers, in this order, each once."""
        manifest_path = self.blob(image.digest)
        manifest = _read_json(manifest_path)
        if manifest is None:
            raise FileNotFoundError(f"image {image.name}: its manifest {image.digest} is not in {self.folder}")
        described = [cast(dict[str, object], manifest["config"]), *cast(list[dict[str, object]], manifest["layers"])]
        blobs = [Layer(image.digest, manifest_path.stat().st_size)]
        blobs += [Layer(str(entry["digest"]), int(str(entry["size"]))) for entry in described]
        return list(dict.fromkeys(blobs))

    def index(self, image: Image) -> dict[str, object]:
        """The `index.json` of an OCI archive with only this image."""
        annotations = {
            "io.containerd.image.name": image.name,
            "org.opencontainers.image.ref.name": image.name.rsplit(":", 1)[1],
        }
        manifest = Layer(image.digest, self.blob(image.digest).stat().st_size)
        entry = _descriptor("manifest.v1+json", manifest) | {"annotations": annotations}
        return {"schemaVersion": 2, "manifests": [entry]}

    def prune(self, before: float) -> int:
        """Delete unreferenced layers whose keys were last used before a time (seconds since the epoch).

        Also deletes unreferenced manifests and configurations of that age; returns the number of freed bytes.
        """
        named = {blob.digest for image in self.images() for blob in self.parts(image)}
        for path in self.folder.glob("layers/*.json"):
            digest = str((_read_json(path) or {}).get("digest"))
            if path.stat().st_mtime < before and digest not in named:
                path.unlink()
            else:
                named.add(digest)
        freed = 0
        for path in self._blobs.glob("*"):
            # A recent blob may belong to an image that is being imported and whose name another build has replaced.
            if "sha256:" + path.name not in named and path.stat().st_mtime < before:
                freed += path.stat().st_size
                path.unlink()
        return freed

    def _add_json(self, value: object) -> Layer:
        data = json.dumps(value, sort_keys=True).encode()
        blob = Layer("sha256:" + hashlib.sha256(data).hexdigest(), len(data))
        _write_atomically(self.blob(blob.digest), data)
        return blob


def write_archive(store: Store, image: Image, output: BinaryIO, *, without: Iterable[str] = ()) -> None:
    """Write the image as an OCI archive (a tar stream), without the blobs whose digests are in `without`."""
    left_out = set(without)
    with tarfile.open(fileobj=output, mode="w|", format=tarfile.USTAR_FORMAT, bufsize=_CHUNK) as archive:
        for blob in store.parts(image):
            if blob.digest not in left_out:
                with store.blob(blob.digest).open("rb") as file:
                    _add(archive, "blobs/sha256/" + blob.digest.removeprefix("sha256:"), blob.size, file)
        for name, value in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", store.index(image))):
            data = json.dumps(value, sort_keys=True).encode()
            with tempfile.SpooledTemporaryFile(max_size=_CHUNK) as file:
                file.write(data)
                file.seek(0)
                _add(archive, name, len(data), cast(BinaryIO, file))


class _Hashed:
    """A writable file that calculates the digest and the size of its content."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)


def _write_tar(root: Path, output: _Hashed, owner: tuple[int, int] | None) -> None:
    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime = 0
        member.uname = member.gname = ""
        if owner is not None:
            member.uid, member.gid = owner
        return member

    # A stream ("w|") never seeks, so that it is written and hashed in one pass.
    with tarfile.open(fileobj=cast(BinaryIO, output), mode="w|", format=tarfile.PAX_FORMAT, bufsize=_CHUNK) as tar:
        for folder, folders, files in os.walk(root):
            folders.sort()
            for path in (Path(folder, name) for name in sorted(folders + files)):
                if not stat.S_ISSOCK(path.lstat().st_mode):
                    tar.add(path, str(path.relative_to(root)), recursive=False, filter=plain)


def _add(archive: tarfile.TarFile, name: str, size: int, file: BinaryIO) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    archive.addfile(member, file)


def _descriptor(media_type: str, blob: Layer) -> dict[str, object]:
    return {"mediaType": _OCI + media_type, "digest": blob.digest, "size": blob.size}


def _read_json(path: Path) -> dict[str, object] | None:
    try:
        return cast(dict[str, object], json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


def _write_json(path: Path, value: object) -> None:
    _write_atomically(path, json.dumps(value, sort_keys=True).encode() + b"\n")


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as part:
        part.write(data)
    _put(Path(part.name), path)


def _put(part: Path, path: Path) -> None:
    part.chmod(0o644)
    part.replace(path)
