"""One resource record as a zone file writes it (RFC 1035 5.1): owner, and TTL and class in any order, type and data."""

from __future__ import annotations

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.ttl

from dnspolicy.model.name import from_text
from dnspolicy.model.rr import Record

DEFAULT_TTL = 3600
"""Seconds, when the text names none (as in CoreDNS)."""
_MAX_TTL = 2**31 - 1


def read_record(text: str) -> Record:
    """The first record in `text`, of class IN; names without a final dot are absolute all the same.

    Raises ValueError.
    """
    try:
        return _record(dns.tokenizer.Tokenizer(text))
    except (dns.exception.DNSException, ValueError, UnicodeError) as problem:
        raise ValueError(f"not a record: {problem or type(problem).__name__}") from None


def _record(tokens: dns.tokenizer.Tokenizer) -> Record:
    token = tokens.get()
    while token.is_eol():
        token = tokens.get()
    if not token.is_identifier():
        raise ValueError("it begins with no owner")
    owner = from_text(token.value)
    ttl, kind = _ttl_and_type(tokens)
    data = dns.rdata.from_text(dns.rdataclass.IN, kind, tokens, origin=dns.name.root, relativize=False)
    wire = data.to_wire(origin=dns.name.root)
    assert wire is not None  # None comes only where a file was given to write to
    return Record(owner, int(kind), ttl, wire)


def _ttl_and_type(tokens: dns.tokenizer.Tokenizer) -> tuple[int, dns.rdatatype.RdataType]:
    ttl = None
    for _ in range(3):
        word = tokens.get_string()
        if word.upper() == "IN":
            continue
        if ttl is None and word[:1].isdecimal():
            ttl = dns.ttl.from_text(word)
            if ttl > _MAX_TTL:
                raise ValueError("the TTL is too long")
            continue
        return DEFAULT_TTL if ttl is None else ttl, dns.rdatatype.from_text(word)
    raise ValueError("it has no type")
