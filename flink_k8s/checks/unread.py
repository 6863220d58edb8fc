"""Files and folders with Flink resources in a job folder that are not read."""

from __future__ import annotations

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.job_files import unread
from flink_k8s.config.yaml_file import Document


def check(stack: StackSubject) -> None:
    """Report each such file or folder."""
    for file, message in unread(stack.root, stack.settings.job_folders):
        stack.report("unread-file", (), message, Document(file, {}, {}))
