"""What is asked of an upstream."""

from __future__ import annotations

import msgspec

from dnspolicy.model.query import Query
from dnspolicy.wire.accept import HEADER
from dnspolicy.wire.message import OUR_SIZE, encode_query

Options = tuple[tuple[int, bytes], ...]
NSID, SUBNET = 3, 8
_LOCAL = range(65001, 65535)
_MOST_BYTES = 512


def passed_on(query: Query) -> Options:
    """The EDNS options an upstream is told: those set on the way (rewrite), and some of the client's.

    Of the client's: client subnet, NSID and those for local use (RFC 6891 9), unless set on the way or longer than 512
    bytes together. Cookies, padding and keepalive concern one hop alone.
    """
    ours, edns = query.upstream_options, query.edns
    if edns is None or not edns.options:
        return ours
    known = {code for code, _ in ours}
    theirs = tuple(
        (code, data) for code, data in edns.options if code not in known and (code in (NSID, SUBNET) or code in _LOCAL)
    )
    return ours + theirs if sum(4 + len(data) for _, data in theirs) <= _MOST_BYTES else ours


def encode(query: Query, id: int, options: Options, *, edns: bool) -> bytes:
    """The message, with an OPT of ours when `edns`."""
    if query.upstream_options is not options:
        query = msgspec.structs.replace(query, upstream_options=options)
    wire = encode_query(query, id, OUR_SIZE)
    if edns:
        return wire
    return wire[:10] + b"\0\0" + wire[HEADER : HEADER + len(query.name.wire) + 4]
