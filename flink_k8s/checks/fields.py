"""Unknown fields and values of the wrong type, by the tables from the operator's CRDs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from flink_k8s.checks.subject import CLUSTERS, StackSubject, Subject
from flink_k8s.config.findings import Finding, Report
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.misplaced import place_of
from flink_k8s.config.problems import KeyPath, nearest, similar
from flink_k8s.config.secret_text import shown_at
from flink_k8s.facts import tables, versions
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import QUANTITY, quantity
from flink_k8s.resolve.pod_templates import GROUPS, PROCESSES

Written = Callable[[KeyPath], str | None]
"""The text in the file at a path whose value looks different than YAML reads it (`no` for false)."""


def refused_fields(subject: Subject) -> list[KeyPath]:
    """Report the fields of a Flink resource that the operator version does not have, and values of the wrong type.

    As strict as an API server with the same CRDs: a number is not a text, and a text is not a number. For an operator
    version without a table, only the types of the fields in the nearest table are compared.

    Returns:
        Paths of the refused values, which no other rule can use.
    """
    has_table = versions.known_operator(subject.operator) is not None
    table = tables.fields(subject.operator)
    if subject.kind not in table.kinds:
        if has_table:
            remedy = nearest(subject.kind, list(table.kinds))
            message = f"is {subject.kind}, which operator {subject.operator} does not have; {remedy}"
            subject.report("unknown-field", ("kind",), message)
        return []
    findings: list[Finding] = []

    def report(rule: str, path: KeyPath, message: str) -> None:
        findings.append(Finding(rule, path, message))

    comparison = _Comparison(table, subject.operator, subject.written, report, types_only=not has_table)
    comparison.value(table.kinds[subject.kind], mapping(subject.manifest.get("spec")), ("spec",))
    if subject.kind in CLUSTERS:
        comparison.refused += _pod_templates(subject, {*comparison.refused}, report)
    # The rule `operator-validation` reports a Flink version that the operator does not support.
    versions_of_flink = [path for path in comparison.refused if _is_flink_version(subject, path)]
    subject.findings.extend(finding for finding in findings if finding.path not in versions_of_flink)
    return [path for path in comparison.refused if path not in versions_of_flink]


def _pod_templates(subject: Subject, refused: set[KeyPath], report: Report) -> list[KeyPath]:
    """Report values in pod templates that Kubernetes refuses and the CRDs accept: quantities, operators, no name."""

    def report_value(rule: str, path: KeyPath, message: str) -> None:
        is_known = rule == "unknown-field" or any(path[:end] in refused for end in range(1, len(path) + 1))
        if not is_known and path[-1] != "containers":  # a template does not need all containers of the pod
            report("pod-template", path, message)

    comparison = _Comparison(tables.kubernetes(), None, subject.written, report_value, types_only=False)
    for process in ((), *((process,) for process in PROCESSES)):
        place = (*process, "podTemplate", "spec")
        value: object = subject.spec
        for part in place:
            value = mapping(value).get(part)
        if isinstance(value, dict):
            comparison.value({"ref": "core.v1.PodSpec"}, cast(object, value), (*subject.at, *place))
    containers = [path[:-1] for path in comparison.refused if path[-1:] == ("name",) and path[-3] in GROUPS]
    return [path for path in (*comparison.refused, *containers) if path[-1] != "containers"]


def _is_flink_version(subject: Subject, path: KeyPath) -> bool:
    if path[-1] != "flinkVersion" or subject.kind not in CLUSTERS:
        return False
    value: object = subject.manifest
    for part in path:
        value = mapping(value).get(str(part))
    return isinstance(value, str | int | float)


def check_object(stack: StackSubject) -> None:
    """Check the fields of the objects in job files; of a kind without a table, those of the metadata only.

    The cluster's own Prometheus or cert-manager can be newer than the table, so only types are compared.
    """
    settings = stack.settings
    own = {"monitoring.coreos.com": settings.prometheus.enabled, "cert-manager.io": settings.cert_manager.enabled}
    for source in stack.objects:

        def report(rule: str, path: KeyPath, message: str, source: FileObject = source) -> None:
            stack.report(rule, path, message, source)

        def written(path: KeyPath, source: FileObject = source) -> str | None:
            return source.document.written.get((*source.root, *path))

        group = str(source.manifest["apiVersion"]).partition("/")[0]
        _check_object(source.manifest, written, report, types_only=not own.get(group, True))


def _check_object(
    manifest: Mapping[str, object], written: Written, report: Report, *, types_only: bool = False
) -> None:
    table = tables.kubernetes()
    comparison = _Comparison(table, None, written, report, types_only=types_only)
    kind = table.kinds.get(f"{manifest.get('apiVersion')} {manifest.get('kind')}")
    if kind is None:
        comparison.value({"ref": "meta.v1.ObjectMeta"}, manifest.get("metadata"), ("metadata",))
        _report_unknown_kind(str(manifest.get("apiVersion")), str(manifest.get("kind")), list(table.kinds), report)
    else:
        comparison.value(kind, manifest, ())


def _report_unknown_kind(api: str, kind: str, known: Sequence[str], report: Report) -> None:
    """Report a kind that Kubernetes does not serve; kinds of other API groups and alpha versions can exist."""
    apis = {name.partition(" ")[0] for name in known}
    groups = {_group(known_api) for known_api in apis} - _OTHER_GROUPS | {"extensions"}
    is_of_kubernetes = _group(api) in groups or "." not in _group(api)  # the group of a CRD has a dot
    if not is_of_kubernetes or "alpha" in api:
        return
    elsewhere = sorted(name.partition(" ")[0] for name in known if name.endswith(f" {kind}"))
    if elsewhere:
        newest = next((served for served in reversed(elsewhere) if "beta" not in served), elsewhere[-1])
        message = f"is {api}, which has no {kind} in Kubernetes {tables.KUBERNETES_VERSION}; write {newest}"
        report("unknown-kind", ("apiVersion",), message)
    elif api in apis:
        kinds = [name.partition(" ")[2] for name in known if name.startswith(f"{api} ")]
        report("unknown-kind", ("kind",), f"is {kind}, which is not a kind of {api}; {nearest(kind, kinds)}")
    else:
        remedy = "remove the object" if _group(api) in groups else nearest(api, sorted(apis))
        message = f"is {api}, which Kubernetes {tables.KUBERNETES_VERSION} does not serve; {remedy}"
        report("unknown-kind", ("apiVersion",), message)


def _group(api: str) -> str:
    """The API group of an `apiVersion`; empty for Kubernetes' core group."""
    return api.rpartition("/")[0]


_OTHER_GROUPS = {"flink.apache.org", "monitoring.coreos.com", "cert-manager.io"}
"""API groups of the table that are not Kubernetes' own."""


def without(value: object, paths: Iterable[KeyPath]) -> object:
    """A copy of the value without the values at the paths; a removed list item becomes null, to keep the indices."""
    tree: dict[str | int, Any] = {}
    for path in paths:
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[_ALL] = True
    return _without(value, tree)


_ALL = ""
"""Key in the tree of paths that marks a branch to remove; no field has an empty name."""


def _without(value: object, tree: Mapping[str | int, Any]) -> object:
    if isinstance(value, dict):
        fields = cast(dict[str, object], value)
        return {
            key: _without(item, tree[key]) if key in tree else item
            for key, item in fields.items()
            if key == _ALL or key not in tree or _ALL not in tree[key]
        }
    if isinstance(value, list):
        items = enumerate(cast(list[object], value))
        return [None if _ALL in tree.get(i, {}) else _without(item, tree.get(i, {})) for i, item in items]
    return value


class _Comparison:
    def __init__(
        self, table: tables.Fields, operator: str | None, written: Written, report: Report, *, types_only: bool
    ) -> None:
        self.refused: list[KeyPath] = []
        self._types_only = types_only
        self._table = table
        self._operator = operator
        self._written = written
        self._report = report

    @property
    def _pod_fields(self) -> Mapping[str, object]:
        return mapping(tables.kubernetes().types["core.v1.PodSpec"]["fields"])

    def value(self, kind: Any, value: object, path: KeyPath) -> None:
        if value is None or kind == "any":
            return
        if isinstance(kind, str):
            self._scalar(kind, value, path)
        elif "ref" in kind:
            self._fields(self._table.types[kind["ref"]], value, path)
        elif "enum" in kind:
            if isinstance(value, dict | list):
                self._wrong(cast(object, value), path, nearest("", [str(known) for known in kind["enum"]]))
            elif value not in kind["enum"] and not self._types_only:
                self._wrong(value, path, nearest(str(value), [str(known) for known in kind["enum"]]))
        elif "list" in kind:
            if isinstance(value, list):
                for index, item in enumerate(cast(list[object], value)):
                    if item is None:
                        self._refuse((*path, index), "is empty; remove it, or set its value")
                    self.value(kind["list"], item, (*path, index))
            else:
                self._wrong(value, path, "write a list")
        elif not isinstance(value, dict):
            self._wrong(value, path, "write a mapping")
        else:
            for key, item in cast(dict[str, object], value).items():
                self.value(kind.get("map", "any"), item, (*path, key))

    def _fields(self, kind: Mapping[str, Any], value: object, path: KeyPath) -> None:
        if not isinstance(value, dict):
            self._wrong(value, path, "write a mapping")
            return
        fields = cast(Mapping[str, Any], kind["fields"])
        content = cast(dict[str, object], value)
        misspelt: set[str] = set()
        for key, item in content.items():
            if key in fields:
                self.value(fields[key], item, (*path, key))
                continue
            if (field := similar(key, list(fields))) is not None and field not in content:
                misspelt.add(field)  # reported as misspelt, not as missing
                self.refused.append((*path, field))
            if not self._types_only:
                remedy = self._remedy(key, list(fields), path)
                self._refuse((*path, key), f"unknown field; {remedy}", "unknown-field")
        for key in kind.get("required", ()):
            if content.get(key) is None and key not in misspelt and not self._types_only:
                self._refuse((*path, key), "is missing, but Kubernetes requires it; set it")

    def _remedy(self, key: str, known: Sequence[str], path: KeyPath) -> str:
        if self._operator is None:
            return nearest(key, known)
        if path[-1:] == ("podTemplate",) and key in self._pod_fields:
            return f"write {key} in the spec of the podTemplate"
        process = path[-1] if path[-1:] in (("jobManager",), ("taskManager",)) else None
        elsewhere = place_of(key, process) if process or path[-1:] == ("spec",) else None
        if elsewhere is not None:
            return elsewhere
        if "deploymentName" in known and key in _OF_CLUSTERS:
            return "set it in the FlinkDeployment of the session cluster"
        newer = {"resources": "1.16", "autoscalerResetNonce": "1.11", "savepointRedeployNonce": "1.8"}
        if key in newer:
            instead = "; write resource: {memory, cpu}" if key == "resources" else ""
            return f"operators have it from {newer[key]} on, and the stack has {self._operator}{instead}"
        return nearest(key, known)

    def _scalar(self, kind: str, value: object, path: KeyPath) -> None:
        written_text = self._written(path)
        if kind == "string":
            if written_text is not None and path[:1] not in (("data",), ("stringData",)):
                self._refuse(
                    path, f'is {written_text}, which YAML reads as {_shown(path, value)}; quote it: "{written_text}"'
                )
            elif isinstance(value, dict | list):
                self._wrong(cast(object, value), path, "write text")
            elif not isinstance(value, str):
                self._wrong(value, path, _quoted(value, path))
        elif kind == "boolean":
            if not isinstance(value, bool):
                self._wrong(value, path, "write true or false")
        elif kind == "integer":
            if not isinstance(value, int) or isinstance(value, bool):
                self._wrong(value, path, "write a whole number, without quotes")
            elif abs(value) >= 2**63 or (path[-1] in _JAVA_INTS and abs(value) >= 2**31):
                self._refuse(
                    path, f"is a number of {len(str(value))} digits, which is too large; write a smaller number"
                )
        elif kind == "number":
            if not isinstance(value, int | float) or isinstance(value, bool):
                self._wrong(value, path, "write a number, without quotes")
        elif kind == "quantity":
            if not _is_quantity(value):
                self._wrong(value, path, QUANTITY)
        elif kind == "int-or-string" and (
            not isinstance(value, int | str) or isinstance(value, bool) or _is_bad_quantity(value, path)
        ):
            self._wrong(value, path, 'write a whole number or text such as "500m"')

    def _wrong(self, value: object, path: KeyPath, remedy: str) -> None:
        self._refuse(path, f"is {_shown(path, value)}, which is not a valid value; {remedy}")

    def _refuse(self, path: KeyPath, message: str, rule: str = "wrong-type") -> None:
        self.refused.append(path)
        self._report(rule, path, message)


def _quoted(value: object, path: KeyPath) -> str:
    if path[:1] in (("data",), ("stringData",)):
        return "quote it"
    if path[-2:] == ("resource", "memory"):
        return f'write it with a unit, such as "{value}m"'  # a quoted number would mean bytes
    return "quote it" if _is_unnamed(value, path) else f'quote it: "{_shown(path, value)}"'


_OF_CLUSTERS = frozenset(
    {"flinkVersion", "image", "ingress", "jobManager", "mode", "podTemplate", "serviceAccount", "taskManager"}
)
"""Fields that a session job does not have, because its cluster has them."""

_JAVA_INTS = ("parallelism", "replicas")


def _is_bad_quantity(value: object, path: KeyPath) -> bool:
    if len(path) < 2 or path[-2] not in ("requests", "limits") or path[-1] in ("memory", "cpu", "ephemeral-storage"):
        return False  # ports; memory, CPU and ephemeral storage are checked by `checks.memory`
    return not _is_quantity(value)


def _is_quantity(value: object) -> bool:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return False
    try:
        quantity(str(value))
    except ValueError:
        return False
    return True


def _is_unnamed(value: object, path: KeyPath) -> bool:
    """Whether the value is a number that may be a password: of a variable or an argument, whose name is elsewhere."""
    return isinstance(value, int) and not isinstance(value, bool) and (path[-1] == "value" or isinstance(path[-1], int))


def _shown(path: KeyPath, value: object) -> str:
    if path[:1] in (("data",), ("stringData",)) and isinstance(value, int | float):
        return "a number or a boolean"  # which may be a password
    if _is_unnamed(value, path):
        return "a number"
    value = shown_at(path, value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f'"{value}"' if isinstance(value, str) else str(value)
