"""Where the bundles of a policy come from: files and URLs, and the keys they are checked with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from dnspolicy.bundle import (
    Bundle,
    BundleError,
    BundleNotOpened,
    Limits,
    Trust,
    VerificationKey,
    overlap,
    verification_key,
)
from dnspolicy.corefile.regular import read_regular
from dnspolicy.engines.rego import SourceFile
from dnspolicy.engines.rego.opening import Job, open_apart
from dnspolicy.feeds.fetch import Origin, origin_of
from dnspolicy.policy.settings.bundle import BundleKey, BundleLine

MAX_KEY = 1 << 20
_ACCEPT = "application/vnd.openpolicyagent.bundles, application/gzip, application/octet-stream, */*;q=0.1"
Places = Callable[[str], Path]
"""A path as the Corefile writes it → where it is."""
Open = Callable[[Job], Bundle]
"""Blocks. Raises BundleError, BundleNotOpened."""


class BundlePlace(msgspec.Struct, frozen=True):
    """One `bundle` line. `short` begins the names of its files, in complaints and records."""

    line: BundleLine
    short: str
    path: Places
    opens: Open

    @property
    def name(self) -> str:
        return self.line.name

    def trust(self) -> Trust:
        """The keys as they are now. Raises BundleError."""
        line = self.line
        keys = tuple(_key(key, self.path(key.file)) for key in line.key)
        return Trust(keys, line.keyid, line.scope, line.exclude)

    def open(self, raw: bytes) -> Bundle:
        """The bundle in these bytes, checked. Blocks. Raises BundleError, BundleNotOpened."""
        try:
            trust = self.trust()
        except BundleError as problem:
            raise problem.of(self.name) from None
        return self.opens(Job(self.name, raw, trust, Limits(packed=self.line.size)))

    def read(self) -> Bundle:
        """The bundle in a file. Blocks. Raises BundleError, BundleNotOpened."""
        try:
            raw = read_regular(self.path(self.line.source), self.line.size).raw
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", None) or str(problem)
            raise BundleNotOpened(f"cannot be read: {why}").of(self.name) from None
        return self.open(raw)

    def origin(self) -> Origin:
        """The URL, for who follows it."""
        line = self.line
        return origin_of(line, self.path, url=line.source, every=line.every, limit=line.size, accept=_ACCEPT)


def placed(lines: Sequence[BundleLine], path: Places, opens: Open = open_apart) -> tuple[BundlePlace, ...]:
    """The lines with names that tell their files apart. `opens` unpacks and checks what they lead to."""
    shorts = [line.name.rstrip("/").rpartition("/")[2] for line in lines]
    unique = [f"{n}/{short}" if shorts.count(short) > 1 else short for n, short in enumerate(shorts, 1)]
    return tuple(BundlePlace(line, short, path, opens) for line, short in zip(lines, unique, strict=True))


def files_of(places: Sequence[BundlePlace], bundles: Sequence[Bundle]) -> tuple[SourceFile, ...]:
    """The files of all bundles. Raises BundleError when two of them own the same part of `data`."""
    for at, bundle in enumerate(bundles):
        for other in bundles[:at]:
            both = overlap(other.manifest.owned, bundle.manifest.owned)
            if both is not None:
                what = f"its root {both[1]!r} overlaps the root {both[0]!r} of bundle {other.name}"
                raise BundleError(what, remedy="`roots` in the manifest tell bundles apart").of(bundle.name)
    return tuple(
        SourceFile(f"{place.short}:{file.path}", file.path, file.raw)
        for place, bundle in zip(places, bundles, strict=True)
        for file in bundle.files
    )


def _key(key: BundleKey, path: Path) -> VerificationKey:
    try:
        raw = read_regular(path, MAX_KEY).raw
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        raise BundleNotOpened(f"key {key.file} cannot be read: {why}") from None
    return verification_key(f"key {key.file}", raw, key.algorithm, key.id)
