"""`.signatures.json`: who vouches for which files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from dnspolicy.bundle.digest import ALGORITHM, ReadYaml, digest
from dnspolicy.bundle.errors import BundleError
from dnspolicy.bundle.keys import Algorithm, Trust, VerificationKey
from dnspolicy.bundle.tar import Entry
from dnspolicy.model.printable import printable

FILE = ".signatures.json"
_PLUGINS = ("", "_default")
_REMEDY = "`key FILE` names the key to check it with"


class FileInfo(msgspec.Struct, frozen=True):
    name: str
    hash: str
    algorithm: str = ""


class Claims(msgspec.Struct, frozen=True):
    """What was signed. The names are OPA's."""

    files: tuple[FileInfo, ...] = ()
    keyid: str = ""
    scope: str = ""


class _Signatures(msgspec.Struct, frozen=True):
    signatures: tuple[str, ...] = ()
    plugin: str = ""


class Signer(msgspec.Struct, frozen=True):
    """`key` as PyJWT wants it."""

    key: Any
    algorithm: Algorithm
    key_id: str = ""
    scope: str = ""

    def public(self) -> bytes:
        """What checks its signatures: a public key in PEM, or the secret."""
        if isinstance(self.key, bytes):
            return self.key
        from cryptography.hazmat.primitives import serialization

        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return bytes(self.key.public_key().public_bytes(serialization.Encoding.PEM, form))


def verify(files: Sequence[Entry], signatures: bytes | None, trust: Trust, read_yaml: ReadYaml) -> str:
    """Check that a signature vouches for all files but the excluded ones.

    Returns the key that was used, for people; empty for a bundle without signature. Raises BundleError.
    """
    if signatures is None:
        if trust.keys:
            raise BundleError(
                "it is not signed", remedy="`opa build --signing-key` signs, and `dnspolicy policy bundle`"
            )
        return ""
    if trust.unchecked:
        return f"{printable(_decoded(_payload(_token(signatures))).keyid) or 'yes'} (not checked)"
    if not trust.keys:
        raise BundleError("it is signed, and there is no key to check that with", remedy=_REMEDY)
    key, claims = _claims(_token(signatures), trust)
    if claims.scope != trust.scope:
        raise BundleError(f"signed for the scope {claims.scope!r}, not {trust.scope!r}", FILE)
    _compare(files, claims, trust, read_yaml)
    return f"{key.id or key.file} ({key.algorithm})"


def sign(files: Iterable[Entry], signer: Signer) -> bytes:
    """The content of `.signatures.json` for files that include no YAML."""
    infos = [
        {"name": f.path, "hash": digest(f.path, f.raw, ALGORITHM, _no_yaml), "algorithm": ALGORITHM} for f in files
    ]
    claims: dict[str, Any] = {"files": infos}
    if signer.key_id:
        claims["keyid"] = signer.key_id
    if signer.scope:
        claims["scope"] = signer.scope
    import jwt  # as in `keys`

    payload = msgspec.json.encode(claims)
    headers = {"kid": signer.key_id} if signer.key_id else None
    token = jwt.PyJWS().encode(payload, signer.key, algorithm=signer.algorithm, headers=headers)
    return msgspec.json.encode({"signatures": [token]})


def _token(raw: bytes) -> str:
    try:
        found = msgspec.json.decode(raw, type=_Signatures)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BundleError(f"cannot be read: {problem}", FILE) from None
    if found.plugin not in _PLUGINS:
        raise BundleError(f"made with the plugin {found.plugin!r}, which is not known here", FILE)
    if len(found.signatures) != 1:
        raise BundleError(f"{len(found.signatures)} signatures; there must be one", FILE)
    return found.signatures[0]


def _claims(token: str, trust: Trust) -> tuple[VerificationKey, Claims]:
    """What a token says, once the signature is known to be good."""
    import jwt

    checker = jwt.PyJWS(options={"enforce_minimum_key_length": True})
    try:
        raw = token.encode("ascii")
        unchecked = checker.decode_complete(raw, options={"verify_signature": False})
        said = unchecked["header"].get("kid") or _decoded(unchecked["payload"]).keyid
        key = trust.key(said)
        payload = checker.decode_complete(raw, key.loaded(), algorithms=[key.algorithm.value])["payload"]
    except jwt.InvalidAlgorithmError:
        raise BundleError(f"not signed with {key.algorithm}, for which {key.file} is", FILE) from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as problem:
        raise BundleError(f"the signature is not good: {problem}", FILE) from None
    return key, _decoded(payload)


def _payload(token: str) -> bytes:
    """What a token says, whoever made it. Raises BundleError."""
    import jwt

    try:
        unchecked = jwt.PyJWS().decode_complete(token.encode("ascii"), options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as problem:
        raise BundleError(f"cannot be read: {problem}", FILE) from None
    return bytes(unchecked["payload"])


def _decoded(payload: bytes) -> Claims:
    try:
        return msgspec.json.decode(payload, type=Claims)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BundleError(f"signed, but not a list of files: {problem}", FILE) from None


def _compare(files: Sequence[Entry], claims: Claims, trust: Trust, read_yaml: ReadYaml) -> None:
    signed = {info.name.removeprefix("/"): info for info in claims.files}
    if len(signed) < len(claims.files):
        raise BundleError("a file is signed twice", FILE)
    for file in files:
        info = signed.pop(file.path, None)
        if any(_fits(file.path, pattern) for pattern in trust.exclude):
            continue
        if info is None:
            raise BundleError("the signature does not include it", file.path)
        if digest(file.path, file.raw, info.algorithm, read_yaml) != info.hash.lower():
            raise BundleError("is not what was signed", file.path)
    missing = [name for name in signed if not any(_fits(name, pattern) for pattern in trust.exclude)]
    if missing:
        raise BundleError("signed, but not in the bundle", missing[0])


def _fits(path: str, pattern: str) -> bool:
    """As OPA matches: `*` and `?` stay within one part of the path."""
    parts, patterns = path.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _no_yaml(raw: bytes) -> Any:
    raise BundleError("YAML is not written here")
