"""Record data: building it, showing it, and finding the names and addresses in it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from struct import Struct, unpack_from

from dnslib import QTYPE, RD, RDMAP
from dnslib.label import DNSBuffer

from dnspolicy.model.errors import WireError
from dnspolicy.model.name import Name
from dnspolicy.model.rr import Record, Type
from dnspolicy.wire.reader import read_plain_name

_SRV = Struct("!HHH")
_SOA = Struct("!IIIII")
_NAME_AT: dict[int, int] = {
    int(Type.NS): 0, int(Type.CNAME): 0, int(Type.PTR): 0, int(Type.DNAME): 0,
    int(Type.MX): 2, int(Type.SRV): 6, int(Type.SVCB): 2, int(Type.HTTPS): 2,
}  # fmt: skip
_IPV4_HINT, _IPV6_HINT = 4, 6


def address(text: str) -> bytes:
    """Record data of an A or AAAA record. Raises ValueError."""
    return ipaddress.ip_address(text).packed


def address_type(text: str) -> Type:
    return Type.AAAA if ":" in text else Type.A


def soa(mname: Name, rname: Name, serial: int, refresh: int, retry: int, expire: int, minimum: int) -> bytes:
    """RFC 1035 3.3.13; times in seconds."""
    return mname.wire + rname.wire + _SOA.pack(serial & 0xFFFFFFFF, refresh, retry, expire, minimum)


def srv(priority: int, weight: int, port: int, target: Name) -> bytes:
    """RFC 2782."""
    return _SRV.pack(priority, weight, port) + target.wire


def txt(*texts: str) -> bytes:
    """RFC 1035 3.3.14; each text at most 255 bytes."""
    return b"".join(bytes((len(raw),)) + raw for raw in (t.encode() for t in texts))


def name_in(record: Record) -> Name | None:
    """The name a CNAME, DNAME, NS, PTR, MX, SRV, SVCB or HTTPS record points at; None for other types."""
    at = _NAME_AT.get(record.type)
    if at is None:
        return None
    try:
        return read_plain_name(record.rdata, at)[0]
    except WireError:
        return None


def soa_minimum(record: Record) -> int:
    """The MINIMUM of an SOA (seconds), 0 when there is none."""
    return int.from_bytes(record.rdata[-4:], "big") if len(record.rdata) >= 22 else 0


def soa_serial(record: Record) -> int | None:
    """The SERIAL of an SOA, None when there is none."""
    return int.from_bytes(record.rdata[-20:-16], "big") if len(record.rdata) >= 22 else None


def addresses_in(record: Record) -> list[str]:
    """Canonical text of the address of an A or AAAA record, or of the hints of an SVCB or HTTPS record (RFC 9460)."""
    if record.type == Type.A and len(record.rdata) == 4:
        return [".".join(map(str, record.rdata))]
    if record.type == Type.AAAA and len(record.rdata) == 16:
        return [str(ipaddress.IPv6Address(record.rdata))]
    if record.type in (Type.SVCB, Type.HTTPS):
        return list(_hints(record.rdata))
    return []


def well_formed(record: Record) -> bool:
    """Whether the addresses in it can be told; of types without addresses, always.

    What this server cannot read, a policy cannot judge, though a more lenient client might make something of it.
    """
    if record.type == Type.A:
        return len(record.rdata) == 4
    if record.type == Type.AAAA:
        return len(record.rdata) == 16
    return record.type not in (Type.SVCB, Type.HTTPS) or _parameters_fit(record.rdata)


def _parameters_fit(rdata: bytes) -> bool:
    """Whether target and parameters are as RFC 9460 2.2 wants them: no compression, ascending keys, nothing left."""
    try:
        _, at = read_plain_name(rdata, 2)
    except WireError:
        return False
    last = -1
    while at + 4 <= len(rdata):
        key, length = unpack_from("!HH", rdata, at)
        at += 4 + length
        unit = {_IPV4_HINT: 4, _IPV6_HINT: 16}.get(key, 1)
        if key <= last or length % unit or (unit > 1 and not length):
            return False
        last = key
    return at == len(rdata)


def _hints(rdata: bytes) -> Iterable[str]:
    try:
        _, at = read_plain_name(rdata, 2)
    except WireError:
        return
    while at + 4 <= len(rdata):
        key, length = unpack_from("!HH", rdata, at)
        value = rdata[at + 4 : at + 4 + length]
        at += 4 + length
        if key == _IPV4_HINT:
            yield from (str(ipaddress.IPv4Address(value[i : i + 4])) for i in range(0, len(value) - 3, 4))
        elif key == _IPV6_HINT:
            yield from (str(ipaddress.IPv6Address(value[i : i + 16])) for i in range(0, len(value) - 15, 16))


def text(record: Record) -> str:
    """Record data in presentation form; RFC 3597 5 form when the type is unknown or the data are not well-formed."""
    found = addresses_in(record) if record.type in (Type.A, Type.AAAA) else []
    if found:
        return found[0]
    if record.type in (Type.NS, Type.CNAME, Type.PTR, Type.DNAME) and (name := name_in(record)) is not None:
        return name.dotted
    return _by_library(record) or rf"\# {len(record.rdata)} {record.rdata.hex()}".rstrip()


def _by_library(record: Record) -> str:
    kind = RDMAP.get(QTYPE.get(record.type), RD)
    if kind is RD:
        return ""
    try:
        buffer = DNSBuffer(record.rdata)
        shown = str(kind.parse(buffer, len(record.rdata)))
    except Exception:  # noqa: BLE001 the library raises anything on malformed data
        return ""
    return shown if buffer.offset == len(record.rdata) else ""
