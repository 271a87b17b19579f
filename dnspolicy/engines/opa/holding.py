"""What an OPA holds: which bundles, which policies, and whether these are the ones in folders of ours.

Without bundles nothing in a decision says which policy made it, so policies are listed from time to time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import UNSET, Raw, UnsetType

from dnspolicy.engines.rego import Loaded

_SYSTEM = re.compile(r"^[ \t]*package[ \t]+system\b", re.MULTILINE)
_DIGITS = 12


class Listed(msgspec.Struct, frozen=True):
    """A policy as OPA lists it. Its syntax tree is left unread."""

    id: str
    raw: str = ""


class PolicyList(msgspec.Struct, frozen=True):
    """The reply to `GET /v1/policies`."""

    result: tuple[Listed, ...] = ()


class Manifest(msgspec.Struct, frozen=True):
    """A bundle's manifest, as OPA keeps it below `data.system.bundles`. Without roots all is the bundle's."""

    revision: str = ""
    roots: tuple[str, ...] | None = None


class Bundle(msgspec.Struct, frozen=True):
    manifest: Manifest = Manifest()


class Bundles(msgspec.Struct, frozen=True):
    """The reply to `GET /v1/data/system/bundles?provenance=true`."""

    result: dict[str, Bundle] | UnsetType = UNSET
    provenance: Raw = Raw(b"")


class Holding(msgspec.Struct, frozen=True):
    """`provenance` is what every decision says of where it comes from, raw.

    `matches`: its policies are those of our folders. `owned`: all policies and data belong to bundles that have a
    revision, so that nothing can change without `provenance` telling.
    """

    revision: str
    provenance: bytes
    matches: bool
    owned: bool


def holding(bundles: Bundles, policies: PolicyList, ours: Loaded | None) -> Holding:
    """What is to be concluded from two replies."""
    provenance = bytes(bundles.provenance)
    manifests = {} if bundles.result is UNSET else {k: b.manifest for k, b in bundles.result.items()}
    return Holding(
        revision_of(provenance, policies.result),
        provenance,
        ours is not None and matches(policies.result, ours),
        _owned(manifests),
    )


def revision_of(provenance: bytes, policies: Iterable[Listed] = ()) -> str:
    """12 hex digits for bundles, OPA's version and policies."""
    digest = hashlib.sha256(provenance)
    for listed in sorted(policies, key=lambda policy: policy.id):
        digest.update(
            f"{len(listed.id)} {listed.id} {len(listed.raw)} ".encode() + listed.raw.encode("utf-8", "replace")
        )
    return digest.hexdigest()[:_DIGITS]


def matches(policies: Iterable[Listed], ours: Loaded) -> bool:
    """Whether these are exactly our policies, beside OPA's own settings in `package system` if ours know none."""
    wanted = {source.text for source in ours.policies}
    apart = not any("system" in text for text in wanted)
    found = {listed.raw for listed in policies if not (apart and _SYSTEM.search(listed.raw))}
    return found == wanted


def _owned(manifests: Mapping[str, Manifest]) -> bool:
    return any(m.revision and (m.roots is None or "" in m.roots) for m in manifests.values())
