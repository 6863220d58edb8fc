"""What one job more costs Pulumi's state and the API server, in counts: no other work on the machine changes them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from flink_k8s.facts.kinds import FLINK_GROUP
from tests.engine.plain import Plain

pytestmark = pytest.mark.full

SPEC = {
    "image": "shop/orders:1",
    "flinkVersion": "v1_20",
    "jobManager": {"resource": {"memory": "1g", "cpu": 1}},
    "taskManager": {"resource": {"memory": "2g", "cpu": 1}},
    "job": {"jarURI": "local:///opt/flink/job.jar", "parallelism": 2, "upgradeMode": "stateless"},
}
_REQUEST = re.compile(r"apiserver_request_total\{(.*)\} (\d+)")


def requests(plain: Plain) -> Counter[str]:
    """Requests for Flink resources and NetworkPolicies since the API server started, by verb."""
    counts: Counter[str] = Counter()
    for labels, number in _REQUEST.findall(plain.kubectl.run("get", "--raw=/metrics").decode()):
        values = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if values["group"] == FLINK_GROUP or values["resource"] == "networkpolicies":
            counts[values["verb"]] += int(number)
    return counts


def test_cost_of_a_job(tmp_path: Path):
    costs: list[Counter[str]] = []
    with Plain.started(tmp_path) as plain:
        plain.configure(networkPolicies={"enabled": True})
        for jobs in (range(1), range(1, 4), range(4, 9)):  # 1, 3 and 5 new jobs
            before = requests(plain)
            for number in jobs:
                plain.write(f"job-{number}", SPEC)
            done = plain.pulumi("up", "--skip-preview")
            assert done.code == 0, done.output
            state = plain.folder / "state/.pulumi/stacks/flink-k8s/plain.json"
            costs.append(requests(plain) - before + Counter(bytes=state.stat().st_size))
    _, fewer, more = costs
    # The second run's state has four jobs, and the third run's has nine.
    assert (more.pop("bytes") - fewer.pop("bytes")) / 5 < 20_000
    assert {verb: number / 2 for verb, number in (more - fewer).items()} == {"APPLY": 2}  # the job and its policy
