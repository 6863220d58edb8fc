"""Where a directory of a process is: which volume holds it, at which path, and whether it outlives the pod."""

from __future__ import annotations

from typing import Any

import pytest

from flink_k8s.resolve.locations import Location, locate

CLAIM = {"persistentVolumeClaim": {"claimName": "state"}}


def pod(*mounts: tuple[str, dict[str, Any]], **container: Any) -> dict[str, Any]:
    """A pod with a volume at each of the paths; a mount's own fields are in `mount`."""
    volumes, volume_mounts = [], []
    for index, (path, source) in enumerate(mounts):
        fields = dict(source)
        own = fields.pop("mount", {})
        volumes.append({"name": f"v{index}", **fields})
        volume_mounts.append({"name": f"v{index}", "mountPath": path, **own})
    main = {"name": "flink-main-container", "volumeMounts": volume_mounts, **container}
    return {"containers": [{"name": "sidecar"}, main], "volumes": volumes}


@pytest.mark.parametrize(
    "directory", ["s3://b/c", "s3p://b/c", "abfss://a@b.net/c", "hdfs:///c", "${env.X}", "[secret]"]
)
def test_paths_with_a_scheme_are_in_a_store(directory: str) -> None:
    assert locate(pod(("/", CLAIM)), directory) == Location("the store", directory)


@pytest.mark.parametrize("directory", ["file:///state/a", "file:/state/a", "/state/a", "file:///state//x/../a/"])
def test_spellings_of_a_path_are_equal(directory: str) -> None:
    assert locate(pod(("/state", CLAIM)), directory) == Location("the claim state", "/a")


@pytest.mark.parametrize(
    ("mount", "is_inside"), [("/state/", True), ("/", True), ("/stat", False), ("/state/sp/x", False)]
)
def test_mount_contains_only_its_own_paths(mount: str, is_inside: bool) -> None:
    assert locate(pod((mount, CLAIM)), "file:///state/sp").lasts is is_inside


def test_the_deepest_mount_counts() -> None:
    two = pod(("/state/sp", {"emptyDir": {}}), ("/state", CLAIM))
    assert not locate(two, "/state/sp/a").lasts
    assert locate(two, "/state/ha") == Location("the claim state", "/ha")


@pytest.mark.parametrize(
    "source",
    [
        {"emptyDir": {}},
        {},
        {"ephemeral": {"volumeClaimTemplate": {}}},
        {"configMap": {"name": "c"}},
        {"csi": {"driver": "scratch.example.org"}},
        {**CLAIM, "mount": {"subPathExpr": "$(POD_NAME)"}},
    ],
)
def test_locations_that_end_with_the_pod(source: dict[str, Any]) -> None:
    assert not locate(pod(("/state", source)), "/state/a").lasts


@pytest.mark.parametrize(
    ("source", "location"),
    [
        ({**CLAIM, "mount": {"subPath": "x"}}, Location("the claim state", "/x/a")),
        ({**CLAIM, "mount": {"subPathExpr": "$(TEAM)/y"}}, Location("the claim state", "/red/y/a")),
        ({"nfs": {"server": "nas", "path": "/export"}}, Location("the nfs nas", "/export/a")),
        ({"hostPath": {"path": "/data", "type": "Directory"}}, Location("the hostPath", "/data/a")),
        (
            {"csi": {"driver": "d", "volumeAttributes": {"share": "s"}, "fsType": "ext4"}},
            Location("the csi d s", "/a"),
        ),
        ({"awsElasticBlockStore": {"volumeID": "vol-1"}}, Location("the awsElasticBlockStore vol-1", "/a")),
    ],
)
def test_persistent_location_is_volume_and_path(source: dict[str, Any], location: Location) -> None:
    actual = locate(pod(("/state", source), env=[{"name": "TEAM", "value": "red"}]), "/state/a")
    assert actual == location
    assert actual.lasts


def test_two_mounts_of_a_share_are_one_location() -> None:
    deep = {"nfs": {"server": "nas", "path": "/export/team"}}
    shallow = {"nfs": {"server": "nas", "path": "/export"}, "mount": {"subPath": "team"}}
    assert locate(pod(("/a", deep)), "/a/sp") == locate(pod(("/a", shallow)), "/a/sp")
    other = {"nfs": {"server": "other", "path": "/export/team"}}
    assert locate(pod(("/a", deep)), "/a/sp") != locate(pod(("/a", other)), "/a/sp")


def test_a_mount_of_another_container_is_none_of_flinks() -> None:
    actual = pod(("/state", CLAIM))
    actual["containers"] = [{**actual["containers"][1], "name": "sidecar"}]
    assert not locate(actual, "/state/a").lasts


@pytest.mark.parametrize(
    ("directory", "container", "writable"),
    [
        ("/tmp/sp", {}, True),
        ("/opt/flink/sp", {}, True),
        ("sp", {}, True),
        ("/state", {}, False),
        ("/tmpx", {}, False),
        ("/state", {"securityContext": {"runAsUser": 0}}, True),
        ("/tmp/sp", {"securityContext": {"readOnlyRootFilesystem": True}}, False),
    ],
)
def test_folders_that_flinks_user_can_write(directory: str, container: dict[str, Any], *, writable: bool) -> None:
    actual = locate(pod(**container), directory)
    assert (actual.lasts, actual.is_writable) == (False, writable)


@pytest.mark.parametrize(
    "source",
    [
        {"secret": {"secretName": "s"}},
        {**CLAIM, "mount": {"readOnly": True}},
        {"persistentVolumeClaim": {"claimName": "state", "readOnly": True}},
    ],
)
def test_read_only_volume_is_not_writable(source: dict[str, Any]) -> None:
    assert not locate(pod(("/state", source)), "/state/a").is_writable


def test_read_only_or_not_it_is_the_same_place() -> None:
    read_only = {**CLAIM, "mount": {"readOnly": True}}
    assert locate(pod(("/state", read_only)), "/state/a") == locate(pod(("/state", CLAIM)), "/state/a")


@pytest.mark.parametrize("name", [{"a": 1}, ["a"], None, 1])
@pytest.mark.parametrize("source", [{1: 2, "a": {"b": 1}}, [], "x", None])
def test_unexpected_yaml_types_raise_no_error(name: object, source: object) -> None:
    odd = {
        "volumes": [{"name": name, "csi": {"volumeAttributes": source}, 1: 2}, "x"],
        "containers": [
            "x",
            {"name": "flink-main-container", "volumeMounts": [{"name": name, "mountPath": "/state"}, 1]},
        ],
    }
    assert locate(odd, "/state/a").path == "/a"
