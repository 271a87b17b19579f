"""Messages: queries in, answers out; queries to upstreams out, their answers in (RFC 1035 4, RFC 6891, RFC 8914)."""

from __future__ import annotations

from struct import Struct

import msgspec

from dnspolicy.model.answer import ExtendedError
from dnspolicy.model.errors import WireError
from dnspolicy.model.name import Name
from dnspolicy.model.query import Edns, Query, Transport
from dnspolicy.model.rr import Class, Record, Type
from dnspolicy.wire.accept import HEADER
from dnspolicy.wire.rdata import soa_serial, well_formed
from dnspolicy.wire.reader import read_plain_name, read_records

OUR_SIZE = 1232
"""Bytes of UDP this server takes and, unless configured, sends (RFC 9715)."""
_HEADER = Struct("!HHHHHH")
_QUESTION = Struct("!HH")
_OPT = Struct("!BHHBBHH")
_OPTION = Struct("!HH")
_DO = 0x8000
_OPT_TYPE = int(Type.OPT)
_POINTED = Struct("!HHHIH")
_TO_QUESTION = 0xC000 | HEADER
_NO_TTL = 1 << 31
_MOST_PLAIN = 64
_OPT_OWNER_TYPE = b"\0" + _OPT_TYPE.to_bytes(2, "big")
_IN = int(Class.IN)
_IXFR = int(Type.IXFR)
_ADDRESSES = {int(Type.A): 4, int(Type.AAAA): 16}
"""Bytes of an address, by type."""
_EDE = 15
QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010


class Response(msgspec.Struct, frozen=True):
    """What an upstream said. Only well-formed class IN records are kept; the OPT is taken out."""

    id: int
    qr: bool
    opcode: int
    aa: bool
    tc: bool
    ra: bool
    ad: bool
    rcode: int
    question: tuple[Name, int, int] | None
    answer: tuple[Record, ...]
    authority: tuple[Record, ...]
    additional: tuple[Record, ...]
    ede: tuple[ExtendedError, ...] = ()


def decode_query(wire: bytes, transport: Transport) -> Query:
    """Read a query whose header was accepted. Raises WireError (answer: FORMERR)."""
    name, at = read_plain_name(wire, HEADER)
    if at + 4 > len(wire):
        raise WireError("the question runs past the end")
    qtype, qclass = _QUESTION.unpack_from(wire, at)
    at += 4
    edns = None
    if at != len(wire) or wire[7] or wire[9] or wire[11]:
        edns = _read_plain_opt(wire, at) or _read_rest(wire, at)
    flags = wire[2] << 8 | wire[3]
    return Query(
        name, qtype, name, qclass, wire[0] << 8 | wire[1], bool(flags & RD), bool(flags & CD), bool(flags & AD),
        edns, transport, size=len(wire), serial=_held_serial(wire, at) if qtype == _IXFR and wire[9] else None,
    )  # fmt: skip


def _held_serial(wire: bytes, at: int) -> int | None:
    """The serial in the authority section of an IXFR (RFC 1995 3); None when no SOA is there."""
    records, _ = read_records(wire, at, wire[7] + wire[9])
    record = records[-1][0]
    return soa_serial(record) if record.type == Type.SOA else None


def _read_plain_opt(wire: bytes, at: int) -> Edns | None:
    """The OPT of nearly everybody: the only record, without options, version 0. None when it is anything else."""
    if len(wire) - at != _OPT.size or wire[11] != 1 or wire[7] or wire[9]:
        return None
    owner, rtype, size, extended, version, flags, length = _OPT.unpack_from(wire, at)
    if owner or rtype != _OPT_TYPE or extended or version or length:
        return None
    return Edns(size, bool(flags & _DO))


def _read_rest(wire: bytes, at: int) -> Edns | None:
    """Everything behind the question: at most one OPT, and what else is allowed there."""
    records, end = read_records(wire, at, wire[7] + wire[9] + wire[11])
    if end != len(wire):
        raise WireError("bytes after the message")
    first_additional = wire[7] + wire[9]
    opts = [(r, c, n) for n, (r, c) in enumerate(records) if r.type == Type.OPT]
    if not opts:
        return None
    record, size, position = opts[0]
    if len(opts) > 1 or record.owner.labels or position < first_additional:
        raise WireError("more than one OPT, or one in a wrong place")
    return Edns(size, bool(record.ttl & _DO), record.ttl >> 16 & 0xFF, _options(record.rdata))


def _options(rdata: bytes) -> tuple[tuple[int, bytes], ...]:
    found = []
    at = 0
    while at < len(rdata):
        if at + 4 > len(rdata):
            raise WireError("an EDNS option runs past the end")
        code, length = _OPTION.unpack_from(rdata, at)
        at += 4
        if at + length > len(rdata):
            raise WireError("an EDNS option runs past the end")
        found.append((code, rdata[at : at + length]))
        at += length
    return tuple(found)


def encode_query(query: Query, id: int, size: int) -> bytes:
    """A fresh query for `query.name` with RD and our own OPT of `size` bytes; nothing of the client's options."""
    flags = RD | (CD if query.cd else 0)
    options = b"".join(_OPTION.pack(code, len(data)) + data for code, data in query.upstream_options)
    do = _DO if query.edns is not None and query.edns.do else 0
    opt = _OPT.pack(0, Type.OPT, size, 0, 0, do, len(options)) + options
    return _HEADER.pack(id, flags, 1, 0, 0, 1) + query.name.wire + _QUESTION.pack(query.qtype, query.qclass) + opt


def decode_response(wire: bytes, asked: Name | None = None) -> Response:
    """Read a message from an upstream, faster when it is known which name was `asked`. Raises WireError."""
    if len(wire) < HEADER:
        raise WireError("shorter than a header")
    plain = _plain_response(wire, asked) if asked is not None else None
    if plain is not None:
        return plain
    id_, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(wire)
    question, at = None, HEADER
    if questions > 1:
        raise WireError("more than one question")
    if questions:
        name, at = read_plain_name(wire, at)
        if at + 4 > len(wire):
            raise WireError("the question runs past the end")
        question = (name, *_QUESTION.unpack_from(wire, at))
        at += 4
    answer, at = read_records(wire, at, answers)
    authority, at = read_records(wire, at, authorities)
    additional, _ = read_records(wire, at, additionals)
    opts = [r for r, _ in additional if r.type == Type.OPT]
    if len(opts) > 1:
        raise WireError("more than one OPT")
    return Response(
        id_, bool(flags & QR), flags >> 11 & 0xF, bool(flags & AA), bool(flags & TC), bool(flags & RA),
        bool(flags & AD), (opts[0].ttl >> 24 << 4 if opts else 0) | flags & 0xF, question,
        _inside(answer), _inside(authority), _inside(additional), _errors(opts[0].rdata) if opts else (),
    )  # fmt: skip


def _plain_response(wire: bytes, asked: Name) -> Response | None:
    """The answer of nearly everybody: the question as asked, addresses of just that name, at most an empty OPT.

    None when it is anything else. What is found is what the general reading finds.
    """
    id_, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(wire)
    at = HEADER + len(asked.wire) + 4
    if questions != 1 or authorities or additionals > 1 or not 0 < answers <= _MOST_PLAIN:
        return None
    if wire[HEADER : at - 4] != asked.wire or at + answers * _POINTED.size > len(wire):
        return None
    qtype, qclass = _QUESTION.unpack_from(wire, at - 4)
    found = []
    for _ in range(answers):
        if at + _POINTED.size > len(wire):
            return None
        owner, rtype, rclass, ttl, length = _POINTED.unpack_from(wire, at)
        at += _POINTED.size + length
        if (
            owner != _TO_QUESTION
            or _ADDRESSES.get(rtype) != length
            or rclass != _IN
            or ttl >= _NO_TTL
            or at > len(wire)
        ):
            return None
        found.append(Record(asked, rtype, ttl, wire[at - length : at]))
    if additionals and not _is_empty_opt(wire[at:]):
        return None
    return Response(
        id_, bool(flags & QR), flags >> 11 & 0xF, bool(flags & AA), bool(flags & TC), bool(flags & RA),
        bool(flags & AD), flags & 0xF, (asked, qtype, qclass), tuple(found), (), (),
    )  # fmt: skip


def _is_empty_opt(rest: bytes) -> bool:
    """Whether it is one OPT, without options and without more of the response code."""
    return len(rest) == _OPT.size and rest.startswith(_OPT_OWNER_TYPE) and not rest[5] and rest.endswith(b"\0\0")


def _inside(records: list[tuple[Record, int]]) -> tuple[Record, ...]:
    return tuple(r for r, rclass in records if rclass == Class.IN and r.type != Type.OPT and well_formed(r))


def _errors(rdata: bytes) -> tuple[ExtendedError, ...]:
    return tuple(
        ExtendedError(int.from_bytes(data[:2], "big"), data[2:].decode("utf-8", "replace"))
        for code, data in _options(rdata)
        if code == _EDE and len(data) >= 2
    )
