"""The bench's own logic: what is measured, what a run replaces, and how it is shown."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from dev.bench import deploying, report
from dev.bench.__main__ import main
from dev.bench.cluster import cluster_kubectl
from dev.bench.deployers import Pulumi, ServerSide, Tofu
from dev.bench.measure import Cost, cost, machine
from dev.bench.table import Row, Skipped
from dev.bench.workload import PLAIN, STACK, changed, chart, job_file, names, project
from flink_k8s.operations.check import check
from flink_k8s.operations.deploy import Engine
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl


def row(part: str = "a", jobs: int = 10, ours: float = 4.0, peer: str = "helm template") -> Row:
    return Row(part, "check", jobs, "make check", Cost(ours, ours, 90.0), peer, Cost(2.0, 1.0, 30.0))


def test_ratios_are_ours_by_theirs():
    assert (row().time_ratio, row().cpu_ratio, row().memory_ratio) == (2.0, 4.0, 3.0)


def test_measurement_excludes_the_measuring_process(tmp_path: Path):
    ballast = bytearray(200 * 2**20)
    small = cost([sys.executable, "-S", "-c", "pass"], tmp_path)
    large = cost([sys.executable, "-S", "-c", "x = b'x' * (100 * 2**20); sum(range(3_000_000))"], tmp_path, runs=2)
    assert len(ballast) > 0
    assert small.megabytes < 60
    assert large.megabytes - small.megabytes > 80
    assert large.cpu > small.cpu
    assert large.wall > 0


def test_failed_command_is_reported_with_its_output(tmp_path: Path):
    with pytest.raises(CommandError, match="exited with 3: no such luck"):
        cost([sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"], tmp_path)


def test_an_exit_code_that_is_accepted_is_no_failure(tmp_path: Path):
    assert cost([sys.executable, "-S", "-c", "raise SystemExit(1)"], tmp_path, accepted=(0, 1)).wall > 0


def test_python_keeps_compiled_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "module.py").write_text("")
    cost([sys.executable, "-c", "import module"], tmp_path)
    assert len([*tmp_path.rglob("module.*.pyc")]) == 1


def test_a_change_of_one_job_is_one_value():
    before, after = (yaml.safe_load(text) for text in (job_file("a"), changed(job_file("a"))))
    assert (before["spec"]["job"].pop("parallelism"), after["spec"]["job"].pop("parallelism")) == (2, 3)
    assert before == after
    assert changed(changed(job_file("a"))) == job_file("a")


def recorder(path: Path) -> Path:
    """A command that appends its arguments to `PATH.log`."""
    path.write_text('#!/bin/sh\necho "$@" >> "$0.log"\n')
    path.chmod(0o755)
    return path


def test_pulumi_deploys_all_stacks_and_changes_a_job_of_the_first(tmp_path: Path):
    command = recorder(tmp_path / "pulumi")
    folder = project(tmp_path / "project", 2, stacks=("a", "b"))
    pulumi = Pulumi(command, folder, tmp_path / "state", ("a", "b"))
    pulumi.deploy()
    pulumi.change_one()
    pulumi.deploy()
    assert (pulumi.previews, pulumi.deploys) == (
        "pulumi preview, 2 stacks, 1 at a time",
        "pulumi up, 2 stacks, 1 at a time",
    )
    assert (tmp_path / "pulumi.log").read_text().splitlines() == [
        f"up --yes --skip-preview --non-interactive --stack {stack}" for stack in ("a", "b", "a")
    ]
    jobs = {path.relative_to(folder / "jobs").as_posix(): path.read_text() for path in folder.rglob("jobs/*/*.yaml")}
    assert {name for name, text in jobs.items() if "parallelism: 3" in text} == {"a/job-0000.yaml"}
    assert sorted(jobs) == ["a/job-0000.yaml", "a/job-0001.yaml", "b/job-0000.yaml", "b/job-0001.yaml"]


def test_pulumi_works_on_two_stacks_at_a_time(tmp_path: Path):
    command = tmp_path / "pulumi"
    # Each of the two commands waits until the other has started.
    both = "[ -e started-a ] && [ -e started-b ]"
    wait = f"for _ in $(seq 500); do {both} && exit; sleep 0.01; done; exit 1"
    command.write_text(f'#!/bin/sh\ntouch "started-$4"\n{wait}\n')
    command.chmod(0o755)
    pulumi = Pulumi(command, tmp_path, tmp_path / "state", ("a", "b"), at_once=2)
    assert pulumi.deploys == "pulumi up, 2 stacks, 2 at a time"
    pulumi.preview()
    assert (tmp_path / "started-a").exists()


def test_kubectl_applies_all_folders(tmp_path: Path):
    kubectl = recorder(tmp_path / "kubectl")
    out = tmp_path / "out"
    for stack in ("a", "b"):
        (out / stack).mkdir(parents=True)
        (out / stack / f"01-flinkdeployment-{stack}-job-0000.yaml").write_text(job_file("job-0000"))
    peer = ServerSide(Kubectl(str(kubectl), "here", tmp_path / "kubeconfig"), out, ("a", "b"))
    peer.begin()
    peer.deploy()
    peer.change_one()
    commands = [line.partition("--context here ")[2] for line in (tmp_path / "kubectl.log").read_text().splitlines()]
    assert commands == [
        "create namespace a",
        "create namespace b",
        f"apply --server-side --recursive -f {out}",
    ]
    assert ["parallelism: 3" in path.read_text() for path in sorted(out.rglob("*.yaml"))] == [True, False]


@pytest.mark.parametrize(("jobs", "stacks"), [(300, ["bench"]), (1000, [f"bench-{number}" for number in range(10)])])
def test_a_thousand_jobs_are_in_ten_stacks(jobs: int, stacks: list[str]):
    assert [*deploying.stacks_of(jobs)] == stacks


def test_opentofu_gets_each_object_after_its_namespace_and_changes_one_job(tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "00-namespace-bench.yaml").write_text("kind: Namespace\n")
    (out / "01-flinkdeployment-bench-job-0000.yaml").write_text(job_file("job-0000"))
    (out / "01-flinkdeployment-bench-job-0001.yaml").write_text(job_file("job-0001"))
    program = tmp_path / "tofu"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    cluster = Kubectl("kubectl", "here", tmp_path / "kubeconfig")
    tofu = Tofu(str(program), cluster, sorted(out.iterdir()), tmp_path / "tofu-folder")
    tofu.begin()
    file = tmp_path / "tofu-folder" / "main.tf.json"
    before = json.loads(file.read_text())
    tofu.change_one()
    after = json.loads(file.read_text())
    assert before["provider"]["kubernetes"] == {"config_path": str(cluster.kubeconfig), "config_context": "here"}
    objects = before["resource"]["kubernetes_manifest"]
    assert [resource["depends_on"] for resource in objects.values()] == [
        [],
        *[["kubernetes_manifest.object-00-namespace-bench"]] * 2,
    ]
    changed_ones = [name for name, item in after["resource"]["kubernetes_manifest"].items() if item != objects[name]]
    assert changed_ones == ["object-01-flinkdeployment-bench-job-0000"]


def test_the_workload_is_a_stack_that_passes_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = project(tmp_path / "project", 3)
    assert check([STACK], root=folder) == 0, capsys.readouterr().err
    assert len(list((folder / "jobs" / STACK).glob("*.yaml"))) == 3


def test_the_chart_has_the_same_jobs(tmp_path: Path):
    folder = chart(tmp_path / "chart", 3)
    values = yaml.safe_load((folder / "values.yaml").read_text())
    assert values["jobs"] == names(3)
    assert values["spec"]["job"]["parallelism"] == 2


def test_the_floor_reads_and_writes_each_file(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("kind: A\n")
    assert cost([sys.executable, "-c", PLAIN, tmp_path], tmp_path).cpu > 0


def test_a_part_that_is_measured_again_replaces_the_old_one_and_no_other():
    first = report.merged({}, "old", [row("a"), row("b")])
    second = report.merged(first, "new", [row("a", jobs=100), Skipped("b", "no cluster")])
    assert second["parts"]["a"]["machine"] == "new"
    assert [row["jobs"] for row in second["parts"]["a"]["rows"]] == [100]
    assert second["parts"]["b"] == first["parts"]["b"]


def test_a_row_without_a_peer_or_a_command_has_empty_cells():
    rows = [
        Row("c", "adopt", 50, "make adopt", Cost(3, 2, 90)),
        Row("c", "fail", 1, "up", Cost(3, 2, 90), "it", Cost(2)),
    ]
    text = report.tables(report.merged({}, "here", rows))
    assert "| adopt (`make adopt`) | 50 | 3.00 s, CPU 2.00 s, 90 MB |  |  |  |  |  |" in text
    assert "| fail (`up`) | 1 | 3.00 s, CPU 2.00 s, 90 MB | it | 2.00 s | 1.5 |  |  |" in text


def test_unmeasured_part_has_a_reason():
    data = report.merged({}, "here", [Skipped("b", "the pulumi command is not on PATH")])
    assert "Not measured: the pulumi command is not on PATH." in report.tables(data)


def test_page_keeps_its_other_text(tmp_path: Path):
    page = tmp_path / report.PAGE
    page.write_text("above\n<!-- measured: written by make bench -->\nold\n<!-- end of measured -->\nbelow\n")
    data = report.merged({}, "here", [row()])
    report.write(tmp_path, data)
    once = page.read_text()
    report.write(tmp_path, data)
    assert page.read_text() == once
    assert once.startswith("above\n")
    assert once.endswith("\nbelow\n")
    assert "old" not in once
    assert "| 2.0 | 4.0 | 3.0 |" in once


def test_the_plot_is_an_svg_with_a_line_for_each_command_and_peer():
    rows = [row(jobs=10), row(jobs=1000, ours=40.0), row(jobs=10, peer="YAML <&>"), row(jobs=1000, peer="YAML <&>")]
    drawn = ElementTree.fromstring(report.plot(report.merged({}, "here", rows)))
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}polyline"))) == 3
    assert "YAML <&>" in [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]


def test_part_c_and_a_command_of_one_size_are_not_drawn_and_each_other_part_has_its_panel():
    rows = [row("a", 10), row("a", 100), row("a", 100, peer="YAML"), row("b", 1), row("c", 1), row("c", 50)]
    rows += [replace(row("d", jobs), work="all jobs deployed") for jobs in (10, 100)]
    drawn = ElementTree.fromstring(report.plot(report.merged({}, "here", rows)))
    assert len(drawn.findall("{http://www.w3.org/2000/svg}g")) == 2
    assert "YAML" not in [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]


def test_plot_without_measurements_is_empty():
    ElementTree.fromstring(report.plot({"parts": {}}))


def test_part_without_a_cluster_has_a_reason():
    nowhere = cluster_kubectl("b", None, None)
    (measure,) = deploying.measure([1], nowhere)
    assert isinstance(measure, Skipped)
    assert "no cluster is set" in measure.reason


def test_part_b_without_a_command_has_a_reason(monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: object) -> Engine:
        raise CommandError("the pulumi command is not on PATH")

    monkeypatch.setattr(deploying.deploy, "find", refuse)
    cluster = Kubectl("kubectl", "kind-flink", None)
    assert list(deploying.measure([1], cluster)) == [Skipped("b", "the pulumi command is not on PATH")]


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / report.PAGE).write_text("<!-- measured: written by make bench -->\n<!-- end of measured -->\n")
    monkeypatch.setattr("dev.bench.checking.measure", lambda counts, runs: iter([row(jobs=counts[0])]))
    assert main(["--part", "a", "--jobs", "7", "--docs", str(tmp_path)]) == 0
    assert "| 7 |" in (tmp_path / report.PAGE).read_text()
    assert machine().split(",")[0] in (tmp_path / report.PAGE).read_text()
