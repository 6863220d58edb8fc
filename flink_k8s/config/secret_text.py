"""Whether a name or a text looks like a password, a key or a token as plaintext.

By names, by known formats (cloud keys, tokens, private keys, passwords in URLs and connection strings), and by texts
that only a random generator produces. Random texts that are rarely secrets are ignored: digests and ids in
hexadecimal, UUIDs, public keys and certificates, ids of at most 23 characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import cast

from flink_k8s.config.secret_names import Kind, is_amount, kind_of, words_of

KeyPath = tuple[str | int, ...]

HIDDEN = "[hidden]"
"""Text that is printed instead of a secret."""

KEYSTORE_PASSWORD = "changeit"
"""Java's default password, for a keystore that is protected otherwise: here by the Secret that contains it."""

_KEYSTORE_PASSWORD_NAME = re.compile(r"security\.ssl\.internal\.(key|keystore|truststore)-password")

_TOKENS = (
    r"\b(?:AKIA|ASIA|LTAI)[0-9A-Za-z]{12,20}\b",
    r"-----BEGIN (?:[A-Z ]+ )?PRIVATE KEY(?: BLOCK)?-----",
    r"LS0tLS1CRUdJTiB(?:QUklWQVRF|SU0Eg|FQyBQ|FTkNS|PUEVO)",  # the same private keys, in base64
    r"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20}",
    r"\bxox[abeprs]-[\w-]{10,}|\bxapp-\d-[\w-]{10,}|hooks\.slack\.com/services/T\w+/B\w+/\w+|/api/webhooks/\d{15,}/[\w-]{30,}",
    r"\bAIza[\w-]{35}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}",
    r"\b[sr]k_(?:live|test)_\w{16,}|\bwhsec_\w{20,}|\bsk-(?:proj-|ant-)?[\w-]{20,}|\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    r"\bSG\.[\w-]{16,}\.[\w-]{16,}|\bnpm_\w{36}|\bpypi-AgE[\w-]{20,}|\bdckr_pat_[\w-]{20,}|\bdapi[0-9a-f]{32}",
    r"\bhv[sbr]\.\w{16,}|\bs\.[A-Za-z0-9]{24}\b|\bNRAK-[A-Z0-9]{20,}|\blin_api_\w{30,}|\bATATT3[\w=-]{20,}|\bdop_v1_[0-9a-f]{40,}|\bAGE-SECRET-KEY-1\w{20,}",
    r"(?<!\d)\d{8,10}:[\w-]{35}\b",  # of Telegram's bots
    r"\bey[\w-]{10,}\.ey[\w-]{10,}\.",  # JSON Web Tokens
    r"[?&](?:sig|[Xx]-(?:Amz|Goog)-Signature|Signature)=[\w%+/=-]{10,}",  # signed URLs
)
_PASSWORD_IN = (
    r"://(?:[^/\s:@]*):(?!\$[{(]|\$[A-Z_]|<|\{\{|\*{3})[^/\s@]+@",  # user:password@host
    r":thin:[^/\s:@]+/(?!\$)[^\s@]+@",  # Oracle's user/password@host
    r"(?i:\bidentified\s+by\s+(?:password\s+)?['\"])(?!\$)[^'\"]+",
    r"(?i:\bbearer\s+)(?=[\w.~+/=-]*\d)[\w.~+/-]{8,}=*|(?i:\bbasic\s+)(?=[A-Za-z]*(?:\d|[a-z][A-Z]))[\w+/-]{8,}=*",
    r"\bcurl\b[^|;&]*\s(?:-u|--user)[ =]['\"]?[^\s:$'\"]+:(?!\$)[^\s'\"]+",
    r"\b(?:sshpass\s+-p|redis-cli\b[^|;&]*\s-a)\s*(?!\$)[^\s]+",
    r"\b(?:docker\s+login|mysql\w*|mariadb\S*|beeline|mongo\w*)\b[^|;&]*\s-p\s?(?![\s$])(?!\d+\b)\S+",
    r"\bmachine\s+\S+\s+login\s+\S+\s+password\s+\S+",  # netrc
    r'"auth"\s*:\s*"(?!\$)[A-Za-z0-9+/]{8,}={0,2}"',  # a registry's login in config.json
)
_SECRET_VALUE = re.compile("|".join((*_TOKENS, *_PASSWORD_IN)))
"""Texts that are secrets under any name: tokens with known prefixes, and passwords in a known context."""

_NAME = r"[^\W\d][\w.\-]{1,79}"
_PAIRS = re.compile(
    rf"""(?<![\w.\-$])(?<!\$\{{)(?:["'](?P<quoted>{_NAME})["']\s*[:=]\s*["'](?P<its>[^"'\s]+)["']"""  # SQL, JSON
    rf"""|(?:--?D?|//[\w.\-/]+:)?(?P<name>{_NAME})=\\?["']?(?P<value>[^\s"'&;,\\]+)"""  # password=x, also in URLs
    rf"""|--(?P<flag>{_NAME})\s+(?!-)(?P<after>[^\s"']+)"""  # --password x
    rf"""|<name>(?P<key>{_NAME})</name>\s*<value>(?P<text>[^<]+)</value>"""  # Hadoop's XML
    rf"""|<(?P<tag>{_NAME})>(?P<inner>[^<]+)</)"""  # other XML
)
"""A name and its value inside of a text: connection strings, JAAS, SQL, JSON, commands, XML."""

_LINE = re.compile(r"""\s*(?:-\s+)?["']?(?P<name>[\w.\-]+)["']?\s*(?::\s+|=\s*)(?P<value>[^\s()\[\]{}][^()\[\]{}]*)""")
"""A line of a properties or YAML file, or a header; code has brackets."""

_REFERENCE = re.compile(
    r"\$[{(]|\$[A-Za-z_]|<[\w .-]+>$|\{\{|%\(|\*{3}|\.{3}|env[:.]|!|(?:vault|ref\+\w+|op|sm|ssm|akv|kms"
    r"|keyvault|file|secret|secretsmanager"
    r"|awssm|gcpsm|azurekeyvault|arn|projects|bao)[:/]|/[\w./-]*$|https?://[^@?]*$|[a-z_]+(?:\.[a-z_]+)+$|ENC\(|\?"
)
"""Prefix of a value that is a reference to a secret, code, a path, a class or an address."""

_DASHED, _SECRET_OBJECT = re.compile(r"[a-z]+(?:-[a-z]+)+"), re.compile(r"[a-z][a-z0-9-]*")
"""Names of a Kubernetes Secret: in a setting such as `credentialsSecret`, and in an annotation."""

_ORDINARY = frozenset(
    """auto basic bearer disabled enabled false iam jwt kerberos ldap nil no none null oauth oauth2 off on optional
    plain required saml scram simple strict string text true varchar yes""".split()  # noqa: SIM905
)
"""Values that are settings under any name."""

_AMOUNT = re.compile(
    r"\d+(?:\.\d+)?\s*(?:ns|us|ms|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|k?b|mb|gb|%)", re.IGNORECASE
)

_PUBLIC = re.compile(
    r"-----BEGIN (?:CERTIFICATE|PUBLIC KEY|[A-Z ]*CERTIFICATE REQUEST)-----.*?-----END [A-Z ]+-----"
    r"|\bLS0tLS1CRUdJTiBDRVJUSUZJQ0FURS[A-Za-z0-9+/=\s]*|\bAAAA[A-Z]3NzaC1[A-Za-z0-9+/=]*|\bsha(?:256|384|512)[-:=][A-Za-z0-9+/=]+",
    re.DOTALL,
)
"""Certificates, public keys and digests: random, but public."""

_TOKEN = re.compile(r"(?<![A-Za-z0-9+/_.$-])[A-Za-z0-9+/_-]{24,128}={0,2}(?![A-Za-z0-9+/_=.-])")
_KINDS = (str.islower, str.isupper, str.isdigit)
_LEAST_CHANGES = 0.42
"""Share of adjacent characters of different kinds (lower, upper, digit) in a random text: 0.62 on average. In joined
words, such as class names, it is below 0.35."""

_MOST_SIGNS = 1 / 10
"""Share of `+`, `/`, `-` and `_` in a random text: 1/32 on average. In paths it is far higher."""

_PUBLIC_NAME = re.compile(
    r"(digest|checksum|hash|fingerprint|integrity|etag|uuid|guid|image|public[-_.]?key|cabundle|ca[-_.]?data)$",
    re.IGNORECASE,
)


def is_secret(name: str, value: str) -> bool:
    """Whether a value is a plaintext password, key or token, by its name or its text.

    Args:
        name: of the variable, key or option; empty if the value has none.
        value: the text.
    """
    text = value.strip()
    if not text or (_REFERENCE.match(text) and not _SECRET_VALUE.search(text)):
        return False
    if text == KEYSTORE_PASSWORD and _KEYSTORE_PASSWORD_NAME.fullmatch(name):
        return False
    if _is_secret_text(text) and not (_PUBLIC_NAME.search(name) and not _SECRET_VALUE.search(text)):
        return True
    if "\n" in text:
        return any(map(_is_secret_line, text.split("\n")))
    return _is_named_secret(name, text) or _is_secret_line(text)


def _is_named_secret(name: str, text: str) -> bool:
    kind = kind_of(name)
    if kind is Kind.PLAIN or text.lower() in _ORDINARY or _REFERENCE.match(text) or _AMOUNT.fullmatch(text):
        return False
    if text.isdigit():
        return not is_amount(name)
    if kind is Kind.SECRET:
        is_object = words_of(name)[-1:] == ("secret",) and (_SECRET_OBJECT if "/" in name else _DASHED).fullmatch(text)
        return not is_object
    return _looks_like_password(text)


def _looks_like_password(text: str) -> bool:
    """Letters and digits without blanks; not a constant such as SCRAM-SHA-256, a class or an address."""
    has_both = bool(re.search(r"[A-Za-z]", text)) and bool(re.search(r"\d", text))
    return has_both and len(text) >= 8 and not re.search(r"\s|://", text) and not re.fullmatch(r"[A-Z0-9_-]+", text)


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
        return "\n".join(map(_masked_line, value.split("\n"))) if is_secret(name, value) else value
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


def secret_paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Paths of the plaintext secrets in a value, which `masked` hides.

    Args:
        value: a manifest, a chart's values, or a part of them.
        path: of the value.
    """
    masked_value = masked(str(path[-1]) if path else "", value)
    if masked_value != value:
        yield from _differing(value, masked_value, path)


def _differing(value: object, masked_value: object, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        masked_fields = cast("dict[str, object]", masked_value)
        for key, item in cast("dict[str, object]", value).items():
            yield from _differing(item, masked_fields[key], (*path, key))
    elif isinstance(value, list):
        pairs = zip(cast("list[object]", value), cast("list[object]", masked_value), strict=True)
        for index, (item, other) in enumerate(pairs):
            yield from _differing(item, other, (*path, index))
    elif value != masked_value:
        yield path


def shown_at(path: KeyPath, value: object) -> object:
    """A value in a message: hidden if it looks like a secret, or if a key in its path is the name of a secret."""
    is_named = any(kind_of(part) is Kind.SECRET for part in path if isinstance(part, str))
    return HIDDEN if is_named and is_text(value) else masked(str(path[-1]) if path else "", value)


def side_by_side(value: object, masked_value: object, leaf: Callable[[object, object], object]) -> object:
    """The value with each leaf replaced by the result of `leaf`.

    Args:
        value: the value.
        masked_value: the `masked` value.
        leaf: receives a text, number … of the value, and the masked text, number … at the same path.
    """
    if isinstance(value, dict):
        masked_fields = cast("dict[str, object]", masked_value)
        fields = cast("dict[str, object]", value)
        return {key: side_by_side(item, masked_fields[key], leaf) for key, item in fields.items()}
    if isinstance(value, list):
        pairs = zip(cast("list[object]", value), cast("list[object]", masked_value), strict=True)
        return [side_by_side(item, other, leaf) for item, other in pairs]
    return leaf(value, masked_value)


def _is_secret_line(line: str) -> bool:
    match = _LINE.fullmatch(line)
    return match is not None and _is_named_secret(match["name"], match["value"].strip().strip("\"'"))


def _masked_line(line: str) -> str:
    match = _LINE.fullmatch(line)
    if match is not None and (_is_secret_line(line) or is_secret(match["name"], match["value"])):
        return line[: match.start("value")] + HIDDEN
    return HIDDEN if _is_secret_text(line) else line


def redacted(text: str) -> str:
    """A message without secrets: neither secrets under any name, nor values that the message names as a secret."""

    def hidden(match: re.Match[str]) -> str:
        pair = _pair(match)
        if pair is None or not _is_named_secret(*pair):
            return match[0]
        return match[0].replace(pair[1], HIDDEN)

    text = _PAIRS.sub(hidden, _SECRET_VALUE.sub(HIDDEN, text))
    return _TOKEN.sub(lambda match: HIDDEN if _is_random(match[0]) else match[0], text)


def _pair(match: re.Match[str]) -> tuple[str, str] | None:
    for name, value in (("quoted", "its"), ("name", "value"), ("flag", "after"), ("key", "text"), ("tag", "inner")):
        if match[name] is not None and len(match[value]) >= 3:
            return match[name], match[value]
    return None


@lru_cache(maxsize=4096)
def _is_secret_text(text: str) -> bool:
    # All jobs of a stack contain the same texts: cache the results.
    if len(text) < 8:
        return False
    if _SECRET_VALUE.search(text):
        return True
    if any(pair is not None and _is_named_secret(*pair) for pair in map(_pair, _PAIRS.finditer(text))):
        return True
    return len(text) >= 24 and any(map(_is_random, _TOKEN.findall(_PUBLIC.sub(" ", text))))


def _is_random(token: str) -> bool:
    kinds = [next((place for place, is_one in enumerate(_KINDS) if is_one(sign)), None) for sign in token]
    counts = [kinds.count(place) for place in range(3)]
    if min(counts[:2]) < 3 or counts[2] == 0 or kinds.count(None) > len(token) * _MOST_SIGNS + 1:
        return False
    pairs = [(kind, next_kind) for kind, next_kind in pairwise(kinds) if kind is not None and next_kind is not None]
    changes = sum(kind != next_kind for kind, next_kind in pairs)
    return changes / len(pairs) >= _LEAST_CHANGES
