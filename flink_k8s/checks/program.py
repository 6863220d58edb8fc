"""The program of a job: the scheme of its jar, PyFlink and its image, and modes in which Flink does not start."""

from __future__ import annotations

import re

from flink_k8s.checks.subject import Subject
from flink_k8s.facts import versions
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.resolve.job_jar import RAW_HTTP, is_relative

OFFICIAL_IMAGE = re.compile(r"(?:docker\.io/)?(?:library/|apache/)?flink(?:[:@].*)?")
_PYTHON_DRIVER = "org.apache.flink.client.python.PythonDriver"
_PYTHON_JAR = re.compile(r"flink-python(?:_[\d.]+)?-(\d+\.\d+)[.\d]*\S*\.jar")
_REMOTE_JARS = (1, 19)
"""The first Flink version that fetches the jar of an application."""


def check(subject: Subject) -> None:
    """Check the program of an application cluster, and the scheduler."""
    effective = subject.effective_job
    scheduler = effective.option("scheduler-mode")
    if scheduler is not None and scheduler.text.strip().lower() == "reactive" and not effective.is_standalone:
        message = "is reactive, with which Flink does not start in native mode; remove it and use the autoscaler, or"
        subject.report_spec("flink-startup", scheduler.path, f"{message} set mode: standalone")
    if subject.flink_job is None:
        return
    _jar(subject)
    _python(subject)


def _jar(subject: Subject) -> None:
    job = subject.flink_job or {}
    uri = job.get("jarURI")
    if not isinstance(uri, str) or subject.effective_job.is_standalone:
        return
    scheme = uri.partition(":")[0].lower() if ":" in uri else ""
    version = subject.flink_version
    path = ("job", "jarURI")
    if scheme == "" and is_relative(uri) and subject.declared is not None:
        if not (subject.settings and subject.settings.state_storage.type != "none"):
            message = f'is "{uri}", a file of the project, and no store to upload it to; set stateStorage'
        else:
            message = f'is "{uri}", which does not exist in the project; build it, or write a URI (docs/jobs.md)'
        subject.report_spec("flink-startup", path, message)
    if scheme in ("", "local"):
        return
    if scheme == "maven":
        remedy = "write maven:group:artifact:version, or maven:group:artifact:version:classifier"
        subject.report_spec("flink-startup", path, f'is "{uri}", which are not the coordinates of a jar; {remedy}')
        return
    if version and tuple(map(int, version.split("."))) < _REMOTE_JARS:
        message = f"has the scheme {scheme}, but Flink {version} starts applications from local:// only"
        subject.report_spec("flink-startup", path, f"{message}; add the jar to the image")
        return
    if not versions.operator_version(subject.operator).starts_remote_jars:
        message = f"has the scheme {scheme}, but operator {subject.operator} starts applications from local:// only"
        subject.report_spec(
            "flink-startup", path, f"{message}; use operator 1.10 or newer, or add the jar to the image"
        )
        return
    raw_http = subject.effective_job.option(RAW_HTTP)
    if scheme == "http" and not (raw_http is not None and raw_http.is_true):
        message = f'has the scheme http, which Flink refuses; use https, or set {RAW_HTTP}: "true"'
        subject.report_spec("flink-startup", path, message)


def _python(subject: Subject) -> None:
    job = subject.flink_job or {}
    jar = _PYTHON_JAR.search(str(job.get("jarURI")))
    if job.get("entryClass") != _PYTHON_DRIVER and jar is None:
        return
    arguments = [str(argument) for argument in listed(job.get("args"))]
    if job.get("entryClass") == _PYTHON_DRIVER and not any(
        argument.lstrip("-").partition("=")[0] in ("py", "python", "pym", "pyModule") for argument in arguments
    ):
        subject.report_spec("flink-startup", ("job", "args"), "has neither -py nor -pym; set the file or the module")
    image = subject.effective_job.image
    if image is not None and OFFICIAL_IMAGE.fullmatch(image.text):
        message = "is Flink's own image, which has no Python; build an image with PyFlink (docs/jobs.md)"
        subject.report_spec("flink-startup", image.path, message)
    if jar is not None and subject.flink_version and jar.group(1) != subject.flink_version:
        written = mapping(subject.spec).get("flinkVersion")
        message = f"contains Flink {jar.group(1)}, but flinkVersion is {written}; use the same version"
        subject.report_spec("flink-version", ("job", "jarURI"), message)
