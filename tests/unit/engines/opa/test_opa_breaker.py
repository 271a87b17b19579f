"""When an address is left alone, and when it is tried again."""

from __future__ import annotations

from dnspolicy.engines.opa.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, SILENCE, Breaker, State


def opened(now: float = 100.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.admits(now)
        breaker.failed(now)
    assert breaker.state is State.OPEN
    return breaker


def test_it_opens_after_some_failures_and_not_before() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.failed(100.0)
    assert breaker.admits(100.0)
    breaker.failed(100.0)
    assert not breaker.admits(100.0)


def test_questions_that_are_too_hard_do_not_hurt_others_that_go_well() -> None:
    breaker = Breaker()
    for n in range(100):
        breaker.failed(100.0 + n * SILENCE / 10)
        if n % 9 == 0:
            breaker.succeeded(100.0 + n * SILENCE / 10)
    assert breaker.state is State.CLOSED


def test_failures_right_after_a_success_do_not_open_it() -> None:
    breaker = Breaker()
    breaker.succeeded(100.0)
    for _ in range(FAILURES * 2):
        breaker.failed(100.0 + SILENCE / 2)
    assert breaker.state is State.CLOSED
    breaker.failed(100.0 + SILENCE)
    assert breaker.state is State.OPEN


def test_one_question_tries_it_and_closes_it() -> None:
    breaker = opened()
    later = 100.0 + FIRST_PAUSE
    assert not breaker.admits(later - 0.001)
    assert breaker.admits(later)
    assert not breaker.admits(later), "only one"
    breaker.succeeded(later)
    assert breaker.admits(later)
    assert breaker.state is State.CLOSED


def test_pauses_grow_up_to_a_limit() -> None:
    breaker, now = opened(), 100.0
    pauses = []
    for _ in range(10):
        pause = breaker.reachable_in(now)
        pauses.append(pause)
        now += pause
        assert breaker.admits(now)
        breaker.failed(now)
    assert pauses[0] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_a_try_that_nobody_waited_for_is_followed_by_another() -> None:
    breaker = opened()
    later = 100.0 + FIRST_PAUSE
    assert breaker.admits(later)
    breaker.gave_up()
    assert breaker.admits(later)
