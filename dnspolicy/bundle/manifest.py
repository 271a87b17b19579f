"""`.manifest`: the revision of a bundle, and the part of `data` that it owns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from dnspolicy.bundle.errors import BundleError

FILE = ".manifest"
MAX_REVISION = 1_000
_EVERYTHING = ("",)


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """As OPA writes it. `roots` are paths below `data`, `a/b`; the empty one is all of it."""

    revision: str = ""
    roots: tuple[str, ...] | None = None
    rego_version: int | None = None
    file_rego_versions: dict[str, int] | None = None
    wasm: tuple[dict[str, Any], ...] | None = None
    metadata: dict[str, Any] | None = None

    @property
    def owned(self) -> tuple[str, ...]:
        """The roots without slashes around them; everything when none are written."""
        return _EVERYTHING if self.roots is None else tuple(root.strip("/") for root in self.roots)

    def encoded(self) -> bytes:
        """As JSON, always the same for the same manifest; the revision is always written."""
        fields: dict[str, Any] = {"revision": self.revision, "roots": self.owned, "rego_version": self.rego_version}
        if self.metadata:
            fields["metadata"] = self.metadata
        return msgspec.json.encode(fields, order="deterministic")


def parse(raw: bytes) -> Manifest:
    """Raises BundleError, also for what is not built for this server."""
    try:
        written = msgspec.json.decode(raw, type=dict[str, Any])
        manifest = msgspec.convert(written, Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BundleError(f"not a manifest: {problem}", FILE) from None
    known = {field.name for field in msgspec.structs.fields(Manifest)}
    for key in written:
        if key not in known and key.lower() in known:  # OPA takes it for the other
            raise BundleError(f"{key!r} is not {key.lower()!r}", FILE)
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    if len(manifest.revision) > MAX_REVISION:
        raise BundleError("the revision is too long", FILE)
    if manifest.wasm:
        raise BundleError(
            "entrypoints in WebAssembly, which is not run here", FILE, "build it with `opa build -t rego`"
        )
    versions = [manifest.rego_version, *(manifest.file_rego_versions or {}).values()]
    if any(version not in (None, 1) for version in versions):
        raise BundleError("policies in another language than Rego v1", FILE, "`opa fmt --rego-v1` rewrites them")
    roots = manifest.owned
    for at, root in enumerate(roots):
        for other in roots[:at]:
            if _overlap(_parts(root), _parts(other)):
                raise BundleError(f"overlapping roots {other!r} and {root!r}", FILE)


def within(path: Sequence[str], roots: Iterable[str]) -> bool:
    """Whether a place below `data` lies in one of the roots."""
    return any(_begins(path, _parts(root)) for root in roots)


def above(path: Sequence[str], roots: Iterable[str]) -> bool:
    """Whether one of the roots lies below a place."""
    return any(_begins(_parts(root), path) for root in roots)


def overlap(one: Iterable[str], other: Iterable[str]) -> tuple[str, str] | None:
    """A root of each that overlap, or None."""
    others = tuple(other)
    pairs = ((a, b) for a in one for b in others)
    return next(((a, b) for a, b in pairs if _overlap(_parts(a), _parts(b))), None)


def _parts(root: str) -> tuple[str, ...]:
    return tuple(root.split("/")) if root else ()


def _begins(path: Sequence[str], start: Sequence[str]) -> bool:
    return tuple(path[: len(start)]) == tuple(start)


def _overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    return _begins(one, other) or _begins(other, one)
