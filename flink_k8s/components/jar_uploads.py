"""A hook that uploads the jar of a job before the engine creates or changes the job."""

from __future__ import annotations

from collections.abc import Iterable

import pulumi

from flink_k8s.components.cluster_access import ClusterAccess
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.job_spec import job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.store.jar_upload import upload
from flink_k8s.store.pod import StorePodError


class JarUploads:
    """Uploads jars of the project to the stack's store; previews upload nothing."""

    def __init__(self, access: ClusterAccess, stack: DeclaredStack, prefix: str = "") -> None:
        """
        Args:
            access: to the cluster.
            stack: the declared stack.
            prefix: of the names of the jobs' resources, and of the hook's name.
        """
        self._prefix = prefix
        self._access = access
        self._stack = stack
        self._jobs = {_title(job.kind, job.namespace, job.name): job for job in _with_jars(stack.jobs)}
        self._hook = pulumi.ResourceHook(f"{prefix}upload-jar", self._before) if self._jobs else None

    def of_job(self, job: Job) -> pulumi.ResourceOptions:
        """Options of a Flink resource: none if its jar is not a file of the project."""
        if self._hook is None or job.jar_file is None:
            return pulumi.ResourceOptions()
        hooks = pulumi.ResourceHookBinding(before_create=[self._hook], before_update=[self._hook])
        return pulumi.ResourceOptions(hooks=hooks)

    async def _before(self, args: pulumi.ResourceHookArgs) -> None:
        kind = args.type.rpartition(":")[2]
        job = self._jobs[f"{kind}/{args.name.removeprefix(self._prefix)}"]
        jar = job.jar_file
        old_job = job_of(mapping(mapping(args.old_inputs).get("spec")))
        if jar is None or (old_job or {}).get("jarURI") == jar.uri:
            return
        try:
            async with self._access.api_server.asked(f"could not upload {jar.path}") as api_client:
                is_new = await upload(api_client, job, jar, self._stack)
        except StorePodError as error:
            raise pulumi.RunError(f"job {job.namespace}/{job.name}: {error}") from None
        pulumi.log.info(f"job {job.namespace}/{job.name}: {jar.uri} {'is uploaded' if is_new else 'exists'}")


def _with_jars(jobs: Iterable[Job]) -> list[Job]:
    return [job for job in jobs if job.jar_file is not None]


def _title(kind: FlinkKind, namespace: str, name: str) -> str:
    """Kind and name of the resource of a job."""
    return f"{kind.value}/{namespace}/{name}"
