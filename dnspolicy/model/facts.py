"""What a policy sees of an answer."""

from __future__ import annotations

import msgspec


class AnswerFacts(msgspec.Struct, frozen=True):
    """What the response phase sees: every owner name and alias target, every address and SVCB hint (canonical text)."""

    rcode: str
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    made_by: str
