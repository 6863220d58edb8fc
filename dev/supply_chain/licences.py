"""Licences of Python packages from their metadata, and whether they permit redistribution of the program."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, cast

from license_expression import ExpressionError, get_spdx_licensing
from packaging.utils import canonicalize_name

from flink_k8s.support.paths import home
from flink_k8s.support.processes import output

PERMITTED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "HPND", "ISC", "MIT", "MIT-0",
        "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
    }
)  # fmt: skip
"""SPDX identifiers of licences without obligations for a program that uses a package unchanged."""

_SPELLINGS = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
"""Spellings in metadata before SPDX. "BSD" is the two- or three-clause licence, with the same effect."""


def of_lock(lock: Path) -> dict[str, str]:
    """Package to licence, for the packages of a lock file on this platform; cached by the file's content.

    Args:
        lock: a requirements.txt with hashes.

    Returns:
        Canonical name to an SPDX expression, or to the text in the metadata; empty if there is none.

    Raises:
        CommandError: if pip cannot query the package index.
    """
    content = lock.read_bytes()
    cache = home() / "licences" / f"{hashlib.sha256(content).hexdigest()[:16]}.json"
    if not cache.exists():
        # The index provides the metadata of each package: nothing is installed.
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"]
        command += ["--no-deps", "--ignore-installed", "--report", "-", "--requirement", str(lock)]
        report = json.loads(output(f"licences of {lock}", command))
        packages = [package["metadata"] for package in report["install"]]
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(
            json.dumps({canonicalize_name(package["name"]): licence_of(package) for package in packages}),
            encoding="utf-8",
        )
    return cast(dict[str, str], json.loads(cache.read_text(encoding="utf-8")))


def licence_of(metadata: dict[str, Any]) -> str:
    """The licence in a package's metadata: an expression, else its classifiers, else a short text.

    Args:
        metadata: of a distribution, in the JSON form of the packaging specification.
    """
    expression = metadata.get("license_expression")
    if expression:
        return str(expression)
    classifiers = [str(classifier).split(" :: ") for classifier in metadata.get("classifier", ())]
    named = [_SPELLINGS.get(item[-1].lower(), "") for item in classifiers if item[0] == "License" and len(item) > 2]
    text = str(metadata.get("license") or "").strip()
    first = text.splitlines()[0] if text else ""
    # An exact text is more specific than "BSD License" of the classifiers.
    if first and permitted(first):
        return first
    return " OR ".join(sorted(set(filter(None, named)))) or _SPELLINGS.get(first.lower(), first[:60])


def permitted(licence: str) -> bool:
    """Whether an SPDX expression permits redistribution: OR needs one permitted side, AND needs both."""
    licensing = cast(Any, get_spdx_licensing())
    try:
        expression = licensing.parse(licence, validate=True)
    except ExpressionError:
        return False
    if expression is None:
        return False
    values = {symbol: licensing.TRUE if symbol.key in PERMITTED else licensing.FALSE for symbol in expression.symbols}
    return bool(expression.subs(values).simplify() == licensing.TRUE)
