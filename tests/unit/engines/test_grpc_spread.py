"""Several decision points that share the clients of one server, and what of theirs is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import grpc
import pytest
import uvloop

from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.policy.settings.grpc import GrpcOrder
from dnspolicy.testing.pdp import DecisionPoint, Fault, Says
from tests.unit.engines.points import Joined, joined, until
from tests.unit.policy.questions import question

CLIENTS = [f"10.1.{n // 250}.{n % 250}" for n in range(300)]
SPREAD = {"policy": GrpcOrder.SPREAD, "failures": 1000}
VARY = pb.Cache(max_age=50, vary=pb.Paths(paths=[pb.Path(steps=["client", "namespace"])]))


def run(work: Coroutine[Any, Any, None]) -> None:
    """On the kind of event loop that the server has."""
    uvloop.run(work)


def point(name: str, revision: str = "one", *, named: bool = True, cache: pb.Cache | None = None) -> DecisionPoint:
    made = DecisionPoint(lambda _: pb.CheckResponse())
    made.says = saying(made, name, named=named, cache=cache)
    made.info = info(revision)
    return made


def saying(made: DecisionPoint, name: str, *, named: bool = True, cache: pb.Cache | None = None) -> Says:
    """Gives its name as the reason; `named`: its replies tell the revision that it is in when it answers."""

    def says(_: pb.CheckRequest) -> pb.CheckResponse:
        told = made.info.revision if named else ""
        return pb.CheckResponse(allow=pb.Allow(), rule="r", reason=name, revision=told, cache=cache)

    return says


def info(revision: str, *reads: str) -> pb.GetInfoResponse:
    told = pb.GetInfoResponse(engine="testing", revision=revision, timeless=True)
    told.reads.CopyFrom(pb.Paths(paths=[pb.Path(steps=["client", fact]) for fact in reads or ("namespace",)]))
    return told


async def all_up(engine: Joined) -> None:
    await until(lambda: all(target.up for target in engine.engine.targets))


async def who(engine: Joined, clients: Sequence[str] = CLIENTS) -> dict[str, str]:
    """By whom clients are judged."""
    found = await asyncio.gather(*(engine.decide(asked=question(ip=ip)) for ip in clients))
    return {ip: verdict.reason for ip, verdict in zip(clients, found, strict=True) if verdict is not None}


async def client_of(engine: Joined, name: str) -> str:
    """A client that a decision point judges."""
    return next(ip for ip, reason in (await who(engine)).items() if reason == name)


def shares(engine: Joined, points: Sequence[DecisionPoint]) -> list[float]:
    values = next(m for m in engine.metrics.collect() if m.name == "dnspolicy_grpc_share").values  # type: ignore[attr-defined]
    return [values[point.address,] for point in points]


def test_clients_are_shared_out_and_stay_where_they_are() -> None:
    async def story() -> None:
        points = [point(name) for name in "abc"]
        async with joined(*points, **SPREAD) as engine:
            await all_up(engine)
            first = await who(engine)
            assert len(first) == len(CLIENTS)
            assert all(list(first.values()).count(name) > 40 for name in "abc")
            assert await who(engine) == first
            assert shares(engine, points) == [1.0, 1.0, 1.0]

    run(story())


def test_in_sequence_the_first_is_asked_everything() -> None:
    async def story() -> None:
        points = [point(name) for name in "abc"]
        async with joined(*points) as engine:
            await all_up(engine)
            assert set((await who(engine)).values()) == {"a"}
            assert shares(engine, points) == [1.0, 0.0, 0.0]

    run(story())


@pytest.mark.parametrize("gone", [0, 2], ids=["the first", "the last"])
def test_only_the_clients_of_one_that_is_gone_move_until_it_is_back(gone: int) -> None:
    async def story() -> None:
        points = [point(name) for name in "abc"]
        async with joined(*points, **SPREAD) as engine:
            await all_up(engine)
            before = await who(engine)
            await points[gone].stop()
            await until(lambda: not engine.engine.targets[gone].up)
            meanwhile = await who(engine)
            assert {ip for ip in CLIENTS if meanwhile[ip] != before[ip]} == {
                ip for ip in CLIENTS if before[ip] == "abc"[gone]
            }
            await points[gone].start()
            await all_up(engine)
            assert await who(engine) == before
            assert engine.changes == 0

    run(story())


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.STATUS, Fault.RESET])
def test_what_one_leaves_open_another_is_asked_once(fault: Fault) -> None:
    async def story() -> None:
        points = [point(name) for name in "abc"]
        async with joined(*points, **SPREAD) as engine:
            await all_up(engine)
            ip = await client_of(engine, "b")
            points[1].fault = fault
            found = await engine.decide(asked=question(ip=ip))
            assert found is not None
            assert found.reason in ("a", "c")
            assert engine.count("dnspolicy_grpc_retried_total") == 1

    run(story())


def test_an_answer_that_came_is_not_asked_of_another() -> None:
    async def story() -> None:
        points = [point(name) for name in "ab"]
        async with joined(*points, **SPREAD) as engine:
            await all_up(engine)
            ip = await client_of(engine, "b")
            points[1].fault, points[1].code = Fault.ERROR, grpc.StatusCode.INTERNAL
            asked = points[0].asked
            found = await asyncio.gather(engine.decide(asked=question(ip=ip)), return_exceptions=True)
            assert isinstance(found[0], Exception)
            assert points[0].asked == asked

    run(story())


OTHERS = {
    "another revision": info("two"),
    "no revision": info(""),
    "other facts are read": info("one", "namespace", "pod"),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=list(OTHERS))
def test_one_whose_policy_is_not_known_to_be_the_same_waits(other: pb.GetInfoResponse) -> None:
    async def story() -> None:
        points = [point(name) for name in "abc"]
        points[1].info = other
        async with joined(*points, **SPREAD) as engine:
            await all_up(engine)
            assert set((await who(engine)).values()) == {"a", "c"}
            assert shares(engine, points) == [1.0, 0.0, 1.0]
            points[1].change(info("one"))
            await until(lambda: shares(engine, points) == [1.0, 1.0, 1.0])
            assert set((await who(engine)).values()) == {"a", "b", "c"}

    run(story())


def test_without_revisions_nobody_shares() -> None:
    async def story() -> None:
        points = [point(name, "") for name in "ab"]
        async with joined(*points, **SPREAD) as engine:
            await all_up(engine)
            assert set((await who(engine)).values()) == {"a"}

    run(story())


def test_when_the_first_changes_the_others_wait_until_they_do() -> None:
    async def story() -> None:
        points = [point(name) for name in "ab"]
        async with joined(*points, **SPREAD) as engine:
            await all_up(engine)
            points[0].change(info("two"))
            await until(lambda: engine.engine.revision == "two")
            assert engine.changes == 1
            assert set((await who(engine)).values()) == {"a"}
            points[1].change(info("two"))
            await until(lambda: shares(engine, points) == [1.0, 1.0])
            assert set((await who(engine)).values()) == {"a", "b"}
            assert engine.changes == 1

    run(story())


@pytest.mark.parametrize(
    ("name", "named", "holds"),
    [("a", True, 50.0), ("a", False, 50.0), ("b", True, 50.0), ("b", False, 0.0)],
    ids=["the first", "the first, no revision", "another", "another, no revision"],
)
def test_what_another_than_the_first_says_is_remembered_if_it_names_its_revision(
    name: str, named: bool, holds: float
) -> None:
    """If it changed and did not say so, nothing would be forgotten: the first is still in the former revision."""

    async def story() -> None:
        points = [point(one, named=named, cache=pb.Cache(max_age=50)) for one in "ab"]
        async with joined(*points, **SPREAD) as engine:
            await all_up(engine)
            found = await engine.decide(asked=question(ip=await client_of(engine, name)))
            assert found is not None
            assert (found.revision, found.holds) == ("one", holds)

    run(story())


def test_one_that_is_ahead_is_used_once_and_nothing_of_it_is_remembered() -> None:
    async def story() -> None:
        points = [point(name) for name in "ab"]
        async with joined(*points, refresh=3600, **SPREAD) as engine:
            await all_up(engine)
            ip = await client_of(engine, "b")
            said = pb.CheckResponse(block=pb.Block(), rule="new", reason="b", revision="two", cache=VARY)
            points[1].says = lambda _: said
            found = await engine.decide(asked=question(ip=ip))
            assert found is not None
            assert (found.rule, found.revision, found.holds) == ("new", "two", 0.0)
            assert (engine.engine.revision, engine.changes) == ("one", 0)
            assert engine.count("dnspolicy_grpc_vary_entries") == 0
            points[1].info = info("two")  # nobody is told: the reply of another revision made us ask
            await engine.decide(asked=question(ip=ip))
            await until(lambda: shares(engine, points) == [1.0, 0.0])
            found = await engine.decide(asked=question(ip=ip))
            assert found is not None
            assert found.reason == "a"

    run(story())


def test_what_one_said_of_a_revision_suits_the_clients_of_another() -> None:
    async def story() -> None:
        points = [point(name) for name in "ab"]
        async with joined(*points, **SPREAD) as engine:
            await all_up(engine)
            of = {name: await client_of(engine, name) for name in "ab"}
            for made, name in zip(points, "ab", strict=True):
                made.says = saying(made, name, cache=VARY)
            found = [await engine.decide(asked=question(ip=of[name])) for name in "ba"]
            assert [one.reason for one in found if one] == ["b", "b"]
            points[0].change(info("two"))
            await until(lambda: engine.engine.revision == "two")
            anew = await engine.decide(asked=question(ip=of["a"]))
            assert anew is not None
            assert (anew.reason, anew.revision) == ("a", "two")

    run(story())
