"""Every case asked of a server at the addresses the cases want it to have, with the cluster from a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import pytest

from tests.conformance import process, suite
from tests.conformance.fixtures import objects
from tests.conformance.test_sockets import SETUPS, SUITE, addresses
from tests.conftest import NETWORK
from tests.e2e.process import free_port
from tests.real.cluster import ADMIN, PROGRAMS, RealCluster, kubeconfig
from tests.real.loading import loaded
from tests.real.space import holding

pytestmark = pytest.mark.real(NETWORK, *PROGRAMS)

__all__ = ["addresses"]
LIMITED = "limited"
"""A user who may not see EndpointSlices, so that a server that is one never has the whole cluster."""


@pytest.fixture(scope="module")
def credentials(real_cluster: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A kubeconfig for each user, while the fixtures are there."""
    folder = tmp_path_factory.mktemp("credentials")
    real_cluster.grant(LIMITED, "namespaces", "services")
    with loaded(real_cluster.control, objects(SUITE.fixtures)):
        yield {
            user: kubeconfig(folder / user, real_cluster.url, user, real_cluster.authority.certificate)
            for user in (ADMIN, LIMITED)
        }
    real_cluster.grant(LIMITED)


@pytest.mark.parametrize("setup", [pytest.param(setup, id=setup.name) for setup in SETUPS.values()])
def test_answers_as_replayed(
    setup: suite.Setup, credentials: dict[str, Path], addresses: dict[str, str], tmp_path: Path
) -> None:
    cases = [case for case in SUITE.cases if case.setup.name == setup.name]
    port = free_port("127.0.0.1")
    path = tmp_path / "Corefile"
    source = f"kubeconfig {credentials[ADMIN if setup.synced else LIMITED]}"
    path.write_text(process.corefile(setup, " ".join(setup.local_ips), source, addresses))
    wrong = []
    with holding(*setup.local_ips), process.serving(path, port):
        for case in cases:
            sent = dns.message.make_query(case.name, case.type, use_edns=0, payload=4096)
            for over in (dns.query.udp, dns.query.tcp, dns.query.udp):
                got = over(sent, setup.local_ips[0], port=port, timeout=10, one_rr_per_rrset=True)
                wrong += [f"{case.id} over {over.__name__}: {text}" for text in case.differences(sent, got)]
    assert wrong == []
