"""Prometheus' images and the definitions that its operator prints, with programs that only pretend."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from sandbox.home import Home
from sandbox.image import Store
from sandbox.images import prometheus
from sandbox.report import Failure

DEFINITION = """\
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations: {}
  name: {kind}.monitoring.coreos.com
spec: {}
"""


def pretend(home: Home, printed: str, code: int = 0) -> None:
    """The operator's programs, as if they were built."""
    folder = prometheus.OPERATOR_MODULE.programs(home)
    folder.mkdir(parents=True)
    (folder / "definitions").write_text(printed)
    for name in prometheus.OPERATOR_MODULE.packages:
        script = f'#!/bin/sh\ncat "{folder}/definitions"\n[ "$1" = crds ] && exit {code}\n'
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)


def printed(*kinds: str) -> str:
    return "".join(DEFINITION.replace("{kind}", kind) for kind in kinds)


def test_crds_are_those_that_prometheus_needs(tmp_path: Path) -> None:
    home = Home(tmp_path)
    pretend(home, printed("alertmanagers", *prometheus.KINDS, "thanosrulers"))
    definitions = prometheus.definitions(home)
    assert set(definitions) == {f"{kind}.yaml" for kind in prometheus.KINDS}
    assert definitions["probes.yaml"] == printed("probes").removeprefix("---\n").encode()


def test_a_missing_kind_is_an_error(tmp_path: Path) -> None:
    home = Home(tmp_path)
    pretend(home, printed(*(kind for kind in prometheus.KINDS if kind != "podmonitors")))
    with pytest.raises(Failure, match="printed no definition of podmonitors"):
        prometheus.definitions(home)


def test_an_operator_without_crds_is_an_error(tmp_path: Path) -> None:
    home = Home(tmp_path)
    pretend(home, "no such command", code=1)
    with pytest.raises(Failure, match="crds failed: no such command"):
        prometheus.definitions(home)


def test_an_image_has_its_program_in_the_official_path(tmp_path: Path) -> None:
    """The operator starts the reloader by that path."""
    home = Home(tmp_path)
    pretend(home, "")
    (reloader,) = [image for image in prometheus.IMAGES if image.program == "prometheus-config-reloader"]
    built = reloader.build(home)
    assert built.name == f"docker.io/library/prometheus-config-reloader:{prometheus.OPERATOR_MODULE.version}"
    assert reloader.build(home) == built
    store = Store(home.images)
    layer = store.parts(built)[-1]

    with tarfile.open(store.blob(layer.digest)) as tar:
        members = {member.name: member for member in tar.getmembers()}
    assert set(members) == {"bin", "bin/prometheus-config-reloader", "tmp"}
    assert members["bin/prometheus-config-reloader"].mode & 0o111
