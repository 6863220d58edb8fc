"""The word count's module: it lies outside of the project's packages, because it is copied into an image as it is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "jobs/pyflink/src/word_count.py"


@pytest.fixture(scope="session")
def word_count() -> ModuleType:
    spec = importlib.util.spec_from_file_location("word_count", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module
