from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnspolicy.chain.context import Judgement
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import Namespace, Pod
from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.model.answer import Answer, Dependencies, Rests
from dnspolicy.model.identity import Owner
from dnspolicy.model.name import from_labels, from_text
from dnspolicy.model.query import Query, Via
from dnspolicy.model.rr import Type
from dnspolicy.model.verdict import Action, Phase, Verdict
from dnspolicy.plugins.alarms import Alarms, Config
from dnspolicy.plugins.alarms.clients import Client, Clients
from dnspolicy.plugins.alarms.counts import Counts, entropy, places_for
from dnspolicy.testing.clock import FakeClock

ZONES = tuple(map(from_text, ("cluster.local", "in-addr.arpa", "ip6.arpa")))
ALLOWED = Verdict(Action.ALLOW, "test/all", "all")


def pod(namespace: str, name: str, address: str, owner: str = "") -> Pod:
    return Pod(
        namespace,
        name,
        uid=f"{namespace}/{name}",
        addresses=(address,),
        owner=Owner("Deployment", owner) if owner else None,
    )


class Watch:
    """A cluster with pods of two namespaces, and a room that watches them."""

    def __init__(self, config: Config | None = None, zones: Iterable[object] = ZONES[:1]) -> None:
        self.clock = FakeClock()
        self.metrics = Metrics()
        self.index = Index(self.clock, self.metrics, ())
        self.index.apply(
            [
                Namespace("lab"), Namespace("shop"),
                pod("lab", "web-a", "10.0.0.1", "web"), pod("lab", "web-b", "10.0.0.2", "web"),
                pod("lab", "bare", "10.0.0.3"), pod("shop", "web-a", "10.0.0.4", "web"),
            ]
        )  # fmt: skip
        self.moved: list[Dependencies] = []
        self.index.subscribe(self.moved.append)
        self.room = Alarms(
            config or Config(), zones=tuple(zones), index=self.index, clock=self.clock, metrics=self.metrics  # type: ignore[arg-type]
        )  # fmt: skip

    def ask(self, address: str, *names: str, judged: tuple[tuple[str, Via], ...] = ()) -> None:
        for text in names:
            name = from_text(text)
            about = tuple(Judgement(from_text(t), Phase.QUERY, ALLOWED, 0.0, False, via) for t, via in judged)
            query = Query(name, int(Type.A), name)
            self.room.seen(Outcome(query, Answer(), address, 4053, self.index.identify(address), about))
        self.room.tell()

    def alarms(self, address: str) -> dict[str, object]:
        return {alarm.domain: alarm for alarm in self.index.identify(address).alarms}

    def metric(self, name: str) -> float:
        self.metrics.collect()
        found = next(metric for metric in self.metrics.collect() if metric.name == name)
        return sum(found.values.values())  # type: ignore[attr-defined, no-any-return]


def secrets(count: int, domain: str = "evil.example", size: int = 60, seed: int = 7) -> list[str]:
    """Names that carry `size` letters each."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        text = base64.b32encode(chance.randbytes(size)).decode().lower()[:size]
        found.append(".".join([text[at : at + 63] for at in range(0, size, 63)] + [domain]))
    return found


def test_two_hundred_long_names_raise_an_alarm_for_the_workload_and_nobody_else() -> None:
    watch = Watch()
    watch.ask("10.0.0.1", *secrets(200))
    (alarm,) = watch.index.identify("10.0.0.1").alarms
    assert alarm.domain == "evil.example"
    assert 4096 <= alarm.bytes <= 4500
    assert alarm.length == 60
    assert 4.0 <= alarm.entropy <= 5.0
    assert alarm.until == alarm.since + 600
    assert watch.alarms("10.0.0.2") == watch.alarms("10.0.0.1")  # another pod of the same Deployment
    assert watch.alarms("10.0.0.3") == watch.alarms("10.0.0.4") == {}
    assert watch.moved == [frozenset({(Rests.IP, "10.0.0.1"), (Rests.IP, "10.0.0.2")})]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["www.example"] * 5000, id="one name, again and again"),
        pytest.param([f"s{n}.cdn.example" for n in range(150)], id="many short names"),
        pytest.param(secrets(60), id="too few"),
        pytest.param(secrets(300, "shop.svc.cluster.local"), id="in the cluster"),
        pytest.param([f"evil{n}.example" for n in range(500)], id="nothing in front of the domain"),
        pytest.param([f"www.shop{n}.example" for n in range(500)], id="a walk through the web"),
        pytest.param(["."] * 200, id="the root"),
        pytest.param([f"{n % 256}.{n // 256}.0.203.in-addr.arpa" for n in range(1000)], id="reverse names"),
    ],
)
def test_what_is_usual_raises_none(names: list[str]) -> None:
    watch = Watch()
    watch.ask("10.0.0.1", *names)
    assert watch.alarms("10.0.0.1") == {}


@pytest.mark.parametrize(
    ("config", "names", "reason"),
    [
        pytest.param(Config(), secrets(200), "bytes", id="bytes"),
        pytest.param(Config(bytes=1 << 30), secrets(200), "names", id="long names"),
        pytest.param(Config(), secrets(120, size=20), "names", id="names like noise"),
        pytest.param(Config(queries=50), ["www.shop.example"] * 60, "queries", id="queries"),
        pytest.param(Config(domain_labels=3), secrets(200, "evil.co.example"), "bytes", id="longer domains"),
    ],
)
def test_reasons(config: Config, names: list[str], reason: str) -> None:
    watch = Watch(config)
    watch.ask("10.0.0.1", *names)
    assert watch.alarms("10.0.0.1")
    assert watch.metrics.counter("dnspolicy_alarms_raised_total", "", ("reason",)).values == {(reason,): 1.0}


def test_names_that_come_from_memory_count() -> None:
    watch = Watch()
    for text in secrets(100):
        name = from_text(text)
        outcome = Outcome(Query(name, 1, name), Answer(), "10.0.0.1", 4053, watch.index.identify("10.0.0.1"))
        watch.room.repeated(outcome, 3, 0.0, 1.0, 0.1)
    watch.room.tell()
    assert watch.alarms("10.0.0.1")


def test_repeats_count_as_queries_only() -> None:
    watch = Watch(Config(queries=1000))
    name = from_text("www.shop.example")
    outcome = Outcome(Query(name, 1, name), Answer(), "10.0.0.1", 4053, watch.index.identify("10.0.0.1"))
    watch.room.repeated(outcome, 999, 0.0, 1.0, 0.1)
    watch.room.tell()
    assert watch.alarms("10.0.0.1") == {}
    watch.room.repeated(outcome, 1, 0.0, 1.0, 0.1)
    watch.room.tell()
    assert "shop.example" in watch.alarms("10.0.0.1")


def test_an_alarm_ends_when_the_client_has_stopped() -> None:
    watch = Watch()
    watch.ask("10.0.0.1", *secrets(200))
    watch.clock.advance(599)
    watch.room.expire()
    assert watch.alarms("10.0.0.1")
    watch.clock.advance(1)
    watch.room.expire()
    assert watch.alarms("10.0.0.1") == {}
    assert watch.moved[-1] == watch.moved[0]


def test_an_alarm_goes_on_while_the_client_does() -> None:
    watch = Watch()
    watch.ask("10.0.0.1", *secrets(200))
    (first,) = watch.index.identify("10.0.0.1").alarms
    watch.clock.advance(590)
    watch.ask("10.0.0.2", *secrets(200, seed=8))
    watch.clock.advance(10)
    watch.room.expire()
    (again,) = watch.index.identify("10.0.0.1").alarms
    assert (again.since, again.until) == (first.since, first.until + 600)
    assert watch.metric("dnspolicy_alarms_raised_total") == 1


def test_slow_names_never_add_up() -> None:
    watch = Watch()
    for name in secrets(400):
        watch.ask("10.0.0.1", name)
        watch.clock.advance(2)
    assert watch.alarms("10.0.0.1") == {}


def test_names_of_a_steady_client_add_up_over_both_halves() -> None:
    watch = Watch(Config(bytes=1 << 30))
    for name in secrets(250):
        watch.ask("10.0.0.1", name)
        watch.clock.advance(0.5)
    assert watch.alarms("10.0.0.1")


def test_many_domains_do_not_hide_what_is_carried() -> None:
    watch = Watch(Config(domains=8))
    names = [f"{secret}.evil{n}.example" for n, secret in enumerate(secrets(300, "x"))]
    watch.ask("10.0.0.1", *names)
    assert set(watch.alarms("10.0.0.1")) == {"*"}
    assert watch.metric("dnspolicy_alarms_crowded_total") == 292


def test_noise_does_not_push_out_what_counts() -> None:
    watch = Watch(Config(domains=8))
    for n, name in enumerate(secrets(200)):
        watch.ask("10.0.0.1", name, *[f"www.noise{n * 10 + i}.example" for i in range(10)])
    assert "evil.example" in watch.alarms("10.0.0.1")


def test_a_search_list_and_a_rewrite_do_not_hide_names() -> None:
    watch = Watch()
    for name in secrets(100):
        watch.ask("10.0.0.1", "x.lab.svc.cluster.local", judged=((name, Via.AUTOPATH),))
    assert watch.alarms("10.0.0.1")


def test_names_that_others_chose_do_not_count() -> None:
    watch = Watch()
    for name in secrets(100):
        watch.ask("10.0.0.1", "www.shop.example", judged=((name, Via.CNAME),))
    assert watch.alarms("10.0.0.1") == {}


def test_exceptions_are_not_counted() -> None:
    watch = Watch(Config(except_=("scan.example.",)))  # type: ignore[arg-type]
    watch.ask("10.0.0.1", *secrets(200, "avts.scan.example"))
    assert watch.alarms("10.0.0.1") == {}
    assert watch.metric("dnspolicy_alarms_clients") == 0


def test_odd_bytes_are_written_as_policies_see_them() -> None:
    watch = Watch(Config(names=8, length=1))
    labels = [(bytes((n,)) * 60, b"e\n", b"x") for n in range(1, 90)]
    for parts in labels:
        name = from_labels(parts)
        watch.room.seen(Outcome(Query(name, 1, name), Answer(), "10.0.0.3", 1, watch.index.identify("10.0.0.3")))
    watch.room.tell()
    assert set(watch.alarms("10.0.0.3")) == {"e\\010.x"}


def test_a_pod_that_comes_later_has_the_alarms_of_its_workload() -> None:
    watch = Watch()
    watch.ask("10.0.0.1", *secrets(200))
    watch.index.apply([pod("lab", "web-c", "10.0.0.9", "web")])
    assert watch.alarms("10.0.0.9")
    watch.index.apply([pod("lab", "other", "10.0.0.1")])  # the address goes to somebody else
    assert not watch.index.identify("10.0.0.1").alarms


def test_a_room_that_stops_takes_its_alarms_along() -> None:
    watch = Watch()

    async def run() -> None:
        await watch.room.start()
        watch.ask("10.0.0.1", *secrets(200))
        assert watch.alarms("10.0.0.1")
        await watch.room.stop()

    asyncio.run(run())
    assert watch.alarms("10.0.0.1") == {}


def test_two_rooms_have_alarms_of_their_own() -> None:
    watch = Watch()
    other = Alarms(Config(), zones=(), index=watch.index, clock=watch.clock, metrics=Metrics())
    watch.ask("10.0.0.1", *secrets(200))
    watch.room, first = other, watch.room
    watch.ask("10.0.0.1", *secrets(200, "bad.example"))
    assert set(watch.alarms("10.0.0.1")) == {"evil.example", "bad.example"}
    watch.index.calm(first)
    assert set(watch.alarms("10.0.0.1")) == {"bad.example"}


def test_strangers_cannot_push_out_the_clients_of_a_namespace() -> None:
    watch = Watch(Config(clients=16))
    watch.ask("10.0.0.1", *secrets(50))
    for n in range(1000):
        watch.ask(f"198.51.{n // 250}.{n % 250 + 1}", "www.shop.example")
    watch.ask("10.0.0.1", *secrets(50, seed=8))
    assert watch.alarms("10.0.0.1")
    assert watch.metric("dnspolicy_alarms_clients") == 16


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=300))
def test_places_are_bounded_and_shared(asked: list[tuple[int, int]]) -> None:
    gone: list[Client] = []
    clients = Clients(12, gone.append)
    for namespace, number in asked:
        clients.find((f"n{namespace}", f"p{number}"))
        held = list(clients)
        assert len(held) == len(clients) <= 12
    counts = {n: sum(c.subject[0] == f"n{n}" for c in clients) for n in range(6)}
    different = {n: len({p for m, p in asked if m == n}) for n in range(6)}
    assert all(counts[n] >= min(different[n], 2) for n in range(6))  # 12 places for 6 namespaces


def test_what_is_known_of_a_domain_has_one_size() -> None:
    counts, places = Counts(0.0), places_for(2_000)
    for n in range(100_000):
        counts.add(hash((n, "x")) % places, b"x" * 200, 1)
    assert counts.measured(places).names >= 2_000


@pytest.mark.parametrize("names", [20, 100, 500, 2_000])
def test_different_names_are_known_within_some_percent(names: int) -> None:
    chance = random.Random(names)
    places = places_for(names)
    counts = Counts(0.0)
    for _ in range(names):
        place = chance.randrange(places)
        for _ in range(3):
            counts.add(place, b"x", 1)
    assert abs(counts.measured(places).names - names) <= max(3, names * 0.08)


@pytest.mark.parametrize(
    ("text", "bits"),
    [(b"", 0.0), (b"aaaa", 0.0), (b"abab", 1.0), (b"abcd", 2.0), (bytes(range(128)), 7.0)],
    ids=["nothing", "one", "two", "four", "all"],
)
def test_entropy(text: bytes, bits: float) -> None:
    assert entropy(text) == pytest.approx(bits)


def test_the_directive(tmp_path: Path) -> None:
    text = """alarms {
        window 2m
        names 50
        length 30
        entropy 3.2
        bytes 2k
        queries 6000
        hold 1h
        domain_labels 3
        clients 100
        domains 4
        except scan.example
    }"""
    path = tmp_path / "Corefile"
    path.write_text(f". {{\n{text}\n}}")
    complaints = Complaints()
    found = bind(load(path, {}).blocks[0].directives[0], Config, complaints)
    assert not str(complaints)
    assert found == Config(
        window=120.0, names=50, length=30, entropy=3.2, bytes=2048, queries=6000, hold=3600.0, domain_labels=3,
        clients=100, domains=4, except_=("scan.example.",),
    )  # type: ignore[arg-type]  # fmt: skip
