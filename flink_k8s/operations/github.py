"""What a workflow writes on GitHub: one comment on a pull request, one issue of a title; updated, never repeated.

python -m flink_k8s.operations.github comment FILE        on the pull request that PULL_REQUEST names
python -m flink_k8s.operations.github issue TITLE FILE    closed when the file is not there or is empty
GITHUB_TOKEN, GITHUB_REPOSITORY and GITHUB_API_URL are the runner's own. Either text also becomes the run's summary.
"""

from __future__ import annotations

import argparse
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from flink_k8s.support.processes import FailedError, finish, say

_PAGE = 100


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="flink_k8s.operations.github", description="one comment, or one issue")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("comment").add_argument("file", type=Path)
    issue_parser = commands.add_parser("issue")
    issue_parser.add_argument("title")
    issue_parser.add_argument("file", type=Path)
    options = parser.parse_args()
    file: Path = options.file
    text = file.read_text(encoding="utf-8").strip() if file.exists() else ""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and text:
        with Path(summary).open("a", encoding="utf-8") as written:
            written.write(f"{text}\n")
    if options.command == "issue":
        say(issue(options.title, text))
    elif not text:
        raise FailedError(f"{file} is not there or empty: there is nothing to say on the pull request")
    else:
        say(comment(os.environ.get("PULL_REQUEST", ""), text))
    return 0


def comment(number: str, text: str) -> str:
    """Writes the comment whose first line is the text's first line, or changes the one that has it; what it did.

    Raises:
        FailedError: when GitHub refuses, but for the token of a fork's pull request, which may not write.
    """
    mark = text.splitlines()[0]
    if not number.isdigit():
        raise FailedError(f'PULL_REQUEST is "{number}"; write the number of the pull request')
    old = next((one for one in _all(f"issues/{number}/comments") if str(one["body"]).startswith(mark)), None)
    try:
        if old is not None:
            _ask("PATCH", f"issues/comments/{old['id']}", {"body": text})
            return f"comment {old['id']} of #{number} is updated"
        made = _ask("POST", f"issues/{number}/comments", {"body": text})
    except _RefusedError as error:
        if error.status != 403:
            raise
        return f"no comment on #{number}: the token may not write, as that of a fork; the run's summary has it"
    return f"comment {made['id']} of #{number} is written"


def issue(title: str, text: str) -> str:
    """Opens an issue of that title or changes the open one; closes it when there is nothing to say. What it did.

    Raises:
        FailedError: when GitHub refuses.
    """
    open_ones = (one for one in _all("issues?state=open") if "pull_request" not in one)
    old = next((one for one in open_ones if one["title"] == title), None)
    if not text:
        if old is None:
            return f"nothing to say, and no open issue {title}"
        _ask("PATCH", f"issues/{old['number']}", {"state": "closed"})
        return f"#{old['number']} {title} is closed"
    if old is not None:
        _ask("PATCH", f"issues/{old['number']}", {"body": text})
        return f"#{old['number']} {title} is updated"
    made = _ask("POST", "issues", {"title": title, "body": text})
    return f"#{made['number']} {title} is opened"


class _RefusedError(FailedError):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def _all(path: str) -> Iterator[Mapping[str, Any]]:
    """Every item of a list, page by page."""
    page = 1
    while True:
        query = f"{'&' if '?' in path else '?'}per_page={_PAGE}&page={page}"
        items = cast(list[Mapping[str, Any]], _ask("GET", path + query))
        yield from items
        if len(items) < _PAGE:
            return
        page += 1


def _ask(method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
    said = {name: os.environ.get(name, "") for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY")}
    missing = [name for name, value in said.items() if not value]
    if missing:
        raise FailedError(f"{', '.join(missing)} not set; a workflow's runner sets them")
    url = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    request = urllib.request.Request(
        f"{url}/repos/{said['GITHUB_REPOSITORY']}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {said['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise _RefusedError(error.code, f"GitHub says {error.code} to {method} {path}: {error.reason}") from None
    except OSError as error:
        raise FailedError(f"{method} {path}: {error}") from None


if __name__ == "__main__":
    finish(main)
