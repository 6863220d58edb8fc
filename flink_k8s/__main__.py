"""`python -m flink_k8s`."""

from __future__ import annotations

import sys

from flink_k8s.cli.main import main

sys.exit(main())
