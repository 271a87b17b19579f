"""The kubernetes room alone, with the cluster of the fixtures and what stands around it played by tables."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import dns.message

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.decode import Decoder
from dnspolicy.cluster.files import read_objects
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import EndpointSlice, Kind, Object
from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Rcode, type_text
from dnspolicy.plugins.kubernetes import Config, Kubernetes
from dnspolicy.testing.clock import FakeClock
from dnspolicy.testing.upstream import Script
from dnspolicy.wire.encode import encode_answer
from dnspolicy.wire.message import decode_query
from tests.conformance.fixtures import manifests
from tests.conformance.suite import Setup, Suite
from tests.conformance.upstreams import script_for, scripts

Held = dict[tuple[str, str | None], Script]


def objects(suite: Suite) -> tuple[Object, ...]:
    """The fixtures as the index takes them."""
    return tuple(read_objects(Path("fixtures.yaml"), manifests(suite.fixtures).encode(), Decoder()))


def index(held: tuple[Object, ...], setup: Setup) -> Index:
    """The cluster as `setup` sees it. When it is not synced, the slices are still to come."""
    made = Index(FakeClock(), Metrics())
    late = () if setup.synced else (Kind.ENDPOINT_SLICE,)
    there = [item for item in held if setup.synced or not isinstance(item, EndpointSlice)]
    made.apply(there, loaded=[kind for kind in Kind if kind not in late])
    return made


def config(setup: Setup, folder: Path) -> Config:
    """The directive of `setup`, read as from a Corefile."""
    path = folder / "Corefile"
    path.write_text("\n".join([".:53 {", *setup.directive("manifests ."), "}"]))
    complaints = Complaints()
    found = bind(load(path, {}).blocks[0].directives[0], Config, complaints)
    complaints.raise_if_any()
    assert found is not None
    return found


class RoomServer:
    """One room, started. Its next room and the rest of the server are `setup`'s upstreams."""

    def __init__(self, suite: Suite, setup: Setup, cluster: Index, folder: Path) -> None:
        self._setup = setup
        read = config(setup, folder)
        zones = tuple(map(from_text, read.zones))
        self.room = Kubernetes(read, cluster=cluster, zones=zones, local_addresses=setup.local_ips)
        asyncio.run(self.room.start())
        self._upstreams: Mapping[str, Held] = {name: scripts(held) for name, held in suite.upstreams.items()}

    def ask(self, sent: dns.message.Message) -> dns.message.Message:
        """The reply to a message, through the codec."""
        query = decode_query(sent.to_wire(), Transport.UDP)
        ctx = QueryContext("10.244.5.1", 4000, 0.0, 5.0, self._resolve)
        reply = asyncio.run(self.room.handle(query, ctx, self._next))
        assert isinstance(reply, Answer)
        return dns.message.from_wire(encode_answer(query, reply, 65535), one_rr_per_rrset=True)

    async def _resolve(self, query: Query, ctx: QueryContext) -> Reply:
        for zone, name in self._setup.stubs.items():
            if query.name.under(from_text(zone)):
                return _played(self._upstreams[name], query)
        if not self._setup.next and not any(query.name.under(from_text(zone)) for zone in self._setup.zones):
            return Answer(Rcode.REFUSED)
        return await self.room.handle(query, ctx, self._next)

    async def _next(self, query: Query, ctx: QueryContext) -> Reply:
        if not self._setup.next:
            return Answer(Rcode.SERVFAIL)
        return _played(self._upstreams[self._setup.next], query)


def _played(held: Held, query: Query) -> Answer:
    script = script_for(held, f"{query.name}.", type_text(query.qtype))
    return Answer(script.rcode, script.answer, script.authority, ra=True, tc=script.tc, made_by="forward")
