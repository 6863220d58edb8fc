"""The size of JobManager and TaskManagers: the operator's rules, and what Flink refuses that the operator takes."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from flink_k8s.checks.subject import Subject
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts import flink_memory
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import limit_factor, quantity, resource_memory
from flink_k8s.resolve.pod_requests import size

Follows = Callable[[dict[str, str]], None]
"""Raises ValueError when the memory of a process does not follow from that configuration."""


def check(subject: Subject) -> None:
    """Memory is set or follows from Flink's configuration, every size is valid, and Flink starts with it."""
    for process, follows in (("jobManager", flink_memory.job_manager), ("taskManager", flink_memory.task_manager)):
        fields = mapping(subject.spec.get(process))
        resource, resources = mapping(fields.get("resource")), mapping(fields.get("resources"))
        requests, limits = mapping(resources.get("requests")), mapping(resources.get("limits"))
        memory = resource.get("memory")
        said = str(memory if memory is not None else "").strip() or requests.get("memory") is not None
        if not said and limits.get("memory") is None:
            _must_follow(subject, process, follows)
        else:
            _must_suffice(subject, process, follows)
        if memory is not None:
            _read(subject, (process, "resource", "memory"), str(memory), resource_memory)
        if resource.get("ephemeralStorage") is not None:
            path = (process, "resource", "ephemeralStorage")
            _read(subject, path, str(resource["ephemeralStorage"]), quantity)
        _requirements(subject, process, requests, limits)
        _limit_factors(subject, process, requests.keys() & limits.keys())


def _must_suffice(subject: Subject, process: str, follows: Follows) -> None:
    where, said = size(mapping(subject.spec.get(process))).get("memory", (None, None))
    configuration = dict(subject.options.configuration)
    if said is not None:
        try:
            configuration[f"{process.lower()}.memory.process.size"] = str(resource_memory(str(said)))
        except ValueError:
            return  # which is said
    try:
        follows(configuration)
    except ValueError as error:
        if where is None:
            message = "is not read beside resources; say it there"
            subject.report_spec("flink-memory", (process, "resource", "memory"), message)
        else:
            message = f'is "{said}", with which Flink does not start ({error}); raise it, or lower its parts'
            subject.report_spec("flink-memory", (process, *where), message)


def _limit_factors(subject: Subject, process: str, made: AbstractSet[str]) -> None:
    """What Flink multiplies a request by for its limit; of resources in `made` the operator makes it by itself."""
    for resource in ("cpu", "memory"):
        key = f"kubernetes.{process.lower()}.{resource}.limit-factor"
        said = subject.options.configuration.get(key)
        if said is None or resource in made:
            continue
        try:
            limit_factor(said)
        except ValueError as error:
            subject.report_spec("flink-memory", ("flinkConfiguration", key), f'is "{said}"; {error}')


def _must_follow(subject: Subject, process: str, follows: Follows) -> None:
    try:
        follows(dict(subject.options.configuration))
    except ValueError as error:
        message = f"is missing; the operator needs it, such as 2048m{f' ({error})' if str(error) else ''}"
        subject.refuse((process, "resource", "memory"), message)


def _read(subject: Subject, path: KeyPath, text: str, reader: Callable[[str], object]) -> None:
    try:
        reader(text)
    except ValueError as error:
        if text.strip() or path[-1] != "memory":  # empty memory is missing memory, which has been said
            subject.refuse(path, f'is "{text}", which is no size; {error}')


def _requirements(subject: Subject, process: str, requests: object, limits: object) -> None:
    amounts: dict[tuple[str, str], float] = {}
    for section, wanted in (("requests", requests), ("limits", limits)):
        for key, value in mapping(wanted).items():
            if value is None:
                continue
            path, text = (process, "resources", section, key), str(value)
            try:
                # What the operator's client reads as a quantity it writes again without spaces.
                amount = float(resource_memory(text) if key == "memory" else quantity(text))
            except ValueError as error:
                subject.refuse(path, f'is "{text}"; {error}')
                continue
            if amount < 0 or (amount == 0 and key in ("memory", "cpu")):
                subject.refuse(path, f'is "{text}"; a positive amount is needed')
            amounts[section, key] = amount
    for key in ("cpu", "memory"):
        request, limit = amounts.get(("requests", key)), amounts.get(("limits", key))
        if request is not None and limit is not None and request > limit:
            path = (process, "resources", "requests", key)
            subject.refuse(
                path,
                f"is {mapping(requests)[key]}, more than its limit {mapping(limits)[key]}; lower it",
            )
