"""The jar of a job: Maven coordinates become a URL, and a file of the project becomes its URI in the stack's store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flink_k8s.config.merge import merged_with_nulls
from flink_k8s.config.model import StackSettings
from flink_k8s.facts.artifacts import Artifact
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve.job_spec import in_template, job_of
from flink_k8s.resolve.state_storage import job_directory

MAVEN: Final = "maven:"
"""Scheme of a `jarURI` with Maven coordinates."""

RAW_HTTP: Final = "user.artifacts.raw-http-enabled"
"""The option with which Flink downloads a jar by http."""

_LOCAL: Final = "local://"


@dataclass(frozen=True)
class JarFile:
    """A jar in the project that is uploaded to the stack's store.

    Attributes:
        path: of the file.
        uri: of the uploaded file, as in `jarURI`.
        sha256: of the content, hexadecimal.
    """

    path: Path
    uri: str
    sha256: str

    @property
    def target(self) -> str:
        """URI of the uploaded file for Flink's file systems, which do not know `local://`."""
        return f"file://{self.uri.removeprefix(_LOCAL)}" if self.uri.startswith(_LOCAL) else self.uri


@dataclass(frozen=True)
class Jars:
    """The jars of a stack's jobs.

    Attributes:
        root: the project.
        settings: of the stack.
        stack: the stack's name.
        files: the jars of the project that jobs use, by their URI.
    """

    root: Path
    settings: StackSettings
    stack: str
    files: dict[str, JarFile] = field(default_factory=dict[str, JarFile])

    def with_uri(self, kind: FlinkKind, namespace: str, name: str, spec: Mapping[str, object]) -> Mapping[str, object]:
        """The part of a job's spec with the final URI of its jar. What cannot be resolved remains, and is an error.

        Args:
            kind: of the resource.
            namespace: of the resource.
            name: of the resource.
            spec: of one source.
        """
        written = (job_of(spec) or {}).get("jarURI")
        uri = self._uri(kind, namespace, name, written) if isinstance(written, str) else None
        return merged_with_nulls(spec, in_template(kind, {"job": {"jarURI": uri}})) if uri else spec

    def _uri(self, kind: FlinkKind, namespace: str, name: str, written: str) -> str | None:
        if written.startswith(MAVEN):
            artifact = Artifact.parse(written.removeprefix(MAVEN))
            # Nothing compares a digest of this jar.
            return artifact.url(self.settings.repository) if artifact is not None and not artifact.sha256 else None
        path = project_file(self.root, written)
        # The operator downloads the jar of a session job, and has neither the store's plugin nor its credentials.
        if path is None or not kind.has_pods or self.settings.state_storage.type == "none":
            return None
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        directory = job_directory(self.settings.state_storage, self.stack, namespace, name)
        uri = f"{directory.replace('file://', _LOCAL)}/jars/{sha256[:16]}/{re.sub(r'[^A-Za-z0-9._+-]', '-', path.name)}"
        self.files[uri] = JarFile(path, uri, sha256)
        return uri


def is_relative(uri: str) -> bool:
    """Whether a `jarURI` is the path of a file of the project."""
    return bool(uri) and ":" not in uri and not uri.startswith("/")


def project_file(root: Path, uri: str) -> Path | None:
    """The file of the project that a `jarURI` names; None if there is none."""
    if not is_relative(uri) or not uri.isprintable():
        return None
    path = (root / uri).resolve()
    return path if path.is_relative_to(root.resolve()) and path.is_file() else None


def derived_options(kind: FlinkKind, spec: Mapping[str, object], repository: str) -> dict[str, object]:
    """The derived part of a spec whose jar is in a repository without TLS: Flink refuses http by default."""
    uri = str((job_of(spec) or {}).get("jarURI"))
    is_http = repository.startswith("http://") and uri.startswith(f"{repository.rstrip('/')}/")
    return in_template(kind, {"flinkConfiguration": {RAW_HTTP: "true"}}) if is_http and kind.has_pods else {}
