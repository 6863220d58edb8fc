"""Resource hooks in process: on the program's own loop, before the operation, with its error as the run's error."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pulumi
import pytest

from local import inflate
from local.hooks import Hooks
from local.process import Interrupted
from local.recording import Recording, Resource
from local.run import run_program
from tests.unit.local.conftest import HEAD

PROGRAM = """
import os
seen = []
async def look(args):
    await asyncio.sleep(0.01)
    answer = await pulumi.runtime.invoke_async(
        "kubernetes:helm:template", {"jsonOpts": "{}"}, pulumi.InvokeOptions(provider=provider)
    )
    if not pulumi.Config().get_bool("good"):
        raise pulumi.RunError(f"no: {answer['result']}")
    pulumi.log.info(f"{args.name} of {args.new_inputs['chart']}: {answer['result']}")
async def never(args):
    await asyncio.sleep(600)
hook = pulumi.ResourceHook("look", never if pulumi.Config().get_bool("slow") else look)
k8s.helm.v3.Release(
    "operator", name="operator", chart="a.tgz", namespace="default",
    opts=pulumi.ResourceOptions(provider=provider, hooks=pulumi.ResourceHookBinding(before_update=[hook])),
)
"""


class Hooked:
    """Effects that do nothing but run the hooks."""

    def __init__(self) -> None:
        self.hooks = Hooks()
        self.stopping = threading.Event()
        self.done: list[str] = []

    def apply(self, resource: Resource) -> Mapping[str, object]:
        self.hooks.run("before_create", resource, self.stopping)
        self.hooks.run("before_update", resource, self.stopping)
        self.done.append(resource.name)
        return {}


def play(project: Path, effects: Hooked, **config: object) -> Recording:
    (project / "__main__.py").write_text(HEAD + PROGRAM, encoding="utf-8")
    functions = {"kubernetes:helm:template": lambda arguments: {"result": [arguments["jsonOpts"]]}}
    return run_program(project, "dev", config, preview=False, effects=effects, hooks=effects.hooks, functions=functions)


def test_a_hook_runs_first_and_may_ask_the_provider(project: Path):
    effects = Hooked()
    recording = play(project, effects, good=True)
    assert [message.text for message in recording.messages] == ["operator of a.tgz: ['{}']"]
    assert effects.done == ["operator"]


def test_a_hook_that_fails_keeps_the_operation_from_happening(project: Path):
    effects = Hooked()
    with pytest.raises(pulumi.RunError, match=r"no: \['{}'\]"):
        play(project, effects)
    assert effects.done == []


def test_a_hook_that_is_under_way_ends_with_the_run(project: Path):
    effects = Hooked()
    threading.Timer(0.5, effects.stopping.set).start()
    with pytest.raises(Interrupted, match="its hook was interrupted"):
        play(project, effects, slow=True)
    assert effects.done == []


def test_a_chart_is_read_with_the_values_of_its_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    helm = tmp_path / "helm"
    helm.write_text('#!/bin/sh\necho "kind: Seen"\necho "arguments: $*"\necho "values: $(cat)"\n')
    helm.chmod(0o755)
    monkeypatch.setattr(inflate, "find_tool", lambda _: str(helm))
    read = inflate.functions(tmp_path)["kubernetes:helm:template"]
    options = {
        "chart": "operator",
        "release_name": "r",
        "version": "1.0",
        "fetch_opts": {"repo": "https://charts.example.org"},
        "values": {"webhook": False},
    }
    [seen] = cast("list[dict[str, object]]", read({"jsonOpts": json.dumps(options)})["result"])
    assert seen["values"] == {"webhook": False}
    arguments = "template r --include-crds operator --repo https://charts.example.org --version 1.0 --values -"
    assert seen["arguments"] == arguments
    [local] = cast("list[dict[str, object]]", read({"jsonOpts": json.dumps({
        "chart": "a.tgz", "path": "/charts", "release_name": "r"})})["result"])  # fmt: skip
    assert local["arguments"] == "template r --include-crds /charts/a.tgz --values -"
