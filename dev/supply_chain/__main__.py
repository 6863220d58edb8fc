"""`make sbom` and `make audit`: what a stack is made of, its licences, and what is known against it.

python -m dev.supply_chain STACK [--out FILE] [--audit]

Exit code 0, or 1 when a part has a known vulnerability or an unusual licence, or could not be looked up.
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
from flink_k8s.program.command import recorded
from flink_k8s.program.render import documents
from flink_k8s.support import output_file
from flink_k8s.support.console import exit_code, say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT
from flink_k8s.support.processes import stream

# renovate: datasource=github-releases depName=google/osv-scanner
OSV_SCANNER = "v2.5.1"


def write(stack: str, out: Path) -> dict[str, str]:
    """Writes a stack's bill of materials.

    Args:
        stack: its name.
        out: the file; its name has to end in `.cdx.json` for scanners to know it.

    Returns:
        Python packages to their licences, by package URL.

    Raises:
        CommandError: if the stack cannot be rendered, licences cannot be looked up, or the file cannot be written.
    """
    recording = recorded(stack)
    # Charts that can be reached say which images they bring; the others are parts without contents.
    found, notes = documents(recording, inflate=ROOT)
    for note in notes:
        if note.startswith("chart not rendered"):
            say(note)
    made = parts.of_stack(recording, [one.manifest for one in found])
    names: dict[str, str] = {}
    for path in LISTS:
        names |= licences.of_lock(ROOT / path.with_suffix(".txt"))
    pypi = [part for part in made if part.purl.startswith("pkg:pypi/")]
    said = {part.purl: names.get(canonicalize_name(part.name), "") for part in pypi}
    output_file.write(out, bill(stack, made, said))
    say(f"{len(made)} parts in {out}")
    return said


def unusual(said: dict[str, str]) -> list[str]:
    """A line for each package whose licence asks something, or is not known."""
    lines: list[str] = []
    for purl, licence in sorted(said.items()):
        if not licences.permitted(licence):
            url = PackageURL.from_string(purl)
            lines.append(
                f"{url.name} {url.version}: its licence, {licence or 'not said'}, is not in PERMITTED of "
                "dev/supply_chain/licences.py; read it, then add it there or use another package"
            )
    return lines


def vulnerable(sbom: Path) -> bool:
    """Whether the OSV database knows something against a part; osv-scanner prints what.

    Raises:
        CommandError: when the scanner cannot be had or cannot ask.
    """
    program = GoProgram("github.com/google/osv-scanner/v2/cmd/osv-scanner", OSV_SCANNER).find()
    if program is None:
        raise CommandError("vulnerabilities cannot be looked up; install osv-scanner or Go")
    # It would name each chart and image, whose package URLs no database knows.
    code = stream([program, "scan", "source", "--verbosity", "error", "--lockfile", sbom.resolve()])
    if code > 1:
        raise CommandError(f"osv-scanner could not look up the parts of {sbom} (exit code {code}); it asks api.osv.dev")
    return code == 1


def main() -> int:
    """The command line; an exit code."""
    parser = argparse.ArgumentParser(prog="dev.supply_chain", description="what a stack is made of")
    parser.add_argument("stack", metavar="STACK")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: out/STACK.cdx.json")
    parser.add_argument("--audit", action="store_true", help="look up licences and vulnerabilities, too")
    options = parser.parse_args()
    out: Path = options.out or ROOT / "out" / f"{options.stack}.cdx.json"
    said = write(options.stack, out)
    if not options.audit:
        return 0
    lines = [*unusual(said), *go_modules.unusual()]
    for line in lines:
        say(line)
    return int(vulnerable(out) or bool(lines))


if __name__ == "__main__":
    sys.exit(exit_code(main))
