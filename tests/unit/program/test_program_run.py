"""A run of the program: what is recorded, how it fails, and that nothing is left behind."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime import settings as sdk
from pulumi.runtime.config import CONFIG as SDK_CONFIG

from flink_k8s.program.resource_graph import ResourceGraph
from flink_k8s.program.run import config_text
from flink_k8s.program.values import UNKNOWN, Secret

Run = Callable[..., ResourceGraph]


def test_records_every_option(run: Run) -> None:
    graph = run(protect="true")
    job = graph.find("FlinkDeployment", "word-count")
    operator = graph.find("Release", "operator")
    team = graph.find("Team")
    assert job.urn == "urn:pulumi:dev::flink-k8s::kubernetes:flink.apache.org/v1beta1:FlinkDeployment::word-count"
    assert job.dependencies == {operator.urn}
    assert job.provider == graph.find("kubernetes").urn
    assert job.protect is True
    assert job.timeouts == {"create": "5m", "delete": "2s"}
    assert job.aliases == ({"name": "old-word-count"},)
    assert job.ignore_changes == ("spec.parallelism",)
    assert job.inputs["spec"] == {
        "parallelism": 2,
        "image": "pyflink:dev",
        "cpu": 0.5,
        "args": ["--on", "yes", "line\nline\n"],
    }
    assert job.title == "FlinkDeployment flink/word-count"
    assert operator.delete_before_replace is True
    assert operator.hooks == {"before_update": ("crds",)}
    assert operator.retain_on_delete is None
    assert team.custom is False
    assert team.urn.endswith("::flink-k8s:index:Team::flink")
    assert graph.find("Namespace").urn.endswith("::flink-k8s:index:Team$kubernetes:core/v1:Namespace::flink-namespace")
    assert len(graph.objects) == 5
    assert len(graph.resources) == 7


def test_a_component_counts_as_its_children(run: Run) -> None:
    graph = run()
    inside = {graph.find("Namespace").urn, graph.find("ServiceAccount").urn}
    assert graph.find("Release").dependencies == inside
    assert graph.find("Secret").dependencies == inside


def test_an_input_that_refers_to_a_resource_is_an_edge(run: Run) -> None:
    graph = run()
    account, namespace = graph.find("ServiceAccount"), graph.find("Namespace")
    assert account.property_dependencies == {"metadata": {namespace.urn}}
    assert graph.edges[account.urn] == {namespace.urn}


def test_order_and_depths(run: Run) -> None:
    graph = run(jobs=["b", "a"])
    titles = [resource.kind for resource in graph.creation_order]
    assert titles[:2] == ["Namespace", "ServiceAccount"]
    assert set(titles[2:4]) == {"Release", "Secret"}
    assert titles[4:] == ["FlinkDeployment", "FlinkDeployment"]
    assert graph.deletion_order == tuple(reversed(graph.creation_order))
    assert sorted(graph.depths.values()) == [0, 1, 2, 2, 3, 3]
    job, namespace = graph.find(name="a"), graph.find("Namespace")
    assert graph.depends_on(job, namespace)
    assert not graph.depends_on(namespace, job)


def test_a_preview_knows_no_ids_and_no_watch(run: Run) -> None:
    graph = run()
    assert graph.exports == {"jobs": {"word-count": UNKNOWN}, "password": Secret("hunter2")}
    assert graph.messages == ()


def test_without_preview_the_program_deploys(run: Run) -> None:
    graph = run(preview=False)
    assert graph.exports["jobs"] == {"word-count": "STABLE"}
    (message,) = graph.messages
    assert (message.severity, message.text) == ("info", "RUNNING")
    assert message.urn == graph.find("FlinkDeployment").urn


def test_secrets_are_recognised_and_never_shown(run: Run) -> None:
    graph = run(preview=False)
    assert graph.find("Secret").inputs["stringData"] == Secret({"password": "hunter2"})
    assert graph.find("Release").secret_paths == ("values.key",)
    assert "hunter2" not in repr(graph)


def test_unknown_values_are_recognised(run: Run) -> None:
    graph = run("""
        first = config_map("first")
        config_map("second", data={"id": first.id, "name": first.metadata.name})
    """)
    second = graph.find(name="second")
    assert second.inputs["data"] == {"id": UNKNOWN, "name": "first"}
    assert second.unknown_paths == ("data.id",)


def test_ids_have_the_format_of_the_provider(run: Run) -> None:
    graph = run(
        """
        config_map("second", data={"id": config_map("first").id})
        """,
        preview=False,
    )
    assert graph.find(name="second").inputs["data"] == {"id": "default/first"}


def test_the_status_of_a_release_is_known_after_it_is_deployed(run: Run) -> None:
    text = """
        from pulumi_kubernetes.helm.v3 import Release
        opts = pulumi.ResourceOptions(provider=provider)
        release = Release("r", name="r", chart="c", version="1", namespace="n", opts=opts)
        pulumi.export("status", release.status["status"])
        pulumi.export("name", release.name)
    """
    assert run(text).exports == {"name": "r", "status": UNKNOWN}
    assert run(text, preview=False).exports == {"name": "r", "status": "deployed"}


def test_config_reaches_the_program(run: Run) -> None:
    graph = run(
        """
        config = pulumi.Config()
        pulumi.export("text", config.require("word"))
        pulumi.export("on", config.require_bool("on"))
        pulumi.export("object", config.require_object("object"))
        pulumi.export("stack", pulumi.get_stack())
        pulumi.export("project", pulumi.get_project())
        """,
        on=True,
        object={"ü": [1, None]},
        word="5",
    )
    assert graph.exports == {
        "text": "5",
        "on": True,
        "object": {"ü": [1, None]},
        "stack": "dev",
        "project": "flink-k8s",
    }


def test_config_text() -> None:
    assert config_text("5 s") == "5 s"
    assert config_text(True) == "true"
    assert config_text(["ü"]) == '["ü"]'


def test_many_resources(run: Run) -> None:
    graph = run("for i in range(300): config_map(f'c{i}')")
    assert len(graph.find_all("ConfigMap")) == 300


def test_run_error_is_raised_unchanged(run: Run) -> None:
    with pytest.raises(pulumi.RunError, match=r"^job flink/word-count FAILED: no such file$"):
        run(preview=False, broken="word-count")


def test_run_error_at_the_top(run: Run) -> None:
    with pytest.raises(pulumi.RunError, match=r"^two problems$"):
        run("raise pulumi.RunError('two problems')")


def test_unexpected_errors_keep_their_traceback(run: Run) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run("def inner(): 1 / 0\ninner()")
    assert caught.traceback[-1].name == "inner"


def test_error_in_an_apply_is_raised(run: Run) -> None:
    with pytest.raises(KeyError, match="nowhere"):
        run("config_map('a').metadata.apply(lambda m: {}['nowhere'])")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config_map('a'); config_map('a')", "duplicate resource .*ConfigMap::a"),
        (
            "k8s.core.v1.ConfigMap('a', opts=pulumi.ResourceOptions(provider=provider))",
            r"ConfigMap a has no metadata\.name",
        ),
        ("pulumi.runtime.invoke('kubernetes:helm:template', {})", "provider function kubernetes:helm:template"),
        ("k8s.core.v1.Secret.get('a', 'default/a')", "reads kubernetes:core/v1:Secret default/a from the cluster"),
        (
            "k8s.yaml.v2.ConfigFile('a', file='a.yaml', opts=pulumi.ResourceOptions(provider=provider))",
            "ConfigFile a belongs to a plugin",
        ),
        ("pulumi.runtime.register_resource_transform(lambda args: None)", "registers a stack transform"),
    ],
)
def test_features_that_need_the_engine_are_refused(run: Run, text: str, message: str) -> None:
    with pytest.raises(pulumi.RunError, match=message):
        run(text)


def test_run_leaves_no_global_state(run: Run, project: Path) -> None:
    (project / "beside.py").write_text("counter = []\n", encoding="utf-8")
    text = "import beside; beside.counter.append(1); pulumi.export('runs', len(beside.counter))"
    before = (sdk.SETTINGS.monitor, sdk.get_project(), sdk.get_root_resource(), dict(SDK_CONFIG.get()))
    directory, path = Path.cwd(), list(sys.path)
    graphs: list[ResourceGraph] = [run(text, preview=preview) for preview in (True, False, True)]
    assert [graph.exports["runs"] for graph in graphs] == [1, 1, 1]
    assert before == (sdk.SETTINGS.monitor, sdk.get_project(), sdk.get_root_resource(), dict(SDK_CONFIG.get()))
    assert (directory, path) == (Path.cwd(), sys.path)
    assert "beside" not in sys.modules


def test_failed_run_leaves_no_global_state(run: Run) -> None:
    before = (sdk.SETTINGS.monitor, sdk.get_root_resource())
    for _ in range(3):
        with pytest.raises(pulumi.RunError):
            run(preview=False, broken="word-count")
    assert before == (sdk.SETTINGS.monitor, sdk.get_root_resource())
    assert run(preview=False).exports["jobs"] == {"word-count": "STABLE"}


def test_the_project_is_the_working_directory(run: Run, project: Path) -> None:
    (project / "input.txt").write_text("here", encoding="utf-8")
    graph = run("from pathlib import Path; pulumi.export('text', Path('input.txt').read_text())")
    assert graph.exports == {"text": "here"}


def test_find_lists_the_existing_resources(run: Run) -> None:
    graph = run(jobs=["a", "b"])
    with pytest.raises(LookupError, match=r"2 resources match.*FlinkDeployment flink/a, FlinkDeployment flink/b"):
        graph.find("FlinkDeployment")
    with pytest.raises(LookupError, match="0 resources match"):
        graph.find("Deployment")
