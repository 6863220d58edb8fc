"""A bill of materials as CycloneDX 1.6: the same parts give the same bytes."""

# The library's decorators hide the constructors of its classes from type checkers.
# pyright: reportCallIssue=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUntypedClassDecorator=false, reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from uuid import UUID, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from dev.supply_chain.parts import Part

_TYPES = {
    "library": ComponentType.LIBRARY,
    "container": ComponentType.CONTAINER,
    "application": ComponentType.APPLICATION,
    "file": ComponentType.FILE,
}
_NAMESPACE = UUID("6f0d3c2a-5b1e-5c59-9d0b-2a1f3a5d7e11")
_REACHES_A_CLUSTER = ("program", "platform", "jobs")


def bill(stack: str, parts: Iterable[Part], licences: Mapping[str, str]) -> str:
    """The document as JSON, sorted, without a time in it.

    Args:
        stack: its name, which the document is about.
        parts: what it is made of.
        licences: package URL to licence, for parts that do not say it themselves.
    """
    made = [_component(part, part.licence or licences.get(part.purl, "")) for part in parts]
    about = Component(name="flink-k8s", version=stack, type=ComponentType.PLATFORM, bom_ref=f"stack/{stack}")
    bom = Bom(components=made, metadata=BomMetaData(component=about))
    bom.register_dependency(about, [one for one in made if one.scope is ComponentScope.REQUIRED])
    # By its content: a bill that did not change does not differ.
    bom.serial_number = uuid5(_NAMESPACE, "\n".join(sorted(f"{part!r}" for part in parts)))
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    document["metadata"].pop("timestamp")
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _component(part: Part, licence: str) -> Component:
    return Component(
        name=part.name,
        version=part.version or None,
        type=_TYPES[part.kind],
        bom_ref=f"{part.user}/{part.purl}",
        purl=PackageURL.from_string(part.purl),
        # What reaches nobody's cluster is no part of what is delivered.
        scope=ComponentScope.REQUIRED if part.user in _REACHES_A_CLUSTER else ComponentScope.EXCLUDED,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else (),
        licenses=[LicenseFactory().make_from_string(licence)] if licence else (),
        properties=[Property(name="flink-k8s:user", value=part.user)],
    )
