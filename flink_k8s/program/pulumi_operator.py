"""Objects with which the Pulumi Kubernetes Operator deploys a stack: docs/gitops.md.

The operator runs `pulumi up` in a pod with a clone of the repository, so the program's checks, guards and waits apply.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flink_k8s.config.platform_stack import with_platform
from flink_k8s.config.problems import ProblemsError
from flink_k8s.config.stack_file import UNREAD_CONTEXT, read_config
from flink_k8s.program.manifest import Manifest, in_order, name_of
from flink_k8s.support import output_folder
from flink_k8s.support.block_yaml import dump
from flink_k8s.support.errors import CommandError
from flink_k8s.support.output_file import writing
from flink_k8s.support.paths import ROOT

NAMESPACE: Final = "pulumi"
"""Of the rendered objects. The stack does not own it: the pod that destroys the stack runs in it."""

SECRET: Final = "pulumi"
"""Name of the Secret with the credentials of the backend."""

_ACCOUNT_FILES: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_KUBECONFIG_FOLDER: Final = "/etc/flink-k8s"
_TERMINATION_SECONDS: Final = 3600
"""Time for a running `up` to end when its pod is deleted: a killed one leaves a lock and pending operations."""


@dataclass(frozen=True)
class Deployment:
    """How the operator deploys a stack.

    Attributes:
        stack: name of the stack.
        context: of its stack file.
        repository: URL of the repository with the project.
        branch: that is deployed.
        backend: URL of Pulumi's state; empty for Pulumi Cloud.
        platform: the stack whose platform this stack uses; empty for none.
    """

    stack: str
    context: str
    repository: str
    branch: str
    backend: str = ""
    platform: str = ""

    def objects(self) -> list[Manifest]:
        """The manifests."""
        name = _name(self.stack)
        roles = {"auth-delegator": "system:auth-delegator"}  # the agent in the pod authenticates the operator
        if not self.platform:
            roles["admin"] = "cluster-admin"  # `up` creates namespaces, CRDs and roles
        return [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}},
            *(_binding(f"{name}-{suffix}", role, name) for suffix, role in roles.items()),
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": f"{name}-kubeconfig", "namespace": NAMESPACE},
                "data": {"kubeconfig": dump(_kubeconfig(self.context))},
            },
            {
                "apiVersion": "pulumi.com/v1",
                "kind": "Stack",
                "metadata": {"name": name, "namespace": NAMESPACE},
                "spec": self._spec(name),
            },
        ]

    def _spec(self, name: str) -> Manifest:
        key = "PULUMI_CONFIG_PASSPHRASE" if self.backend else "PULUMI_ACCESS_TOKEN"
        spec: Manifest = {
            "stack": self.stack,
            "serviceAccountName": name,
            "projectRepo": self.repository,
            "branch": self.branch,
            "shallow": True,
            "envRefs": {
                "KUBECONFIG": {"type": "Literal", "literal": {"value": f"{_KUBECONFIG_FOLDER}/kubeconfig"}},
                key: {"type": "Secret", "secret": {"name": SECRET, "key": key}},
            },
            # The guards of jobs are hooks of the program; without it, the engine refuses to delete jobs.
            "runProgram": True,
            "workspaceTemplate": {"spec": _workspace(name)},
        }
        if self.backend:
            spec["backend"] = self.backend
        if self.platform:
            spec["prerequisites"] = [{"name": _name(self.platform)}]
        return spec


def deployment(stack: str, repository: str, branch: str, backend: str = "", root: Path = ROOT) -> Deployment:
    """The deployment of a stack of the project.

    Raises:
        ProblemsError: if the stack file cannot be read.
        CommandError: if the stack cannot be deployed from a pod.
    """
    config, problems = with_platform(root, read_config(root, stack))
    if problems:
        raise ProblemsError(problems)
    context = str(config.values.get("context"))
    if context == UNREAD_CONTEXT:
        raise CommandError(f"{config.file}: context is set by the environment; set it in the file")
    if config.values.get("kubeconfig"):
        raise CommandError(
            f"{config.file}: kubeconfig is a file of one machine; remove it: the pod has a kubeconfig with {context}"
        )
    if backend.startswith("file:"):
        raise CommandError(f"the backend {backend} is in the pod, and lost with it; use a bucket or Pulumi Cloud")
    platform = config.platform_config
    return Deployment(stack, context, repository, branch, backend, platform.stack if platform else "")


def render(deployment: Deployment, out: Path) -> list[str]:
    """Write the manifests to a folder; return notes.

    Raises:
        CommandError: if the folder contains other files or is not writable.
    """
    files: dict[str, str] = {}
    for item in deployment.objects():
        kind, _, name = name_of(item)
        files[f"{kind}-{name}.yaml".lower()] = dump(in_order(item))
    with writing(out):
        stale = output_folder.write_folders(out, {}, files, {})
    key = "PULUMI_CONFIG_PASSPHRASE" if deployment.backend else "PULUMI_ACCESS_TOKEN"
    secret = f"kubectl create secret generic {SECRET} -n {NAMESPACE} --from-literal={key}=…"
    account = f"serviceAccount:{NAMESPACE}/{_name(deployment.stack)}"
    return [
        *(
            [f"add {account} to access.deploy of its namespaces in {deployment.platform}"]
            if deployment.platform
            else []
        ),
        f"create the namespace and the Secret once: kubectl create namespace {NAMESPACE} && {secret}",
        *(f"{name} was stale and has been removed" for name in stale),
        f"{len(files)} objects in {out}",
    ]


def _name(stack: str) -> str:
    """A name of Kubernetes; stacks can have upper-case letters, dots and underscores."""
    return f"flink-k8s-{re.sub(r'[^a-z0-9]+', '-', stack.lower())}"


def _binding(name: str, role: str, account: str) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}],
    }


def _kubeconfig(context: str) -> Manifest:
    """The context of the stack file, with the account of the pod: the program never uses the ambient one."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": context,
                "cluster": {
                    "server": "https://kubernetes.default.svc",
                    "certificate-authority": f"{_ACCOUNT_FILES}/ca.crt",
                },
            }
        ],
        "users": [{"name": context, "user": {"tokenFile": f"{_ACCOUNT_FILES}/token"}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
    }


def _workspace(name: str) -> Manifest:
    version = (ROOT / ".pulumi.version").read_text(encoding="utf-8").strip()
    mount = {"name": "kubeconfig", "mountPath": _KUBECONFIG_FOLDER, "readOnly": True}
    return {
        "image": f"pulumi/pulumi:{version}-nonroot",
        "podTemplate": {
            "spec": {
                "terminationGracePeriodSeconds": _TERMINATION_SECONDS,
                "containers": [{"name": "pulumi", "volumeMounts": [mount]}],
                "volumes": [{"name": "kubeconfig", "configMap": {"name": f"{name}-kubeconfig"}}],
            }
        },
    }
