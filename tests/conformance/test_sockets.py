"""Every case asked of a running server over UDP and TCP, but for those that need an address a laptop does not have."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import pytest

from dnspolicy.testing.upstream import FakeUpstream, in_thread
from tests.conformance import process, suite, upstreams
from tests.conformance.fixtures import manifests
from tests.e2e.process import free_port

SUITE = suite.load()
SETUPS = {case.setup.name: case.setup for case in SUITE.cases}
CASES = {
    name: [c for c in SUITE.cases if c.setup.name == name and c.only != "room" and not c.needs_own_address]
    for name in SETUPS
}


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """The name servers around the server."""
    with contextlib.ExitStack() as stack:
        found = {}
        for name, held in SUITE.upstreams.items():
            upstream = FakeUpstream()
            for (owner, kind), script in upstreams.scripts(held).items():
                upstream.on(owner, script, qtype=kind)
            found[name] = stack.enter_context(in_thread(upstream)).address
        yield found


@pytest.mark.parametrize("setup", [pytest.param(s, id=s.name) for s in SETUPS.values() if CASES[s.name]])
def test_answers_as_replayed(setup: suite.Setup, addresses: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    folder.mkdir()
    (folder / "fixtures.yaml").write_text(manifests(SUITE.fixtures))
    address = process.own_address()
    port = free_port(address)
    path = tmp_path / "Corefile"
    source = f"manifests {folder}" if setup.synced else "endpoint http://127.0.0.1:1"
    path.write_text(process.corefile(setup, address, source, addresses))

    wrong = []
    with process.serving(path, port):
        for case in CASES[setup.name]:
            sent = dns.message.make_query(case.name, case.type, use_edns=0, payload=4096)
            for over in (dns.query.udp, dns.query.tcp, dns.query.udp):
                got = over(sent, address, port=port, timeout=10, one_rr_per_rrset=True)
                wrong += [f"{case.id} over {over.__name__}: {text}" for text in case.differences(sent, got)]
    assert wrong == []
