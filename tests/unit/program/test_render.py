"""Rendering: one block-style file an object, the same from run to run, no secrets, nothing foreign touched."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flink_k8s.cli.main import main
from flink_k8s.program import gitops
from flink_k8s.program.manifest import Manifest
from flink_k8s.program.render import Document, documents, file_names, render
from flink_k8s.program.resource_graph import Resource, ResourceGraph
from flink_k8s.support.block_yaml import dump
from flink_k8s.support.errors import CommandError

Run = Callable[..., ResourceGraph]


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


def loaded(folder: Path, name: str) -> Any:
    return yaml.safe_load((folder / name).read_text(encoding="utf-8"))


def test_one_file_per_object_named_by_its_depth(run: Run, tmp_path: Path) -> None:
    render(run(), tmp_path / "out", "flux")
    assert sorted(read(tmp_path / "out")) == [
        "00-namespace-flink.yaml",
        "01-helmrepository-flink-charts-example-org-stable.yaml",
        "01-serviceaccount-flink-flink.yaml",
        "02-helmrelease-flink-operator.yaml",
        "03-flinkdeployment-flink-word-count.yaml",
        "kustomization.yaml",
    ]


def test_a_job_as_block_style(run: Run, tmp_path: Path) -> None:
    render(run(), tmp_path / "out", "flux")
    assert (
        read(tmp_path / "out")["03-flinkdeployment-flink-word-count.yaml"]
        == """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: word-count
  namespace: flink
  annotations:
    team: a
spec:
  args:
  - --on
  - 'yes'
  - |
    line
    line
  cpu: 0.5
  image: pyflink:dev
  parallelism: 2
"""
    )


def test_a_release_is_one_object_with_its_repository(run: Run, tmp_path: Path) -> None:
    notes = render(run(), tmp_path / "out", "flux")
    release = loaded(tmp_path / "out", "02-helmrelease-flink-operator.yaml")
    repository = loaded(tmp_path / "out", "01-helmrepository-flink-charts-example-org-stable.yaml")
    assert release["apiVersion"] == "helm.toolkit.fluxcd.io/v2"
    assert release["spec"]["chart"]["spec"] == {
        "chart": "operator",
        "version": "1.0.0",
        "sourceRef": {"kind": "HelmRepository", "name": repository["metadata"]["name"]},
    }
    assert release["spec"]["values"] == {"image": {"tag": "1"}}
    assert release["spec"]["timeout"] == "600s"
    assert repository["apiVersion"] == "source.toolkit.fluxcd.io/v1"
    assert repository["spec"]["url"] == "https://charts.example.org/stable"
    assert repository["metadata"]["namespace"] == release["metadata"]["namespace"] == "flink"
    assert any("values.key is secret and omitted" in note for note in notes)


def test_releases_depend_on_earlier_releases(run: Run, tmp_path: Path) -> None:
    text = """
        from pulumi_kubernetes.helm.v3 import Release
        def release(name, *needs):
            opts = pulumi.ResourceOptions(provider=provider, depends_on=list(needs))
            chart = f"oci://r.example.org/charts/{name}"
            return Release(name, name=name, chart=chart, namespace="n", version="1", opts=opts)
        first = release("first")
        release("second", config_map("between", first))
    """
    render(run(text), tmp_path / "out", "flux")
    second = loaded(tmp_path / "out", "03-helmrelease-n-second.yaml")
    assert second["spec"]["dependsOn"] == [{"name": "first", "namespace": "n"}]
    repository = loaded(tmp_path / "out", "00-helmrepository-n-r-example-org-charts.yaml")
    assert repository["spec"] == {"interval": "1h", "type": "oci", "url": "oci://r.example.org/charts"}


def test_argocd_has_an_application_instead(run: Run, tmp_path: Path) -> None:
    render(run(), tmp_path / "out", "argocd")
    assert not [name for name in read(tmp_path / "out") if "helm" in name]
    application = loaded(tmp_path / "out", "02-application-argocd-operator.yaml")
    assert application["spec"]["destination"]["namespace"] == "flink"
    assert application["spec"]["source"] == {
        "chart": "operator",
        "repoURL": "https://charts.example.org/stable",
        "targetRevision": "1.0.0",
        "helm": {"releaseName": "operator", "valuesObject": {"image": {"tag": "1"}}},
    }
    assert application["spec"]["syncPolicy"]["automated"] == {}
    assert application["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]


def test_argocd_health_checks_are_a_patch_and_not_an_object(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    notes = render(run(), out, "argocd")
    patch = loaded(out, gitops.ARGOCD_HEALTH)
    assert list(patch) == ["data"]
    assert gitops.ARGOCD_HEALTH not in loaded(out, "kustomization.yaml")["resources"]
    assert any(f"--patch-file {out / gitops.ARGOCD_HEALTH}" in note for note in notes)
    render(run(), out, "argocd")
    assert loaded(out, gitops.ARGOCD_HEALTH) == patch
    notes = render(run(), out, "flux")
    assert f"{gitops.ARGOCD_HEALTH} was stale and has been removed" in notes
    assert gitops.ARGOCD_HEALTH not in read(out)


def test_a_local_chart_is_rendered_with_a_note(run: Run, tmp_path: Path) -> None:
    notes = render(run(chart="./charts/operator"), tmp_path / "out", "flux")
    release = loaded(tmp_path / "out", "02-helmrelease-flink-operator.yaml")
    assert release["spec"]["chart"]["spec"]["sourceRef"]["kind"] == "GitRepository"
    assert any("the chart ./charts/operator must be in the GitRepository" in note for note in notes)


def test_secrets_are_left_out_and_noted(run: Run, tmp_path: Path) -> None:
    for flavour in ("flux", "argocd"):
        notes = render(run(), tmp_path / flavour, flavour)
        assert any("Secret flink/password is omitted" in note for note in notes)
        assert "hunter2" not in "".join([*read(tmp_path / flavour).values(), *notes])


def test_an_object_with_a_secret_inside_is_left_out(run: Run, tmp_path: Path) -> None:
    notes = render(run("config_map('a', data={'b': pulumi.Output.secret('hunter2')})"), tmp_path / "out", "flux")
    assert list(read(tmp_path / "out")) == ["kustomization.yaml"]
    assert notes[0] == "ConfigMap default/a is omitted: data.b is secret"


def test_byte_identical_from_run_to_run(run: Run, tmp_path: Path) -> None:
    jobs = [f"job-{number}" for number in range(30)]
    render(run(jobs=jobs), tmp_path / "a", "flux")
    render(run(jobs=list(reversed(jobs))), tmp_path / "b", "flux")
    assert read(tmp_path / "a") == read(tmp_path / "b")


def test_a_new_job_renames_no_other_file(run: Run, tmp_path: Path) -> None:
    render(run(), tmp_path / "a", "flux")
    render(run(jobs=["word-count", "another"]), tmp_path / "b", "flux")
    assert set(read(tmp_path / "b")) - set(read(tmp_path / "a")) == {"03-flinkdeployment-flink-another.yaml"}
    assert set(read(tmp_path / "a")) <= set(read(tmp_path / "b"))


def test_a_stale_file_of_an_earlier_render_is_removed(run: Run, tmp_path: Path) -> None:
    render(run(jobs=["old"]), tmp_path / "out", "flux")
    (tmp_path / "out" / ".gitkeep").touch()
    notes = render(run(jobs=["new"]), tmp_path / "out", "flux")
    names = list(read(tmp_path / "out"))
    assert "03-flinkdeployment-flink-new.yaml" in names
    assert "03-flinkdeployment-flink-old.yaml" not in names
    assert ".gitkeep" in names
    assert "03-flinkdeployment-flink-old.yaml was stale and has been removed" in notes
    listed = loaded(tmp_path / "out", "kustomization.yaml")["resources"]
    assert listed == sorted(name for name in names if name[0].isdigit())


@pytest.mark.parametrize("foreign", ["mine.yaml", "kustomization.yaml"])
def test_a_folder_with_foreign_files_is_refused(run: Run, tmp_path: Path, foreign: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / foreign).write_text("resources: []\n", encoding="utf-8")
    with pytest.raises(CommandError, match=f"files that were not rendered .{foreign}."):
        render(run(), folder, "flux")
    assert read(folder) == {foreign: "resources: []\n"}


def test_folder_with_a_foreign_file_is_refused(run: Run, tmp_path: Path) -> None:
    render(run(), tmp_path / "out", "flux")
    before = read(tmp_path / "out")
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(CommandError, match=r"mine\.txt"):
        render(run(jobs=[]), tmp_path / "out", "flux")
    assert read(tmp_path / "out") == {**before, "mine.txt": ""}


def test_a_file_in_place_of_the_folder_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(CommandError, match="is a file"):
        render(run(), tmp_path / "out", "flux")


def test_a_value_that_is_not_known_yet_cannot_be_rendered(run: Run) -> None:
    graph = run("config_map('b', data={'id': config_map('a').id})")
    with pytest.raises(CommandError, match=r"ConfigMap default/b: data\.id is unknown until"):
        documents(graph)


def test_colliding_file_names_get_a_suffix() -> None:
    def document(namespace: str, name: str) -> Document:
        return Document(3, {"kind": "Job", "apiVersion": "v1", "metadata": {"namespace": namespace, "name": name}})

    both = file_names([document("a-b", "c"), document("a", "b-c")])
    assert len(both) == 2
    assert both["03-job-a-b-c.yaml"] == document("a", "b-c")
    assert file_names([document("a", "b-c"), document("a-b", "c")]) == both


HELM = """\
#!/bin/sh
case "$*" in *unreachable*) echo 'Error: looks like "x" is not a valid chart repository' >&2; exit 1;; esac
cat <<END
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: operator}
---
apiVersion: v1
kind: Secret
metadata: {name: generated}
data: {a: aHVudGVyMg==}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: alertmanagerconfigs.monitoring.coreos.com}
spec:
  enum:
  - =
  - =~
---
apiVersion: batch/v1
kind: Job
metadata: {name: admission-create, annotations: {helm.sh/hook: pre-install}}
END
case "$*" in *--skip-tests*) ;; *) echo --- && echo '{apiVersion: v1, kind: Pod, metadata: {name: test}}';; esac
"""


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "bin" / "helm"
    tool.parent.mkdir()
    tool.write_text(HELM, encoding="utf-8")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")


@pytest.mark.usefixtures("helm")
def test_release_is_rendered_to_the_objects_of_its_chart(run: Run, project: Path, tmp_path: Path) -> None:
    notes = render(run(), tmp_path / "out", "flux", template_charts=project)
    names = list(read(tmp_path / "out"))
    assert "02-deployment-flink-operator.yaml" in names
    assert "02-clusterrole-operator.yaml" in names
    assert not [name for name in names if "helm" in name or "secret" in name]
    deployment = loaded(tmp_path / "out", "02-deployment-flink-operator.yaml")
    assert deployment["metadata"] == {"name": "operator", "namespace": "flink"}
    assert any("its Secret generated is omitted" in note for note in notes)
    crd = loaded(tmp_path / "out", "02-customresourcedefinition-alertmanagerconfigs.monitoring.coreos.com.yaml")
    assert crd["spec"]["enum"] == ["=", "=~"]
    assert not [name for name in names if "pod" in name]


@pytest.mark.parametrize(("flavour", "force"), [("flux", "enabled"), ("argocd", None)])
@pytest.mark.usefixtures("helm")
def test_flux_replaces_jobs_that_are_hooks_of_helm(
    run: Run, project: Path, tmp_path: Path, flavour: gitops.Flavour, force: str | None
) -> None:
    """Case charts-06."""
    render(run(), tmp_path / "out", flavour, template_charts=project)
    annotations = loaded(tmp_path / "out", "02-job-flink-admission-create.yaml")["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "pre-install"
    assert annotations.get("kustomize.toolkit.fluxcd.io/force") == force


@pytest.mark.usefixtures("helm")
def test_a_chart_that_cannot_be_reached_stays_one_object(run: Run, project: Path, tmp_path: Path) -> None:
    notes = render(run(chart="./unreachable"), tmp_path / "out", "flux", template_charts=project)
    assert "02-helmrelease-flink-operator.yaml" in read(tmp_path / "out")
    assert any('chart not rendered: Release flink/operator: looks like "x" is not' in note for note in notes)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


@given(VALUES)
def test_rendered_yaml_equals_the_object(value: object) -> None:
    assert yaml.safe_load(dump(value)) == value


@pytest.mark.parametrize(
    "text", ["y", "N", "1e3", "1_000", "0o7", "0x1F", "+.5", "12e03", "007", "true", "null", "~", "1.0"]
)
def test_ambiguous_text_is_quoted(text: str) -> None:
    assert dump({"a": text}) == f"a: '{text}'\n"


@pytest.mark.parametrize("text", ["v1", "1.2.3", "e276a578f68eddfe", "512m", "yes-no", "10:0b", "10Gi", "."])
def test_plain_text_stays_plain(text: str) -> None:
    assert dump({"a": text}) == f"a: {text}\n"


def test_a_shared_value_has_no_anchor() -> None:
    shared: Mapping[str, object] = {"a": [1]}
    assert "&" not in dump({"x": shared, "y": cast("object", shared)})


def test_argo_cd_gets_depths_as_sync_waves(run: Run, tmp_path: Path) -> None:
    render(run(), tmp_path / "out", "argocd", ordered="clusters/dev")
    waves = {
        name: loaded(tmp_path / "out", name)["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]
        for name in loaded(tmp_path / "out", "kustomization.yaml")["resources"]
    }
    assert {name: f"{int(name[:2])}" for name in waves} == waves
    assert set(waves.values()) == {"0", "1", "2", "3"}


@pytest.mark.parametrize(
    ("version", "own", "options"),
    [
        ("flink.apache.org/v1beta1", "", "SkipDryRunOnMissingResource=true"),
        ("monitoring.coreos.com/v1", "Prune=false", "Prune=false,SkipDryRunOnMissingResource=true"),
        ("v1", "", None),
        ("v1", "Prune=false", "Prune=false"),
        ("apps/v1", "", None),
        ("rbac.authorization.k8s.io/v1", "", None),
        ("argoproj.io/v1alpha1", "", None),
    ],
)
def test_argo_cd_skips_the_dry_run_of_kinds_from_charts(version: str, own: str, options: str | None) -> None:
    name = "argocd.argoproj.io/sync-options"
    metadata: Manifest = {"name": "a", "annotations": {name: own} if own else {}}
    marked = gitops.in_wave({"apiVersion": version, "kind": "A", "metadata": metadata}, 2)
    assert cast("dict[str, dict[str, str]]", marked["metadata"])["annotations"].get(name) == options


def test_flux_gets_a_kustomization_per_depth_with_dependencies(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    render(run(), out, "flux", ordered="./clusters/dev/")
    steps = list(yaml.safe_load_all((out / "layers.yaml").read_text()))
    assert loaded(out, "kustomization.yaml")["resources"] == ["layers.yaml"]
    assert [step["spec"]["path"] for step in steps] == [f"./clusters/dev/0{layer}" for layer in range(4)]
    names = [step["metadata"]["name"] for step in steps]
    assert [step["spec"].get("dependsOn") for step in steps] == [None, *([{"name": name}] for name in names[:-1])]
    assert all(step["spec"]["wait"] for step in steps)
    checked = [[check["kind"] for check in step["spec"].get("healthCheckExprs", [])] for step in steps]
    assert checked == [[], [], [], ["FlinkDeployment"]]
    assert loaded(out / "03", "kustomization.yaml")["resources"] == ["03-flinkdeployment-flink-word-count.yaml"]
    rendered = {path.name for path in out.glob("0*/0*.yaml")}
    render(run(), out, "flux")
    assert {name for name in read_files(out) if name[0] == "0"} == rendered  # the same objects, and no folder is left
    assert not [path for path in out.iterdir() if path.is_dir()]


def read_files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def resource(kind: str, *needs: str) -> Resource:
    inputs = {"kind": kind, "metadata": {"name": "a"}}
    return Resource(kind, f"kubernetes:x:{kind}", kind, inputs=inputs, dependencies=frozenset(needs))


def test_ordered_claim_has_the_depth_of_its_first_pod() -> None:
    claim, role = resource("PersistentVolumeClaim", "Namespace"), resource("Role", "Namespace")
    graph = ResourceGraph((resource("Namespace"), claim, role, resource("FlinkDeployment", "Role", claim.urn)))

    def layer_of(*, ordered: bool) -> int:
        rendered, _ = documents(graph, ordered=ordered)
        return next(finding.depth for finding in rendered if finding.manifest["kind"] == claim.kind)

    assert (layer_of(ordered=False), layer_of(ordered=True)) == (1, 2)


def test_foreign_file_in_a_rendered_subfolder_is_kept(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    render(run(), out, "flux", ordered="x")
    (out / "01" / "mine.yaml").touch()
    with pytest.raises(CommandError, match=r"mine\.yaml"):
        render(run(), out, "flux", ordered="x")


def test_overlay_is_merged_over_the_stack_config(tmp_path: Path) -> None:
    layer = tmp_path / "mirror.yaml"
    layer.write_text("charts: {mirror: oci://registry.example.org/charts}\n")
    assert main(["render", "prod", str(tmp_path / "out"), "--overlay", str(layer)]) == 0
    repositories = {
        loaded(tmp_path / "out", name)["spec"]["url"] for name in read(tmp_path / "out") if "helmrepo" in name
    }
    assert repositories == {"oci://registry.example.org/charts"}
