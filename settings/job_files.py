"""Finds and reads the job files: each `*.yaml` and `*.yml` in a stack's `jobFolders`, a list of Kubernetes objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from settings.problems import KeyPath, Problem
from settings.yaml_file import Document
from settings.yaml_file import read as read_yaml

FLINK_GROUP, FLINK_VERSION = "flink.apache.org", "v1beta1"
FLINK_API = f"{FLINK_GROUP}/{FLINK_VERSION}"
CANARY = f"{FLINK_GROUP}/canary"
"""Label of an object that is there so that the operator can be watched."""

ENABLED = "flink-k8s/enabled"
"""Annotation of a job file: `"false"` leaves the job out of every stack that does not say `enabled: true` for it."""

FLINK_KINDS = ("FlinkDeployment", "FlinkSessionJob", "FlinkStateSnapshot", "FlinkBlueGreenDeployment")


@dataclass(frozen=True)
class FileObject:
    """One Kubernetes object of a job file, as it stands there.

    Attributes:
        document: where it stands.
        manifest: the object.
        root: where the object begins in the document; not empty inside a `kind: List`.
    """

    document: Document
    manifest: dict[str, object]
    root: KeyPath = ()

    @property
    def kind(self) -> str:
        """`FlinkDeployment`, `PersistentVolumeClaim` …"""
        return str(self.manifest["kind"])

    @property
    def metadata(self) -> dict[str, object]:
        """Its metadata."""
        return cast(dict[str, object], self.manifest["metadata"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.metadata["name"])

    @property
    def namespace(self) -> str | None:
        """The namespace that the file says, None when it says none."""
        namespace = self.metadata.get("namespace")
        return None if namespace is None else str(namespace)

    @property
    def is_job(self) -> bool:
        """Whether it is one of Flink's resources, in contrast to what is merely deployed with them.

        A canary, by which the operator is watched, is a FlinkDeployment without a job or even a spec: no job.
        """
        return is_flink(self.manifest) and not _is_canary(self.metadata)

    @property
    def enabled(self) -> bool | None:
        """What its annotation says of whether it is deployed; None when it says nothing."""
        said = _annotations(self.metadata).get(ENABLED)
        return None if said is None else said == "true"

    def problem(self, path: KeyPath, message: str) -> Problem:
        """A problem at that path of the object."""
        return self.document.problem((*self.root, *path), message)


def read_folders(root: Path, folders: Iterable[str]) -> tuple[list[FileObject], list[Problem]]:
    """All objects of all job files of those folders, and what is wrong with the files themselves."""
    objects: list[FileObject] = []
    problems: list[Problem] = []
    for folder in dict.fromkeys(folders):
        found, wrong = read_folder(root, folder)
        objects += found
        problems += wrong
    return objects, problems


def read_folder(root: Path, folder: str = "jobs") -> tuple[list[FileObject], list[Problem]]:
    """All objects of all job files, in the order of file names, and what is wrong with the files themselves."""
    objects: list[FileObject] = []
    problems: list[Problem] = []
    base = root / folder
    if not base.is_dir():
        return [], [Problem(folder, 0, "", "is no folder; job files are expected there")]
    for path in sorted((*base.glob("*.yaml"), *base.glob("*.yml"))):
        shown = f"{folder}/{path.name}"
        try:
            is_inside = path.resolve().is_relative_to(root.resolve())
        except (OSError, RuntimeError):  # a link to itself
            problems.append(Problem(shown, 0, "", "is a link that leads nowhere; remove it"))
            continue
        if not is_inside:
            problems.append(Problem(shown, 0, "", "is a link to a file outside of the project; copy the file here"))
            continue
        if not path.is_file():
            problems.append(Problem(shown, 0, "", "is no file; remove it or name it otherwise"))
            continue
        documents, found = read_yaml(path, shown)
        problems += found
        for document in documents:
            _split(document, document.value, (), objects, problems)
    return objects, problems


def _split(
    document: Document, value: object, root: KeyPath, objects: list[FileObject], problems: list[Problem]
) -> None:
    if not isinstance(value, dict):
        problems.append(document.problem(root, "is no Kubernetes object; it needs apiVersion, kind and metadata"))
        return
    manifest = cast(dict[str, object], value)
    if manifest.get("kind") == "List" and isinstance(manifest.get("items"), list):
        for index, item in enumerate(cast(list[object], manifest["items"])):
            _split(document, item, (*root, "items", index), objects, problems)
        return
    found = list(_shape_problems(document, manifest, root))
    problems += found
    if not found:
        objects.append(FileObject(document, manifest, root))


def is_flink(manifest: dict[str, object]) -> bool:
    """Whether the object is of Flink's API group."""
    return str(manifest["apiVersion"]).partition("/")[0] == FLINK_GROUP


def _annotations(metadata: dict[str, object]) -> dict[str, object]:
    annotations = metadata.get("annotations")
    return cast(dict[str, object], annotations) if isinstance(annotations, dict) else {}


def _is_canary(metadata: dict[str, object]) -> bool:
    labels = metadata.get("labels")
    return isinstance(labels, dict) and cast(dict[str, object], labels).get(CANARY) == "true"


def _shape_problems(document: Document, manifest: dict[str, object], root: KeyPath) -> list[Problem]:
    problems: list[Problem] = []
    for key in ("apiVersion", "kind"):
        if not isinstance(manifest.get(key), str):
            problems.append(document.problem((*root, key), "is missing or no text; every Kubernetes object has it"))
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(cast(dict[str, object], metadata).get("name"), str):
        problems.append(document.problem((*root, "metadata", "name"), "is missing or no text; give the object a name"))
    elif not isinstance(cast(dict[str, object], metadata).get("namespace", ""), str):
        problems.append(document.problem((*root, "metadata", "namespace"), "is no text; quote it"))
    if problems:
        return problems
    api, kind = str(manifest["apiVersion"]), str(manifest["kind"])
    if api.partition("/")[0] == FLINK_GROUP:
        if api != FLINK_API:
            problems.append(document.problem((*root, "apiVersion"), f"is {api}; the operator serves {FLINK_API}"))
        if kind not in FLINK_KINDS:
            problems.append(document.problem((*root, "kind"), f"is {kind}; Flink's kinds are {', '.join(FLINK_KINDS)}"))
        elif not isinstance(manifest.get("spec"), dict) and not _is_canary(cast(dict[str, object], metadata)):
            problems.append(document.problem((*root, "spec"), "is missing or no mapping; a job needs one"))
        if _annotations(cast(dict[str, object], metadata)).get(ENABLED, "true") not in ("true", "false"):
            path = (*root, "metadata", "annotations", ENABLED)
            problems.append(document.problem(path, 'is neither "true" nor "false", in quotation marks; write one'))
    return problems
