"""Licences of the Go modules in the sandbox's programs; go-licenses reads them from the modules' files."""

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

# Not updated by Renovate: version 2 needs its source repository, which a module proxy does not provide.
GO_LICENSES = "v1.6.0"

MODULES = ROOT / "sandbox" / "modules"
READ = {"github.com/coder/quartz": "MIT-0"}
"""Libraries whose licence text go-licenses does not recognize, checked manually. Check new versions again."""

_NOT_ALLOWED = re.compile(r"^Not allowed license (.*?) ?found for library (\S+)$", re.MULTILINE)


def unusual(modules: Path = MODULES) -> list[str]:
    """A line for each linked module whose licence is unknown or not permitted.

    Args:
        modules: a folder with Go modules, whose programs are their own packages or tools.

    Raises:
        CommandError: if Go or go-licenses is not available, or a module cannot be read.
    """
    lines: list[str] = []
    for go_mod in sorted(modules.glob("*/go.mod")):
        not_permitted = _of_module(go_mod.parent)
        lines += [
            f"{library}, linked into programs of sandbox/modules/{go_mod.parent.name}: its licence, "
            f"{licence or 'unknown'}, is not in PERMITTED of dev/supply_chain/licences.py; read it, then "
            "add it there or use another module"
            for library, licence in not_permitted.items()
            if not permitted(READ.get(library, licence))
        ]
    return lines


def _of_module(folder: Path) -> dict[str, str]:
    """Library to licence that is not permitted; cached by the module's pins and the permitted licences."""
    sums = folder / "go.sum"
    pinned = (folder / "go.mod").read_bytes() + (sums.read_bytes() if sums.exists() else b"")
    key = hashlib.sha256(pinned + json.dumps([GO_LICENSES, *sorted(PERMITTED)]).encode()).hexdigest()
    cache = home() / "licences" / f"{folder.name}-{key[:16]}.json"
    if not cache.exists():
        not_permitted = _query(folder)
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps(not_permitted), encoding="utf-8")
    return cast(dict[str, str], json.loads(cache.read_text(encoding="utf-8")))


def _query(folder: Path) -> dict[str, str]:
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
    replaced = [item["Old"]["Path"] for item in go_mod.get("Replace") or () if not item["New"].get("Version")]
    ours = [f"--ignore={path}" for path in (go_mod["Module"]["Path"], *replaced)]
    allowed = f"--allowed_licenses={','.join(sorted(PERMITTED))}"
    # The default toolchain may be older than a module requires: use the one that listed the packages.
    root = capture([go, "env", "GOROOT"], cwd=folder).stdout.decode().strip()
    env = {**os.environ, "GOROOT": root}
    result = capture([program, "check", allowed, *ours, *packages], cwd=folder, env=env)
    output = result.stderr.decode(errors="replace") + result.stdout.decode(errors="replace")
    not_permitted = {library: licence for licence, library in cast(list[tuple[str, str]], _NOT_ALLOWED.findall(output))}
    if result.returncode != 0 and not not_permitted:
        raise CommandError(f"{folder}: go-licenses: {output.strip()[-2000:]}")
    return not_permitted
