"""Derived values of a Flink cluster with `internalTls`, whose processes trust only each other.

cert-manager writes the certificate as keystores into a Secret, which every pod of the cluster mounts. With Java 8 and
newer, Flink reads PKCS12 regardless of the default type. It reads the files only when a process starts (Flink 2.3).
"""

from __future__ import annotations

from flink_k8s.config.model import JobSettings
from flink_k8s.config.secret_model import INTERNAL_TLS_FOLDER
from flink_k8s.config.secret_text import KEYSTORE_PASSWORD
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve.job_spec import MAIN_CONTAINER, in_template

KEYSTORE, TRUSTSTORE = "keystore.p12", "truststore.p12"
"""Keys in the Secret of cert-manager."""

_VOLUME = "internal-tls"
_OPTION = "security.ssl.internal."

KEYSTORE_OPTION = f"{_OPTION}keystore"
"""The option that identifies a resource with `internalTls`."""

KEYSTORE_FILE = f"{INTERNAL_TLS_FOLDER}/{KEYSTORE}"

OWN_OPTIONS = {
    f"{_OPTION}enabled": "true",
    KEYSTORE_OPTION: KEYSTORE_FILE,
    f"{_OPTION}keystore-password": KEYSTORE_PASSWORD,
    f"{_OPTION}key-password": KEYSTORE_PASSWORD,
    f"{_OPTION}truststore": f"{INTERNAL_TLS_FOLDER}/{TRUSTSTORE}",
    f"{_OPTION}truststore-password": KEYSTORE_PASSWORD,
}
"""Options that configure the keystores; no other source may set them."""

FORBIDDEN = (*OWN_OPTIONS, f"{_OPTION}keystore-type", f"{_OPTION}truststore-type", f"{_OPTION}cert.fingerprint")
"""Options that would configure another keystore, or (the fingerprint) reject renewed certificates."""

_ALGORITHMS = {
    # Flink's default up to 1.19, and in 2.0, has no forward secrecy, and newer Java versions do not support it.
    "security.ssl.algorithms": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
}


def has_internal_tls(kind: FlinkKind, settings: JobSettings) -> bool:
    """Whether the pods of a resource have a certificate."""
    return kind.has_pods and settings.internal_tls is not None and settings.internal_tls.enabled


def certificate_name(kind: str, name: str) -> str:
    """Name of the Certificate of a resource, and of the Secret that its pods mount."""
    return f"{kind.lower()}-{name}-tls"


def authority_name(kind: str, name: str) -> str:
    """Name of the authority's Certificate, of the Secret with its key, and of its Issuer."""
    return f"{certificate_name(kind, name)}-ca"


def root_name(kind: str, name: str) -> str:
    """Name of the Issuer of the authority's certificate."""
    return f"{certificate_name(kind, name)}-self-signed"


def derived_internal_tls(kind: FlinkKind, name: str, settings: JobSettings) -> dict[str, object]:
    """The derived part of the spec; empty for a resource without `internalTls`.

    Args:
        kind: of the resource.
        name: of the resource.
        settings: of the job, merged from all sources.
    """
    if not has_internal_tls(kind, settings):
        return {}
    items = [{"key": key, "path": key} for key in (KEYSTORE, TRUSTSTORE)]
    mount = {"mountPath": INTERNAL_TLS_FOLDER, "name": _VOLUME, "readOnly": True}
    pod = {
        "containers": [{"name": MAIN_CONTAINER, "volumeMounts": [mount]}],
        "volumes": [{"name": _VOLUME, "secret": {"secretName": certificate_name(kind, name), "items": items}}],
    }
    return in_template(kind, {"flinkConfiguration": {**OWN_OPTIONS, **_ALGORITHMS}, "podTemplate": {"spec": pod}})
