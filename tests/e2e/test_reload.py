"""A changed Corefile is taken up while questions keep coming."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dns.exception import DNSException

from dnspolicy.testing.upstream import FakeUpstream, Script, in_thread, record
from tests.e2e.process import Server, answers, ask, eventually, free_port, get, own_ip, serving
from tests.e2e.world import WEB, World

NAME = "www.shop.example"
HOSTS = ".:{port} {{\n bind {ip}\n hosts {{\n {address} www.shop.example\n }}\n {more}\n}}\n"


class Site:
    """A Corefile that says one address, and where it is served."""

    def __init__(self, folder: Path, more: str = "") -> None:
        ip = own_ip()
        self.server = (ip, free_port(ip))
        self.corefile = folder / "Corefile"
        self.more = more
        self.say("192.0.2.1")

    def say(self, address: str, **changed: object) -> None:
        ip, port = self.server
        words = {"ip": ip, "port": port, "address": address, "more": self.more} | changed
        self.corefile.write_text(HOSTS.format(**words))

    def said(self) -> list[str]:
        return answers(ask(self.server, NAME))


def look(server: Server) -> None:
    server.child.send_signal(signal.SIGUSR1)


@contextmanager
def asking(server: tuple[str, int]) -> Iterator[list[str]]:
    """Ask without a pause over UDP and TCP; what came back, in order, or what went wrong."""
    heard: list[str] = []
    over = threading.Event()

    def go_on(tcp: bool) -> None:
        while not over.is_set():
            try:
                heard.extend(answers(ask(server, NAME, tcp=tcp)) or ["nothing"])
            except (OSError, DNSException) as problem:
                heard.append(repr(problem))

    threads = [threading.Thread(target=go_on, args=(tcp,)) for tcp in (False, True)]
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_no_question_is_lost_while_the_configuration_is_replaced(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with serving(site.corefile) as server, asking(site.server) as heard:
        for number in range(2, 8):
            site.say(f"192.0.2.{number}")
            look(server)
            eventually(lambda number=number: site.said() == [f"192.0.2.{number}"])  # type: ignore[misc]
    assert set(heard) == {f"192.0.2.{number}" for number in range(1, 8)}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(".:53 {\n hots\n}\n", "Corefile:2:2: unknown plugin", id="unknown directive"),
        pytest.param(".:53 {\n hosts {\n", "Corefile:2:8: ", id="half written"),
        pytest.param("", "there is no server block", id="empty"),
        pytest.param(".:53 {\n policy {\n  rego nowhere\n }\n}\n", "Corefile:2:2: no such folder", id="no policy"),
    ],
)
def test_a_bad_file_keeps_what_is_in_force(tmp_path: Path, text: str, complaint: str) -> None:
    port = free_port("127.0.0.1")
    site = Site(tmp_path, f"prometheus 127.0.0.1:{port}")
    with serving(site.corefile) as server:
        site.corefile.write_text(text)
        look(server)
        server.await_line("the configuration in force stays")
        assert any(complaint in line for line in eventually(lambda: [x for x in server.said if complaint in x]))
        assert site.said() == ["192.0.2.1"]
        assert "coredns_reload_failed_total 1.0" in get(f"http://127.0.0.1:{port}/metrics")[1]
        site.say("192.0.2.9")
        look(server)
        eventually(lambda: site.said() == ["192.0.2.9"])


def test_a_config_map_is_swapped(tmp_path: Path) -> None:
    """As the kubelet does it: the file is a link through `..data`, which is replaced as a whole."""
    site = Site(tmp_path, "reload 2s 0s")
    for number in (1, 2):
        (tmp_path / f"..{number}").mkdir()
        site.say(f"192.0.2.{number}")
        site.corefile.rename(tmp_path / f"..{number}" / "Corefile")
    (tmp_path / "..data").symlink_to("..1")
    site.corefile.symlink_to("..data/Corefile")
    with serving(site.corefile):
        assert site.said() == ["192.0.2.1"]
        (tmp_path / "..data_tmp").symlink_to("..2")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        eventually(lambda: site.said() == ["192.0.2.2"])


def test_a_file_that_an_import_finds_anew_counts(tmp_path: Path) -> None:
    site = Site(tmp_path, "reload 2s 0s")
    site.corefile.write_text(site.corefile.read_text() + "import more/*.conf\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "none.conf").write_text("")
    port = free_port(site.server[0])
    with serving(site.corefile) as server:
        (tmp_path / "more" / "one.conf").write_text(
            HOSTS.format(ip=site.server[0], port=port, address="192.0.2.77", more="")
        )
        server.await_line("is in force")
        assert answers(ask((site.server[0], port), NAME)) == ["192.0.2.77"]


def test_listening_elsewhere(tmp_path: Path) -> None:
    """From one address to all, to another port, and back."""
    site = Site(tmp_path)
    ip, port = site.server
    other = free_port(ip)
    with serving(site.corefile) as server:
        site.corefile.write_text(f".:{port} .:{other} {{\n hosts {{\n 192.0.2.5 {NAME}\n }}\n}}\n")
        look(server)
        server.await_line("is in force")
        for place in ((ip, port), (ip, other), ("127.0.0.1", port)):
            for tcp in (False, True):
                assert answers(ask(place, NAME, tcp=tcp)) == ["192.0.2.5"]
        site.say("192.0.2.6")
        look(server)
        for tcp in (False, True):
            eventually(lambda tcp=tcp: answers(ask(site.server, NAME, tcp=tcp)) == ["192.0.2.6"])  # type: ignore[misc]
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 1):
            pass


def test_a_port_that_cannot_be_had_closes_nothing(tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    site = Site(tmp_path, f"health 127.0.0.1:{port}")
    with serving(site.corefile) as server, socket.create_server(("127.0.0.1", 0)) as taken:
        site.say("192.0.2.2", more=f"health 127.0.0.1:{taken.getsockname()[1]}")
        look(server)
        server.await_line("the configuration in force stays")
        assert site.said() == ["192.0.2.1"]
        assert get(f"http://127.0.0.1:{port}/health")[0] == 200


def test_what_is_under_way_gets_its_answer(tmp_path: Path) -> None:
    slow = Script(answer=(record("slow.example", "A", "203.0.113.9"),), delay=1.5)
    with in_thread(FakeUpstream()) as upstream:
        upstream.on("slow.example", slow)
        site = Site(tmp_path)
        ip, port = site.server
        text = f".:{port} {{\n bind {ip}\n hosts {{\n %s {NAME}\n fallthrough\n }}\n forward . {upstream.address}\n}}\n"
        site.corefile.write_text(text % "192.0.2.1")
        got: list[list[str]] = []
        with serving(site.corefile) as server:
            thread = threading.Thread(target=lambda: got.append(answers(ask(site.server, "slow.example"))))
            thread.start()
            site.corefile.write_text(text % "192.0.2.2")
            look(server)
            eventually(lambda: site.said() == ["192.0.2.2"])
            thread.join()
    assert got == [["203.0.113.9"]]


def test_the_audit_stream_goes_on(tmp_path: Path) -> None:
    world = World(tmp_path)
    with serving(world.corefile) as server:
        for number in (1, 2):
            ask(world.server, NAME, source=WEB)
            world.corefile.write_text(world.corefile.read_text() + f"# {number}\n")
            look(server)
            eventually(lambda number=number: sum("is in force" in line for line in server.said) == number)  # type: ignore[misc]
        ask(world.server, NAME, source=WEB)
    records = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [r["seq"] for r in records] == list(range(records[0]["seq"], records[0]["seq"] + len(records)))
    assert len({r["instance"] for r in records}) == 1
