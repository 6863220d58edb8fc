"""The declared stack: merged and checked settings and objects."""

from __future__ import annotations

from dataclasses import dataclass

from flink_k8s.config.findings import Remark
from flink_k8s.config.model import StackSettings
from flink_k8s.resolve import jobs


@dataclass(frozen=True)
class Platform:
    """The declared stack.

    Attributes:
        settings: the stack config.
        jobs: the jobs, in the order of their files.
        attachments: the other objects of the job files.
        remarks: warnings and notices, sorted; they do not stop the stack.
    """

    settings: StackSettings
    jobs: tuple[jobs.Job, ...]
    attachments: tuple[jobs.Attachment, ...]
    remarks: tuple[Remark, ...] = ()
