"""Build all parts of the sandbox: Debian packages, Go programs, images, charts."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from sandbox import debian, engine, golang, pruning, system_images
from sandbox.charts import build_cert_manager, build_chart, build_logging, build_prometheus
from sandbox.home import Home
from sandbox.images import KAFKA_JOBS, PAIRS, build_images, pair_of
from sandbox.images.kafka import Kafka
from sandbox.lock import locked


def build(
    home: Home,
    operators: Sequence[str] = (),
    *,
    cert_manager: bool = False,
    prometheus: bool = False,
    logging: bool = False,
    kafka: bool = False,
    policies: bool = False,
    pulumi: bool = False,
) -> None:
    """Build missing parts, and then delete parts that have not been used for long.

    Args:
        home: of the sandbox.
        operators: versions of the operator, each with the jobs' image of its pair; empty for the default pair.
        cert_manager: whether to build cert-manager's images and chart.
        prometheus: whether to build the images and the chart of Prometheus and its operator, and promtool.
        logging: whether to build the images and the charts of the log store and its collector.
        kafka: whether to build a Kafka broker, and the jobs' image with Flink's connector for it.
        policies: whether to build the enforcement of NetworkPolicies.
        pulumi: whether to build Pulumi; an existing build is updated in any case.

    Raises:
        Failure: a package, a program or an image cannot be built, or a version is unknown; with the reason.
    """
    pairs = [pair_of(version) for version in operators] or [PAIRS[0]]
    home.root.mkdir(parents=True, exist_ok=True)
    with locked(home.lock, "build the sandbox"):
        packages = debian.PROGRAMS | (debian.POLICIES if policies else {})
        debian.install([package for package, program in packages.items() if not _is_installed(program)])
        golang.build(home, (*golang.ALL, golang.CALICO) if policies else golang.ALL)
        system_images.build(home)
        for pair in pairs:
            build_images([recipe.name for recipe in pair.recipes], where=home)
            build_chart(pair.operator, where=home)
            os.utime(pair.operator.jars(home))  # `sandbox.pruning` reads the time of the last use
        if cert_manager:
            build_cert_manager(where=home)
        if prometheus:
            build_prometheus(where=home)
        if logging:
            build_logging(where=home)
        if kafka:
            build_images([Kafka().name, KAFKA_JOBS.name], where=home)
        if pulumi or engine.is_built(home):
            engine.install(home)
        pruning.prune(home)


def _is_installed(programs: tuple[str, ...]) -> bool:
    return any(Path(program).exists() if "/" in program else shutil.which(program) for program in programs)
