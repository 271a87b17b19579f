"""Resource records and the numbers of the DNS (RFC 1035, RFC 6895)."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from dnspolicy.model.name import Name


class Type(IntEnum):
    """Record types this server has a use for by name; any other number is fine too."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    HINFO = 13
    MX = 15
    TXT = 16
    AAAA = 28
    SRV = 33
    NAPTR = 35
    DNAME = 39
    OPT = 41
    DS = 43
    RRSIG = 46
    NSEC = 47
    DNSKEY = 48
    SVCB = 64
    HTTPS = 65
    SPF = 99
    TSIG = 250
    IXFR = 251
    AXFR = 252
    ANY = 255
    CAA = 257


TRANSFERS = frozenset((int(Type.AXFR), int(Type.IXFR)))
"""Questions for whole zones."""


class Class(IntEnum):
    IN = 1
    CH = 3
    HS = 4
    ANY = 255


class Rcode(IntEnum):
    """Response codes (RFC 6895 2.3); BADVERS needs an OPT to be said."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    NOTAUTH = 9
    BADVERS = 16


_NAMED = """
    1 A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP NSAP-PTR SIG KEY PX GPOS
    28 AAAA LOC NXT EID NIMLOC SRV ATMA NAPTR KX CERT A6 DNAME SINK OPT APL DS SSHFP IPSECKEY RRSIG NSEC DNSKEY DHCID
    50 NSEC3 NSEC3PARAM TLSA SMIMEA
    55 HIP NINFO RKEY TALINK CDS CDNSKEY OPENPGPKEY CSYNC ZONEMD SVCB HTTPS DSYNC HHIT BRID
    99 SPF UINFO UID GID UNSPEC NID L32 L64 LP EUI48 EUI64
    128 NXNAME
    249 TKEY TSIG IXFR AXFR MAILB MAILA ANY URI CAA AVC DOA AMTRELAY RESINFO WALLET CLA IPN
    32768 TA DLV
"""
"""All types with a name (IANA, DNS parameters), each row from a number on."""


def _numbered(rows: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for first, *names in map(str.split, rows.strip().splitlines()):
        found.update(enumerate(names, int(first)))
    return found


_TYPES = _numbered(_NAMED)
_TYPE_NUMBERS = {name: number for number, name in _TYPES.items()}
_CLASSES = {int(c): c.name for c in Class}
_RCODES = {int(r): r.name for r in Rcode}
_RCODE_NUMBERS = {
    "NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "NOTIMPL": 4, "REFUSED": 5, "YXDOMAIN": 6,
    "YXRRSET": 7, "NXRRSET": 8, "NOTAUTH": 9, "NOTZONE": 10, "BADSIG": 16, "BADVERS": 16, "BADKEY": 17, "BADTIME": 18,
    "BADMODE": 19, "BADNAME": 20, "BADALG": 21, "BADTRUNC": 22, "BADCOOKIE": 23,
}  # fmt: skip
_LAST_RCODE = 23


def type_text(number: int) -> str:
    """`A`, or `TYPE65280` for a number without a name (RFC 3597 5)."""
    return _TYPES.get(number) or f"TYPE{number}"


def class_text(number: int) -> str:
    """`IN`, or `CLASS17` (RFC 3597 5)."""
    return _CLASSES.get(number) or f"CLASS{number}"


def rcode_text(number: int) -> str:
    """`NOERROR`, or `RCODE23`."""
    return _RCODES.get(number) or f"RCODE{number}"


def type_number(text: str) -> int:
    """The number of a type's name or of `TYPEnnn`. Raises ValueError."""
    upper = text.upper()
    if upper.startswith("TYPE") and upper[4:].isdigit() and int(upper[4:]) < 65536:
        return int(upper[4:])
    try:
        return _TYPE_NUMBERS[upper]
    except KeyError:
        raise ValueError(f"{text!r} is not a record type") from None


def rcode_number(text: str) -> int:
    """The number of a response code by name (IANA), such as `NXDOMAIN`, or by number up to 23. Raises ValueError."""
    found = _RCODE_NUMBERS.get(text.upper())
    if found is None and text.isascii() and text.isdecimal() and len(text) <= 2 and int(text) <= _LAST_RCODE:
        found = int(text)
    if found is None:
        raise ValueError(f"{text!r} is not a response code")
    return found


def class_number(text: str) -> int:
    """The number of a class's name. Raises ValueError."""
    try:
        return int(Class[text.upper()])
    except KeyError:
        raise ValueError(f"{text!r} is not a class") from None


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of class IN. `ttl` in seconds; `rdata` in wire form with every name in it uncompressed."""

    owner: Name
    type: int
    ttl: int
    rdata: bytes
