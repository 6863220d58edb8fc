"""Print the declaration of a stack in the working directory as JSON: run by path, with that project's own modules.

It runs in two trees, the branch and its merge base, each with its own modules. So it uses few of them, and only
functions that exist in both trees.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

sys.path[0] = str(Path.cwd())

import pulumi  # noqa: E402

from flink_k8s.checks.load import load  # noqa: E402
from flink_k8s.config.problems import ProblemsError  # noqa: E402
from flink_k8s.config.stack_file import read_config  # noqa: E402
from flink_k8s.program.command import declared_graph  # noqa: E402
from flink_k8s.program.render import documents, dump, file_names  # noqa: E402
from flink_k8s.program.resource_graph import Resource  # noqa: E402
from flink_k8s.program.values import Secret, Unknown, reveal  # noqa: E402
from flink_k8s.support.errors import CommandError  # noqa: E402

SECRET = "[secret]"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""As the engine's preview writes them."""


def plain(value: Any) -> Any:
    """The value without markers of secrets and unknown values, and without the secrets themselves."""
    if isinstance(value, Secret):
        return SECRET
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, dict):
        return {key: plain(item) for key, item in cast("dict[str, Any]", value).items()}
    return [plain(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def inputs_of(resource: Resource) -> dict[str, Any]:
    """The inputs with plaintext values of users, which are hidden later where they are printed; not for a Secret."""
    inputs = dict(resource.inputs)
    return inputs if inputs.get("kind") == "Secret" else cast("dict[str, Any]", reveal(inputs))


def declared(stack: str) -> dict[str, Any]:
    """Problems and remarks as lines; without problems, also manifests by file name and resources."""
    root = Path.cwd()
    result: dict[str, Any] = {"problems": [], "files": [], "remarks": [], "manifests": {}, "resources": []}
    try:
        platform = load(root, read_config(root, stack))
    except ProblemsError as error:
        result["problems"] = [str(problem) for problem in error.problems]
        result["remarks"] = list(error.remarks)
        result["files"] = sorted({problem.file for problem in error.problems})
        return result
    result["remarks"] = [str(remark) for remark in platform.remarks]
    result["operator"] = {
        "version": platform.settings.operator.version,
        "configuration": platform.settings.operator.configuration,
    }
    # Namespaces of older trees have no limits.
    bounds = {name: getattr(namespace, "limits", None) for name, namespace in platform.settings.namespaces.items()}
    result["limits"] = {
        name: limits.model_dump(by_alias=True, exclude_unset=True) for name, limits in bounds.items() if limits
    }
    try:
        graph = declared_graph(stack, None, root)
    except (CommandError, pulumi.RunError) as error:  # CommandError of this tree, or of an older one
        result["problems"] = [str(error)]
        return result
    objects, _notes = documents(graph)
    result["manifests"] = {name: dump(document.manifest) for name, document in file_names(objects).items()}
    result["resources"] = [
        {
            "urn": resource.urn,
            "inputs": plain(inputs_of(resource)),
            "protect": resource.protect is True,
            "retainOnDelete": resource.retain_on_delete is True,
        }
        for resource in graph.objects
    ]
    return result


if __name__ == "__main__":
    print(json.dumps(declared(sys.argv[1])))
