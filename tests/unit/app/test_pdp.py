"""`dnspolicy pdp`: what it serves is what the engine says."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest
import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from hypothesis import given, settings
from hypothesis import strategies as st

from dnspolicy.app.parts import Parts
from dnspolicy.app.pdp import Limits, Options, Pdp
from dnspolicy.app.pdp.reading import BadRequest, read
from dnspolicy.app.pdp.writing import decided
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.http import Address, probe
from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.grpc import GrpcSupply
from dnspolicy.engines.grpc.decode import reply_of
from dnspolicy.engines.grpc.encode import body, request
from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import CHECK, CHECK_BATCH, GET_INFO, SERVICE, STREAM_CHECK, WATCH
from dnspolicy.model.errors import ConfigError, EngineBadReply, EngineTimeout
from dnspolicy.model.name import from_labels
from dnspolicy.model.verdict import Action, AuditLevel, BlockAs, Mode, Verdict, Would
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import PolicyInput, encode
from dnspolicy.policy.settings.grpc import GrpcSettings
from dnspolicy.testing.static import Says, StaticEngine, StaticSupply
from tests.unit.policy.questions import question, questions

TEXTS = st.sampled_from(["r", "a reason", "größer"])
HEALTH, REFLECTION = "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"
ADDRESSES = st.lists(st.sampled_from(["192.0.2.1", "2001:db8::1"]), min_size=1, max_size=2, unique=True).map(tuple)
NAMES = st.lists(st.binary(min_size=1, max_size=5), max_size=3).map(from_labels)
ACTS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"action": Action.ALLOW}),
    st.sampled_from([b for b in BlockAs if b is not BlockAs.SINKHOLE]).map(
        lambda shown: {"action": Action.BLOCK, "block_as": shown}
    ),
    ADDRESSES.map(lambda a: {"action": Action.BLOCK, "block_as": BlockAs.SINKHOLE, "addresses": a}),
    NAMES.map(lambda name: {"action": Action.REWRITE, "name": name}),
    ADDRESSES.map(lambda a: {"action": Action.REDIRECT, "addresses": a}),
    NAMES.map(lambda name: {"action": Action.REDIRECT, "cname": name}),
    st.just({"action": Action.REDIRECT, "upstreams": ("192.0.2.1:53", "[2001:db8::1]:5353")}),
    ADDRESSES.map(lambda a: {"action": Action.REDIRECT, "endpoints": a}),
)


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    return Verdict(
        rule=draw(TEXTS),
        reason=draw(TEXTS),
        ttl=draw(st.none() | st.integers(0, 86400)),
        ede=draw(st.none() | st.integers(0, 65535)),
        audit=draw(st.none() | st.sampled_from(AuditLevel)),
        mode=draw(st.sampled_from(Mode)),
        revision="one",
        shadow=tuple(draw(st.lists(st.builds(Would, st.sampled_from(Action), TEXTS, TEXTS), max_size=2))),
        **draw(ACTS),
    )


@settings(max_examples=200, deadline=None)
@given(questions())
def test_an_input_is_the_same_document_again(asked: PolicyInput) -> None:
    again = read(pb.CheckRequest.FromString(request(body(asked))))
    assert json.loads(encode(again)) == json.loads(encode(asked))


@settings(max_examples=200, deadline=None)
@given(verdicts())
def test_a_verdict_is_the_same_verdict_again(verdict: Verdict) -> None:
    response = pb.CheckResponse.FromString(decided(7, verdict, "one", True).SerializeToString())
    assert response.request_id == 7
    found = reply_of(response, "").verdict
    assert found == verdict
    assert found is not None
    for one, other in ((found.name, verdict.name), (found.cname, verdict.cname)):
        assert (one and one.wire) == (other and other.wire)


def _without(field: str) -> Callable[[pb.CheckRequest], None]:
    def change(asked: pb.CheckRequest) -> None:
        target: Any = asked
        *above, last = field.split(".")
        for step in above:
            target = getattr(target, step)
        target.ClearField(last)

    return change


def _with(field: str, value: object) -> Callable[[pb.CheckRequest], None]:
    def change(asked: pb.CheckRequest) -> None:
        target: Any = asked
        *above, last = field.split(".")
        for step in above:
            target = getattr(target, step)
        setattr(target, last, value)

    return change


@pytest.mark.parametrize(
    "change",
    [
        *(_without(f) for f in ("phase", "client", "query", "target", "client.kind", "client.ip", "client.labels")),
        *(_without(f) for f in ("query.name", "query.asked", "query.via", "query.type", "query.class")),
        *(
            _without(f)
            for f in ("query.transport", "target.kind", "target.exists", "target.labels", "target.endpoints")
        ),
        _with("phase", 9),
        _with("client.kind", 4),
        _with("query.name", "Upper.example"),
        _with("query.name", "final.dot."),
        _with("query.name", "a..b"),
        _with("query.name", "x" * 64),
        _with("query.type", "a"),
        _with("query.type", "TYPE1"),
        _with("query.class", "CLASS1"),
        _with("query.class", "CLASS70000"),
        _with("target.kind", 4),
    ],
)
def test_a_request_that_no_input_looks_like_is_refused(change: Callable[[pb.CheckRequest], None]) -> None:
    asked = pb.CheckRequest.FromString(request(body(question())))
    change(asked)
    with pytest.raises(BadRequest):
        read(asked)


def static(says: Says | Verdict | None, **more: Any) -> StaticSupply:
    return StaticSupply(StaticEngine(says, **more))


@asynccontextmanager
async def served(
    supply: StaticSupply, timeout: float = 5.0, **options: Any
) -> AsyncIterator[tuple[Pdp, grpc.aio.Channel]]:
    """A decision point and a channel to it."""
    given = {"listen": ("127.0.0.1:0",), "drain": 1.0, **options}
    pdp = Pdp(supply, Options(**given), Parts(SystemClock(), print, print), timeout=timeout)
    await pdp.start()
    try:
        async with grpc.aio.insecure_channel(pdp.listens[0]) as channel:
            yield pdp, channel
    finally:
        await pdp.stop()


def run(work: Coroutine[Any, Any, None]) -> None:
    uvloop.run(asyncio.wait_for(work, 20.0))


def asked_for(name: str, number: int = 0, seconds: float = 0.0) -> pb.CheckRequest:
    return pb.CheckRequest.FromString(request(body(question(name)), number, seconds))


def by_name(asked: PolicyInput) -> Verdict:
    return Verdict(Action.ALLOW, "r", str(asked.query.name))


async def call(channel: grpc.aio.Channel, method: str, message: Any, reply: Any, seconds: float = 5.0) -> Any:
    found: Any = await channel.unary_unary(method)(message.SerializeToString(), timeout=seconds)  # type: ignore[misc, arg-type]
    return reply.FromString(found)


def test_a_batch_is_answered_in_its_order() -> None:
    async def story() -> None:
        async with served(static(by_name)) as (_, channel):
            batch = pb.CheckBatchRequest(requests=[asked_for(f"n{n}.example", n) for n in range(50)])
            batch.requests[7].ClearField("client")
            found = await call(channel, CHECK_BATCH, batch, pb.CheckBatchResponse)
            assert [r.request_id for r in found.responses] == list(range(50))
            assert found.responses[8].reason == "n8.example"
            assert found.responses[7].error.code == 3

    run(story())


@pytest.mark.parametrize(
    ("error", "code"), [(EngineTimeout("late"), 4), (EngineBadReply("odd"), 13)], ids=["time-out", "bad reply"]
)
def test_an_engine_that_fails_is_an_error(error: Exception, code: int) -> None:
    async def story() -> None:
        def fail(_: PolicyInput) -> Verdict:
            raise error

        async with served(static(fail)) as (_, channel):
            found = await call(channel, CHECK, asked_for("a.example"), pb.CheckResponse)
            assert (found.WhichOneof("result"), found.error.code) == ("error", code)

    run(story())


class Slow(StaticEngine):
    """Decides when it is told to, or raises at the deadline."""

    def __init__(self) -> None:
        super().__init__(by_name, revision="slow")
        self.go, self.asked = asyncio.Event(), asyncio.Event()
        self.deadlines: list[float] = []

    async def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        self.deadlines.append(deadline - time.monotonic())
        self.asked.set()
        if str(question.query.name).startswith("slow"):
            await self.go.wait()
        return await super().decide(question, deadline)


@settings(max_examples=15, deadline=None)
@given(st.lists(questions(), min_size=20, max_size=60))
def test_a_server_gets_the_verdict_that_it_would_have_found_itself(asked: list[PolicyInput]) -> None:
    def digest(one: PolicyInput) -> Verdict | None:
        """Tells apart any two inputs that are not one document."""
        known = sha256(json.dumps(json.loads(encode(one)), sort_keys=True).encode()).hexdigest()
        return None if known[0] == "0" else Verdict(Action.ALLOW, "r", known, revision="static")

    async def story() -> None:
        async with served(static(digest)) as (pdp, _):
            targets = (pdp.listens[0],)
            supply = GrpcSupply(GrpcSettings(targets=targets), Path, metrics=Metrics(), monotonic=time.monotonic)
            await supply.start(lambda: None)
            until = time.monotonic() + 20
            found = await asyncio.gather(*(supply.engine.decide(one, until) for one in asked))
            assert [one and one.reason for one in found] == [v and v.reason for v in map(digest, asked)]
            await supply.stop()

    run(story())


def test_on_a_stream_who_is_quick_does_not_wait_for_who_is_slow() -> None:
    async def story() -> None:
        supply = static(None)
        supply.engine = slow = Slow()
        async with served(supply) as (_, channel):
            stream: Any = channel.stream_stream(STREAM_CHECK)()
            names = ["slow.example", "a.example", "b.example"]
            batch = pb.CheckBatchRequest(requests=[asked_for(name, n, 0.5) for n, name in enumerate(names)])
            await stream.write(batch.SerializeToString())
            first = pb.CheckBatchResponse.FromString(await stream.read())
            assert [r.request_id for r in first.responses] == [1, 2]
            slow.go.set()
            second = pb.CheckBatchResponse.FromString(await stream.read())
            assert [r.request_id for r in second.responses] == [0]
            assert max(slow.deadlines) <= 0.5
            await stream.done_writing()
            assert await stream.read() is grpc.aio.EOF
            assert await stream.code() is grpc.StatusCode.OK

    run(story())


def test_a_stream_that_holds_no_batches_is_ended() -> None:
    async def story() -> None:
        async with served(static(by_name)) as (_, channel):
            stream: Any = channel.stream_stream(STREAM_CHECK)()
            await stream.write(b"\xff")
            with pytest.raises(grpc.aio.AioRpcError):
                await stream.read()
            assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT

    run(story())


@settings(max_examples=10, deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=20, max_size=60), questions())
def test_bytes_of_a_stranger_end_no_more_than_their_call(noise: list[bytes], asked: PolicyInput) -> None:
    whole = request(body(asked))

    async def story() -> None:
        async with served(static(by_name)) as (_, channel):
            for number, bad in enumerate(noise):
                at = number * 7 % len(whole)
                for raw in (bad, whole[:at] + bad + whole[at + len(bad) :]):
                    check: Any = channel.unary_unary(CHECK)
                    try:
                        found = pb.CheckResponse.FromString(await check(raw, timeout=5.0))
                        assert found.WhichOneof("result") in ("allow", "error")
                    except grpc.aio.AioRpcError as problem:
                        code = problem.code()
                        assert code is grpc.StatusCode.INVALID_ARGUMENT
            assert (await call(channel, CHECK, asked_for("a.example"), pb.CheckResponse)).reason == "a.example"

    run(story())


def test_what_is_over_a_limit_is_refused() -> None:
    async def story() -> None:
        async with served(static(by_name), limits=Limits(message=4096, batch=2)) as (_, channel):
            batch = pb.CheckBatchRequest(requests=[asked_for("a.example", n) for n in range(3)])
            with pytest.raises(grpc.aio.AioRpcError) as problem:
                await call(channel, CHECK_BATCH, batch, pb.CheckBatchResponse)
            assert problem.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            stream: Any = channel.stream_stream(STREAM_CHECK)()
            await stream.write(batch.SerializeToString())
            found = pb.CheckBatchResponse.FromString(await stream.read()).responses
            assert [r.WhichOneof("result") for r in found] == ["allow", "allow", "error"]
            large = asked_for("a.example")
            large.client.why = "x" * 5000
            with pytest.raises(grpc.aio.AioRpcError) as problem:
                await call(channel, CHECK, large, pb.CheckResponse)
            assert problem.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED

    run(story())


def test_what_is_in_force_is_told_and_told_again() -> None:
    async def story() -> None:
        supply = static(by_name, footprint=Footprint(frozenset({("client", "namespace")})), revision="one")
        async with served(supply) as (_, channel):
            info = await call(channel, GET_INFO, pb.GetInfoRequest(), pb.GetInfoResponse)
            assert (info.engine, info.revision, info.timeless) == ("static", "one", True)
            assert [list(path.steps) for path in info.reads.paths] == [["client", "namespace"]]
            watch: Any = channel.unary_stream(WATCH)  # type: ignore[misc]
            told = watch(pb.WatchRequest().SerializeToString())
            assert pb.PolicyRevision.FromString(await told.read()).revision == "one"
            supply.engine.swap(None, "two")
            supply.changed()
            assert pb.PolicyRevision.FromString(await told.read()).revision == "two"

    run(story())


def test_what_was_asked_before_the_end_is_answered() -> None:
    async def story() -> None:
        supply = static(None)
        supply.engine = slow = Slow()
        async with served(supply) as (pdp, channel):
            stream: Any = channel.stream_stream(STREAM_CHECK)()
            await stream.write(pb.CheckBatchRequest(requests=[asked_for("slow.example", 7)]).SerializeToString())
            await slow.asked.wait()
            stopping = asyncio.ensure_future(pdp.stop())
            await asyncio.sleep(0.02)
            slow.go.set()
            found = pb.CheckBatchResponse.FromString(await stream.read()).responses
            assert [r.request_id for r in found] == [7]
            assert await stream.read() is grpc.aio.EOF
            await stopping
            assert supply.stopped

    run(story())


def test_health_and_pages_say_how_it_is(tmp_path: Path) -> None:
    async def story() -> None:
        http = Address("127.0.0.1", 0)
        async with served(static(by_name), http=http) as (pdp, channel):
            check = health_pb2_grpc.HealthStub(channel).Check
            for name in ("", SERVICE):
                found = await check(health_pb2.HealthCheckRequest(service=name))
                assert found.status == health_pb2.HealthCheckResponse.SERVING
            assert [await probe(pdp.http_port, path) for path in ("/health", "/ready", "/metrics")] == [200, 200, 200]

    run(story())


class Waiting(StaticEngine):
    """Waits for something."""

    def not_ready(self) -> str | None:
        return "data names is not there"


def test_one_that_waits_for_its_policy_is_alive_and_not_ready(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(StaticSupply(Waiting(by_name)), http=Address("127.0.0.1", 0)) as (pdp, _):
            assert [await probe(pdp.http_port, path) for path in ("/health", "/ready")] == [200, 503]

    run(story())


@pytest.mark.parametrize("shown", [True, False])
def test_it_describes_itself_unless_told_not_to(shown: bool) -> None:
    async def story() -> None:
        async with served(static(by_name), reflection=shown) as (_, channel):
            call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
                iter([reflection_pb2.ServerReflectionRequest(list_services="")])
            )
            try:
                found: set[object] = {one.name async for reply in call for one in reply.list_services_response.service}
            except grpc.aio.AioRpcError as problem:
                found = {problem.code()}
            assert found == ({SERVICE, HEALTH, REFLECTION} if shown else {grpc.StatusCode.UNIMPLEMENTED})

    run(story())


def test_a_socket_has_its_mode_and_goes_at_the_end(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "s"
        options = {"listen": (f"unix:{path}", "127.0.0.1:0"), "socket_mode": 0o600}
        async with served(static(by_name), **options) as (pdp, channel):
            assert path.stat().st_mode & 0o777 == 0o600
            assert (await call(channel, CHECK, asked_for("a.example"), pb.CheckResponse)).reason == "a.example"
            other = Pdp(static(None), Options((f"unix:{path}",)), Parts(SystemClock(), print, print), timeout=1.0)
            with pytest.raises(ConfigError, match="somebody listens there"):
                await other.start()
            taken = Pdp(static(None), Options((pdp.listens[1],)), Parts(SystemClock(), print, print), timeout=1.0)
            with pytest.raises(ConfigError, match="cannot listen"):
                await taken.start()
        assert not path.exists()

    run(story())


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "s"
        path.write_text("precious")
        pdp = Pdp(static(None), Options((f"unix:{path}",)), Parts(SystemClock(), print, print), timeout=1.0)
        with pytest.raises(ConfigError, match="no socket"):
            await pdp.start()
        assert path.read_text() == "precious"

    run(story())
