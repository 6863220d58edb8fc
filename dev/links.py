"""Find relative links to files and headings that do not exist in Markdown pages; `python -m dev.prose` runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_CODE: Final = re.compile(r"^ *```.*?^ *```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_CODE_BLOCK: Final = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def broken_links(page: Path) -> Iterator[tuple[int, str]]:
    """Line and target of each relative link of a page whose file or heading does not exist."""
    text = _CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), page.read_text(encoding="utf-8"))
    for match in _LINK.finditer(text):
        path, _, anchor = match[1].partition("#")
        if ":" in path:
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            yield text.count("\n", 0, match.start()) + 1, match[1]


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub generates them; equal headings are numbered."""
    headings = re.findall(r"^#+ (.*)$", _CODE_BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower() for heading in headings]
    names = [re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain]
    return {f"{name}-{number}" if (number := names[:index].count(name)) else name for index, name in enumerate(names)}
