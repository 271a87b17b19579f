"""Which server block answers, and where it listens."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.process import answers, ask, free_port, get, own_ip, run, serving

COREFILE = """
(table) {{
    errors
}}

.:{one} example.:{two} {{
    bind {ip}
    import table
    hosts {{
        192.0.2.1 www.example www.shop.example www.deep.shop.example www.else.test
    }}
}}

shop.example:{one} {{
    bind {ip}
    hosts {{
        192.0.2.2 www.shop.example www.deep.shop.example
    }}
}}

deep.shop.example:{one} {{
    bind {ip}
    hosts {{
        192.0.2.3 www.deep.shop.example
    }}
}}

.:{one} {{
    bind {other}
    hosts {{
        192.0.2.4 www.shop.example
    }}
}}
"""


class Place:
    def __init__(self, folder: Path) -> None:
        self.ip, self.other = own_ip(), own_ip()
        self.one, self.two = free_port(self.ip), free_port(self.ip)
        self.corefile = folder / "Corefile"
        self.corefile.write_text(COREFILE.format(ip=self.ip, other=self.other, one=self.one, two=self.two))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("blocks"))
    with serving(made.corefile):
        yield made


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("www.example", "192.0.2.1"),
        ("www.else.test", "192.0.2.1"),
        ("www.shop.example", "192.0.2.2"),
        ("WWW.Shop.Example", "192.0.2.2"),
        ("www.deep.shop.example", "192.0.2.3"),
    ],
)
def test_the_longest_zone_answers(place: Place, name: str, address: str, tcp: bool) -> None:
    assert answers(ask((place.ip, place.one), name, tcp=tcp)) == [address]


@pytest.mark.parametrize(
    ("name", "rcode"), [("www.shop.example", "NOERROR"), ("www.else.test", "REFUSED"), (".", "REFUSED")]
)
def test_a_second_port_has_the_zones_that_name_it(place: Place, name: str, rcode: str) -> None:
    assert ask((place.ip, place.two), name).rcode().name == rcode


def test_an_address_has_the_blocks_that_are_bound_to_it(place: Place) -> None:
    assert answers(ask((place.other, place.one), "www.shop.example")) == ["192.0.2.4"]


def test_nothing_listens_elsewhere(place: Place) -> None:
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect((own_ip(), place.one))


def test_the_same_zone_twice_in_one_place_is_refused(tmp_path: Path) -> None:
    ip = own_ip()
    block = f"example:{free_port(ip)} {{\n bind {ip}\n hosts {{\n 192.0.2.1 a.example\n }}\n}}\n"
    path = tmp_path / "Corefile"
    path.write_text(block * 2)
    done = run("check", "--conf", str(path))
    assert done.returncode == 2
    assert "Corefile:7:" in done.stderr


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no ::1")
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_ipv6(tmp_path: Path, tcp: bool) -> None:
    port = free_port("::1")
    path = tmp_path / "Corefile"
    path.write_text(". {\n bind ::1\n hosts {\n 192.0.2.1 www.example\n 2001:db8::1 www.example\n }\n}\n")
    with serving(path, "--port", str(port)):
        assert answers(ask(("::1", port), "www.example", tcp=tcp)) == ["192.0.2.1"]
        assert answers(ask(("::1", port), "www.example", "AAAA", tcp=tcp)) == ["2001:db8::1"]


def test_a_reply_comes_from_the_address_that_was_asked(tmp_path: Path) -> None:
    port = free_port("0.0.0.0")
    path = tmp_path / "Corefile"
    path.write_text(". {\n hosts {\n 192.0.2.1 www.example\n }\n}\n")
    with serving(path, "--port", str(port)):
        for ip in ("127.0.0.1", own_ip()):
            # dnspython takes a reply from no other address
            assert answers(ask((ip, port), "www.example")) == ["192.0.2.1"]
            assert answers(ask((ip, port), "www.example", tcp=True)) == ["192.0.2.1"]


def test_metrics_and_log_name_the_address_that_was_bound(tmp_path: Path) -> None:
    """As CoreDNS 1.15.0 does: one server for each address, with its own counts."""
    one, two = own_ip(), own_ip()
    port, metrics = free_port(one), free_port(one)
    corefile = tmp_path / "Corefile"
    corefile.write_text(
        f".:{port} {{\n bind {one} {two}\n prometheus {one}:{metrics}\n hosts {{\n 192.0.2.1 a.test\n }}\n}}\n"
        f"other.test:{port} {{\n bind {two}\n prometheus {one}:{metrics}\n any\n}}\n"
    )
    with serving(corefile) as server:
        for ip, name, times in ((one, "a.test", 2), (two, "a.test", 3), (two, "x.other.test", 1)):
            for _ in range(times):
                ask((ip, port), name)
        page = get(f"http://{one}:{metrics}/metrics")[1].splitlines()
        told = [line for line in server.said if line.startswith("zones")]
    for ip, zone, count in ((one, ".", 2), (two, ".", 3), (two, "other.test.", 1)):
        labels = f'family="1",proto="udp",server="dns://{ip}:{port}",type="A",view="",zone="{zone}"'
        assert f"coredns_dns_requests_total{{{labels}}} {count}.0" in page
        plugin = "any" if zone != "." else "hosts"
        assert f'coredns_plugin_enabled{{name="{plugin}",server="dns://{ip}:{port}",view="",zone="{zone}"}} 1.0' in page
    assert told == [f"zones . on {one}, port {port}", f"zones ., other.test. on {two}, port {port}"]
