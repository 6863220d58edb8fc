"""`FlinkPlatform` and `FlinkJob` in programs of users, under the recording monitor."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from flink_k8s.program.monitor import Effects
from flink_k8s.program.resource_graph import Resource, ResourceGraph
from flink_k8s.program.run import run_program
from tests.program.conftest import ROOT

Run = Callable[..., ResourceGraph]

HEAD = """\
import pulumi
import pulumi_kubernetes as kubernetes
from flink_k8s import FlinkJob, FlinkPlatform

def job(name, **spec):
    size = {"resource": {"memory": "1g", "cpu": 1}}
    of_job = {"jarURI": "local:///opt/flink/job.jar", "parallelism": 2, "upgradeMode": "stateless"}
    common = {"image": "flink:2.2", "flinkVersion": "v2_2", "jobManager": size, "taskManager": size, "job": of_job}
    api = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": name}}
    return {**api, "spec": {**common, **spec}}

only = {"certManager": {"enabled": False}, "prometheus": {"enabled": False, "monitors": False}}
on_cluster = pulumi.ResourceOptions(provider=kubernetes.Provider("own", context="kind"))
bucket = kubernetes.core.v1.ConfigMap("bucket", metadata={"name": "bucket"}, opts=on_cluster)
"""


IS_AN_OUTPUT = "is an output, which is not known when the arguments are checked; write a plain value"


class Bucket(Effects):
    """A cluster in which each object has its name as its id."""

    def apply(self, resource: Resource) -> dict[str, object]:
        return {"data": {"uri": "s3://texts/flink/"}} if resource.name == "bucket" else {}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run(text)`: the resources of a program with the lines of HEAD; without HEAD if it begins with an import."""
    for name in ("flink_k8s", "jobs"):
        (tmp_path / name).symlink_to(ROOT / name)

    def program(text: str, *, preview: bool = True, effects: Effects | None = None) -> ResourceGraph:
        text = textwrap.dedent(text).lstrip()
        (tmp_path / "__main__.py").write_text(text if text.startswith("import") else HEAD + text)
        return run_program(tmp_path, "dev", {}, preview=preview, effects=effects)

    return program


def problems(run: Run, text: str) -> list[str]:
    with pytest.raises(pulumi.RunError) as error:
        run(text)
    return str(error.value).splitlines()[1:]


def test_documented_program_runs(run: Run) -> None:
    [text] = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/library.md").read_text(), re.MULTILINE | re.DOTALL)
    graph = run(text)
    jobs = graph.find_all("FlinkDeployment")
    assert sorted(job.name for job in jobs) == ["word-count-east-texts/word-count", "word-count-west-texts/word-count"]
    assert graph.exports["west"]["rest"] == "word-count-rest.texts.svc:8081"  # pyright: ignore
    east = graph.find("FlinkDeployment", "word-count-east-texts/word-count")
    assert (east.inputs["spec"]["job"]["parallelism"], east.provider[-14:]) == (4, "::east-cluster")  # pyright: ignore
    operator = graph.find("kubernetes:helm.sh/v3:Release", "east-flink-kubernetes-operator")
    assert graph.depends_on(east, operator)
    assert graph.depends_on(east, graph.find("RoleBinding", "east-texts-flink"))
    assert not graph.depends_on(east, graph.find("kubernetes:helm.sh/v3:Release", "east-prometheus"))


def test_documented_problem_is_reported(run: Run) -> None:
    [wrong] = [line for line in (ROOT / "docs/library.md").read_text().splitlines() if "paralelism" in line]
    reported = problems(
        run,
        """
        manifest = job("word-count", job={"jarURI": "local:///a.jar", "paralelism": 2, "upgradeMode": "stateless"})
        west = FlinkPlatform("west", {"context": "kind", **only})
        FlinkJob("word-count-west", {"platform": west, "manifest": manifest})
        """,
    )
    assert wrong in reported


def test_job_of_a_platform_equals_that_of_the_cloned_program(run: Run, resource_graph: Callable[..., ResourceGraph]):
    """The same settings and the same manifest, once as files and once as arguments."""
    cloned = resource_graph("dev").find("FlinkDeployment", "word-count")
    graph = run(
        f"""
        import yaml
        from pathlib import Path
        from flink_k8s import FlinkPlatform
        file = yaml.safe_load(Path("{ROOT}/Pulumi.dev.yaml").read_text())["config"]
        settings = {{key.partition(":")[2]: value for key, value in file.items()}}
        manifest = [*yaml.safe_load_all(Path("{ROOT}/jobs/word_count.yaml").read_text())]
        FlinkPlatform("main", {{**settings, "manifests": {{"word-count": manifest}}}})
        """
    )
    assert graph.find("FlinkDeployment").inputs == cloned.inputs


class TestOutputs:
    PROGRAM = """
    storage = {"type": "s3", "uri": bucket.data["uri"], "serviceAccountAnnotations": {"role": bucket.id}}
    orders = job("orders", image=bucket.id, job={"jarURI": "local:///a.jar", "parallelism": 2,
        "args": ["--uri", bucket.data["uri"]], "upgradeMode": "savepoint"})
    only = {**only, "operator": {"webhook": False}, "waitForJobs": False}
    main = FlinkPlatform("main", {"context": "kind", **only, "stateStorage": storage, "manifests": {"orders": orders}})
    visits = {"manifest": job("visits"), "settings": {"env": {"BUCKET": bucket.id}}}
    FlinkJob("visits", {"platform": main, **visits, "waitForJobs": False})
    """

    def test_outputs_are_in_the_objects(self, run: Run) -> None:
        graph = run(self.PROGRAM, preview=False, effects=Bucket())
        orders: Any = graph.find("FlinkDeployment", "main-flink/orders").inputs["spec"]
        assert (orders["image"], orders["job"]["args"]) == ("bucket", ["--uri", "s3://texts/flink/"])
        directory = "s3://texts/flink/dev-main/flink/orders/savepoints"
        assert orders["flinkConfiguration"]["execution.checkpointing.savepoint-dir"] == directory
        assert graph.find("ServiceAccount").annotations == {"role": "bucket"}
        visits: Any = graph.find("FlinkDeployment", "visits-flink/visits").inputs["spec"]
        containers = visits["podTemplate"]["spec"]["containers"]
        assert {"name": "BUCKET", "value": "bucket"} in [env for container in containers for env in container["env"]]
        assert "flink-k8s-output" not in str([resource.inputs for resource in graph.resources])

    def test_outputs_are_unknown_in_a_preview(self, run: Run) -> None:
        orders = run(self.PROGRAM).find("FlinkDeployment", "main-flink/orders")
        assert "spec.image" in orders.unknown_paths
        assert any("savepoint-dir" in path for path in orders.unknown_paths)

    def test_resources_depend_on_those_of_the_outputs(self, run: Run) -> None:
        graph = run(self.PROGRAM)
        for name in ("main-flink/orders", "visits-flink/visits"):
            assert graph.depends_on(graph.find("FlinkDeployment", name), graph.find("ConfigMap", "bucket"))

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            (
                'FlinkPlatform("main", {"context": bucket.id, **only})',
                f"FlinkPlatform main: context: {IS_AN_OUTPUT} [stack-config]",
            ),
            (
                'FlinkPlatform("main", {"context": "kind", **only, "manifests": {"a": job(bucket.id)}})',
                f"FlinkPlatform main: manifests.a.metadata.name: {IS_AN_OUTPUT} [stack-config]",
            ),
            (
                'size = {"resource": {"memory": bucket.id, "cpu": 1}}\n'
                'FlinkPlatform("main", {"context": "kind", **only, "manifests": {"a": job("a", taskManager=size)}})',
                "FlinkPlatform main: manifests.a: spec.taskManager.resource.memory: "
                f"{IS_AN_OUTPUT} [operator-validation]",
            ),
            (
                'FlinkPlatform("main", {"context": "kind", **only, "manifests": {"a": {"spec": bucket}}})',
                "FlinkPlatform main: manifests.a.spec: is of the class ConfigMap; write a mapping, a list, text, "
                "a number or a boolean [stack-config]",
            ),
            (
                'options = {"rest.port": bucket.id}\n'
                'FlinkPlatform("main", {"context": "kind", **only, "manifests": {"a": job("a", '
                "flinkConfiguration=options)}})",
                f'FlinkPlatform main: manifests.a: spec.flinkConfiguration["rest.port"]: {IS_AN_OUTPUT} [stack-config]',
            ),
            (
                'defaults = {"parameters": {"t": bucket.id}}\n'
                'main = FlinkPlatform("main", {"context": "kind", **only, "jobDefaults": defaults})\n'
                'FlinkJob("a", {"platform": main, "script": "CREATE TABLE a (a INT) WITH (\'topic\' = \'${t}\');"})',
                "FlinkJob a: script:1: parameters: uses an output in a variable, and a new value would not restart the "
                "job; write a plain value [stack-config]",
            ),
        ],
    )
    def test_misplaced_output_is_an_error(self, run: Run, text: str, problem: str) -> None:
        assert problem in problems(run, text)

    def test_secret_in_the_environment_is_reported(self, run: Run) -> None:
        settings = '{"env": {"DB_PASSWORD": bucket.id}}'
        [line] = problems(
            run,
            f"""
            main = FlinkPlatform("main", {{"context": "kind", **only}})
            checks = {{"image-digest": "disabled"}}
            FlinkJob("a", {{"platform": main, "manifest": job("a"), "strict": True, "checks": checks,
                "settings": {settings}}})
            """,
        )
        assert "[plaintext-secret]" in line


class TestProblems:
    def test_all_problems_of_a_component_are_reported_together(self, run: Run) -> None:
        lines = problems(
            run,
            """
            FlinkPlatform("main", {"context": "kind", **only, "stateStorage": {"typ": "s3"}, "suspension": {"jobs": {}},
                "manifests": {"a": {"kind": "FlinkDeployment"}}, "scripts": {"b": bucket.id}})
            """,
        )
        reported = [line.partition("; ")[0] for line in lines]
        assert "FlinkPlatform main: stateStorage.typ: unknown field" in reported
        assert "FlinkPlatform main: suspension: is a key of stack files, which a component does not have" in reported
        assert "FlinkPlatform main: manifests.a: apiVersion: is missing or not text" in reported
        assert "FlinkPlatform main: scripts.b: is not text" in reported

    def test_a_program_creates_its_bucket_itself(self, run: Run) -> None:
        """It passes the outputs of the bucket, whose names the policies of the platform could not contain."""
        created = {"account": "123456789012", "oidcProvider": "oidc.example.org/id/A"}
        storage = {"type": "s3", "uri": "s3://a", "region": "eu-central-1", "folder": "a", "create": created}
        [line] = problems(run, f'FlinkPlatform("main", {{"context": "kind", **only, "stateStorage": {storage}}})')
        assert line.startswith("FlinkPlatform main: stateStorage.create: applies to stack files; create the bucket")

    @pytest.mark.parametrize(
        ("args", "problem"),
        [
            ('"manifest": job("a")', "FlinkJob a: platform: is missing; set a FlinkPlatform, or its arguments"),
            ('"platform": main', "FlinkJob a: needs either a manifest or a script; set one of them"),
            (
                '"platform": main, "manifest": [job("a"), job("b")]',
                "FlinkJob a: manifest: contains 2 Flink resources; write one, and a FlinkJob for each other one",
            ),
            (
                '"platform": main, "manifest": job("a"), "settings": {"parallelism": "two"}',
                'FlinkJob a: settings.parallelism: is "two", which is not a valid value; write a whole number, without '
                "quotes",
            ),
            (
                '"platform": {"context": "x", "stateStorage": {"type": "s3", "uri": "s3://a"}}, "manifest": job("a")',
                "FlinkJob a: platform: stateStorage.folder: is missing; set it in the arguments of the platform: its "
                "jobs keep their state in that folder",
            ),
            (
                '"platform": main, "manifest": job("a"), "context": "other"',
                "FlinkJob a: context: belongs to the platform; set it in FlinkPlatform main",
            ),
        ],
    )
    def test_problem_of_a_job_names_the_argument(self, run: Run, args: str, problem: str) -> None:
        lines = problems(run, f'main = FlinkPlatform("main", {{"context": "kind", **only}})\nFlinkJob("a", {{{args}}})')
        assert f"{problem} [stack-config]" in lines

    @pytest.mark.parametrize(
        ("manifest", "place"), [('"kind: FlinkDeployment"', ""), ("{}", ""), ('[job("a"), None]', "[1]")]
    )
    def test_value_that_is_not_an_object_names_the_remedy_of_a_program(
        self, run: Run, manifest: str, place: str
    ) -> None:
        main = 'main = FlinkPlatform("main", {"context": "kind", **only})'
        lines = problems(run, f'{main}\nFlinkJob("a", {{"platform": main, "manifest": {manifest}}})')
        shown = f": {place}" if place else ""
        remedy = "pass a mapping with apiVersion, kind and metadata; text in YAML must be parsed first"
        assert f"FlinkJob a: manifest{shown}: is not a Kubernetes object; {remedy} [job-file]" in lines

    def test_disabled_job_is_an_error(self, run: Run) -> None:
        with pytest.raises(pulumi.RunError, match="FlinkJob a: the job is disabled"):
            run(
                """
                main = FlinkPlatform("main", {"context": "kind", **only})
                FlinkJob("a", {"platform": main, "manifest": job("a"), "settings": {"enabled": False}})
                """
            )


def test_job_has_its_objects_and_the_settings_of_the_platform(run: Run) -> None:
    graph = run(
        """
        claim = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rules"}, "data": {"a": "b"}}
        settings = {"context": "kind", **only, "jobDefaults": {"parallelism": 3}, "enforced": {"env": {"SITE": "west"}}}
        main = FlinkPlatform("main", {**settings, "namespaces": {"flink": {}}})
        FlinkJob("a", {"platform": main, "manifest": [job("a", job={"jarURI": "local:///a.jar"}), claim]})
        """
    )
    [deployment] = graph.find_all("FlinkDeployment")
    spec: Any = deployment.inputs["spec"]
    assert spec["job"]["parallelism"] == 3
    assert {"name": "SITE", "value": "west"} in spec["podTemplate"]["spec"]["containers"][0]["env"]
    assert graph.depends_on(deployment, graph.find("ConfigMap", "a-flink/rules"))
    assert deployment.provider.endswith("::main-cluster")


def test_job_with_the_arguments_of_the_platform_uses_the_provider_of_the_options(run: Run) -> None:
    graph = run(
        """
        settings = {"context": "kind", **only}
        main = FlinkPlatform("main", settings, on_cluster)
        FlinkJob("a", {"platform": settings, "script": "CREATE TABLE t (a INT) WITH ('connector'='datagen');\\n"
            "CREATE TABLE o (a INT) WITH ('connector'='blackhole');\\nINSERT INTO o SELECT a FROM t;",
            "settings": {"image": "flink:2.2", "flinkVersion": "v2_2", "jobManager": {"memory": "1g", "cpu": 1},
                "taskManager": {"memory": "1g", "cpu": 1}, "parallelism": 1}},
            pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions(depends_on=[main])))
        """
    )
    deployment = graph.find("FlinkDeployment", "a")
    assert deployment.provider.endswith("::own")
    assert not [found for found in graph.resources if found.is_provider and found.name != "own"]
    assert graph.depends_on(deployment, graph.find("kubernetes:helm.sh/v3:Release", "main-flink-kubernetes-operator"))


def test_guards_share_their_hooks(run: Run) -> None:
    graph = run(TestOutputs.PROGRAM)
    hooks = [found.hooks for found in graph.find_all("FlinkDeployment")]
    assert {"before_update": ("state-guard-update",), "before_delete": ("state-guard-delete",)} in hooks
    names = [name for found in graph.resources for moment in found.hooks.values() for name in moment]
    assert all(name.startswith(("main-", "visits-", "state-guard-")) for name in names)


class TestComponentPackage:
    """The components as the engine constructs them for programs in other languages."""

    PROGRAM = """
    from flink_k8s.components.component_package import ComponentPackage
    package = ComponentPackage()
    def construct(kind, name, arguments, **options):
        options = pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions(**options))
        return package.construct(name, f"flink-k8s:index:{kind}", arguments, options)
    settings = {"context": "kind", **only, "namespaces": {"b": {}, "a": {"quota": {"deployments": 4.0}}}}
    main = construct("FlinkPlatform", "main", settings)
    """

    def test_arguments_and_outputs_have_the_names_of_the_schema(self, run: Run) -> None:
        graph = run(
            self.PROGRAM
            + """
    manifest = job("orders", image=bucket.id)
    # Whole numbers are floating-point numbers in the protocol of the engine.
    manifest["spec"]["job"] = {"jarURI": "local:///a.jar", "upgradeMode": "stateless"}
    of_job = {"platform": settings, "manifest": manifest, "settings": {"parallelism": 3.0}, "waitForJobs": False}
    result = construct("FlinkJob", "orders", of_job)
    pulumi.export("platform", main.state)
    pulumi.export("job", result.state)
    """
        )
        deployment = graph.find("FlinkDeployment", "orders-a/orders")
        spec: Any = deployment.inputs["spec"]
        parallelism = spec["job"]["parallelism"]
        assert (parallelism, type(parallelism)) == (3, int)
        assert deployment.namespace == "a", "other languages do not keep the order of namespaces: the first by name"
        assert deployment.provider.endswith("::own")
        job: Any = graph.exports["job"]
        assert job == {
            "kind": "FlinkDeployment",
            "namespace": "a",
            "jobName": "orders",
            "restAddress": "orders-rest.a.svc:8081",
        }
        platform: Any = graph.exports["platform"]
        assert platform["serviceAccounts"] == {"a": "flink", "b": "flink"}
        assert platform["operatorVersion"]

    def test_problems_are_errors_of_the_component_without_a_stack_trace(self, run: Run) -> None:
        with pytest.raises(pulumi.InputPropertiesError) as error:
            run(self.PROGRAM + 'construct("FlinkJob", "a", {"platform": settings, "manifest": {"kind": "Job"}})\n')
        assert "FlinkJob a: manifest: apiVersion: is missing" in str(error.value)
