"""Zones handed out by the installed command, and a secondary that is told of changes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone
import pytest

from tests.e2e.process import PATIENCE, answers, ask, eventually, free_port, own_ip, run, serving

COREFILE = """
.:{port} {{
    bind {ip}
    loadbalance
    cache
    file {folder}/lab lab.test {{
        reload 100ms
    }}
    transfer lab.test {{
        to {secondary} 127.0.0.0/8
    }}
    file {folder}/closed closed.test
    transfer closed.test {{
        to 192.0.2.1
    }}
    kubernetes cluster.local {{
        manifests {folder}/cluster
    }}
    transfer cluster.local {{
        to *
    }}
}}
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {{namespace: shop, name: s{n}}}
spec:
  {{type: ClusterIP, clusterIP: {ip}, clusterIPs: [{ip}], ports: [{{name: http, port: 80, protocol: TCP}}]}}
"""
COUNT = 2_000
END = b"end"


def zone(serial: int) -> str:
    return f"@ 60 SOA ns h {serial} 1 1 1 60\n@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.{serial}\nmail MX 10 www\n"


class Place:
    def __init__(self, folder: Path) -> None:
        self.ip = own_ip()
        self.port = free_port(self.ip)
        self.folder = folder
        self.secondary = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.secondary.bind((self.ip, 0))
        self.heard: list[str] = []
        (folder / "cluster").mkdir()
        services = (SERVICE.format(n=n, ip=f"10.96.{n // 250}.{n % 250 + 1}") for n in range(COUNT))
        (folder / "cluster" / "all.yaml").write_text(NAMESPACE + "".join(services))
        (folder / "lab").write_text(zone(7))
        (folder / "closed").write_text(zone(7))
        self.corefile = folder / "Corefile"
        secondary = "{}:{}".format(*self.secondary.getsockname())
        self.corefile.write_text(COREFILE.format(ip=self.ip, port=self.port, folder=folder, secondary=secondary))

    @property
    def server(self) -> tuple[str, int]:
        return self.ip, self.port

    def listen(self) -> None:
        """Acknowledge announcements until told to end."""
        while True:
            wire, sender = self.secondary.recvfrom(4096)
            if wire == END:
                return
            message = dns.message.from_wire(wire)
            assert message.opcode() == dns.opcode.NOTIFY
            self.heard.append(message.question[0].name.to_text())
            self.secondary.sendto(dns.message.make_response(message).to_wire(), sender)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("transfers"))
    listener = threading.Thread(target=made.listen)
    listener.start()
    with serving(made.corefile):
        yield made
    made.secondary.sendto(END, made.secondary.getsockname())
    listener.join(PATIENCE)
    made.secondary.close()


def messages(place: Place, query: dns.message.Message) -> Iterator[dns.message.Message]:
    """The messages of a transfer, until its SOA comes a second time or an error."""
    with socket.create_connection(place.server, timeout=PATIENCE) as sock:
        dns.query.send_tcp(sock, query)
        soas = 0
        while soas < 2:
            message, _ = dns.query.receive_tcp(sock, one_rr_per_rrset=True)
            yield message
            soas += sum(rrset.rdtype == dns.rdatatype.SOA for rrset in message.answer)
            if message.rcode() or not soas or (soas == 1 and len(message.answer) == 1):
                return


def transferred(place: Place, name: str, serial: int | None = None) -> list[str]:
    query = dns.message.make_query(name, "AXFR" if serial is None else "IXFR")
    if serial is not None:
        query.authority.append(dns.rrset.from_text(name, 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
    found = []
    for message in messages(place, query):
        assert (message.rcode(), message.flags & dns.flags.TC) == (dns.rcode.NOERROR, 0)
        found += [rrset.to_text() for rrset in message.answer]
    return found


def test_a_zone_file_is_handed_out_and_another_server_could_load_it(place: Place) -> None:
    found = transferred(place, "lab.test.")
    assert found[0] == found[-1]
    held = dns.zone.from_text("\n".join(found[:-1]), "lab.test.", relativize=False)
    assert held.find_rdataset("mail.lab.test.", "MX").to_text() == "60 IN MX 10 www.lab.test."


def test_a_large_zone_of_the_cluster_arrives_whole(place: Place) -> None:
    found = transferred(place, "cluster.local.")
    assert sum(" IN A 10.96." in text for text in found) == COUNT
    assert sum(" IN SRV " in text for text in found) == COUNT * 2
    assert len(list(messages(place, dns.message.make_query("cluster.local.", "AXFR")))) > 3


def test_ixfr_with_the_serial_of_now_is_one_record(place: Place) -> None:
    serial = int(transferred(place, "cluster.local.")[0].split()[6])
    assert len(transferred(place, "cluster.local.", serial)) == 1
    assert len(transferred(place, "cluster.local.", serial - 1)) > COUNT


@pytest.mark.parametrize(
    ("name", "tcp"), [("closed.test", True), ("lab.test", False), ("cluster.local", False)],
    ids=["not-in-to", "udp", "udp-cluster"],
)  # fmt: skip
def test_nobody_else_gets_one(place: Place, name: str, tcp: bool) -> None:
    reply = ask(place.server, name, "AXFR", tcp=tcp)
    assert (reply.rcode(), reply.answer) == (dns.rcode.REFUSED, [])


def test_secondaries_are_told_and_new_answers_are_given(place: Place) -> None:
    eventually(lambda: place.heard)
    before = len(place.heard)
    assert answers(ask(place.server, "www.lab.test")) == ["10.0.0.7"]
    (place.folder / "next").write_text(zone(8))
    (place.folder / "next").rename(place.folder / "lab")
    eventually(lambda: answers(ask(place.server, "www.lab.test")) == ["10.0.0.8"])
    eventually(lambda: len(place.heard) > before)
    assert set(place.heard) == {"lab.test."}
    assert transferred(place, "lab.test.", 7)[0].split()[6] == "8"


def test_a_half_written_zone_changes_nothing(place: Place) -> None:
    before = answers(ask(place.server, "www.lab.test"))
    (place.folder / "lab").write_text(zone(9)[:60] + "\nwww A 10.0")
    eventually(lambda: answers(ask(place.server, "www.lab.test")) == before)
    (place.folder / "lab").write_text(zone(10))
    eventually(lambda: answers(ask(place.server, "www.lab.test")) == ["10.0.0.10"])


def test_a_broken_zone_stops_the_start_and_is_placed(tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("@ 60 SOA ns h 1 1 1 1 1\n\nwww A bad\n")
    (tmp_path / "Corefile").write_text("lab.test:5353 {\n    file lab\n}\n")
    done = run("check", "--conf", str(tmp_path / "Corefile"))
    assert done.returncode != 0
    assert f"Corefile:2:5: {tmp_path / 'lab'}:3: 'bad'" in done.stdout + done.stderr
