"""A small cluster and a kubernetes room in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.plugin import AskNext
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import (
    Endpoint,
    EndpointSlice,
    Kind,
    Namespace,
    Object,
    Pod,
    Port,
    Service,
    ServiceKind,
)
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Class, Rcode, type_number
from dnspolicy.plugins.kubernetes import Config, Kubernetes
from dnspolicy.testing.clock import FakeClock

HTTP = Port("http", "tcp", 80)
ZONES = ("cluster.local.", "10.in-addr.arpa.")
SHOP = Namespace("shop", {"team": "retail"})
BANK = Namespace("bank", {"team": "finance"})
WEB = Service("shop", "web", ServiceKind.CLUSTER_IP, ("10.96.0.1",), (HTTP,), labels={"expose": "yes"})
DB = Service("shop", "db", ServiceKind.HEADLESS, (), (HTTP,))
EXT = Service("shop", "ext", ServiceKind.EXTERNAL_NAME, external_name="www.lab.test")
INNER = Service("shop", "inner", ServiceKind.EXTERNAL_NAME, external_name="web.shop.svc.cluster.local")
LEDGER = Service("bank", "ledger", ServiceKind.CLUSTER_IP, ("10.96.0.2",), (HTTP,))
WEB_SLICE = EndpointSlice("shop", "web-1", "web", (Endpoint("10.1.0.1", hostname="w1"),), (HTTP,))
DB_SLICE = EndpointSlice("shop", "db-1", "db", (Endpoint("10.1.0.2", pod="db-0"), Endpoint("10.1.0.3")), (HTTP,))
CLIENT = Pod("shop", "client", uid="c", addresses=("10.1.0.9",))
CLUSTER: tuple[Object, ...] = (SHOP, BANK, WEB, DB, EXT, INNER, LEDGER, WEB_SLICE, DB_SLICE, CLIENT)


def index(items: Iterable[Object] = CLUSTER, loaded: Iterable[Kind] = tuple(Kind)) -> Index:
    made = Index(FakeClock(), Metrics())
    made.apply(items, loaded=loaded)
    return made


def room(
    cluster: Index, config: Config | None = None, *, started: bool = True, local: tuple[str, ...] = ()
) -> Kubernetes:
    zones = tuple(map(from_text, ZONES))
    made = Kubernetes(config or Config(manifests="."), cluster=cluster, zones=zones, local_addresses=local)
    if started:
        asyncio.run(made.start())
    return made


async def nowhere(query: Query, ctx: QueryContext) -> Reply:
    raise AssertionError(f"{query.name} left the room")


def ask(
    asked: Kubernetes, name: str, kind: str = "A", *, then: AskNext = nowhere, resolve: AskNext = nowhere,
    qclass: int = Class.IN,
) -> Reply:  # fmt: skip
    """What the room replies. `then` is the next room, `resolve` the whole server."""
    typed = from_text(name)
    query = Query(typed, type_number(kind), typed, qclass)
    return asyncio.run(asked.handle(query, QueryContext("10.1.0.9", 4000, 0.0, 5.0, resolve), then))


def answer(asked: Kubernetes, name: str, kind: str = "A", **others: AskNext) -> Answer:
    found = ask(asked, name, kind, **others)
    assert isinstance(found, Answer)
    return found


def saying(reply: Reply, seen: list[Query] | None = None) -> AskNext:
    """The rest of a server that always replies the same."""

    async def replies(query: Query, ctx: QueryContext) -> Reply:
        if seen is not None:
            seen.append(query)
        return reply

    return replies


def rcode(reply: Reply) -> str:
    assert isinstance(reply, Answer)
    return Rcode(reply.rcode).name
