"""The stack config reaches the pack by the engine's call, through the generated server code of Pulumi's SDK."""

from __future__ import annotations

from collections.abc import Generator
from concurrent import futures
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from policy.stack_config import on_stack_config


class Servicer(analyzer_pb2_grpc.AnalyzerServicer):
    """As the SDK for policies has it: keeps the tags, drops the config."""

    tags: dict[str, str]

    def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.tags = dict(request.tags)
        return analyzer_pb2.AnalyzerStackConfigureResponse()


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What the pack has received."""
    name = "add_AnalyzerServicer_to_server"
    monkeypatch.setattr(analyzer_pb2_grpc, name, getattr(analyzer_pb2_grpc, name))  # restored after the test
    messages: list[dict[str, str]] = []
    on_stack_config(lambda config: messages.append(dict(config)))
    return messages


@pytest.fixture
def server(received: list[dict[str, str]]) -> Generator[tuple[Servicer, Any]]:
    """A served pack, and a client as the engine is one."""
    serving = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    servicer = Servicer()
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(servicer, serving)
    port = serving.add_insecure_port("127.0.0.1:0")
    serving.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield servicer, analyzer_pb2_grpc.AnalyzerStub(channel)
    serving.stop(None)


def test_the_pack_receives_the_config_and_the_sdk_its_tags(
    server: tuple[Servicer, Any], received: list[dict[str, str]]
) -> None:
    servicer, engine = server
    config = {"flink-k8s:strict": "true", "flink-k8s:namespaces": '{"flink": {}}'}
    engine.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(stack="s", config=config, tags={"a": "b"}))
    assert received == [config]
    assert servicer.tags == {"a": "b"}
