"""Objects of job files that the platform creates itself; they are not deployed from the file."""

from __future__ import annotations

from flink_k8s.config.job_files import FileObject
from flink_k8s.config.model import JOB_ACCOUNT, StackSettings
from flink_k8s.config.namespace import is_in_every_cluster
from flink_k8s.facts.kinds import group_kind

_RBAC = "rbac.authorization.k8s.io"
_ACCOUNT_KINDS = frozenset({("", "ServiceAccount"), (_RBAC, "Role"), (_RBAC, "RoleBinding")})


def is_made(source: FileObject, namespace: str, settings: StackSettings) -> bool:
    """Whether the platform creates the object.

    Args:
        source: an object that is not a job.
        namespace: of the object.
        settings: of the stack; a stack on another stack's platform creates no such objects.
    """
    if settings.platform is not None:
        return False
    if group_kind(source.manifest) == ("", "Namespace"):
        declared = settings.namespaces.get(source.name)
        return is_in_every_cluster(source.name) or (declared is not None and declared.is_created(source.name))
    return (
        group_kind(source.manifest) in _ACCOUNT_KINDS
        and source.name == JOB_ACCOUNT
        and namespace in settings.namespaces
        and settings.namespaces[namespace].create_account
    )
