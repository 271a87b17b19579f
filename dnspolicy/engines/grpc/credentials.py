"""Certificates as gRPC wants them."""

from __future__ import annotations

import ssl

import grpc

from dnspolicy.corefile.credentials import Pem


def for_client(pem: Pem) -> grpc.ChannelCredentials:
    """Without authorities of its own those of the system count."""
    return grpc.ssl_channel_credentials(pem.authority or _of_system(), pem.key, pem.certificate)


def for_server(pem: Pem) -> grpc.ServerCertificateConfiguration:
    """With authorities, clients must show a certificate of theirs."""
    assert pem.certificate is not None
    assert pem.key is not None
    return grpc.ssl_server_certificate_configuration([(pem.key, pem.certificate)], pem.authority)


def _of_system() -> bytes:
    found = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, found)).encode()
