"""Manifests as `kubectl apply` accepts them are job files, with at most one line in the stack file."""

from __future__ import annotations

import pytest
import yaml

from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.problems import ProblemsError
from flink_k8s.resolve.job_spec import flat_configuration
from tests.data.public_manifests import Manifest, manifests
from tests.unit.project import Project

ALL = list(manifests())
OTHER_SPELLING = {
    "numbers-as-helm-prints-them",  # PyYAML reads `1.8e+06` as text
    "one-volume-at-two-paths",  # the process's own template contains all mounts
}


@pytest.mark.parametrize("manifest", ALL, ids=lambda manifest: manifest.name)
def test_manifest_is_a_job_file(project: Project, manifest: Manifest) -> None:
    (project.root / "jobs/word_count.yaml").unlink()
    project.job(manifest.text, "manifest.yaml")
    if manifest.stack:
        with pytest.raises(ProblemsError) as raised:
            project.load()
        assert len(raised.value.problems) == 1
        project.stack(manifest.stack)
    content = {
        (document["kind"], document["metadata"]["name"]): document["spec"]
        for document in yaml.safe_load_all(manifest.text)
        if document and document["kind"].startswith("Flink") and "spec" in document
    }
    jobs = project.load().jobs
    assert {(job.kind, job.name) for job in jobs} >= content.keys()
    for job in jobs:
        actual = flat_configuration(content.get((job.kind, job.name), {}))
        if manifest.name not in OTHER_SPELLING:
            assert merge_mappings(job.spec, actual) == job.spec, "no value is lost or changed"


def test_nine_of_ten_manifests_need_no_line_in_the_stack_file() -> None:
    lines = [manifest.lines for manifest in ALL]
    assert len({manifest.name for manifest in ALL}) == len(ALL) >= 60
    assert max(lines) == 1
    assert lines.count(0) >= 0.9 * len(ALL)
