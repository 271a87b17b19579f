"""The small plugins of a Corefile together, as their clients see them."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rdataclass
import pytest

from tests.e2e.process import PATIENCE, Server, eventually, free_port, get, own_ip, serving

FIRST = """
.:{port} {{
    bind {ip}
    metadata
    log . "{{name}} {{type}} {{class}} {{rcode}} {{>rflags}} {{/log/class}} {{local}}"
    local
    dns64 {{
        allow_ipv4
    }}
    any
    chaos dnspolicy-1.0 b@test a@test
    header {{
        response set ra
        response clear rd aa
    }}
    minimal
    bufsize 700
    hosts {{
        {crowd}
        2001:db8::1 both.test
        192.0.2.7 both.test
        192.0.2.8 four.test
    }}
}}
"""
CROWD = "\n".join(f"192.0.2.{n} crowd.test" for n in range(1, 100))


class Asked:
    def __init__(self, server: Server, place: tuple[str, int]) -> None:
        self.server = server
        self.place = place

    def __call__(self, words: str, **fields: object) -> dns.message.Message:
        name, rclass, kind = words.split()
        query = dns.message.make_query(name, kind, rclass, **fields)
        return dns.query.udp(query, *self.place[:1], port=self.place[1], timeout=PATIENCE)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    ip = own_ip()
    place = ip, free_port(ip)
    corefile = tmp_path_factory.mktemp("small") / "Corefile"
    corefile.write_text(FIRST.format(ip=ip, port=place[1], crowd=CROWD))
    with serving(corefile) as server:
        yield Asked(server, place)


def flags(reply: dns.message.Message) -> str:
    return dns.flags.to_text(reply.flags).lower()


def records(reply: dns.message.Message) -> list[str]:
    return [
        f"{rrset.ttl} {text}" for rrset in reply.answer for text in rrset.to_text().split(" ", 2)[2].split("\n")[:1]
    ]


@pytest.mark.parametrize(
    ("words", "expected", "said"),
    [
        pytest.param("localhost.shop.test IN A", ["604800 IN A 127.0.0.1"], "qr rd", id="local"),
        pytest.param("version.bind CH TXT", ['0 CH TXT "dnspolicy-1.0"'], "qr rd", id="chaos"),
        pytest.param("four.test IN ANY", ['8482 IN HINFO "ANY obsoleted" "See RFC 8482"'], "qr rd", id="any"),
        pytest.param("four.test IN AAAA", ["600 IN AAAA 64:ff9b::c000:208"], "qr ra", id="dns64"),
        pytest.param("both.test IN AAAA", ["3600 IN AAAA 2001:db8::1"], "qr ra", id="an address of its own"),
        pytest.param("four.test IN A", ["3600 IN A 192.0.2.8"], "qr ra", id="header"),
        pytest.param("four.test CH A", [], "qr rd", id="class CH goes no further"),
    ],
)
def test_answers_are_the_same_when_they_are_made_and_from_memory(
    asked: Asked, words: str, expected: list[str], said: str
) -> None:
    for _ in range(3):
        reply = asked(words)
        assert (records(reply), flags(reply)) == (expected, said)


@pytest.mark.parametrize(
    ("payload", "most"), [(4096, 700), (1232, 700), (600, 600), (0, 512)], ids=["4096", "1232", "600", "no EDNS"]
)
def test_replies_are_no_longer_than_bufsize(asked: Asked, payload: int, most: int) -> None:
    fields = {"use_edns": 0, "payload": payload} if payload else {}
    reply = asked("crowd.test IN A", **fields)
    assert "tc" in flags(reply)
    assert most - 32 < len(reply.to_wire()) <= most


def test_every_query_is_a_line(asked: Asked) -> None:
    out = asked.server.child.stdout
    assert out is not None
    for _ in range(2):
        asked("logged.test IN A")
        line = next(line for line in out if "logged" in line)
        assert line == f"[INFO] logged.test. A IN NXDOMAIN qr,ra denial {asked.place[0]}\n"


def test_lines_that_nobody_reads_are_counted(tmp_path: Path) -> None:
    ip = own_ip()
    port, metrics = free_port(ip), free_port(ip)
    corefile = tmp_path / "Corefile"
    corefile.write_text(f".:{port} {{\n bind {ip}\n log\n any\n prometheus {ip}:{metrics}\n}}\n")
    with serving(corefile) as server:
        assert server.child.stdout is not None
        server.child.stdout.close()
        asked = Asked(server, (ip, port))
        for _ in range(3):
            assert len(asked("a.test IN ANY").answer) == 1
        page = f"http://{ip}:{metrics}/metrics"
        eventually(lambda: "\ndnspolicy_log_lines_lost_total 3.0\n" in get(page)[1])
        assert server.terminate() == 0


def test_who_does_not_read_the_log_does_not_stop_the_server(tmp_path: Path) -> None:
    """A pipe holds some hundred lines; all queries after them are answered, and what is lost is counted and told."""
    ip = own_ip()
    port, metrics = free_port(ip), free_port(ip)
    corefile = tmp_path / "Corefile"
    corefile.write_text(f".:{port} {{\n bind {ip}\n log\n errors\n any\n prometheus {ip}:{metrics}\n}}\n")
    with serving(corefile) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect((ip, port))
        query = dns.message.make_query("a.test", "ANY").to_wire()
        for _ in range(500):
            for _ in range(100):
                sock.send(query)
            for _ in range(100):
                sock.recv(4096)
        lost = re.search(r"\ndnspolicy_log_lines_lost_total (\S+)\n", get(f"http://{ip}:{metrics}/metrics")[1])
        assert lost is not None
        assert 0 < float(lost[1]) < 50_000
        server.await_line("standard output is not being read")
        assert len([line for line in server.said if "is not being read" in line]) == 1
        assert server.child.stdout is not None
        lines = [next(server.child.stdout) for _ in range(50_001 - int(float(lost[1])))]
        assert lines[-1] == f"[WARNING] {int(float(lost[1]))} lines were dropped here, as nobody read them\n"
        assert server.terminate() == 0


def test_it_ends_though_nobody_reads_the_log(tmp_path: Path) -> None:
    ip = own_ip()
    port = free_port(ip)
    corefile = tmp_path / "Corefile"
    corefile.write_text(f".:{port} {{\n bind {ip}\n log\n any\n}}\n")
    with serving(corefile) as server:
        asked = Asked(server, (ip, port))
        for _ in range(2000):
            asked("a.test IN ANY")
        assert server.terminate() == 0


LOOPING = """
.:{port} {{
    bind {ip}
    loop
    cache
    errors
    {more}
    forward . {upstream}
}}
"""


@contextlib.contextmanager
def looping(folder: Path, ip: str, port: int, upstream: str, more: str = "") -> Iterator[Server]:
    corefile = folder / "Corefile"
    corefile.write_text(LOOPING.format(ip=ip, port=port, upstream=upstream, more=more))
    server = Server("--conf", str(corefile))
    try:
        yield server
    finally:
        server.kill()


def test_a_server_that_forwards_to_itself_says_so_and_ends(tmp_path: Path) -> None:
    ip = own_ip()
    port = free_port(ip)
    duck = f"health {ip}:0 {{\n lameduck 1h\n }}"
    with looping(tmp_path, ip, port, f"{ip}:{port}", duck) as server:
        assert server.wait() == 1
        pattern = rf'\[FATAL\] plugin/loop: Loop \(127\.[\d.]+:\d+ -> {ip}:{port}\) detected for zone "\.": '
        assert any(re.match(pattern, line) for line in server.said), server.said


def test_two_servers_that_forward_to_each_other_are_a_loop_too(tmp_path: Path) -> None:
    one, two = own_ip(), own_ip()
    ports = free_port(one), free_port(two)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with (
        looping(tmp_path / "one", one, ports[0], f"{two}:{ports[1]}") as first,
        looping(tmp_path / "two", two, ports[1], f"{one}:{ports[0]}") as second,
    ):
        ended = eventually(lambda: next((s for s in (first, second) if s.child.poll() is not None), None))
        assert ended.wait() == 1
        assert any("detected for zone" in line for line in ended.said)


def test_without_a_circle_the_server_goes_on(tmp_path: Path) -> None:
    ip = own_ip()
    with looping(tmp_path, ip, free_port(ip), f"{ip}:{free_port(ip)}") as server:
        server.await_line("is ready")
        assert server.terminate() == 0
