"""What counts as a secret as plaintext: what a generator makes is found, what people and programs write is not."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import base64
import json
import random
import string
from pathlib import Path

import pytest
import yaml

from flink_k8s.config.problems import Problem
from flink_k8s.config.secret_text import HIDDEN, is_secret, masked, redacted, secret_paths, shown_at
from flink_k8s.facts import tables, versions
from flink_k8s.resolve.sources import leaves

ROOT = Path(__file__).resolve().parents[3]
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

TABLE = json.loads((ROOT / "tests/data/secret_texts.json").read_text())
"""Names and values in many styles and languages; docs/security.md has the figures of other detectors on them."""

SECRETS = [
    ("x", "q3Zt9XbL0kP2mW/7vYcR4nH8sDfJ6gT1aUeK5oQi"),
    ("OPTS", "-Dmy.key=q3Zt9XbL0kP2mW/7vYcR4nH8sDfJ6gT1aUeK5oQi"),
    (
        "sasl.jaas.config",
        'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="hunter2";',
    ),
    ("url", "jdbc:postgresql://db/x?user=u&password=hunter2"),
    ("sql", "CREATE TABLE t (a INT) WITH ('connector' = 'jdbc', 'password' = 'hunter2')"),
    ("json", '{"user": "u", "api_key": "hunter2"}'),
    ("mirror", "https://user:hunter2@charts.example.org"),
    ("x", "AIzaSyA-1234567890abcdefghijklmnopqrstu"),
    ("tls.key", base64.b64encode(b"-----BEGIN PRIVATE KEY-----\nabc").decode()),
]
LEFT_ALONE = [
    ("x", f"registry.example.org/team/job@sha256:{HEX}"), ("digest", f"sha256:{HEX}"), ("commit", HEX[:40]), ("x", HEX[:32]),
    ("x", "3f2b8c1e-9d4a-4b6f-8a7e-1c2d3e4f5a6b"), ("x", "3F2B8C1E-9D4A-4B6F-8A7E-1C2D3E4F5A6B"), ("cluster", "MkU3OEVBNTcwNTJENDM2Qk"),
    ("x", "org.apache.flink.metrics.prometheus.PrometheusReporterFactory"), ("x", "FlinkKafkaConsumer011TableSourceSinkFactory"),
    ("x", "com.example.OrdersV2ToReportsV3Pipeline$Inner1"), ("x", "/opt/flink/usrlib/Orders2026/EU/West1/Late-Orders_v2.py"),
    ("x", "s3://Bucket-EU/Team1/savepoints/savepoint-3f2b8c-1e9d4a4b6f8a"), ("x", "mydb-cluster.cluster-c9akciq32rgz.eu-west-1.rds.amazonaws.com:5432"),
    ("x", "b-1.orders.a1b2c3.c4.kafka.eu-west-1.amazonaws.com:9098,b-2.orders.a1b2c3.c4.kafka.eu-west-1.amazonaws.com:9098"),
    ("sql", "SELECT o.user_id, COUNT(*) FROM Orders o WHERE o.token = p.token AND secret_level = ? GROUP BY o.user_id"),
    ("sql", "CREATE TABLE t (a INT) WITH ('connector' = 'jdbc', 'password' = '${DB_PASSWORD}')"),
    ("x", "-XX:+UseG1GC -Djavax.net.ssl.trustStorePassword=${PW} -XX:MaxGCPauseMillis=200"), ("x", "arn:aws:iam::123456789012:role/FlinkJobsRole-EU1"),
    ("x", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"), ("integrity", "sha512-" + "aB3" * 28),
    ("ca.crt", "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQ\n-----END CERTIFICATE-----"),
    ("caBundle", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSURkekNDQWwrZ0F3SUJBZ0lFQWdBQXVUQU5CZ2txaGtpRzl3MEJBUVVGQURCYU1Rc3dDUQ=="),
    ("x", "2026-11-23T05:00:00.000Z"), ("x", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"), ("x", "%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n"),
    ("x", "the password=... goes into a Secret"), ("args", "--tokenizer=standard"), ("x", "${SECRET_VALUE_FROM_SOMEWHERE_ELSE_01}"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), SECRETS, ids=lambda text: text[:30])
def test_secrets_are_found_under_any_name(name: str, value: str) -> None:
    assert is_secret(name, value)


@pytest.mark.parametrize(("name", "value"), LEFT_ALONE, ids=lambda text: text[:30])
def test_ordinary_values_are_not_masked(name: str, value: str) -> None:
    assert not is_secret(name, value)


@pytest.mark.parametrize(("name", "value"), TABLE["secrets"], ids=lambda text: text[:30])
def test_a_secret_of_the_table_is_found_and_hidden(name: str, value: str) -> None:
    assert is_secret(name, value)
    assert masked(name, value) != value
    assert list(secret_paths({name: value})) == [(name,)]


@pytest.mark.parametrize(("name", "value"), TABLE["innocent"], ids=lambda text: text[:30])
def test_an_ordinary_value_of_the_table_is_shown(name: str, value: str) -> None:
    assert not is_secret(name, value)
    assert masked(name, value) == value


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('"https://u:hunter2@h/x.jar" is not a URI', '"https[hidden]h/x.jar" is not a URI'),
        ("is jdbc:x?user=u&password=hunter2; remove it", "is jdbc:x?user=u&password=[hidden]; remove it"),
        ("has the token ghp_abcdefghijklmnopqrstuvwxyz0123456789", "has the token [hidden]"),
        ("is 17 CPU, which exceeds 16", "is 17 CPU, which exceeds 16"),
        ('is "x@sha256:' + HEX + '"', 'is "x@sha256:' + HEX + '"'),
    ],
)
def test_a_message_shows_no_secret(message: str, expected: str) -> None:
    assert redacted(message) == expected
    assert str(Problem("f", 1, "a", message)) == f"f:1: a: {expected}"


def test_a_value_below_the_name_of_a_secret_is_hidden() -> None:
    assert shown_at(("env", "DB_PASSWORD", "v"), "hunter2") == HIDDEN
    assert shown_at(("env", "LOG", "v"), "INFO") == "INFO"


@pytest.mark.parametrize(("length", "least"), [(24, 0.9), (32, 0.93), (40, 0.96), (64, 0.98)])
def test_generated_passwords_are_detected(length: int, least: float) -> None:
    """The rest has too few digits or too few changes to tell it from a word."""
    chance = random.Random(1)
    plain = ["".join(chance.choices(string.ascii_letters + string.digits, k=length)) for _ in range(1000)]
    coded = [base64.b64encode(chance.randbytes(length * 3 // 4)).decode() for _ in range(1000)]
    for texts in (plain, coded):
        assert sum(is_secret("x", text) for text in texts) / len(texts) >= least


def test_no_option_name_or_derived_value_looks_like_a_secret() -> None:
    options = {name for version in versions.OPERATORS for name in tables.operator_options(version)}
    assert len(options) > 100
    assert [name for name in options if is_secret("", name)] == []
    looked_at = 0
    for golden in (ROOT / "tests" / "program" / "golden").glob("*.yaml"):
        for manifest in yaml.safe_load_all(golden.read_text()):
            for path, value in leaves(manifest):
                looked_at += isinstance(value, str)
                assert not (isinstance(value, str) and is_secret("", value)), path
    assert looked_at > 500


BY_NAME = [
    ("DB_PASSWORD", "84736251"), ("db.passwd", "1234"), ("DB_PWD", "1234"), ("DB_PWD", "hunter2"), ("ENCRYPTION_PASSPHRASE", "hunter2"),
    ("CLIENT_SECRET", "99887766"), ("api-token", "99887766"), ("s3.secret-key", "1"), ("VAULT_SECRET_ID", "hunter2hunter"), ("secretId", "4711"),
    ("secret.id", "hunter2hunter"), ("--password", "99887766"),
]  # fmt: skip
NUMBERS_AND_IDS = [
    ("token.count", "3"), ("max-tokens", "4096"), ("max-key", "9"), ("password.length", "12"), ("token-lifetime", "3600"), ("key", "7"),
    ("AWS_ACCESS_KEY_ID", "4711"), ("token_id", "4711"), ("PWD", "/opt/flink"), ("OLDPWD", "/"), ("SECRET_ENABLED", "true"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BY_NAME)
def test_digits_under_the_name_of_a_secret_are_a_secret(name: str, value: str) -> None:
    """A password may be a number, and Vault's secret id is a password."""
    assert is_secret(name, value)


@pytest.mark.parametrize(("name", "value"), NUMBERS_AND_IDS)
def test_numbers_and_ids_are_not_secrets(name: str, value: str) -> None:
    assert not is_secret(name, value)


@pytest.mark.parametrize("value", ["12", "abc"])
def test_of_all_keys_of_flink_and_the_operator_only_passwords_have_the_name_of_a_secret(value: str) -> None:
    keys = {
        *tables.flink_keys(),
        *(name for version in versions.OPERATORS for name in tables.operator_options(version)),
    }
    assert len(keys) > 1000
    named = {key for key in keys if is_secret(key, value)} - {"security.kerberos.fetch.delegation-token"}  # a boolean
    assert named == {key for key in keys if key.endswith("password")}


def test_a_number_without_quotes_is_hidden_by_its_name() -> None:
    settings = {"password": 84736251, "port": 8081, "env": [{"name": "DB_PASSWORD", "value": 4711}]}
    assert masked("", settings) == {"password": HIDDEN, "port": 8081, "env": [{"name": "DB_PASSWORD", "value": HIDDEN}]}
    assert masked("args", ["--password", 4711, "--port", 8081]) == ["--password", HIDDEN, "--port", 8081]
    assert masked("password", True) is True


def test_named_secrets_are_masked_in_variables_arguments_and_values() -> None:
    env = [{"name": "API_TOKEN", "value": "hunter2"}, {"name": "LOG", "value": "INFO"}]
    actual = masked("podTemplate", {"env": env, "args": ["--password", "hunter2", "--in", "/in"], "replicas": 2})
    assert actual == {
        "env": [{"name": "API_TOKEN", "value": HIDDEN}, {"name": "LOG", "value": "INFO"}],
        "args": ["--password", HIDDEN, "--in", "/in"],
        "replicas": 2,
    }
    assert env[0]["value"] == "hunter2"
