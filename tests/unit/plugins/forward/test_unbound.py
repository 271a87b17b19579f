"""Forwarding to a real Unbound, in the clear and over TLS."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from dnspolicy.corefile.schema import Duration
from dnspolicy.model.query import Edns, Transport
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.forward.attempt import Order
from dnspolicy.plugins.forward.config import HealthCheck
from tests.e2e.process import free_port
from tests.peers.find import find
from tests.unit.plugins.forward.certificates import NAME, make
from tests.unit.plugins.forward.lab import Lab, addresses, closed_port, run_on_both_loops, until

pytestmark = pytest.mark.real("unbound")
CONF = """
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: "{folder}/log"
  interface: 127.0.0.1@{port}
  interface: 127.0.0.1@{tls_port}
  tls-port: {tls_port}
  tls-service-key: "{key}"
  tls-service-pem: "{cert}"
  num-threads: 1
  local-zone: "lab.test." static
  local-data: "www.lab.test. 300 A 198.51.100.10"
  {many}
  local-zone: "refused.test." refuse
remote-control:
  control-enable: no
"""


class Unbound(msgspec.Struct, frozen=True):
    plain: str
    tls: str


@contextlib.asynccontextmanager
async def unbound(folder: Path) -> AsyncIterator[Unbound]:
    port, tls_port = free_port("127.0.0.1"), free_port("127.0.0.1")
    own = make(folder, "own", f"DNS:{NAME}")
    many = "\n  ".join(f'local-data: "big.lab.test. 300 A 10.0.{n // 250}.{n % 250}"' for n in range(1000))
    conf = folder / "unbound.conf"
    conf.write_text(CONF.format(folder=folder, port=port, tls_port=tls_port, key=own.key, cert=own.cert, many=many))
    process = await asyncio.create_subprocess_exec(str(find("unbound")), "-d", "-c", str(conf))
    try:
        async with asyncio.timeout(10):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", tls_port)
                    writer.transport.abort()
                    break
                await asyncio.sleep(0.05)
        yield Unbound(f"127.0.0.1:{port}", f"tls://127.0.0.1%{NAME}:{tls_port}")
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize("secure", [False, True], ids=["in the clear", "TLS"])
def test_answers_come_as_unbound_gives_them(secure: bool, tmp_path: Path) -> None:
    async def story() -> None:
        async with unbound(tmp_path) as server:
            lab = Lab(server.tls if secure else server.plain, tls=(str(tmp_path / "own.pem"),))
            for _ in range(3):
                assert addresses(await lab.ask(edns=Edns(1232, do=True))) == ["198.51.100.10"]
            assert len((await lab.ask("big.lab.test", transport=Transport.TCP)).answer) == 1000
            assert (await lab.ask("big.lab.test")).tc is not secure  # handed on as it is, to a client that comes again
            assert (await lab.ask("none.lab.test")).rcode == Rcode.NXDOMAIN
            assert (await lab.ask("refused.test")).rcode == Rcode.REFUSED
            answers = await asyncio.gather(*(lab.ask(f"n{n}.lab.test") for n in range(300)))
            assert {a.rcode for a in answers} == {Rcode.NXDOMAIN}
            assert lab.value("dnspolicy_forward_failures_total") == 0

    run_on_both_loops(story)


def test_the_wrong_name_is_no_answer(tmp_path: Path) -> None:
    async def story() -> None:
        async with unbound(tmp_path) as server:
            lab = Lab(server.tls.replace(NAME, "other.lab.test"), tls=(str(tmp_path / "own.pem"),))
            assert "certificate that is not believed" in (await lab.ask()).ede[0].text

    run_on_both_loops(story)


def test_one_that_stops_is_passed_over(tmp_path: Path) -> None:
    async def story() -> None:
        soon = HealthCheck(Duration(0.05))
        lab: Lab | None = None
        async with unbound(tmp_path) as server:
            lab = Lab(
                server.tls, closed_port(), tls=(str(tmp_path / "own.pem"),), policy=Order.SEQUENTIAL, health_check=soon
            )
            assert (await lab.ask()).rcode == Rcode.NOERROR
        assert (await lab.ask()).rcode == Rcode.SERVFAIL
        peer = lab.room._route.peers[0]
        await until(lambda: peer.down)

    run_on_both_loops(story)
