"""The course of a question, without sockets."""

from __future__ import annotations

import random

import pytest

from dnspolicy.model.query import Transport
from dnspolicy.plugins.forward.attempt import USUAL_LIMITS, Attempts, Limits, Order, Ranking
from dnspolicy.plugins.forward.peer import Peer, Settings
from dnspolicy.plugins.forward.upstreams import parse_upstream

NOW = 100.0


def peer(number: int, max_fails: int = 2) -> Peer:
    return Peer(parse_upstream(f"192.0.2.{number}"), Settings(max_fails=max_fails))


A, B, C = map(peer, (1, 2, 3))


def attempts(
    *peers: Peer, seconds: float = 5.0, transport: Transport = Transport.UDP, limits: Limits = USUAL_LIMITS
) -> Attempts:
    return Attempts(list(peers), transport, NOW + seconds, NOW, limits)


def silence(course: Attempts) -> list[tuple[str, float]]:
    """Who is asked, and when, if nobody ever says anything."""
    now, asked = NOW, []
    while (step := course.next(now)) is not None:
        asked.append((step.peer.ip[-1], round(now - NOW, 2)))
        now += step.seconds
        course.silent(step.peer)
    return asked


@pytest.mark.parametrize(
    ("upstreams", "seconds", "want"),
    [
        pytest.param([A], 5.0, [("1", 0.0), ("1", 1.67), ("1", 3.33)], id="one is asked three times"),
        pytest.param([A, B], 5.0, [("1", 0.0), ("2", 1.67), ("1", 3.33)], id="two take turns"),
        pytest.param([A, B, C], 5.0, [("1", 0.0), ("2", 1.67), ("3", 3.33)], id="three once each"),
        pytest.param([A, B, C], 0.3, [("1", 0.0), ("2", 0.1), ("3", 0.2)], id="a short budget is shared"),
        pytest.param([A], 0.0, [], id="no budget"),
        pytest.param([], 5.0, [], id="nobody to ask"),
    ],
)
def test_silence(upstreams: list[Peer], seconds: float, want: list[tuple[str, float]]) -> None:
    assert silence(attempts(*upstreams, seconds=seconds)) == want


@pytest.mark.parametrize(
    ("limits", "want"),
    [
        pytest.param(Limits(0.5), [("1", 0.0), ("2", 0.5), ("1", 1.0)], id="read_timeout"),
        pytest.param(Limits(9.0), [("1", 0.0), ("2", 1.67), ("1", 3.33)], id="longer than there is time"),
        pytest.param(Limits(2.0, 1), [("1", 0.0)], id="one attempt"),
        pytest.param(Limits(2.0, 2), [("1", 0.0), ("2", 2.0)], id="two attempts"),
        pytest.param(Limits(1.0, 0), [("1", 0.0), ("2", 1.0), ("1", 2.0), ("2", 3.0), ("1", 4.0)], id="no limit"),
    ],
)
def test_limits(limits: Limits, want: list[tuple[str, float]]) -> None:
    assert silence(attempts(A, B, limits=limits)) == want


def test_with_a_limit_failures_count_too() -> None:
    course = attempts(A, B, C, limits=Limits(2.0, 2))
    for upstream in (A, B):
        step = course.next(NOW)
        assert step is not None
        assert step.peer is upstream
        course.failed(upstream, "connection refused")
    assert course.next(NOW) is None


def test_one_behind_tls_is_never_asked_in_the_clear() -> None:
    secure = Peer(parse_upstream("tls://192.0.2.1"))
    course = attempts(secure)
    course.disliked_edns(secure, Transport.TCP)
    while (step := course.next(NOW)) is not None:
        assert step.transport is Transport.TCP


def test_many_silent_upstreams_are_all_asked_within_the_budget() -> None:
    many = [peer(n) for n in range(1, 16)]
    course = attempts(*many)
    now, asked = NOW, set()
    while (step := course.next(now)) is not None:
        asked.add(step.peer)
        now += step.seconds
    assert asked == set(many)
    assert now <= NOW + 5


def test_one_that_failed_is_not_asked_again_and_costs_the_others_no_turn() -> None:
    course = attempts(A, B)
    first = course.next(NOW)
    assert first is not None
    course.failed(A, "connection refused")
    assert silence(course) == [("2", 0.0), ("2", 1.67), ("2", 3.33)]


def test_nothing_is_left_when_all_failed() -> None:
    course = attempts(A, B)
    for upstream in (A, B):
        assert course.next(NOW) is not None
        course.failed(upstream, "connection refused")
    assert course.next(NOW) is None
    assert not course.heard_nothing
    assert course.story() == "192.0.2.1:53 connection refused, 192.0.2.2:53 connection refused"


def test_truncation_asks_the_same_upstream_over_tcp_before_others() -> None:
    course = attempts(A, B)
    course.next(NOW)
    course.truncated(A)
    step = course.next(NOW)
    assert step is not None
    assert (step.peer, step.transport) == (A, Transport.TCP)
    other = course.next(NOW)
    assert other is not None
    assert (other.peer, other.transport) == (B, Transport.UDP)


def test_edns_is_left_out_once_for_one_that_does_not_know_it() -> None:
    course = attempts(A)
    first = course.next(NOW)
    course.disliked_edns(A, Transport.UDP)
    course.disliked_edns(A, Transport.UDP)
    second, third = course.next(NOW), course.next(NOW)
    assert first is not None
    assert second is not None
    assert third is not None
    assert [s.edns for s in (first, second, third)] == [True, False, False]
    assert course.next(NOW) is not None
    assert course.next(NOW) is None


def test_story_names_at_most_three() -> None:
    course = attempts(*map(peer, range(1, 6)))
    while (step := course.next(NOW)) is not None:
        course.silent(step.peer)
    assert course.heard_nothing
    assert course.story().endswith("192.0.2.3:53 did not answer in time, and 2 more")


class TestRanking:
    def arrange(self, order: Order, *peers: Peer, chance: int = 1) -> str:
        ranking = Ranking(random.Random(chance))
        return "".join(u.ip[-1] for u in ranking.arrange(peers or (A, B, C), order))

    def test_sequential(self) -> None:
        assert self.arrange(Order.SEQUENTIAL) == "123"

    def test_round_robin(self) -> None:
        ranking = Ranking(random.Random(1))
        found = ["".join(u.ip[-1] for u in ranking.arrange((A, B, C), Order.ROUND_ROBIN)) for _ in range(6)]
        assert found[:3] == found[3:]
        assert set(found) == {"123", "231", "312"}

    def test_random_uses_every_order(self) -> None:
        assert len({self.arrange(Order.RANDOM, chance=n) for n in range(100)}) == 6

    def test_those_in_doubt_come_behind_the_others_and_those_that_are_down_last(self) -> None:
        down, doubted, fine = map(peer, (1, 2, 3))
        down.suspect, down.fails, doubted.suspect = True, 3, True
        assert self.arrange(Order.SEQUENTIAL, down, doubted, fine) == "321"
        down.answered()
        assert self.arrange(Order.SEQUENTIAL, down, doubted, fine) == "132"

    def test_when_all_are_down_the_order_is_by_chance(self) -> None:
        peers = [peer(n) for n in (1, 2, 3)]
        for one in peers:
            one.suspect, one.fails = True, 3
        assert len({self.arrange(Order.SEQUENTIAL, *peers, chance=n) for n in range(100)}) == 6


@pytest.mark.parametrize(("most", "fails", "down"), [(2, 2, False), (2, 3, True), (0, 99, False), (1, 2, True)])
def test_down_means_more_failed_checks_than_allowed(most: int, fails: int, down: bool) -> None:
    one = peer(1, max_fails=most)
    one.fails = fails
    assert one.down is down
