"""`python -m dev.screenshots URL [--out docs/images]`: take the pictures of Flink's web UI in docs/concepts.md.

URL is the web UI of a cluster with a running job; `make ui JOB=running-totals` prints it. Requires Chromium.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from flink_k8s.support.console import exit_code, say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT

PAGES: Mapping[str, str] = {
    "overview": "#/overview",
    "job-graph": "#/job/running/{job}/overview",
    "checkpoints": "#/job/running/{job}/checkpoints",
    "exceptions": "#/job/running/{job}/exceptions",
    "configuration": "#/job/running/{job}/configuration",
    "metrics": "#/task-manager/{task_manager}/metrics",
    "logs": "#/job-manager/logs",
}
"""Name of a picture to the address of its page in the web UI."""

_SIZE = (1280, 800)
_LOADING_MILLISECONDS = 30_000
"""Time of the page's own clock in which it loads its data."""

_SECONDS = 120


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="dev.screenshots", description="take pictures of Flink's web UI")
    parser.add_argument("url", help="of the web UI, for example http://localhost:8081")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images", help="folder of the pictures")
    arguments = parser.parse_args()
    url = str(arguments.url).rstrip("/")
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if browser is None:
        raise CommandError("Chromium is not installed; install the package chromium")
    names = _names(url)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for page, address in PAGES.items():
        picture = arguments.out / f"flink-{page}.png"
        _take(browser, f"{url}/{address.format(**names)}", picture)
        say(f"{picture}: {picture.stat().st_size // 1024} kB")
    if _names(url) != names:
        raise CommandError("the job or its TaskManager was restarted meanwhile; run the command again")
    return 0


def _names(url: str) -> dict[str, str]:
    """The IDs of the running job and of a TaskManager."""
    jobs = [job["jid"] for job in _get(f"{url}/jobs/overview")["jobs"] if job["state"] == "RUNNING"]
    task_managers = [item["id"] for item in _get(f"{url}/taskmanagers")["taskmanagers"]]
    if not jobs or not task_managers:
        raise CommandError(f"no job runs at {url}; start one, for example running-totals")
    return {"job": jobs[0], "task_manager": task_managers[0]}


def _get(url: str) -> dict[str, list[dict[str, str]]]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)
    except OSError as error:
        raise CommandError(f"{url} cannot be read: {error}; check the URL, and whether make ui runs") from None


def _take(browser: str, url: str, picture: Path) -> None:
    """Write a picture of a page.

    Raises:
        CommandError: if the browser writes none; contains its last messages.
    """
    picture.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
        ]
        command += [f"--window-size={_SIZE[0]},{_SIZE[1]}", f"--virtual-time-budget={_LOADING_MILLISECONDS}"]
        command += [f"--screenshot={picture}", url]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise CommandError(f"the browser took more than {_SECONDS} s for {url}") from None
    if not picture.exists():
        raise CommandError(f"the browser wrote no picture of {url}: {result.stderr.strip()[-300:]}")


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
