"""The component package: the engine starts it for programs in other languages, and for its schema."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flink_k8s.components.component_package import serve

if __name__ == "__main__":
    serve(sys.argv[1:])
