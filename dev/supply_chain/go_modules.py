"""Licences of the Go modules that the sandbox' programs are linked from: go-licenses reads their own files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import cast

from dev.go_program import GoProgram
from dev.supply_chain.licences import PERMITTED, permitted
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import ROOT, home
from flink_k8s.support.processes import capture

# Not for Renovate: version 2's module asks for its source repository, which a module proxy alone is not.
GO_LICENSES = "v1.6.0"

MODULES = ROOT / "sandbox" / "modules"
READ = {"github.com/coder/quartz": "MIT-0"}
"""Libraries whose text go-licenses does not know, read by a person. A new version's text may be another: look again."""

_NOT_ALLOWED = re.compile(r"^Not allowed license (.*?) ?found for library (\S+)$", re.MULTILINE)


def unusual(modules: Path = MODULES) -> list[str]:
    """A line for each linked module whose licence is not permitted, or is not known.

    Args:
        modules: a folder of Go modules, which have their programs' packages as theirs or as tools.

    Raises:
        CommandError: when Go or go-licenses cannot be had, or a module cannot be read.
    """
    lines: list[str] = []
    for go_mod in sorted(modules.glob("*/go.mod")):
        found = _of_module(go_mod.parent)
        lines += [
            f"{library}, linked into programs of sandbox/modules/{go_mod.parent.name}: its licence, "
            f"{licence or 'not known'}, is not in PERMITTED of dev/supply_chain/licences.py; read it, then "
            "add it there or use another module"
            for library, licence in found.items()
            if not permitted(READ.get(library, licence))
        ]
    return lines


def _of_module(folder: Path) -> dict[str, str]:
    """Library to licence, for those that are not permitted; kept by what the module pins and what is permitted."""
    sums = folder / "go.sum"
    pinned = (folder / "go.mod").read_bytes() + (sums.read_bytes() if sums.exists() else b"")
    key = hashlib.sha256(pinned + json.dumps([GO_LICENSES, *sorted(PERMITTED)]).encode()).hexdigest()
    kept = home() / "licences" / f"{folder.name}-{key[:16]}.json"
    if not kept.exists():
        found = _asked(folder)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found), encoding="utf-8")
    return cast(dict[str, str], json.loads(kept.read_text(encoding="utf-8")))


def _asked(folder: Path) -> dict[str, str]:
    go = shutil.which("go")
    program = GoProgram("github.com/google/go-licenses", GO_LICENSES).find()
    if go is None or program is None:
        raise CommandError("licences of Go modules cannot be looked up; install Go")
    say(f"-- licences of {folder.name}'s Go modules")
    mains = capture([go, "list", "-f", "{{if eq .Name `main`}}{{.ImportPath}}{{end}}", "./...", "tool"], cwd=folder)
    packages = mains.stdout.decode().split()
    if mains.returncode != 0 or not packages:
        raise CommandError(f"{folder}: go list: {mains.stderr.decode(errors='replace').strip() or 'no program'}")
    go_mod = json.loads(capture([go, "mod", "edit", "-json"], cwd=folder).stdout)
    stand_ins = [one["Old"]["Path"] for one in go_mod.get("Replace") or () if not one["New"].get("Version")]
    ours = [f"--ignore={path}" for path in (go_mod["Module"]["Path"], *stand_ins)]
    allowed = f"--allowed_licenses={','.join(sorted(PERMITTED))}"
    # Go's own toolchain may be older than a module asks for; the one that listed the packages reads them, too.
    root = capture([go, "env", "GOROOT"], cwd=folder).stdout.decode().strip()
    env = {**os.environ, "GOROOT": root}
    done = capture([program, "check", allowed, *ours, *packages], cwd=folder, env=env)
    said = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
    found = {library: licence for licence, library in cast(list[tuple[str, str]], _NOT_ALLOWED.findall(said))}
    if done.returncode != 0 and not found:
        raise CommandError(f"{folder}: go-licenses: {said.strip()[-2000:]}")
    return found
