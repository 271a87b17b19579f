"""After any changes the index reads like a fresh one, and says exactly what reads differently."""

from __future__ import annotations

from cluster_worlds import SEED, Answer, Step, changes, index_of, read, without
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.index import NETWORKS, SERIAL, SYNC, Index
from dnspolicy.cluster.objects import Kind, key_of
from dnspolicy.model.answer import Dependencies, Rests
from dnspolicy.testing.clock import FakeClock


def differing(before: dict[str, Answer], after: dict[str, Answer]) -> list[str]:
    return [question for question in before if before[question].value != after[question].value]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(changes, max_size=6))
def test_it_reads_like_a_fresh_index_and_announces_what_moved(
    steps: list[Step],
) -> None:
    clock = FakeClock()
    index = Index(clock, Metrics())
    index.apply(SEED, (), tuple(Kind))
    heard: list[Dependencies] = []
    index.subscribe(heard.append)
    held = {key_of(item): item for item in SEED}
    before = read(index)
    for changed, removed, later in steps:
        clock.advance(float(later))
        held = without(held, changed, removed)
        heard.clear()
        serial = index.serial
        moved = index.apply(changed, removed)
        after = read(index)

        assert heard == ([moved] if moved else [])
        fresh = read(index_of(list(held.values())))
        assert {q: a.value for q, a in after.items()} == {q: a.value for q, a in fresh.items()}
        for question in differing(before, after):
            assert before[question].rests & moved, question
        assert (SERIAL in moved) == (index.serial != serial)
        assert index.serial >= serial
        before = after


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes, changes)
def test_nothing_is_announced_that_reads_the_same(first: Step, second: Step) -> None:
    index = index_of([*SEED, *first[0]])
    before = read(index)
    moved = index.apply(second[0], second[1])
    after = read(index)
    differ = {rest for question in differing(before, after) for rest in before[question].rests | after[question].rests}

    assert moved - {NETWORKS, SERIAL} <= differ


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes)
def test_what_is_there_already_moves_nothing(step: Step) -> None:
    index = index_of(step[0])
    last = list(without({}, step[0], []).values())
    heard: list[Dependencies] = []
    index.subscribe(heard.append)

    assert index.apply(last) == frozenset()
    assert heard == []


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes)
def test_nobody_is_external_before_the_cluster_is_loaded(step: Step) -> None:
    index = index_of(step[0], loaded=False)
    before = read(index)
    moved = index.apply((), (), tuple(Kind))
    after = read(index)

    assert SYNC in moved
    for question in differing(before, after):
        assert before[question].rests & moved, question
    assert {kind for kind, _ in moved} <= {Rests.CLUSTER, Rests.IP}
