"""The course of a question, without sockets."""

from __future__ import annotations

import random

import pytest

from dnspolicy.model.query import Transport
from dnspolicy.plugins.forward.attempt import Attempts, Health, Order, Ranking
from dnspolicy.plugins.forward.upstreams import Upstream, parse_upstream

A, B, C = (parse_upstream(f"192.0.2.{n}") for n in (1, 2, 3))
NOW = 100.0


def attempts(*upstreams: Upstream, seconds: float = 5.0, transport: Transport = Transport.UDP) -> Attempts:
    return Attempts(upstreams, transport, NOW + seconds)


def silence(course: Attempts) -> list[tuple[str, float]]:
    """Who is asked, and when, if nobody ever says anything."""
    now, asked = NOW, []
    while (step := course.next(now)) is not None:
        asked.append((step.upstream.ip[-1], round(now - NOW, 2)))
        now += step.seconds
        course.silent(step.upstream)
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
def test_silence(upstreams: list[Upstream], seconds: float, want: list[tuple[str, float]]) -> None:
    assert silence(attempts(*upstreams, seconds=seconds)) == want


def test_many_silent_upstreams_are_all_asked_within_the_budget() -> None:
    many = [parse_upstream(f"192.0.2.{n}") for n in range(1, 16)]
    course = Attempts(many, Transport.UDP, NOW + 5)
    now, asked = NOW, set()
    while (step := course.next(now)) is not None:
        asked.add(step.upstream)
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
    assert (step.upstream, step.transport) == (A, Transport.TCP)
    other = course.next(NOW)
    assert other is not None
    assert (other.upstream, other.transport) == (B, Transport.UDP)


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
    course = attempts(*(parse_upstream(f"192.0.2.{n}") for n in range(1, 6)))
    while (step := course.next(NOW)) is not None:
        course.silent(step.upstream)
    assert course.heard_nothing
    assert course.story().endswith("192.0.2.3:53 did not answer in time, and 2 more")


def test_health_backs_off_and_recovers() -> None:
    health, now, pauses = Health(), NOW, []
    for _ in range(8):
        health.failed(now)
        health.failed(now)  # the same moment counts once
        pauses.append(health.until - now)
        now = health.until
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]
    health.answered()
    assert health.until == 0.0
    health.failed(now)
    assert health.until - now == 0.5


class TestRanking:
    def arrange(self, ranking: Ranking, order: Order, health: dict[Upstream, Health], now: float = NOW) -> str:
        return "".join(u.ip[-1] for u in ranking.arrange((A, B, C), order, health, now))

    def test_sequential(self) -> None:
        ranking = Ranking(random.Random(1))
        assert {self.arrange(ranking, Order.SEQUENTIAL, {}) for _ in range(5)} == {"123"}

    def test_round_robin(self) -> None:
        ranking = Ranking(random.Random(1))
        found = [self.arrange(ranking, Order.ROUND_ROBIN, {}) for _ in range(6)]
        assert found[:3] == found[3:]
        assert set(found) == {"123", "231", "312"}

    def test_random_uses_every_order(self) -> None:
        ranking = Ranking(random.Random(1))
        assert len({self.arrange(ranking, Order.RANDOM, {}) for _ in range(100)}) == 6

    def test_one_that_failed_goes_last_until_its_pause_is_over(self) -> None:
        ranking, health = Ranking(random.Random(1)), Health()
        health.failed(NOW)
        assert self.arrange(ranking, Order.SEQUENTIAL, {A: health}) == "231"
        later = health.until + 0.1
        assert self.arrange(ranking, Order.SEQUENTIAL, {A: health}, later) == "123"

    def test_after_a_pause_one_question_tries_it_and_the_others_do_not_wait_for_it(self) -> None:
        ranking, health = Ranking(random.Random(1)), Health()
        health.failed(NOW)
        later = health.until + 0.1
        found = [self.arrange(ranking, Order.SEQUENTIAL, {A: health}, later) for _ in range(3)]
        assert found == ["123", "231", "231"]
