"""Connections to upstreams, over TCP and TLS: kept, shared, broken, forged."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from dnspolicy.corefile.schema import Duration
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.query import Transport
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.forward.attempt import Order
from dnspolicy.plugins.forward.config import HealthCheck
from dnspolicy.testing.lies import TcpTrick
from dnspolicy.testing.upstream import SILENT, FakeUpstream, Script
from tests.unit.plugins.forward.certificates import NAME, Certificate, make
from tests.unit.plugins.forward.lab import SHORT, WWW, Lab, addresses, run_on_both_loops, until

HITS = "coredns_proxy_conn_cache_hits_total"
MISSES = "coredns_proxy_conn_cache_misses_total"
_SOON = HealthCheck(Duration(0.05))


def tcp(*to: str, **options: object) -> Lab:
    return Lab(*to, force_tcp=True, policy=Order.SEQUENTIAL, **options)  # type: ignore[arg-type]


class TestKept:
    def test_a_connection_is_used_again(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW) as upstream:
                lab = tcp(upstream.address)
                for _ in range(5):
                    assert addresses(await lab.ask()) == ["198.51.100.10"]
                assert upstream.connections == 1
                assert lab.value(HITS, "tcp", "forward", upstream.address) == 4
                assert lab.value(MISSES, "tcp", "forward", upstream.address) == 1

        run_on_both_loops(story)

    def test_questions_over_udp_all_count_as_new(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW) as upstream:
                lab = Lab(upstream.address)
                await lab.room.start()
                await asyncio.gather(lab.ask("a.test"), lab.ask("b.test"))
                assert lab.value(MISSES, "udp", "forward", upstream.address) == 2
                assert lab.value(HITS) == 0

        run_on_both_loops(story)

    @pytest.mark.parametrize(
        ("options", "pause"),
        [
            pytest.param({"expire": Duration(0.0)}, 0.0, id="expire 0"),
            pytest.param({"expire": Duration(0.05)}, 0.3, id="expire"),
            pytest.param({"expire": Duration(0.05), "max_age": Duration(0.05)}, 0.3, id="max_age"),
        ],
    )
    def test_not_longer_than_configured(self, options: dict[str, object], pause: float) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW) as upstream:
                lab = tcp(upstream.address, **options)
                await lab.ask()
                await asyncio.sleep(pause)
                await lab.ask()
                assert upstream.connections == 2

        run_on_both_loops(story)

    def test_unused_ones_are_closed_without_another_question(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW) as upstream:
                lab = tcp(upstream.address, expire=Duration(0.05), most_sockets=1)
                await lab.ask()
                await until(lambda: not upstream._tasks)
                assert lab.forwarder._ties.budget.left == 1

        run_on_both_loops(story)

    def test_no_more_unused_ones_than_configured(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=Script(answer=WWW.answer, delay=0.05)) as upstream:
                lab = tcp(upstream.address, max_idle_conns=2)
                await asyncio.gather(*(lab.ask(f"n{n}.test") for n in range(6)))
                assert upstream.connections == 6
                await until(lambda: len(upstream._tasks) == 2)

        run_on_both_loops(story)

    def test_many_questions_share_a_few(self) -> None:
        async def story() -> None:
            late = Script(answer=WWW.answer, delay=0.05)
            async with FakeUpstream(default=late, pipelined=True) as upstream:
                lab = tcp(upstream.address)
                answers = await asyncio.gather(*(lab.ask(f"n{n}.test") for n in range(500)))
                assert {a.rcode for a in answers} == {Rcode.NOERROR}
                assert upstream.connections <= 8

        run_on_both_loops(story)

    def test_answers_in_another_order_reach_their_questions(self) -> None:
        async def story() -> None:
            async with FakeUpstream(pipelined=True) as upstream:
                for n in range(40):
                    upstream.on(f"n{n}.test", Script(rcode=n % 2 * 3, delay=0.002 * (40 - n)))
                lab = tcp(upstream.address)
                answers = await asyncio.gather(*(lab.ask(f"n{n}.test") for n in range(40)))
                assert [a.rcode for a in answers] == [n % 2 * 3 for n in range(40)]
                assert upstream.connections <= 8

        run_on_both_loops(story)


class TestBroken:
    def test_an_upstream_that_closes_after_each_answer_loses_none(self) -> None:
        async def story() -> None:
            closing = Script(answer=WWW.answer, tcp=TcpTrick.CLOSE_AFTER)
            async with FakeUpstream(default=closing) as upstream:
                lab = tcp(upstream.address)
                for round_ in range(3):
                    answers = await asyncio.gather(*(lab.ask(f"n{round_}-{n}.test") for n in range(50)))
                    assert {a.rcode for a in answers} == {Rcode.NOERROR}
                assert lab.value("dnspolicy_forward_failures_total") == 0

        run_on_both_loops(story)

    def test_one_that_was_restarted_is_asked_over_a_new_connection(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW) as upstream:
                lab = tcp(upstream.address)
                await lab.ask()
                await upstream.stop()
                await upstream.start()
                assert (await lab.ask()).rcode == Rcode.NOERROR

        run_on_both_loops(story)

    def test_a_connection_that_fell_silent_is_not_asked_again(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW) as upstream:
                upstream.on("lost.test", SILENT, WWW)
                lab = tcp(upstream.address, read_timeout=Duration(0.1), max_fails=0)
                await lab.ask()
                assert addresses(await lab.ask("lost.test")) == []  # what is told there is about another name
                assert [a.name for a in upstream.questions] == ["www.lab.test", "lost.test", "lost.test"]
                assert upstream.connections == 2
                await until(lambda: len(upstream._tasks) == 1, 2.0)

        run_on_both_loops(story)

    def test_one_that_takes_connections_and_never_speaks(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=SILENT) as silent, FakeUpstream(default=WWW) as upstream:
                lab = tcp(silent.address, upstream.address)
                assert (await lab.ask(seconds=0.6)).upstream == upstream.address

        run_on_both_loops(story)

    def test_one_that_never_finishes_its_greeting(self, own: Certificate, tmp_path: Path) -> None:
        async def story() -> None:
            async with _server(lambda _: b"") as address:
                lab = Lab(f"tls://{address}", tls=(str(own.cert),))
                answer = await lab.ask(seconds=SHORT)
                assert (answer.rcode, "did not answer in time" in answer.ede[0].text) == (Rcode.SERVFAIL, True)

        run_on_both_loops(story)

    def test_answers_to_other_questions_end_the_connection(self) -> None:
        async def story() -> None:
            closed = asyncio.Event()
            async with _server(_other_answers, closed) as address:
                answer = await tcp(address).ask(seconds=2.0)
                assert answer.rcode == Rcode.SERVFAIL
                assert "said too much that was no answer" in answer.ede[0].text
                await asyncio.wait_for(closed.wait(), 5)

        run_on_both_loops(story)

    def test_sockets_are_bounded(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=Script(delay=0.1)) as upstream:
                lab = tcp(upstream.address, most_sockets=2)
                for _ in range(2):
                    answers = await asyncio.gather(*(lab.ask(f"n{n}.test") for n in range(4)))
                    assert sorted(a.rcode for a in answers) == [0, 0, 2, 2]

        run_on_both_loops(story)


@contextlib.asynccontextmanager
async def _server(says: Callable[[bytes], bytes], closed: asyncio.Event | None = None) -> AsyncIterator[str]:
    """Takes connections, and says something to the first bytes. Sets `closed` when a client has left."""
    writers = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(says(await reader.read(100)))
        with contextlib.suppress(OSError):
            await reader.read()
        if closed is not None:
            closed.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


def _other_answers(asked: bytes) -> bytes:
    """A thousand answers to a question nobody asked."""
    other = bytes((asked[2] ^ 0xFF, asked[3])) + b"\x81\x80" + asked[6:]
    return (len(other).to_bytes(2, "big") + other) * 1000


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make(tmp_path_factory.mktemp("own"), "own", f"DNS:{NAME}", "IP:127.0.0.1")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make(tmp_path_factory.mktemp("named"), "named", f"DNS:{NAME}")


class TestTls:
    @pytest.mark.parametrize(
        ("to", "servername"),
        [("tls://{}", ""), ("tls://127.0.0.1%dns.lab.test:{port}", ""), ("tls://{}", NAME)],
        ids=["by address", "name in the address", "tls_servername"],
    )
    def test_questions_go_over_tls_alone(self, own: Certificate, to: str, servername: str) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW, tls=own.server()) as upstream:
                lab = Lab(
                    to.format(upstream.address, port=upstream.port), tls=(str(own.cert),), tls_servername=servername
                )
                for _ in range(3):
                    answer = await lab.ask()
                    assert (addresses(answer), answer.upstream) == (["198.51.100.10"], upstream.address)
                assert {a.transport for a in upstream.asked} == {Transport.TCP}
                assert upstream.connections == 1
                assert lab.value(HITS, "tcp-tls", "forward", upstream.address) == 2

        run_on_both_loops(story)

    @pytest.mark.parametrize("transport", Transport)
    @pytest.mark.parametrize(
        ("servername", "trusted"),
        [
            pytest.param("", True, id="a certificate without the address"),
            pytest.param("other.lab.test", True, id="another name"),
            pytest.param(NAME, False, id="nobody vouches for it"),
        ],
    )
    def test_a_certificate_that_is_not_right_gets_no_question(
        self, named: Certificate, servername: str, trusted: bool, transport: Transport
    ) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW, tls=named.server()) as upstream:
                lab = Lab(
                    f"tls://{upstream.address}",
                    tls=(str(named.cert),) if trusted else (),
                    tls_servername=servername,
                    prefer_udp=True,
                    health_check=_SOON,
                )
                answer = await lab.ask(transport=transport)
                assert answer.rcode == Rcode.SERVFAIL
                assert "certificate that is not believed" in answer.ede[0].text
                await until(lambda: lab.value("coredns_proxy_healthcheck_failures_total") > 0)
                assert upstream.asked == []

        run_on_both_loops(story)

    def test_one_that_speaks_no_tls_gets_no_question(self, own: Certificate) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW) as upstream:
                answer = await Lab(f"tls://{upstream.address}", tls=(str(own.cert),)).ask(seconds=SHORT)
                assert answer.rcode == Rcode.SERVFAIL
                assert upstream.asked == []

        run_on_both_loops(story)

    def test_a_client_shows_its_certificate(self, own: Certificate, tmp_path: Path) -> None:
        client = make(tmp_path, "client", "DNS:client.lab.test")
        context = own.server()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client.cert)

        async def story() -> None:
            async with FakeUpstream(default=WWW, tls=context) as upstream:
                to = f"tls://{upstream.address}"
                shown = Lab(to, tls=("client.pem", "client.key", str(own.cert)), folder=tmp_path)
                assert (await shown.ask()).rcode == Rcode.NOERROR
                assert (await Lab(to, tls=(str(own.cert),)).ask(seconds=SHORT)).rcode == Rcode.SERVFAIL

        run_on_both_loops(story)

    def test_a_check_goes_over_tls(self, own: Certificate) -> None:
        async def story() -> None:
            async with FakeUpstream(tls=own.server()) as upstream:
                upstream.on("www.lab.test", SILENT)
                lab = Lab(f"tls://{upstream.address}", tls=(str(own.cert),))
                await lab.ask(seconds=SHORT)
                await until(lambda: any(a.type == "NS" for a in upstream.asked))
                assert {a.transport for a in upstream.asked} == {Transport.TCP}

        run_on_both_loops(story)

    @pytest.mark.parametrize(
        "words", [("nowhere.pem",), ("bad.pem",), ("bad.pem", "bad.pem"), ("own.pem", "bad.pem", "own.pem")]
    )
    def test_files_that_cannot_be_used(self, words: tuple[str, ...], tmp_path: Path) -> None:
        (tmp_path / "bad.pem").write_text("no certificate")
        make(tmp_path, "own", f"DNS:{NAME}")
        with pytest.raises(ConfigError, match=r"cannot be used"):
            Lab("tls://127.0.0.1", tls=words, folder=tmp_path)
