"""One query is never a thousand."""

from __future__ import annotations

import asyncio

from dnspolicy.chain.context import QueryContext
from dnspolicy.model.answer import ONCE, Answer, Reply
from dnspolicy.model.query import Query, Via
from dnspolicy.server import blocks
from tests.unit.server.conftest import Bench


def test_a_name_with_several_aliases_that_lead_back_to_it() -> None:
    count = 0

    async def circle(query: Query, ctx: QueryContext) -> Reply:
        nonlocal count
        count += 1
        for _ in range(4):
            await ctx.resolve(query.renamed(query.name, Via.CNAME), ctx)
        return Answer(fresh=ONCE)

    async def scene() -> None:
        async with Bench(circle) as bench:
            await bench.ask("circle.test")

    asyncio.run(scene())
    assert blocks.MAX_DEPTH < count <= blocks.MAX_ASKED + 1
