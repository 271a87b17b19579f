"""What sort of reply it was, in the words of CoreDNS."""

from __future__ import annotations

from enum import StrEnum

from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.query import Query
from dnspolicy.model.rr import TRANSFERS, Rcode, Type
from dnspolicy.plugins.log.config import ResponseClass

_SERVER_ERRORS = frozenset((int(Rcode.SERVFAIL), int(Rcode.NOTIMP)))


class Kind(StrEnum):
    NOERROR = "NOERROR"
    NXDOMAIN = "NXDOMAIN"
    SERVERERROR = "SERVERERROR"
    NODATA = "NODATA"
    DELEGATION = "DELEGATION"
    META = "META"
    """A zone transfer."""
    OTHERERROR = "OTHERERROR"


_CLASSES = {
    Kind.NOERROR: ResponseClass.SUCCESS,
    Kind.DELEGATION: ResponseClass.SUCCESS,
    Kind.NXDOMAIN: ResponseClass.DENIAL,
    Kind.NODATA: ResponseClass.DENIAL,
}


def kind_of(query: Query, reply: Reply) -> Kind:
    """What sort of reply this is; none at all counts as another error."""
    if not isinstance(reply, Answer):
        return Kind.OTHERERROR
    if query.qtype in TRANSFERS:
        return Kind.META
    rcode = reply.rcode
    if rcode == Rcode.NXDOMAIN:
        return Kind.OTHERERROR if reply.answer else Kind.NXDOMAIN
    if rcode != Rcode.NOERROR:
        return Kind.SERVERERROR if rcode in _SERVER_ERRORS else Kind.OTHERERROR
    if reply.answer:
        return Kind.NOERROR
    types = {record.type for record in reply.authority}
    if Type.SOA in types:
        return Kind.NODATA
    return Kind.DELEGATION if Type.NS in types else Kind.NOERROR


def class_of(kind: Kind) -> ResponseClass:
    return _CLASSES.get(kind, ResponseClass.ERROR)
