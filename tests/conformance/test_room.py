"""Every case asked of the kubernetes room alone, with the addresses the cases want the server to have."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import dns.message
import pytest

from tests.conformance import room, suite

SUITE = suite.load()


@cache
def cluster_objects() -> tuple[room.Object, ...]:
    return room.objects(SUITE)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, room.RoomServer]:
    folder: Path = tmp_path_factory.mktemp("corefiles")
    setups = {case.setup.name: case.setup for case in SUITE.cases}
    held = cluster_objects()
    return {n: room.RoomServer(SUITE, s, room.index(held, s), folder) for n, s in setups.items()}


@pytest.mark.parametrize("case", [pytest.param(c, id=c.id) for c in SUITE.cases if c.only != "socket"])
def test_answers_as_replayed(case: suite.Case, servers: dict[str, room.RoomServer]) -> None:
    sent = dns.message.make_query(case.name, case.type, use_edns=0, payload=4096)
    for _ in range(2):  # the second answer may come from what was prepared for the first
        got = servers[case.setup.name].ask(sent)
        assert case.differences(sent, got) == []
