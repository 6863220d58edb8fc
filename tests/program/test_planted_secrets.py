"""Secrets that are planted in every place where one can be: nothing that the program and its tools show has one."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest
import yaml

from flink_k8s.config import stack_file
from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.secret_text import masked
from flink_k8s.operations import drift
from flink_k8s.operations.check import check
from flink_k8s.operations.review.comment import Compared, comment
from flink_k8s.operations.review.trees import Declared, shown
from flink_k8s.program import preview
from flink_k8s.program.graph import mermaid
from flink_k8s.program.manifest import manifest
from flink_k8s.program.render import documents, file_names, render
from flink_k8s.program.resource_graph import Message, ResourceGraph
from flink_k8s.program.run import run_program
from flink_k8s.program.values import Secret, reveal
from flink_k8s.support.block_yaml import dump
from flink_k8s.support.paths import ROOT
from tests.program.conftest import Record

GENERATED = ["Secret flink-operator/operator-webhook-keystore", "Secret monitoring/grafana-admin"]
"""What holds passwords that the program makes."""

KEY_LIKE = "q3Zt9XbL0kP2mW7vYcR4{}nH8sDfJ6gT1aUeK5oQi"
"""Random, so that it is a secret under any name; the middle identifies the place."""

DIGITS = "8473625"
"""Beginning of passwords that are numbers: secrets by their names alone."""

PLACES = {
    "chart value": {"prometheus": {"values": {"grafana": {"adminPassword": "planted-chart"}}}},
    "operator's configuration": {"operator": {"configuration": {"kubernetes.operator.x.password": "planted-operator"}}},
    "address of a chart": {"charts": {"mirror": "https://user:planted-mirror@charts.example.org"}},
    "variable": {"jobs": {"word-count": {"env": {"API_TOKEN": "planted-env", "GREETING": KEY_LIKE.format("env")}}}},
    "parameter": {"jobs": {"word-count": {"parameters": {"db-password": "planted-parameter"}}}},
    "argument": {"jobs": {"word-count": {"args": ["-py", "a.py", "--token", "planted-argument"]}}},
    "configuration": {"jobDefaults": {"flinkConfiguration": {"s3.access-key": "planted-id", "s3.secret-key": "planted-key"}}},
    "spec": {"jobs": {"word-count": {"spec": {"logConfiguration": {"log4j-console.properties": f"x={KEY_LIKE.format('log')}"}}}}},
    "digits": {"jobs": {"word-count": {"env": {"PIN_PASSWORD": f"{DIGITS}1", "VAULT_SECRET_ID": "planted-secret-id"}, "parameters": {"api-token": f"{DIGITS}2"}}}},
    "number": {"jobDefaults": {"flinkConfiguration": {"my.password": int(f"{DIGITS}3")}}, "operator": {"values": {"x": {"password": int(f"{DIGITS}4")}}}},
    "enforced": {"enforced": {"env": {"DB_PASSWORD": "planted-enforced"}}, "jobs": {"word-count": {"env": {"DB_PASSWORD": "planted-before"}}}},
}  # fmt: skip
"""Places of plaintext secrets, as stack config."""

WRONG = {
    "a list for a variable": {"jobs": {"word-count": {"env": {"API_TOKEN": ["planted-list"]}}}},
    "a mapping for a number": {"jobs": {"word-count": {"parallelism": {"password": "planted-number"}}}},
    "a list for a field": {"jobs": {"word-count": {"spec": {"job": {"entryClass": ["--token", "planted-class"]}}}}},
    "a list for values": {"prometheus": {"values": [{"password": "planted-values"}]}},
}
"""The same in invalid shapes, which the problem describes."""


def planted_in(config: object) -> set[str]:
    """The secrets in a config, by how they were made."""
    text = json.dumps(config)
    matches = {part for part in re.split(r'[\s"@:,{}]+', text) if part.startswith(("planted-", DIGITS))}
    return matches | {KEY_LIKE.format(mark) for mark in ("env", "log") if KEY_LIKE.format(mark) in text}


def leaks(texts: Mapping[str, str], planted: set[str]) -> list[tuple[str, str]]:
    """What shows which secret: plain, in base64, or as JSON has it."""
    assert planted
    return [
        (where, secret)
        for where, text in texts.items()
        for secret in sorted(planted)
        if any(
            form in text
            for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("="), json.dumps(secret))
        )
    ]


def run(config: Mapping[str, object], messages: list[str]) -> ResourceGraph:
    def keep(message: Message) -> None:
        messages.append(message.text)

    return run_program(ROOT, "dev", config, preview=True, log=keep)


def with_stack(config: Mapping[str, object]) -> dict[str, object]:
    return merge_mappings(stack_file.read(ROOT, "dev"), config)


def displays(before: ResourceGraph, after: ResourceGraph, folder: Path) -> Iterator[tuple[str, str]]:
    """Everything that is made of a stack for people, but for the manifests themselves: name to text."""
    yield "preview's tree", "\n".join(preview.report(after, "dev"))
    yield "graph", mermaid(after)
    yield "exports", repr(dict(after.exports))
    sides = declared(before), declared(after)
    for title, (old, new) in {"": sides, " of what goes": sides[::-1]}.items():
        compared = Compared("dev", old, new, new)
        yield f"plan{title}", compared.report.text()
        yield f"plan{title} as Markdown", compared.report.markdown()
        yield f"review{title}", comment([compared], "main")
    others = {resource.urn: resource for resource in before.objects}
    for resource in after.objects:
        if resource.is_release or resource.urn not in others:
            continue
        live, declared_inputs = (reveal(dict(item.inputs)) for item in (resource, others[resource.urn]))
        yield (
            f"drift of {resource.title}",
            "\n".join([*drift.differences(live, declared_inputs), *drift.differences(declared_inputs, live)]),
        )
    for flavour in ("flux", "argocd"):
        yield f"render's notes for {flavour}", "\n".join(render(after, folder / flavour, flavour))


def declared(graph: ResourceGraph) -> Declared:
    """As `make review` has a tree."""
    manifests = {name: shown(dump(document.manifest)) for name, document in file_names(documents(graph)[0]).items()}
    resources = tuple({"urn": resource.urn, "inputs": _plain(dict(resource.inputs))} for resource in graph.objects)
    return Declared(manifests=manifests, resources=resources, operator={"version": "1.16.1", "configuration": {}})


def _plain(value: object) -> Any:
    """As the engine's preview writes it."""
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in cast("dict[str, object]", value).items()}
    return [_plain(item) for item in cast("list[object]", value)] if isinstance(value, list) else value


def checked(folder: Path, config: Mapping[str, object], capsys: pytest.CaptureFixture[str]) -> str:
    """What `make check EXPLAIN=word-count` prints."""
    path = folder / "Pulumi.x.yaml"
    path.write_text(yaml.safe_dump({"config": {f"flink-k8s:{key}": value for key, value in config.items()}}))
    check(["dev"], config_file=path, job="word-count")
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.fixture(scope="module")
def before() -> ResourceGraph:
    """The stack without any of it."""
    return run(with_stack({"jobs": {"word-count": {"env": {"OTHER": "x"}}}}), [])


def test_plaintext_secrets_are_reported_without_printing_them(
    before: ResourceGraph, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs: dict[str, object] = {}
    for place in PLACES.values():
        inputs = merge_mappings(inputs, place)
    planted, config, actual = planted_in(inputs), with_stack(inputs), list[str]()
    assert len(planted) == 17
    after = run(config, actual)
    texts = {"check": checked(tmp_path, config, capsys), "log": "\n".join(actual)}
    assert [text.count("contains a secret as plaintext") for text in texts.values()] == [16, 16]
    assert leaks(texts | dict(displays(before, after, tmp_path)), planted) == []
    # The program marks them as secrets: the engine prints none, and its state contains none as plaintext.
    assert leaks({name: repr(resource.inputs) for name, resource in after.by_urn.items()}, planted) == []
    # They are what the user declared, and so they are in the manifests: which is why a strict stack refuses them.
    declared_in = {name: repr(resource.as_written().inputs) for name, resource in after.by_urn.items()}
    replaced = {"planted-before"}
    assert {secret for _, secret in leaks(declared_in, planted)} == planted - replaced
    [job] = [item.manifest for item in documents(after)[0] if item.manifest["kind"] == "FlinkDeployment"]
    assert job == manifest(after.find("FlinkDeployment", "word-count"))


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_shipped_stacks_have_only_generated_secrets(resource_graph: Record, stack: str) -> None:
    assert sorted(resource.title for resource in resource_graph(stack).objects if resource.secret_paths) == GENERATED


@pytest.mark.parametrize("place", [*PLACES, *WRONG])
def test_strict_stack_refuses_a_plaintext_secret_without_printing_it(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = {**PLACES, **WRONG}[place]
    actual = checked(tmp_path, with_stack({**inputs, "strict": True}), capsys)
    assert "nothing was touched" in actual
    assert ("contains a secret as plaintext" in actual) == (place in PLACES)
    assert ("which is not a valid value" in actual) == (place in WRONG)
    assert leaks({"check": actual}, planted_in(inputs)) == []


def test_program_prints_no_secret(before: ResourceGraph) -> None:
    inputs: dict[str, object] = {"strict": True}
    for place in (*PLACES.values(), *WRONG.values()):
        inputs = merge_mappings(inputs, place)
    messages: list[str] = []
    with pytest.raises(pulumi.RunError, match="which is not a valid value") as raised:
        run(with_stack(inputs), messages)
    assert leaks({"error": str(raised.value), "log": "\n".join(messages)}, planted_in(inputs)) == []


@pytest.mark.parametrize("key", ["jobs", "prometheus", "operator", "context"])
def test_encrypted_config_values_are_refused_without_printing_them(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = with_stack({
        "jobs": {"word-count": {"env": {"A": "planted-jobs"}, "parallelism": "planted-jobs"}},
        "prometheus": {"values": {"a": "planted-prometheus"}, "namespace": "planted-prometheus_"},
        "operator": {"configuration": {"a": "planted-operator"}},
    })  # fmt: skip
    if key == "context":
        config["context"] = "planted-context"
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps([f"flink-k8s:{key}"]))
    messages: list[str] = []
    with pytest.raises(pulumi.RunError, match=f"{key}: contains an encrypted value") as raised:
        run(config, messages)
    assert leaks({"error": str(raised.value), "log": "\n".join(messages)}, {f"planted-{key}"}) == []


def test_generated_passwords_are_only_in_secrets(
    before: ResourceGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_urlsafe", lambda *_: "planted-made")
    messages: list[str] = []
    after = run(with_stack({}), messages)
    holders = [
        resource.title
        for resource in after.objects
        if leaks({"": repr(reveal(dict(resource.inputs)))}, {"planted-made"})
    ]
    assert sorted(holders) == GENERATED
    texts = {"log": "\n".join(messages)} | {resource.title: repr(resource.inputs) for resource in after.objects}
    for flavour in ("flux", "argocd"):
        render(after, tmp_path / "kept" / flavour, flavour)
    files = {str(path): path.read_text() for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    assert len(files) > 30
    assert leaks(texts | files | dict(displays(before, after, tmp_path)), {"planted-made"}) == []


def test_references_to_secrets_are_not_masked(resource_graph: Record) -> None:
    """`secretEnv`, `secretFiles`, credentials of the storage: no value of theirs comes near the program."""
    key = {"secret": "holder", "key": "entry"}
    storage = {"type": "s3", "uri": "s3://b/p", "credentials": {"accessKey": key, "secretKey": key}}
    settings = {"secretEnv": {"TOKEN": key}, "secretFiles": {"/etc/a": {"secret": "holder"}}}
    graph = resource_graph("dev", stateStorage=storage, jobs={"word-count": {**settings, "upgradeMode": "savepoint"}})
    resources = [resource for resource in graph.objects if "'holder'" in repr(resource.inputs)]
    assert [resource.title for resource in resources] == ["FlinkDeployment flink/word-count"]
    assert masked("", dict(resources[0].inputs)) == dict(resources[0].inputs)


@pytest.mark.parametrize(
    "form", ["x planted-it y", base64.b64encode(b"planted-it").decode(), json.dumps({"a": ["planted-it"]})], ids=str
)
def test_audit_detects_a_planted_secret(form: str) -> None:
    assert leaks({"here": form, "there": "nothing"}, {"planted-it"}) == [("here", "planted-it")]


def test_audit_detects_a_secret_in_the_output_of_a_stack(before: ResourceGraph, tmp_path: Path) -> None:
    """A name and a text that look like an ordinary value are printed."""
    after = run(with_stack({"jobs": {"word-count": {"env": {"OTHER": "planted-greeting"}}}}), [])
    matches = {where for where, _ in leaks(dict(displays(before, after, tmp_path)), {"planted-greeting"})}
    assert matches >= {"plan", "plan as Markdown", "review", "drift of FlinkDeployment flink/word-count"}
