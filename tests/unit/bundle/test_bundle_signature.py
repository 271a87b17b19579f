"""Who is believed, and who is not."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from dnspolicy.bundle import (
    Algorithm,
    BundleError,
    BundleFile,
    Contents,
    Manifest,
    Signer,
    Trust,
    build,
    signing_key,
    verification_key,
)
from dnspolicy.bundle.digest import digest
from dnspolicy.engines.rego.opening import read_yaml
from tests.unit.bundle.archives import (
    ALLOW,
    P256,
    RSA,
    SECRET,
    complaint,
    manifest,
    opened,
    packed,
    private_pem,
    public,
    public_pem,
)

FILES = {".manifest": manifest(revision="7"), "p.rego": ALLOW, "site/data.json": b'{"b": [1.0, 1e3],\n "a": null}'}
OTHER = rsa.generate_private_key(65537, 2048)


def claims(files: dict[str, bytes], **more: Any) -> dict[str, Any]:
    infos = [
        {"name": name, "hash": digest(name, raw, "SHA-256", read_yaml), "algorithm": "SHA-256"}
        for name, raw in files.items()
    ]
    return {"files": infos, **more}


def token(said: dict[str, Any], key: Any = RSA, algorithm: str = "RS256", **headers: Any) -> str:
    return jwt.PyJWS().encode(json.dumps(said).encode(), key, algorithm=algorithm, headers=headers or None)


def signed(files: dict[str, bytes], *tokens: str, plugin: str = "") -> bytes:
    return packed({**files, ".signatures.json": json.dumps({"signatures": tokens, "plugin": plugin}).encode()})


KINDS = {
    "HS256": (SECRET, verification_key("secret", SECRET, Algorithm.HS256)),
    "RS256": (RSA, public(RSA)),
    "PS384": (RSA, verification_key("key.pem", public_pem(RSA), Algorithm.PS384)),
    "ES256": (P256, public(P256)),
}


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_signature_of_each_kind_is_believed(algorithm: str) -> None:
    key, trusted = KINDS[algorithm]
    bundle = opened(signed(FILES, token(claims(FILES), key, algorithm)), Trust((trusted,)))
    assert bundle.signed.endswith(f"({algorithm})")
    assert [file.path for file in bundle.files] == ["p.rego", "site/data.json"]


@pytest.mark.parametrize("algorithm", KINDS)
def test_what_is_built_here_is_believed_here(algorithm: str) -> None:
    key, trusted = KINDS[algorithm]
    raw = key if isinstance(key, bytes) else private_pem(key)
    loaded, agreed = signing_key("mine", raw, Algorithm(algorithm))
    made = build(Contents(b'{"a":1}', (BundleFile("p.rego", ALLOW),), Manifest("7")), Signer(loaded, agreed, "k", "s"))
    assert opened(made, Trust((trusted,), scope="s")).manifest.revision == "7"


def test_the_same_content_makes_the_same_bytes() -> None:
    contents = Contents(b"{}", (BundleFile("b.rego", ALLOW), BundleFile("a.rego", ALLOW)))
    signer = Signer(RSA, Algorithm.RS256)
    turned = Contents(contents.data, contents.policies[::-1])
    assert build(contents, signer) == build(turned, signer)


def test_two_policies_of_one_path_are_refused() -> None:
    with pytest.raises(BundleError, match=r"a\.rego: two files with this path"):
        build(Contents(b"{}", (BundleFile("a.rego", ALLOW), BundleFile("a.rego", ALLOW))))


PINNED = Trust((public(RSA, "one"), public(P256, "two")))
GOOD = token(claims(FILES))
NONE = ".".join((*token(claims(FILES)).split(".")[:2], ""))
NO_ALGORITHM = jwt.PyJWS().encode(json.dumps(claims(FILES)).encode(), None, algorithm="none")


def tampered(**changes: bytes) -> dict[str, bytes]:
    return {**FILES, **{name.replace("_", "."): raw for name, raw in changes.items()}}


REFUSED = {
    "not signed": (packed(FILES), Trust((public(RSA),)), "it is not signed"),
    "no key": (signed(FILES, GOOD), Trust(), "it is signed, and there is no key"),
    "another key": (signed(FILES, token(claims(FILES), OTHER)), Trust((public(RSA),)), "the signature is not good"),
    "no signature": (signed(FILES, NONE), Trust((public(RSA),)), "the signature is not good"),
    "algorithm none": (signed(FILES, NO_ALGORITHM), Trust((public(RSA),)), "not signed with RS256"),
    "public key as a secret": (
        signed(FILES, ""),
        Trust((public(RSA),)),
        "the signature is not good",
    ),
    "another algorithm of the key": (
        signed(FILES, token(claims(FILES), RSA, "RS512")),
        Trust((public(RSA),)),
        "not signed with RS256",
    ),
    "another scope": (
        signed(FILES, token(claims(FILES, scope="read"))),
        Trust((public(RSA),), scope="write"),
        "'read'",
    ),
    "no scope": (signed(FILES, GOOD), Trust((public(RSA),), scope="write"), "signed for the scope '', not 'write'"),
    "unknown key id": (signed(FILES, token(claims(FILES), kid="three")), PINNED, "'three', which is not known"),
    "no key id of two": (signed(FILES, GOOD), PINNED, "signed with a key without id"),
    "the other key id": (signed(FILES, token(claims(FILES), kid="two")), PINNED, "not signed with ES256"),
    "another file": (
        signed(tampered(p_rego=ALLOW + b"\n"), GOOD),
        Trust((public(RSA),)),
        "p.rego: is not what was signed",
    ),
    "other data": (
        signed({**FILES, "site/data.json": b'{"b": [1, 1e3], "a": null}'}, GOOD),
        Trust((public(RSA),)),
        "site/data.json: is not what was signed",
    ),
    "one more file": (
        signed({**FILES, "q.rego": ALLOW}, GOOD),
        Trust((public(RSA),)),
        "q.rego: the signature does not",
    ),
    "one more test": (
        signed({**FILES, "q_test.rego": ALLOW}, GOOD),
        Trust((public(RSA),)),
        "q_test.rego: the signature",
    ),
    "one file less": (
        signed({k: v for k, v in FILES.items() if k != "p.rego"}, GOOD),
        Trust((public(RSA),)),
        "p.rego: signed, but not in the bundle",
    ),
    "weak digest": (
        signed(FILES, token({"files": [{"name": n, "hash": "", "algorithm": "MD5"} for n in FILES]})),
        Trust((public(RSA),)),
        "signed with the digest 'MD5'",
    ),
    "signed twice": (
        signed(FILES, token({"files": claims(FILES)["files"] * 2})),
        Trust((public(RSA),)),
        "a file is signed twice",
    ),
    "two signatures": (signed(FILES, GOOD, GOOD), Trust((public(RSA),)), "2 signatures; there must be one"),
    "a plugin": (signed(FILES, GOOD, plugin="mine"), Trust((public(RSA),)), "made with the plugin 'mine'"),
    "no list of files": (signed(FILES, token({"files": 7})), Trust((public(RSA),)), "not a list of files"),
    "no JSON": (packed({**FILES, ".signatures.json": b"{"}), Trust((public(RSA),)), "cannot be read"),
}


@pytest.mark.parametrize(("raw", "trust", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_vouched_for_is_refused(raw: bytes, trust: Trust, said: str) -> None:
    assert said in complaint(raw, trust)


def test_a_public_key_does_not_stand_for_a_secret() -> None:
    """A token made with what everybody knows, as if that were a secret, for one who thinks it is a public key."""
    forged = jwt.PyJWS()
    head = forged.encode(json.dumps(claims(FILES)).encode(), SECRET, algorithm="HS256")
    for trust in (Trust((public(RSA),)), Trust((public(P256),))):
        assert "not signed with" in complaint(signed(FILES, head), trust)
    with pytest.raises(BundleError, match="no key for HS256"):
        verification_key("key.pem", public_pem(RSA), Algorithm.HS256)
    with pytest.raises(BundleError, match="not a key in PEM; for a secret, name the algorithm"):
        verification_key("key.der", b"\x30\x82" + b"x" * 200)


KEYS = {
    "private": (private_pem(RSA), None, "holds a private key"),
    "short secret": (b"secret", Algorithm.HS256, "a secret for HS256 has 32 bytes or more"),
    "shorter than the digest": (SECRET, Algorithm.HS512, "a secret for HS512 has 64 bytes or more"),
    "empty": (b"", Algorithm.HS256, "is empty"),
    "not PEM": (b"-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n", None, "not a public key or certificate"),
    "small": (public_pem(rsa.generate_private_key(65537, 1024)), None, "an RSA key of 1024 bits; 2048 are the least"),
    "other curve": (public_pem(ec.generate_private_key(ec.SECP256K1())), None, "a key of a kind that is not used here"),
    "curve of another algorithm": (public_pem(P256), Algorithm.ES384, "no key for ES384; it is one for ES256"),
    "secret as RSA": (SECRET, Algorithm.RS256, "no key for RS256; it is one for HS256"),
}


@pytest.mark.parametrize(("raw", "algorithm", "said"), KEYS.values(), ids=KEYS.keys())
def test_keys_that_cannot_be_relied_on_are_refused(raw: bytes, algorithm: Algorithm | None, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        verification_key("key", raw, algorithm)


@pytest.mark.parametrize("how", ["header", "claim", "named here"])
def test_of_several_keys_the_named_one_is_used(how: str) -> None:
    headers = {"kid": "one"} if how == "header" else {}
    said = claims(FILES, keyid="one") if how == "claim" else claims(FILES)
    trust = Trust(PINNED.keys, "one" if how == "named here" else "")
    assert opened(signed(FILES, token(said, **headers)), trust).signed == "one (RS256)"


def test_excluded_files_need_not_be_signed() -> None:
    files = {**FILES, "site/extra/data.json": b"{}"}
    assert opened(signed(files, GOOD), Trust((public(RSA),), exclude=("site/*/data.json",)))
    assert "the signature does not include it" in complaint(
        signed(files, GOOD), Trust((public(RSA),), exclude=("*.json", "site/*"))
    )


DIGESTS = {
    "order and spaces": (b'{"b":1,"a":[ {} , [] ]}', b'{"a": [{}, []], "b": 1}', True),
    "numbers as they are written": (b'{"a": 1.0}', b'{"a": 1}', False),
    "escapes": (b'{"a": "\\u00e9<\\/\\u2028"}', '{"a": "é</\u2028"}'.encode(), True),
    "lone surrogates": (b'{"a": "\\ud800"}', '{"a": "\ufffd"}'.encode(), True),
    "the last of two": (b'{"a": 1, "a": 2}', b'{"a": 2}', True),
}


@pytest.mark.parametrize(("one", "other", "alike"), DIGESTS.values(), ids=DIGESTS.keys())
def test_data_is_signed_as_a_value(one: bytes, other: bytes, alike: bool) -> None:
    sums = {digest("a/data.json", raw, "SHA-256", read_yaml) for raw in (one, other)}
    assert (len(sums) == 1) is alike
    assert len({digest("a/other.json", raw, "SHA-256", read_yaml) for raw in (one, other)}) == 2


def test_yaml_is_signed_as_the_policy_sees_it() -> None:
    yaml = digest("data.yaml", b"k: 1.50\nl: yes\nm: 0x10\nn: 1.0e-9\no: 1.0e+22\n", "SHA-256", read_yaml)
    as_go = b'{"k":1.5,"l":true,"m":16,"n":1e-9,"o":1e+22}'
    assert yaml == digest("data.json", as_go, "SHA-256", read_yaml)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)), st.integers(0, len(GOOD)))
def test_a_damaged_signature_is_refused(noise: bytes, at: int) -> None:
    text = GOOD.encode()
    changed = text[:at] + noise + text[at + len(noise) :]
    raw = packed({**FILES, ".signatures.json": b'{"signatures": ["' + changed + b'"]}'})
    said = complaint(raw, Trust((public(RSA),)))
    assert said.isprintable()
    assert bool(said) or changed == text
