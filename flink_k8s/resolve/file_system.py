"""Access of Flink to a store other than a volume: plugin, configuration and credentials that each plugin reads.

Sources: the plugins' jars of Flink 2.3.0 (Hadoop 3.3.4, AWS SDK 1.12, gcs-connector 2.2.18) and Flink's documentation.
Flink's configuration, which is stored in a ConfigMap, never contains credentials.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flink_k8s.config.base import SecretKey
from flink_k8s.config.state_model import ROLE_ARN, StateStorage
from flink_k8s.facts import versions
from flink_k8s.facts.artifacts import FILE_SYSTEM_PLUGINS
from flink_k8s.resolve.job_spec import MAIN_CONTAINER

PLUGIN_VARIABLE = "ENABLE_BUILT_IN_PLUGINS"
"""Flink's image links the jars in this variable from opt/ into plugins/, and does not start if one is missing."""

_KEYS = "/etc/flink-state"
_KEY_FILE = "key.json"
_VOLUME = "flink-state-key"
_IMAGE = re.compile(r"(?:^|/)flink:(\d+\.\d+\.\d+)")


def configuration(storage: StateStorage) -> dict[str, str]:
    """Flink's configuration for the store."""
    if storage.type == "s3":
        return _s3(storage)
    if storage.type == "azure":
        return _azure(storage)
    if storage.type == "gcs" and storage.endpoint:
        # With a trailing slash the plugin requests //batch/storage/v1, which no server has.
        return {"gs.storage.root.url": storage.endpoint.rstrip("/")}
    return {}


def _s3(storage: StateStorage) -> dict[str, str]:
    options: dict[str, str] = {}
    if storage.endpoint:
        options["s3.endpoint"] = storage.endpoint
    path_style = storage.path_style if storage.path_style is not None else bool(storage.endpoint)
    if path_style:
        options["s3.path.style.access"] = "true"
    if storage.region:
        options["s3.endpoint.region"] = storage.region
    if ROLE_ARN in storage.account_annotations and plugin_name(storage) == "flink-s3-fs-hadoop":
        # Hadoop's default providers do not include web identity; Presto's do.
        options["fs.s3a.aws.credentials.provider"] = "com.amazonaws.auth.WebIdentityTokenCredentialsProvider"
    return options


def _azure(storage: StateStorage) -> dict[str, str]:
    host = urlsplit(storage.uri or "").hostname or ""
    if storage.credentials.account_key is not None:
        # Hadoop resolves the variable when it reads the key. Flink's EnvironmentVariableKeyProvider is only for wasb.
        return {f"fs.azure.account.key.{host}": "${env.AZURE_STORAGE_KEY}"}
    if storage.managed_identity is not None:
        return {
            f"fs.azure.account.auth.type.{host}": "OAuth",
            f"fs.azure.account.oauth.provider.type.{host}": "org.apache.hadoop.fs.azurebfs.oauth2.MsiTokenProvider",
            f"fs.azure.account.oauth2.msi.tenant.{host}": storage.managed_identity.tenant,
            f"fs.azure.account.oauth2.client.id.{host}": storage.managed_identity.client_id,
        }
    return {}


def pods(storage: StateStorage, image: str, flink: str | None) -> dict[str, object]:
    """A spec whose pods have the plugin and the credentials.

    Args:
        storage: the store.
        image: of the job.
        flink: Flink version of the job, `2.2`; None if it is not a version.
    """
    keys = storage.credentials
    env: list[dict[str, object]] = []
    jar = plugin_jar(storage, image, flink)
    if jar:
        env.append({"name": PLUGIN_VARIABLE, "value": jar})
    if storage.region:
        env.append({"name": "AWS_REGION", "value": storage.region})
    for name, key in (
        ("AWS_ACCESS_KEY_ID", keys.access_key),
        ("AWS_SECRET_ACCESS_KEY", keys.secret_key),
        ("AZURE_STORAGE_KEY", keys.account_key),
    ):
        if key is not None:
            env.append({"name": name, "valueFrom": {"secretKeyRef": {"name": key.secret, "key": key.key}}})
    container: dict[str, object] = {"name": MAIN_CONTAINER}
    pod: dict[str, object] = {"containers": [container]}
    if keys.service_account_key is not None:
        env.append({"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": f"{_KEYS}/{_KEY_FILE}"})
        container["volumeMounts"] = [{"name": _VOLUME, "mountPath": _KEYS, "readOnly": True}]
        pod["volumes"] = [_key_file(keys.service_account_key)]
    if not env:
        return {}
    container["env"] = env
    return {"podTemplate": {"spec": pod}}


def _key_file(key: SecretKey) -> dict[str, object]:
    return {"name": _VOLUME, "secret": {"secretName": key.secret, "items": [{"key": key.key, "path": _KEY_FILE}]}}


def plugin_name(storage: StateStorage) -> str | None:
    """Name of the plugin without version; None if the image has it in plugins/."""
    if storage.plugin is False:
        return None
    if storage.plugin is not None:
        return re.sub(r"-\d[\w.\-]*\.jar$", "", storage.plugin)
    return FILE_SYSTEM_PLUGINS.get((storage.uri or "").partition("://")[0])


def plugin_jar(storage: StateStorage, image: str, flink: str | None) -> str | None:
    """The jar in the image's opt/ for the store.

    Returns:
        None if no jar is needed, or its name is unknown.
    """
    name = plugin_name(storage)
    if name is None or (storage.plugin and storage.plugin.endswith(".jar")):
        return storage.plugin or None
    return plugin_file(name, image, flink)


def plugin_file(name: str, image: str, flink: str | None) -> str | None:
    """The jar of a plugin, of the version in an official image's tag, else of the newest official image.

    Args:
        name: of the plugin, without version.
        image: of the job.
        flink: Flink version of the job, `2.2`; None if it is not a version.

    Returns:
        None if the version is unknown.
    """
    tagged = _IMAGE.search(image)
    version = tagged.group(1) if tagged else versions.FLINK_IMAGES.get(flink or "")
    return f"{name}-{version}.jar" if version else None
