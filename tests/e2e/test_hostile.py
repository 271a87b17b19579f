"""A running server and those who mean it harm: strangers, clients, upstreams, files."""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest

from dnspolicy.testing.lies import FORGED, Lie, TcpTrick
from dnspolicy.testing.upstream import SILENT, FakeUpstream, Script, in_thread, record
from tests.e2e.process import PATIENCE, Server, answers, ask, eventually, free_port, get, serving
from tests.e2e.world import API, WEB, World
from tests.wire.packets import opt, packets, query, question

FOLDED = "audit {\n file audit.jsonl\n fold 1s\n }"
ROOM = 40 << 10
"""KiB that a flood may leave behind once the server is warm; without bounds it would be several times that."""
WEB_NAME = b"\3web\5acorn\3svc\7cluster\5local\0"


class Fortress:
    """A world under attack: a server with policy, cache, audit and metrics."""

    def __init__(self, folder: Path, more: str = "", audit: str = FOLDED) -> None:
        self._metrics = free_port("127.0.0.1")
        self.world = World(folder, audit=audit, more=f"cache 30\n    prometheus 127.0.0.1:{self._metrics}\n    {more}")
        self.address = self.world.server

    @contextlib.contextmanager
    def serving(self) -> Iterator[Server]:
        """A server that must not have said anything of a fault when the attack is over."""
        with serving(self.world.corefile) as server:
            yield server
            assert self.metric("coredns_panics_total") == 0
            assert self.web() == ["10.96.1.10"]
            said = [line for line in server.said if "Traceback" in line or "Error" in line or "Exception" in line]
            assert not said, said

    def web(self, tcp: bool = False) -> list[str]:
        """What an honest client gets."""
        return answers(ask(self.address, "web.acorn.svc.cluster.local", source=WEB, tcp=tcp))

    def metric(self, name: str) -> float:
        _, page = get(f"http://127.0.0.1:{self._metrics}/metrics")
        lines = [line for line in page.splitlines() if line.split("{")[0].split(" ")[0] == name]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def udp(self, source: str) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((source, 0))
        sock.connect(self.address)
        sock.settimeout(2)
        return sock

    def tcp(self, source: str) -> socket.socket:
        return socket.create_connection(self.address, PATIENCE, (source, 0))


def resident(server: Server) -> int:
    """KiB."""
    status = Path(f"/proc/{server.child.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def frame(wire: bytes) -> bytes:
    return len(wire).to_bytes(2, "big") + wire


def pour(sock: socket.socket, wires: Iterator[bytes] | list[bytes]) -> None:
    """Send without waiting for replies, and keep in step with the server by a question it answers."""
    for count, wire in enumerate(wires):
        with contextlib.suppress(OSError):
            sock.send(wire)
        if count % 200 == 199:
            sock.send(query(question(WEB_NAME), number=4711))
            with contextlib.suppress(TimeoutError):
                while sock.recv(65535)[:2] != b"\x12\x67":
                    pass


def frames(sock: socket.socket) -> Iterator[bytes]:
    """Messages until the other side ends."""
    buffer = b""
    while data := sock.recv(65536):
        buffer += data
        while len(buffer) >= 2 and len(buffer) >= (size := 2 + int.from_bytes(buffer[:2], "big")):
            yield buffer[2:size]
            buffer = buffer[size:]


def test_a_hundred_thousand_packets_leave_nothing_behind(tmp_path: Path) -> None:
    fortress = Fortress(tmp_path)
    with fortress.serving() as server, fortress.udp(WEB) as sock:
        pour(sock, packets(1, 20_000))
        warm = resident(server)
        pour(sock, packets(2, 60_000))
        chance = random.Random(3)
        for _ in range(10):
            with contextlib.suppress(OSError), fortress.tcp(WEB) as stream:
                stream.sendall(b"".join(frame(wire) for wire in packets(chance.randrange(1 << 30), 2_000) if wire))
                stream.shutdown(socket.SHUT_WR)
                for _reply in frames(stream):
                    pass
        assert resident(server) - warm < ROOM


def test_names_without_end_are_bounded(tmp_path: Path) -> None:
    fortress = Fortress(tmp_path)
    with fortress.serving() as server, fortress.udp(WEB) as sock:
        for number in range(24_000):
            label = b"n%d" % number
            pour(sock, [query(question(bytes((len(label),)) + label + WEB_NAME[4:]))] * 2)
            if number % 100 == 99:
                pour(sock, [query(question(WEB_NAME))] * 200)
        assert 0 < fortress.metric("dnspolicy_memo_entries") <= 20_000
        assert fortress.metric("dnspolicy_memo_evictions_total") > 0
        assert resident(server) < 300 << 10


def test_senders_without_end_leave_honest_clients_their_answers(tmp_path: Path) -> None:
    fortress = Fortress(tmp_path)
    chance = random.Random(5)

    def spoof(count: int) -> None:
        for _ in range(count):
            source = f"127.{chance.randrange(30, 90)}.{chance.randrange(256)}.{chance.randrange(256)}"
            with contextlib.suppress(OSError), fortress.udp(source) as sock:
                sock.send(query(question(WEB_NAME)))

    with fortress.serving() as server:
        spoof(5_000)
        warm = resident(server)
        for _ in range(4):
            spoof(5_000)
            assert fortress.web() == ["10.96.1.10"]
        assert resident(server) - warm < ROOM


def test_questions_that_never_end_do_not_keep_others_waiting(tmp_path: Path) -> None:
    """One client fills all the room it is given; what another asks of the cluster is never shed."""
    with in_thread(FakeUpstream()) as upstream:
        fortress = Fortress(tmp_path, more=f"forward . {upstream.address}")
        upstream.on("silent.example", SILENT)
        with fortress.serving(), fortress.udp(API) as sock:
            pour(sock, [query(question(b"\6silent\7example\0"))] * 4_000)
            for number in range(20):
                name = f"none{number}.acorn.svc.cluster.local"
                assert ask(fortress.address, name, source=WEB).rcode() == dns.rcode.NXDOMAIN
            assert fortress.metric("dnspolicy_queries_shed_total") > 0


def test_pipelined_queries_behind_slow_ones_are_all_answered(tmp_path: Path) -> None:
    slow = Script(answer=(record("slow.example", "A", "203.0.113.9"),), delay=0.3)
    with in_thread(FakeUpstream()) as upstream:
        fortress = Fortress(tmp_path, more=f"forward . {upstream.address}")
        upstream.on("slow.example", slow)
        with fortress.serving(), fortress.tcp(WEB) as stream:
            burst = [query(question(b"\4slow\7example\0"), number=n) for n in range(100)]
            burst += [query(question(b"\4n%03d" % (n % 1000) + WEB_NAME[4:]), number=n) for n in range(100, 5_000)]
            stream.sendall(b"".join(map(frame, burst)))
            stream.shutdown(socket.SHUT_WR)
            assert sorted(int.from_bytes(reply[:2], "big") for reply in frames(stream)) == list(range(5_000))


def test_who_does_not_read_is_left(tmp_path: Path) -> None:
    fortress = Fortress(tmp_path)
    with fortress.serving() as server, fortress.tcp(WEB) as stream:
        warm = resident(server)
        stream.settimeout(5)
        with pytest.raises((ConnectionError, TimeoutError)):
            stream.sendall(frame(query(question(WEB_NAME))) * 400_000)
        assert fortress.web(tcp=True) == ["10.96.1.10"]
        assert resident(server) - warm < ROOM


def test_connections_over_the_limit_are_refused_and_others_are_not(tmp_path: Path) -> None:
    fortress = Fortress(tmp_path)
    with fortress.serving(), contextlib.ExitStack() as held:
        for count in range(150):
            stream = held.enter_context(fortress.tcp(API))
            with contextlib.suppress(OSError):
                stream.sendall(b"\0" if count % 2 else b"\0\x40abc")
        eventually(lambda: fortress.metric("dnspolicy_tcp_connections_refused_total") == 50)
        assert fortress.web(tcp=True) == ["10.96.1.10"]


def test_connections_that_end_in_any_way_are_let_go(tmp_path: Path) -> None:
    fortress = Fortress(tmp_path)
    endings = (b"", b"\0", b"\0\0", b"\0\x1dabc", frame(query(question(WEB_NAME)))[:-1], frame(b"x"), b"\xff\xff")
    with fortress.serving():
        for count in range(400):
            stream = fortress.tcp(API)
            with contextlib.suppress(OSError):
                stream.sendall(endings[count % len(endings)])
            if count % 2:  # RST instead of FIN
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.close()
        eventually(lambda: fortress.metric("dnspolicy_tcp_connections") == 0)


@pytest.mark.parametrize("lie", list(Lie), ids=lambda lie: lie.value)
def test_a_lie_is_not_believed_and_the_truth_is_waited_for(tmp_path: Path, lie: Lie) -> None:
    truth = Script(answer=(record("www.example", "A", "203.0.113.1"),), lies=(lie, lie), copies=3)
    with in_thread(FakeUpstream()) as upstream:
        upstream.on("www.example", truth)
        fortress = Fortress(tmp_path, more=f"forward . {upstream.address}")
        with fortress.serving():
            assert answers(ask(fortress.address, "www.example", source=WEB)) == ["203.0.113.1"]


def test_what_upstreams_may_not_do(tmp_path: Path) -> None:
    def chain(length: int) -> Script:
        names = ["chain.example", *(f"c{n}.example" for n in range(length))]
        return Script(
            answer=(
                *(record(a, "CNAME", b) for a, b in itertools.pairwise(names)),
                record(names[-1], "A", "203.0.113.7"),
            )
        )

    scripts = {
        "loop.example": Script(answer=(record("loop.example", "CNAME", "loop.example"),)),
        "circle.example": Script(
            answer=(record("circle.example", "CNAME", "x.example"), record("x.example", "CNAME", "circle.example"))
        ),
        "chain.example": chain(100),
        "poison.example": Script(
            answer=(record("poison.example", "A", "203.0.113.5"), record("www.bank.example", "A", FORGED)),
            additional=(record("www.bank.example", "A", FORGED),),
            authority=(record("www.bank.example", "A", FORGED),),
        ),
        "many.example": Script(
            answer=tuple(record("many.example", "A", f"198.18.{n // 250}.{n % 250}") for n in range(1_000)), tc=True
        ),
        "closed.example": Script(answer=(record("closed.example", "A", FORGED),), tc=True, tcp=TcpTrick.CLOSE),
        "inside.example": Script(
            answer=(
                record("inside.example", "CNAME", "db.birch.svc.cluster.local"),
                record("db.birch.svc.cluster.local", "A", FORGED),
            )
        ),
        "www.bank.example": Script(answer=(record("www.bank.example", "A", "203.0.113.8"),)),
    }
    with in_thread(FakeUpstream()) as upstream:
        for name, script in scripts.items():
            upstream.on(name, script)
        fortress = Fortress(tmp_path, more=f"forward . {upstream.address}")
        with fortress.serving():

            def got(name: str, *, tcp: bool = False) -> dns.message.Message:
                reply = ask(fortress.address, name, source=WEB, tcp=tcp)
                assert FORGED not in reply.to_text()
                return reply

            for name in ("loop.example", "circle.example", "chain.example", "closed.example"):
                assert "A" not in {rdata.rdtype.name for rrset in got(name).answer for rdata in rrset}
            assert answers(got("poison.example")) == ["203.0.113.5"]
            assert answers(got("www.bank.example")) == ["203.0.113.8"]
            assert got("many.example").flags & dns.flags.TC
            assert len(answers(got("many.example", tcp=True))) == 1_000
            assert got("inside.example").rcode() == dns.rcode.NXDOMAIN


def test_a_whole_answer_comes_over_tcp_when_udp_was_too_short(tmp_path: Path) -> None:
    many = Script(answer=tuple(record("many.example", "A", f"198.18.0.{n}") for n in range(200)), tc=True)
    with in_thread(FakeUpstream()) as upstream:
        upstream.on("many.example", many)
        fortress = Fortress(tmp_path, more=f"forward . {upstream.address}")
        asked = question(b"\4many\7example\0")
        with fortress.serving(), fortress.udp(WEB) as sock:
            for size, limit in ((None, 512), (0, 512), (512, 512), (900, 900), (1232, 1232), (65535, 1232)):
                body = asked if size is None else asked + opt(size)
                sock.send(query(body, counts=(1, 0, 0, 0 if size is None else 1)))
                wire = sock.recv(65535)
                assert dns.message.from_wire(wire).flags & dns.flags.TC
                assert len(wire) <= limit
            assert len(answers(ask(fortress.address, "many.example", source=WEB, tcp=True))) == 200


@pytest.mark.parametrize("flags", [0x8100, 0x8180, 0xFFFF], ids=hex)
def test_replies_are_never_replied_to(tmp_path: Path, flags: int) -> None:
    fortress = Fortress(tmp_path)
    with fortress.serving(), fortress.udp(WEB) as sock:
        sock.send(query(question(WEB_NAME), number=1, flags=flags))
        sock.send(query(question(WEB_NAME), number=2))
        assert sock.recv(512)[:2] == b"\0\2"


@pytest.mark.parametrize("qtype", [251, 252], ids=["IXFR", "AXFR"])
def test_zones_are_not_given_away(tmp_path: Path, qtype: int) -> None:
    with in_thread(FakeUpstream()) as upstream:
        upstream.on("example", Script(answer=(record("example", "A", FORGED),)))
        fortress = Fortress(tmp_path, more=f"forward . {upstream.address}")
        with fortress.serving():
            for name in (WEB_NAME[4:], WEB_NAME[14:], b"\7example\0", b"\0"):
                with fortress.tcp(WEB) as stream:
                    stream.sendall(frame(query(question(name, qtype))))
                    reply = dns.message.from_wire(next(frames(stream)))
                assert not reply.answer
                assert reply.rcode() == dns.rcode.REFUSED, name
            assert not upstream.asked


@pytest.mark.parametrize(
    ("opcode", "rcode"),
    [(2, dns.rcode.NOTIMP), (4, dns.rcode.NOERROR), (5, dns.rcode.NOTIMP), (15, dns.rcode.NOTIMP)],
    ids=["STATUS", "NOTIFY", "UPDATE", "unknown"],
)
def test_other_opcodes_reach_nobody(tmp_path: Path, opcode: int, rcode: dns.rcode.Rcode) -> None:
    with in_thread(FakeUpstream()) as upstream:
        fortress = Fortress(tmp_path, more=f"forward . {upstream.address}")
        with fortress.serving(), fortress.udp(WEB) as sock:
            sock.send(query(question(b"\7example\0", 6), flags=opcode << 11))
            assert sock.recv(512)[3] & 0x0F == rcode
            assert not upstream.asked
