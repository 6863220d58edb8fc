"""A bill of materials as CycloneDX 1.6; the output is deterministic."""

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
    """The document as sorted JSON, without a timestamp.

    Args:
        stack: name of the stack that the document describes.
        parts: of the stack.
        licences: package URL to licence, for parts without a licence of their own.
    """
    components = [_component(part, part.licence or licences.get(part.purl, "")) for part in parts]
    subject = Component(name="flink-k8s", version=stack, type=ComponentType.PLATFORM, bom_ref=f"stack/{stack}")
    bom = Bom(components=components, metadata=BomMetaData(component=subject))
    bom.register_dependency(
        subject, [component for component in components if component.scope is ComponentScope.REQUIRED]
    )
    # Derived from the content, so that an unchanged bill has the same number.
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
        # Parts that are not deployed to a cluster are not part of the delivery.
        scope=ComponentScope.REQUIRED if part.user in _REACHES_A_CLUSTER else ComponentScope.EXCLUDED,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else (),
        licenses=[LicenseFactory().make_from_string(licence)] if licence else (),
        properties=[Property(name="flink-k8s:user", value=part.user)],
    )
