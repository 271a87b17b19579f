"""An answer is reused only for as long as every verdict it came through, and every answer judged for it, holds."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import Endpoint, EndpointSlice, Kind
from dnspolicy.model.answer import Answer, Freshness, Reply, Rests
from dnspolicy.model.errors import EngineTimeout
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import ROOT, Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Record, Type
from dnspolicy.model.target import EXTERNAL, Target, TargetKind
from dnspolicy.model.verdict import Action, Phase, Verdict
from dnspolicy.plugins.policy import Config, Judge, Policy
from dnspolicy.plugins.policy.facts import MAX_ALIASES
from dnspolicy.policy.decisions import DecisionCache
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import PolicyInput
from dnspolicy.policy.settings.failure import OnError, OnErrorLine
from dnspolicy.testing.clock import FakeClock
from dnspolicy.testing.static import StaticEngine
from dnspolicy.wire import rdata

NAME = from_text("db.example")
FILE = (Rests.FILE, "hosts")
POLICY = (Rests.POLICY, "static")
ALLOW = Verdict(Action.ALLOW, "r", "x")
BOTH_PHASES = Footprint(frozenset({("phase",)}))
CLOCK = Footprint(frozenset({("phase",)}), timeless=False)
BELOW = Answer(
    answer=(Record(NAME, int(Type.A), 30, rdata.address("192.0.2.1")),), fresh=Freshness(20.0, frozenset({FILE}))
)


class _View(Index):
    """A cluster in which every name points at `found`."""

    def __init__(self, found: tuple[Target, ...], kinds: tuple[Kind, ...] = ()) -> None:
        super().__init__(FakeClock(), Metrics(), kinds)
        self.found = found

    def targets(self, name: Name, zones: tuple[Name, ...], endpoints: bool) -> tuple[Target, ...]:
        return self.found

    def slices(self, namespace: str, service: str) -> tuple[EndpointSlice, ...]:
        return (EndpointSlice("shop", "web-1", "web", (Endpoint("192.0.2.1"),)),)


def ask(
    engine: StaticEngine,
    *,
    qtype: Type = Type.A,
    found: tuple[Target, ...] = (EXTERNAL,),
    on_error: OnError | tuple[OnErrorLine, ...] = OnError.BLOCK,
    kinds: tuple[Kind, ...] = (),
    found_below: Answer = BELOW,
) -> Answer:
    clock, metrics = FakeClock(), Metrics()
    lines = (OnErrorLine(on_error),) if isinstance(on_error, OnError) else on_error
    judge = Judge(
        Config(rego=("x",), on_error=lines),
        engine,
        DecisionCache(9, clock, metrics),
        clock=clock,
        metrics=metrics,
    )

    async def nobody(query: Query, upstreams: tuple[str, ...], deadline: float) -> Answer:
        raise AssertionError

    async def below(query: Query, ctx: QueryContext) -> Reply:
        return found_below

    room = Policy(
        judge, view=_View(found, kinds), zones=(), block_zones=(ROOT,), missing=lambda _: None, ask_upstreams=nobody
    )
    ctx = QueryContext("192.0.2.9", 1, clock.monotonic(), clock.monotonic() + 4, below)
    reply = asyncio.run(room.handle(Query(NAME, int(qtype), NAME), ctx, below))
    assert isinstance(reply, Answer)
    return reply


ALIASED = Answer(
    answer=(
        Record(NAME, int(Type.CNAME), 30, from_text("www.example").wire),
        Record(from_text("www.example"), int(Type.A), 30, rdata.address("192.0.2.1")),
    ),
    fresh=Freshness(20.0, frozenset({FILE})),
)


def in_response(verdict: Verdict) -> StaticEngine:
    """Allows names, and says `verdict` to answers."""
    return StaticEngine(lambda i: verdict if i.phase is Phase.RESPONSE else ALLOW, footprint=BOTH_PHASES)


def service(namespace: str) -> Target:
    rests = frozenset({(Rests.NAMESPACE, namespace)})
    return Target(TargetKind.SERVICE, namespace, "web", exists=True, rests=rests)


def test_an_answer_let_through_by_a_failure_in_the_response_phase_is_not_reused() -> None:
    def late(question: PolicyInput) -> Verdict:
        if question.phase is Phase.RESPONSE:
            raise EngineTimeout("late")
        return ALLOW

    reply = ask(StaticEngine(late, footprint=BOTH_PHASES), on_error=OnError.ALLOW)
    assert reply.answer == BELOW.answer
    assert reply.fresh.ttl == 0


def test_a_verdict_by_the_clock_in_the_response_phase_bounds_reuse_and_ttls() -> None:
    def says(question: PolicyInput) -> Verdict:
        return Verdict(Action.ALLOW, "r", "x", ttl=15 if question.phase is Phase.QUERY else 2)

    reply = ask(StaticEngine(says, footprint=CLOCK))
    assert reply.fresh.ttl == 2
    assert [r.ttl for r in reply.answer] == [2]


def test_a_block_by_the_clock_in_the_response_phase_is_not_reused_unless_it_says_so() -> None:
    def says(question: PolicyInput) -> Verdict:
        if question.phase is Phase.QUERY:
            return Verdict(Action.ALLOW, "r", "x", ttl=15)
        return Verdict(Action.BLOCK, "r", "x")

    assert ask(StaticEngine(says, footprint=CLOCK)).fresh.ttl == 0


def test_a_redirect_because_of_an_answer_holds_no_longer_than_that_answer() -> None:
    reply = ask(in_response(Verdict(Action.REDIRECT, "r", "x", addresses=("192.0.2.7",))))
    assert [r.rdata for r in reply.answer] == [rdata.address("192.0.2.7")]
    assert reply.fresh == Freshness(20.0, frozenset({FILE, POLICY}))


def test_endpoints_of_a_redirect_rest_on_the_policy_for_srv_too() -> None:
    redirect = Verdict(Action.REDIRECT, "r", "x", endpoints=("192.0.2.1",))
    for qtype in (Type.A, Type.SRV):
        assert POLICY in ask(StaticEngine(redirect), found=(service("shop"),), qtype=qtype).fresh.rests


def test_what_is_let_through_before_the_cluster_is_loaded_is_not_reused() -> None:
    engine = StaticEngine(ALLOW, footprint=Footprint(frozenset({("client", "namespace")})))
    reply = ask(engine, on_error=OnError.ALLOW, kinds=tuple(Kind))
    assert reply.answer == BELOW.answer
    assert reply.fresh.ttl == 0


def test_a_shared_address_denied_by_all_verdicts_rests_on_all_its_owners() -> None:
    engine = StaticEngine(
        Verdict(Action.BLOCK, "r", "x"), footprint=Footprint(frozenset({("target", "namespace_labels", "open")}))
    )
    reply = ask(engine, found=(service("acorn"), service("birch")))
    assert reply.fresh.rests >= {(Rests.NAMESPACE, "acorn"), (Rests.NAMESPACE, "birch")}


def test_an_answer_of_a_last_known_decision_is_not_reused() -> None:
    """The engine may be well again a moment later, with a policy that says something else."""
    calls = iter((ALLOW, EngineTimeout("slow")))

    def once(question: PolicyInput) -> Verdict:
        said = next(calls)
        if isinstance(said, Exception):
            raise said
        return said

    clock, metrics = FakeClock(), Metrics()
    decisions = DecisionCache(9, clock, metrics, keeps_last=True)
    engine = StaticEngine(once)
    config = Config(rego=("x",), on_error=(OnErrorLine(OnError.LAST_KNOWN),))
    judge = Judge(config, engine, decisions, clock=clock, metrics=metrics)

    async def judged() -> Verdict:
        ctx = QueryContext("192.0.2.9", 1, clock.monotonic(), clock.monotonic() + 4, None)  # type: ignore[arg-type]
        return await judge.judge(Query(NAME, 1, NAME), ctx, Phase.QUERY, EXTERNAL)

    first = asyncio.run(judged())
    engine.swap(once, "the next one")  # so that the decision is asked for anew
    judge.renew()
    second = asyncio.run(judged())
    assert judge.limited(BELOW.fresh, EXTERNAL, first).ttl == 20.0
    assert second.trigger == "failure:timeout"
    assert judge.limited(BELOW.fresh, EXTERNAL, second).ttl == 0.0


@pytest.mark.parametrize("late", [False, True], ids=["before", "under way"])
@pytest.mark.parametrize("fails", [False, True], ids=["remembered", "last known"])
def test_what_was_decided_by_other_facts_is_nobodys_even_under_the_same_revision(late: bool, fails: bool) -> None:
    """An engine may learn later what its policy reads: a namespace then is not a node that has the same name."""
    clock, metrics = FakeClock(), Metrics()
    node, namespace = (Footprint(frozenset({("client", key)})) for key in ("node", "namespace"))
    told: list[str] = []
    engine: StaticEngine

    def say(question: PolicyInput) -> Verdict:
        client = question.client
        told.append(client.ip)
        if late and client.node == "x":
            swap()
        if fails and client.node != "x":
            raise EngineTimeout("slow")
        return Verdict(Action.ALLOW, "node", "x") if client.node == "x" else Verdict(Action.BLOCK, "other", "y")

    def swap() -> None:
        engine._footprint = namespace
        judge.renew()

    engine = StaticEngine(say, footprint=node)
    config = Config(rego=("x",), on_error=(OnErrorLine(OnError.LAST_KNOWN),))
    judge = Judge(config, engine, DecisionCache(9, clock, metrics), clock=clock, metrics=metrics)

    async def judged(client: Identity) -> Verdict:
        ctx = QueryContext("192.0.2.9", 1, clock.monotonic(), clock.monotonic() + 4, None)  # type: ignore[arg-type]
        ctx.identity = client
        return await judge.judge(Query(NAME, 1, NAME), ctx, Phase.QUERY, EXTERNAL)

    first = asyncio.run(judged(Identity(ClientKind.POD, "", "192.0.2.1", namespace="y", node="x")))
    if not late:
        swap()
    second = asyncio.run(judged(Identity(ClientKind.POD, "", "192.0.2.2", namespace="x", node="y")))
    assert (first.action, second.action) == (Action.ALLOW, Action.BLOCK)
    assert told == ["192.0.2.1", "192.0.2.2"]


def test_a_verdict_by_the_clock_about_an_alias_bounds_reuse_and_ttls() -> None:
    """A name that may be had until six is not to be had until half past by way of another one."""

    def says(question: PolicyInput) -> Verdict:
        return Verdict(Action.ALLOW, "r", "x", ttl=25 if question.query.name == NAME else 2)

    reply = ask(StaticEngine(says, footprint=Footprint(frozenset({()}), timeless=False)), found_below=ALIASED)
    assert reply.fresh.ttl == 2
    assert [r.ttl for r in reply.answer] == [2, 2]


@pytest.mark.parametrize("action", [Action.ALLOW, Action.BLOCK])
def test_a_verdict_by_the_clock_about_one_of_several_owners_bounds_reuse_and_ttls(action: Action) -> None:
    def says(question: PolicyInput) -> Verdict:
        birch = question.target.namespace == "birch"
        return Verdict(action if birch else Action.ALLOW, "r", "x", ttl=2 if birch else 25)

    engine = StaticEngine(says, footprint=Footprint(frozenset({()}), timeless=False))
    reply = ask(engine, found=(service("acorn"), service("birch")))
    assert reply.fresh.ttl == 2
    assert [r.ttl for r in reply.answer] == [2]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("zone", "db.example"), id="an alias elsewhere"),
        pytest.param(("phase", "query"), id="answers"),
    ],
)
def test_what_the_failure_table_lets_pass_before_the_cluster_is_loaded_goes_no_further(words: tuple[str, ...]) -> None:
    """As when the engine is not there: an alias and an answer are questions of their own."""
    engine = StaticEngine(ALLOW, footprint=Footprint(frozenset({("client", "namespace"), ("phase",)})))
    lines = (OnErrorLine(OnError.ALLOW, words),)
    assert ask(engine, on_error=lines, kinds=tuple(Kind), found_below=ALIASED).answer == ()
    down = StaticEngine(_down, footprint=Footprint(frozenset({("phase",)})))
    assert ask(down, on_error=lines, found_below=ALIASED).answer == ()


@pytest.mark.parametrize("kinds", [tuple(Kind), ()], ids=["before the cluster is loaded", "as ever"])
def test_an_answer_with_aliases_without_end_is_none(kinds: tuple[Kind, ...]) -> None:
    def answer(aliases: int) -> Answer:
        names = [from_text(f"n{number}.example") for number in range(aliases + 1)]
        chain = [Record(one, int(Type.CNAME), 30, other.wire) for one, other in pairwise(names)]
        return Answer(answer=(*chain, Record(names[-1], int(Type.A), 30, rdata.address("192.0.2.1"))))

    engine = StaticEngine(ALLOW, footprint=Footprint(frozenset({("client", "namespace")})))
    assert ask(engine, on_error=OnError.ALLOW, kinds=kinds, found_below=answer(MAX_ALIASES)).answer != ()
    assert ask(engine, on_error=OnError.ALLOW, kinds=kinds, found_below=answer(MAX_ALIASES + 1)).answer == ()


def _down(question: PolicyInput) -> Verdict:
    raise EngineTimeout("late")
