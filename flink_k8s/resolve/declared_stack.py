"""All that a stack declares, resolved and checked."""

from __future__ import annotations

from dataclasses import dataclass

from flink_k8s.config.findings import Remark
from flink_k8s.config.model import StackSettings
from flink_k8s.resolve import jobs


@dataclass(frozen=True)
class DeclaredStack:
    """What a stack declares.

    Attributes:
        settings: the stack config.
        jobs: its jobs, in the order of their files.
        attachments: what else the job files hold.
        remarks: warnings and notices, sorted; none of them stops the stack.
    """

    settings: StackSettings
    jobs: tuple[jobs.Job, ...]
    attachments: tuple[jobs.Attachment, ...]
    remarks: tuple[Remark, ...] = ()
