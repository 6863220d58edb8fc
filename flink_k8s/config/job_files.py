"""Reads the job files: every `*.yaml`, `*.yml`, `*.json` and `*.sql` in a stack's `jobFolders`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flink_k8s.config import sql_file
from flink_k8s.config.live_objects import without_live_fields
from flink_k8s.config.problems import JOB_FILE, KeyPath, Problem, nearest
from flink_k8s.config.sql_file import SqlFile
from flink_k8s.config.yaml_file import MAX_BYTES, Document
from flink_k8s.config.yaml_file import read as read_yaml
from flink_k8s.facts.kinds import FLINK_API, FLINK_GROUP, FLINK_KINDS, FlinkKind

CANARY = f"{FLINK_GROUP}/canary"
"""Label of an object that exists to monitor the operator."""

ENABLED = "flink-k8s/enabled"
"""Annotation of a job: `"false"` excludes the job from every stack that does not set `enabled: true` for it."""

SUFFIXES = (".yaml", ".yml", ".json")
"""Suffixes of job files with objects, in any case; `kubectl apply -f` reads the same files."""

_IN_FOLDER = "set apiVersion, kind and metadata, or move it out of the job folder"
_IN_PROGRAM = "pass a mapping with apiVersion, kind and metadata; text in YAML must be parsed first"
"""Remedies for a value that is not an object: in a job file, and in an argument of a component."""

_MOST_UNREAD = 1_000
"""Maximum number of unread files and folders that are searched for Flink resources."""


@dataclass(frozen=True)
class FileObject:
    """One Kubernetes object of a job file, as it is written.

    Attributes:
        document: contains the object.
        manifest: the object.
        root: path of the object in the document; not empty in a `kind: List`.
        live_fields: paths of the fields of the cluster in the file, which the manifest lacks.
        sql: the SQL file that the object was created from; None for a file with objects.
    """

    document: Document
    manifest: dict[str, object]
    root: KeyPath = ()
    live_fields: tuple[str, ...] = ()
    sql: SqlFile | None = None

    @property
    def kind(self) -> str:
        """The object's kind: `FlinkDeployment`, `PersistentVolumeClaim` …"""
        return str(self.manifest["kind"])

    @property
    def metadata(self) -> dict[str, object]:
        """The object's metadata."""
        return cast(dict[str, object], self.manifest["metadata"])

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.metadata["name"])

    @property
    def namespace(self) -> str | None:
        """The namespace in the file; None if the file sets none."""
        namespace = self.metadata.get("namespace")
        return None if namespace is None else str(namespace)

    @property
    def is_job(self) -> bool:
        """Whether the object is a Flink resource, in contrast to objects that are deployed with Flink resources.

        A canary, which monitors the operator, is a FlinkDeployment without a job or even a spec, and not a job.
        """
        return is_flink(self.manifest) and not _is_canary(self.metadata)

    @property
    def enabled(self) -> bool | None:
        """Value of the annotation `flink-k8s/enabled`; None if it is not set."""
        value = _annotations(self.metadata).get(ENABLED)
        return None if value is None else value == "true"

    def problem(self, path: KeyPath, message: str, rule: str = JOB_FILE) -> Problem:
        """A problem at the path of the object."""
        return self.document.problem((*self.root, *path), message, rule)


def read_folders(root: Path, folders: Iterable[str]) -> tuple[list[FileObject], list[Problem]]:
    """All objects of all job files in the folders, and the problems of the files themselves."""
    objects: list[FileObject] = []
    problems: list[Problem] = []
    for folder in dict.fromkeys(folders):
        folder_objects, folder_problems = read_folder(root, folder)
        objects += folder_objects
        problems += folder_problems
    return objects, problems


def read_folder(root: Path, folder: str = "jobs") -> tuple[list[FileObject], list[Problem]]:
    """All objects of all job files in the order of file names, and the problems of the files themselves."""
    objects: list[FileObject] = []
    problems: list[Problem] = []
    base = root / folder
    if not base.is_dir():
        return [], [Problem(folder, 0, "", "is not a folder; create it, or correct jobFolders", JOB_FILE)]
    try:
        paths = sorted(path for path in base.iterdir() if path.name.lower().endswith((*SUFFIXES, sql_file.SUFFIX)))
    except OSError as error:
        return [], [
            Problem(folder, 0, "", f"cannot be read: {error.strerror}; check the folder and its permissions", JOB_FILE)
        ]
    for path in paths:
        name = f"{folder}/{path.name}"
        if path.name.startswith("."):
            continue
        try:
            is_inside = path.resolve().is_relative_to(root.resolve())
        except (OSError, RuntimeError):  # a link to itself
            problems.append(Problem(name, 0, "", "is a broken link; remove it", JOB_FILE))
            continue
        if not is_inside:
            problems.append(
                Problem(name, 0, "", "is a link to a file outside of the project; copy the file here", JOB_FILE)
            )
            continue
        if not path.is_file():
            problems.append(Problem(name, 0, "", "is not a file; remove or rename it", JOB_FILE))
            continue
        if path.suffix.lower() == sql_file.SUFFIX:
            sql, file_problems = sql_file.read(path, name)
            problems += file_problems
            if sql is not None:
                _add_sql(sql, objects, problems)
            continue
        documents, file_problems = read_yaml(path, name)
        problems += file_problems
        refused = {(problem.line, problem.path) for problem in file_problems}
        shape_problems: list[Problem] = []
        for document in documents:
            _split(document, document.value, (), objects, shape_problems)
        problems += [problem for problem in shape_problems if (problem.line, problem.path) not in refused]
    return objects, problems


def of_manifests(title: str, manifests: object) -> tuple[list[FileObject], list[Problem]]:
    """The objects of a program, and their problems.

    Args:
        title: of the objects in problems.
        manifests: an object, or a list of objects.
    """
    objects: list[FileObject] = []
    problems: list[Problem] = []
    document = Document(title, manifests, {})
    if isinstance(manifests, list):
        for index, item in enumerate(cast("list[object]", manifests)):
            _split(document, item, (index,), objects, problems, remedy=_IN_PROGRAM)
    else:
        _split(document, manifests, (), objects, problems, remedy=_IN_PROGRAM)
    return objects, problems


def of_script(title: str, name: str, script: str) -> tuple[list[FileObject], list[Problem]]:
    """The SQL job of a program, and its problems.

    Args:
        title: of the script in problems.
        name: of the job.
        script: the text of a SQL file.
    """
    objects: list[FileObject] = []
    sql, problems = sql_file.parse_script(script, name, title)
    if sql is not None:
        _add_sql(sql, objects, problems)
    return objects, problems


def _add_sql(sql: SqlFile, objects: list[FileObject], problems: list[Problem]) -> None:
    document = Document(sql.file, _sql_manifest(sql), {(): sql.header_line})
    _split(document, document.value, (), objects, problems, sql)


def unread(root: Path, folders: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Path and message of each file or folder with Flink resources in a job folder that is not read."""
    folders = [str(folder) for folder in dict.fromkeys(folders)]
    read = {(root / folder).resolve() for folder in folders}
    count = 0
    for folder in folders:
        for directory, subfolders, names in os.walk(root / folder):
            path = Path(directory)
            count += 1
            if count > _MOST_UNREAD:
                return
            subfolders[:] = sorted(
                name for name in subfolders if not name.startswith(".") and (path / name).resolve() not in read
            )
            is_below = path != root / folder
            unread_files: list[str] = []
            for name in sorted(names):
                lower = name.lower()
                has_suffix = lower.endswith(SUFFIXES)
                if name.startswith(".") or has_suffix != is_below or not any(end in lower for end in SUFFIXES):
                    continue
                count += 1
                if count > _MOST_UNREAD:
                    return
                if _has_flink(path / name):
                    unread_files.append(name)
            relative = path.relative_to(root).as_posix()
            if is_below and unread_files:
                message = (
                    f"contains Flink resources ({', '.join(unread_files[:3])}) but is not read; add {relative} "
                    "to jobFolders"
                )
                yield relative, message
            elif not is_below:
                for name in unread_files:
                    remedy = f"rename it to {name.lower().partition('.')[0]}.yaml to deploy it"
                    yield f"{relative}/{name}", f"contains a Flink resource but is not read; {remedy}"


def _has_flink(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return FLINK_API.encode() in file.read(MAX_BYTES)
    except OSError:
        return False


def _sql_manifest(sql: SqlFile) -> dict[str, object]:
    """The Flink resource of a SQL file, whose spec is merged from the settings of the file."""
    metadata: dict[str, object] = {"name": sql.name}
    if sql.settings.namespace is not None:
        metadata["namespace"] = sql.settings.namespace
    if sql.settings.enabled is not None:
        metadata["annotations"] = {ENABLED: str(sql.settings.enabled).lower()}
    kind, spec = FlinkKind.DEPLOYMENT, dict[str, object](job={})
    if sql.session_cluster is not None:
        kind, spec = FlinkKind.SESSION_JOB, dict[str, object](deploymentName=sql.session_cluster, job={})
    return {"apiVersion": FLINK_API, "kind": kind.value, "metadata": metadata, "spec": spec}


def _split(
    document: Document,
    value: object,
    root: KeyPath,
    objects: list[FileObject],
    problems: list[Problem],
    sql: SqlFile | None = None,
    remedy: str = _IN_FOLDER,
) -> None:
    manifest = cast(dict[str, object], value) if isinstance(value, dict) else {}
    if not manifest.keys() & {"apiVersion", "kind", "metadata"}:
        problems.append(document.problem(root, f"is not a Kubernetes object; {remedy}", JOB_FILE))
        return
    if manifest.get("kind") == "List" and isinstance(manifest.get("items"), list):
        for index, item in enumerate(cast(list[object], manifest["items"])):
            _split(document, item, (*root, "items", index), objects, problems, remedy=remedy)
        return
    shape_problems = list(_shape_problems(document, manifest, root))
    problems += shape_problems
    if not shape_problems:
        stripped, live_fields = without_live_fields(manifest)
        objects.append(FileObject(document, stripped, root, live_fields, sql))


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
    """Whether Kubernetes accepts the name for at least one kind: it is a part of a URL."""
    return 0 < len(name) <= 253 and name.isprintable() and not set(name) & set("/%|`") and name not in (".", "..")


def _has_no_template(spec: dict[str, object]) -> bool:
    """Whether the spec of a blue/green deployment contains the fields of a FlinkDeployment instead of a template."""
    return "template" not in spec and bool({"image", "flinkVersion", "jobManager", "taskManager", "job"} & spec.keys())


def _no_text(value: object, remedy: str) -> str:
    if isinstance(value, bool | int | float):
        shown = str(value).lower()
        return f'is {shown}, which is not text; quote it: "{shown}"'
    return f"is missing or not text; {remedy}"


def _shape_problems(document: Document, manifest: dict[str, object], root: KeyPath) -> list[Problem]:
    problems: list[Problem] = []
    for key in ("apiVersion", "kind"):
        if not isinstance(manifest.get(key), str):
            problems.append(document.problem((*root, key), _no_text(manifest.get(key), "set it"), JOB_FILE))
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(cast(dict[str, object], metadata).get("name"), str):
        name = cast(dict[str, object], metadata).get("name") if isinstance(metadata, dict) else None
        problems.append(document.problem((*root, "metadata", "name"), _no_text(name, "set a name"), JOB_FILE))
    elif not _is_name(str(cast(dict[str, object], metadata)["name"])):
        remedy = "use letters, digits, - and ., 253 characters at most"
        problems.append(
            document.problem((*root, "metadata", "name"), f"is not a name that Kubernetes accepts; {remedy}", JOB_FILE)
        )
    elif not isinstance(cast(dict[str, object], metadata).get("namespace", ""), str):
        message = "is not text; set a namespace, or remove it"
        problems.append(document.problem((*root, "metadata", "namespace"), message, JOB_FILE))
    if problems:
        return problems
    api, kind = str(manifest["apiVersion"]), str(manifest["kind"])
    if api.partition("/")[0] == FLINK_GROUP:
        if api != FLINK_API:
            problems.append(
                document.problem(
                    (*root, "apiVersion"), f"is {api}, which the operator does not serve; write {FLINK_API}", JOB_FILE
                )
            )
        if kind not in FLINK_KINDS:
            problems.append(
                document.problem(
                    (*root, "kind"),
                    f"is {kind}, which is not a kind of Flink; {nearest(kind, list(FLINK_KINDS))}",
                    JOB_FILE,
                )
            )
        elif not isinstance(manifest.get("spec"), dict) and not _is_canary(cast(dict[str, object], metadata)):
            problems.append(
                document.problem((*root, "spec"), "is missing or not a mapping; set the spec of the job", JOB_FILE)
            )
        elif kind == FlinkKind.BLUE_GREEN and _has_no_template(cast(dict[str, object], manifest.get("spec") or {})):
            message = "has no template; write the spec of the FlinkDeployments in spec.template.spec"
            problems.append(document.problem((*root, "spec"), message, JOB_FILE))
        if _annotations(cast(dict[str, object], metadata)).get(ENABLED, "true") not in ("true", "false"):
            path = (*root, "metadata", "annotations", ENABLED)
            problems.append(
                document.problem(path, 'is not a valid value; write "true" or "false", in quotation marks', JOB_FILE)
            )
    return problems
