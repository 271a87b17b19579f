"""A server with finished answers gives, byte for byte, what one without them gives."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import dns.message
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.app.supply import build
from dnspolicy.cluster.objects import (
    Endpoint,
    EndpointSlice,
    Namespace,
    Object,
    ObjectKey,
    Pod,
    Port,
    Service,
    ServiceKind,
    key_of,
)
from dnspolicy.engines.rego import Loaded, RegoEngine, load
from dnspolicy.plugins.policy import Config
from dnspolicy.server import front
from dnspolicy.testing.clock import FakeClock
from dnspolicy.testing.static import StaticSupply
from tests.unit.app.chains import BLOCKS, ROOMS, ZONE, chains, corefile
from tests.unit.app.one import One

POLICIES = (
    """package dnspolicy

decision := {"action": "block", "rule": "one/other", "reason": sprintf("not %v", [input.client.namespace])} if {
	input.target.namespace
	input.client.namespace != input.target.namespace
} else := {"action": "redirect", "addresses": ["192.0.2.50"], "rule": "one/env", "reason": "env", "ttl": 9} if {
	input.query.name == "pick.example"
	input.client.namespace_labels.env == "dev"
} else := {"action": "rewrite", "name": "static.example", "rule": "one/alias", "reason": "alias"} if {
	input.query.name == "alias.example"
} else := {"action": "allow", "rule": "one/rest", "reason": "the rest"}
""",
    """package dnspolicy

decision := {"action": "allow", "rule": "two/shared", "reason": "shared"} if {
	input.target.namespace_labels.env == "prod"
} else := {"action": "block", "as": "nodata", "rule": "two/app", "reason": "app"} if {
	input.client.labels.app == "x"
} else := {"action": "block", "as": "refused", "rule": "two/address", "reason": "address", "ttl": 3} if {
	some address in input.answer.addresses
	address == "10.0.0.2"
} else := {"action": "allow", "rule": "two/rest", "reason": "the rest"}
""",
    """package dnspolicy

decision := {"action": "block", "as": "refused", "rule": "three/app", "reason": "app"} if {
	input.client.labels.app == "y"
	input.target.namespace_labels.env == "prod"
} else := {"action": "allow", "rule": "three/rest", "reason": "the rest"}
""",
    """package dnspolicy

decision := {"action": "allow", "rule": "four/all", "reason": "all"}
""",
)
BLIND = 3
"""The policy that reads nothing, so that what rooms read is all that tells clients apart."""
NAMESPACES = ("red", "blue")
CLIENTS = ("127.10.0.1", "127.10.0.2", "127.10.0.3", "127.99.0.1")
NAMES = (
    *(f"{s}.{ns}.svc.cluster.local" for s in ("web", "db", "gone") for ns in NAMESPACES),
    "e1.db.red.svc.cluster.local",
    "_http._tcp.web.red.svc.cluster.local",
    "127-10-0-1.red.pod.cluster.local",
    "red.svc.cluster.local",
    "cluster.local",
    "1.0.0.10.in-addr.arpa",
    "2.0.0.10.in-addr.arpa",
    "1.0.10.127.in-addr.arpa",
    "static.example",
    "alias.example",
    "pick.example",
    "WEB.red.svc.cluster.local",
    "web.red.internal",
    "short.example",
    "made.example",
    "web.red.svc.red.svc.cluster.local",
    "web.blue.blue.svc.cluster.local",
    "static.example.red.svc.cluster.local",
    "gone.red.red.svc.cluster.local",
    "localhost.red.svc.cluster.local",
    "a.wild.zone.example",
    "away.zone.example",
)

namespaces = st.builds(
    lambda name, env: Namespace(name, {"env": env} if env else {}),
    st.sampled_from(NAMESPACES),
    st.sampled_from(("dev", "prod", "")),
)
services = st.builds(
    lambda ns, ip: Service(ns, "web", ServiceKind.CLUSTER_IP, (ip,), (Port("http", "tcp", 80),)),
    st.sampled_from(NAMESPACES),
    st.sampled_from(("10.0.0.1", "10.0.0.2")),
)
headless = st.builds(
    lambda ns: Service(ns, "db", ServiceKind.HEADLESS, (), (Port("pg", "tcp", 5432),)), st.sampled_from(NAMESPACES)
)
external = st.builds(
    lambda target: Service("red", "gone", ServiceKind.EXTERNAL_NAME, external_name=target),
    st.sampled_from(("static.example", "web.blue.svc.cluster.local", "pick.example")),
)
slices = st.builds(
    lambda ns, ips: EndpointSlice(
        ns, "db-1", "db", tuple(Endpoint(ip, hostname=f"e{ip[-1]}") for ip in ips), (Port("pg", "tcp", 5432),)
    ),
    st.sampled_from(NAMESPACES),
    st.lists(st.sampled_from(("10.0.0.1", "10.0.0.2", "10.0.0.3")), unique=True),
)
pods = st.builds(
    lambda ns, ip, app, uid, finished: Pod(
        ns, f"p-{uid}", uid, (ip,), labels={"app": app, "noise": uid}, finished=finished
    ),
    st.sampled_from(NAMESPACES),
    st.sampled_from(CLIENTS[:3]),
    st.sampled_from(("x", "y")),
    st.sampled_from(("u1", "u2")),
    st.booleans(),
)
CLUSTER = (
    Namespace("red", {"env": "dev"}),
    Namespace("blue", {"env": "prod"}),
    Service("red", "web", ServiceKind.CLUSTER_IP, ("10.0.0.1",), (Port("http", "tcp", 80),)),
    Service("blue", "db", ServiceKind.HEADLESS, (), (Port("pg", "tcp", 5432),)),
    EndpointSlice("blue", "db-1", "db", (Endpoint("10.0.0.2", hostname="e2"),), (Port("pg", "tcp", 5432),)),
    Service("red", "gone", ServiceKind.EXTERNAL_NAME, external_name="static.example"),
    *(
        Pod(ns, f"p-{ip}", f"u{ip}", (ip,), labels={"app": app})
        for ns, ip, app in zip(("red", "blue", "red"), CLIENTS, "xxy", strict=False)
    ),
)
things = st.one_of(namespaces, services, headless, external, slices, pods)
questions = st.tuples(
    st.sampled_from(NAMES), st.sampled_from(("A", "A", "AAAA", "SRV", "PTR", "TXT", "ANY")), st.booleans()
)


Step = tuple[object, ...]
types = st.sampled_from(("A", "A", "AAAA", "SRV", "PTR", "TXT", "ANY"))


def walks(policies: Sequence[int] = (0, 1, 2), names: Sequence[str] = NAMES) -> st.SearchStrategy[list[Step]]:
    """Few clients and questions, so that what was remembered is asked for again; many changes between."""

    @st.composite
    def walk(draw: st.DrawFn) -> list[Step]:
        clients = st.sampled_from(draw(st.lists(st.sampled_from(CLIENTS), min_size=1, max_size=3, unique=True)))
        questions = st.tuples(st.sampled_from(names), types, st.booleans())
        asked = st.sampled_from(draw(st.lists(questions, min_size=1, max_size=3, unique=True)))
        ask = st.tuples(st.just("ask"), clients, asked)
        policy = st.tuples(st.just("policy"), st.sampled_from(policies))
        step = st.one_of(
            ask,
            ask,
            ask,
            st.tuples(st.just("put"), things),
            st.tuples(st.just("put"), things),
            st.tuples(st.just("delete"), things),
            st.tuples(st.just("pass"), st.sampled_from((0.4, 1.0, 4.0, 31.0))),
            policy,
        )
        return [draw(policy), *draw(st.lists(step, min_size=30, max_size=60))]

    return walk()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("exact")
    (folder / "cluster").mkdir()
    (folder / "Corefile").write_text(corefile("", ["cache 30"]))
    (folder / "zone.db").write_text(ZONE)
    for number, text in enumerate(POLICIES):
        (folder / f"policy{number}").mkdir()
        (folder / f"policy{number}" / "policy.rego").write_text(text)
    (folder / "policy").symlink_to("policy0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front, "IDENTITY_WAIT", 0.001)
        yield folder


class Policies:
    """`revisions` of a policy, and the `supplies` of the servers made last, which have the first one."""

    def __init__(self, folders: Path) -> None:
        self.revisions = [load((folders / f"policy{n}",), "data.dnspolicy.decision") for n in range(len(POLICIES))]
        self.supplies: list[tuple[RegoEngine, StaticSupply]] = []

    def supply(self, config: Config, plan: Plan, parts: Parts, here: bool) -> StaticSupply:
        engine = RegoEngine(self.revisions[0], metrics=parts.metrics, monotonic=parts.clock.monotonic)
        self.supplies.append((engine, StaticSupply(engine)))
        return self.supplies[-1][1]

    def put(self, revision: Loaded) -> None:
        for engine, supply in self.supplies:
            engine.swap(revision)
            supply.changed()


@pytest.fixture(scope="module")
def policies(folders: Path) -> Iterator[Policies]:
    made = Policies(folders)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(build.SUPPLIES, "rego", made.supply)
        yield made


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=walks())
def test_finished_answers_are_exact(folders: Path, policies: Policies, steps: list[Step]) -> None:
    assert asyncio.run(_walk(folders / "Corefile", policies, steps)) is None


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), chain=chains())
def test_finished_answers_are_exact_in_every_chain(
    folders: Path, policies: Policies, data: st.DataObject, chain: tuple[str, list[str]]
) -> None:
    text, names = chain
    steps = data.draw(walks((BLIND, BLIND, BLIND, 0, 1, 2), names))
    assert asyncio.run(_walk(_written(folders, text), policies, steps, "loadbalance" in text)) is None


@pytest.mark.parametrize("block", BLOCKS, ids=lambda text: text.partition("view ")[2].partition(" ")[0])
def test_every_block_is_sound(folders: Path, policies: Policies, block: str) -> None:
    """What is drawn from above must be understood, or nothing would be tested."""
    asyncio.run(_build(folders, corefile(block, [])))


@pytest.mark.parametrize("room", ROOMS, ids=lambda text: " ".join(text.split()[:3]))
def test_every_room_is_sound(folders: Path, policies: Policies, room: str) -> None:
    asyncio.run(_build(folders, corefile("", [room])))


async def _build(folder: Path, text: str) -> None:
    One(_written(folder, text), FakeClock(), memo=True)


def _written(folder: Path, text: str) -> Path:
    path = folder / "Corefile.drawn"
    path.write_text(text)
    return path


def test_finished_answers_are_used(folders: Path, policies: Policies) -> None:
    """The property above would hold for a memo that remembers nothing."""

    async def scene() -> tuple[int, int]:
        one = One(folders / "Corefile", FakeClock(), memo=True)
        one.app.view.apply([Namespace("red"), Service("red", "web", ServiceKind.CLUSTER_IP, ("10.0.0.1",))])
        one.app.view.apply(
            [Pod("red", f"p{n}", f"u{n}", (f"127.10.0.{n}",), labels={"n": str(n)}) for n in range(1, 9)]
        )
        for n in (1, *range(1, 9)):
            await one.ask(dns.message.make_query(NAMES[0], "A").to_wire(), f"127.10.0.{n}")
        assert one.app.memo is not None
        return one.app.memo.size, len({id(row.answers) for row in one.door.rows.values()})

    assert asyncio.run(scene()) == (1, 1)


async def _walk(path: Path, policies: Policies, steps: list[Step], turns: bool = False) -> str | None:
    """The first difference, if there is one; with `turns`, records may stand in another order."""
    clock = FakeClock()
    policies.supplies.clear()
    servers = [One(path, clock, memo) for memo in (True, False)]
    for server in servers:
        await server.app.engines.start()
        server.app.view.apply(CLUSTER)
    for number, step in enumerate(steps):
        match step:
            case ("ask", client, (name, rdtype, edns)):
                query = dns.message.make_query(str(name), str(rdtype), use_edns=0 if edns else -1, id=number)
                quick, slow = [await s.ask(query.to_wire(), str(client)) for s in servers]
                if quick != slow and not (turns and _in_any_order(quick) == _in_any_order(slow)):
                    return f"{step}\n{dns.message.from_wire(quick)}\ninstead of\n{dns.message.from_wire(slow)}"
            case ("put", thing):
                for server in servers:
                    server.app.view.apply([thing])
            case ("delete", thing):
                for server in servers:
                    server.app.view.apply([], [_key(thing)])
            case ("pass", seconds):
                clock.advance(float(str(seconds)))
            case ("policy", revision):
                policies.put(policies.revisions[int(str(revision))])
    return None


def _in_any_order(wire: bytes) -> list[str]:
    return sorted(dns.message.from_wire(wire).to_text().splitlines()) if wire else []


def _key(thing: object) -> ObjectKey:
    assert isinstance(thing, Object)
    return key_of(thing)
