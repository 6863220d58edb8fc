"""`python -m tests.e2e.validator.tables`: write flink_k8s/facts/tables/ from the jars of the operator and of Flink.

Field names of the operator's resources come from the CRDs in its API jar; keys of its configuration and of Flink's from
the ConfigOption constants in the jars. `--flink VERSION=FOLDER` names a folder with Flink's jars (`pip download
apache-flink` brings 1.19.3 and 2.2.1 whole; of other versions Maven's registry has the modules flink-core, -core-api,
-runtime, -streaming-java, -kubernetes, -clients, -statebackend-*, -table-api-java, -python; families that are missing are
taken from the whole version of the same major number). Without it only the operator's tables are written.

`--clone FOLDER` names a clone of github.com/apache/flink-kubernetes-operator, from whose tags the tables of the releases
without published jars are written. The autoscaler of 1.16.1 is not published either: its options are those of the
commit `AUTOSCALER_OF_1_16`, the newest one of which a copy could be had.
"""

# ruff: noqa: E501 - a shape a line reads best
from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from flink_k8s.facts import tables, versions
from sandbox.home import home
from sandbox.images.operator import Operator
from tests.e2e.validator import java, sources

OPERATORS = ("1.7.0", "1.16.1")
"""The releases whose jars are published."""

AUTOSCALER_OF_1_16 = "6e9caeb4"
"""A commit of 2026-07-20, between the releases 1.15.0 and 1.16.0."""

_CONNECTORS = frozenset(
    [
        "sink",
        "source",
        "scan",
        "lookup",
        "fields",
        "partition",
        "decode",
        "encode",
        "compaction",
        "map-null-key",
        "sql-client",
        "yarn",
        "sql-gateway",
        "timestamp-format",
        "auto-compaction",
        "write-bigdecimal-in-scientific-notation",
        "flink",
        "database",
        "workflow-scheduler",
    ]
)
"""First words of options that belong to a table's WITH clause or to another deployment, not to a cluster's configuration."""

_SHORT = frozenset({"high-availability", "parallelism.default"})


def fields(crds: Iterable[str]) -> dict[str, Any]:
    """The table of the resources in CRDs: `kinds` has the type of each kind's spec, `types` all types, each once."""
    types: dict[str, Any] = {}
    numbers: dict[str, str] = {}

    def type_of(schema: Mapping[str, Any]) -> Any:
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            return "any"
        if schema.get("x-kubernetes-int-or-string") or "anyOf" in schema:
            return "int-or-string"
        if "enum" in schema:
            return {"enum": schema["enum"]}
        kind = schema.get("type", "any")
        if kind == "array":
            return {"list": type_of(schema["items"])}
        if kind != "object":
            return kind
        if "properties" not in schema:
            inner = schema.get("additionalProperties")
            return {"map": type_of(inner)} if isinstance(inner, dict) else ({} if inner is None else "any")
        settings: dict[str, Any] = {
            "fields": {name: type_of(inner) for name, inner in sorted(schema["properties"].items())}
        }
        if schema.get("required"):
            settings["required"] = sorted(schema["required"])
        text = json.dumps(settings, sort_keys=True)
        if text not in numbers:
            numbers[text] = str(len(numbers))
            types[numbers[text]] = settings
        return {"ref": numbers[text]}

    kinds: dict[str, Any] = {}
    for text in crds:
        crd = yaml.load(text, Loader=yaml.CSafeLoader)
        if crd["apiVersion"] == "apiextensions.k8s.io/v1":
            [served] = crd["spec"]["versions"]
            kinds[crd["spec"]["names"]["kind"]] = type_of(served["schema"]["openAPIV3Schema"]["properties"]["spec"])
    return {"kinds": dict(sorted(kinds.items())), "types": types}


def published_crds(version: str) -> list[str]:
    """The CRDs in the API jar of an operator, as YAML."""
    return list(Operator(version).definitions(home()).values())


def spec_changes(class_path: Path) -> dict[str, Any]:
    """The operator's reaction to a change of each field, from the annotations of its API classes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.json"
        java.run("SpecChanges", class_path, ["table", str(file)])
        return json.loads(file.read_text())


def operator_options(class_path: Path) -> list[tables.Option]:
    """Options of the operator and its autoscaler."""
    jars = [*class_path.glob("flink-kubernetes-operator-*.jar"), *class_path.glob("flink-autoscaler-*.jar")]
    output = _options(java.run("Options", class_path, [str(jar) for jar in sorted(jars)]))
    return [option for option in output if option.key.startswith(("kubernetes.operator.", "job.autoscaler."))]


def flink_options(folder: Path, jars: Iterable[Path] = ()) -> list[tables.Option]:
    """Options of a Flink whose jars, or some of them, are in that folder."""
    looked_at = [str(jar) for jar in sorted(jars or folder.glob("*.jar"))]
    return [option for option in _options(java.run("Options", folder, looked_at)) if _is_of_a_cluster(option.key)]


def _is_of_a_cluster(key: str) -> bool:
    first, dot, _ = key.partition(".")
    return key in _SHORT or (
        bool(dot) and first.isascii() and not first.startswith(("$", "_")) and first not in _CONNECTORS
    )


def _options(lines: str) -> list[tables.Option]:
    settings: dict[str, tables.Option] = {}
    for line in lines.splitlines():
        key, kind, default, older = line.split("\t")
        settings[key] = tables.Option(key, kind, default, tuple(filter(None, older.split(","))))
    return [settings[key] for key in sorted(settings)]


def flink_table(by_version: Mapping[str, Iterable[tables.Option]], whole: Iterable[str]) -> str:
    """`key<TAB>versions<TAB>name today, for an old one`, sorted.

    Args:
        by_version: options by `1.17`.
        whole: the versions whose jars are complete.
    """
    current: dict[str, dict[str, str]] = {}
    for version, options in by_version.items():
        keys = current.setdefault(version, {})
        for option in options:
            keys[option.key] = ""
        for option in options:
            for old in option.older:
                keys.setdefault(old, option.key)
    for version, keys in current.items():
        if version in whole:
            continue
        [complete] = [other for other in whole if other.split(".")[0] == version.split(".")[0]]
        here, actual = Counter(map(_family, keys)), Counter(map(_family, current[complete]))
        # A family of which less than half exists here is in a jar that is missing.
        lacking = {family for family, count in actual.items() if here[family] * 2 < count}
        keys |= {key: new for key, new in current[complete].items() if _family(key) in lacking}
    versions = list(current)
    lines: list[str] = []
    for key in sorted({key for keys in current.values() for key in keys}):
        has = [version for version in versions if key in current[version]]
        names = {current[version][key] for version in has}
        lines.append("\t".join([key, tables.ranges(has, versions), next(iter(names - {""}), "")]).rstrip("\t"))
    return "\n".join(lines) + "\n"


def _family(key: str) -> str:
    return ".".join(key.split(".")[: 3 if key.startswith("state.backend.") else 1])


def _scales(option: tables.Option) -> bool:
    return option.key.startswith("job.autoscaler.")


def _options_of_tag(tag: str, clone: Path) -> list[tables.Option]:
    with tempfile.TemporaryDirectory() as folder:
        return operator_options(sources.compile_tag(tag, clone, Path(folder)))


def _write(version: str, crds: Iterable[str], class_path: Path, options: Iterable[tables.Option]) -> None:
    """Write the tables of an operator."""
    text = json.dumps(fields(crds), sort_keys=True, separators=(",", ":")).replace('},"', '},\n"')
    (tables.FOLDER / f"fields-{version}.json").write_text(text + "\n")
    changes = json.dumps(spec_changes(class_path), indent=1, sort_keys=True)
    (tables.FOLDER / f"spec-changes-{version}.json").write_text(changes + "\n")
    lines = [f"{option.key}\t{option.kind}\t{','.join(option.older)}".rstrip("\t") for option in options]
    (tables.FOLDER / f"operator-{version}.txt").write_text("\n".join(sorted(lines)) + "\n")


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flink", action="append", default=[], metavar="VERSION=FOLDER")
    parser.add_argument("--whole", default="1.19,2.2", help="versions whose folders are complete")
    parser.add_argument("--clone", type=Path, metavar="FOLDER", help="clone of the operator's repository")
    arguments = parser.parse_args()
    autoscaler: list[tables.Option] = []
    if arguments.clone:
        autoscaler = [option for option in _options_of_tag(AUTOSCALER_OF_1_16, arguments.clone) if _scales(option)]
        for version in versions.OPERATORS:
            if version not in OPERATORS:
                with tempfile.TemporaryDirectory() as folder:
                    class_path = sources.compile_tag(f"release-{version}", arguments.clone, Path(folder))
                    _write(version, sources.crds(version, arguments.clone), class_path, operator_options(class_path))
    for version in OPERATORS:
        class_path = java.operator_jars(version)
        options = operator_options(class_path)
        if version == "1.16.1":
            known = autoscaler or [option for option in tables.operator_options(version).values() if _scales(option)]
            options = [*known, *(option for option in options if not _scales(option))]
        _write(version, published_crds(version), class_path, options)
    if arguments.flink:
        folders = dict(pair.split("=", 1) for pair in arguments.flink)
        options = {version: flink_options(Path(folder)) for version, folder in folders.items()}
        (tables.FOLDER / "flink.txt").write_text(flink_table(options, arguments.whole.split(",")))


if __name__ == "__main__":
    main()
