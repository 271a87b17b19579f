"""Keys of signatures: public ones and secrets, each for one algorithm.

What knows keys takes 9 MB, which only signed bundles need: it is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

from dnspolicy.bundle.errors import BundleError

MIN_RSA_BITS = 2048
_PEM = b"-----BEGIN "


class Algorithm(StrEnum):
    """Of a signature (RFC 7518 3.1)."""

    HS256 = "HS256"
    HS384 = "HS384"
    HS512 = "HS512"
    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    PS256 = "PS256"
    PS384 = "PS384"
    PS512 = "PS512"
    ES256 = "ES256"
    ES384 = "ES384"
    ES512 = "ES512"


_SECRETS = (Algorithm.HS256, Algorithm.HS384, Algorithm.HS512)
_RSA = tuple(a for a in Algorithm if a.startswith(("RS", "PS")))
_CURVES = {"secp256r1": Algorithm.ES256, "secp384r1": Algorithm.ES384, "secp521r1": Algorithm.ES512}


class VerificationKey(msgspec.Struct, frozen=True):
    """What is needed to check a signature. `raw`: PEM, or the bytes of a secret. `file` is how it is called."""

    file: str
    raw: bytes
    algorithm: Algorithm
    id: str = ""

    def loaded(self) -> Any:
        """As PyJWT wants it."""
        return self.raw if self.algorithm in _SECRETS else _public(self.raw, self.file)


class Trust(msgspec.Struct, frozen=True):
    """Whom to believe. Without keys, only bundles that are not signed are taken, unless `unchecked`: to look into them.

    `key_id` names the key to use whatever a bundle says; `scope` is what a signature must say it is for; files that
    fit `exclude` need not be signed.
    """

    keys: tuple[VerificationKey, ...] = ()
    key_id: str = ""
    scope: str = ""
    exclude: tuple[str, ...] = ()
    unchecked: bool = False

    def __post_init__(self) -> None:
        ids = [key.id for key in self.keys]
        if len(set(ids)) < len(ids):
            raise BundleError(f"of several keys, each needs an id of its own; found {', '.join(map(repr, ids))}")
        if self.keys and self.key_id and self.key_id not in ids and len(ids) > 1:
            raise BundleError(f"no key has the id {self.key_id!r}; there are {', '.join(map(repr, ids))}")

    def key(self, said: str) -> VerificationKey:
        """The key for a signature that says it was made with the key `said`. Raises BundleError."""
        if len(self.keys) == 1:
            return self.keys[0]
        wanted = self.key_id or said
        for key in self.keys:
            if key.id == wanted:
                return key
        raise BundleError(
            f"signed with the key {wanted!r}, which is not known here" if wanted else "signed with a key without id"
        )


NOBODY = Trust()


def verification_key(file: str, raw: bytes, algorithm: Algorithm | None = None, key_id: str = "") -> VerificationKey:
    """A public key or certificate in PEM, or a secret; its kind says for which algorithms it may stand.

    Raises BundleError.
    """
    kind = _secret(raw, file) if _PEM not in raw else _public(raw, file)
    return VerificationKey(file, raw, _agreed(kind, algorithm, file, raw), key_id)


def signing_key(file: str, raw: bytes, algorithm: Algorithm | None = None) -> tuple[Any, Algorithm]:
    """A private key in PEM without password, or a secret, as PyJWT wants it, with its algorithm. Raises BundleError."""
    if _PEM not in raw:
        return _secret(raw, file), _agreed(raw, algorithm, file, raw)
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_private_key(raw, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BundleError(f"{file}: not a private key in PEM, or one with a password") from None
    return key, _agreed(key.public_key(), algorithm, file, raw)


def _public(raw: bytes, file: str) -> Any:
    if b"PRIVATE KEY-----" in raw:
        raise BundleError(f"{file}: holds a private key; the public one is enough here, and safer")
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        if b"-----BEGIN CERTIFICATE-----" in raw:
            return x509.load_pem_x509_certificate(raw).public_key()
        return serialization.load_pem_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        raise BundleError(f"{file}: not a public key or certificate in PEM") from None


def _secret(raw: bytes, file: str) -> bytes:
    if not raw:
        raise BundleError(f"{file}: is empty")
    return raw


def _agreed(kind: Any, wanted: Algorithm | None, file: str, raw: bytes) -> Algorithm:
    """The algorithm to use: as wanted, if the key is one for it. A key never stands for one of another kind."""
    usual, fit = _fit(kind, file)
    if wanted is None and fit is _SECRETS:  # a public key in another form would be a secret that everybody knows
        raise BundleError(f"{file}: not a key in PEM; for a secret, name the algorithm too, such as {usual}")
    wanted = wanted or usual
    if wanted not in fit:
        raise BundleError(f"{file}: no key for {wanted}; it is one for {', '.join(fit)}")
    if wanted in _SECRETS and len(raw) < int(wanted[2:]) // 8:
        least = int(wanted[2:]) // 8
        raise BundleError(f"{file}: a secret for {wanted} has {least} bytes or more (RFC 7518 3.2); it has {len(raw)}")
    return wanted


def _fit(kind: Any, file: str) -> tuple[Algorithm, Sequence[Algorithm]]:
    if isinstance(kind, bytes):
        return Algorithm.HS256, _SECRETS
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(kind, rsa.RSAPublicKey):
        if kind.key_size < MIN_RSA_BITS:
            raise BundleError(f"{file}: an RSA key of {kind.key_size} bits; {MIN_RSA_BITS} are the least")
        return Algorithm.RS256, _RSA
    if isinstance(kind, ec.EllipticCurvePublicKey) and kind.curve.name in _CURVES:
        curve = _CURVES[kind.curve.name]
        return curve, (curve,)
    raise BundleError(f"{file}: a key of a kind that is not used here; RSA and the curves P-256, P-384, P-521 are")
