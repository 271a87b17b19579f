"""NOTIFY: somebody's zone has changed (RFC 1996). No zone here is a copy of another's, so nothing follows from it."""

from __future__ import annotations

from dnspolicy.model.answer import Answer
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode
from dnspolicy.wire.encode import encode_answer, reply_limit
from dnspolicy.wire.message import OUR_SIZE

_OPCODE = 4


def encode_notified(query: Query, known: bool) -> bytes:
    """The reply to a NOTIFY read as a query: its question, and NOERROR if the zone is `known`, else REFUSED."""
    answer = Answer(int(Rcode.NOERROR if known else Rcode.REFUSED), aa=known, rd=False)
    reply = bytearray(encode_answer(query, answer, reply_limit(query, OUR_SIZE)))
    reply[2] |= _OPCODE << 3
    return bytes(reply)
