"""For all tests. Of those that need real programs: which are left out, and that it is said loudly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.peers.find import missing
from tests.real.cluster import RealCluster
from tests.real.space import has_own_network

NETWORK = "network"
"""Stands among the programs of a `real` mark for a network namespace of its own."""
_LACKING = pytest.StashKey[Counter[tuple[str, str]]]()

settings.register_profile("untimed", deadline=None)  # nothing is asserted about time, of examples neither
settings.load_profile("untimed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[_LACKING] = lacking = Counter()
    if config.option.markexpr != "real":
        return
    for item in items:
        needs = {name for mark in item.iter_markers("real") for name in mark.args}
        lost = missing(*sorted(needs - {NETWORK}))
        if NETWORK in needs and not has_own_network():
            lost.append("a network namespace")
        if lost:
            lacking[item.location[0], ", ".join(lost)] += 1
            item.add_marker(pytest.mark.skip(reason=f"missing: {', '.join(lost)}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lacking = config.stash.get(_LACKING, Counter())
    if lacking:
        terminalreporter.section("NOT RUN", red=True, bold=True)
        for (file, lost), count in sorted(lacking.items()):
            terminalreporter.line(f"not run: {count} tests of {file}: {lost} missing; make peers", red=True)


@pytest.fixture(scope="session")
def real_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """One for the whole run, because it takes seconds to start. `limited` is a token and its user."""
    yield from _cluster(tmp_path_factory, streams=True)


@pytest.fixture(scope="session")
def paging_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """The same, as servers were before they could send a list as the beginning of a watch."""
    yield from _cluster(tmp_path_factory, streams=False)


@pytest.fixture
def big_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """One that need not be emptied again, which would take as long as filling it."""
    yield from _cluster(tmp_path_factory, streams=True)


def _cluster(folders: pytest.TempPathFactory, *, streams: bool) -> Iterator[RealCluster]:
    cluster = RealCluster(folders.mktemp("cluster"), {"limited": "limited"}, streams=streams)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()
