"""The comment of a pull request, of a branch that changes one job, adds another and breaks a third."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.operations.review import trees
from flink_k8s.operations.review.comment import LONGEST, MARK, Compared, comment, fails, preview_json
from flink_k8s.operations.review.review import compare, review
from flink_k8s.operations.review.trees import Declared
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT

JOB = """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: {name}
spec:
  image: registry.example.org/{name}@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  flinkVersion: v2_2
  jobManager: {{resource: {{memory: 1600m, cpu: 1}}}}
  taskManager: {{resource: {{memory: 1600m, cpu: 1}}}}
  job:
    jarURI: local:///opt/flink/usrlib/{name}.jar
    parallelism: {parallelism}
    upgradeMode: savepoint
"""


def git(root: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", root, *identity, *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with three jobs on main, and a branch that is not committed whole."""
    root = tmp_path_factory.mktemp("clone")
    trees.copy_work(ROOT, root)
    for stack in ("staging", "prod"):
        (root / f"Pulumi.{stack}.yaml").unlink()
    jobs = root / "jobs"
    (jobs / "orders.yaml").write_text(JOB.format(name="orders", parallelism=2))
    (jobs / "visits.yaml").write_text(JOB.format(name="visits", parallelism=1))
    for words in (("init",), ("add", "-A"), ("commit", "-m", "before"), ("switch", "-c", "change")):
        git(root, *words)
    (jobs / "orders.yaml").write_text(JOB.format(name="orders", parallelism=8))
    git(root, "commit", "-am", "orders: eight")
    (jobs / "returns.yaml").write_text(JOB.format(name="returns", parallelism=1))
    (jobs / "visits.yaml").write_text(JOB.format(name="visits", parallelism=1).replace("parallelism", "paralelism"))
    return root


@pytest.fixture(scope="module")
def compared(clone: Path) -> list[Compared]:
    return compare(clone, "main")


def test_comment_has_the_effect_on_each_job(compared: list[Compared]) -> None:
    [dev] = compared
    assert dev.stack == "dev"
    jobs = [
        [name for name in names if "-flinkdeployment-flink-" in name] for names in (dev.added, dev.changed, dev.removed)
    ]
    assert jobs == [["04-flinkdeployment-flink-returns.yaml"], ["04-flinkdeployment-flink-orders.yaml"], []]
    text = comment(compared, "main")
    assert text.startswith(MARK)
    assert re.search(r"\| `dev` \| ❌ 1 problem \| \+2 ~\d -0 \|", text)  # a job and its policy
    assert "`jobs/visits.yaml:12: spec.job.paralelism: unknown field" in text
    assert 'did you mean "parallelism"?' in text
    assert "The rest of this comment uses the base's version of `jobs/visits.yaml`." in text
    assert "| `flink/orders` | restart from savepoint |" in text
    assert re.search(r"job\.parallelism: 2 -\S+ 8", text)
    assert "| `flink/returns` | new |" in text
    assert "-    parallelism: 2\n+    parallelism: 8\n" in text
    assert "flinkdeployment-flink-visits" not in text


def test_a_branch_with_problems_fails_and_has_a_comment(
    clone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "comment.md"
    assert review(clone, "main", ["dev"], checks={"lint": False, "e2e": True}, out=out) == 3
    assert "❌ lint" in out.read_text()
    assert "✅ e2e" in out.read_text()
    assert out.read_text().strip() == capsys.readouterr().out.strip()


def test_a_comment_is_printed_if_its_file_cannot_be_written(
    clone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="cannot be written: Is a directory"):
        review(clone, "main", ["dev"], out=tmp_path)
    assert capsys.readouterr().out.startswith(MARK)


def test_an_unknown_base_is_an_error(clone: Path) -> None:
    with pytest.raises(CommandError, match=r"git merge-base nowhere HEAD: .*fetch the base with its complete history"):
        compare(clone, "nowhere")


def resource(name: str, parallelism: int = 1, namespace: str = "flink", protect: bool = False) -> dict[str, Any]:
    inputs = {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"job": {"parallelism": parallelism, "upgradeMode": "last-state"}, "flinkVersion": "v2_2"},
    }
    kind = "kubernetes:flink.apache.org/v1beta1:FlinkDeployment"
    return {"urn": f"urn:pulumi:dev::flink-k8s::{kind}::{name}", "inputs": inputs, "protect": protect}


OPERATOR = {"version": "1.16.1", "configuration": {}}


def declares(*objects: dict[str, Any], **more: Any) -> Declared:
    manifests = {
        f"04-{resource['inputs']['metadata']['name']}.yaml": str(resource["inputs"]["spec"]) + "\n"
        for resource in objects
    }
    return Declared(resources=objects, manifests=manifests, operator=OPERATOR, **more)


def stack(base: Declared, head: Declared) -> Compared:
    return Compared("dev", base, head, head)


def test_state_loss_fails_unless_allowed() -> None:
    loses = stack(declares(resource("a"), resource("b")), declares(resource("a")))
    assert fails([loses])
    assert "STATE LOSS in flink/b" in comment([loses], "main")
    assert not fails([Compared("dev", loses.base, loses.head, loses.head, ("b",))])
    assert not fails([stack(declares(resource("a")), declares(resource("a"), resource("b")))])


def test_equal_resources_are_unchanged() -> None:
    assert '"op": "same"' in preview_json([resource("a")], [resource("a")])
    assert '"op": "update"' in preview_json([resource("a")], [resource("a", 2)])
    assert '"replaceReasons": ["metadata.namespace"]' in preview_json([resource("a")], [resource("a", namespace="b")])


def test_a_resource_with_another_parent_is_unchanged() -> None:
    moved = {
        **resource("a"),
        "urn": resource("a")["urn"].replace("::kubernetes:", "::flink-k8s:index:FlinkJob$kubernetes:"),
    }
    assert '"op": "same"' in preview_json([resource("a")], [moved])


def test_new_findings_are_listed_once() -> None:
    old, new = "warning: jobs/a.yaml:1: x", "warning: jobs/a.yaml:2: y"
    compared = Compared("dev", declares(remarks=(old,)), declares(remarks=(old, new)), declares(remarks=(old, new)))
    two = Compared("prod", declares(), declares(remarks=(new,)), declares(remarks=(new,)))
    text = comment([compared, two], "main")
    assert f"- `{new}` (dev, prod)" in text
    assert old not in text


def test_a_tree_that_cannot_be_evaluated_fails() -> None:
    broken = Declared(failure="ImportError: x")
    assert "`dev` of this branch cannot be evaluated: `ImportError: x`" in comment([stack(declares(), broken)], "main")
    assert fails([stack(declares(), broken)])


def test_problems_of_the_base_are_listed_and_do_not_fail() -> None:
    text = comment([stack(Declared(problems=("jobs/a.yaml: x",)), declares(resource("a")))], "main")
    assert "`dev` had problems before this branch: `jobs/a.yaml: x`" in text


def test_a_comment_is_not_longer_than_github_allows() -> None:
    many = declares(*(resource(f"job-{index}", namespace="n" * 60) for index in range(900)))
    text = comment([stack(declares(), many)], "main")
    assert LONGEST - 1000 < len(text) < 65536
    assert "Too long for a comment" in text


@pytest.fixture
def renamed(clone: Path, tmp_path: Path) -> Path:
    """A branch that takes the stack `dev` away and brings `team.a`."""
    root = tmp_path / "renamed"
    git(tmp_path, "clone", "-q", "-b", "main", str(clone), str(root))
    git(root, "switch", "-c", "renamed")
    git(root, "mv", "Pulumi.dev.yaml", "Pulumi.team.a.yaml")
    return root


def test_new_and_removed_stacks_are_in_the_comment(renamed: Path) -> None:
    actual = compare(renamed, "main")
    assert [finding.stack for finding in actual] == ["dev", "team.a"]
    text = comment(actual, "main")
    assert re.search(r"\| `dev` \| ✅ \| \+0 ~0 -\d+ \|", text)
    assert re.search(r"\| `team.a` \| ✅ \| \+\d+ ~0 -0 \|", text)
    assert "`dev` has no stack file any more" in text
    assert "make destroy STACK=dev" in text
    assert "STATE LOSS in flink/orders" in text
    assert "| `flink/orders` | new |" in text
    assert fails(actual)
    assert not fails(compare(renamed, "main", ["dev"], ["orders", "visits"]))


def test_an_unknown_stack_is_an_error_with_the_nearest_name(renamed: Path) -> None:
    """A misspelt stack is not reported as unchanged."""
    with pytest.raises(
        CommandError, match=r'unknown stack "team\.b" in the working tree and in main; did you mean "team\.a"\?'
    ):
        compare(renamed, "main", ["dev", "team.b"])
