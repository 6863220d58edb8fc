"""Certificates for TLS inside a Flink cluster: a certificate authority per cluster, and a certificate that it signs.

All processes of a cluster have the same certificate, and trust every certificate of the authority. So processes with
the renewed and with the previous certificate trust each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from flink_k8s.components.component import resource_name
from flink_k8s.components.external_secret import READY
from flink_k8s.config.secret_text import KEYSTORE_PASSWORD
from flink_k8s.config.tls_model import LONGEST
from flink_k8s.facts.labels import labels
from flink_k8s.resolve.internal_tls import authority_name, certificate_name, has_internal_tls, root_name
from flink_k8s.resolve.jobs import Job

_API = "cert-manager.io/v1"


def internal_tls(
    job: Job, depends_on: Iterable[pulumi.Input[pulumi.Resource]], opts: pulumi.ResourceOptions
) -> pulumi.Resource | None:
    """The certificate of a job's pods, with its authority; None for a job without internal TLS.

    Args:
        job: the merged job.
        depends_on: the namespace, and the release that installs cert-manager's kinds.
        opts: parent, and aliases of the resources.
    """
    settings = job.settings.internal_tls
    if settings is None or not has_internal_tls(job.kind, job.settings):
        return None
    authority, certificate = authority_name(job.kind, job.name), certificate_name(job.kind, job.name)
    root = root_name(job.kind, job.name)
    # Processes identify the authority by its subject: it must not change when the authority's certificate is renewed.
    subject = {"organizations": [job.namespace], "organizationalUnits": [f"{job.kind}/{job.name}"[:64]]}

    def certificate_object(
        kind: str, name: str, spec: dict[str, Any], *before: pulumi.Input[pulumi.Resource]
    ) -> CustomResource:
        metadata = ObjectMetaArgs(name=name, namespace=job.namespace, labels=labels(job.name), annotations=READY)
        own = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(before)))
        return CustomResource(
            resource_name(f"{job.namespace}/{name}", opts),
            api_version=_API,
            kind=kind,
            metadata=metadata,
            spec=spec,
            opts=own,
        )

    def certificate_spec(issuer: str, name: str, **spec: Any) -> dict[str, Any]:
        return {
            "secretName": name,
            "secretTemplate": {"labels": labels(job.name)},
            "issuerRef": {"group": "cert-manager.io", "kind": "Issuer", "name": issuer},
            "subject": subject,
            **spec,
        }

    self_signed = certificate_object("Issuer", root, {"selfSigned": {}}, *depends_on)
    root_certificate = certificate_spec(
        root,
        authority,
        commonName="flink-internal-ca",
        isCA=True,
        duration=f"{2 * LONGEST}h",
        renewBefore=f"{LONGEST}h",
        # With a new key, no process would trust processes that were started before.
        privateKey={"algorithm": "RSA", "size": 3072, "rotationPolicy": "Never"},
    )
    authority_certificate = certificate_object("Certificate", authority, root_certificate, self_signed)
    signing_issuer = certificate_object("Issuer", authority, {"ca": {"secretName": authority}}, authority_certificate)
    leaf = certificate_spec(
        authority,
        certificate,
        commonName="flink-internal",
        duration=settings.duration,
        renewBefore=settings.renewal,
        usages=["digital signature", "key encipherment", "server auth", "client auth"],
        privateKey={"algorithm": "RSA", "size": 2048, "rotationPolicy": "Always"},
        # Java reads this profile since 8u301; the default profile is from 1996.
        keystores={"pkcs12": {"create": True, "profile": "Modern2023", "password": KEYSTORE_PASSWORD}},
    )
    return certificate_object("Certificate", certificate, leaf, signing_issuer)
