"""Finds and reads the job files: each `*.yaml`, `*.yml` and `*.json` in a stack's `jobFolders`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flink_k8s.config.problems import JOB_FILE, KeyPath, Problem
from flink_k8s.config.yaml_file import MAX_BYTES, Document
from flink_k8s.config.yaml_file import read as read_yaml
from flink_k8s.facts.kinds import FLINK_API, FLINK_GROUP, FLINK_KINDS

CANARY = f"{FLINK_GROUP}/canary"
"""Label of an object that is there so that the operator can be watched."""

ENABLED = "flink-k8s/enabled"
"""Annotation of a job file: `"false"` leaves the job out of every stack that does not say `enabled: true` for it."""

SUFFIXES = (".yaml", ".yml", ".json")
"""Ends of the names of job files, in any case; `kubectl apply -f` reads the same."""

_MOST_UNREAD = 1_000
"""Files and folders below job folders that are looked into for Flink's resources."""


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

    def problem(self, path: KeyPath, message: str, rule: str = JOB_FILE) -> Problem:
        """A problem at that path of the object."""
        return self.document.problem((*self.root, *path), message, rule)


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
        return [], [Problem(folder, 0, "", "is no folder; job files are expected there", JOB_FILE)]
    try:
        paths = sorted(path for path in base.iterdir() if path.name.lower().endswith(SUFFIXES))
    except OSError as error:
        return [], [
            Problem(folder, 0, "", f"cannot be read: {error.strerror}; check the folder and its permissions", JOB_FILE)
        ]
    for path in paths:
        shown = f"{folder}/{path.name}"
        if path.name.startswith("."):
            continue
        try:
            is_inside = path.resolve().is_relative_to(root.resolve())
        except (OSError, RuntimeError):  # a link to itself
            problems.append(Problem(shown, 0, "", "is a link that leads nowhere; remove it", JOB_FILE))
            continue
        if not is_inside:
            problems.append(
                Problem(shown, 0, "", "is a link to a file outside of the project; copy the file here", JOB_FILE)
            )
            continue
        if not path.is_file():
            problems.append(Problem(shown, 0, "", "is no file; remove it or name it otherwise", JOB_FILE))
            continue
        documents, found = read_yaml(path, shown)
        problems += found
        for document in documents:
            _split(document, document.value, (), objects, problems)
    return objects, problems


def unread(root: Path, folders: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Path and message of each file or folder with Flink resources in a job folder that is not read."""
    folders = [str(folder) for folder in dict.fromkeys(folders)]
    read = {(root / folder).resolve() for folder in folders}
    looked = 0
    for folder in folders:
        for place, inner, names in os.walk(root / folder):
            here = Path(place)
            looked += 1
            if looked > _MOST_UNREAD:
                return
            inner[:] = sorted(
                name for name in inner if not name.startswith(".") and (here / name).resolve() not in read
            )
            is_below = here != root / folder
            found: list[str] = []
            for name in sorted(names):
                lower = name.lower()
                is_file_of_jobs = lower.endswith(SUFFIXES)
                if name.startswith(".") or is_file_of_jobs != is_below or not any(end in lower for end in SUFFIXES):
                    continue
                looked += 1
                if looked > _MOST_UNREAD:
                    return
                if _has_flink(here / name):
                    found.append(name)
            shown = here.relative_to(root).as_posix()
            if is_below and found:
                message = f"holds Flink resources ({', '.join(found[:3])}) and is not read; add {shown} to jobFolders"
                yield shown, message
            elif not is_below:
                for name in found:
                    cure = f"name it {name.lower().partition('.')[0]}.yaml if it is to be deployed"
                    yield f"{shown}/{name}", f"holds a Flink resource and is not read; {cure}"


def _has_flink(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return FLINK_API.encode() in file.read(MAX_BYTES)
    except OSError:
        return False


def _split(
    document: Document, value: object, root: KeyPath, objects: list[FileObject], problems: list[Problem]
) -> None:
    if not isinstance(value, dict):
        problems.append(
            document.problem(root, "is no Kubernetes object; it needs apiVersion, kind and metadata", JOB_FILE)
        )
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


def _is_name(name: str) -> bool:
    """Whether any kind may have it: it is a part of a URL."""
    return 0 < len(name) <= 253 and name.isprintable() and not set(name) & set("/%|`") and name not in (".", "..")


def _shape_problems(document: Document, manifest: dict[str, object], root: KeyPath) -> list[Problem]:
    problems: list[Problem] = []
    for key in ("apiVersion", "kind"):
        if not isinstance(manifest.get(key), str):
            problems.append(
                document.problem((*root, key), "is missing or no text; every Kubernetes object has it", JOB_FILE)
            )
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(cast(dict[str, object], metadata).get("name"), str):
        problems.append(
            document.problem((*root, "metadata", "name"), "is missing or no text; give the object a name", JOB_FILE)
        )
    elif not _is_name(str(cast(dict[str, object], metadata)["name"])):
        cure = "use letters, digits, - and ., 253 at most"
        problems.append(
            document.problem((*root, "metadata", "name"), f"is not a name that Kubernetes takes; {cure}", JOB_FILE)
        )
    elif not isinstance(cast(dict[str, object], metadata).get("namespace", ""), str):
        problems.append(document.problem((*root, "metadata", "namespace"), "is no text; quote it", JOB_FILE))
    if problems:
        return problems
    api, kind = str(manifest["apiVersion"]), str(manifest["kind"])
    if api.partition("/")[0] == FLINK_GROUP:
        if api != FLINK_API:
            problems.append(
                document.problem((*root, "apiVersion"), f"is {api}; the operator serves {FLINK_API}", JOB_FILE)
            )
        if kind not in FLINK_KINDS:
            problems.append(
                document.problem((*root, "kind"), f"is {kind}; Flink's kinds are {', '.join(FLINK_KINDS)}", JOB_FILE)
            )
        elif not isinstance(manifest.get("spec"), dict) and not _is_canary(cast(dict[str, object], metadata)):
            problems.append(document.problem((*root, "spec"), "is missing or no mapping; a job needs one", JOB_FILE))
        if _annotations(cast(dict[str, object], metadata)).get(ENABLED, "true") not in ("true", "false"):
            path = (*root, "metadata", "annotations", ENABLED)
            problems.append(
                document.problem(path, 'is neither "true" nor "false", in quotation marks; write one', JOB_FILE)
            )
    return problems
