import re
from pathlib import Path

import pytest

from sandbox import golang
from sandbox.home import Home
from sandbox.images import prometheus
from sandbox.report import Failure


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_versions_are_pinned() -> None:
    assert golang.KUBERNETES.version.startswith("v1.34.")
    for module in golang.ALL:
        assert re.fullmatch(r"v\d[\w.-]*", module.version)
        assert module is golang.PAUSE or (module.folder / "go.sum").exists()


def test_kubernetes_is_linked_with_its_version() -> None:
    flags = golang.KUBERNETES.linker_flags
    version = golang.KUBERNETES.version
    assert f"-X k8s.io/component-base/version.gitVersion={version}" in flags
    assert "-X k8s.io/client-go/pkg/version.gitMinor=34" in flags


def test_programs_show_their_version() -> None:
    for module in (prometheus.MODULE, prometheus.OPERATOR_MODULE):
        assert f"-X github.com/prometheus/common/version.Version={module.release}" in module.linker_flags
    assert prometheus.OPERATOR_MODULE.version == f"v{prometheus.OPERATOR_MODULE.release}"


@pytest.mark.parametrize(
    ("version", "release"), [("v0.313.1", "3.13.1"), ("v0.305.0", "3.5.0"), ("v0.300.12", "3.0.12")]
)
def test_prometheus_release_is_not_its_modules_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, release: str
) -> None:
    monkeypatch.setattr(golang, "MODULES", tmp_path)
    prometheus.MODULE.folder.mkdir()
    (prometheus.MODULE.folder / "go.mod").write_text(f"require {prometheus.MODULE.pin} {version} // indirect\n")
    assert prometheus.MODULE.release == release


def test_an_unknown_version_scheme_of_prometheus_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golang, "MODULES", tmp_path)
    prometheus.MODULE.folder.mkdir()
    (prometheus.MODULE.folder / "go.mod").write_text(f"require {prometheus.MODULE.pin} v1.4.0\n")
    with pytest.raises(Failure, match=r"v1\.4\.0 is not a version like v0\.313\.1"):
        _ = prometheus.MODULE.release


def test_modules_of_one_folder_have_keys_and_tags_of_their_own() -> None:
    ours = (prometheus.MODULE, prometheus.OPERATOR_MODULE)
    assert len({module.folder for module in ours}) == 1
    assert len({module.key for module in ours}) == 2
    assert golang.ETCD.build_tags.split(",") == prometheus.MODULE.build_tags.split(",")[:3]
    assert "remove_all_sd" in prometheus.MODULE.build_tags


def test_key_changes_with_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golang, "MODULES", tmp_path)
    module = golang.Module("own", "", {"own": "."})
    module.folder.mkdir()
    (module.folder / "go.mod").write_text("module own\n")
    before = module.key
    assert before == module.key
    (module.folder / "main.go").write_text("package main\n")
    assert module.key != before


def test_a_missing_pin_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golang, "MODULES", tmp_path)
    module = golang.Module("own", "example.org/x", {"x": "example.org/x"})
    module.folder.mkdir()
    (module.folder / "go.mod").write_text("module own\n")
    with pytest.raises(Failure, match=r"does not require example\.org/x"):
        _ = module.version


def fake_go(folder: Path, *, version: str, build: str) -> None:
    folder.mkdir()
    script = f'#!/bin/sh\nif [ "$1" = env ]; then echo go{version}; exit; fi\n{build}\n'
    (folder / "go").write_text(script)
    (folder / "go").chmod(0o755)


def test_build_links_programs_and_skips_existing_ones(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The program's path is the second argument from the end.
    fake_go(
        tmp_path / "go", version="1.99.0", build='while [ $# -gt 2 ]; do shift; done; mkdir -p "${1%/*}"; echo x >"$1"'
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'go'}:/usr/bin:/bin")
    (home.bin / ".part-killed").mkdir(parents=True)
    golang.build(home, (golang.PAUSE,))
    built = golang.PAUSE.program(home, "pause")
    assert built.read_text() == "x\n"
    assert (home.bin / "pause").resolve() == built.resolve()
    assert sorted(path.name for path in home.bin.iterdir()) == ["pause", golang.PAUSE.programs(home).name]
    fake = tmp_path / "go" / "go"
    fake.write_text("#!/bin/sh\nexit 1\n")
    golang.build(home, (golang.PAUSE,))


def test_a_failed_build_leaves_nothing_and_reports_the_reason(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path / "go", version="1.99.0", build='echo "main.go:1: no such thing"; exit 2')
    monkeypatch.setenv("PATH", f"{tmp_path / 'go'}:/usr/bin:/bin")
    with pytest.raises(Failure, match=r"building pause failed; in .*: .*go build .*\nmain.go:1: no such thing"):
        golang.build(home, (golang.PAUSE,))
    assert not golang.PAUSE.programs(home).exists()
