"""Documents that are put into a policy in force."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dnspolicy.engines.rego import Loaded, RegoEngine, load
from dnspolicy.engines.rego.failing import RegoError
from dnspolicy.engines.rego.pieces import split
from dnspolicy.model.errors import PolicyLoadError
from tests.unit.engines.rego_folders import ALLOW, write
from tests.unit.policy.questions import question

pytestmark = pytest.mark.usefixtures("binding")
ADS, BAD = ("feeds", "ads"), ("feeds", "bad")
REGO = f"""
    decision := {ALLOW} if data.feeds.ads[input.query.name]
    decision := {ALLOW} if data.feeds.bad[input.query.name] == data.static
    """


def made(folder: Path, rego: str = REGO, declared: tuple[tuple[str, ...], ...] = (ADS, BAD), **files: str) -> Loaded:
    files = {"p.rego": rego, "data.json": '{"static": 1, "feeds": {"own": 2}}', **files}
    return load([write(folder, files)], declared=declared, isolated=False)


def says(engine: RegoEngine, name: str) -> bool:
    return engine.decide_now(question(name), time.monotonic() + 60) is not None


def feed(engine: RegoEngine, documents: dict[tuple[str, ...], Any]) -> None:
    """Feed values; None takes a document away, bytes are given as they are."""

    def raw(value: Any) -> bytes | None:
        return value if value is None or isinstance(value, bytes) else json.dumps(value).encode()

    asyncio.run(engine.feed({path: raw(value) for path, value in documents.items()}))


def test_documents_come_change_and_go(tmp_path: Path) -> None:
    engine = RegoEngine(made(tmp_path))
    assert not says(engine, "a.example")
    feed(engine, {ADS: {"a.example": True}})
    assert says(engine, "a.example")
    feed(engine, {BAD: {"b.example": 1}})
    assert (says(engine, "a.example"), says(engine, "b.example")) == (True, True)
    feed(engine, {ADS: {"c.example": True}})
    assert (says(engine, "a.example"), says(engine, "b.example"), says(engine, "c.example")) == (False, True, True)
    feed(engine, {ADS: None, BAD: {}})
    assert not any(says(engine, name) for name in ("a.example", "b.example", "c.example"))


def test_the_revision_names_policy_and_documents(tmp_path: Path) -> None:
    loaded = made(tmp_path)
    engine, other = RegoEngine(loaded), RegoEngine(loaded)
    seen = [engine.revision]
    for documents in ({ADS: {"a": 1}}, {ADS: {"a": 2}}, {BAD: {"a": 2}}, {ADS: None}, {BAD: None}):
        feed(engine, documents)
        seen.append(engine.revision)
    assert seen[0] == seen[-1] == loaded.revision
    assert len(set(seen)) == len(seen) - 1
    feed(other, {ADS: {"a": 2}, BAD: {"a": 2}})
    assert other.revision == seen[3]
    verdict = other.decide_now(question("a"), time.monotonic() + 60)
    assert verdict is not None
    assert verdict.revision == seen[3]


def test_the_same_document_changes_nothing(tmp_path: Path) -> None:
    engine = RegoEngine(made(tmp_path))
    feed(engine, {ADS: {"a": 1}})
    before = engine.revision
    feed(engine, {ADS: {"a": 1}, BAD: None})
    assert engine.revision == before
    assert says(engine, "a")


@pytest.mark.parametrize(
    "value", [3, "text", None, [], [1, {"a": 2}], {}, {"a": {"b": {"c": [None]}}}, {"é\n": "\x00"}]
)
def test_any_json_can_be_a_document(tmp_path: Path, value: object) -> None:
    rego = f"decision := {ALLOW} if data.feeds.ads == json.unmarshal({json.dumps(json.dumps(value))})\n"
    engine = RegoEngine(made(tmp_path, rego))
    feed(engine, {ADS: json.dumps(value).encode()})
    assert says(engine, "a")


@pytest.mark.parametrize(
    ("documents", "complaint"),
    [
        pytest.param({("feeds", "other"): {}}, "data.feeds.other was not declared", id="not declared"),
        pytest.param({("feeds",): {}}, "data.feeds was not declared", id="above"),
        pytest.param({ADS: b"{"}, "data.feeds.ads: ", id="cut off"),
        pytest.param({ADS: b""}, "data.feeds.ads: ", id="empty"),
        pytest.param({ADS: b'{"a" 1}'}, "data.feeds.ads: ", id="no colon"),
        pytest.param({ADS: b'{"a": 1 "b": 2}'}, "data.feeds.ads: ", id="no comma"),
        pytest.param({ADS: b"{} {}"}, "data.feeds.ads: ", id="two values"),
        pytest.param({ADS: b"\xff"}, "data.feeds.ads: ", id="no UTF-8"),
        pytest.param({ADS: b'{"a": "\\ud800"}'}, "data.feeds.ads: ", id="half a pair"),
        pytest.param({ADS: b'{"a": NaN}'}, "data.feeds.ads: ", id="not a number"),
        pytest.param({ADS: b"[" * 100_000}, "data.feeds.ads: ", id="deep"),
    ],
)
def test_what_cannot_be_put_changes_nothing(tmp_path: Path, documents: dict[Any, Any], complaint: str) -> None:
    engine = RegoEngine(made(tmp_path))
    feed(engine, {ADS: {"a": True}})
    before = engine.revision
    with pytest.raises(PolicyLoadError) as problem:
        feed(engine, {BAD: {"b": 1}, **documents})
    assert str(problem.value).startswith(complaint)
    assert engine.revision == before
    assert (says(engine, "a"), says(engine, "b")) == (True, False)


def test_documents_stay_over_another_policy_that_declares_them(tmp_path: Path) -> None:
    engine = RegoEngine(made(tmp_path / "one"))
    feed(engine, {ADS: {"a": True}, BAD: {"b": 1}})
    second = made(tmp_path / "two", f"decision := {ALLOW} if data.feeds.ads[input.query.name]\n# new\n", (ADS,))
    asyncio.run(engine.swap_slowly(second))
    assert (says(engine, "a"), says(engine, "b")) == (True, False)
    assert engine.revision not in (second.revision, engine.loaded.revision)
    engine.swap(made(tmp_path / "three", declared=()))
    assert not says(engine, "a")
    assert engine.revision == engine.loaded.revision


def test_documents_given_before_the_thread_was_chosen(tmp_path: Path) -> None:
    engine = RegoEngine(made(tmp_path), here=False)

    async def begin() -> None:
        await engine.feed({ADS: b'{"a": true}'})
        await engine.settle()

    asyncio.run(begin())
    assert says(engine, "a")
    assert engine.revision != engine.loaded.revision


def test_many_changes_at_once_come_one_after_the_other(tmp_path: Path) -> None:
    engine = RegoEngine(made(tmp_path))

    async def change() -> None:
        feeds = [engine.feed({ADS: json.dumps({f"n{i}": True}).encode()}) for i in range(5)]
        await asyncio.gather(*feeds, engine.swap_slowly(made(tmp_path / "again")), engine.feed({BAD: b'{"b": 1}'}))

    asyncio.run(change())
    assert (says(engine, "n4"), says(engine, "n3"), says(engine, "b")) == (True, False, True)


def test_a_large_document_is_put_in_steps(tmp_path: Path) -> None:
    """However long it takes, there are many turns for others."""
    engine = RegoEngine(made(tmp_path))
    names = json.dumps({f"n{i}.example": {"list": "x", "since": i} for i in range(30_000)}).encode()
    turns = 0

    async def grow() -> None:
        nonlocal turns
        task = asyncio.ensure_future(engine.feed({ADS: names}))
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        await task

    asyncio.run(grow())
    assert turns > 10
    assert says(engine, "n29999.example")


@pytest.mark.parametrize(
    ("rego", "data", "declared", "complaint"),
    [
        pytest.param("x := 1", '{"feeds": {"ads": {"a": 1}}}', (ADS,), "a data file has a value there", id="file"),
        pytest.param("x := 1", '{"feeds": {"ads": {}}}', (ADS,), "a data file has a value there", id="empty object"),
        pytest.param("x := 1", '{"feeds": 3}', (ADS,), "a data file has a value there", id="value above"),
        pytest.param("x := 1", "{}", (("dnspolicy", "x"),), "p.rego:2:1: data.dnspolicy.x is declared", id="rule"),
        pytest.param("x := 1", "{}", (("dnspolicy",),), "p.rego:2:1: data.dnspolicy is declared", id="package"),
        pytest.param("x := 1", "{}", (("dnspolicy", "x", "y"),), "here is a rule", id="below a rule"),
        pytest.param("x := 1", "{}", (ADS, ("feeds",)), "declared twice", id="within another"),
        pytest.param("x := 1", "{}", ((),), "needs a name", id="everything"),
        pytest.param("x if not data.m[data.feeds.ads]", "{}", (ADS,), "may be undefined", id="not counted on"),
        pytest.param("x if not data.m[data.feeds]", "{}", (ADS,), "may be undefined", id="above not counted on"),
    ],
)
def test_declared_paths_are_nobody_elses(
    tmp_path: Path, rego: str, data: str, declared: tuple[tuple[str, ...], ...], complaint: str
) -> None:
    with pytest.raises(PolicyLoadError) as problem:
        made(tmp_path, f"{rego}\ndecision := {ALLOW}\n", declared, **{"data.json": data})
    assert complaint in str(problem.value)


def test_pieces_make_the_document_again() -> None:
    deep: dict[str, Any] = {'k\\"é': [1, {"a": None}], "e": {}, "n": {str(i): i for i in range(7_000)}}
    for _ in range(9):
        deep = {"d": deep, "s": '}{][",:'}
    found = [msgspec.json.decode(piece) for piece in split(json.dumps(deep, indent=1), ("p", "q"))]
    assert len(found) > 1
    assert merged(found) == {"p": {"q": deep}}


def test_pieces_of_something_else() -> None:
    assert list(split(" [1, 2] ", ("a",))) == ['{"a":[1, 2]}']
    with pytest.raises(RegoError, match="must be an object"):
        list(split("[1]", ()))


def merged(parts: list[Any]) -> Any:
    into: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            old = into.get(key)
            into[key] = merged([old, value]) if isinstance(old, dict) and isinstance(value, dict) else value
    return into


def test_nobody_waits_for_the_old_policy_to_be_freed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or what remembers its answers would not know of the new one while that decides already."""
    free = threading.Event()
    first, second = made(tmp_path / "one"), made(tmp_path / "two", REGO.replace("static", "own"))
    for kind in {type(loaded.empty()) for loaded in (first, second)}:
        monkeypatch.setattr(kind, "close", lambda *_: free.wait())

    async def story() -> None:
        engine = RegoEngine(first)
        try:
            async with asyncio.timeout(20):
                await engine.swap_slowly(second)
                await engine.feed({ADS: b"{}"})
        finally:
            free.set()
        assert engine.loaded is second

    asyncio.run(story())
