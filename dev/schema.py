"""`python -m dev.schema`: generate files from the models of the stack config and from the rules.

They are docs/schema/*.json for editors, the section `config` of Pulumi.yaml for the engine, docs/configuration.md,
docs/checks.md, the arguments of components, and the schema of the component package. With `--check` it writes nothing,
and exits with 1 if a file would change.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args, get_origin

import yaml
from pydantic_core import PydanticUndefined

from dev import program_settings
from dev.reference import checks_page, reference
from flink_k8s.config.model import JobSettings, StackSettings
from flink_k8s.config.stack_file import PREFIX, STACK_FILE_KEYS
from flink_k8s.facts import tables, versions
from flink_k8s.facts.kinds import FLINK_API
from flink_k8s.support.paths import ROOT

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def project_config() -> dict[str, dict[str, object]]:
    """The section `config` of Pulumi.yaml: type, description and default of each key.

    The engine requires a key without a default, and does not validate objects. So unset keys have an empty default,
    which the models replace by their own defaults.
    """
    section: dict[str, dict[str, object]] = {}
    for name, field in StackSettings.model_fields.items():
        kind = _engine_type(field.annotation)
        entry: dict[str, object] = {"type": kind}
        if kind == "array":
            entry["items"] = {"type": "string"}
        if field.description:
            entry["description"] = field.description
        # The program itself checks required keys: it may take them from the platform's stack.
        default = None if field.default is PydanticUndefined else field.default
        entry["default"] = {} if kind == "object" else ("" if default is None else default)
        section[field.alias or name] = entry
    return section


def _engine_type(annotation: object) -> str:
    candidates = (annotation, *get_args(annotation))
    if any(get_origin(candidate) is dict for candidate in candidates):
        return "object"
    for python, engine in ((bool, "boolean"), (str, "string"), (int, "integer"), (list, "array")):
        if any(candidate is python or get_origin(candidate) is python for candidate in candidates):
            return engine
    return "object"


def stack_schema() -> dict[str, Any]:
    """JSON Schema of `Pulumi.<stack>.yaml`; keys with and without the project's prefix are allowed."""
    inner = StackSettings.model_json_schema(by_alias=True)
    properties = cast(dict[str, Any], inner["properties"])
    keys = {f"{PREFIX}{key}": value for key, value in properties.items()} | properties
    config: dict[str, Any] = {
        "type": "object",
        "properties": keys,
        "patternProperties": {"^(pulumi|kubernetes):": {}},
        "additionalProperties": False,
    }
    others: dict[str, Any] = {key: {} for key in STACK_FILE_KEYS if key != "config"}
    return {
        "$schema": _DRAFT,
        "title": "A stack of flink-k8s: Pulumi.<stack>.yaml",
        "type": "object",
        "properties": {"config": config, **others},
        "additionalProperties": False,
        "$defs": inner.get("$defs", {}),
    }


def job_settings_schema() -> dict[str, Any]:
    """JSON Schema of job settings: `jobDefaults`, `enforced`, and each of `jobs`."""
    return {"$schema": _DRAFT, **JobSettings.model_json_schema(by_alias=True)}


def job_file_schema() -> dict[str, Any]:
    """JSON Schema of a document of a job file, for the default operator; other kinds are not restricted."""
    version = versions.OPERATOR.version
    table = tables.fields(version)
    assert table is not None
    rules = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {
                "properties": {"apiVersion": {"const": FLINK_API}, "spec": _json_type(spec)},
                "required": ["spec"],
            },
        }
        for kind, spec in table.kinds.items()
    ]
    return {
        "$schema": _DRAFT,
        "title": f"A Flink resource of operator {version}",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "allOf": rules,
        "$defs": {name: _json_type(kind) for name, kind in table.types.items()},
    }


def _json_type(kind: Any) -> dict[str, Any]:
    if isinstance(kind, str):
        special = {"any": {}, "int-or-string": {"type": ["integer", "string"]}}
        return cast(dict[str, Any], special.get(kind, {"type": kind}))
    if "ref" in kind:
        return {"$ref": f"#/$defs/{kind['ref']}"}
    if "enum" in kind:
        return {"enum": kind["enum"]}
    if "list" in kind:
        return {"type": "array", "items": _json_type(kind["list"])}
    if "fields" in kind:
        properties = {name: _json_type(inner) for name, inner in kind["fields"].items()}
        required = {"required": kind["required"]} if kind.get("required") else {}
        return {"type": "object", "properties": properties, "additionalProperties": False, **required}
    return {"type": "object", "additionalProperties": _json_type(kind.get("map", "any"))}


def files(root: Path) -> dict[Path, str]:
    """The text of each generated file."""
    schemas = {"stack": stack_schema(), "job-settings": job_settings_schema(), "job-file": job_file_schema()}
    texts = {
        root / "docs" / "schema" / f"{name}.json": json.dumps(schema, ensure_ascii=False, indent=_indent(name)) + "\n"
        for name, schema in schemas.items()
    }
    texts[root / "docs" / "configuration.md"] = reference()
    texts[root / "docs" / "checks.md"] = checks_page()
    texts[root / "flink_k8s" / "components" / "settings.py"] = program_settings.module()
    project = root / "Pulumi.yaml"
    before, config, _ = project.read_text().partition("\nconfig:\n")
    section = yaml.safe_dump({"config": project_config()}, sort_keys=False, allow_unicode=True, width=1000)
    texts[project] = f"{before}\n{section}" if config else f"{before.rstrip()}\n{section}"
    return texts


_PRINT_SCHEMA = "from flink_k8s.components import component_package as p; print(p.ComponentPackage().schema)"


def package_schema() -> str:
    """The schema of the component package, from the annotations in the file that has just been written."""
    command = [sys.executable, "-c", _PRINT_SCHEMA]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return json.dumps(json.loads(printed), ensure_ascii=False, indent=1) + "\n"


def _indent(name: str) -> int | None:
    return None if name == "job-file" else 1  # too long to read


def _all_files(root: Path) -> Iterator[tuple[Path, str]]:
    yield from files(root).items()
    yield root / "package" / "schema.json", package_schema()


def main(arguments: list[str] | None = None) -> int:
    """Write or compare the files; an exit code."""
    parser = argparse.ArgumentParser(prog="dev.schema", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file would change")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project")
    options = parser.parse_args(arguments)
    stale: list[Path] = []
    for path, text in _all_files(options.root):
        if not path.exists() or path.read_text() != text:
            stale.append(path)
            if not options.check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    for path in stale:
        relative = path.relative_to(options.root)
        print(f"{relative}: differs from the models; run make schema" if options.check else f"{relative}: written")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
