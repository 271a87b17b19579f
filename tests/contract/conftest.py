"""A cluster that is fake in `make test`, fake and real in `make test-real`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dnspolicy.testing.apiserver import FakeApiServer, in_thread
from tests.contract.clusters import Cluster, Fake, Real, fresh_namespace, namespace
from tests.real.cluster import PROGRAMS

BOTH = ("fake", pytest.param("real", marks=pytest.mark.real(*PROGRAMS)))


@pytest.fixture(params=BOTH)
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if request.param == "real":
        yield Real(request.getfixturevalue("real_cluster"))
        return
    with in_thread(FakeApiServer()) as threaded:
        yield Fake(threaded)


@pytest.fixture
def space(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own."""
    name = fresh_namespace()
    cluster.put(namespace(name))
    yield name
    cluster.empty(name)
