from __future__ import annotations

import asyncio
from collections import Counter
from ipaddress import ip_address
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.rotate import MAX_VARIANTS, variants
from dnspolicy.corefile.schema import Duration
from dnspolicy.model.answer import NOTHING, Answer, Dependencies, Drop, Freshness, Reply, Rests
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.loadbalance import Config, Loadbalance
from dnspolicy.plugins.loadbalance.config import Policy

NAME = from_text("web.example.org")


def record(text: str) -> Record:
    """`A1` is an A record with data 1, and so on."""
    kind = text.rstrip("0123456789")
    return Record(NAME, int(Type[kind]), 5, text.removeprefix(kind).encode())


def answer(texts: str, rcode: Rcode = Rcode.NOERROR) -> Answer:
    return Answer(rcode, answer=tuple(map(record, texts.split())))


def orders(texts: str) -> list[str]:
    return [
        " ".join(f"{Type(r.type).name}{r.rdata.decode()}" for r in turned.answer) for turned in variants(answer(texts))
    ]


def room(config: Config | None = None, moved: list[Dependencies] | None = None) -> Loadbalance:
    changed = (moved if moved is not None else []).append
    return Loadbalance(config or Config(), changed=changed, random=Random(7))


def through_room(reply: Reply, made: Loadbalance | None = None, qtype: int = Type.A) -> Reply:
    async def ask_next(query: Query, ctx: QueryContext) -> Reply:
        return reply

    async def resolve(query: Query, ctx: QueryContext) -> Reply:
        raise AssertionError("loadbalance resolves nothing")

    ctx = QueryContext("192.0.2.1", 1, 0.0, 5.0, resolve)
    coroutine = (made or room()).handle(Query(NAME, int(qtype), NAME), ctx, ask_next)
    with pytest.raises(StopIteration) as ended:
        coroutine.send(None)
    found: Reply = ended.value.value
    return found


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param("", [""], id="nothing"),
        pytest.param("A1", ["A1"], id="one"),
        pytest.param("A1 A2", ["A1 A2", "A2 A1"], id="two"),
        pytest.param("A1 A2 A3", ["A1 A2 A3", "A2 A3 A1", "A3 A1 A2"], id="three"),
        pytest.param("CNAME1 CNAME2 A1 A2", ["CNAME1 CNAME2 A1 A2", "CNAME1 CNAME2 A2 A1"], id="aliases stay first"),
        pytest.param("A1 CNAME1 TXT1 A2", ["CNAME1 TXT1 A1 A2", "CNAME1 TXT1 A2 A1"], id="addresses after all else"),
        pytest.param("AAAA1 AAAA2", ["AAAA1 AAAA2", "AAAA2 AAAA1"], id="IPv6"),
        pytest.param("MX1 MX2", ["MX1 MX2", "MX2 MX1"], id="MX"),
        pytest.param("A1 MX1 MX2", ["A1 MX1 MX2", "A1 MX2 MX1"], id="each kind by itself"),
        pytest.param("TXT1 TXT2", ["TXT1 TXT2"], id="other types stay"),
    ],
)
def test_variants(texts: str, expected: list[str]) -> None:
    assert orders(texts) == expected


def test_many_records_have_few_variants_spread_evenly() -> None:
    texts = " ".join(f"A{n}" for n in range(16))
    found = orders(texts)
    assert len(found) == MAX_VARIANTS
    assert [order.split()[0] for order in found] == [f"A{n}" for n in range(0, 16, 2)]
    assert all(sorted(order.split()) == sorted(texts.split()) for order in found)


@pytest.mark.parametrize(
    ("reply", "rotates"),
    [
        pytest.param(answer("A1 A2"), True, id="two addresses"),
        pytest.param(answer("CNAME1 A1 A2"), True, id="behind an alias"),
        pytest.param(answer("MX1 MX2"), True, id="MX"),
        pytest.param(answer("A1"), False, id="one address"),
        pytest.param(answer("CNAME1 A1"), False, id="alias and one address"),
        pytest.param(answer("TXT1 TXT2"), False, id="other types"),
        pytest.param(answer("A1 A2", Rcode.SERVFAIL), False, id="failure"),
        pytest.param(answer(""), False, id="no records"),
        pytest.param(answer("A1 A2").changed(ordered=True), False, id="an order that was chosen"),
        pytest.param(answer("A1 A2").changed(transfer=True), False, id="a transfer"),
    ],
)
def test_answers_are_marked(reply: Answer, rotates: bool) -> None:
    assert through_room(reply) == reply.changed(rotate=rotates)


def test_drops_pass() -> None:
    assert through_room(Drop("x")) == Drop("x")


def addresses(*texts: str) -> Answer:
    """An answer with these addresses."""
    records = []
    for text in texts:
        packed = from_ip(text)
        records.append(Record(NAME, int(Type.A if len(packed) == 4 else Type.AAAA), 5, packed))
    return Answer(answer=tuple(records), fresh=Freshness())


def from_ip(text: str) -> bytes:
    return ip_address(text).packed


def shown(answer: Answer) -> list[str]:
    return [str(ip_address(r.rdata)) for r in answer.answer if r.type in (Type.A, Type.AAAA)]


class TestPrefer:
    CONFIG = Config(prefer=("10.1.0.0/16", "10.2.0.0/16", "2001:db8::/32"))
    MIXED = ("192.0.2.1", "10.2.0.1", "2001:db8::1", "10.1.0.1", "192.0.2.2", "10.2.0.2")

    def test_networks_come_in_their_order_and_turn_each_by_itself(self) -> None:
        found = through_room(addresses(*self.MIXED), room(self.CONFIG))
        assert isinstance(found, Answer)
        assert [shown(turned) for turned in variants(found)] == [
            ["10.1.0.1", "10.2.0.1", "10.2.0.2", "2001:db8::1", "192.0.2.1", "192.0.2.2"],
            ["10.1.0.1", "10.2.0.2", "10.2.0.1", "2001:db8::1", "192.0.2.2", "192.0.2.1"],
        ]

    def test_an_order_that_was_chosen_stays(self) -> None:
        chosen = addresses(*self.MIXED).changed(ordered=True)
        assert through_room(chosen, room(self.CONFIG)) == chosen

    def test_the_additional_section_too(self) -> None:
        more = addresses(*self.MIXED).answer
        found = through_room(Answer(answer=(record("SRV1"),), additional=more), room(self.CONFIG))
        assert isinstance(found, Answer)
        assert shown(Answer(answer=found.additional))[:2] == ["10.1.0.1", "10.2.0.1"]

    def test_records_that_somebody_took_out_end_the_turning(self) -> None:
        found = through_room(addresses(*self.MIXED), room(self.CONFIG))
        assert isinstance(found, Answer)
        less = found.changed(answer=found.answer[1:])
        assert variants(less) == (less,)

    @given(st.lists(st.sampled_from(["10.1.0.1", "10.1.0.2", "10.2.0.1", "192.0.2.1", "2001:db8::1"]), max_size=9))
    def test_no_variant_loses_a_record_or_the_order_of_networks(self, texts: list[str]) -> None:
        found = through_room(addresses(*texts), room(self.CONFIG))
        assert isinstance(found, Answer)
        for turned in variants(found):
            order = shown(turned)
            assert sorted(order) == sorted(texts)
            assert [text[:4] for text in order] == sorted(
                (text[:4] for text in order), key=["10.1", "10.2", "2001", "192."].index
            )


class TestWeighted:
    THREE = ("192.0.2.1", "192.0.2.2", "192.0.2.3")

    def made(self, folder: Path, text: str, **more: object) -> tuple[Loadbalance, Path]:
        path = folder / "weights"
        path.write_text(text)
        return room(Config(policy=Policy.WEIGHTED, file=str(path), **more)), path  # type: ignore[arg-type]

    def firsts(self, made: Loadbalance, *texts: str, times: int = 6000) -> Counter[str]:
        found: Counter[str] = Counter()
        for _ in range(times):
            reply = through_room(addresses(*texts), made)
            assert isinstance(reply, Answer)
            assert sorted(shown(reply)) == sorted(texts)
            found[shown(reply)[0]] += 1
        return found

    def test_the_first_address_is_drawn_by_weight(self, tmp_path: Path) -> None:
        made, _ = self.made(tmp_path, f"{NAME}\n192.0.2.1 3\n192.0.2.2 1\n192.0.2.3 2\n")
        found = self.firsts(made, *self.THREE)
        assert {text: round(count / 1000) for text, count in found.items()} == dict(
            zip(self.THREE, (3, 1, 2), strict=True)
        )

    def test_an_address_without_a_weight_weighs_one(self, tmp_path: Path) -> None:
        made, _ = self.made(tmp_path, f"{NAME}\n192.0.2.1 4\n")
        found = self.firsts(made, *self.THREE)
        assert [round(found[text] / 1000) for text in self.THREE] == [4, 1, 1]

    def test_what_was_drawn_holds_for_one_query(self, tmp_path: Path) -> None:
        made, _ = self.made(tmp_path, f"{NAME}\n192.0.2.1 4\n")
        reply = through_room(addresses(*self.THREE), made)
        assert isinstance(reply, Answer)
        assert (reply.fresh.ttl, reply.ordered, reply.rotate) == (0, True, False)

    def test_equal_weights_are_served_in_turn(self, tmp_path: Path) -> None:
        made, path = self.made(tmp_path, "other.test\n192.0.2.1 4\n")
        reply = through_room(addresses(*self.THREE), made)
        assert isinstance(reply, Answer)
        assert (reply.rotate, reply.fresh) == (True, Freshness(None, frozenset({(Rests.FILE, str(path))})))

    @pytest.mark.parametrize("qtype", [Type.MX, Type.ANY], ids=lambda t: t.name)
    def test_other_questions_stay(self, tmp_path: Path, qtype: int) -> None:
        made, _ = self.made(tmp_path, f"{NAME}\n192.0.2.1 4\n")
        assert through_room(addresses(*self.THREE), made, qtype) == addresses(*self.THREE)

    def test_a_chosen_order_stays(self, tmp_path: Path) -> None:
        made, _ = self.made(tmp_path, f"{NAME}\n192.0.2.3 255\n")
        chosen = addresses(*self.THREE).changed(ordered=True)
        assert all(through_room(chosen, made) == chosen for _ in range(20))

    def test_aliases_come_first(self, tmp_path: Path) -> None:
        made, _ = self.made(tmp_path, f"{NAME}\n192.0.2.3 255\n")
        three = addresses(*self.THREE).answer
        reply = through_room(Answer(answer=(*three, record("CNAME1"))), made)
        assert isinstance(reply, Answer)
        assert [r.type for r in reply.answer] == [Type.CNAME, Type.A, Type.A, Type.A]

    def test_with_prefer_the_networks_win(self, tmp_path: Path) -> None:
        made, _ = self.made(tmp_path, f"{NAME}\n192.0.2.3 255\n", prefer=("192.0.2.2/32",))
        found = through_room(addresses(*self.THREE), made)
        assert isinstance(found, Answer)
        assert shown(found) == ["192.0.2.2", "192.0.2.3", "192.0.2.1"]

    def test_a_new_file_is_used_and_announced(self, tmp_path: Path) -> None:
        path = tmp_path / "weights"
        path.write_text(f"{NAME}\n192.0.2.1 255\n")
        moved: list[Dependencies] = []
        made = room(Config(policy=Policy.WEIGHTED, file=str(path)), moved)
        moved.clear()
        made.refresh()
        assert moved == []
        path.write_text(f"{NAME}\n192.0.2.3 255\n# longer\n")
        made.refresh()
        assert moved == [frozenset({(Rests.FILE, str(path))})]
        assert self.firsts(made, *self.THREE, times=100).most_common(1)[0][0] == "192.0.2.3"

    @pytest.mark.parametrize("bad", [None, "192.0.2.1 3\n"], ids=["gone", "broken"])
    def test_a_bad_file_keeps_the_last_good_one(
        self, tmp_path: Path, bad: str | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        made, path = self.made(tmp_path, f"{NAME}\n192.0.2.3 255\n")
        path.unlink()
        if bad is not None:
            path.write_text(bad)
        made.refresh()
        made.refresh()
        assert self.firsts(made, *self.THREE, times=100).most_common(1)[0][0] == "192.0.2.3"
        assert [r.getMessage() for r in caplog.records if "cannot be used" in r.getMessage()] == caplog.messages
        assert len(caplog.messages) == 1

    def test_a_file_that_comes_later_is_waited_for(self, tmp_path: Path) -> None:
        path = tmp_path / "weights"
        made = room(Config(policy=Policy.WEIGHTED, file=str(path)))
        path.write_text(f"{NAME}\n192.0.2.3 255\n")
        made.refresh()
        assert self.firsts(made, *self.THREE, times=100).most_common(1)[0][0] == "192.0.2.3"

    @pytest.mark.parametrize(
        ("text", "reload"), [("192.0.2.1 3", 30.0), (None, 0.0)], ids=["broken", "not there and never looked at again"]
    )
    def test_a_start_without_weights_is_refused(self, tmp_path: Path, text: str | None, reload: float) -> None:
        path = tmp_path / "weights"
        if text is not None:
            path.write_text(text)
        with pytest.raises(ConfigError, match="cannot be used"):
            room(Config(policy=Policy.WEIGHTED, file=str(path), reload=Duration(reload)))

    def test_it_is_looked_at_again_and_again(self, tmp_path: Path) -> None:
        path, new = tmp_path / "weights", tmp_path / "new"
        path.write_text("")
        new.write_text(f"{NAME}\n192.0.2.3 255\n")
        config = Config(policy=Policy.WEIGHTED, file=str(path), reload=Duration(0.1))

        async def story() -> Loadbalance:
            moved = asyncio.Event()
            made = Loadbalance(config, changed=lambda _: moved.set())
            await made.start()
            new.replace(path)
            await asyncio.wait_for(moved.wait(), 30)
            await made.stop()
            return made

        assert self.firsts(asyncio.run(story()), *self.THREE, times=100).most_common(1)[0][0] == "192.0.2.3"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"policy": Policy.WEIGHTED}, id="no file"),
        pytest.param({"file": "weights"}, id="a file for round_robin"),
        pytest.param({"reload": Duration(5.0)}, id="reload without a file"),
        pytest.param({"policy": Policy.WEIGHTED, "file": "w", "reload": Duration(0.01)}, id="too often"),
        pytest.param({"prefer": ("10.0.0.1",)}, id="an address is no network"),
        pytest.param({"prefer": ("10.0.0.0/33",)}, id="no network"),
    ],
)
def test_config_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Config(**fields)  # type: ignore[arg-type]


def test_nothing_rests_on_a_file_without_one() -> None:
    found = through_room(addresses("192.0.2.1", "192.0.2.2"))
    assert isinstance(found, Answer)
    assert found.fresh.rests == NOTHING
