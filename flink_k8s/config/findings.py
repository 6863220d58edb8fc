"""What a rule says, and how grave it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from flink_k8s.config.problems import KeyPath, Problem


class Severity(Enum):
    """How grave a finding is."""

    ERROR = "error"
    """Always stops."""
    WARNING = "warning"
    """Is printed; stops a stack that is `strict`."""
    NOTICE = "notice"
    """Is printed."""


SEVERITIES: dict[str, Severity] = {
    # What cannot work, by the operator's word, Flink's or Kubernetes'.
    "operator": Severity.ERROR,
    "field": Severity.ERROR,
    "name": Severity.ERROR,
    "size": Severity.ERROR,
    "graph": Severity.ERROR,
    "storage": Severity.ERROR,
    "restore": Severity.ERROR,
    "quota": Severity.ERROR,
    "podSecurity": Severity.ERROR,
    "platform": Severity.ERROR,
    # What works, but should not be so where it counts.
    "secret": Severity.WARNING,
    "digest": Severity.WARNING,
    "latest": Severity.WARNING,
    "hostPath": Severity.WARNING,
    "privileged": Severity.WARNING,
    "resources": Severity.WARNING,
    "recovery": Severity.WARNING,
    "labels": Severity.WARNING,
    "unrestricted": Severity.WARNING,
    "crowded": Severity.WARNING,
    "key": Severity.WARNING,
    "version": Severity.WARNING,
    "plugin": Severity.WARNING,
    "upgradeMode": Severity.WARNING,
    "place": Severity.WARNING,
    "unused": Severity.WARNING,
    "lost": Severity.WARNING,
    "ingress": Severity.WARNING,
    "unguarded": Severity.WARNING,
    "open": Severity.WARNING,
    "certificate": Severity.WARNING,
    # What one may want to know.
    "unread": Severity.NOTICE,
    "made": Severity.NOTICE,
    "reach": Severity.NOTICE,
}
"""Severity by rule."""

MEANINGS = {
    "operator": "what the operator's validator refuses",
    "field": "a misspelt field, or a value of a wrong type",
    "size": "memory, or a factor for a limit, with which Flink does not start, though the operator takes it",
    "graph": "a session job whose cluster, a snapshot whose job is not declared",
    "storage": "half a state configuration, or one that keeps no state",
    "restore": "a `restoreFrom` that means no single job or no savepoint",
    "quota": "more than the quota or the limits of a namespace ever allow",
    "podSecurity": "pods that the Pod Security profile of their namespace refuses",
    "platform": "what belongs to the platform's stack, in a job file of a stack on it",
    "secret": "a password, key or token in clear",
    "digest": "an image by its tag alone",
    "latest": "an image by the tag `latest`, or by none",
    "hostPath": "a folder of the node as a volume",
    "privileged": "pods that reach into the node",
    "resources": "a container beside Flink's own without requests and a limit of memory",
    "recovery": "a job with state to keep and no high availability or checkpoints",
    "name": "an object without a name of its own, or with one that is no DNS name",
    "labels": "an object without the recommended labels",
    "unrestricted": "pods that the restricted profile would refuse, where the namespace does not ask for it",
    "crowded": "jobs that are more than the quota of their namespace together, though each of them fits; a blue/green "
    "deployment whose change-over is",
    "key": "a key of flinkConfiguration that is near one that this version knows, or one of another version",
    "version": "a Flink version that the operator is about to drop; an image of another version than flinkVersion",
    "plugin": "a file system whose plugin is missing or of another Flink version",
    "place": "a directory for state inside of a pod",
    "upgradeMode": "a job that does not say whether it keeps state, where there is a place for it",
    "lost": "an object in a job file that the platform creates itself, without a part of the file's",
    "unused": "a setting that has no effect",
    "ingress": "an Ingress that asks nobody who he is",
    "unguarded": "a platform without NetworkPolicies",
    "certificate": "a certificate that may run out before the alert about old ones fires",
    "open": "a NetworkPolicy, or egress, that lets everything pass",
    "made": "an object in a job file that the platform creates itself",
    "unread": "a file or a folder with Flink's resources that is in a job folder and is not read",
    "reach": "a host that a job names and no NetworkPolicy lets it reach, or an Ingress whose controller none lets in",
}
"""What each rule is about."""


@dataclass(frozen=True)
class Finding:
    """One finding of a rule.

    Attributes:
        rule: a key of SEVERITIES.
        path: in the manifest.
        message: `what is wrong; what would be right`.
    """

    rule: str
    path: KeyPath
    message: str

    @property
    def severity(self) -> Severity:
        """How grave it is in a stack that is not strict."""
        return SEVERITIES[self.rule]


Say = Callable[[str, KeyPath, str], None]
"""Takes rule, path in the manifest, message."""


@dataclass(frozen=True)
class Remark:
    """A finding that does not stop the stack.

    Attributes:
        severity: warning or notice.
        problem: what was found.
    """

    severity: Severity
    problem: Problem

    def __str__(self) -> str:
        return f"{self.severity.value}: {self.problem}"
