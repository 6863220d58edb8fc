"""What a stack of the project in the working directory declares, as JSON: run by path, with that project's own modules.

It is run in two trees, the branch and what it started from, each with its own settings, components and renderer. So it
uses little of them, and what it uses has been there from the start.
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
from flink_k8s.program.command import recorded  # noqa: E402
from flink_k8s.program.recording import Resource  # noqa: E402
from flink_k8s.program.render import documents, dump, file_names  # noqa: E402
from flink_k8s.program.values import Secret, Unknown, reveal  # noqa: E402
from flink_k8s.support.errors import CommandError  # noqa: E402

SECRET = "[secret]"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""As the engine's preview writes them."""


def plain(value: Any) -> Any:
    """Without the marks of secrets and unknown values, and without the secrets themselves."""
    if isinstance(value, Secret):
        return SECRET
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, dict):
        return {key: plain(item) for key, item in cast("dict[str, Any]", value).items()}
    return [plain(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def inputs_of(thing: Resource) -> dict[str, Any]:
    """With what users wrote in clear, which is compared first and hidden where it is shown; not so a Secret's."""
    inputs = dict(thing.inputs)
    return inputs if inputs.get("kind") == "Secret" else cast("dict[str, Any]", reveal(inputs))


def declared(stack: str) -> dict[str, Any]:
    """Problems and remarks as lines; where there are no problems, manifests by file name and resources."""
    root = Path.cwd()
    said: dict[str, Any] = {"problems": [], "files": [], "remarks": [], "manifests": {}, "resources": []}
    try:
        platform = load(root, read_config(root, stack))
    except ProblemsError as error:
        said["problems"] = [str(problem) for problem in error.problems]
        said["remarks"] = list(error.remarks)
        said["files"] = sorted({problem.file for problem in error.problems})
        return said
    said["remarks"] = [str(remark) for remark in platform.remarks]
    said["operator"] = {
        "version": platform.settings.operator.version,
        "configuration": platform.settings.operator.configuration,
    }
    # Namespaces of an older tree have no limits.
    bounds = {name: getattr(one, "limits", None) for name, one in platform.settings.namespaces.items()}
    said["limits"] = {name: one.model_dump(by_alias=True, exclude_unset=True) for name, one in bounds.items() if one}
    try:
        recording = recorded(stack, None, root)
    except (CommandError, pulumi.RunError) as error:  # the one of this tree, or of an older one
        said["problems"] = [str(error)]
        return said
    found, _notes = documents(recording)
    said["manifests"] = {name: dump(document.manifest) for name, document in file_names(found).items()}
    said["resources"] = [
        {
            "urn": thing.urn,
            "inputs": plain(inputs_of(thing)),
            "protect": thing.protect is True,
            "retainOnDelete": thing.retain_on_delete is True,
        }
        for thing in recording.things
    ]
    return said


if __name__ == "__main__":
    print(json.dumps(declared(sys.argv[1])))
