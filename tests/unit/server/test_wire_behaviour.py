"""What clients see over real sockets."""

from __future__ import annotations

import asyncio
import random
import struct

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rrset
import pytest

from dnspolicy.chain.context import QueryContext
from dnspolicy.model.answer import ONCE, STABLE, Answer, Drop, Reply, Rests
from dnspolicy.model.errors import ConfigError, EngineTimeout
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Record, Type
from dnspolicy.server.caller import Caller
from tests.unit.server.conftest import Bench, Watcher, one_address

NAME = "Web.Shop.svc.cluster.local."


def query(**options: object) -> dns.message.Message:
    return dns.message.make_query(NAME, "A", **options)  # type: ignore[arg-type]


async def many_addresses(asked: Query, ctx: QueryContext) -> Reply:
    records = tuple(Record(asked.name, Type.A, 5, struct.pack("!I", n)) for n in range(100))
    return Answer(answer=records, fresh=STABLE)


def test_letters_flags_and_question_come_back() -> None:
    async def scene() -> None:
        async with Bench(one_address) as bench:
            for _ in range(3):  # from the chain, then from finished answers
                sent = query()
                got = dns.message.from_wire(await bench.udp(sent.to_wire()) or b"")
                assert got.id == sent.id
                assert got.question[0].name.to_text() == NAME
                assert got.answer[0].name.to_text() == NAME
                assert got.flags == dns.flags.QR | dns.flags.AA | dns.flags.RD
            assert bench.room.asked == 1

    asyncio.run(scene())


REFUSED = {
    "update": (lambda m: m.set_opcode(dns.opcode.UPDATE), dns.rcode.NOTIMP),
    "no question": (lambda m: m.question.clear(), dns.rcode.FORMERR),
    "chaos class": (lambda m: setattr(m.question[0], "rdclass", dns.rdataclass.CH), dns.rcode.REFUSED),
    "edns version 1": (lambda m: m.use_edns(1), dns.rcode.BADVERS),
}


@pytest.mark.parametrize(
    ("name", "flags", "rcode"),
    [("zone.test", dns.flags.AA, dns.rcode.NOERROR), ("other.example", dns.flags.Flag(0), dns.rcode.REFUSED)],
    ids=["served", "not served"],
)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("soa", [False, True], ids=["bare", "with its SOA"])
def test_notify_is_acknowledged(transport: str, soa: bool, name: str, flags: int, rcode: dns.rcode.Rcode) -> None:
    """No room hears of it, and it is not kept for queries."""

    async def scene() -> None:
        async with Bench(one_address, zone=from_text("test")) as bench:
            sent = dns.message.make_query(name, "SOA", use_edns=0)
            sent.set_opcode(dns.opcode.NOTIFY)
            if soa:
                sent.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "SOA", "a. b. 1 2 3 4 5"))
            for _ in range(2):
                reply = (
                    await bench.udp(sent.to_wire()) if transport == "udp" else await _over_tcp(bench, sent.to_wire())
                )
                got = dns.message.from_wire(reply or b"")
                assert (got.id, got.opcode(), got.rcode()) == (sent.id, dns.opcode.NOTIFY, rcode)
                assert got.flags & 0x87F0 == dns.flags.QR | flags
                assert (got.question, got.answer, got.edns) == (sent.question, [], 0)
            assert bench.room.asked == 0

    asyncio.run(scene())


@pytest.mark.parametrize(("change", "rcode"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_odd_queries_are_refused_alike_on_both_transports(change, rcode, transport: str) -> None:  # type: ignore[no-untyped-def]
    async def scene() -> None:
        async with Bench(one_address) as bench:
            sent = query()
            change(sent)
            reply = await bench.udp(sent.to_wire()) if transport == "udp" else await _over_tcp(bench, sent.to_wire())
            assert reply is not None
            assert dns.message.from_wire(reply).rcode() == rcode
            assert bench.room.asked == 0

    asyncio.run(scene())


def test_a_reply_is_never_answered() -> None:
    async def scene() -> None:
        async with Bench(one_address) as bench:
            sent = query()
            sent.flags |= dns.flags.QR
            assert await bench.udp(sent.to_wire()) is None

    asyncio.run(scene())


def test_no_block_is_refused_and_counted_as_dropped() -> None:
    async def scene() -> None:
        async with Bench(one_address, zone=from_text("example.org")) as bench:
            assert (await bench.ask(NAME)).rcode() == dns.rcode.REFUSED
            assert bench.watcher.outcomes[0].zone == "dropped"

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("payload", "largest"), [pytest.param(None, 512, id="no edns"), pytest.param(4096, 1232, id="edns")]
)
def test_a_long_answer_is_cut_with_tc(payload: int | None, largest: int) -> None:
    async def scene() -> None:
        async with Bench(many_addresses) as bench:
            sent = query(use_edns=0 if payload else -1, payload=payload or 0)
            reply = await bench.udp(sent.to_wire())
            assert reply is not None
            assert len(reply) <= largest
            got = dns.message.from_wire(reply)
            assert got.flags & dns.flags.TC
            assert got.question == sent.question
            assert (got.edns == 0) is bool(payload)
            whole = dns.message.from_wire(await _over_tcp(bench, sent.to_wire()))
            assert len(whole.answer[0]) == 100
            assert not whole.flags & dns.flags.TC

    asyncio.run(scene())


def test_options_are_ignored_and_not_echoed() -> None:
    async def scene() -> None:
        async with Bench(one_address) as bench:
            options = [dns.edns.ECSOption("192.0.2.0", 24), dns.edns.GenericOption(65001, b"x")]
            for _ in range(2):
                got = dns.message.from_wire(await bench.udp(query(options=options).to_wire()) or b"")
                assert got.options == ()
            assert bench.watcher.outcomes[0].source == "127.0.0.1"
            assert bench.memo.size == 0  # options make a question unlike others: it is not remembered

    asyncio.run(scene())


def test_the_answer_leaves_from_the_address_the_question_came_to() -> None:
    async def scene() -> None:
        async with Bench(one_address, ip="0.0.0.0") as bench:
            for _ in range(2):
                assert await bench.udp(query().to_wire(), to="127.9.8.7") is not None
            assert bench.watcher.outcomes[0].server_ip == "127.9.8.7"

    asyncio.run(scene())


def test_tcp_pipelining_answers_out_of_order() -> None:
    async def slow_first(asked: Query, ctx: QueryContext) -> Reply:
        if asked.name.labels[0] == b"slow":
            await asyncio.sleep(0.2)
        return await one_address(asked, ctx)

    async def scene() -> None:
        async with Bench(slow_first) as bench:
            reader, writer = await bench.tcp()
            slow, fast = (dns.message.make_query(f"{n}.example", "A") for n in ("slow", "fast"))
            writer.write(_frame(slow.to_wire()) + _frame(fast.to_wire()))
            ids = [struct.unpack("!H", (await _read_frame(reader))[:2])[0] for _ in range(2)]
            assert ids == [fast.id, slow.id]
            writer.close()

    asyncio.run(scene())


def test_tcp_frames_may_come_byte_by_byte() -> None:
    async def scene() -> None:
        async with Bench(one_address) as bench:
            reader, writer = await bench.tcp()
            for byte in _frame(query().to_wire()):
                writer.write(bytes((byte,)))
                await asyncio.sleep(0)
            assert await _read_frame(reader)
            writer.close()

    asyncio.run(scene())


@pytest.mark.parametrize("frame", [b"\0\0", b"\0\5abc"], ids=["zero length", "half written"])
def test_bad_tcp_frames_end_the_connection_and_nothing_else(frame: bytes) -> None:
    async def scene() -> None:
        async with Bench(one_address) as bench:
            reader, writer = await bench.tcp()
            writer.write(frame)
            writer.write_eof()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await _read_frame(reader)
            writer.close()
            assert (await bench.ask(NAME)).answer

    asyncio.run(scene())


def test_the_queries_of_a_half_closed_connection_are_answered() -> None:
    async def later(asked: Query, ctx: QueryContext) -> Reply:
        await asyncio.sleep(0.05)
        return await one_address(asked, ctx)

    async def scene() -> None:
        async with Bench(later) as bench:
            reader, writer = await bench.tcp()
            writer.write(_frame(query().to_wire()))
            writer.write_eof()
            assert await _read_frame(reader)
            writer.close()

    asyncio.run(scene())


def test_a_fault_is_servfail_and_counted() -> None:
    async def broken(asked: Query, ctx: QueryContext) -> Reply:
        raise ZeroDivisionError("boom")

    async def scene() -> None:
        async with Bench(broken) as bench:
            assert (await bench.ask(NAME)).rcode() == dns.rcode.SERVFAIL
            assert bench.metrics.counter("coredns_panics_total", "").values[()] == 1
            assert "ZeroDivisionError: boom" in bench.watcher.outcomes[0].failure
            assert bench.memo.size == 0

    asyncio.run(scene())


def test_an_expected_error_is_servfail_without_a_panic() -> None:
    async def late(asked: Query, ctx: QueryContext) -> Reply:
        raise EngineTimeout("too slow")

    async def scene() -> None:
        async with Bench(late) as bench:
            assert (await bench.ask(NAME)).rcode() == dns.rcode.SERVFAIL
            assert bench.metrics.counter("coredns_panics_total", "").values[()] == 0

    asyncio.run(scene())


def test_a_drop_is_silence_and_observed() -> None:
    async def drop(asked: Query, ctx: QueryContext) -> Reply:
        return Drop("no")

    async def scene() -> None:
        async with Bench(drop) as bench:
            assert await bench.udp(query().to_wire()) is None
            assert bench.watcher.outcomes[0].size == 0

    asyncio.run(scene())


def test_repeats_are_folded_per_client() -> None:
    async def scene() -> None:
        async with Bench(one_address) as bench:
            for source in ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2"):
                await bench.ask(NAME, source=source)
            bench.repeats.tell()
            assert [o.source for o in bench.watcher.outcomes] == ["127.0.0.1"]
            assert {o.source: n for o, n in bench.watcher.folds} == {"127.0.0.1": 2, "127.0.0.2": 2}

    asyncio.run(scene())


def test_an_observer_of_every_query_is_told_each() -> None:
    async def scene() -> None:
        async with Bench(one_address, watcher=Watcher(every=True)) as bench:
            for _ in range(3):
                await bench.ask(NAME)
            assert [o.memo for o in bench.watcher.outcomes] == [False, True, True]
            assert len({o.query.id for o in bench.watcher.outcomes}) == 3

    asyncio.run(scene())


def test_what_moves_is_answered_anew() -> None:
    async def resting(asked: Query, ctx: QueryContext) -> Reply:
        reply = await one_address(asked, ctx)
        assert isinstance(reply, Answer)
        return reply.changed(fresh=STABLE.resting(frozenset({(Rests.SERVICE, "shop/web")})))

    async def scene() -> None:
        async with Bench(resting) as bench:
            await bench.ask(NAME)
            bench.server.changed(frozenset({(Rests.SERVICE, "shop/other")}))
            await bench.ask(NAME)
            assert bench.room.asked == 1
            bench.server.changed(frozenset({(Rests.SERVICE, "shop/web")}))
            await bench.ask(NAME)
            assert bench.room.asked == 2

    asyncio.run(scene())


def test_what_moved_while_it_was_made_is_not_remembered() -> None:
    async def scene() -> None:
        async def moving(asked: Query, ctx: QueryContext) -> Reply:
            await asyncio.sleep(0.02)
            bench.server.changed(frozenset({(Rests.SERVICE, "shop/web")}))
            return await one_address(asked, ctx)

        async with Bench(moving) as bench:
            for _ in range(3):
                await bench.ask(NAME)
            assert bench.memo.size == 0

    asyncio.run(scene())


def test_an_answer_for_once_is_asked_again() -> None:
    async def once(asked: Query, ctx: QueryContext) -> Reply:
        reply = await one_address(asked, ctx)
        assert isinstance(reply, Answer)
        return reply.changed(fresh=ONCE)

    async def scene() -> None:
        async with Bench(once) as bench:
            for _ in range(3):
                await bench.ask(NAME)
            assert bench.room.asked == 3

    asyncio.run(scene())


def test_stopping_answers_what_is_under_way() -> None:
    async def later(asked: Query, ctx: QueryContext) -> Reply:
        await asyncio.sleep(0.2)
        return await one_address(asked, ctx)

    async def scene() -> None:
        bench = Bench(later)
        bench.server.bind(bench.listens)
        await bench.server.start()
        asking = asyncio.create_task(bench.ask(NAME))
        await asyncio.sleep(0.05)
        await bench.server.stop()
        assert (await asking).answer

    asyncio.run(scene())


def test_a_port_in_use_is_one_clear_line() -> None:
    async def scene() -> None:
        async with Bench(one_address) as bench:
            second = Bench(one_address, port=bench.port)
            with pytest.raises(ConfigError, match=rf"cannot listen on 127\.0\.0\.1:{bench.port}: the port is in use"):
                second.server.bind(second.listens)
            assert (await bench.ask(NAME)).answer

    asyncio.run(scene())


def test_garbage_leaves_no_trace() -> None:
    chance = random.Random(4711)

    async def scene() -> None:
        async with Bench(one_address) as bench:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(bench.ip, bench.port)
            )
            good = query().to_wire()
            for number in range(20_000):
                wire = bytearray(good if number % 2 else chance.randbytes(chance.randrange(0, 600)))
                for _ in range(chance.randrange(1, 5)):
                    if wire:
                        wire[chance.randrange(len(wire))] = chance.randrange(256)
                transport.sendto(bytes(wire))
                if number % 50 == 0:
                    await asyncio.sleep(0)
            transport.close()
            assert (await bench.ask(NAME)).answer
            assert bench.metrics.counter("coredns_panics_total", "").values[()] == 0
            assert bench.memo.size <= 10_000

    asyncio.run(scene())


def _frame(wire: bytes) -> bytes:
    return struct.pack("!H", len(wire)) + wire


async def _read_frame(reader: asyncio.StreamReader) -> bytes:
    size = struct.unpack("!H", await reader.readexactly(2))[0]
    return await reader.readexactly(size)


async def _over_tcp(bench: Bench, wire: bytes) -> bytes:
    reader, writer = await bench.tcp()
    writer.write(_frame(wire))
    reply = await _read_frame(reader)
    writer.close()
    await writer.wait_closed()
    return reply


def test_names_nobody_repeats_do_not_fill_the_memo() -> None:
    async def scene() -> None:
        async with Bench(one_address) as bench:
            for number in range(6000):
                wire = dns.message.make_query(f"n{number}.example", "A").to_wire()
                bench.front.receive(wire, bench.server.doors[0], Nobody("127.0.0.1", 1, ""))
            assert bench.memo.size < 5000
            assert bench.room.asked == 6000
            for _ in range(3):
                await bench.ask("again.example")
            assert bench.room.asked == 6002

    asyncio.run(scene())


class Nobody(Caller):
    """A caller who does not listen."""

    def send(self, wire: bytes) -> None:
        pass
