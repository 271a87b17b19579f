"""Zones over TCP: who reads gets everything, who does not holds nothing."""

from __future__ import annotations

import asyncio

import dns.message
import pytest

from dnspolicy.chain.context import QueryContext
from dnspolicy.model.answer import ONCE, STABLE, Answer, Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Record, Type
from dnspolicy.server import tcp
from tests.unit.server.conftest import Bench

COUNT = 12_000
BIG = tuple(Record(from_text(f"n{number}.zone.test"), 65_280, 60, bytes(600)) for number in range(COUNT))


async def zone(query: Query, ctx: QueryContext) -> Reply:
    if query.qtype != Type.AXFR:
        return Answer(answer=(Record(query.name, Type.A, 5, b"\x0a\0\0\1"),), aa=True, fresh=STABLE)
    return Answer(answer=BIG, aa=True, fresh=ONCE, transfer=True)


def asked(qtype: str, id: int) -> bytes:
    wire = dns.message.make_query("zone.test", qtype, id=id).to_wire()
    return len(wire).to_bytes(2, "big") + wire


async def message(reader: asyncio.StreamReader) -> dns.message.Message:
    size = int.from_bytes(await reader.readexactly(2), "big")
    return dns.message.from_wire(await reader.readexactly(size), one_rr_per_rrset=True)


async def begins(reader: asyncio.StreamReader) -> bool:
    """Whether a transfer begins, or the connection ends."""
    try:
        return bool((await message(reader)).answer)
    except (asyncio.IncompleteReadError, ConnectionError):
        return False


def test_a_reader_gets_everything_in_order_and_others_meanwhile() -> None:
    async def scene() -> None:
        async with Bench(zone) as bench:
            reader, writer = await bench.tcp()
            writer.write(asked("AXFR", 1) + asked("A", 2))
            names, others = [], 0
            while len(names) < COUNT or not others:
                got = await message(reader)
                if got.id == 2:
                    others += 1
                else:
                    names += [rrset.name.to_text() for rrset in got.answer]
                if len(names) < COUNT // 2:
                    assert (await bench.ask("other.test")).answer
            assert names == [f"{record.owner}." for record in BIG]
            assert others == 1
            writer.close()
            seen = [outcome for outcome in bench.watcher.outcomes if outcome.query.qtype == Type.AXFR]
            assert [len(outcome.reply.answer) for outcome in seen if isinstance(outcome.reply, Answer)] == [1]
            assert seen[0].size > COUNT * 600

    asyncio.run(scene())


def test_a_client_that_stops_reading_for_a_while_still_gets_the_rest() -> None:
    async def scene() -> None:
        async with Bench(zone) as bench:
            reader, writer = await bench.tcp()
            writer.write(asked("AXFR", 1))
            count = len((await message(reader)).answer)
            await asyncio.sleep(0.5)
            while count < COUNT:
                count += len((await message(reader)).answer)
            assert count == COUNT
            writer.close()

    asyncio.run(scene())


def test_a_client_that_never_reads_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "PATIENCE", 0.3)

    async def scene() -> None:
        async with Bench(zone) as bench:
            reader, writer = await bench.tcp()
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(asked("AXFR", 1))
            for _ in range(100):
                await asyncio.sleep(0.05)
                if any(outcome.query.qtype == Type.AXFR for outcome in bench.watcher.outcomes):
                    break
            seen = [outcome for outcome in bench.watcher.outcomes if outcome.query.qtype == Type.AXFR]
            assert len(seen) == 1
            assert seen[0].size < COUNT * 600, "it was cut"
            writer.transport.abort()

    asyncio.run(scene())


def test_more_transfers_than_the_limit_end_their_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MAX_STREAMS", 1)

    async def scene() -> None:
        async with Bench(zone) as bench:
            first, writer = await bench.tcp()
            first._transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(asked("AXFR", 1))
            await asyncio.sleep(0.3)
            second, other = await bench.tcp()
            other.write(asked("AXFR", 2))
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await message(second)
            first._transport.resume_reading()  # type: ignore[attr-defined]
            count = 0
            while count < COUNT:
                count += len((await message(first)).answer)
            writer.close()
            third, last = await bench.tcp()
            last.write(asked("AXFR", 3))
            assert (await message(third)).answer, "the place is free again"
            last.close()
            other.close()

    asyncio.run(scene())


def test_one_client_does_not_keep_others_from_transfers() -> None:
    async def scene() -> None:
        async with Bench(zone) as bench:
            greedy = [await bench.tcp() for _ in range(tcp.MAX_STREAMS)]
            for _, writer in greedy:
                writer.write(asked("AXFR", 1))
            assert sum([await begins(reader) for reader, _ in greedy]) == tcp.MAX_STREAMS_PER_CLIENT
            reader, writer = await asyncio.open_connection(bench.ip, bench.port, local_addr=("127.0.0.77", 0))
            writer.write(asked("AXFR", 2))
            assert await begins(reader)
            for _, other in (*greedy, (reader, writer)):
                other.close()

    asyncio.run(scene())


def test_questions_behind_an_unread_transfer_pile_up_no_answers() -> None:
    async def scene() -> None:
        async with Bench(zone) as bench:
            reader, writer = await bench.tcp()
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(asked("AXFR", 1))
            await asyncio.sleep(0.3)
            writer.write(asked("A", 2) * 5_000)
            await asyncio.sleep(0.3)
            answered = sum(count for _, count in bench.watcher.folds) + len(bench.watcher.outcomes)
            assert answered < 200
            reader._transport.resume_reading()  # type: ignore[attr-defined]
            records, addresses = 0, 0
            while records < COUNT or addresses < 5_000:
                got = await message(reader)
                records, addresses = (records, addresses + 1) if got.id == 2 else (records + len(got.answer), addresses)
            writer.close()

    asyncio.run(scene())
