"""Writes bundles: the same bytes for the same content."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable

import msgspec

from dnspolicy.bundle import manifest as manifests
from dnspolicy.bundle import signature
from dnspolicy.bundle.errors import BundleError
from dnspolicy.bundle.manifest import Manifest
from dnspolicy.bundle.signature import Signer
from dnspolicy.bundle.tar import Entry, place

_LEVEL = 9


class Contents(msgspec.Struct, frozen=True):
    """What goes into a bundle: one JSON object of data, and policies by their paths."""

    data: bytes
    policies: tuple[Entry, ...]
    manifest: Manifest = Manifest()


def build(contents: Contents, signer: Signer | None = None) -> bytes:
    """A `.tar.gz` that OPA loads too. ECDSA signatures and RSA's PS ones differ each time; all else does not.

    Raises BundleError when two policies have one path.
    """
    files = [Entry("data.json", contents.data), Entry(manifests.FILE, contents.manifest.encoded())]
    files += sorted(contents.policies, key=lambda file: file.path)
    _check(files)
    if signer is not None:
        files.append(Entry(signature.FILE, signature.sign(files, signer)))
    return gzip.compress(_tar(files), _LEVEL, mtime=0)


def _check(files: Iterable[Entry]) -> None:
    seen: set[str] = set()
    for file in files:
        if place(file.path) != file.path or file.path in seen:
            raise BundleError("two files with this path", file.path)
        seen.add(file.path)


def _tar(files: Iterable[Entry]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in files:
            member = tarfile.TarInfo(f"/{file.path}")  # as OPA writes it; its lists of files begin so
            member.size, member.mode = len(file.raw), 0o644
            archive.addfile(member, io.BytesIO(file.raw))
    return out.getvalue()
