"""Every case asked of the kubernetes room alone, with the addresses the cases want the server to have."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import dns.message
import pytest

from tests.conformance import room, suite

OURS = suite.load()
THEIRS = suite.load(quirks=True)
Servers = dict[tuple[str, bool], room.RoomServer]


@cache
def cluster_objects() -> tuple[room.Object, ...]:
    return room.objects(OURS)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Servers:
    folder: Path = tmp_path_factory.mktemp("corefiles")
    setups = {(case.setup.name, case.setup.quirks): case.setup for case in (*OURS.cases, *THEIRS.cases)}
    held = cluster_objects()
    return {key: room.RoomServer(OURS, s, room.index(held, s), folder) for key, s in setups.items()}


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, id=c.id) for c in OURS.cases if c.only != "socket"]
    + [pytest.param(c, id=f"{c.id}-quirks") for c in THEIRS.cases if c.only != "socket"],
)
def test_answers_as_replayed(case: suite.Case, servers: Servers) -> None:
    sent = dns.message.make_query(case.name, case.type, use_edns=0, payload=4096)
    for _ in range(2):  # the second answer may come from what was prepared for the first
        got = servers[case.setup.name, case.setup.quirks].ask(sent)
        assert case.differences(sent, got) == []
