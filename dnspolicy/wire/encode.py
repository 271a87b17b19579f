"""Answers as bytes: compression, OPT, and truncation that keeps what fits (RFC 1035 4.1.4, RFC 2181 9, RFC 6891)."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from dnspolicy.model.answer import Answer
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Class, Rcode, Record, Type
from dnspolicy.wire.accept import HEADER
from dnspolicy.wire.message import AA, CD, QR, RA, RD, TC

_HEADER = Struct("!HHHHHH")
_QUESTION = Struct("!HH")
_RECORD = Struct("!HHIH")
_NEAR = Struct("!HHHIH")
_OPTION = Struct("!HHH")
_OPT = Struct("!BHHBBHH")
_TO_QUESTION = 0xC000 | HEADER
_EDE = 15
_MAX_POINTER = 0x4000
_OPT_TYPE = int(Type.OPT)
_ONE_NAME = frozenset({int(Type.NS), int(Type.CNAME), int(Type.PTR)})
_SOA, _MX, _SRV = int(Type.SOA), int(Type.MX), int(Type.SRV)
_BEFORE_TARGET = 6
"""Bytes of priority, weight and port."""
_IN, _CH = int(Class.IN), int(Class.CH)
_COMPRESSIBLE = _ONE_NAME | {_SOA, _MX}
MAX_EDE_TEXT = 256
MIN_SIZE = 512
MAX_TCP = 65535


def reply_limit(query: Query, ceiling: int) -> int:
    """Bytes a reply may have: what the client takes, at most `ceiling` over UDP."""
    if query.transport is Transport.TCP:
        return MAX_TCP
    if query.edns is None:
        return MIN_SIZE
    size = query.edns.size
    return ceiling if size >= ceiling >= MIN_SIZE else max(MIN_SIZE, min(size, ceiling))


def encode_answer(query: Query, answer: Answer, limit: int) -> bytes:
    """The reply to `query` in at most `limit` bytes, under the name and letters of `query.asked`.

    Records are of class CH where that was asked, else IN.

    What does not fit goes: first the additional section, then authority and the last answers, which sets TC. The
    question and the OPT always stay.
    """
    out = bytearray(HEADER)
    out += query.asked.wire
    out += _QUESTION.pack(query.qtype, query.qclass)
    opt = _opt(query, answer) if query.edns is not None else b""
    writer = _Writer(out, query.asked, query.qclass if query.qclass == _CH else _IN)
    room = limit - len(opt)
    answers = writer.section(answer.answer, room) if answer.answer else 0
    whole = answers == len(answer.answer)
    authorities = writer.section(answer.authority, room) if whole and answer.authority else 0
    whole = whole and authorities == len(answer.authority)
    additionals = 0
    if whole and answer.additional:
        mark = len(out)
        additionals = writer.section(answer.additional, room)
        if additionals < len(answer.additional):
            additionals = 0
            del out[mark:]
    out += opt
    flags = _flags(query, answer, answer.tc or not whole)
    _HEADER.pack_into(out, 0, query.id, flags, 1, answers, authorities, additionals + 1 if opt else additionals)
    return bytes(out)


def encode_error(wire: bytes, rcode: Rcode) -> bytes:
    """A reply to a message that was not read: its header with QR and the rcode, and nothing else."""
    flags = QR | (wire[2] & 0x79) << 8 | int(rcode)
    return wire[:2] + _HEADER.pack(0, flags, 0, 0, 0, 0)[2:]


def _flags(query: Query, answer: Answer, tc: bool) -> int:
    flags = QR | answer.rcode & 0xF
    if answer.aa:
        flags |= AA
    if tc:
        flags |= TC
    if query.rd if answer.rd is None else answer.rd:
        flags |= RD
    if answer.ra:
        flags |= RA
    if query.cd:
        flags |= CD
    return flags


def _opt(query: Query, answer: Answer) -> bytes:
    """The OPT of a reply. It repeats the client's size, as CoreDNS does: any size can be taken in here."""
    edns = query.edns
    assert edns is not None
    if not answer.ede and answer.rcode < 16:
        return _OPT.pack(0, _OPT_TYPE, edns.size, 0, 0, 0x8000 if edns.do else 0, 0)
    options = b""
    for error in answer.ede:
        text = error.text.encode()[:MAX_EDE_TEXT].decode("utf-8", "ignore").encode()
        options += _OPTION.pack(_EDE, 2 + len(text), error.code) + text
    flags = 0x8000 if edns.do else 0
    return _OPT.pack(0, _OPT_TYPE, edns.size, answer.rcode >> 4, 0, flags, len(options)) + options


class _Writer:
    """Writes records behind the question, each as a whole or not at all."""

    def __init__(self, out: bytearray, question: Name, rclass: int) -> None:
        self._out = out
        self._class = rclass
        self._question = question.wire
        self._labels = question.labels
        self._suffixes: dict[bytes, int] | None = None

    def section(self, records: tuple[Record, ...], room: int) -> int:
        """Write records while the whole stays within `room` bytes; how many were written."""
        out = self._out
        for number, record in enumerate(records):
            mark = len(out)
            self._record(record)
            if len(out) > room:
                del out[mark:]
                return number
        return len(records)

    def _record(self, record: Record) -> None:
        out, rdata, rtype = self._out, record.rdata, record.type
        if rtype == _SOA and self._zone_soa(record):
            return
        if record.owner.wire == self._question:
            if rtype not in _COMPRESSIBLE:
                out += _NEAR.pack(_TO_QUESTION, rtype, self._class, record.ttl, len(rdata)) + rdata
                if rtype == _SRV:
                    self._target(rdata)
                return
            out += _TO_QUESTION.to_bytes(2, "big")
        else:
            self._name(record.owner.wire)
        out += _RECORD.pack(rtype, self._class, record.ttl, len(rdata))
        start = len(out)
        if rtype in _ONE_NAME:
            self._name(rdata)
        elif rtype == _SOA:
            second = _name_end(rdata, 0)
            end = _name_end(rdata, second)
            self._name(rdata[:second])
            self._name(rdata[second:end])
            out += rdata[end:]
        elif rtype == _MX:
            out += rdata[:2]
            self._name(rdata[2:])
        else:
            out += rdata
            if rtype == _SRV:
                self._target(rdata)
            return
        out[start - 2 : start] = (len(out) - start).to_bytes(2, "big")

    def _target(self, rdata: bytes) -> None:
        """The target of the SRV record just written: it stands there whole (RFC 2782), and others may point at it."""
        target = rdata[_BEFORE_TARGET:]
        self._remember(target, len(self._out) - len(target), self._table())

    def _zone_soa(self, record: Record) -> bool:
        """The SOA of a zone that holds the question, with server and mailbox inside it: three pointers to one place."""
        owner = record.owner
        question, size = self._question, len(owner.labels)
        if not size or not question.endswith(owner.wire) or self._labels[-size:] != owner.labels:
            return False
        whole = _soa_at(HEADER + len(question) - len(owner.wire), owner.wire, record.ttl, record.rdata)
        if whole is None:
            return False
        self._out += whole
        return True

    def _name(self, wire: bytes) -> None:
        out = self._out
        table = self._suffixes or self._table()
        at = 0
        while wire[at]:
            known = table.get(wire[at:] if at else wire)
            if known is not None:
                self._remember(wire, len(out), table, at)
                out += wire[:at] + (0xC000 | known).to_bytes(2, "big")
                return
            at += wire[at] + 1
        self._remember(wire, len(out), table)
        out += wire

    def _table(self) -> dict[bytes, int]:
        """Where each name so far stands."""
        if self._suffixes is None:
            self._suffixes = {}
            self._remember(self._question, HEADER, self._suffixes)
        return self._suffixes

    @staticmethod
    def _remember(wire: bytes, offset: int, table: dict[bytes, int], until: int = 255) -> None:
        """Note where each suffix of `wire` that begins before `until` stands."""
        at = 0
        while at < until and wire[at]:
            if offset + at < _MAX_POINTER:
                table.setdefault(wire[at:], offset + at)
            at += wire[at] + 1


def _name_end(wire: bytes, at: int) -> int:
    while wire[at]:
        at += wire[at] + 1
    return at + 1


@lru_cache(maxsize=1024)
def _soa_at(offset: int, zone: bytes, ttl: int, rdata: bytes) -> bytes | None:
    """The SOA of `zone`, which stands at `offset`; None unless server and mailbox end in it."""
    second = _name_end(rdata, 0)
    end = _name_end(rdata, second)
    mname, rname = rdata[:second], rdata[second:end]
    if not _inside(mname, zone) or not _inside(rname, zone):
        return None
    pointer = (0xC000 | offset).to_bytes(2, "big")
    data = mname[: -len(zone)] + pointer + rname[: -len(zone)] + pointer + rdata[end:]
    return pointer + _RECORD.pack(_SOA, 1, ttl, len(data)) + data


def _inside(wire: bytes, zone: bytes) -> bool:
    """Whether a name is below `zone`, label by label and letter by letter."""
    at = 0
    while wire[at]:
        at += wire[at] + 1
        if wire[at:] == zone:
            return True
    return False
