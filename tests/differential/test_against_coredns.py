"""A few thousand questions to CoreDNS and to this server, which serve the same cluster from the same API server."""

from __future__ import annotations

from collections import Counter

import pytest

from dnspolicy.testing.upstream import FakeUpstream, in_thread
from tests.conformance.fixtures import objects
from tests.conformance.upstreams import scripts
from tests.conftest import NETWORK
from tests.differential import world
from tests.differential.asking import ask_all
from tests.differential.questions import Question, made
from tests.differential.seen import differing, seen
from tests.differential.servers import ADDRESS, Setup, Trio, running, setups
from tests.differential.table import Table, load
from tests.real.cluster import ADMIN, PROGRAMS, RealCluster, kubeconfig
from tests.real.loading import loaded
from tests.real.space import holding

pytestmark = pytest.mark.real(NETWORK, "coredns", *PROGRAMS)

SEED = 1
STRANGER = "172.31.9.9"
"""A client that is no pod."""
SETUPS = setups()
_AT_ONCE = 200
"""Questions after which the next server has its turn, so that what is cached is about as old in all."""


class Compared:
    """What came of the whole run."""

    def __init__(self) -> None:
        self.table: Table = load()
        self.wrong: dict[str, list[str]] = {setup.name: [] for setup in SETUPS}
        self.counts: Counter[str] = Counter()

    def note(self, setup: Setup, question: Question, theirs: bytes | None, ours: bytes | None, *, quirky: bool) -> None:
        """Compare two replies."""
        who = "with quirks" if quirky else "plain"
        one, other = seen(theirs), seen(ours)
        found = differing(one, other, setup.slack)
        left = self.table.unexplained(setup.name, question, one, other, found, quirky=quirky)
        self.counts[f"{who}: asked"] += 1
        self.counts[f"{who}: equal"] += not found
        self.counts[f"{who}: explained"] += bool(found) and not left
        self.wrong[setup.name] += [
            f"{question} {who}, {part}:\n  CoreDNS: {one.get(part)}\n  ours:    {other.get(part)}" for part in left
        ]

    def told(self) -> str:
        lines = [f"{count:6} {what}" for what, count in sorted(self.counts.items())]
        used = self.table.used
        lines += [" plain quirks explained by"]
        lines += [f"{used[e.id, False]:6} {used[e.id, True]:6} {e.id}" for e in self.table.entries]
        return "\n".join(lines)


@pytest.fixture(scope="module")
def compared(real_cluster: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """Everything is asked once; the tests look at what came of it."""
    folder = tmp_path_factory.mktemp("differential")
    config = kubeconfig(folder / "kubeconfig", real_cluster.url, ADMIN, real_cluster.authority.certificate)
    upstream = FakeUpstream()
    for (owner, kind), script in scripts(world.upstream()).items():
        upstream.on(owner, script, qtype=kind)
    fixtures, found = world.fixtures(), Compared()
    with holding(ADDRESS, STRANGER), loaded(real_cluster.control, objects(fixtures)), in_thread(upstream):
        for setup in SETUPS:
            with running(setup, config, upstream.address, folder) as trio:
                _compare(setup, trio, made(fixtures, setup.questions, SEED), found)
    return found


def _compare(setup: Setup, trio: Trio, questions: list[Question], found: Compared) -> None:
    for at in range(0, len(questions), _AT_ONCE):
        part = questions[at : at + _AT_ONCE]
        theirs, ours, quirky = (
            ask_all(setup.client, server, part) for server in (trio.coredns, trio.ours, trio.quirky)
        )
        for question, one, other, third in zip(part, theirs, ours, quirky, strict=True):
            found.note(setup, question, one, other, quirky=False)
            found.note(setup, question, one, third, quirky=True)


@pytest.mark.parametrize("setup", [pytest.param(setup, id=setup.name) for setup in SETUPS])
def test_same_answers(setup: Setup, compared: Compared) -> None:
    wrong = compared.wrong[setup.name]
    assert not wrong, "\n".join([f"{len(wrong)} differences that nothing explains", *wrong[:10]])


def test_every_entry_of_the_table_is_needed(compared: Compared, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{compared.told()}")
    used = {name for name, _ in compared.table.used}
    assert [entry.id for entry in compared.table.entries if entry.id not in used] == []


def test_most_answers_are_the_same(compared: Compared) -> None:
    """The table explains exceptions; nobody may make it explain everything."""
    counts = compared.counts
    assert counts["plain: asked"] > 10_000
