"""The `grpc` engine and decision points that do well, badly, or nothing."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest
import uvloop

from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable
from dnspolicy.model.verdict import Action, Verdict
from dnspolicy.policy.settings.grpc import GrpcMode
from dnspolicy.testing.pdp import DecisionPoint, Fault
from tests.unit.engines.points import Joined, allow, joined, until
from tests.unit.policy.questions import question

MODES = pytest.mark.parametrize("mode", GrpcMode)
FAULTS = {
    Fault.SILENT: EngineTimeout,
    Fault.HUNG: EngineTimeout,
    Fault.SLOW: EngineTimeout,
    Fault.ENUM: EngineBadReply,
    Fault.EMPTY: EngineBadReply,
    Fault.LARGE: EngineUnavailable,
    Fault.BYTES: EngineBadReply,
    Fault.ERROR: EngineUnavailable,
    Fault.STATUS: EngineUnavailable,
}
SHORT, LONG = 0.2, 10.0


def run(work: Coroutine[Any, Any, None]) -> None:
    """On the kind of event loop that the server has."""
    uvloop.run(work)


async def together(engine: Joined, count: int, seconds: float) -> list[Verdict | BaseException | None]:
    """What becomes of so many questions that are asked at once."""
    asked = [question(f"n{number}.example") for number in range(count)]
    return await asyncio.gather(*(engine.decide(seconds, one) for one in asked), return_exceptions=True)


async def back(engine: Joined) -> None:
    """Decisions come again."""
    for _ in range(2000):
        try:
            await engine.decide(SHORT)
            return
        except EngineError:
            await asyncio.sleep(0.01)
    raise AssertionError("no decision any more")


@MODES
@pytest.mark.parametrize(("fault", "error"), FAULTS.items())
def test_a_fault_is_an_error_of_its_kind_and_in_time(mode: GrpcMode, fault: Fault, error: type[EngineError]) -> None:
    async def story() -> None:
        point = DecisionPoint(allow)
        async with joined(point, mode=mode, max_reply=65536) as engine:
            assert await engine.decide() is not None
            point.fault, point.delay = fault, 5.0
            found = await together(engine, 50, SHORT if error is EngineTimeout else LONG)
            assert all(isinstance(one, EngineError) for one in found)
            assert isinstance(found[0], error)
            await until(lambda: engine.count("dnspolicy_grpc_in_flight") == 0)
            point.fault = None
            await back(engine)

    run(story())


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_answers_in_any_order_reach_who_asked(loop: Any) -> None:
    async def story() -> None:
        point = DecisionPoint(allow)
        point.fault = Fault.REVERSED
        async with joined(point, batch=16) as engine:
            found = await together(engine, 200, 20)
            assert [one.reason for one in found if isinstance(one, Verdict)] == [f"n{n}.example" for n in range(200)]
            assert 200 / 16 <= point.batches < 200

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(story())


def test_answers_that_come_twice_or_to_nobody_are_counted_and_harm_no_one() -> None:
    async def story() -> None:
        point = DecisionPoint(allow)
        point.fault = Fault.TWICE
        async with joined(point) as engine:
            assert all(isinstance(one, Verdict) for one in await together(engine, 20, 20))
            point.fault = Fault.STRANGE
            assert all(isinstance(one, EngineTimeout) for one in await together(engine, 2, SHORT))
            await until(lambda: engine.count("dnspolicy_grpc_strays_total") >= 20)
            point.fault = None
            await back(engine)

    run(story())


def test_a_stream_that_breaks_in_the_middle_of_a_batch_leaves_nobody_waiting() -> None:
    async def story() -> None:
        point = DecisionPoint(allow)
        point.fault = Fault.RESET
        async with joined(point) as engine:
            began = time.monotonic()
            found = await together(engine, 50, 20)
            assert time.monotonic() - began < 20
            assert {type(one) for one in found[:25]} == {Verdict}
            assert all(isinstance(one, EngineUnavailable) for one in found[25:])
            point.fault = None
            await back(engine)

    run(story())


def test_who_is_cancelled_leaves_nothing_behind() -> None:
    async def story() -> None:
        point = DecisionPoint(allow)
        point.fault = Fault.SILENT
        async with joined(point) as engine:
            waiting = [asyncio.ensure_future(engine.decide(20)) for _ in range(10)]
            await until(lambda: engine.count("dnspolicy_grpc_in_flight") == 10)
            for task in waiting:
                task.cancel()
            await until(lambda: engine.count("dnspolicy_grpc_in_flight") == 0)

    run(story())


@MODES
def test_no_more_are_asked_than_may_be_under_way(mode: GrpcMode) -> None:
    async def story() -> None:
        point = DecisionPoint(allow)
        point.fault = Fault.SILENT
        async with joined(point, mode=mode, in_flight=5, failures=1000) as engine:
            found = await together(engine, 12, SHORT)
            assert sum(isinstance(one, EngineTimeout) for one in found) == 5
            assert sum("which is the most" in str(one) for one in found) == 7

    run(story())


def test_a_decision_point_that_reads_nothing_costs_no_memory() -> None:
    async def story() -> None:
        point = DecisionPoint(allow)
        point.fault = Fault.SILENT
        async with joined(point, in_flight=50, failures=10_000, refresh=3600) as engine:
            asking: Any = engine.engine.targets[0]._connection.asking  # type: ignore[union-attr]
            large = question(labels={"app": "x" * 50_000})
            for _ in range(40):
                await asyncio.gather(*(engine.decide(0.01, large) for _ in range(60)), return_exceptions=True)
            assert 0 < asking.unsent <= 100
            assert len(asking) == 0

    run(story())


@MODES
def test_a_decision_point_that_is_restarted_under_load_costs_only_failures(mode: GrpcMode) -> None:
    async def story() -> None:
        point = DecisionPoint(lambda _: pb.CheckResponse(block=pb.Block(), rule="r", reason="why"))
        found: list[Verdict | BaseException | None] = []
        async with joined(point, mode=mode) as engine:

            async def ask() -> None:
                while not stopping:
                    began = time.monotonic()
                    found.extend(await together(engine, 5, SHORT))
                    assert time.monotonic() - began < 20 * SHORT
                    await asyncio.sleep(0)

            stopping = False
            asking = [asyncio.ensure_future(ask()) for _ in range(4)]
            for _ in range(3):
                await point.stop()
                await asyncio.sleep(0.05)
                await point.start()
                await back(engine)
            stopping = True
            await asyncio.gather(*asking)
            assert engine.count("dnspolicy_grpc_in_flight") == 0
        decided = [one for one in found if isinstance(one, Verdict)]
        assert {one.action for one in decided} == {Action.BLOCK}
        assert all(isinstance(one, Verdict | EngineError) for one in found)

    run(story())


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.STATUS, Fault.RESET])
def test_what_one_leaves_open_another_is_asked_once(fault: Fault) -> None:
    async def story() -> None:
        first, second = DecisionPoint(allow), DecisionPoint(allow)
        async with joined(first, second, failures=1000) as engine:
            await until(lambda: all(target.up for target in engine.engine.targets))
            first.fault = fault
            found = await engine.decide()
            assert found is not None
            assert (first.asked, second.asked) == (1, 1)
            assert engine.count("dnspolicy_grpc_retried_total") == 1

    run(story())


def test_an_answer_that_came_is_not_asked_of_another() -> None:
    async def story() -> None:
        first, second = DecisionPoint(allow), DecisionPoint(allow)
        async with joined(first, second) as engine:
            await until(lambda: all(target.up for target in engine.engine.targets))
            for fault, code in (
                (Fault.EMPTY, grpc.StatusCode.OK),
                (Fault.ERROR, grpc.StatusCode.RESOURCE_EXHAUSTED),
                (Fault.ERROR, grpc.StatusCode.DEADLINE_EXCEEDED),
                (Fault.ERROR, grpc.StatusCode.INTERNAL),
            ):
                first.fault, first.code = fault, code
                with pytest.raises(EngineError):
                    await engine.decide()
            assert second.asked == 0

    run(story())


def test_the_next_is_asked_while_the_first_is_away() -> None:
    async def story() -> None:
        first, second = DecisionPoint(allow), DecisionPoint(allow)
        async with joined(first, second) as engine:
            await engine.decide()
            await first.stop()
            await until(lambda: not engine.engine.targets[0].up)
            assert await engine.decide() is not None
            assert second.asked >= 1
            await first.start()
            await until(lambda: engine.engine.targets[0].up)
            asked = first.asked
            await engine.decide()
            assert first.asked == asked + 1

    run(story())


def test_after_failures_the_health_service_is_asked_first() -> None:
    async def story() -> None:
        point = DecisionPoint(allow)
        async with joined(point) as engine:
            point.fault = Fault.SILENT
            await point.serve(False)
            await together(engine, 5, SHORT)
            await until(lambda: not engine.engine.targets[0].up)
            point.fault = None
            asked = point.asked
            for _ in range(5):
                with pytest.raises(EngineUnavailable):
                    await engine.decide(SHORT)
                await asyncio.sleep(0.02)
            assert point.asked == asked
            await point.serve(True)
            await back(engine)

    run(story())


def test_a_connection_that_takes_bytes_and_says_nothing_is_given_up() -> None:
    """As when a firewall forgets a connection, or a machine is gone without a word."""

    async def story() -> None:
        silent = socket.create_server(("127.0.0.1", 0))  # the kernel takes connections and bytes, and nobody else
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        point = DecisionPoint(allow, address)
        async with joined(point, started=False) as engine:
            began = time.monotonic()
            found = await together(engine, 20, SHORT)
            assert all(isinstance(one, EngineError) for one in found)
            assert time.monotonic() - began < 20
            silent.close()
            await point.start()
            await back(engine)

    run(story())


def test_a_decision_point_that_only_has_check_is_enough() -> None:
    async def story() -> None:
        point = DecisionPoint(lambda _: pb.CheckResponse(allow=pb.Allow(), rule="r", reason="why", revision="seven"))
        point.implements = {"Check"}
        async with joined(point, mode=GrpcMode.UNARY) as engine:
            found = await engine.decide()
            assert found is not None
            assert (found.revision, found.holds) == ("seven", 0.0)
            assert engine.engine.revision == "unknown"

    run(story())


def test_a_socket_is_asked_too(tmp_path: Path) -> None:
    async def story() -> None:
        async with joined(DecisionPoint(allow, f"unix:{tmp_path / 's'}")) as engine:
            assert await engine.decide() is not None

    run(story())


@pytest.mark.parametrize("methods", [{"Watch"}, set()], ids=["watched", "asked from time to time"])
def test_another_revision_is_told(methods: set[str]) -> None:
    async def story() -> None:
        point = DecisionPoint(allow)
        point.implements = {"StreamCheck", "GetInfo", *methods}
        async with joined(point) as engine:
            assert engine.engine.revision == "one"
            reads = pb.Paths(paths=[pb.Path(steps=["client", "namespace"])])
            point.change(pb.GetInfoResponse(engine="testing", revision="two", timeless=True, reads=reads))
            await until(lambda: engine.engine.revision == "two")
            await until(lambda: engine.changes > 0)
            assert engine.engine.footprint.paths == {("client", "namespace")}

    run(story())


def test_a_revision_that_only_answers_tell_is_asked_for_and_its_decisions_are_not_kept() -> None:
    async def story() -> None:
        point = DecisionPoint(allow)
        point.implements = {"StreamCheck", "GetInfo"}
        async with joined(point, refresh=3600) as engine:
            point.info = pb.GetInfoResponse(revision="two", timeless=True)
            point.says = lambda _: pb.CheckResponse(allow=pb.Allow(), rule="r", reason="w", revision="two")
            found = await engine.decide()
            assert found is not None
            assert (found.revision, found.holds) == ("two", 0.0)
            await until(lambda: engine.engine.revision == "two")
            found = await engine.decide()
            assert found is not None
            assert found.holds == 60.0

    run(story())


class Restless(DecisionPoint):
    """Tells another revision as fast as it can. `watches` is how often it was asked to."""

    watches = 0

    async def _watch(self, raw: bytes, context: Any) -> None:
        self.watches += 1
        while True:
            self.info = pb.GetInfoResponse(engine="testing", revision=f"{self.watches}.{time.monotonic_ns()}")
            await context.write(pb.PolicyRevision(revision=self.info.revision).SerializeToString())


def test_who_tells_revisions_without_end_is_not_listened_to_all_the_time() -> None:
    async def story() -> None:
        point = Restless(allow)
        async with joined(point, refresh=3600) as engine:
            await until(lambda: point.watches >= 3)
            assert await engine.decide() is not None

    run(story())


class Held(DecisionPoint):
    """Answers when it is `released`. `holds` is how many questions it has begun with."""

    def __init__(self, says: Callable[[pb.CheckRequest], pb.CheckResponse]) -> None:
        super().__init__(says)
        self.released = asyncio.Event()
        self.holds = 0

    async def _answers(self, requests: list[pb.CheckRequest], context: Any) -> list[pb.CheckResponse]:
        self.holds += len(requests)
        await self.released.wait()
        return await super()._answers(requests, context)


def test_an_answer_without_a_revision_that_was_under_way_when_that_changed_is_not_kept() -> None:
    """Who decides slowly may have begun by what was in force before."""

    async def story() -> None:
        rests = pb.Cache(max_age=50, vary=pb.Paths(paths=[pb.Path(steps=["client", "namespace"])]))
        point = Held(lambda _: pb.CheckResponse(allow=pb.Allow(), rule="old", reason="w", cache=rests))
        async with joined(point) as engine:
            slow = asyncio.create_task(engine.decide())
            await until(lambda: point.holds == 1)
            said = pb.CheckResponse(block=pb.Block(), rule="new", reason="w")
            point.change(pb.GetInfoResponse(engine="testing", revision="two"))
            await until(lambda: engine.engine.revision == "two")
            point.released.set()
            found = await slow
            assert found is not None
            assert (found.rule, found.revision, found.holds) == ("old", "one", 0.0)
            point.says = lambda _: said
            found = await engine.decide()
            assert found is not None
            assert found.rule == "new"

    run(story())


@pytest.mark.parametrize(
    ("info", "says", "holds"),
    [
        pytest.param({"revision": "one"}, {}, 0.0, id="nothing is said"),
        pytest.param({"revision": "one"}, {"ttl": 30}, 30.0, id="a ttl"),
        pytest.param({"revision": "one", "timeless": True}, {}, 60.0, id="timeless"),
        pytest.param({"timeless": True}, {}, 0.0, id="timeless without a revision"),
        pytest.param({"revision": "one", "timeless": True}, {"cache": pb.Cache(max_age=5)}, 5.0, id="an age"),
        pytest.param({"revision": "one"}, {"cache": pb.Cache(max_age=1e9)}, 60.0, id="a great age"),
        pytest.param({"revision": "one", "timeless": True}, {"cache": pb.Cache(max_age=0)}, 0.0, id="no age"),
    ],
)
def test_how_long_a_decision_may_be_remembered(info: dict[str, Any], says: dict[str, Any], holds: float) -> None:
    async def story() -> None:
        point = DecisionPoint(lambda _: pb.CheckResponse(allow=pb.Allow(), rule="r", reason="why", **says))
        point.info = pb.GetInfoResponse(**info)
        async with joined(point) as engine:
            found = await engine.decide()
            assert found is not None
            assert found.holds == holds

    run(story())


def test_what_a_decision_rests_on_is_asked_once_until_the_revision_changes() -> None:
    async def story() -> None:
        vary = pb.Paths(paths=[pb.Path(steps=["client", "namespace"])])
        cache = pb.Cache(max_age=3600, vary=vary)
        point = DecisionPoint(lambda r: pb.CheckResponse(block=pb.Block(), rule="r", reason=r.client.pod, cache=cache))
        async with joined(point) as engine:
            first = await engine.decide(asked=question(pod="one"))
            same = await engine.decide(asked=question(pod="two"))
            other = await engine.decide(asked=question(pod="three", namespace="other"))
            assert first is not None
            assert same is not None
            assert other is not None
            assert (first.reason, same.reason, other.reason) == ("one", "one", "three")
            assert same.holds is not None
            assert same.holds <= 60.0
            assert engine.count("dnspolicy_grpc_vary_hits_total") == 1
            point.change(pb.GetInfoResponse(revision="two"))
            await until(lambda: engine.engine.revision == "two")
            anew = await engine.decide(asked=question(pod="four"))
            assert anew is not None
            assert anew.reason == "four"

    run(story())


def test_a_decision_that_rests_on_more_than_its_policy_reads_is_not_kept() -> None:
    async def story() -> None:
        vary = pb.Paths(paths=[pb.Path(steps=["client", "pod"])])
        cache = pb.Cache(max_age=3600, vary=vary)
        point = DecisionPoint(lambda r: pb.CheckResponse(block=pb.Block(), rule="r", reason=r.client.pod, cache=cache))
        reads = pb.Paths(paths=[pb.Path(steps=["client", "namespace"])])
        point.info = pb.GetInfoResponse(revision="one", reads=reads, timeless=True)
        async with joined(point) as engine:
            found = [await engine.decide(asked=question(pod=pod)) for pod in ("one", "two", "one")]
            assert [(one.reason, one.holds) for one in found if one] == [("one", 0.0), ("two", 0.0), ("one", 0.0)]

    run(story())


def test_a_remembered_decision_counts_its_ttl_down() -> None:
    async def story() -> None:
        vary = pb.Paths(paths=[pb.Path(steps=["client", "namespace"])])
        cache = pb.Cache(max_age=2, vary=vary)
        point = DecisionPoint(lambda _: pb.CheckResponse(allow=pb.Allow(), rule="r", reason="w", ttl=60, cache=cache))
        async with joined(point) as engine:
            first, later = await engine.decide(), await engine.decide()
            assert first is not None
            assert later is not None
            assert first.ttl == 60
            assert later.ttl is not None
            assert later.ttl <= 2

    run(story())


def test_nobody_there_is_no_reason_not_to_start() -> None:
    async def story() -> None:
        point = DecisionPoint(allow, "127.0.0.1:1")
        async with joined(point, started=False) as engine:
            assert "not reached so far" in engine.supply.announcement()
            with pytest.raises(EngineUnavailable):
                await engine.decide(SHORT)

    run(story())


def test_a_fact_that_is_no_text_cannot_be_asked() -> None:
    async def story() -> None:
        async with joined(DecisionPoint(allow)) as engine:
            with pytest.raises(EngineBadReply):
                await engine.decide(asked=question(zone="\ud800"))

    run(story())
