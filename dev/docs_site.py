"""Hooks of MkDocs for the documentation site (`mkdocs.yml`): the README is its first page.

Links to files outside of docs/ become links to the repository if `repo_url` is set, else plain text: the site does not
contain those files.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parent.parent
_LINK: Final = re.compile(r"\[([^\]]+)\]\(([^):\s]+)\)")
_CODE_BLOCK: Final = re.compile(r"(^ *```.*?^ *```)", re.MULTILINE | re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Replace the names of folders in the navigation by lists of their pages."""
    config.nav = _with_folders(config.nav, Path(config.docs_dir))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the README as the first page."""
    files.append(File.generated(config, "index.md", content=(ROOT / "README.md").read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Adapt the links of a page to the site."""
    folder = posixpath.dirname(page.file.src_uri)
    # The README is one folder above the other pages.
    source = "" if page.file.src_uri == "index.md" else posixpath.join("docs", folder)

    def link(match: re.Match[str]) -> str:
        text, target = match.groups()
        path, _, anchor = target.partition("#")
        if not path:
            return match[0]
        in_repository = posixpath.normpath(posixpath.join(source, path))
        if in_repository == "README.md":
            in_site = "index.md"
        elif in_repository.startswith("docs/"):
            in_site = in_repository.removeprefix("docs/")
        else:
            in_site = ""
        if in_site == "adr":
            in_site = next(file.src_uri for file in files.documentation_pages() if file.src_uri.startswith("adr/"))
        if in_site and files.get_file_from_path(in_site):
            return f"[{text}]({posixpath.relpath(in_site, folder or '.')}{'#' + anchor if anchor else ''})"
        return f"[{text}]({config.repo_url.rstrip('/')}/blob/main/{in_repository})" if config.repo_url else text

    # The capturing group keeps the code blocks in the result: every second part is one.
    parts = _CODE_BLOCK.split(markdown)
    return "".join(part if index % 2 else _LINK.sub(link, part) for index, part in enumerate(parts))


def _with_folders(entry: Any, docs: Path) -> Any:
    """The navigation with each name of a folder replaced by the list of its pages."""
    if isinstance(entry, list):
        return [_with_folders(item, docs) for item in cast("list[Any]", entry)]
    if isinstance(entry, dict):
        return {title: _with_folders(value, docs) for title, value in cast("dict[str, Any]", entry).items()}
    if (docs / entry).is_dir():
        return [page.relative_to(docs).as_posix() for page in sorted((docs / entry).glob("*.md"))]
    return entry
