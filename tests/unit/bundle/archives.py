"""Archives for tests, good and hostile."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from dnspolicy.bundle import Bundle, BundleError, Limits, Trust, VerificationKey, open_bundle, verification_key
from dnspolicy.engines.rego.opening import read_yaml

ALLOW = b'package dnspolicy\n\ndecision := {"action": "allow", "rule": "r", "reason": "bundled"}\n'
SECRET = b"a secret of thirty-two bytes or more"


def rule(reason: str, package: str = "dnspolicy") -> bytes:
    return (f'package {package}\n\ndecision := {{"action": "allow", "rule": "r", "reason": "{reason}"}}\n').encode()


def manifest(**fields: Any) -> bytes:
    return msgspec.json.encode(fields)


def member(name: str, raw: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(raw)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, raw


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, raw in members:
            archive.addfile(info, io.BytesIO(raw))
    return out.getvalue()


def packed(files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A bundle of these files, in their order."""
    return gzip.compress(tar((member(name, raw) for name, raw in files.items()), form))


def opened(raw: bytes, trust: Trust | None = None, limits: Limits | None = None) -> Bundle:
    return open_bundle("b.tar.gz", raw, read_yaml=read_yaml, trust=trust or Trust(), limits=limits or Limits())


def complaint(raw: bytes, trust: Trust | None = None, limits: Limits | None = None) -> str:
    """What is said of a bundle that is refused; empty when it is not."""
    try:
        opened(raw, trust, limits)
    except BundleError as problem:
        return str(problem)
    return ""


def private_pem(key: Any) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def public_pem(key: Any) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))


RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())


def public(key: Any, key_id: str = "") -> VerificationKey:
    return verification_key("key.pem", public_pem(key), None, key_id)
