"""The jar of a job: Maven coordinates become the URL of the jar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flink_k8s.config.merge import merged_with_nulls
from flink_k8s.facts.artifacts import Artifact
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve.job_spec import in_template, job_of

MAVEN: Final = "maven:"
"""Scheme of a `jarURI` with Maven coordinates."""

RAW_HTTP: Final = "user.artifacts.raw-http-enabled"
"""The option with which Flink downloads a jar by http."""


def with_url(kind: FlinkKind, spec: Mapping[str, object], repository: str) -> Mapping[str, object]:
    """The part of a spec with the URL of its jar instead of Maven coordinates.

    Nothing compares a digest of this jar, so coordinates with a digest remain, and are an error.
    """
    uri = (job_of(spec) or {}).get("jarURI")
    artifact = Artifact.parse(uri.removeprefix(MAVEN)) if isinstance(uri, str) and uri.startswith(MAVEN) else None
    if artifact is None or artifact.sha256:
        return spec
    return merged_with_nulls(spec, in_template(kind, {"job": {"jarURI": artifact.url(repository)}}))


def derived_access(kind: FlinkKind, spec: Mapping[str, object], repository: str) -> dict[str, object]:
    """The derived part of a spec whose jar is in a repository without TLS: Flink refuses http by default."""
    uri = str((job_of(spec) or {}).get("jarURI"))
    is_http = repository.startswith("http://") and uri.startswith(f"{repository.rstrip('/')}/")
    return in_template(kind, {"flinkConfiguration": {RAW_HTTP: "true"}}) if is_http and kind.has_pods else {}
