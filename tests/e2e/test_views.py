"""Server blocks of one zone and port, chosen by who asks and by what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.edns
import dns.rcode
import pytest
import yaml

from tests.e2e.process import NOT_READY, Server, answers, ask, free_port, own_ip, run, serving
from tests.scenarios.cluster import manifests, merged

BLOCK = """
.:{port} {{
    bind {ip}
    {lines}
    hosts {{
        {address} who.test other.test
    }}
}}
"""
VIEWS = (
    ("192.0.2.30", "view address {\n expr incidr(client_ip(), '127.10.5.1/32')\n }"),
    ("192.0.2.31", "view name {\n expr name() matches '^other[.]' && type() in ['A', 'AAAA']\n }"),
    ("192.0.2.32", "metadata\n view shop {\n expr metadata('kubernetes/client-namespace') == 'shop'\n }"),
    ("192.0.2.33", "view tcp {\n expr proto() == 'tcp'\n expr !do()\n }"),
    ("192.0.2.34", ""),
)
KUBERNETES = "\n kubernetes cluster.local {\n manifests cluster\n pods verified\n }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    folder = tmp_path_factory.mktemp("views")
    ip = own_ip()
    port = free_port(ip)
    (folder / "cluster").mkdir()
    cluster = merged({}, {"namespaces": {"shop": {}}, "pods": {"shop/a": "127.10.6.1"}})
    (folder / "cluster" / "cluster.yaml").write_text(yaml.safe_dump_all(manifests(cluster)))
    (folder / "Corefile").write_text(
        "".join(
            BLOCK.format(port=port, ip=ip, address=address, lines=lines + (KUBERNETES if "metadata" in lines else ""))
            for address, lines in VIEWS
        )
    )
    with serving(folder / "Corefile"):
        yield ip, port


@pytest.mark.parametrize(
    ("source", "name", "tcp", "address"),
    [
        pytest.param("127.10.5.1", "who.test", False, "192.0.2.30", id="address"),
        pytest.param("127.10.5.1", "other.test", False, "192.0.2.30", id="the first that takes it"),
        pytest.param("127.10.5.2", "other.test", False, "192.0.2.31", id="name"),
        pytest.param("127.10.6.1", "who.test", False, "192.0.2.32", id="label of the client"),
        pytest.param("127.10.6.1", "Other.Test", True, "192.0.2.31", id="letters do not count"),
        pytest.param("127.10.5.2", "who.test", True, "192.0.2.33", id="transport"),
        pytest.param("127.10.5.2", "who.test", False, "192.0.2.34", id="the rest"),
    ],
)
def test_who_gets_what(server: tuple[str, int], source: str, name: str, tcp: bool, address: str) -> None:
    for _ in range(3):  # made, remembered, from memory
        assert answers(ask(server, name, source=source, tcp=tcp)) == [address]


def test_complaint_about_an_expression(tmp_path: Path) -> None:
    corefile = tmp_path / "Corefile"
    corefile.write_text(".:5353 {\n view one {\n  expr type() == 'A' && nam() == 'x'\n }\n}\n")
    done = run("check", "--conf", str(corefile))
    assert done.returncode
    assert f"{corefile}:3:25: expr: nothing is called nam" in done.stdout + done.stderr


def test_nobody_is_taken_for_somebody_else_before_the_cluster_is_loaded(tmp_path: Path) -> None:
    ip = own_ip()
    port = free_port(ip)
    lines = "metadata\n view shop {\n expr metadata('kubernetes/client-namespace') == 'shop'\n }\n"
    cluster = (
        f"kubernetes cluster.local {{\n endpoint http://{ip}:{free_port(ip)}\n startup_timeout 1s\n pods verified\n }}"
    )
    blocks = BLOCK.format(port=port, ip=ip, address="192.0.2.1", lines=lines + cluster) + BLOCK.format(
        port=port, ip=ip, address="192.0.2.2", lines=""
    )
    elsewhere = BLOCK.format(port=port, ip=ip, address="192.0.2.3", lines="").replace(".:", "other.test:", 1)
    elsewhere += (
        f'alias.test:{port} {{\n bind {ip}\n template IN A {{\n answer "alias.test 5 IN CNAME who.test"\n }}\n}}\n'
    )
    (tmp_path / "Corefile").write_text(elsewhere + blocks.replace(".:", "who.test:"))
    server = Server("--conf", str(tmp_path / "Corefile"))
    try:
        server.await_line(NOT_READY)
        reply = ask((ip, port), "who.test")
        assert reply.rcode() == dns.rcode.SERVFAIL
        assert reply.extended_errors()[0].code == dns.edns.EDECode.NOT_READY
        assert answers(ask((ip, port), "alias.test")) == ["who.test."]
        assert answers(ask((ip, port), "other.test")) == ["192.0.2.3"]
    finally:
        server.kill()
