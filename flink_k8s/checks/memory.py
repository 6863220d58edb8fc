"""The size of JobManager and TaskManagers: the operator's rules, and sizes with which Flink does not start."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from flink_k8s.checks.subject import Subject
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts import flink_memory
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import limit_factor, quantity, resource_memory
from flink_k8s.resolve.pod_requests import size

Calculation = Callable[[dict[str, str]], int]
"""Raises ValueError if the memory of a process cannot be calculated from the configuration."""


def check(subject: Subject) -> None:
    """Check that memory is set or follows from Flink's configuration, and that Flink starts with it."""
    for process, calculate in (("jobManager", flink_memory.job_manager), ("taskManager", flink_memory.task_manager)):
        fields = mapping(subject.spec.get(process))
        resource, resources = mapping(fields.get("resource")), mapping(fields.get("resources"))
        requests, limits = mapping(resources.get("requests")), mapping(resources.get("limits"))
        memory = resource.get("memory")
        is_requested = str(memory if memory is not None else "").strip() or requests.get("memory") is not None
        if not is_requested and limits.get("memory") is None:
            _check_calculated(subject, process, calculate)
        else:
            _check_size(subject, process, calculate)
        if memory is not None:
            _check_quantity(subject, (process, "resource", "memory"), str(memory), resource_memory)
        if resource.get("ephemeralStorage") is not None:
            path = (process, "resource", "ephemeralStorage")
            _check_quantity(subject, path, str(resource["ephemeralStorage"]), quantity)
        _requirements(subject, process, requests, limits)
        _limit_factors(subject, process, requests.keys() & limits.keys())


def _check_size(subject: Subject, process: str, calculate: Calculation) -> None:
    path, value = size(mapping(subject.spec.get(process))).get("memory", (None, None))
    configuration = dict(subject.options.configuration)
    if value is not None:
        try:
            configuration[f"{process.lower()}.memory.process.size"] = str(resource_memory(str(value)))
        except ValueError:
            return  # reported by `_check_quantity`
    try:
        calculate(configuration)
    except ValueError as error:
        option, is_value, problem = str(error).partition(" is ")
        if is_value and option in subject.options.configuration:
            subject.report_spec("flink-memory", ("flinkConfiguration", option), f"is {problem}")
        elif path is None:
            message = "has no effect if resources is set; set resources.requests.memory or resources.limits.memory"
            subject.report_spec("flink-memory", (process, "resource", "memory"), message)
        else:
            is_plain = str(value).isdecimal()
            with_unit = f'"{value}{"m" if len(str(value)) > 2 else "g"}"'
            remedy = f"write a unit, such as {with_unit}" if is_plain else "raise it, or lower the parts of the memory"
            shown = f"{value} bytes" if is_plain else f'"{value}"'
            message = f"is {shown}, with which Flink does not start ({error}); {remedy}"
            subject.report_spec("flink-memory", (process, *path), message)


def _limit_factors(subject: Subject, process: str, with_both: AbstractSet[str]) -> None:
    """Check the factors from which Flink calculates limits.

    For the resources in `with_both`, which have a request and a limit, the operator calculates the factor.
    """
    for resource in ("cpu", "memory"):
        key = f"kubernetes.{process.lower()}.{resource}.limit-factor"
        factor = subject.options.configuration.get(key)
        if factor is None or resource in with_both:
            continue
        try:
            limit_factor(factor)
        except ValueError as error:
            subject.report_spec("flink-memory", ("flinkConfiguration", key), f'is "{factor}"; {error}')


def _check_calculated(subject: Subject, process: str, calculate: Calculation) -> None:
    try:
        calculate(dict(subject.options.configuration))
    except ValueError as error:
        message = f"is missing{f' ({error})' if str(error) else ''}; set a size, such as 2048m"
        subject.refuse((process, "resource", "memory"), message)


def _check_quantity(subject: Subject, path: KeyPath, text: str, reader: Callable[[str], object]) -> None:
    try:
        reader(text)
    except ValueError as error:
        if text.strip() or path[-1] != "memory":  # empty memory is reported as missing
            subject.refuse(path, f'is "{text}", which is not a valid size; {error}')


def _requirements(subject: Subject, process: str, requests: object, limits: object) -> None:
    amounts: dict[tuple[str, str], float] = {}
    for section, amounts_by_resource in (("requests", requests), ("limits", limits)):
        for key, value in mapping(amounts_by_resource).items():
            if value is None:
                continue
            path, text = (process, "resources", section, key), str(value)
            try:
                # The operator's client accepts spaces in a quantity, and writes it without them.
                amount = float(resource_memory(text) if key == "memory" else quantity(text))
            except ValueError as error:
                subject.refuse(path, f'is "{text}"; {error}')
                continue
            if amount < 0 or (amount == 0 and key in ("memory", "cpu")):
                subject.refuse(path, f'is "{text}"; write a positive amount')
            amounts[section, key] = amount
    for key in ("cpu", "memory"):
        request, limit = amounts.get(("requests", key)), amounts.get(("limits", key))
        if request is not None and limit is not None and request > limit:
            path = (process, "resources", "requests", key)
            subject.refuse(
                path,
                f"is {mapping(requests)[key]}, which exceeds the limit {mapping(limits)[key]}; lower it",
            )
