"""Which rooms are called, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.chain.build import build
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metadata import Metadata
from dnspolicy.chain.metrics import Metrics, ServerLabels
from dnspolicy.chain.plugin import NO_FACTS, AskNext, Plugin, Selective
from dnspolicy.corefile.schema import Zone
from dnspolicy.model.answer import Answer, Drop, Reply
from dnspolicy.model.name import ROOT, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import type_number
from dnspolicy.plugins import acl, hosts, rewrite, template
from tests.unit.through import query, through


class Room:
    """Notes that it is called; `concerns` and `finish` as given."""

    reads = NO_FACTS

    def __init__(
        self,
        name: str,
        calls: list[str],
        concerns: Callable[[Query], bool] | None = None,
        finish: Callable[[Answer], Answer] | None = None,
    ) -> None:
        self.name = name
        self.concerns = concerns
        self.finish = finish
        self._calls = calls

    async def handle(self, asked: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        self._calls.append(self.name)
        return await ask_next(asked, ctx)


class End(Room):
    def __init__(self, calls: list[str], reply: Reply) -> None:
        super().__init__("forward", calls)
        self._reply = reply

    async def handle(self, asked: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        return self._reply


def ask(rooms: list[Plugin]) -> Reply:
    async def resolve(passed: Query, ctx: QueryContext) -> Reply:
        raise AssertionError("nothing is resolved anew")

    return asyncio.run(_awaited(build(rooms), QueryContext("192.0.2.1", 1, 0.0, 5.0, resolve)))


async def _awaited(chain: AskNext, ctx: QueryContext) -> Reply:
    return await chain(query("a.test"), ctx)


@pytest.mark.parametrize(
    ("answers", "called"),
    [
        pytest.param((True, True, True, True), ["rewrite", "acl", "template", "hosts"], id="all"),
        pytest.param((False, False, False, False), [], id="none"),
        pytest.param((None, False, None, False), ["rewrite", "template"], id="who cannot tell is called"),
        pytest.param((False, True, True, False), ["acl", "template"], id="the second of two, the first of two"),
        pytest.param((True, False, False, True), ["rewrite", "hosts"], id="the first of two, the second of two"),
    ],
)
def test_a_room_that_a_query_does_not_concern_is_not_called(
    answers: tuple[bool | None, ...], called: list[str]
) -> None:
    calls: list[str] = []
    asked: list[str] = []

    def telling(name: str, concerned: bool | None) -> Callable[[Query], bool] | None:
        def tell(_: Query) -> bool:
            asked.append(name)
            return bool(concerned)

        return None if concerned is None else tell

    names = ("rewrite", "acl", "template", "hosts")
    rooms = [Room(name, calls, telling(name, told)) for name, told in zip(names, answers, strict=True)]
    assert ask([*rooms[:2], Room("cache", calls), *rooms[2:], End(calls, Drop("end"))]) == Drop("end")
    assert calls == sorted((*called, "cache"), key=("rewrite", "acl", "cache", "template", "hosts").index)
    assert asked == [name for name, told in zip(names, answers, strict=True) if told is not None]


def test_neighbours_that_finish_do_so_from_the_inside_out() -> None:
    calls: list[str] = []

    def adding(text: str) -> Callable[[Answer], Answer]:
        return lambda answer: answer.changed(upstream=answer.upstream + text)

    rooms = [Room("header", calls, finish=adding("h")), Room("minimal", calls, finish=adding("m"))]
    assert ask([*rooms, End(calls, Answer())]) == Answer(upstream="mh")
    assert ask([rooms[0], Room("template", calls), End(calls, Answer())]) == Answer(upstream="h")
    assert calls == ["template"]


@pytest.mark.parametrize("reply", [Drop("x"), Answer(transfer=True)], ids=["silence", "zone transfer"])
def test_only_answers_are_finished(reply: Reply) -> None:
    def fail(_: Answer) -> Answer:
        raise AssertionError("is none of its business")

    assert ask([Room("header", [], finish=fail), End([], reply)]) is reply


LABELS = ("a", "b", "example", "test", "1", "arpa")
ADDRESSES = "192.0.2.2 a.example\n192.0.2.3 *.b.test\n"


def _acl(*zones: str) -> acl.Acl:
    rules = acl.Config(lines=(("block", "type", "A", "net", "*"),))
    return acl.Acl([(rules, tuple(map(from_text, zones)))], metrics=Metrics(), labels=ServerLabels())


def _rewrite(*rules: str) -> rewrite.Rewrite:
    configs = [rewrite.Config(words=tuple(rule.split())) for rule in rules]
    return rewrite.Rewrite(configs, metadata=Metadata(False, ()))


def _template(*zones: str) -> template.TemplateRoom:
    config = template.Config(class_="IN", type_="A", zones=tuple(map(Zone, zones)), rcode="REFUSED")
    return template.TemplateRoom(
        (config,), origins=(ROOT,), metadata=Metadata(False, ()), metrics=Metrics(), labels=ServerLabels()
    )


def _hosts(folder: Path, text: str) -> hosts.Hosts:
    path = folder / f"hosts{abs(hash(text))}"
    path.write_text(text)
    config = hosts.Config(file=str(path), fallthrough=())
    return hosts.Hosts(config, origins=(ROOT,), changed=lambda _: None, metrics=Metrics())


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> list[Plugin]:
    folder = tmp_path_factory.mktemp("selective")
    return [
        _acl("example"),
        _acl("a.example", "test"),
        _rewrite("name a.example b.test", "ttl exact b.test 5"),
        _rewrite("continue type AAAA A", "name exact a.test b.example", "class CH IN"),
        _rewrite(*(f"name exact {one}.{two} x.y" for one in LABELS[:3] for two in LABELS[:3])),
        _template("b.example", "test"),
        _template("a.test"),
        _hosts(folder, "192.0.2.2 a.example\n"),
        _hosts(folder, ADDRESSES),
        _hosts(folder, "192.0.2.4 *\n"),
    ]


@given(
    labels=st.lists(st.sampled_from(LABELS), max_size=4),
    qtype=st.sampled_from(("A", "AAAA", "PTR", "TXT")),
    qclass=st.sampled_from((1, 3)),
)
def test_what_does_not_concern_a_room_passes_it_as_it_is(
    rooms: list[Plugin], labels: list[str], qtype: str, qclass: int
) -> None:
    asked = query(".".join(labels) or ".", type_number(qtype), qclass=qclass)
    below = Answer(made_by="below")
    for room in rooms:
        assert isinstance(room, Selective)
        assert room.concerns is not None
        if not room.concerns(asked):
            reply, seen = through(room, asked, below)
            assert (reply is below, seen) == (True, [asked])


def test_names_of_others_do_not_concern_a_room(rooms: list[Plugin]) -> None:
    """The property above would hold for rooms that everything concerns."""
    asked = query("web.shop.svc.cluster.local")
    told = [room.concerns(asked) for room in rooms if isinstance(room, Selective) and room.concerns is not None]
    assert told == [False] * (len(rooms) - 1) + [True]
