import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from sandbox import addons, configuration, daemons, golang, network, policies, rootfs
from sandbox.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    pki = home.etc / "pki"
    pki.mkdir(parents=True)
    for name in ("ca.crt", *(f"{user}.{end}" for user in USERS for end in ("crt", "key"))):
        (pki / name).write_text(name)
    configuration.write(home)
    return home


USERS = ("admin", "controller-manager", "scheduler", "proxy", "kubelet", "felix")


def test_kubeconfig_is_readable_for_root_only_and_has_the_sandbox_context(home: Home) -> None:
    content = yaml.safe_load(home.kubeconfig.read_text())
    assert content["current-context"] == "flink-k8s-sandbox"
    assert [context["name"] for context in content["contexts"]] == ["flink-k8s-sandbox"]
    assert content["clusters"][0]["cluster"]["server"] == f"https://{network.NODE_IP}:6443"
    assert home.kubeconfig.stat().st_mode & 0o077 == 0


def test_unchanged_file_is_not_written_again(home: Home) -> None:
    path = home.etc / "kubelet.yaml"
    before = path.stat().st_mtime_ns
    configuration.write(home)
    assert path.stat().st_mtime_ns == before


def test_containerd_configuration_uses_the_sandbox_pause_image(home: Home) -> None:
    content = tomllib.loads((home.etc / "containerd.toml").read_text())
    plugin = content["plugins"]["io.containerd.grpc.v1.cri"]
    assert plugin["sandbox_image"] == "sandbox.local/pause:v1"
    assert plugin["disable_apparmor"] is True


def test_pods_are_routed_and_named_only_where_policies_are_enforced(home: Home) -> None:
    def plugins() -> list[str]:
        return [plugin["type"] for plugin in json.loads((home.etc / "cni" / "bridge.conflist").read_text())["plugins"]]

    def folder() -> str:
        content = tomllib.loads((home.etc / "containerd.toml").read_text())
        return content["plugins"]["io.containerd.grpc.v1.cri"]["cni"]["bin_dir"]

    assert plugins() == ["bridge", "portmap"]
    assert folder() != configuration.PLUGINS
    configuration.write(home, policies=True)
    assert plugins() == ["ptp", "portmap", "veth-name"]
    assert folder() == configuration.PLUGINS
    configuration.write(home)
    assert plugins() == ["bridge", "portmap"]


def test_felix_can_read_each_of_its_kinds(home: Home) -> None:
    objects = [item for item in yaml.safe_load_all(policies.manifests()) if item]
    [role] = [resource for resource in objects if resource["kind"] == "ClusterRole"]
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    readable = {
        (group, plural) for rule in role["rules"] for group in rule["apiGroups"] for plural in rule["resources"]
    }
    kinds = [resource["spec"] for resource in objects if resource["kind"] == "CustomResourceDefinition"]
    assert {(kind["group"], kind["names"]["plural"]) for kind in kinds} <= readable
    assert ("networking.k8s.io", "networkpolicies") in readable
    assert not {"secrets", "configmaps"} & {plural for _, plural in readable}


def test_every_file_that_a_daemon_names_is_written(home: Home) -> None:
    matches = {f"/etc/kubernetes/{path.relative_to(home.etc)}" for path in home.etc.rglob("*")}
    for daemon in (*daemons.ALL, daemons.FELIX):
        for file in daemon.files:
            assert (home.etc / file).exists()
        for named in re.findall(r"/etc/kubernetes/[\w./-]+", " ".join(daemon.argv)):
            assert named in matches or named.startswith("/etc/kubernetes/pki/"), named


def test_unit_changes_with_a_file_and_with_the_authority(home: Home) -> None:
    kubelet = next(daemon for daemon in daemons.ALL if daemon.name == "kubelet")
    actual = {kubelet.unit(home)}
    for name in ("kubelet.yaml", "pki/ca.crt"):
        (home.etc / name).write_text("other")
        actual.add(kubelet.unit(home))
    assert len(actual) == 3


def test_programs_are_where_the_node_has_them() -> None:
    programs = {program for module in golang.ALL for program in module.packages}
    for daemon in daemons.ALL:
        assert daemon.name == "containerd" or daemon.argv[0].startswith(f"{rootfs.BIN}/")
        assert daemon.name == "containerd" or daemon.name in programs


def test_addons_are_complete_and_never_pull() -> None:
    objects = [actual for actual in yaml.safe_load_all(addons.text()) if actual]
    kinds = {(actual["kind"], actual["metadata"]["name"]) for actual in objects}
    assert ("StorageClass", "local-path") in kinds
    for namespace, name in addons.DEPLOYMENTS.items():
        actual = next(o for o in objects if o["kind"] == "Deployment" and o["metadata"]["name"] == name)
        assert actual["metadata"]["namespace"] == namespace
        for container in actual["spec"]["template"]["spec"]["containers"]:
            assert container["imagePullPolicy"] == "Never"
    service = next(o for o in objects if o["kind"] == "Service")
    kubelet = json.dumps(configuration.kubelet())
    assert service["spec"]["clusterIP"] == network.DNS_IP
    assert network.DNS_IP in kubelet
    script = next(o for o in objects if o["metadata"]["name"] == "local-path-config")["data"]["setup"]
    assert '"$VOL_DIR"' in script
