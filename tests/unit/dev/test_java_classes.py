"""The Java classes that pods run are compiled from their sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.java_classes import SOURCES, compiled_digest, digest
from flink_k8s.support.paths import ROOT


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_the_class_is_compiled_from_its_source(source: Path) -> None:
    assert compiled_digest(source) == digest(source)
    assert source.with_suffix(".class").exists()


def test_every_java_source_is_compiled() -> None:
    assert sorted((ROOT / "flink_k8s").rglob("*.java")) == sorted(SOURCES)
