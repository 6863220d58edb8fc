"""One comment and one issue, against a small GitHub of the test's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flink_k8s.operations import github
from flink_k8s.support.processes import FailedError

MARK = "<!-- mark -->"


class Hub:
    """Comments and issues, and whether the token may write."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = [{"id": index, "body": "talk"} for index in range(150)]
        self.issues: list[dict[str, Any]] = [{"number": 1, "title": "Drift in prod", "body": "", "pull_request": {}}]
        self.may_write = True

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if method != "GET" and not self.may_write:
            return 403, {}
        place, _, query = path.removeprefix("/repos/o/r/").partition("?")
        items, key = (self.comments, "id") if "comments" in place else (self.issues, "number")
        if method == "GET":
            page = int(dict(part.split("=") for part in query.split("&"))["page"])
            there = [one for one in items if one.get("state") != "closed"]
            return 200, there[(page - 1) * 100 : page * 100]
        if method == "POST":
            items.append({key: 1000 + len(items), **body})
            return 201, items[-1]
        found = next(one for one in items if one[key] == int(place.rpartition("/")[2]))
        found |= body
        return 200, found


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Generator[Hub]:
    made = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            assert self.headers["Authorization"] == "Bearer t"
            length = int(self.headers.get("Content-Length") or 0)
            status, said = made.answer(self.command, self.path, json.loads(self.rfile.read(length) or b"{}"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        do_GET = do_POST = do_PATCH = do_any  # noqa: N815 - the library's names

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.setenv("PULL_REQUEST", "7")
    yield made
    server.shutdown()
    server.server_close()


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["github", *map(str, words)])
    return github.main()


def test_a_comment_is_written_once_and_then_updated(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = tmp_path / "comment.md"
    for body in ("one", "two"):
        text.write_text(f"{MARK}\n{body}\n")
        assert run(monkeypatch, "comment", text) == 0
    assert [one["body"] for one in hub.comments if one["body"] != "talk"] == [f"{MARK}\ntwo"]
    assert (tmp_path / "summary").read_text() == f"{MARK}\none\n{MARK}\ntwo\n"


def test_a_fork_has_its_comment_in_the_summary(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hub.may_write = False
    (tmp_path / "comment.md").write_text(f"{MARK}\none\n")
    assert run(monkeypatch, "comment", tmp_path / "comment.md") == 0
    assert (tmp_path / "summary").read_text()
    with pytest.raises(FailedError, match="GitHub says 403"):
        github.issue("Drift in prod", "text")


def test_an_issue_is_opened_updated_and_closed(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = tmp_path / "drift.md"
    for body in ("one", "two"):
        text.write_text(body)
        run(monkeypatch, "issue", "Drift in prod", text)
    pull_request, opened = hub.issues
    assert (opened["title"], opened["body"], opened.get("state")) == ("Drift in prod", "two", None)
    text.unlink()
    run(monkeypatch, "issue", "Drift in prod", text)
    assert opened["state"] == "closed"
    assert "state" not in pull_request
    assert github.issue("Drift in prod", "") == "nothing to say, and no open issue Drift in prod"


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(FailedError, match="nothing to say"):
        run(monkeypatch, "comment", tmp_path / "none")
    with pytest.raises(FailedError, match="PULL_REQUEST"):
        github.comment("", MARK)
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(FailedError, match="GITHUB_TOKEN not set"):
        github.comment("7", MARK)
