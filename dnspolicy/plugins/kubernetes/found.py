"""What the tree of a zone says about a name, beside an answer."""

from __future__ import annotations

import msgspec

from dnspolicy.model.answer import Answer, Dependencies, Dependency, Freshness, Rests
from dnspolicy.model.name import MAX_LABEL, MAX_WIRE, Name
from dnspolicy.model.rr import Type

NAME = "kubernetes"
SERIAL: Dependency = (Rests.SERIAL, "cluster")
SYNC: Dependency = (Rests.CLUSTER, "sync")
ABSENT: Dependencies = frozenset((SERIAL, SYNC))
"""What every answer about something that is not there rests on."""

KEPT_TYPES = frozenset(
    (Type.A, Type.AAAA, Type.CNAME, Type.HTTPS, Type.MX, Type.NS, Type.PTR, Type.SOA, Type.SRV, Type.SVCB, Type.TXT)
)
"""Types whose answers are prepared; others are too rare, and a stranger could ask for 65,536 of them."""


class Missing(msgspec.Struct, frozen=True, gc=False):
    """The name does not exist. `fresh` includes what the SOA rests on."""

    fresh: Freshness


class Alias(msgspec.Struct, frozen=True, gc=False):
    """The name is an alias of `target` (an ExternalName service)."""

    target: Name
    fresh: Freshness


Found = Answer | Missing | Alias


def below(tail: Name, *labels: bytes) -> Name | None:
    """The name made of labels in front of a name; None when it would be too long."""
    wire = b"".join([bytes((len(label),)) + label for label in labels]) + tail.wire
    return Name(wire, (*map(bytes.lower, labels), *tail.labels)) if len(wire) <= MAX_WIRE else None


def as_label(text: str) -> bytes | None:
    """A text as one label; None when it cannot be one."""
    if not text.isascii() or not 0 < len(text) <= MAX_LABEL or "." in text:
        return None
    return text.encode()
