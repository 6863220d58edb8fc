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

ALLOWED_SCHEMES: Final = "kubernetes.operator.user.artifacts.allowed-schemes"
"""The operator's option with the schemes from which it downloads the jars of session jobs."""

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
        if path is None or self.settings.state_storage.type == "none":
            return None
        if not kind.has_pods and store_scheme(self.settings) not in allowed_schemes(
            self.settings.operator.configuration
        ):
            return None  # the operator downloads the jar of a session job
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        directory = job_directory(self.settings.state_storage, self.stack, namespace, name)
        uri = f"{directory.replace('file://', _LOCAL)}/jars/{sha256[:16]}/{re.sub(r'[^A-Za-z0-9._+-]', '-', path.name)}"
        self.files[uri] = JarFile(path, uri, sha256)
        return uri


def allowed_schemes(operator_configuration: Mapping[str, str]) -> list[str]:
    """The schemes from which the operator downloads the jars of session jobs."""
    schemes = re.split(r"[;,]", operator_configuration.get(ALLOWED_SCHEMES, "https"))
    return [scheme.strip().lower() for scheme in schemes if scheme.strip()]


def store_scheme(settings: StackSettings) -> str:
    """The scheme of the stack's bucket; empty for a claim, which the operator does not mount."""
    storage = settings.state_storage
    return "" if storage.type == "volume" else (storage.uri or "").partition(":")[0].lower()


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
