"""Whether a name is the name of a password, a key or a token.

A name is split into words (`dbPassword`, `DB_PASSWORD`, `db.password`). It names a secret if it contains a word or a
phrase for a secret, and no word behind that changes the subject: `TOKEN_ENDPOINT` names an endpoint.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import lru_cache


def _plain(text: str) -> str:
    """The text without accents and other marks."""
    decomposed = unicodedata.normalize("NFKD", text.replace("ł", "l"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


class Kind(Enum):
    """Whether a name is that of a secret."""

    PLAIN = "plain"
    """The value is not a secret because of the name."""
    SECRET = "secret"
    """The value is a secret."""
    LIKELY = "likely"
    """The value is a secret if it looks like a password."""


_PASSWORDS = frozenset(
    map(
        _plain,
        """password passwd passphrase passcode pass pwd pw psw pswd passwort kennwort contrasena contrasenya clave
        mdp senha wachtwoord haslo heslo jelszo losenord adgangskode passord salasana parola sifre geheimnis
        lozinka slaptazodis пароль 密码 密碼 口令 パスワード 暗証番号 비밀번호 암호 סיסמה رمز""".split(),  # noqa: SIM905
    )
)
_PHRASES = (("mot", "de", "passe"), ("palabra", "clave"), ("auth", "user", "info"))
_SECRETS = frozenset({"secret", "token", *_PASSWORDS})
_WITHOUT_BLANKS = tuple(word for word in _PASSWORDS if not word.isascii() and unicodedata.category(word[0]) == "Lo")
"""Words of languages that are written without blanks between words."""

_LIKELY = frozenset({"apikeys", "auth", "credential", "credentials", "creds", "passwords", "secrets", "tokens"})
_GLUED = re.compile(
    r".+(?:password|passwd|passphrase|passwort|kennwort|pwd|secret|token)"
    r"|(?:db|user|root|admin|key|store|keystore|truststore|my|pg|redis|smtp|ftp|ldap|mail)pass"
    r"|(?:db|user|root|admin)pw"
    r"|(?:api|access|account|private|secret|master|signing|encryption|encrypt|shared|storage|auth|sas|hmac|aes|webhook)keys?"
)
"""Compound words: `PGPASSWORD`, `dbpass`, `apikey`; not `compass` or `bypass`."""

_KEYS = frozenset(
    """access account admin aes api app application auth authentication bearer bot consumer cookie decryption
    deploy des encrypt encryption gpg hmac ingest ingestion instrumentation integration jwt licence license
    master oauth pgp private recovery root rsa sas secret service session shared sign signing ssh storage
    subscription wallet webhook write""".split()  # noqa: SIM905
)
"""What kind of key is a secret: `SIGNING_KEY`; not `PARTITION_KEY` or `PUBLIC_KEY`."""

_OTHER_SUBJECT = frozenset(
    """address age alg algorithm alias arn attribute attributes audience authority backend backoff bucket budget bytes
    cache class claim column config configuration contract cookie count days delay delegation delegations digest dir
    directory domain duration enabled encoder encoding endpoint env environment expected expiration expires
    expiry factory fail field fields file filename files folder format generator grace group header headers hint
    host hours id ids index interval issuer issuers keytab kind label length level lifetime limit limits loader
    location manager map max mechanism method millis min minutes mode mount ms name namespace names nanoseconds
    obtainer operator path paths pattern period policies policy port prefix prompt properties provider providers
    quota rate ratio realm receiver ref reference refresh regex region registry renew renewal renewer required
    requirement requirements reset resource retries retry role root rotation ruleset scheme scope scopes score
    seconds selector separator server service services size source spec store strategy strength suffix table
    template threshold through timeout tls topic transport ttl type unit uri url urls usage user username uuid
    validation validator validity vault version volume window""".split()  # noqa: SIM905
)
"""Words behind a secret that name something else: `TOKEN_TTL`, `PASSWORD_POLICY`, `SECRET_NAME`."""

_OTHER_KEYS = frozenset(
    """business cache composite config dedup distribution distinct document event field foreign group hash host
    hot index item join kafka line lookup map message metric natural object order partition primary public
    range record redis routing row shard sort state stream surrogate table unique upsert user""".split()  # noqa: SIM905
)
"""What kind of key is not a secret; a key of any other kind is one if its value looks like a password."""

_LIMITS = frozenset({"count", "least", "limit", "max", "min", "most", "no", "num", "number", "per", "total"})
_ELSEWHERE = frozenset({"existing", "pull"})
"""Words before a secret that is a Kubernetes Secret: `existingSecret`, `imagePullSecret`."""


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in lower case and without accents, whatever separates them."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)", " ", _plain(name))
    return tuple(word.lower() for word in re.findall(r"[^\W_]+", spaced))


@lru_cache(maxsize=8192)
def kind_of(name: str) -> Kind:
    """Whether the name of a variable, key, option or flag is that of a secret."""
    words = words_of(name)
    end, kind = _last_secret(words)
    if kind is Kind.PLAIN:
        return kind
    behind = words[end:]
    if words[end - 1] == "secret" and behind == ("id",):  # of Vault's AppRole
        return Kind.SECRET
    if behind == ("key",):  # of a Kubernetes Secret
        return Kind.PLAIN
    if any(word in _OTHER_SUBJECT for word in behind) or (end > 1 and words[end - 2] in _ELSEWHERE):
        return Kind.PLAIN
    return kind


def is_amount(name: str) -> bool:
    """Whether a number with this name is an amount: `MAX_TOKENS`, `token.count`."""
    words = words_of(name)
    return (
        bool(_LIMITS & set(words)) or kind_of(name) is not Kind.SECRET or (words[-1:] == ("key",) and len(words) == 1)
    )


def _last_secret(words: tuple[str, ...]) -> tuple[int, Kind]:
    """Index behind the last word or phrase for a secret, and its kind."""
    for end in range(len(words), 0, -1):
        word = words[end - 1]
        if word in _SECRETS or _GLUED.fullmatch(word) or any(part in word for part in _WITHOUT_BLANKS):
            return end, Kind.SECRET
        if word in ("key", "keys") and end > 1 and words[end - 2] not in _OTHER_KEYS | _PASSWORDS | {"token"}:
            return end, Kind.SECRET if words[end - 2] in _KEYS else Kind.LIKELY
        for phrase in _PHRASES:
            if words[max(0, end - len(phrase)) : end] == phrase:
                return end, Kind.SECRET
        if word in _LIKELY:
            return end, Kind.LIKELY
    return 0, Kind.PLAIN
