"""The password of the webhook's keystore: made by the program, there before the operator, in no file."""

from __future__ import annotations

import pytest

from flink_k8s.program.render import documents
from flink_k8s.program.values import Secret, reveal

NAME = "operator-webhook-keystore"


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_chart_references_the_generated_password(resource_graph, stack):
    graph = resource_graph(stack)
    resource = graph.find("Secret", NAME)
    release = graph.find("Release", "flink-kubernetes-operator")
    assert graph.depends_on(release, resource)
    assert graph.depends_on(resource, graph.find("Namespace", "flink-operator"))
    assert release.inputs["values"]["webhook"] == {
        "create": True,
        "keystore": {"useDefaultPassword": False, "passwordSecretRef": {"name": NAME, "key": "password"}},
    }
    assert isinstance(resource.inputs["data"], Secret) or isinstance(resource.inputs["data"]["password"], Secret)
    assert resource.ignore_changes == ("data",)
    assert "data" in resource.additional_secret_outputs


def test_each_installation_has_a_password_of_its_own(resource_graph):
    first, second = (resource_graph("dev", jobTimeout=time).find("Secret", NAME) for time in ("10m", "11m"))
    passwords = [reveal(graph.inputs["data"])["password"] for graph in (first, second)]
    assert passwords[0] != passwords[1]
    assert min(map(len, passwords)) >= 40


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_rendered_files_contain_no_keystore_password(resource_graph, stack):
    rendered, notes = documents(resource_graph(stack))
    assert not [finding for finding in rendered if finding.manifest["kind"] == "Secret"]
    assert f"Secret flink-operator/{NAME} is omitted: secrets are not written to files" in notes


@pytest.mark.parametrize(
    "keystore",
    [{"useDefaultPassword": True}, {"useDefaultPassword": False, "passwordSecretRef": {"name": "o", "key": "k"}}],
)
def test_password_settings_of_the_user_override_the_generated_password(resource_graph, keystore):
    graph = resource_graph("dev", operator={"values": {"webhook": {"keystore": keystore}}})
    assert not graph.find_all("Secret", NAME)
    values = graph.find("Release", "flink-kubernetes-operator").inputs["values"]
    assert values["webhook"] == {"create": True, "keystore": keystore}


def test_other_keystore_values_are_merged_with_the_password(resource_graph):
    graph = resource_graph("dev", operator={"values": {"webhook": {"keystore": {"pkcs12Profile": "Modern2023"}}}})
    assert graph.find("Secret", NAME)
    keystore = graph.find("Release", "flink-kubernetes-operator").inputs["values"]["webhook"]["keystore"]
    assert keystore["pkcs12Profile"] == "Modern2023"
    assert keystore["useDefaultPassword"] is False


def test_no_password_without_a_webhook(resource_graph):
    assert not resource_graph("sandbox").find_all("Secret", NAME)
    release = resource_graph("sandbox").find("Release", "flink-kubernetes-operator")
    assert release.inputs["values"]["webhook"] == {"create": False}
