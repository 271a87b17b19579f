"""A zone file and a room that serves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.answer import Answer, Freshness, Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Edns, Query, Via
from dnspolicy.model.rr import Rcode, Record, type_number, type_text
from dnspolicy.plugins.file import Config, File
from dnspolicy.wire import rdata

NEXT = Answer(Rcode.REFUSED, made_by="next", fresh=Freshness(30.0))
ZONE = """\
$ORIGIN example.test.
$TTL 300
@   IN SOA ns1 host ( 7 ; serial
        7200 1800
        86400 60 )
    NS ns1
    NS ns.other.test.
ns1 A 10.0.0.1
    AAAA fd00::1
www 60 A 10.0.0.2
alias CNAME www
chain CNAME alias
out CNAME www.out.test.
refused CNAME www.refused.test.
nx CNAME nx.out.test.
gone CNAME nothere
loop1 CNAME loop2
loop2 CNAME loop1
self CNAME self
mail MX 10 www
    MX 20 mx.out.test.
_sip._tcp SRV 0 5 5060 www
*.wild A 10.1.1.1
real.wild A 10.1.1.2
*.cwild CNAME www
a.b.c.ent A 10.2.2.2
*.went.deep A 10.3.3.3
sub NS ns.sub
    NS ns1
    DS 1 8 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF
ns.sub A 10.4.4.4
tosub CNAME www.sub
dn DNAME www.out.test.
dnin DNAME wild
dnself DNAME x.dnself
txt TXT "a b; c" "d"
Mixed A 10.5.5.5
"""
SOA = "example.test 300 SOA 7"
DENIAL = "example.test 60 SOA 7"
NS = ["example.test 300 NS ns1.example.test.", "example.test 300 NS ns.other.test."]


def shown(records: tuple[Record, ...]) -> list[str]:
    """`OWNER TTL TYPE DATA` of each record; of a SOA the serial alone."""
    return [
        f"{r.owner} {r.ttl} {type_text(r.type)} "
        + (str(rdata.soa_serial(r)) if type_text(r.type) == "SOA" else rdata.text(r))
        for r in records
    ]


class Room:
    """A room on a zone file in `folder`, what it announced, and what it asked of the server around it."""

    def __init__(self, folder: Path, text: str = ZONE, origins: str = "example.test", **options: object) -> None:
        self.path = folder / "db.zone"
        self.path.write_text(text)
        self.moved: list[frozenset[tuple[str, str]]] = []
        self.resolved: list[tuple[str, Via]] = []
        self.elsewhere: Answer | None = None
        """What the server around it answers instead of the usual."""
        self.metrics = Metrics()
        config = Config(dbfile=str(self.path), **options)  # type: ignore[arg-type]
        zones = tuple(map(from_text, origins.split()))
        self.file = File([config], origins=zones, changed=self.moved.append, metrics=self.metrics)

    def ask(self, name: str, qtype: str = "A", *, do: bool = False) -> Answer:
        asked = from_text(name)
        query = Query(asked, type_number(qtype), asked, edns=Edns(1232, do) if do else None)
        reply = asyncio.run(self.file.handle(query, QueryContext("192.0.2.1", 1, 0.0, 5.0, self._resolve), _next))
        assert isinstance(reply, Answer)
        return reply

    def refresh(self, text: str | None = None) -> None:
        """Write the file and look at it."""
        if text is not None:
            self.path.write_text(text)
        asyncio.run(self.file._watches[0].refresh())

    async def _resolve(self, query: Query, ctx: QueryContext) -> Reply:
        self.resolved.append((str(query.name), query.via))
        if self.elsewhere is not None:
            return self.elsewhere
        if str(query.name).endswith("refused.test"):
            return Answer(Rcode.REFUSED)
        if query.name == from_text("nx.out.test"):
            soa = Record(from_text("out.test"), 6, 5, rdata.soa(query.name, query.name, 99, 1, 1, 1, 1))
            return Answer(Rcode.NXDOMAIN, authority=(soa,), made_by="forward", fresh=Freshness(5.0))
        record = Record(query.name, query.qtype, 9, bytes(4))
        return Answer(answer=(record,), made_by="forward", fresh=Freshness(9.0))


async def _next(query: Query, ctx: QueryContext) -> Reply:
    return NEXT


Made = Callable[..., Room]
