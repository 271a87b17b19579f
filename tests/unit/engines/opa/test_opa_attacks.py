"""An OPA that is dead, hung, slow, restarted or talks nonsense costs its deadline at most and never allows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from dnspolicy.engines.opa.connection import Kind
from dnspolicy.engines.opa.pool import WAITING
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable
from dnspolicy.testing.opa import UNDEFINED, FakeOpa
from dnspolicy.testing.opatricks import Trick
from tests.unit.engines.opa.asking import ALLOW, BLOCK, Asking, storm
from tests.unit.policy.questions import question

SHORT, LONG = 0.15, 10.0
FAILURES = [
    pytest.param(Trick.HUNG, EngineTimeout, Kind.TIMEOUT, id="hung"),
    pytest.param(Trick.SLOW, EngineTimeout, Kind.TIMEOUT, id="slow"),
    pytest.param(Trick.CLOSE, EngineUnavailable, Kind.CLOSED, id="closed without a reply"),
    pytest.param(Trick.RESET, EngineUnavailable, Kind.CLOSED, id="reset"),
    pytest.param(Trick.HALF, EngineBadReply, Kind.BROKEN_OFF, id="half a reply"),
    pytest.param(Trick.HALF_CHUNK, EngineBadReply, Kind.BROKEN_OFF, id="half a chunk"),
    pytest.param(Trick.HUGE, EngineBadReply, Kind.MALFORMED, id="gigantic"),
    pytest.param(Trick.ENDLESS_HEAD, EngineBadReply, Kind.MALFORMED, id="endless fields"),
    pytest.param(Trick.HTML, EngineBadReply, Kind.BAD_REPLY, id="a page"),
    pytest.param(Trick.NO_HTTP, EngineBadReply, Kind.MALFORMED, id="another protocol"),
    pytest.param(Trick.TWICE, EngineBadReply, Kind.MALFORMED, id="two replies"),
    pytest.param(Trick.TWO_LENGTHS, EngineBadReply, Kind.MALFORMED, id="two lengths"),
    pytest.param(Trick.GZIP, EngineBadReply, Kind.MALFORMED, id="compressed"),
    pytest.param(Trick.NO_OBJECT, EngineBadReply, Kind.BAD_REPLY, id="no object"),
    pytest.param(Trick.NO_JSON, EngineBadReply, Kind.BAD_REPLY, id="no JSON"),
    pytest.param(Trick.EMPTY, EngineBadReply, Kind.BAD_REPLY, id="an object of somebody else"),
    pytest.param(Trick.ERROR, EngineBadReply, Kind.BAD_REPLY, id="500"),
    pytest.param(Trick.NOT_FOUND, EngineBadReply, Kind.BAD_REPLY, id="404"),
    pytest.param(Trick.BUSY, EngineUnavailable, Kind.STATUS, id="503"),
]


@pytest.fixture
def opa() -> Iterator[FakeOpa]:
    with FakeOpa(ALLOW) as running:
        yield running


@pytest.mark.parametrize(("trick", "error", "kind"), FAILURES)
def test_each_failure_is_an_error_of_its_kind_counted_and_over_when_it_is_over(
    opa: FakeOpa, trick: Trick, error: type[EngineError], kind: Kind
) -> None:
    with Asking(opa.url) as asking:
        assert asking.decide() is not None
        opa.trick = trick
        with pytest.raises(error):
            asking.decide(SHORT if kind is Kind.TIMEOUT else LONG)
        assert asking.count("dnspolicy_opa_failures_total") == {(kind.value,): 1.0}
        opa.trick = Trick.NONE
        assert asking.eventually() is not None


@pytest.mark.parametrize(("trick", "error", "kind"), FAILURES)
def test_no_failure_ever_allows_or_says_nothing(
    opa: FakeOpa, trick: Trick, error: type[EngineError], kind: Kind
) -> None:
    opa.trick = trick
    opa.delay = 10.0
    with Asking(opa.url) as asking:
        outcomes = asking.run(storm(asking, 400, 100, 0.05))
    assert outcomes
    assert not {"allow", "undefined"} & set(outcomes)


@pytest.mark.parametrize("trick", [Trick.CHUNKED, Trick.ONE_EACH])
def test_unusual_good_replies_are_read(opa: FakeOpa, trick: Trick) -> None:
    opa.trick = trick
    with Asking(opa.url) as asking:
        outcomes = asking.run(storm(asking, 200, 20, 10.0))
    assert outcomes == {"allow": 200}


def test_an_error_of_the_policy_is_asked_once_and_does_not_open_the_breaker(opa: FakeOpa) -> None:
    opa.trick = Trick.ERROR
    with Asking(opa.url) as asking:
        for _ in range(30):
            with pytest.raises(EngineBadReply, match="status 500, internal_error: eval_conflict_error"):
                asking.decide()
        assert opa.asked == 30
        assert asking.gauge("dnspolicy_opa_breaker_state", opa.url) == 0


@pytest.mark.parametrize("what", ["killed", "restarted", "hung", "slow"])
def test_under_load(opa: FakeOpa, what: str) -> None:
    """A few hundred questions at a time while it happens; afterwards all is well again."""

    def happen() -> None:
        if what in ("killed", "restarted"):
            opa.stop()
        if what == "restarted":
            opa.start()
        if what in ("hung", "slow"):
            opa.trick = Trick.HUNG if what == "hung" else Trick.SLOW

    opa.says = BLOCK
    with Asking(opa.url) as asking:
        timer = threading.Timer(0.1, happen)
        timer.start()
        outcomes = asking.run(storm(asking, 6000, 300, 0.1))
        timer.join()
        assert set(outcomes) <= {"block", "EngineUnavailable", "EngineTimeout", "EngineBadReply"}
        failed = sum(asking.count("dnspolicy_opa_failures_total").values())
        skipped = sum(asking.count("dnspolicy_opa_skipped_total").values())
        assert failed + skipped >= sum(n for word, n in outcomes.items() if word != "block")
        opa.trick = Trick.NONE
        opa.start()
        assert asking.eventually() is not None
        outcomes = asking.run(storm(asking, 300, 300, 10.0))
        assert outcomes == {"block": 300}


def test_a_restart_that_nobody_notices_in_between_costs_nothing(opa: FakeOpa) -> None:
    """Idle connections are gone; the question goes out again over a fresh one."""
    opa.trick = Trick.NONE
    with Asking(opa.url, reload=600) as asking:
        asking.run(storm(asking, 50, 10, 5.0))
        for _ in range(5):
            opa.stop()
            opa.start()
            assert asking.decide() is not None


def test_a_dead_one_is_left_alone_after_a_while_and_tried_again(opa: FakeOpa) -> None:
    with Asking(opa.url) as asking:
        opa.stop()
        for _ in range(30):
            with pytest.raises(EngineUnavailable):
                asking.decide(SHORT)
        asking.await_true(lambda: _tried(asking) and asking.gauge("dnspolicy_opa_breaker_state", opa.url) == 2)
        assert sum(asking.count("dnspolicy_opa_skipped_total").values()) > 0
        opa.start()
        assert asking.eventually() is not None
        assert asking.gauge("dnspolicy_opa_breaker_state", opa.url) == 0


def _tried(asking: Asking) -> bool:
    with pytest.raises(EngineUnavailable):
        asking.decide(SHORT)
    return True


def test_the_next_address_is_asked_when_one_fails(opa: FakeOpa) -> None:
    with FakeOpa(BLOCK) as second, Asking(opa.url, second.url) as asking:
        assert asking.decide().action.value == "allow"  # type: ignore[union-attr]
        opa.stop()
        outcomes = asking.run(storm(asking, 500, 50, 5.0))
        assert set(outcomes) == {"block"}
        opa.start()
        asking.await_true(lambda: asking.decide().action.value == "allow")  # type: ignore[union-attr]


def test_a_hung_first_address_costs_a_few_deadlines_then_nothing(opa: FakeOpa) -> None:
    opa.trick = Trick.HUNG
    with FakeOpa(BLOCK) as second, Asking(opa.url, second.url) as asking:
        outcomes = asking.run(storm(asking, 400, 4, 0.3))
        assert outcomes["block"] > 300
        assert set(outcomes) == {"block", "EngineTimeout"}


def test_connections_are_bounded(opa: FakeOpa) -> None:
    with Asking(opa.url, pool=3) as asking:
        outcomes = asking.run(storm(asking, 300, 100, 10.0))
        assert outcomes == {"allow": 300}
        assert opa.connections <= 4
        assert asking.gauge("dnspolicy_opa_connections", opa.url) <= 3


def test_those_who_wait_are_bounded(opa: FakeOpa) -> None:
    opa.trick = Trick.HUNG
    with Asking(opa.url, pool=1) as asking:
        outcomes = asking.run(storm(asking, WAITING + 100, WAITING + 100, 1.0))
        assert outcomes["EngineUnavailable"] == 99
        assert outcomes["EngineTimeout"] == WAITING + 1


def test_a_question_that_nobody_waits_for_any_more_frees_its_connection(opa: FakeOpa) -> None:
    opa.trick = Trick.HUNG

    async def give_up() -> None:
        task = asyncio.create_task(asking.engine.decide(question(), 1e12))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait((task,))

    with Asking(opa.url, pool=1) as asking:
        asking.run(give_up())
        opa.trick = Trick.NONE
        assert asking.eventually() is not None


def test_undefined_is_no_decision(opa: FakeOpa) -> None:
    opa.says = UNDEFINED
    with Asking(opa.url) as asking:
        assert asking.decide() is None


def test_input_that_no_json_can_hold_is_a_bad_reply(opa: FakeOpa) -> None:
    with Asking(opa.url) as asking, pytest.raises(EngineBadReply, match="cannot be written"):
        asking.decide(asked=question(pod="\ud800"))


def test_clients_are_not_told_where_it_is(opa: FakeOpa) -> None:
    with Asking(opa.url) as asking:
        opa.stop()
        with pytest.raises(EngineUnavailable) as problem:
            asking.decide(SHORT)
    assert "127.0.0.1" not in str(problem.value)
