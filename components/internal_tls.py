"""Certificates for TLS inside of a Flink cluster: an authority that is the cluster's alone, and a certificate of it.

All processes of a cluster have the same certificate, and trust what the authority has signed. So a process with a
renewed one and a process with the one before trust each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.external_secret import READY
from flink_k8s.config.secret_text import KEYSTORE_PASSWORD
from flink_k8s.config.tls_model import LONGEST
from flink_k8s.facts.labels import labels
from flink_k8s.resolve.internal_tls import authority_name, certificate_name, has_internal_tls, root_name
from flink_k8s.resolve.jobs import Job

_API = "cert-manager.io/v1"


def internal_tls(
    job: Job, needed: Iterable[pulumi.Input[pulumi.Resource]], opts: pulumi.ResourceOptions
) -> pulumi.Resource | None:
    """What a job's pods must find: their certificate, ready. None for a job without.

    Args:
        job: as it is deployed.
        needed: the namespace, and what brings cert-manager's kinds.
        opts: parent, and aliases of the resources.
    """
    wanted = job.settings.internal_tls
    if wanted is None or not has_internal_tls(job.kind, job.settings):
        return None
    authority, certificate = authority_name(job.kind, job.name), certificate_name(job.kind, job.name)
    root = root_name(job.kind, job.name)
    # The subject is by what a process knows its authority: it stays when the authority's certificate is renewed.
    subject = {"organizations": [job.namespace], "organizationalUnits": [f"{job.kind}/{job.name}"[:64]]}

    def made(kind: str, name: str, spec: dict[str, Any], *before: pulumi.Input[pulumi.Resource]) -> CustomResource:
        metadata = ObjectMetaArgs(name=name, namespace=job.namespace, labels=labels(job.name), annotations=READY)
        own = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(before)))
        return CustomResource(
            f"{job.namespace}/{name}", api_version=_API, kind=kind, metadata=metadata, spec=spec, opts=own
        )

    def of(issuer: str, name: str, **spec: Any) -> dict[str, Any]:
        return {
            "secretName": name,
            "secretTemplate": {"labels": labels(job.name)},
            "issuerRef": {"group": "cert-manager.io", "kind": "Issuer", "name": issuer},
            "subject": subject,
            **spec,
        }

    self_signed = made("Issuer", root, {"selfSigned": {}}, *needed)
    root_certificate = of(
        root,
        authority,
        commonName="flink-internal-ca",
        isCA=True,
        duration=f"{2 * LONGEST}h",
        renewBefore=f"{LONGEST}h",
        # With another key, no process would trust those that were started before.
        privateKey={"algorithm": "RSA", "size": 3072, "rotationPolicy": "Never"},
    )
    its_own = made("Certificate", authority, root_certificate, self_signed)
    signs = made("Issuer", authority, {"ca": {"secretName": authority}}, its_own)
    leaf = of(
        authority,
        certificate,
        commonName="flink-internal",
        duration=wanted.duration,
        renewBefore=wanted.renewal,
        usages=["digital signature", "key encipherment", "server auth", "client auth"],
        privateKey={"algorithm": "RSA", "size": 2048, "rotationPolicy": "Always"},
        # Java since 8u301 reads this profile; the default one is of 1996.
        keystores={"pkcs12": {"create": True, "profile": "Modern2023", "password": KEYSTORE_PASSWORD}},
    )
    return made("Certificate", certificate, leaf, signs)
