"""What is read of an archive, and what is refused."""

from __future__ import annotations

import gzip
import io
import itertools
import tarfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnspolicy.bundle import Limits
from tests.unit.bundle.archives import ALLOW, complaint, manifest, member, opened, packed, tar

GOOD = {
    ".manifest": manifest(revision="7", roots=["dnspolicy", "site"]),
    "p.rego": ALLOW,
    "site/data.json": b'{"a": 1}',
}
SMALL = Limits(packed=100_000, unpacked=200_000, entries=50, ratio=500, small=50_000)


@pytest.mark.parametrize(
    "form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["ustar", "gnu", "pax"]
)
@pytest.mark.parametrize("front", ["", "/", "./"], ids=["bare", "absolute", "dot"])
def test_names_are_taken_as_opa_writes_them_and_tar_does(form: int, front: str) -> None:
    long = "/".join(["a" * 60] * 3)
    files = {f"{front}{name}": raw for name, raw in (GOOD | {f"{long}/x.rego": ALLOW}).items()}
    bundle = opened(packed(files, form))
    assert [file.path for file in bundle.files] == [f"{long}/x.rego", "p.rego", "site/data.json"]
    assert bundle.manifest.revision == "7"


def test_folders_count_for_nothing_and_tests_are_left_out() -> None:
    members = [member("./", type=tarfile.DIRTYPE), member("a/", type=tarfile.DIRTYPE), member("a/p.rego", ALLOW)]
    bundle = opened(gzip.compress(tar([*members, member("a/p_test.rego", ALLOW), member("README.md", b"hello")])))
    assert [file.path for file in bundle.files] == ["a/p.rego"]
    assert bundle.others == 1


def _kind(kind: bytes, **fields: str) -> bytes:
    return gzip.compress(tar([member("p.rego", type=kind, **fields)]))


HOSTILE = {
    "not gzip": (b"hello", "not a gzip archive"),
    "nothing": (b"", "not a gzip archive"),
    "not tar": (gzip.compress(b"hello" * 300), "damaged: a number in a header cannot be read"),
    "empty tar": (gzip.compress(b""), "damaged: the archive has no end"),
    "cut off": (packed(GOOD)[:-20], "damaged: it ends too early"),
    "no end": (gzip.compress(tar([member("p.rego", ALLOW)])[:1024]), "damaged: the archive has no end"),
    "cut in a file": (
        gzip.compress(tar([member("p.rego", ALLOW * 9)])[:700]),
        "p.rego: damaged: the archive ends within",
    ),
    "something behind": (packed(GOOD) + b"x", "something follows the end of the archive"),
    "a second archive": (packed(GOOD) * 2, "something follows the end of the archive"),
    "something in the end": (gzip.compress(tar([member("p.rego", ALLOW)]) + b"x" * 512), "something follows the end"),
    "checksum": (packed(GOOD)[:-8] + b"\0" * 8, "damaged: Error -3"),
    "header": (gzip.compress(tar([member("p.rego", ALLOW)]).replace(b"p.rego", b"q.rego", 1)), "wrong checksum"),
    "up": (packed({"../p.rego": ALLOW}), "../p.rego: a path that leads elsewhere"),
    "up within": (packed({"a/../../p.rego": ALLOW}), "a/../../p.rego: a path that leads elsewhere"),
    "twice absolute": (packed({"//etc/p.rego": ALLOW}), "a path that leads elsewhere"),
    "backslash": (packed({"a\\p.rego": ALLOW}), "a path with characters that do not belong there"),
    "control": (packed({"a\x1b[31m.rego": ALLOW}), r"a\x1b[31m.rego: a path with characters"),
    "deep": (packed({"a/" * 60 + "p.rego": ALLOW}), "its path is too long"),
    "folder up": (gzip.compress(tar([member("../", type=tarfile.DIRTYPE)])), "a path that leads elsewhere"),
    "twice": (gzip.compress(tar([member("p.rego", ALLOW), member("/p.rego", b"")])), "p.rego: stands twice"),
    "symbolic link": (_kind(tarfile.SYMTYPE, linkname="/etc/passwd"), "p.rego: a symbolic link in the archive"),
    "hard link": (_kind(tarfile.LNKTYPE, linkname="q"), "p.rego: a hard link in the archive"),
    "device": (_kind(tarfile.CHRTYPE), "p.rego: a character device in the archive"),
    "pipe": (_kind(tarfile.FIFOTYPE), "p.rego: a pipe in the archive"),
    "sparse": (_kind(tarfile.GNUTYPE_SPARSE), "p.rego: a sparse file in the archive"),
    "unknown": (_kind(b"Z"), "p.rego: an entry of an unknown kind in the archive"),
    "too many": (packed({f"{n}.txt": b"" for n in range(60)}), "more than 50 entries"),
    "bomb": (gzip.compress(b"\0" * 5_000_000), "unpacked larger than 200000 bytes"),
    "bomb within the size": (gzip.compress(b"\0" * 150_000), "unpacked more than 500 times as large as packed"),
    "large": (gzip.compress(bytes(range(256)) * 5_000, 0)[:99_000], "damaged: it ends too early"),
    "too large": (b"\x1f\x8b" + b"x" * 100_000, "larger than 100000 bytes"),
    "delta": (packed({"patch.json": b'{"data": []}'}), "patch.json: a delta bundle"),
    "wasm": (packed({"policy.wasm": b"\0asm"}), "policy.wasm: policies in WebAssembly"),
    "plan": (packed({"plan.json": b"{}"}), "plan.json: policies as a plan"),
    "other manifest": (packed({".manifest.pb": b""}), ".manifest.pb: a manifest in another form than JSON"),
    "manifest elsewhere": (packed({"a/x.manifest": b"{}"}), "a/x.manifest: in another place than /.manifest"),
    "signature elsewhere": (packed({"a/.signatures.json": b"{}"}), "in another place than /.signatures.json"),
    "hidden": (packed({".git/p.rego": ALLOW}), ".git/p.rego: policies and data with a name that begins with a dot"),
}


@pytest.mark.parametrize(("raw", "said"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_archives_are_refused_with_bundle_and_file(raw: bytes, said: str) -> None:
    found = complaint(raw, limits=SMALL)
    assert found.startswith("bundle b.tar.gz: ")
    assert said in found


def test_entries_without_end_are_given_up_early() -> None:
    header = member("folder", type=tarfile.DIRTYPE)[0].tobuf(tarfile.USTAR_FORMAT)
    raw = gzip.compress(header * 100_000, 1)
    assert "more than 10000 entries" in complaint(raw, limits=Limits(ratio=10_000, unpacked=100_000_000))


PAX = {
    "sparse": (b"29 GNU.sparse.name=p.rego\nx\n\n", "GNU.sparse.name"),
    "no length": (b"path=p.rego\n", "damaged: a pax header cannot be read"),
    "wrong length": (b"99 path=p.rego\n", "damaged: a pax header cannot be read"),
    "twice": (b"10 path=a\n10 path=b\n", "says something twice"),
    "size": (b"15 size=-1234\n\n", "damaged: a number in a header"),
}


@pytest.mark.parametrize(("records", "said"), PAX.values(), ids=PAX.keys())
def test_pax_headers_that_others_would_read_otherwise_are_refused(records: bytes, said: str) -> None:
    raw = gzip.compress(tar([member("x", records, type=b"x"), member("p.rego", ALLOW)]))
    assert said in complaint(raw)


MANIFESTS = {
    "not JSON": (b"{", "not a manifest"),
    "not an object": (b"[]", "not a manifest"),
    "a revision that is none": (manifest(revision=7), "not a manifest"),
    "another case": (manifest(Roots=["a"]), "'Roots' is not 'roots'"),
    "overlapping roots": (manifest(roots=["a/b", "c", "/a/"]), "overlapping roots 'a/b' and 'a'"),
    "wasm": (manifest(wasm=[{"entrypoint": "a/b", "module": "policy.wasm"}]), "entrypoints in WebAssembly"),
    "Rego v0": (manifest(rego_version=0), "policies in another language than Rego v1"),
    "Rego v0 of a file": (manifest(rego_version=1, file_rego_versions={"/a.rego": 0}), "policies in another language"),
}


@pytest.mark.parametrize(("raw", "said"), MANIFESTS.values(), ids=MANIFESTS.keys())
def test_manifests_that_cannot_be_kept_to_are_refused(raw: bytes, said: str) -> None:
    assert f"bundle b.tar.gz: .manifest: {said}" in complaint(packed({".manifest": raw, "p.rego": ALLOW}))


ROOTS = {
    "package outside": (["a"], {"p.rego": ALLOW}, "p.rego: package dnspolicy lies outside of the roots 'a'"),
    "package above": (["a/b"], {"p.rego": b"package a\n"}, "package a lies outside"),
    "package within": (["a"], {"p.rego": b"# hello\n\npackage a.b # c\nx := 1\n"}, ""),
    "package in quotes": (["a"], {"p.rego": b'package a["b.c"].d\n'}, ""),
    "package hidden in a comment": (
        ["a"],
        {"p.rego": b"# x\rpackage b\npackage a\n"},
        "its package cannot be made out",
    ),
    "package that goes on": (["a"], {"p.rego": b"package a\n.b\n"}, "its package cannot be made out"),
    "no package": (["a"], {"p.rego": b"x := 1\n"}, "its package cannot be made out"),
    "tests too": (["a"], {"p_test.rego": ALLOW}, "p_test.rego: package dnspolicy lies outside"),
    "data outside": (["a"], {"data.json": b'{"a": 1, "b": 2}'}, "data.json: data.b lies outside"),
    "data within": (["a/b"], {"data.json": b'{"a": {"b": 1}}', "a/b/c/data.yaml": b"x: 1\n"}, ""),
    "data beside": (["a/b"], {"a/data.yaml": b"b: 1\nc: 2\n"}, "a/data.yaml: data.a.c lies outside"),
    "data at the way there": (["a/b"], {"data.json": b'{"a": 1}'}, "data.a lies outside"),
    "a key with a slash": (["a/b"], {"data.json": b'{"a/b": 1}'}, "data.a/b lies outside"),
    "nothing owned": ([], {"data.json": b'{"a": 1}'}, "lies outside of the roots none"),
}


@pytest.mark.parametrize(("roots", "files", "said"), ROOTS.values(), ids=ROOTS.keys())
def test_policies_and_data_stay_within_the_roots(roots: list[str], files: dict[str, bytes], said: str) -> None:
    found = complaint(packed({".manifest": manifest(roots=roots), **files}))
    assert said in found
    assert bool(found) == bool(said)


_GOOD_TAR = tar(member(name, raw) for name, raw in GOOD.items())
_CUTS = st.lists(st.tuples(st.integers(0, len(_GOOD_TAR) - 1), st.integers(0, 255)), min_size=1, max_size=8)


@settings(max_examples=400, deadline=None)
@given(_CUTS, st.integers(0, 600), st.booleans())
def test_a_damaged_archive_is_read_or_refused_but_never_worse(
    changes: list[tuple[int, int]], less: int, repaired: bool
) -> None:
    raw = bytearray(_GOOD_TAR)
    for at, value in changes:
        raw[at if at % 3 else at % 512] = value
    if repaired:  # so that it is not always the checksum that tells
        raw[148:156] = b" " * 8
        raw[148:156] = b"%06o\0 " % sum(raw[:512])
    assert complaint(gzip.compress(bytes(raw[: len(raw) - less]), 1), limits=SMALL).isprintable()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 300))
def test_damaged_gzip_is_refused(noise: bytes, at: int) -> None:
    good = packed(GOOD)
    assert complaint(good[:at] + noise + good[at + len(noise) :], limits=SMALL).isprintable()


def test_what_python_packs_is_read_whole() -> None:
    sizes = [0, 1, 511, 512, 513, 5_000]
    files = {f"{size}.txt": bytes(itertools.islice(itertools.cycle(b"abc"), size)) for size in sizes}
    assert opened(packed({**files, "p.rego": ALLOW})).others == len(sizes)


def test_gzip_of_every_kind_is_read() -> None:
    out = io.BytesIO()
    with gzip.GzipFile("named.tar", "wb", 9, out, mtime=1) as file:
        file.write(_GOOD_TAR)
    assert opened(out.getvalue()).manifest.revision == "7"
    raw = zlib.compressobj(0, wbits=31)
    assert opened(raw.compress(_GOOD_TAR) + raw.flush()).manifest.revision == "7"
