"""Generate docs/configuration.md from the models and docs/checks.md from the rules."""

# ruff: noqa: E501 - Markdown
from __future__ import annotations

import json
import types
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flink_k8s.checks.rules import RULES
from flink_k8s.config.model import JobSettings, StackSettings

_HEAD = """# Configuration of a stack

<!-- Generated from flink_k8s/config/model.py by `make schema`; do not change it here. -->

A stack is one environment. Its file `Pulumi.<stack>.yaml` contains these keys under `config`, with the prefix `flink-k8s:`. All
keys except `context` have a default. `make check STACK=<stack>` reports every problem without a cluster. An unknown key is an
error, which suggests the most similar key.

Numbers and booleans need no quotes where Flink or Kubernetes require text (`env`, `parameters`, `flinkConfiguration`). Quote
values that look different than YAML reads them, such as `no` and `1.10`.
"""

_ORDER = """
## Precedence

A job's spec is merged from these sources; a later source wins:

1. derived: values that the program calculates from the stack config (service account, metrics, state)
2. `jobDefaults`
3. the job file
4. `jobs`
5. `enforced`

- Mappings are merged deep. `null` removes a key.
- Lists are replaced, with these exceptions: items of `containers`, `initContainers`, `env`, `volumes`, `ports`, `imagePullSecrets` and
  `ephemeralContainers` are merged by name, and those of `volumeMounts` by `mountPath`. `$patch: delete` removes an item of such a list.
- An option of `flinkConfiguration` can have several names (`state.checkpoints.dir`, `execution.checkpointing.dir`). If a source sets it by a
  name that the job's Flink version reads, to a value or `null`, the values of earlier sources under its other names are removed.
- `parameters` are merged into the job's arguments in the order of the sources, regardless of the source of the arguments. If `enforced`
  sets `args`, the `parameters` of `jobs` are ignored.
- In a stack on another stack's platform, the `jobDefaults` and `enforced` of the platform are two more sources: `jobDefaults` of the platform
  precedes that of the stack, and its `enforced` is the last source ([teams.md](teams.md)).

`python -m flink_k8s check <stack> --explain <job>` prints every value of a job with its source, and the values that
`enforced` replaced.
"""


def reference() -> str:
    """The text of docs/configuration.md."""
    parts = [_HEAD]
    models: list[type[BaseModel]] = [StackSettings]
    for model in models:
        for field in model.model_fields.values():
            models += [inner for inner in _models(field.annotation) if inner not in models]
    for model in models:
        parts.append(_section(model))
    parts.append(_ORDER)
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _section(model: type[BaseModel]) -> str:
    title = "Keys" if model is StackSettings else _title(model)
    lines = [
        f"## {title}",
        "",
        (model.__doc__ or "").strip(),
        "",
        "| key | type | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for name, field in model.model_fields.items():
        meaning = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{field.alias or name}` | {_type(field.annotation)} | {_default(field)} | {meaning} |")
    return "\n".join(lines)


def _title(model: type[BaseModel]) -> str:
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in model.__name__).strip()
    return "Job settings" if model is JobSettings else words.capitalize()


def _anchor(model: type[BaseModel]) -> str:
    return _title(model).lower().replace(" ", "-")


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _type(annotation: object) -> str:
    if get_origin(annotation) is Annotated:
        return _type(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{_title(annotation).lower()}](#{_anchor(annotation)})"
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join(_type(inner) for inner in get_args(annotation) if inner is not type(None))
    if get_origin(annotation) is list:
        return f"list of {_type(get_args(annotation)[0])}"
    if get_origin(annotation) is dict:
        return f"name → {_type(get_args(annotation)[1])}"
    names: dict[Any, str] = {str: "text", bool: "boolean", int: "whole number", float: "number", Any: "anything"}
    return names.get(cast(Any, annotation), str(cast(Any, annotation)))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    default = cast(object, field.default)
    if default is None:
        return "not set"
    if isinstance(default, BaseModel):
        return "per key"
    if isinstance(default, dict):
        keys = ", ".join(f"`{key}`" for key in cast(dict[str, object], default))
        return keys or "none"
    return f"`{json.dumps(default)}`" if not isinstance(default, str) else f"`{default}`"


_CHECKS_HEAD = """# Checks

<!-- Generated from flink_k8s/checks/rules.py by `make schema`; do not change it here. -->

`make check STACK=<stack>`, and the program itself before it registers anything, check every job file, the merged Flink resources and
the stack config. Each finding ends with the id of its rule:

```
jobs/orders.yaml:9: spec.job.paralelism: unknown field; did you mean "parallelism"? [unknown-field]
```

An **error** stops the stack, a **warning** and a **notice** are printed. `strict: true` in the stack file turns all warnings into errors.

## Change the severity of a rule

```yaml
config:
  flink-k8s:checks:
    mutable-tag: error      # also without strict
    recommended-labels: disabled
```

`checks` wins over `strict`. Rules whose severity is "always error" find what cannot be deployed: no stack can change them. On a platform
(docs/teams.md) the severities of the platform's stack win.

## Ignore a finding for one object

```yaml
metadata:
  annotations:
    flink-k8s/ignore: "mutable-tag: built on this laptop"
```

One `rule: reason` a line. The reason is required. Rules that are always errors, and rules that the stack's `checks` sets to `error`, cannot
be ignored.

## Rules

The policy pack ([policy.md](policy.md)) evaluates the rules that are marked in the last column.
"""


def checks_page() -> str:
    """The text of docs/checks.md: every rule with severity, rationale and remedy."""
    parts = [_CHECKS_HEAD, "| rule | severity | finds | policy pack |", "| --- | --- | --- | --- |"]
    for rule in RULES.values():
        severity = "always error" if rule.is_fixed else rule.severity.value
        pack = "yes" if rule.is_of_one_object else ""
        parts.append(f"| [`{rule.id}`](#{rule.id}) | {severity} | {rule.description} | {pack} |")
    for rule in RULES.values():
        finds = f"{rule.description[0].upper()}{rule.description[1:]}."
        parts += [f"\n### {rule.id}\n", f"{finds}\n", f"Why: {rule.rationale}\n", f"What to do: {rule.remedy}"]
    return "\n".join(parts) + "\n"
