"""`make sbom` and `make audit`: write a stack's bill of materials; check its licences and known vulnerabilities.

python -m dev.supply_chain STACK [--out FILE] [--audit]

Exit code 1 if a part has a known vulnerability or a licence that is not permitted, or if the check fails.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from packageurl import PackageURL
from packaging.utils import canonicalize_name

from dev.go_program import GoProgram
from dev.lock import LISTS
from dev.supply_chain import go_modules, licences, parts
from dev.supply_chain.bom import bill
from flink_k8s.program.command import declared_graph
from flink_k8s.program.render import documents
from flink_k8s.support import output_file
from flink_k8s.support.console import exit_code, say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import stream

# renovate: datasource=github-releases depName=google/osv-scanner
OSV_SCANNER = "v2.5.1"


def write(stack: str, out: Path) -> dict[str, str]:
    """Write a stack's bill of materials.

    Args:
        stack: name of the stack.
        out: the file; scanners require a name that ends in `.cdx.json`.

    Returns:
        Python packages to their licences, by package URL.

    Raises:
        CommandError: if the stack cannot be rendered, licences cannot be looked up, or the file cannot be written.
    """
    graph = declared_graph(stack)
    # Reachable charts are rendered and list their images; other charts are parts without images.
    objects, notes = documents(graph, template_charts=ROOT)
    for note in notes:
        if note.startswith("chart not rendered"):
            say(note)
    all_parts = parts.of_stack(graph, [item.manifest for item in objects])
    names: dict[str, str] = {}
    for path in LISTS:
        names |= licences.of_lock(ROOT / path.with_suffix(".txt"))
    pypi = [part for part in all_parts if part.purl.startswith("pkg:pypi/")]
    licence_by_url = {part.purl: names.get(canonicalize_name(part.name), "") for part in pypi}
    output_file.write(out, bill(stack, all_parts, licence_by_url))
    say(f"{len(all_parts)} parts in {out}")
    return licence_by_url


def unusual(licence_by_url: dict[str, str]) -> list[str]:
    """A line for each package whose licence is unknown or not permitted."""
    lines: list[str] = []
    for purl, licence in sorted(licence_by_url.items()):
        if not licences.permitted(licence):
            url = PackageURL.from_string(purl)
            lines.append(
                f"{url.name} {url.version}: its licence, {licence or 'unknown'}, is not in PERMITTED of "
                "dev/supply_chain/licences.py; read it, then add it there or use another package"
            )
    return lines


def vulnerable(sbom: Path) -> bool:
    """Whether the OSV database has a vulnerability of a part; osv-scanner prints it.

    Raises:
        CommandError: if the scanner is not available or cannot query the database.
    """
    program = GoProgram("github.com/google/osv-scanner/v2/cmd/osv-scanner", OSV_SCANNER).find()
    if program is None:
        raise CommandError("vulnerabilities cannot be looked up; install osv-scanner or Go")
    # By default it also lists each chart and image, whose package URLs are in no database.
    code = stream([program, "scan", "source", "--verbosity", "error", "--lockfile", sbom.resolve()])
    if code > 1:
        raise CommandError(
            f"osv-scanner could not look up the parts of {sbom} (exit code {code}); it needs access to api.osv.dev"
        )
    return code == 1


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="dev.supply_chain", description="write and audit a stack's bill of materials")
    parser.add_argument("stack", metavar="STACK")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: out/STACK.cdx.json")
    parser.add_argument("--audit", action="store_true", help="also check licences and vulnerabilities")
    options = parser.parse_args()
    out: Path = options.out or ROOT / "out" / f"{options.stack}.cdx.json"
    licence_by_url = write(options.stack, out)
    if not options.audit:
        return 0
    lines = [*unusual(licence_by_url), *go_modules.unusual()]
    for line in lines:
        say(line)
    return int(vulnerable(out) or bool(lines))


if __name__ == "__main__":
    sys.exit(exit_code(main))
