# ruff: noqa: RUF001, the texts are in other scripts on purpose
"""The main job, end to end: `make demo` counts words with a real engine, Flink, operator and Kubernetes.

With the life of its stack: preview, up, empty preview, change, failure, repair, destroy.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from flink_k8s.support.kubectl import Kubectl
from tests.deletions import deletions
from tests.project import NOTHING, PAIR, PAIRS, ROOT, Project, changes, destroy, make, pod_names, remove_flink_crds
from tests.steps import step
from tests.waiting import until
from tests.word_reference import reference_words

SHIPPED = ROOT / "jobs" / "pyflink" / "input"
JOB = ("flinkdeployment", "word-count", "-n", "flink")
REST = "/api/v1/namespaces/flink/services/word-count-rest:rest/proxy"
OPERATOR = "app.kubernetes.io/name=flink-kubernetes-operator"
NO_SCRIPT = ["-pyclientexec", "/usr/local/bin/python3", "-py", "/opt/flink/nope.py"]
ERROR = {"1.16.1": "nope.py", "1.7.0": "back-off"}
"""Operator 1.7.0 knows only that the JobManager crashes again and again."""
WORDS = (
    "naïve",
    "don't",
    "don’t",
    "cafe\u0301",
    "café",
    "हिन्दी",
    "ภาษาไทยที่นี่",
    "می\u200cخواهم",
    "Straße",
    "ΣΟΦΌΣ",
    "слово",
    "مرحبا",
    "שלום",
    "日本語",
    "नमस्ते",
    "한국어",
    "x_y",
    "İzmir",
    "42",
)


def counted(*paths: Path) -> dict[str, int]:
    """The counts of the files' words by the reference."""
    counts: Counter[str] = Counter()
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                counts.update(reference_words(line))
    return dict(counts)


class Demo:
    """One run of the demo, which has to succeed."""

    def __init__(self, layer: Path, *variables: str) -> None:
        result = make("demo", f"LAYER={layer}", *variables, timeout=1500)
        assert result.returncode == 0, result.stderr
        self.lines = result.stdout.splitlines()
        self.all = result.stdout + result.stderr
        assert self.lines[-1] == "word-count FINISHED"
        assert [line for line in self.lines if line.startswith("cluster: ")] == ["cluster: sandbox"]
        assert [line for line in self.lines if re.match(r"engine: pulumi v?3\.", line)]
        assert [line.partition("\t")[0] for line in self.lines if "\t" in line] == sorted(self.counts)

    @property
    def counts(self) -> dict[str, int]:
        """Every line that looks like a count."""
        pairs = [line.split("\t") for line in self.lines if "\t" in line]
        assert len({word for word, _ in pairs}) == len(pairs)
        return {word: int(count) for word, count in pairs}


@pytest.fixture(params=[pytest.param(pair, marks=() if pair == PAIR else pytest.mark.full) for pair in sorted(PAIRS)])
def pair(request: pytest.FixtureRequest, kubectl: Kubectl) -> str:
    """An operator version with its Flink version; the cluster has neither the stack nor a CRD of Flink."""
    destroy()
    remove_flink_crds(kubectl)
    return request.param


@pytest.fixture
def layer(pair: str) -> Path:
    return PAIRS[pair]


def test_demo_counts_words_and_its_stack_is_changed_repaired_and_destroyed(
    pair: str, layer: Path, engine: Project, kubectl: Kubectl, tmp_path: Path
):
    config = layer.read_text()
    with step("a first preview only creates"):
        result = engine.make("preview", config)
        assert result.code == 0
        assert changes(result.output) == {"create"}
        assert kubectl.get("namespace", "flink") is None

    with step("the demo counts the shipped text"):
        demo = Demo(layer)
        assert demo.counts == counted(*sorted(SHIPPED.iterdir()))
        assert len(demo.counts) > 50
        uid = uid_of_job(kubectl)

    with step("there is nothing to change then"):
        result = engine.make("preview", config, jobs=jobs(pair, restartNonce=nonce(kubectl)))
        assert result.code == 0
        assert changes(result.output) == set()
        assert NOTHING.search(result.output)

    with step("the demo counts words in any script out of five megabytes"):
        text = many_words(tmp_path)
        demo = Demo(layer, f"INPUT={text}")
        assert demo.counts == counted(text)
        assert sum(demo.counts.values()) > 400_000
        assert uid_of_job(kubectl) == uid

    with step("Flink answers what its UI shows"):
        flink_answers(kubectl)

    with step("a job that fails fails `up` with its own error"):
        start = time.monotonic()
        result = engine.make("up", config, jobs=jobs(pair, args=NO_SCRIPT))
        assert result.code != 0
        assert ERROR[pair] in result.output
        assert "Traceback" not in result.output
        assert time.monotonic() - start < 300

    with step("repaired and changed, the job runs again in the same object"):
        repaired = jobs(pair, parallelism=2)
        assert changes(engine.make("preview", config, jobs=repaired).output) == {"update"}
        result = engine.make("up", config, jobs=repaired)
        assert result.code == 0, result.output
        job = kubectl.get(*JOB) or {}
        assert job["metadata"]["uid"] == uid
        assert job["spec"]["job"]["parallelism"] == 2
        assert changes(engine.make("preview", config, jobs=repaired).output) == set()

    with step("destroy deletes everything, the job before its operator"):
        watched = {
            "job": JOB,
            "operator": ("deployment", "flink-kubernetes-operator", "-n", "flink-operator"),
            "namespace": ("namespace", "flink"),
        }
        with deletions(kubectl, watched) as deleted:
            result = engine.make("destroy", config)
        assert result.code == 0, result.output
        assert deleted == list(watched)
        assert kubectl.get("namespace", "flink-operator") is None
        until("no volume is left", lambda: not volumes(kubectl), 60, state=lambda: volumes(kubectl))

    with step("a second destroy has nothing to do"):
        result = engine.make("destroy", config)
        assert result.code == 0
        assert changes(result.output) == set()


@pytest.mark.full
def test_demo_runs_the_job_again_whatever_happened_before(pair: str, layer: Path, kubectl: Kubectl, tmp_path: Path):
    shipped = counted(*sorted(SHIPPED.iterdir()))
    assert Demo(layer).counts == shipped

    with step("a second run builds nothing"):
        before = start_time(kubectl)
        demo = Demo(layer)
        assert demo.counts == shipped
        assert start_time(kubectl) > before
        assert not re.search(r"\bbuilding\b|\bcompil", demo.all)

    with step("an empty file has no words"):
        text = tmp_path / "empty.txt"
        text.touch()
        assert Demo(layer, f"INPUT={text}").counts == {}

    with step("Prometheus could scrape operator and job"):
        [operator] = pod_names(kubectl, "flink-operator", OPERATOR)
        path = f"/api/v1/namespaces/flink-operator/pods/{operator}:9999/proxy/metrics"
        assert re.search(r"^flink_k8soperator_", kubectl.run("get", "--raw", path).decode(), re.MULTILINE)
        [manager] = pod_names(kubectl, "flink", "app=word-count,component=jobmanager")
        path = f"/api/v1/namespaces/flink/pods/{manager}:9249/proxy/metrics"
        assert re.search(r"^flink_jobmanager_", kubectl.run("get", "--raw", path).decode(), re.MULTILINE)

    with step("the operator is killed and comes back"):
        kubectl.run("delete", "pod", operator, "-n", "flink-operator", "--grace-period=0", "--force")
        deployment = ("deployment/flink-kubernetes-operator", "-n", "flink-operator")
        kubectl.run("rollout", "status", *deployment, "--timeout=120s")
        until("another operator", lambda: pod_names(kubectl, "flink-operator", OPERATOR) not in ([], [operator]))
        assert Demo(layer).counts == shipped

    result = make("destroy", "STACK=sandbox", f"LAYER={layer}", timeout=400)
    assert result.returncode == 0, result.stderr


def jobs(pair: str, **settings: object) -> dict[str, object]:
    """The key `jobs`: the word count of a pair with further settings."""
    image, version = {"1.16.1": ("pyflink:dev", "v2_2"), "1.7.0": ("pyflink:dev-1.19", "v1_19")}[pair]
    return {"word-count": {"image": image, "flinkVersion": version, **settings}}


def many_words(folder: Path) -> Path:
    """A file of five megabytes."""
    drawn = random.Random(1)
    text = folder / "many words.txt"
    with text.open("w") as out:
        while out.tell() < 5_000_000:
            out.write(" ".join(drawn.choices(WORDS, k=12)) + drawn.choice(["\n", "\r\n", "!\n", "\n\n"]))
    return text


def flink_answers(kubectl: Kubectl) -> None:
    """Flink's REST interface, logs and metrics of the finished job."""
    overview = json.loads(kubectl.run("get", "--raw", f"{REST}/jobs/overview"))["jobs"]
    assert [job["state"] for job in overview] == ["FINISHED"]
    job = json.loads(kubectl.run("get", "--raw", f"{REST}/jobs/{overview[0]['jid']}"))
    assert len(job["vertices"]) >= 2
    assert job["plan"]["nodes"]
    assert "JobManager" in kubectl.run("get", "--raw", f"{REST}/jobmanager/log").decode()
    assert kubectl.run("logs", "-n", "flink", "-l", "app=word-count,component=jobmanager", "--tail=5")
    listed = json.loads(kubectl.run("get", "--raw", f"{REST}/jobmanager/config"))
    assert {entry["key"]: entry["value"] for entry in listed}["metrics.reporter.prom.port"] == "9249"
    # Flink collects metrics when it is asked for some: the first answer may be empty.
    until(
        "the JobManager's metrics",
        lambda: {"id": "numRunningJobs"} in json.loads(kubectl.run("get", "--raw", f"{REST}/jobmanager/metrics")),
    )
    # A finished job's own metrics are those of its vertices: /jobs/<id>/metrics lives as long as the job runs.
    assert sum(vertex["metrics"]["write-records"] for vertex in job["vertices"]) > 0


def uid_of_job(kubectl: Kubectl) -> str:
    return (kubectl.get(*JOB) or {})["metadata"]["uid"]


def nonce(kubectl: Kubectl) -> int:
    """The number that makes each run of the demo a new one."""
    return (kubectl.get(*JOB) or {})["spec"]["restartNonce"]


def start_time(kubectl: Kubectl) -> int:
    """When the job began by Flink's clock, in milliseconds."""
    return int((kubectl.get(*JOB) or {})["status"]["jobStatus"]["startTime"])


def volumes(kubectl: Kubectl) -> list[str]:
    """Those of claims in the jobs' namespace; a claim's volume goes some time after it."""
    content = json.loads(kubectl.run("get", "persistentvolumes", "-o", "json"))["items"]
    return [finding["metadata"]["name"] for finding in content if finding["spec"]["claimRef"]["namespace"] == "flink"]
