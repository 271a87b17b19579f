"""One query is answered by one configuration, however long that takes."""

from __future__ import annotations

import asyncio

from dnspolicy.chain.context import QueryContext
from dnspolicy.model.answer import ONCE, Answer, Reply
from dnspolicy.model.query import Query, Via
from dnspolicy.server.blocks import Routes
from tests.unit.server.conftest import Bench

OLD, NEW = 3, 5
"""Response codes that tell the configurations apart."""


def test_an_alias_leads_to_the_blocks_that_took_the_query() -> None:
    async def new(query: Query, ctx: QueryContext) -> Reply:
        return Answer(NEW, fresh=ONCE)

    async def scene() -> list[int]:
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def old(query: Query, ctx: QueryContext) -> Reply:
            if query.via is Via.CNAME:
                return Answer(OLD, fresh=ONCE)
            arrived.set()
            await asyncio.ensure_future(go_on.wait())
            return await ctx.resolve(query.renamed(query.name, Via.CNAME), ctx)

        async with Bench(old) as bench, Bench(new) as other:
            first = asyncio.create_task(bench.ask("alias.test"))
            await arrived.wait()
            routes: Routes = other.server.doors[0].routes
            for door in bench.server.doors:
                door.lead_to(routes)
            go_on.set()
            answers = [await first, await bench.ask("alias.test")]
        return [answer.rcode() for answer in answers]

    assert asyncio.run(scene()) == [OLD, NEW]
