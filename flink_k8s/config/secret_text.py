"""Detects passwords, keys and tokens that are stored as plaintext.

By names, by known formats (cloud keys, tokens, private keys, passwords in URLs and connection strings), and by texts
that only a random generator produces. Random texts that are rarely secrets are ignored: digests and ids in
hexadecimal, UUIDs, public keys and certificates, ids of at most 23 characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import cast

HIDDEN = "[hidden]"
"""Text that is printed instead of a secret."""

KEYSTORE_PASSWORD = "changeit"
"""Java's default password, for a keystore that is protected otherwise: here by the Secret that contains it."""

_KEYSTORE_PASSWORD_NAME = re.compile(r"security\.ssl\.internal\.(key|keystore|truststore)-password")

_SECRET_WORDS = (
    r"(?:password|passwd|passphrase|(?<=[-_.])pwd|secret|token|credential"
    r"|api[-_.]?key|access[-_.]?key|account[-_.]?key|private[-_.]?key|sas[-_.]?key)"
)
_SECRET_NAME = re.compile(_SECRET_WORDS, re.IGNORECASE)
_SECRET_NUMBER = re.compile(_SECRET_WORDS + "(?:[-_.]?(?:key|id))?$", re.IGNORECASE)
"""Suffix of names whose digits are a secret: `DB_PASSWORD`, `s3.secret-key`; not `token.count` or `max-key`."""

_HARMLESS_END = re.compile(
    r"(existing[-_.]?secret|password[-_.]?key|file|path|dir|location|name|provider|providers|algorithm|type|enabled|interval|ratio|length|lifetime|renewal|(?<!secret)(?<!secret[-_.])id|"
    r"application_credentials|retry[-.]backoff|issuer|audience|url|uri|ref|services?|secrets|class|refresh|delegation|keytab|format|time-ratio)$",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----|gh[pousr]_[A-Za-z0-9]{36}"
    r"|LS0tLS1CRUdJTiB(?:QUklWQVRF|SU0Eg|FQyBQ|FTkNS|PUEVO)"  # the same private keys, in base64
    r"|xox[bap]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{35}|glpat-[A-Za-z0-9_-]{20}"
    r"|\bey[A-Za-z0-9_-]{10,}\.ey[A-Za-z0-9_-]{10,}\.|AccountKey=[A-Za-z0-9+/=]{20,}"
    r"|://[^/\s:@]+:(?!\$[{(])[^/\s:@]+@"
)
_ASSIGNED = re.compile(
    r"(?:password|passwd|pwd|secret|token|api[-_]?key|access[-_]?key|sharedaccesskey)"
    r"""(?:=(?!["'])|["']?\s*=\s*["']|["']\s*:\s*["'])(?!\$[{(]|\{\{|<|\*{3}|\.{3}|env:)[^\s"'&;,]{3,}""",
    re.IGNORECASE,
)
"""`password=…` in a connection string, `'password' = '…'` in SQL, `"password": "…"` in JSON."""

_LINE = re.compile(r"""\s*["']?(?P<name>[\w.\-]+)["']?\s*(?::\s+|=\s*)(?P<value>[^\s()\[\]{}][^()\[\]{}]*)""")
"""A line of a properties or YAML file inside of a text; lines of code contain brackets."""

_PUBLIC = re.compile(
    r"-----BEGIN (?:CERTIFICATE|PUBLIC KEY|[A-Z ]*CERTIFICATE REQUEST)-----.*?-----END [A-Z ]+-----"
    r"|\bLS0tLS1CRUdJTiBDRVJUSUZJQ0FURS[A-Za-z0-9+/=\s]*|\bAAAA[A-Z]3NzaC1[A-Za-z0-9+/=]*|\bsha(?:256|384|512)[-:=][A-Za-z0-9+/=]+",
    re.DOTALL,
)
"""Certificates, public keys and digests: random, but public."""

_TOKEN = re.compile(r"(?<![A-Za-z0-9+/_.$-])[A-Za-z0-9+/_-]{24,128}={0,2}(?![A-Za-z0-9+/_=.-])")
_KINDS = (str.islower, str.isupper, str.isdigit)
_MIN_CHANGES = 0.42
"""Share of adjacent characters of different kinds (lower, upper, digit) in a random text: 0.62 on average. In joined
words, such as class names, it is below 0.35."""

_MAX_SIGNS = 1 / 10
"""Share of `+`, `/`, `-` and `_` in a random text: 1/32 on average. In paths it is far higher."""

_PUBLIC_NAME = re.compile(
    r"(digest|checksum|hash|fingerprint|integrity|etag|uuid|guid|image|public[-_.]?key|cabundle|ca[-_.]?data)$",
    re.IGNORECASE,
)
_PLACEHOLDERS = ("${", "$(", "<", "{{")


def is_secret(name: str, value: str) -> bool:
    """Whether a value looks like a plaintext password, key or token, by its name or its text.

    Args:
        name: of the variable, key or option; empty if the value has none.
        value: the text.
    """
    text = value.strip()
    if not text or text.startswith(_PLACEHOLDERS):
        return False
    if text == KEYSTORE_PASSWORD and _KEYSTORE_PASSWORD_NAME.fullmatch(name):
        return False
    if _is_secret_text(text) and not (_PUBLIC_NAME.search(name) and not _SECRET_VALUE.search(text)):
        return True
    if text.lower() in ("true", "false"):
        return False
    if "\n" in text:
        return any(map(_is_secret_line, text.split("\n")))
    names = _SECRET_NUMBER if text.isdigit() else _SECRET_NAME
    return bool(names.search(name)) and not _HARMLESS_END.search(name)


def is_secret_argument(args: list[object], index: int) -> bool:
    """Whether an argument is a secret: by its text, as `--password=x`, or after `--password`."""
    text = str(args[index])
    flag, equals, value = text.partition("=")
    if text.startswith("-"):
        return bool(equals) and is_secret(flag, value)
    before = str(args[index - 1]) if index else ""
    return is_secret(before if before.startswith("-") else "", text)


def is_text(value: object) -> bool:
    """Whether a value can be a secret: a text, or a number, which is how YAML reads digits without quotes."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def masked(name: str, value: object) -> object:
    """The value with all texts hidden that look like secrets.

    Args:
        name: of the value.
        value: texts, numbers, lists (of arguments, variables …) and mappings.
    """
    if isinstance(value, str) and "\n" in value.strip() and not _is_secret_text(value):
        return "\n".join(map(_masked_line, value.split("\n")))
    if is_text(value):
        return HIDDEN if is_secret(name, str(value)) else value
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        own = fields.get("name")
        return {key: masked(own if key == "value" and isinstance(own, str) else key, fields[key]) for key in fields}
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [
            HIDDEN if is_text(item) and is_secret_argument(items, index) else masked(name, item)
            for index, item in enumerate(items)
        ]
    return value


def side_by_side(value: object, shown: object, leaf: Callable[[object, object], object]) -> object:
    """The value with each leaf replaced by the result of `leaf`.

    Args:
        value: the value.
        shown: the `masked` value.
        leaf: receives a text, number … of the value, and the masked text, number … at the same path.
    """
    if isinstance(value, dict):
        others = cast("dict[str, object]", shown)
        fields = cast("dict[str, object]", value)
        return {key: side_by_side(item, others[key], leaf) for key, item in fields.items()}
    if isinstance(value, list):
        pairs = zip(cast("list[object]", value), cast("list[object]", shown), strict=True)
        return [side_by_side(item, other, leaf) for item, other in pairs]
    return leaf(value, shown)


def _is_secret_line(line: str) -> bool:
    match = _LINE.fullmatch(line)
    return match is not None and is_secret(match["name"], match["value"])


def _masked_line(line: str) -> str:
    match = _LINE.fullmatch(line)
    return (
        line if match is None or not is_secret(match["name"], match["value"]) else line[: match.start("value")] + HIDDEN
    )


@lru_cache(maxsize=4096)
def _is_secret_text(text: str) -> bool:
    # All jobs of a stack contain the same texts: cache the results.
    if len(text) < 8:
        return False
    if _SECRET_VALUE.search(text) or _ASSIGNED.search(text):
        return True
    return len(text) >= 24 and any(map(_is_random, _TOKEN.findall(_PUBLIC.sub(" ", text))))


def _is_random(token: str) -> bool:
    kinds = [next((place for place, is_kind in enumerate(_KINDS) if is_kind(sign)), None) for sign in token]
    counts = [kinds.count(place) for place in range(3)]
    if min(counts[:2]) < 3 or counts[2] == 0 or kinds.count(None) > len(token) * _MAX_SIGNS + 1:
        return False
    pairs = [(left, right) for left, right in pairwise(kinds) if left is not None and right is not None]
    changes = sum(left != right for left, right in pairs)
    return changes / len(pairs) >= _MIN_CHANGES
