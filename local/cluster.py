"""kubectl on one cluster, and the proof that this cluster is the sandbox."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from local import process
from local.failure import CommandError
from local.process import Done
from local.tool import find_tool

SANDBOX_CONTEXT: Final = "flink-k8s-sandbox"
SANDBOX_LABEL: Final = "flink-k8s/sandbox"
FIELD_MANAGER: Final = "flink-k8s"

Object = Mapping[str, Any]

# An answer like these says that the API server, a webhook or a new kind is not there yet, not that it says no.
_TRANSIENT: Final = re.compile(
    r"connection refused|connection reset|i/o timeout|TLS handshake timeout|unexpected EOF|: EOF|no route to host"
    r"|failed calling webhook|no endpoints available|currently unable to handle|etcdserver|leader changed"
    r"|context deadline exceeded|Client\.Timeout|too many requests|ensure CRDs are installed first|no matches for kind"
    r"|the object has been modified|is being terminated|object is being deleted|x509: certificate signed by unknown",
    re.IGNORECASE,
)
_ABSENT: Final = re.compile(r"\(NotFound\)|not found|the server doesn't have a resource type|no matches for kind")

# How many kubectl processes run side by side: each is short, but takes a core while it starts.
_KUBECTLS: Final = 8


@dataclass(frozen=True)
class Cluster:
    """One cluster, and how it is reached.

    Attributes:
        kubeconfig: absolute path.
        context: name of the context in it.
        stopping: set when the run is to end as soon as possible.
    """

    kubeconfig: Path
    context: str
    stopping: threading.Event = field(default_factory=threading.Event)
    _slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_KUBECTLS), repr=False)

    def kubectl(self, *arguments: str, text: str | None = None) -> Done:
        """Run kubectl on this cluster, once.

        Raises:
            Interrupted: when the run is to end.
        """
        command = [find_tool("kubectl"), f"--kubeconfig={self.kubeconfig}", f"--context={self.context}", *arguments]
        with self._slots:
            return process.run(command, stopping=self.stopping, text=text)

    def kubectl_patiently(
        self, *arguments: str, text: str | None = None, seconds: float = 120, retry: Callable[[str], None] | None = None
    ) -> Done:
        """Run kubectl, and again while the answer is one that passes by itself, at most for that long.

        Args:
            arguments: of kubectl.
            text: what it reads on stdin.
            seconds: until the last try.
            retry: told the reason before each new try.
        """
        deadline = time.monotonic() + seconds
        pause = 0.25
        while True:
            done = self.kubectl(*arguments, "--request-timeout=60s", text=text)
            if done.code == 0 or not is_transient(done.error) or time.monotonic() > deadline:
                return done
            if retry is not None:
                retry(done.reason)
            # Not a wait for a condition that could be asked for: the API server gives none for these.
            self.stopping.wait(pause)
            pause = min(pause * 2, 4)

    def get(self, resource: str, name: str = "", namespace: str = "", *arguments: str) -> Object | None:
        """One object, or with no name the list of that resource; None when it is not there.

        Raises:
            CommandError: when the cluster cannot be asked.
        """
        where = [f"--namespace={namespace}"] if namespace else []
        names = [name] if name else []
        done = self.kubectl_patiently("get", resource, *names, *where, "--output=json", *arguments, seconds=30)
        if done.code == 0:
            return cast("Object", json.loads(done.out)) if done.out.strip() else None
        if is_absent(done.error):
            return None
        raise CommandError(f"kubectl get {resource} {name}: {done.reason}".replace("  ", " "))

    def items(self, resource: str, namespace: str = "", *arguments: str) -> list[Object]:
        """The objects of a resource, in one namespace or cluster-wide."""
        found = self.get(resource, "", namespace, *arguments)
        return list(cast("Sequence[Object]", found["items"])) if found else []


def is_transient(error: str) -> bool:
    """Whether what kubectl wrote speaks of something that passes by itself."""
    return bool(_TRANSIENT.search(error))


def is_absent(error: str) -> bool:
    """Whether what kubectl wrote says that the object, or its whole kind, is not there."""
    return bool(_ABSENT.search(error))


def sandbox(root: Path, config: Mapping[str, object]) -> Cluster:
    """The sandbox's cluster, or a refusal: nothing else is ever touched.

    Args:
        root: the project; a relative kubeconfig path starts there.
        config: the stack's config, of which `context` and `kubeconfig` are read.

    Raises:
        CommandError: when the config names another cluster, or the one that answers is not the sandbox.
    """
    context = config.get("context")
    if context != SANDBOX_CONTEXT:
        raise CommandError(
            f'this is for the sandbox only: the stack\'s context is "{context}" and not "{SANDBOX_CONTEXT}";'
            " use the pulumi command for every other cluster"
        )
    kubeconfig = config.get("kubeconfig")
    if not isinstance(kubeconfig, str):
        raise CommandError("the stack has no kubeconfig; the sandbox's is .sandbox/kubeconfig")
    path = root / Path(kubeconfig).expanduser()
    if not path.exists():
        raise CommandError(f"{path} does not exist: the sandbox is not up; run: python -m sandbox up")
    cluster = Cluster(path, SANDBOX_CONTEXT)
    done = cluster.kubectl("get", "nodes", "--output=json", "--request-timeout=10s")
    if done.code != 0:
        raise CommandError(f"the sandbox does not answer ({done.reason}); run: python -m sandbox up")
    nodes = cast("Sequence[Object]", json.loads(done.out)["items"])
    labels = [cast("Object", node["metadata"].get("labels") or {}) for node in nodes]
    if not labels or any(label.get(SANDBOX_LABEL) != "true" for label in labels):
        raise CommandError(
            f"this is for the sandbox only: the nodes of {path} do not all carry the label {SANDBOX_LABEL}=true"
        )
    return cluster
