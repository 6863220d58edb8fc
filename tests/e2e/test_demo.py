# ruff: noqa: RUF001, the texts are in other scripts on purpose
"""The main job, end to end: `make demo` counts words with a real Flink, operator and Kubernetes."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.e2e.conftest import PAIRS, ROOT, layered, make, pod_names
from tests.waiting import until
from tests.word_reference import reference_words
from tools.kubectl import Kubectl

SHIPPED = ROOT / "jobs" / "pyflink" / "input"
REST = "/api/v1/namespaces/flink/services/word-count-rest:rest/proxy"


def counted(*paths: Path) -> dict[str, int]:
    """The counts of the files' words by the reference."""
    counts: Counter[str] = Counter()
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                counts.update(reference_words(line))
    return dict(counts)


class Demo:
    """One run of the demo."""

    def __init__(self, *arguments: str) -> None:
        start = time.monotonic()
        done = make("demo", *arguments, timeout=1500)
        self.seconds = time.monotonic() - start
        self.code, self.out, self.error = done.returncode, done.stdout, done.stderr
        self.lines = self.out.splitlines()

    @property
    def counts(self) -> dict[str, int]:
        """Every line that looks like a count."""
        pairs = [line.split("\t") for line in self.lines if "\t" in line]
        assert len({word for word, _ in pairs}) == len(pairs)
        return {word: int(count) for word, count in pairs}


@pytest.fixture(scope="module", params=sorted(PAIRS))
def pair(request: pytest.FixtureRequest, kubectl: Kubectl) -> Generator[str]:
    """An operator version with its Flink version; the cluster is without Flink before and after."""
    wanted = request.config.getoption("--pair")
    if wanted and wanted != request.param:
        pytest.skip(f"only {wanted} was asked for")
    remove_definitions(kubectl)
    yield request.param
    remove_definitions(kubectl)


def remove_definitions(kubectl: Kubectl) -> None:
    """Helm leaves an operator's CRDs behind; the next one must bring its own."""
    names = [
        line for line in kubectl.run("get", "crd", "-o", "name").decode().split() if line.endswith(".flink.apache.org")
    ]
    if names:
        kubectl.run("delete", *names, "--timeout=60s")


def layer_option(tmp_path: Path, pair: str) -> str:
    return f"LAYER={layered(tmp_path, pair)}"


class TestDemo:
    """In this order: the first run, a second, other inputs, what Flink and the operator answer, the end."""

    def test_the_first_run_counts_the_shipped_text(self, pair: str, tmp_path: Path):
        demo = Demo(layer_option(tmp_path, pair))
        assert demo.code == 0, demo.error
        assert demo.lines[-1] == "word-count FINISHED"
        assert demo.counts == counted(*sorted(SHIPPED.iterdir()))
        assert len(demo.counts) > 50
        assert [line.partition("\t")[0] for line in demo.lines if "\t" in line] == sorted(demo.counts)
        assert [line for line in demo.lines if line.startswith("cluster: ")] == ["cluster: sandbox"]
        assert len([line for line in demo.lines if line.startswith("engine: ")]) == 1

    def test_a_second_run_runs_the_job_again_and_builds_nothing(self, pair: str, kubectl: Kubectl, tmp_path: Path):
        before = start_time(kubectl)
        demo = Demo(layer_option(tmp_path, pair))
        assert demo.code == 0, demo.error
        assert demo.counts == counted(*sorted(SHIPPED.iterdir()))
        assert start_time(kubectl) > before
        assert not re.search(r"\bbuilding\b|\bcompil", demo.out + demo.error)

    def test_words_in_any_script_out_of_five_megabytes(self, pair: str, tmp_path: Path):
        if pair != "1.16.1":
            pytest.skip("the job is the same: shown with the default pair")
        words = [
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
        ]
        drawn = random.Random(1)
        text = tmp_path / "many words.txt"
        with text.open("w") as out:
            while out.tell() < 5_000_000:
                out.write(" ".join(drawn.choices(words, k=12)) + drawn.choice(["\n", "\r\n", "!\n", "\n\n"]))
        demo = Demo(f"INPUT={text}", layer_option(tmp_path, pair))
        assert demo.code == 0, demo.error
        assert demo.counts == counted(text)
        assert sum(demo.counts.values()) > 500_000

    def test_an_empty_file_has_no_words(self, pair: str, tmp_path: Path):
        if pair != "1.16.1":
            pytest.skip("the job is the same: shown with the default pair")
        text = tmp_path / "empty.txt"
        text.touch()
        demo = Demo(f"INPUT={text}", layer_option(tmp_path, pair))
        assert demo.code == 0, demo.error
        assert demo.counts == {}
        assert demo.lines[-1] == "word-count FINISHED"

    def test_flink_answers_what_its_ui_shows(self, pair: str, kubectl: Kubectl):
        overview = json.loads(kubectl.run("get", "--raw", f"{REST}/jobs/overview"))["jobs"]
        assert [job["state"] for job in overview] == ["FINISHED"]
        job = json.loads(kubectl.run("get", "--raw", f"{REST}/jobs/{overview[0]['jid']}"))
        assert len(job["vertices"]) >= 2
        assert job["plan"]["nodes"]
        log = kubectl.run("get", "--raw", f"{REST}/jobmanager/log").decode()
        assert "JobManager" in log
        assert kubectl.run("logs", "-n", "flink", "-l", "app=word-count,component=jobmanager", "--tail=5")
        settings = {
            entry["key"]: entry["value"]
            for entry in json.loads(kubectl.run("get", "--raw", f"{REST}/jobmanager/config"))
        }
        assert settings["metrics.reporter.prom.port"] == "9249"
        # Flink collects metrics when it is asked for some: the first answer may be empty.
        until(
            "the JobManager's metrics",
            lambda: {"id": "numRunningJobs"} in json.loads(kubectl.run("get", "--raw", f"{REST}/jobmanager/metrics")),
        )
        # A finished job's own metrics are those of its vertices: /jobs/<id>/metrics lives as long as the job runs.
        assert sum(vertex["metrics"]["write-records"] for vertex in job["vertices"]) > 0

    def test_prometheus_could_scrape_operator_and_job(self, pair: str, kubectl: Kubectl):
        operator = pod_of(kubectl, "flink-operator", "app.kubernetes.io/name=flink-kubernetes-operator")
        scraped = kubectl.run(
            "get", "--raw", f"/api/v1/namespaces/flink-operator/pods/{operator}:9999/proxy/metrics"
        ).decode()
        assert re.search(r"^flink_k8soperator_", scraped, re.MULTILINE)
        manager = pod_of(kubectl, "flink", "app=word-count,component=jobmanager")
        scraped = kubectl.run("get", "--raw", f"/api/v1/namespaces/flink/pods/{manager}:9249/proxy/metrics").decode()
        assert re.search(r"^flink_jobmanager_", scraped, re.MULTILINE)

    def test_a_broken_job_fails_the_deployment_with_its_own_error(self, pair: str, tmp_path: Path):
        layer = json.loads(layered(tmp_path, pair).read_text())
        layer["jobs"]["word-count"]["args"] = ["-pyclientexec", "/usr/local/bin/python3", "-py", "/opt/flink/nope.py"]
        (tmp_path / "broken.yaml").write_text(json.dumps(layer))
        start = time.monotonic()
        done = make("up", "STACK=sandbox", f"LAYER={tmp_path / 'broken.yaml'}", timeout=400)
        assert done.returncode != 0
        # Operator 1.7.0 knows only that the JobManager crashes again and again.
        assert {"1.16.1": "nope.py", "1.7.0": "back-off"}[pair] in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert time.monotonic() - start < 300

    def test_the_operator_is_killed_and_comes_back(self, pair: str, kubectl: Kubectl, tmp_path: Path):
        selector = "app.kubernetes.io/name=flink-kubernetes-operator"
        before = pod_of(kubectl, "flink-operator", selector)
        kubectl.run("delete", "pod", before, "-n", "flink-operator", "--grace-period=0", "--force")
        kubectl.run(
            "rollout", "status", "deployment/flink-kubernetes-operator", "-n", "flink-operator", "--timeout=120s"
        )
        until(
            "another pod of the operator",
            lambda: pod_names(kubectl, "flink-operator", selector) not in ([], [before]),
        )
        demo = Demo(layer_option(tmp_path, pair))
        assert demo.code == 0, demo.error
        assert demo.counts == counted(*sorted(SHIPPED.iterdir()))

    def test_everything_goes_and_the_job_before_its_operator(self, pair: str, kubectl: Kubectl):
        gone: dict[str, float] = {}
        watched = {
            "job": ("flinkdeployment", "word-count", "-n", "flink"),
            "operator": ("deployment", "flink-kubernetes-operator", "-n", "flink-operator"),
            "namespace": ("namespace", "flink"),
        }
        assert all(kubectl.get(*what) for what in watched.values())
        ended = threading.Event()

        def look() -> None:
            while len(gone) < len(watched) and not ended.wait(0.1):
                # What is to go last is looked at first, so that a look takes nothing for gone before what it was after.
                last_first = [name for name in reversed(watched) if name not in gone]
                found = {name: kubectl.get(*watched[name]) for name in last_first}
                for name in reversed(last_first):
                    if found[name] is None:
                        gone[name] = time.monotonic()

        looking = threading.Thread(target=look)
        looking.start()
        done = make("destroy", "STACK=sandbox", timeout=400)
        looking.join(timeout=10)
        ended.set()
        assert done.returncode == 0, done.stderr
        assert gone["job"] < gone["operator"] < gone["namespace"]
        left = json.loads(kubectl.run("get", "namespaces", "-o", "json"))["items"]
        assert not {item["metadata"]["name"] for item in left} & {"flink", "flink-operator"}
        until("no volume is left", lambda: not volumes(kubectl), 60, said=lambda: volumes(kubectl))


def start_time(kubectl: Kubectl) -> int:
    """When Flink says that the job began, milliseconds."""
    status = (kubectl.get("flinkdeployment", "word-count", "-n", "flink") or {})["status"]
    return int(status["jobStatus"]["startTime"])


def pod_of(kubectl: Kubectl, namespace: str, selector: str) -> str:
    """The name of the one pod."""
    [name] = pod_names(kubectl, namespace, selector)
    return name


def volumes(kubectl: Kubectl) -> list[str]:
    """Those of claims in the jobs' namespace; a claim's volume goes some time after it."""
    found = json.loads(kubectl.run("get", "persistentvolumes", "-o", "json"))["items"]
    return [one["metadata"]["name"] for one in found if one["spec"]["claimRef"]["namespace"] == "flink"]
